//! An input topic that gets more partitions while the service runs: their records are delivered as well, the ones from
//! before the service noticed too.

use anyhow::Result;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use sanchar_schemas::topics::Topic;
use sanchar_tests::events::{self, state};
use sanchar_tests::publisher::{Outgoing, publish};
use sanchar_tests::{Accounts, Installation, inbox};
use std::time::Duration;

/// How often the service asks for the topics: librdkafka's own default is five minutes.
const SETTINGS: &str = "[kafka.options]\n\"topic.metadata.refresh.interval.ms\" = \"500\"\n";

#[tokio::test(flavor = "multi_thread")]
async fn events_on_partitions_that_were_added_are_delivered() -> Result<()> {
    let delhi = Topic::Reported(state("IN-DL"));
    let installation = Installation::new("partitions").await?;
    publish(&installation, [&events::theft(state("IN-DL"), 1, 1, "")])?;
    let mut fanout = installation.fanout("fanout-1", SETTINGS)?;
    Accounts::after(&mut fanout, 1)?;

    let partitions = delhi.spec().partitions;
    let name = installation.topic(delhi);
    let admin: AdminClient<DefaultClientContext> = installation.cluster.client().create()?;
    let more = NewPartitions::new(&name, (partitions + 2).try_into()?);
    for result in admin.create_partitions([&more], &AdminOptions::new()).await? {
        assert!(result.is_ok(), "{result:?}");
    }
    // To each partition by its number: two of them nobody but the brokers knows yet.
    let producer: BaseProducer = installation.cluster.client().create()?;
    for partition in 0..partitions + 2 {
        let event = events::theft(state("IN-DL"), 10 + u32::try_from(partition)?, 1, "");
        let outgoing = Outgoing::event(&installation, &event)?;
        let mut record = BaseRecord::<[u8], [u8]>::to(&name).partition(partition);
        record.key = outgoing.key.as_deref();
        record.payload = outgoing.value.as_deref();
        producer.send(record).map_err(|(error, _)| error)?;
    }
    producer.flush(Duration::from_secs(30))?;

    let expected = u64::try_from(partitions)? + 3;
    let accounts = Accounts::after(&mut fanout, expected)?;
    assert_eq!((accounts.read, accounts.forwarded), (expected, expected));
    for neighbour in ["IN-HR", "IN-UP"] {
        assert_eq!(inbox::inbox(&installation, state(neighbour))?.len() as u64, expected, "{neighbour}");
    }
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

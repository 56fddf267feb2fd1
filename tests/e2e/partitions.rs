//! An input topic that gets more partitions while the service runs: their records are delivered as well, the ones from
//! before the service noticed too.

use anyhow::Result;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use sanchar_schemas::topics::Topic;
use sanchar_tests::daemon::wait_for;
use sanchar_tests::events::{self, state};
use sanchar_tests::publisher::{Outgoing, Publisher, publish};
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

    let partitions = usize::try_from(delhi.spec().partitions)?;
    let name = installation.topic(delhi);
    let admin: AdminClient<DefaultClientContext> = installation.cluster.client().create()?;
    let more = NewPartitions::new(&name, partitions + 2);
    for result in admin.create_partitions([&more], &AdminOptions::new()).await? {
        assert!(result.is_ok(), "{result:?}");
    }
    // A client that learned of the topic before the brokers did would find its records refused.
    wait_for("the brokers to know the new partitions", || {
        let metadata = admin.inner().fetch_metadata(Some(&name), Duration::from_secs(10))?;
        Ok(metadata.topics().iter().any(|topic| topic.partitions().len() == partitions + 2).then_some(()))
    })?;
    let publisher = Publisher::new(&installation)?;
    for partition in 0..partitions + 2 {
        let event = events::theft(state("IN-DL"), 10 + u32::try_from(partition)?, 1, "");
        publisher.send_to(Some(partition.try_into()?), &Outgoing::event(&installation, &event)?)?;
    }
    publisher.finish()?;

    let expected = u64::try_from(partitions)? + 3;
    let accounts = Accounts::after(&mut fanout, expected)?;
    assert_eq!((accounts.read, accounts.forwarded), (expected, expected));
    for neighbour in ["IN-HR", "IN-UP"] {
        assert_eq!(inbox::inbox(&installation, state(neighbour))?.len() as u64, expected, "{neighbour}");
    }
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

//! An input topic that gets more partitions while the service runs: their records are delivered as well, the ones from
//! before the service noticed too.

use anyhow::Result;
use sanchar_schemas::topics::Topic;
use sanchar_tests::events::{self, state};
use sanchar_tests::publisher::{Outgoing, Publisher, publish};
use sanchar_tests::{Accounts, Installation, inbox};

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
    installation.grow(delhi, partitions + 2).await?;
    let publisher = Publisher::new(&installation)?;
    for partition in 0..partitions + 2 {
        let event = events::theft(state("IN-DL"), 10 + u32::try_from(partition)?, 1, "");
        publisher.send_to(Some(partition), &Outgoing::event(&installation, &event)?)?;
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

//! Offsets that lead nowhere: retention has removed what a committed offset points at. The service goes on with the
//! first record that is left; what was removed unread is lost to everybody, and nothing is repeated because of it.

use anyhow::{Context as _, Result};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::{Offset, TopicPartitionList};
use sanchar_schemas::CrimeEvent;
use sanchar_schemas::topics::Topic;
use sanchar_tests::events::{self, state};
use sanchar_tests::publisher::publish;
use sanchar_tests::{Installation, Progress, inbox};
use std::collections::BTreeSet;

/// Removes everything before `offset` from a partition, as retention does.
async fn remove_before(installation: &Installation, topic: Topic, partition: i32, offset: i64) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = installation.cluster.client().create()?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&installation.topic(topic), partition, Offset::Offset(offset))?;
    let removed = admin.delete_records(&list, &AdminOptions::new()).await?;
    for element in removed.elements() {
        element.error()?;
    }
    Ok(())
}

fn keys(installation: &Installation, topic: Topic) -> Result<Vec<(i32, Vec<u8>)>> {
    let records = inbox::read(installation, topic)?;
    records
        .into_iter()
        .map(|record| Ok((record.partition, record.key.context("every record here has a key")?)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_removed_unread_are_passed_over_and_nothing_is_repeated() -> Result<()> {
    const EARLY: u32 = 200;
    const LATE: u32 = 400;
    let delhi = Topic::Reported(state("IN-DL"));
    let installation = Installation::new("retention").await?;
    let events: Vec<CrimeEvent> =
        (0..EARLY + LATE).map(|case| events::theft(state("IN-DL"), case, 1, "")).collect();
    let (early, late) = events.split_at(EARLY.try_into()?);
    let progress = Progress::of(&installation)?;
    publish(&installation, early)?;
    let fanout = installation.fanout("fanout-1", "")?;
    progress.wait_done(EARLY.into())?;
    assert_eq!(fanout.stop()?, 0);

    let known: BTreeSet<(i32, Vec<u8>)> = keys(&installation, delhi)?.into_iter().collect();
    publish(&installation, late)?;
    // In one partition retention is ahead of the service; the committed offset points before the first record left.
    let of_partition = |keys: &[(i32, Vec<u8>)]| keys.iter().filter(|(partition, _)| *partition == 0).count();
    let (read, written) = (
        of_partition(&known.iter().cloned().collect::<Vec<_>>()),
        of_partition(&keys(&installation, delhi)?),
    );
    remove_before(&installation, delhi, 0, (read + (written - read) / 2).try_into()?).await?;
    let left: BTreeSet<(i32, Vec<u8>)> = keys(&installation, delhi)?.into_iter().collect();
    assert_eq!(left.len(), (EARLY + LATE) as usize - read - (written - read) / 2, "some were removed unread");

    let mut fanout = installation.fanout("fanout-1", "")?;
    progress.wait_done((EARLY + LATE).into())?;
    let gap = fanout.metric("sanchar_records_removed_unread_total")?;
    assert_eq!(format!("{gap:.0}"), ((written - read) / 2).to_string(), "operators can see what is lost");
    assert!(fanout.log()?.contains("keep the input topics longer"), "{}", fanout.log()?);
    let expected: BTreeSet<Vec<u8>> = known.union(&left).map(|(_, key)| key.clone()).collect();
    for neighbour in ["IN-HR", "IN-UP"] {
        let delivered = keys(&installation, Topic::Shared(state(neighbour)))?;
        let distinct: BTreeSet<Vec<u8>> = delivered.iter().map(|(_, key)| key.clone()).collect();
        assert_eq!(delivered.len(), distinct.len(), "{neighbour}: nothing is repeated");
        assert_eq!(distinct, expected, "{neighbour}: everything that could be read is delivered");
    }
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

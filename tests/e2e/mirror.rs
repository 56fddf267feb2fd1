//! MirrorMaker 2 carries a state's inbox to the state's own cluster: every record as it was, in its order and once, although
//! the mirror is killed in the middle of a transaction. Run by `make test-mirror`: it starts three Java programs more.

use crate::feed;
use crate::workload;
use anyhow::{Context as _, Result};
use sanchar_schemas::event::CrimeEvent;
use sanchar_schemas::topics::Topic;
use sanchar_tests::events::{self, state};
use sanchar_tests::inbox::{self, Received};
use sanchar_tests::mirror::{self, Copy};
use sanchar_tests::publisher::publish;
use sanchar_tests::stack::Stack;
use sanchar_tests::{Accounts, Installation, Progress};
use std::collections::HashSet;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(240);
/// More than the test takes at the rate of [`feed`].
const EVENTS: u32 = 300_000;
/// More than a producer of Kafka's takes by its default.
const LARGE: usize = 1_100_000;

/// What a copy has in common with its original; its offset is another, for the marks of transactions take offsets too.
fn content(record: &Received) -> Received {
    Received { offset: 0, ..record.clone() }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a minute and a download of its own: make test-mirror"]
async fn an_inbox_reaches_the_states_own_cluster_once_though_its_mirror_is_killed() -> Result<()> {
    let own = Stack::start()?;
    let installation = Installation::new("mirror").await?;
    let haryana = Topic::Shared(state("IN-HR"));
    let topic = installation.topic(haryana);
    let copy = Copy::on(&own.cluster(), &topic)?;
    let start = || mirror::start(&installation.cluster, &own.cluster(), &topic, installation.folder());
    let large = events::theft(state("IN-DL"), EVENTS, 1, "");
    let large = CrimeEvent { narrative: Some("x".repeat(LARGE)), ..large }.sealed();
    publish(&installation, [&large])?;
    // Small transactions, so that marks of transactions stand between the records.
    let mut fanout = installation.fanout("fanout-1", "stream = { batch_records_max = 200 }")?;
    Accounts::after(&mut fanout, 1)?;

    let publications = workload::publications(EVENTS, 61);
    let mut first = start()?;
    let mut second = None;
    let published = feed::during(&installation, &publications, || {
        copy.wait_for_more(&mut first, 0)?;
        copy.freeze_in_a_transaction(&first)?;
        let copied = copy.read()?.len();
        first.kill()?;
        copy.wait_for_more(second.insert(start()?), copied)?;
        Ok(())
    })?;
    Progress::of(&installation)?.wait_done_up_to(LIMIT, i64::try_from(published.len())? + 1)?;
    assert_eq!(fanout.stop()?, 0);
    let original = inbox::read(&installation, haryana)?;
    let mut second = second.context("a second mirror")?;
    copy.wait_for_more(&mut second, original.len() - 1)?;
    assert_eq!(second.stop()?, 143, "what Java says when it was asked to stop");

    let copied = copy.read()?;
    assert_eq!(copied.len(), original.len(), "none is missing, none came twice");
    for (original, copied) in original.iter().zip(&copied) {
        assert!(content(copied) == content(original), "{}: another than its original", original.offset);
    }
    let longest = original.iter().filter_map(|record| record.value.as_ref()).map(Vec::len).max();
    assert!(longest > Some(LARGE), "large ones as well");
    let ids: HashSet<&str> = copied.iter().map(|record| record.header("ce_id")).collect();
    assert_eq!(ids.len(), copied.len(), "a reader that drops what it knows by event_id would drop nothing");
    Ok(())
}

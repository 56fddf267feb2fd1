//! Urgent events overtake a backlog, never a record of their own case, and none is lost or repeated by it.
//!
//! What overtakes what is read from the order of an inbox, not from a clock.

use anyhow::{Context as _, Result, ensure};
use sanchar_schemas::event::Priority;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::{CrimeEvent, headers};
use sanchar_tests::daemon::wait_for;
use sanchar_tests::events::{self, state};
use sanchar_tests::judge::judge;
use sanchar_tests::publisher::publish;
use sanchar_tests::{Accounts, Daemon, Installation, Progress, inbox};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Small transactions, so that the backlog lasts.
const SETTINGS: &str = "stream = { batch_records_max = 200 }";
/// Cases of the backlog are numbered from 0 on.
const BACKLOG: u32 = 60_000;

fn urgent(case: u32, revision: i64) -> CrimeEvent {
    let mut event = events::theft(state("IN-DL"), case, revision, "and armed");
    event.handling.priority = Priority::Urgent;
    event.sealed()
}

fn key(event: &CrimeEvent) -> Vec<u8> {
    event.record_id.case_key().as_bytes().to_vec()
}

async fn with_backlog(name: &str) -> Result<(Installation, Progress)> {
    let installation = Installation::new(name).await?;
    let backlog: Vec<CrimeEvent> =
        (0..BACKLOG).map(|case| events::theft(state("IN-DL"), case, 1, "")).collect();
    publish(&installation, &backlog)?;
    let progress = Progress::of(&installation)?;
    Ok((installation, progress))
}

/// Publishes urgent events of new cases while a backlog is drained, and waits until all of them have overtaken it.
fn overtake(installation: &Installation, fanout: &mut Daemon, events: &[CrimeEvent]) -> Result<()> {
    let overtaken = |fanout: &mut Daemon| fanout.metric("sanchar_records_overtaken_total");
    let before = overtaken(fanout)?;
    publish(installation, events)?;
    let all = before + f64::from(u32::try_from(events.len())?);
    wait_for("urgent events to overtake", || Ok((overtaken(fanout)? >= all).then_some(())))
}

/// How much of the backlog of its partition stands before each urgent event in the inbox, as a share, by key.
fn shares_before(installation: &Installation, urgent: &[CrimeEvent]) -> Result<HashMap<Vec<u8>, f64>> {
    let urgent: HashSet<Vec<u8>> = urgent.iter().map(key).collect();
    let mut partitions: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut backlog = [0.0; 2];
    inbox::scan(installation, &[Topic::Reported(state("IN-DL"))], |_, record| {
        let key = record.key.context("every record here has a key")?;
        let partition = usize::try_from(record.partition)?;
        backlog[partition] += if urgent.contains(&key) { 0.0 } else { 1.0 };
        partitions.insert(key, partition);
        Ok(())
    })?;
    let (mut delivered, mut shares) = ([0.0; 2], HashMap::new());
    for record in inbox::inbox(installation, state("IN-HR"))? {
        let key = record.key.clone().context("every copy has a key")?;
        let partition = partitions[&key];
        if urgent.contains(&key) {
            ensure!(record.header(headers::PRIORITY) == headers::PRIORITY_URGENT, "a recipient can see it");
            shares.entry(key).or_insert(delivered[partition] / backlog[partition]);
        } else {
            delivered[partition] += 1.0;
        }
    }
    Ok(shares)
}

#[tokio::test(flavor = "multi_thread")]
async fn urgent_events_overtake_a_backlog_also_across_a_kill_and_each_case_keeps_its_order() -> Result<()> {
    let (installation, progress) = with_backlog("priority").await?;
    let mut fanout = installation.fanout("fanout-1", SETTINGS)?;
    progress.wait_done(1)?;
    // The last two are of one case, in their order.
    let mut first: Vec<CrimeEvent> = (0..20).map(|case| urgent(BACKLOG + case, 1)).collect();
    first.push(urgent(BACKLOG + 19, 2));
    // These have an earlier record at the very end of the backlog.
    let tied: Vec<CrimeEvent> = (1..=10).map(|case| urgent(BACKLOG - case, 2)).collect();
    publish(&installation, &tied)?;
    overtake(&installation, &mut fanout, &first)?;
    let done = progress.done()?;
    assert!(done < i64::from(BACKLOG) / 2, "{done} of the backlog were done before");
    fanout.kill()?;

    let mut fanout = installation.fanout("fanout-1", SETTINGS)?;
    let second: Vec<CrimeEvent> = (20..40).map(|case| urgent(BACKLOG + case, 1)).collect();
    overtake(&installation, &mut fanout, &second)?;
    let last: Vec<CrimeEvent> = (0..20).map(|case| urgent(BACKLOG + case, 3)).collect();
    publish(&installation, &last)?;
    let published = BACKLOG as usize + first.len() + tied.len() + second.len() + last.len();
    progress.wait_done_up_to(Duration::from_secs(180), published.try_into()?)?;

    let verdict = judge(&installation)?;
    assert!(verdict.is_clean(), "{verdict}");
    assert_eq!(verdict.records_read, published as u64);
    let new = [first, second].concat();
    for (key, share) in shares_before(&installation, &new)? {
        let key = String::from_utf8(key)?;
        assert!(share < 0.9, "{share:.2} of the backlog of its partition stands before {key}");
    }
    for (key, share) in shares_before(&installation, &new[..20])? {
        let key = String::from_utf8(key)?;
        assert!(share < 0.5, "{share:.2} of the backlog of its partition stands before {key}");
    }
    Accounts::after(&mut fanout, 1)?;
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

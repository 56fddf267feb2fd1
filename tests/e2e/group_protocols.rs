//! The three ways in which a group can share out partitions, each under load: a worker added, removed, killed, and
//! several in one process. Eager, the default, is also what every other test uses.

use crate::model::Model;
use crate::workload;
use anyhow::Result;
use sanchar_tests::daemon::wait_for;
use sanchar_tests::{Accounts, Daemon, Installation, Progress};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn cooperative_rebalances_lose_and_repeat_nothing() -> Result<()> {
    members_come_go_and_die("cooperative", 21).await
}

#[tokio::test(flavor = "multi_thread")]
async fn rebalances_by_the_broker_lose_and_repeat_nothing() -> Result<()> {
    members_come_go_and_die("broker", 22).await
}

async fn members_come_go_and_die(protocol: &str, seed: u64) -> Result<()> {
    const EVENTS: i64 = 60_000;
    let settings = format!("stream = {{ batch_records_max = 200, group_protocol = \"{protocol}\" }}");
    let installation = Installation::new(protocol).await?;
    let publications = workload::publications(EVENTS.try_into()?, seed);
    let mut parts = publications.chunks(publications.len() / 3);
    let mut next_part = || parts.next().unwrap_or_default();
    workload::publish(&installation, next_part())?;
    let progress = Progress::of(&installation)?;
    let first = installation.fanout("fanout-1", &settings)?;
    progress.wait_done(EVENTS / 20)?;
    let second = joined(&installation, "fanout-2", &settings, next_part())?;
    assert_eq!(second.stop()?, 0);
    let third = joined(&installation, "fanout-3", &settings, next_part())?;
    assert!(progress.done()? < EVENTS, "there was work left");
    third.kill()?; // the others take over when its session has ended
    assert_eq!(first.stop()?, 0);
    let fourth = installation.fanout("fanout-1", &settings)?;
    progress.wait_done(EVENTS)?;
    // The transaction that it left open ends when it comes back; else the brokers would end it some time later, and write
    // their markers while the inboxes are being read.
    let mut third = installation.fanout("fanout-3", &settings)?;
    third.wait_ready()?;
    Model::of(&publications).check(&installation)?;
    for instance in [fourth, third] {
        assert_eq!(instance.stop()?, 0);
    }
    Ok(())
}

/// Starts an instance, publishes more when it has partitions, and waits until it has worked beside the others.
fn joined(
    installation: &Installation,
    instance: &str,
    settings: &str,
    more: &[workload::Publication],
) -> Result<Daemon> {
    let mut joined = installation.fanout(instance, settings)?;
    wait_for("partitions to come to it", || {
        let assigned = joined.metric("sanchar_rebalanced_partitions_total{change=\"assigned\"}")?;
        Ok((assigned > 0.0).then_some(()))
    })?;
    workload::publish(installation, more)?;
    wait_for("an instance that joined to have worked", || {
        Ok((Accounts::of(&mut joined)?.read > 0).then_some(()))
    })?;
    Ok(joined)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workers_of_a_process_share_the_work_and_stop_together() -> Result<()> {
    const EVENTS: i64 = 60_000;
    /// Three workers, the broker and other tests share two cores.
    const LIMIT: Duration = Duration::from_secs(180);
    let settings = "stream = { workers = 3, batch_records_max = 500 }";
    let installation = Installation::new("workers").await?;
    let publications = workload::publications(EVENTS.try_into()?, 23);
    workload::publish(&installation, &publications)?;
    let progress = Progress::of(&installation)?;
    let mut fanout = installation.fanout("fanout-1", settings)?;
    // Each that joins makes the others wait for a moment.
    wait_for("all workers to be ready at once", || {
        let parts = fanout.get("/readyz?verbose")?;
        let wanted = ["engine: ready", "engine-2: ready", "engine-3: ready", "changelog: ready"];
        Ok(wanted.iter().all(|part| parts.contains(part)).then_some(()))
    })?;
    fanout.works_until(LIMIT, "a third to be done", || Ok(progress.done()? >= EVENTS / 3))?;
    assert!(progress.done()? < EVENTS, "there was work left");
    fanout.kill()?;
    let mut fanout = installation.fanout("fanout-1", settings)?;
    fanout.works_until(LIMIT, "all to be done", || Ok(progress.done()? >= EVENTS))?;
    Model::of(&publications).check(&installation)?;
    assert_eq!(fanout.stop()?, 0);

    // What three delivered, one knows.
    workload::publish(&installation, &publications)?;
    let mut one = installation.fanout("fanout-1", "")?;
    let accounts = Accounts::after(&mut one, EVENTS.try_into()?)?;
    assert_eq!(accounts.forwarded, 0);
    assert_eq!(one.stop()?, 0);
    Ok(())
}

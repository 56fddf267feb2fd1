//! Whatever is killed and whenever: nothing lost, nothing twice, every case in order.

use crate::model::Model;
use crate::workload;
use anyhow::Result;
use sanchar_tests::chance::Chance;
use sanchar_tests::daemon::wait_for;
use sanchar_tests::{Daemon, Installation, Progress, inbox};
use std::time::{Duration, Instant};

const SEED: u64 = 20_261_125;

#[tokio::test(flavor = "multi_thread")]
async fn five_kills_in_200_000_events_lose_and_repeat_nothing() -> Result<()> {
    const EVENTS: i64 = 200_000;
    let installation = Installation::new("killed").await?;
    let publications = workload::publications(EVENTS.try_into()?, SEED);
    workload::publish(&installation, &publications)?;
    let progress = Progress::of(&installation)?;
    let mut chance = Chance::seeded(SEED);
    let mut fanout = installation.fanout("fanout-1", "")?;
    for kill in 0..5 {
        // Somewhere in the first part of this kill's share of the way from 5 % to 90 %.
        let percent = 5 + kill * 17 + i64::try_from(chance.below(12))?;
        progress.wait_done((EVENTS * percent / 100).max(progress.done()? + 1))?;
        if kill % 2 == 0 {
            freeze_in_a_transaction(&installation, &fanout)?;
        } else {
            // No condition is waited for: the kill falls anywhere between two commits, or into one.
            std::thread::sleep(Duration::from_millis(chance.below(300)));
        }
        fanout.kill()?;
        assert!(progress.done()? < EVENTS, "kill {kill} came when there was work left");
        fanout = installation.fanout("fanout-1", "")?;
    }
    progress.wait_done(EVENTS)?;
    Model::of(&publications).check(&installation)?;
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

/// Freezes the service at a moment when copies stand in inboxes and are not committed.
fn freeze_in_a_transaction(installation: &Installation, fanout: &Daemon) -> Result<()> {
    inbox::freeze_in_a_transaction(installation, fanout, &inbox::all(), || Ok(true))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_is_clean_and_the_next_start_goes_on() -> Result<()> {
    const EVENTS: i64 = 30_000;
    let installation = Installation::new("stopped").await?;
    let publications = workload::publications(EVENTS.try_into()?, SEED + 1);
    workload::publish(&installation, &publications)?;
    let progress = Progress::of(&installation)?;
    // Small transactions, so that the stop comes when much is left.
    let small = "stream = { batch_records_max = 500 }";
    let fanout = installation.fanout("fanout-1", small)?;
    progress.wait_done(EVENTS / 10)?;
    let asked = Instant::now();
    assert_eq!(fanout.stop()?, 0, "it ends as it was asked to");
    assert!(asked.elapsed() < Duration::from_secs(10), "within its grace");
    let done = progress.done()?;
    assert!(done < EVENTS, "the stop came when there was work left");
    assert!(
        !inbox::has_open_transaction(&installation, &inbox::all())?,
        "nothing is left for the brokers to abort"
    );

    let fanout = installation.fanout("fanout-1", small)?;
    progress.wait_done(EVENTS)?;
    Model::of(&publications).check(&installation)?;
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

/// A process that the machine forgot for a while is taken for dead. When it wakes up in the middle of a
/// transaction, another instance has done its work, and what it was about to commit must come to nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_wakes_up_after_its_successor_took_over_adds_nothing() -> Result<()> {
    const EVENTS: i64 = 30_000;
    let installation = Installation::new("woken").await?;
    let mut publications = workload::publications(EVENTS.try_into()?, SEED + 2);
    let later = publications.split_off(publications.len() / 2);
    workload::publish(&installation, &publications)?;
    let progress = Progress::of(&installation)?;
    let settings = "stream = { batch_records_max = 1000, transaction_timeout_ms = 2000 }";
    let mut sleeper = installation.fanout("fanout-1", settings)?;
    progress.wait_done(EVENTS / 10)?;
    freeze_in_a_transaction(&installation, &sleeper)?;
    assert!(progress.done()? < EVENTS / 2, "there was work left");

    let successor = installation.fanout("fanout-2", settings)?;
    progress.wait_done(EVENTS / 2)?;
    sleeper.go_on()?;
    // How it learns that it was fenced depends on which of its requests is answered first.
    wait_for("the sleeper to notice that its time is over", || {
        if let Some(code) = sleeper.ended()? {
            assert_eq!(code, 75, "fenced, it asks to be restarted");
            return Ok(Some(()));
        }
        // It may end before it answers.
        Ok(sleeper.metric("sanchar_sessions_lost_total").is_ok_and(|lost| lost > 0.0).then_some(()))
    })?;
    workload::publish(&installation, &later)?;
    progress.wait_done(EVENTS)?;
    publications.extend(later);
    Model::of(&publications).check(&installation)?;
    assert_eq!(successor.stop()?, 0);
    Ok(())
}

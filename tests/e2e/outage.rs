//! A state that is cut off: its system goes on sending for as long as the outage lasts, its producer is killed in
//! between, and when the broker is back everything that was accepted is delivered once.

use anyhow::{Context as _, Result, ensure};
use sanchar_schemas::topics::Topic;
use sanchar_tests::daemon::wait_for_up_to;
use sanchar_tests::events::state;
use sanchar_tests::pusher::{self, Pusher};
use sanchar_tests::stack::Stack;
use sanchar_tests::{Daemon, Installation, Progress, inbox};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

/// What India registers in 72 hours, five times over.
const EVENTS: u32 = 250_000;
const BATCH: u32 = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn all_that_was_accepted_in_a_long_outage_is_delivered_once() -> Result<()> {
    let stack = Stack::start()?;
    let installation = Installation::on(stack.cluster(), "outage").await?;
    let pusher = Pusher::new(&installation)?;
    let mut producer = pusher.start(&installation)?;
    producer.wait_ready()?;
    stack.crash_broker()?;

    for first in (0..EVENTS).step_by(BATCH as usize) {
        let body = pusher::batch(first..first + BATCH);
        if first == EVENTS / 2 {
            // The kill falls into a request: what was not answered is sent again, as any client would.
            let (client, half) = (pusher.clone(), body.clone());
            let sending = tokio::spawn(async move { client.post(half).await });
            producer.kill()?;
            drop(sending.await?);
            producer = pusher.start(&installation)?;
            producer.address()?;
        }
        accept(&pusher, body).await?;
    }
    assert_eq!(producer.metric("sanchar_rows_published_total")?, 0.0, "there is no broker");
    producer.kill()?;
    assert!(spooled(installation.folder())? > 0, "what was accepted is on disk");

    stack.start_broker()?;
    let fanout = installation.fanout("fanout-1", "")?;
    let mut producer = pusher.start(&installation)?;
    wait_for_up_to(Duration::from_secs(180), "the spool to be drained", || {
        Ok(is_drained(&mut producer)?.then_some(()))
    })?;
    let expected: BTreeSet<String> = (0..EVENTS).map(pusher::record_id).collect();
    let published = inbox::read(&installation, Topic::Reported(state("IN-GA")))?;
    let names: BTreeSet<String> =
        published.iter().map(|record| Ok(record.reported()?.record_id.to_string())).collect::<Result<_>>()?;
    assert!(names == expected, "{} of {} records were published", names.len(), expected.len());
    Progress::of(&installation)?.wait_done(i64::try_from(published.len())?)?;
    check_inboxes(&installation, &expected)?;
    assert_eq!(producer.stop()?, 0);
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

/// Sends a batch until it is accepted.
async fn accept(pusher: &Pusher, body: String) -> Result<()> {
    let begun = Instant::now();
    loop {
        match pusher.post(body.clone()).await {
            Ok((202, _)) => return Ok(()),
            Ok((status @ 400..=499, answer)) => anyhow::bail!("{status}: {answer}"),
            Ok(_) | Err(_) => {}
        }
        ensure!(begun.elapsed() < Duration::from_secs(60), "a batch is not accepted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether all that was accepted is acknowledged.
fn is_drained(producer: &mut Daemon) -> Result<bool> {
    Ok(producer.metric("sanchar_rows_published_total")? >= f64::from(EVENTS)
        && producer.metric("sanchar_rows_in_flight")? == 0.0
        && producer.metric("sanchar_source_lag_bytes")? == 0.0)
}

/// Bytes in the producer's spool.
fn spooled(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder.join("store/goa/spool")).context("the spool")? {
        // A segment may be removed while it is looked at.
        bytes += entry?.metadata().map_or(0, |data| data.len());
    }
    Ok(bytes)
}

/// Each neighbour holds each record once.
fn check_inboxes(installation: &Installation, expected: &BTreeSet<String>) -> Result<()> {
    for neighbour in ["IN-KA", "IN-MH"] {
        let mut received = Vec::new();
        inbox::scan(installation, &[Topic::Shared(state(neighbour))], |_, record| {
            received.push(record.shared()?.enrichment.record_id.into_owned());
            Ok(())
        })?;
        received.sort();
        assert!(received.iter().eq(expected), "{neighbour}: {} of {}", received.len(), expected.len());
    }
    assert!(inbox::read(installation, Topic::Dlq)?.is_empty());
    Ok(())
}

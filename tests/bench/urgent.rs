//! Latency of urgent events while a backlog is drained at full speed, beside that of ordinary ones sent at the same moments:
//! from publish to readable by a `read_committed` reader.
//!
//! The backlog is of one state. Events are sent into its own partitions, where all of it stands before them, and into those
//! of another state.

use crate::report::Report;
use crate::workload;
use anyhow::{Context as _, Result, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use sanchar_schemas::event::Priority;
use sanchar_schemas::headers;
use sanchar_schemas::topics::Topic;
use sanchar_tests::events::state;
use sanchar_tests::process;
use sanchar_tests::publisher::Publisher;
use sanchar_tests::{Daemon, Installation, daemon};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Origin of the backlog, and a neighbour that receives it.
const OWN: (&str, &str) = ("IN-DL", "IN-HR");
/// Another state, and a neighbour.
const OTHER: (&str, &str) = ("IN-KA", "IN-GA");
/// Events that are sent have numbers from here on.
const NUMBER: u32 = 100_000_000;
/// How often one of each kind is sent.
const PULSE: Duration = Duration::from_millis(200);
/// How long the drain, and what is behind it, may take.
const PATIENCE: Duration = Duration::from_secs(900);

/// Kind and moment of each event that was sent, by event id.
type Sent = Mutex<HashMap<String, (&'static str, Instant)>>;

pub(crate) async fn measure(backlog: u32, report: &mut Report) -> Result<()> {
    let installation = Installation::new("urgent").await?;
    eprintln!("urgent: pre-loading {backlog} events of one state");
    workload::preload_of(&installation, state(OWN.0), 0..backlog)?;
    let (sent, is_drained, is_over) = (Sent::default(), AtomicBool::new(false), AtomicBool::new(false));
    let mut fanout = installation.fanout("fanout-1", "")?;
    let (drained, latencies_ms) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| collect(&installation, &sent, &is_over));
        let begun = wait_begun(&mut fanout);
        let publisher = scope.spawn(|| publish(&installation, &is_drained, &sent));
        let drained = begun.and_then(|()| drain(&mut fanout, backlog));
        is_drained.store(true, Ordering::Relaxed);
        let published = publisher.join().map_err(|_| anyhow::anyhow!("the publisher panicked"))?;
        is_over.store(true, Ordering::Relaxed);
        let latencies_ms = reader.join().map_err(|_| anyhow::anyhow!("the reader panicked"))?;
        published.and(Ok::<_, anyhow::Error>((drained?, latencies_ms?)))
    })?;
    let usage = process::usage(fanout.pid())?;
    report.drain(
        "fan-out, urgent events meanwhile",
        &[
            ("events_per_s", f64::from(backlog) / drained.as_secs_f64()),
            ("peak_rss_mib", usage.peak_rss_mib),
            ("cpu_us_per_event", usage.cpu_s * 1e6 / f64::from(backlog)),
        ],
    );
    for (kind, latencies_ms) in latencies_ms {
        report.urgent(kind, latencies_ms);
    }
    fanout.stop()?;
    Ok(())
}

fn done(fanout: &mut Daemon) -> Result<f64> {
    fanout.metric("sanchar_records_in_total")
}

fn wait_begun(fanout: &mut Daemon) -> Result<()> {
    daemon::wait_for("the first record", || Ok((done(fanout)? > 0.0).then_some(())))
}

/// Waits until the backlog is drained. Gives how long it took from its first records on.
fn drain(fanout: &mut Daemon, backlog: u32) -> Result<Duration> {
    let started = Instant::now();
    daemon::wait_for_up_to(PATIENCE, "the backlog to be drained", || {
        Ok((done(fanout)? >= f64::from(backlog)).then_some(()))
    })?;
    Ok(started.elapsed())
}

/// Sends one event of each kind at every pulse.
fn publish(installation: &Installation, is_drained: &AtomicBool, sent: &Sent) -> Result<()> {
    let publisher = Publisher::new(installation)?;
    let kinds = [
        (OWN.0, Priority::Urgent, "urgent, state of the backlog"),
        (OWN.0, Priority::Routine, "ordinary, state of the backlog"),
        (OTHER.0, Priority::Urgent, "urgent, another state"),
        (OTHER.0, Priority::Routine, "ordinary, another state"),
    ];
    let mut number = NUMBER;
    while !is_drained.load(Ordering::Relaxed) {
        for (origin, priority, kind) in kinds {
            number += 1;
            let mut event = workload::event_of(state(origin), number);
            event.handling.priority = priority;
            let event = event.sealed();
            let moment = (kind, Instant::now());
            sent.lock().unwrap_or_else(PoisonError::into_inner).insert(event.event_id.clone(), moment);
            publisher.event(&event)?;
        }
        std::thread::sleep(PULSE);
    }
    publisher.finish()
}

/// Reads two inboxes until everything that was sent has come. Gives milliseconds by kind.
fn collect(
    installation: &Installation,
    sent: &Sent,
    is_over: &AtomicBool,
) -> Result<BTreeMap<&'static str, Vec<f64>>> {
    let mut config = installation.cluster.client();
    config
        .set("group.id", "unused")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("fetch.wait.max.ms", "50");
    let reader: BaseConsumer = config.create()?;
    let mut list = TopicPartitionList::new();
    for inbox in [OWN.1, OTHER.1] {
        list.add_partition_offset(&installation.topic(Topic::Shared(state(inbox))), 0, Offset::Beginning)?;
    }
    reader.assign(&list)?;
    let (mut latencies_ms, started) = (BTreeMap::<_, Vec<f64>>::new(), Instant::now());
    let missing = || sent.lock().unwrap_or_else(PoisonError::into_inner).len();
    while !is_over.load(Ordering::Relaxed) || missing() > 0 {
        ensure!(started.elapsed() < PATIENCE, "{} events did not come", missing());
        let Some(message) = reader.poll(Duration::from_millis(50)) else { continue };
        let (message, now) = (message?, Instant::now());
        let headers = message.headers().context("an inbox record has headers")?;
        let id = headers.iter().find(|header| header.key == headers::CE_ID).and_then(|header| header.value);
        let id = std::str::from_utf8(id.context("an inbox record names its event")?)?;
        if let Some((kind, at)) = sent.lock().unwrap_or_else(PoisonError::into_inner).remove(id) {
            latencies_ms.entry(kind).or_default().push(now.duration_since(at).as_secs_f64() * 1e3);
        }
    }
    Ok(latencies_ms)
}

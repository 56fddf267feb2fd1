//! What the number of registered records costs: the time to build the register anew from its changelog, memory, and the
//! time from a start after SIGKILL to the next delivery.

use crate::report::Report;
use crate::workload;
use anyhow::Result;
use rdkafka::producer::{BaseRecord, Producer as _};
use sanchar_fanout::register::Entry;
use sanchar_schemas::StateSet;
use sanchar_schemas::digest::Sha256;
use sanchar_schemas::topics::Topic;
use sanchar_tests::process;
use sanchar_tests::{Daemon, Installation, daemon};
use std::time::{Duration, Instant};

/// How long a rebuild or a drain may take.
const PATIENCE: Duration = Duration::from_secs(900);
/// Events drained over each register, to see the memory of a service at work.
const DRAINED: u32 = 200_000;

pub(crate) async fn measure(records: u32, report: &mut Report) -> Result<()> {
    let installation = Installation::new("register").await?;
    eprintln!("register: writing {records} records to the changelog");
    fill(&installation, records)?;

    let started = Instant::now();
    let mut fanout = installation.fanout("fanout-1", "")?;
    daemon::wait_for_up_to(PATIENCE, "the register to be built", || {
        Ok(fanout.get("/readyz")?.starts_with("200").then_some(()))
    })?;
    let rebuild_s = started.elapsed().as_secs_f64();
    let rebuild_rss_mib = process::usage(fanout.pid())?.peak_rss_mib;

    workload::preload(&installation, 0..DRAINED)?;
    wait_for_records(&mut fanout, DRAINED)?;
    let drain_rss_mib = process::usage(fanout.pid())?.peak_rss_mib;
    fanout.kill()?;

    // The first place from here on that is not a repeat.
    let news = (DRAINED..).find(|place| workload::number_at(*place) == *place).unwrap_or(DRAINED);
    workload::preload(&installation, news..news + 1)?;
    let started = Instant::now();
    let mut fanout = installation.fanout("fanout-1", "")?;
    daemon::wait_for("the delivery", || {
        Ok((fanout.metric("sanchar_records_forwarded_total")? > 0.0).then_some(()))
    })?;
    let restart_s = started.elapsed().as_secs_f64();
    fanout.stop()?;
    report.register(
        records,
        &[
            ("rebuild_s", rebuild_s),
            ("rebuild_records_per_s", f64::from(records) / rebuild_s),
            ("rebuild_peak_rss_mib", rebuild_rss_mib),
            ("drain_peak_rss_mib", drain_rss_mib),
            ("restart_s", restart_s),
        ],
    );
    Ok(())
}

fn wait_for_records(fanout: &mut Daemon, records: u32) -> Result<()> {
    daemon::wait_for_up_to(PATIENCE, "events to be drained", || {
        Ok((fanout.metric("sanchar_records_in_total")? >= f64::from(records)).then_some(()))
    })
}

/// Writes entries of records that the workload does not have.
fn fill(installation: &Installation, records: u32) -> Result<()> {
    let producer = workload::producer(installation)?;
    let topic = installation.topic(Topic::Register);
    for number in 0..records {
        let content_hash = Sha256::of(&number.to_be_bytes());
        let recipients = StateSet::from_bits(0b1_1010);
        let value = Entry { revision: 1, content_hash, recipients, last_seen_ms: 1 }.to_bytes();
        let key = format!("IN-DL/registered-before/2025/{number:08}/0");
        workload::send(&producer, BaseRecord::to(&topic).key(&key).payload(&value))?;
    }
    producer.flush(Duration::from_secs(60))?;
    Ok(())
}

//! Restart: the service is killed after a drain, one event comes meanwhile, and the service starts again. From the start
//! of the process to that event's delivery: fencing, the group, the register read back, one transaction.

use crate::report::Report;
use crate::workload;
use anyhow::Result;
use sanchar_tests::{Installation, daemon};
use std::time::{Duration, Instant};

/// How long the drain before it may take.
const PATIENCE: Duration = Duration::from_secs(900);

pub(crate) async fn measure(events: u32, report: &mut Report) -> Result<()> {
    let installation = Installation::new("restart").await?;
    eprintln!("restart: filling the register with {events} events");
    workload::preload(&installation, 0..events)?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    daemon::wait_for_up_to(PATIENCE, "the register to be filled", || {
        Ok((fanout.metric("sanchar_records_in_total")? >= f64::from(events)).then_some(()))
    })?;
    let records = fanout.metric("sanchar_register_records")?;
    fanout.kill()?;
    // The first place from here on that is not a repeat.
    let news = (events..).find(|place| workload::number_at(*place) == *place).unwrap_or(events);
    workload::preload(&installation, news..news + 1)?;
    let started = Instant::now();
    let mut fanout = installation.fanout("fanout-1", "")?;
    daemon::wait_for("the delivery", || {
        Ok((fanout.metric("sanchar_records_forwarded_total")? > 0.0).then_some(()))
    })?;
    let seconds = started.elapsed().as_secs_f64();
    report.restart(&[("register_records", records), ("first_delivery_s", seconds)]);
    fanout.stop()?;
    Ok(())
}

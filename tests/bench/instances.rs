//! Drain of the same backlog by one, two and four fan-outs of one group, one after the other, each on topics of its own.
//!
//! All of them run on this machine, beside the broker: it shows what sharing costs, and how far this machine goes, not how far
//! more machines would.

use crate::report::Report;
use crate::workload;
use anyhow::Result;
use sanchar_tests::process::{self, Usage};
use sanchar_tests::{Daemon, Installation, daemon};
use std::time::{Duration, Instant};

/// How long one drain may take.
const PATIENCE: Duration = Duration::from_secs(900);
/// How often a drain is looked at. Showing all metrics costs the service something, too.
const SCRAPE_EVERY: Duration = Duration::from_millis(250);
/// How many fan-outs share the backlog.
const INSTANCES: [u32; 3] = [1, 2, 4];

pub(crate) async fn measure(events: u32, report: &mut Report) -> Result<()> {
    for instances in INSTANCES {
        let installation = Installation::new("instances").await?;
        eprintln!("instances {instances}: pre-loading {events} events");
        workload::preload(&installation, 0..events)?;
        let names = (1..=instances).map(|number| format!("fanout-{number}"));
        let fanouts: Result<Vec<Daemon>> = names.map(|name| installation.fanout(&name, "")).collect();
        report.instances(instances, &drain(fanouts?, events)?);
    }
    Ok(())
}

/// Lets them drain what is there and stops them.
fn drain(mut fanouts: Vec<Daemon>, events: u32) -> Result<Vec<(&'static str, f64)>> {
    // The clock runs from when each has committed something, so that starts and the joining of the group are not counted.
    let first = daemon::wait_for_up_to(PATIENCE, "records of every instance", || {
        let done = each(&mut fanouts, "sanchar_records_in_total")?;
        let is_spent = done.iter().sum::<f64>() >= f64::from(events);
        anyhow::ensure!(!is_spent, "the backlog was spent before all instances had a share: use more events");
        Ok(done.iter().all(|records| *records > 0.0).then(|| done.iter().sum::<f64>()))
    })?;
    let (started, before) = (Instant::now(), usages(&fanouts)?);
    let copies = each(&mut fanouts, "sanchar_deliveries_total")?.iter().sum::<f64>();
    daemon::wait_for_up_to(PATIENCE, "the backlog to be drained", || {
        std::thread::sleep(SCRAPE_EVERY);
        let done = each(&mut fanouts, "sanchar_records_in_total")?;
        Ok((done.iter().sum::<f64>() >= f64::from(events)).then_some(()))
    })?;
    let (seconds, after) = (started.elapsed().as_secs_f64(), usages(&fanouts)?);
    let records = f64::from(events) - first;
    let copies = each(&mut fanouts, "sanchar_deliveries_total")?.iter().sum::<f64>() - copies;
    let cpu_s = |usages: &[Usage]| usages.iter().map(|usage| usage.cpu_s).sum::<f64>();
    for fanout in fanouts {
        fanout.stop()?;
    }
    Ok(vec![
        ("events_per_s", records / seconds),
        ("deliveries_per_s", copies / seconds),
        ("cpu_us_per_event", (cpu_s(&after) - cpu_s(&before)) * 1e6 / records),
        ("peak_rss_mib", after.iter().map(|usage| usage.peak_rss_mib).sum()),
    ])
}

fn each(fanouts: &mut [Daemon], metric: &str) -> Result<Vec<f64>> {
    fanouts.iter_mut().map(|fanout| fanout.metric(metric)).collect()
}

fn usages(fanouts: &[Daemon]) -> Result<Vec<Usage>> {
    fanouts.iter().map(|fanout| process::usage(fanout.pid())).collect()
}

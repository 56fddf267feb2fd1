//! Recovery: the only broker is killed while the service is idle and started again. From the broker's first answer to the
//! delivery of an event that is published then.

use crate::drain::median;
use crate::report::Report;
use crate::workload;
use anyhow::Result;
use sanchar_tests::stack::Stack;
use sanchar_tests::{Installation, daemon};
use std::time::Instant;

const RUNS: u32 = 3;

pub(crate) async fn measure(report: &mut Report) -> Result<()> {
    eprintln!("recovery: the broker is killed and started {RUNS} times");
    let stack = Stack::start()?;
    let installation = Installation::on(stack.cluster(), "recovery").await?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    fanout.wait_ready()?;
    let mut seconds = Vec::new();
    for run in 0..RUNS {
        workload::preload(&installation, 2 * run..2 * run + 1)?;
        let delivered = f64::from(2 * run + 1);
        daemon::wait_for("a delivery", || {
            Ok((fanout.metric("sanchar_records_forwarded_total")? >= delivered).then_some(()))
        })?;
        stack.crash_broker()?;
        stack.start_broker()?;
        let answered = Instant::now();
        workload::preload(&installation, 2 * run + 1..2 * run + 2)?;
        daemon::wait_for("the delivery", || {
            Ok((fanout.metric("sanchar_records_forwarded_total")? > delivered).then_some(()))
        })?;
        seconds.push(answered.elapsed().as_secs_f64());
    }
    report.recovery(&[
        ("median_s", median(&seconds, |s| *s)),
        ("max_s", seconds.iter().copied().fold(0.0, f64::max)),
    ]);
    fanout.stop()?;
    Ok(())
}

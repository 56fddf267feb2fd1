//! Drain of a pre-loaded backlog: the fan-out service and two copy loops in turn, on the same topics. One copies the bare
//! records; the other writes as many bytes and headers as the fan-out did, so that what the contract's records cost is told
//! apart from what the engine costs.

use crate::report::Report;
use crate::workload;
use anyhow::{Context as _, Result};
use sanchar_tests::process::{self, Usage};
use sanchar_tests::{Daemon, Installation, daemon};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long one drain may take.
const PATIENCE: Duration = Duration::from_secs(900);

/// How often a drain is looked at. Showing all metrics costs the service something, too.
const SCRAPE_EVERY: Duration = Duration::from_millis(250);

struct Run {
    seconds: f64,
    usage: Usage,
    deliveries: f64,
}

pub(crate) async fn measure(events: u32, stream: &str, runs: usize, report: &mut Report) -> Result<()> {
    let (mut fanout, mut bare, mut alike) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..runs {
        // Topics of its own for each run, so that none starts with another's page cache or register.
        let installation = Installation::new("drain").await?;
        eprintln!("drain {}/{runs}: pre-loading {events} events", run + 1);
        workload::preload(&installation, 0..events)?;
        fanout.push(fan_out(&installation, events, stream)?);
        bare.push(copy_loop(&installation, events, &[])?);
        alike.push(copy_loop(&installation, events, &["--as-delivered"])?);
    }
    let engines = [
        ("fan-out, exactly once", &fanout),
        ("plain copy loop, at least once", &bare),
        ("copy loop, records as delivered", &alike),
    ];
    for (name, runs) in engines {
        let rate = |run: &Run| f64::from(events) / run.seconds;
        report.drain(
            name,
            &[
                ("events_per_s", median(runs, rate)),
                ("deliveries_per_s", median(runs, |run| run.deliveries / run.seconds)),
                ("cpu_us_per_event", median(runs, |run| run.usage.cpu_s * 1e6 / f64::from(events))),
                ("peak_rss_mib", median(runs, |run| run.usage.peak_rss_mib)),
            ],
        );
    }
    for (name, copies) in
        [("ratio fan-out / copy loop", &bare), ("ratio fan-out / loop as delivered", &alike)]
    {
        let ratios: Vec<f64> = fanout.iter().zip(copies).map(|(f, c)| c.seconds / f.seconds).collect();
        report.drain(name, &[("events_per_s", median(&ratios, |ratio| *ratio))]);
    }
    Ok(())
}

pub(crate) fn median<T>(runs: &[T], figure: impl Fn(&T) -> f64) -> f64 {
    let mut figures: Vec<f64> = runs.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

fn fan_out(installation: &Installation, events: u32, stream: &str) -> Result<Run> {
    let mut fanout = installation.fanout("fanout-1", &format!("stream = {stream}"))?;
    let done = |fanout: &mut Daemon| fanout.metric("sanchar_records_in_total");
    // The clock runs from the first committed record, so that start and group join are not counted.
    let first = daemon::wait_for("the first record", || Ok(Some(done(&mut fanout)?).filter(|n| *n > 0.0)))?;
    let (started, before) = (Instant::now(), process::usage(fanout.pid())?);
    daemon::wait_for_up_to(PATIENCE, "the backlog to be drained", || {
        std::thread::sleep(SCRAPE_EVERY);
        Ok((done(&mut fanout)? >= f64::from(events)).then_some(()))
    })?;
    let share = 1.0 - first / f64::from(events);
    let seconds = started.elapsed().as_secs_f64() / share;
    let after = process::usage(fanout.pid())?;
    let usage = Usage { cpu_s: (after.cpu_s - before.cpu_s) / share, ..after };
    let deliveries = fanout.metric("sanchar_deliveries_total")?;
    fanout.stop()?;
    Ok(Run { seconds, usage, deliveries })
}

fn copy_loop(installation: &Installation, events: u32, options: &[&str]) -> Result<Run> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["copy-loop", "--prefix", &installation.prefix, "--records", &events.to_string()])
        .args(["--group", &format!("{}-copy{}", installation.prefix, options.concat())])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
    lines.next().context("the copy loop did not begin")??;
    let (started, before) = (Instant::now(), process::usage(child.id())?);
    lines.next().context("the copy loop did not end")??;
    let seconds = started.elapsed().as_secs_f64();
    let after = process::usage(child.id())?;
    let usage = Usage { cpu_s: after.cpu_s - before.cpu_s, ..after };
    drop(child.stdin.take());
    child.wait()?;
    let deliveries: usize =
        (0..events).map(|i| workload::recipients(workload::origin(workload::number_at(i))).len()).sum();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    Ok(Run { seconds, usage, deliveries: deliveries as f64 })
}

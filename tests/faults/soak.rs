//! `make soak`: one line for hours at a steady rate with a fault every minute. What it shows: memory, open files and
//! latency stay flat, and at the end the judge finds nothing. Two instances share the work; faults of processes and
//! connections meet the first alone, so that the second shows what time does to a process.

mod latency;
mod plot;
mod record;

use crate::evidence;
use crate::line::{Line, Registry};
use crate::plan::{Fault, Plan, Site, Strike};
use crate::workload::Workload;
use anyhow::{Context as _, Result};
use latency::Latency;
use record::{Record, Sample};
use sanchar_tests::chance::Chance;
use sanchar_tests::judge::{self, Verdict};
use sanchar_tests::stack::Stack;
use sanchar_tests::{Installation, Progress};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A look at everything.
const SAMPLE: Duration = Duration::from_secs(10);
/// From one fault to the next.
const PEACE: Duration = Duration::from_secs(60);
/// All that was published is done after this long.
const DRAIN: Duration = Duration::from_secs(180);
/// Number of the instance that no fault meets.
const STEADY: usize = 1;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  make soak HOURS=1            an hour
  make soak HOURS=0.1 SEED=3   a short one, to see it work

Exit code 0: flat lines, and the judge found nothing. 1: there is a finding, and it is named.")]
pub(crate) struct Args {
    /// How long records flow, hours
    #[arg(long, default_value_t = 1.0)]
    hours: f64,
    /// Records published in a second
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// What faults and records are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where samples and plot are written
    #[arg(long, default_value = "target/soak")]
    folder: PathBuf,
}

pub(crate) async fn run(args: &Args) -> Result<ExitCode> {
    let stack = Stack::start()?;
    let mut installation = Installation::on(stack.cluster(), "soak").await?;
    let registry = Registry::before(&mut installation)?;
    let mut record = Record::begin(args.seed, Duration::from_secs_f64(args.hours * 3_600.0), &args.folder)?;
    let soaked = soak(args, &stack, &installation, registry, &mut record).await;
    let verdict = soaked.map_err(|error| record.failed(&error)).ok();
    let code = record.finish(verdict)?;
    if code != ExitCode::SUCCESS {
        evidence::keep(&installation, &stack, &args.folder)?;
    }
    Ok(code)
}

async fn soak(
    args: &Args,
    stack: &Stack,
    installation: &Installation,
    registry: Registry,
    record: &mut Record,
) -> Result<Verdict> {
    let plan = Plan {
        site: Site::OneBroker,
        instances: 2,
        workers: 1,
        group_protocol: "eager",
        batch_records_max: 5_000,
        records: 0,
        rows: 0,
        waits_until_ready: true,
        strikes: Vec::new(),
    };
    let mut chance = Chance::seeded(args.seed);
    let mut workload = Workload::new(installation, &mut chance).await?;
    let mut line = Line::start(&plan, stack, installation, registry)?;
    line.wait_ready()?;
    let (latency, is_over) = (Latency::default(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let publishing = scope.spawn(|| workload.flow(args.rate, &is_over, |id| latency.sent(id)));
        let reading = scope.spawn(|| latency.read(installation, &is_over));
        let attacked = attack(&mut line, &mut chance, &latency, record);
        is_over.store(true, Ordering::Relaxed);
        let joined = [publishing.join(), reading.join()]
            .map(|ended| ended.map_err(|_| anyhow::anyhow!("a thread panicked")));
        attacked?;
        joined.into_iter().try_for_each(|ended| ended?)
    })?;
    let progress = Progress::of(installation)?;
    line.wait(DRAIN, "the line to drain", || progress.has_caught_up())?;
    record.faults(&line.counts, line.restarts());
    let verdict = judge::judge(installation)?;
    line.stop()?;
    Ok(verdict)
}

/// Strikes once a minute and samples meanwhile, until the time is over and the last fault has ended.
fn attack(line: &mut Line<'_>, chance: &mut Chance, latency: &Latency, record: &mut Record) -> Result<()> {
    let (plan, lasting) = (line.plan, record.lasting);
    let began = Instant::now();
    let mut next_sample = SAMPLE;
    let mut next_strike = PEACE;
    let mut struck: Option<(usize, Strike, Duration)> = None;
    for number in 1.. {
        let strike = drawn(plan, chance);
        loop {
            let now = began.elapsed();
            if let Some((number, strike, _)) = struck.take_if(|(_, _, end)| *end <= now) {
                line.end(number, &strike)?;
            }
            if now >= lasting && struck.is_none() {
                return Ok(());
            }
            if now >= next_sample {
                next_sample += SAMPLE;
                record.sample(sample(now, line, latency)?)?;
            }
            if now >= next_strike && now < lasting {
                break;
            }
            line.supervise()?;
            std::thread::sleep(Duration::from_millis(50));
        }
        let now = began.elapsed();
        record.struck(now, strike.fault);
        line.begin(number, &strike)?;
        struck = Some((number, strike, now + Duration::from_millis(strike.lasting_ms)));
        next_strike += PEACE;
    }
    Ok(())
}

/// A fault that a line can live with for hours: neither disks that only small registers fit, nor clocks that stay wrong, nor
/// the redrive of hours of poison at once, for which the breaker stops the service, as it should.
fn drawn(plan: &Plan, chance: &mut Chance) -> Strike {
    loop {
        let mut strike = plan.strike(chance);
        strike.whom = 0;
        if !matches!(strike.fault, Fault::FillRegisterDisk | Fault::StepClockBack | Fault::KillRedrive) {
            return strike;
        }
    }
}

fn sample(now: Duration, line: &mut Line<'_>, latency: &Latency) -> Result<Sample> {
    let usage = line.usage(STEADY)?.context("the steady instance runs")?;
    let attacked = line.usage(0)?;
    let (deliveries, p50_ms, p99_ms) = latency.take();
    Ok(Sample {
        at_s: now.as_secs(),
        rss_mib: usage.rss_mib,
        open_files: usage.open_files as u64,
        register_mib: line.register_mib(STEADY)?,
        attacked_rss_mib: attacked.map(|usage| usage.rss_mib),
        deliveries,
        p50_ms,
        p99_ms,
    })
}

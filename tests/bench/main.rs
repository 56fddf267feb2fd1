//! `make bench`: the same workload against the real broker, measured beside a baseline in the same run.
//!
//! Drain: a pre-loaded backlog through the fan-out service and, in turn, through a plain copy loop (no decoding,
//! no transactions, at least once), which is the ceiling of the client library here. Instances: the same backlog by one, two
//! and four services. Register: what the number of records
//! costs a rebuild, a restart and memory. Recovery: from a broker's return to the next delivery. Latency: from publish to readable by a `read_committed` reader, at several rates. Urgent: the same
//! for urgent and ordinary events during a drain. Decisions: what it costs to decide about an event, without Kafka.
//! Feed: a state's file through its producer, beside a plain client that sends the same bytes; and what it takes over HTTP.
//! Scrape: what it costs a daemon to show its metrics.
//! It prints a table and writes JSON; it judges nothing.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark program for developers: it prints, and fails loudly"
)]

mod copies;
mod copy_loop;
mod decisions;
mod drain;
mod feed;
mod instances;
mod latency;
mod push;
mod recovery;
mod register;
mod report;
mod scrape;
mod urgent;
mod workload;

use anyhow::Result;
use clap::{Parser, Subcommand};
use sanchar_tests::cluster::Cluster;
use std::path::PathBuf;

/// Benchmarks of Sanchar against a real broker
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Args {
    /// Events in the backlog of a drain; 0 leaves it out
    #[arg(long, default_value_t = 1_000_000)]
    events: u32,
    /// Settings of the fan-out that drains, as TOML, for example `{ workers = 2 }`
    #[arg(long, default_value = "{}")]
    stream: String,
    /// Runs of each engine; the medians are reported
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Whether the same backlog is drained by one, two and four fan-outs
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    instances: bool,
    /// Records registered before each run that measures the register; 0 leaves it out
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 1_000_000, 10_000_000])]
    records: Vec<u32>,
    /// Whether the broker is killed and started again
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    recovery: bool,
    /// Rates of the latency runs, events per second; 0 leaves it out
    #[arg(long, value_delimiter = ',', default_values_t = [10, 100, 1_000])]
    rates: Vec<u32>,
    /// Length of a latency run, seconds
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// Events in the backlog that urgent ones overtake; 0 leaves it out
    #[arg(long, default_value_t = 1_000_000)]
    backlog: u32,
    /// Whether the cost of deciding about an event is measured
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    decisions: bool,
    /// Whether the cost of showing all metrics is measured
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    scrapes: bool,
    /// Rows of the file that a producer publishes; 0 leaves it out
    #[arg(long, default_value_t = 500_000)]
    rows: u32,
    /// Rows of the long file whose reading is watched for memory; 0 leaves it out
    #[arg(long, default_value_t = 10_000_000)]
    long_rows: u32,
    /// Sizes of the batches that are pushed over HTTP; 0 leaves it out
    #[arg(long, value_delimiter = ',', default_values_t = [1, 100, 500])]
    batches: Vec<u32>,
    /// Whether a producer with nothing to do is watched
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    idle: bool,
    /// Where the figures are written as JSON
    #[arg(long, default_value = "target/bench.json")]
    json: PathBuf,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// The baseline, as a process of its own (started by the benchmark)
    #[command(hide = true)]
    CopyLoop(copy_loop::Args),
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(Part::CopyLoop(copy_loop)) = &args.part {
        return copy_loop::run(&Cluster::of_this_run()?, copy_loop);
    }
    let mut report = report::Report::new();
    // What was measured before a part failed is shown all the same.
    let measured = measure(&args, &mut report).await;
    report.print();
    report.write(&args.json)?;
    measured
}

async fn measure(args: &Args, report: &mut report::Report) -> Result<()> {
    if args.events > 0 {
        drain::measure(args.events, &args.stream, args.runs, report).await?;
    }
    if args.instances && args.events > 0 {
        instances::measure(args.events, report).await?;
    }
    for records in args.records.iter().filter(|records| **records > 0) {
        register::measure(*records, report).await?;
    }
    if args.recovery {
        recovery::measure(report).await?;
    }
    for rate in args.rates.iter().filter(|rate| **rate > 0) {
        latency::measure(*rate, args.seconds, report).await?;
    }
    if args.backlog > 0 {
        urgent::measure(args.backlog, report).await?;
    }
    if args.decisions {
        decisions::measure(report)?;
    }
    if args.scrapes {
        scrape::measure(report)?;
    }
    if args.rows > 0 {
        feed::measure(args.rows, args.runs, report).await?;
    }
    if args.long_rows > 0 {
        feed::measure_long(args.long_rows, report).await?;
    }
    for batch in args.batches.iter().filter(|batch| **batch > 0) {
        push::measure(*batch, report).await?;
    }
    if args.idle {
        feed::measure_idle(report).await?;
    }
    Ok(())
}

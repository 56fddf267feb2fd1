//! `make drill`: a whole line with a real Prometheus and the alert rules as they are delivered, and four things that go
//! wrong: a producer stops, a topic is poisoned, the registry goes away, a state reads its inbox no more. It shows which
//! alert fired, how long after, and what `sanchar status` said at that moment.
//!
//! It takes three quarters of an hour, for the rules wait as long as they do in production. Not part of `make test`, which
//! tests every rule on made-up series.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for developers and operators: it prints, and fails loudly"
)]

mod flow;
mod line;
mod prometheus;
mod reader;
mod report;
mod scenario;

use anyhow::Result;
use clap::Parser;
use flow::Flow;
use line::Line;
use reader::Reader;
use report::Report;
use sanchar_tests::Installation;
use sanchar_tests::stack::Stack;
use std::path::PathBuf;
use std::process::ExitCode;

/// Lets four things go wrong on a real line and shows which alerts fire, and when
#[derive(Debug, Parser)]
#[command(
    name = "drill",
    version,
    after_help = "\
Examples:
  make drill                                       the drill
  target/debug/drill --folder /var/tmp/drill       with another place for what it writes

Exit code 0: each of the four was noticed, and nothing fired before. 1: the report says what was not."
)]
struct Args {
    /// The Prometheus to start
    #[arg(long, default_value = "prometheus")]
    prometheus: PathBuf,
    /// Where report and answers of `sanchar status` are written
    #[arg(long, default_value = "target/drill")]
    folder: PathBuf,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let stack = Stack::start()?;
    let installation = Installation::on(stack.cluster(), "drill").await?;
    let mut report = Report::begin(&args.folder)?;
    let mut line = Line::start(&installation, &args.prometheus)?;
    let (flow, reader) = (Flow::default(), Reader::default());
    std::thread::scope(|scope| {
        let threads = [scope.spawn(|| flow.run(&installation)), scope.spawn(|| reader.run(&installation))];
        let played = scenario::play(&mut line, &flow, &reader, &mut report);
        flow.end();
        reader.end();
        for thread in threads {
            thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??;
        }
        played
    })?;
    line.stop()?;
    report.finish()
}

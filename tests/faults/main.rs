//! `make faults`: proves exactly once by breaking it. Randomised episodes on the real broker, each from a seed of its
//! own that brings the same plan again; an independent judge reads what the topics hold. `make soak` runs one line for
//! hours with a fault every minute. Not part of `make test`: the end-to-end tests there hold each kind of failure.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for developers and operators: it prints, and fails loudly"
)]

mod clock;
mod episode;
mod evidence;
mod line;
mod plan;
mod redriven;
mod report;
mod soak;
mod strike;
mod victim;
mod workload;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};
use episode::Report;
use plan::{Fault, Plan, Site};
use report::Reports;
use sanchar_tests::chance::Chance;
use sanchar_tests::stack::Stack;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

/// A site serves so many episodes before it is made anew, so that what they leave behind does not add up.
const EPISODES_OF_A_SITE: u64 = 25;

/// Breaks a running line at random and judges what it delivered
#[derive(Debug, Parser)]
#[command(
    name = "faults",
    version,
    after_help = "\
Examples:
  make faults EPISODES=200 SEED=7          two hundred episodes
  make faults SEED=7 ONLY=31               the plan of one of them again
  target/debug/faults --seed 7 --episodes 500 --with crash-broker

Exit code 0: every episode was clean. 1: some were not; their seeds, findings and logs are named."
)]
struct Args {
    /// How many episodes
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..))]
    episodes: u64,
    /// What they are drawn from [default: the time, printed]
    #[arg(long)]
    seed: Option<u64>,
    /// Only the episode of this number
    #[arg(long, value_name = "NUMBER")]
    only: Option<u64>,
    /// Only episodes that plan this fault, for example crash-broker
    #[arg(long, value_name = "FAULT", hide_possible_values = true)]
    with: Option<Fault>,
    /// Where all of it is written as JSON, one episode a line, and logs of episodes that were not clean
    #[arg(long, default_value = "target/faults")]
    folder: PathBuf,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// One line for hours at a steady rate, with a fault every minute
    Soak(soak::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    run(Args::parse()).await.unwrap_or_else(|error| {
        eprintln!("faults: {error:#}");
        ExitCode::FAILURE
    })
}

async fn run(args: Args) -> Result<ExitCode> {
    if let Some(Part::Soak(args)) = &args.part {
        return soak::run(args).await;
    }
    let seed = args.seed.unwrap_or_else(|| jiff::Timestamp::now().as_second().unsigned_abs());
    let numbers = args.only.map_or(1..=args.episodes, |only| only..=only);
    let draw = |number: u64| {
        let mut chance = Chance::seeded(seed.wrapping_mul(1_000_003).wrapping_add(number));
        (number, Plan::draw(&mut chance), chance)
    };
    let is_wanted = |plan: &Plan| args.with.is_none_or(|fault| plan.has(fault));
    let planned: Vec<_> = numbers.map(draw).filter(|(_, plan, _)| is_wanted(plan)).collect();
    ensure!(!planned.is_empty(), "no episode of this seed has that fault: take more, or another seed");
    let mut reports = Reports::begin(seed, planned.len(), &args.folder)?;
    let mut sites: BTreeMap<Site, (Stack, u64)> = BTreeMap::new();
    for (number, plan, mut chance) in planned {
        let evidence = args.folder.join(format!("{seed}-{number}"));
        let report = match site(&mut sites, plan.site) {
            Ok(stack) => episode::run(number, &plan, &mut chance, stack, &evidence).await,
            Err(error) => Report::failed(number, &plan, &error),
        };
        if !report.is_clean() {
            sites.remove(&plan.site); // whatever is wrong with it is not for the next one
        }
        reports.add(report, &evidence)?;
    }
    Ok(reports.finish())
}

/// A stack for this kind of episode, made where there is none that is fresh enough.
fn site(sites: &mut BTreeMap<Site, (Stack, u64)>, site: Site) -> Result<&Stack> {
    if sites.get(&site).is_some_and(|(_, episodes)| *episodes >= EPISODES_OF_A_SITE) {
        sites.remove(&site);
    }
    let (stack, episodes) = match sites.entry(site) {
        std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
        std::collections::btree_map::Entry::Vacant(entry) => {
            let stack = match site {
                Site::OneBroker => Stack::start()?,
                Site::ThreeBrokers => Stack::start_cluster()?,
            };
            entry.insert((stack, 0))
        }
    };
    *episodes += 1;
    Ok(stack)
}

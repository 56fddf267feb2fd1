//! `sanchar topics`: compares a cluster's topics with the contract's (`schemas/topics.toml`) and makes them so.
//!
//! `plan` only looks. `apply` creates and alters, any number of times with the same result; it never deletes and never
//! shrinks, and says what it leaves to a person. `manifests` prints the same for Kubernetes.

mod cluster;
mod diff;
mod manifests;
mod report;

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use clap::Subcommand;
use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::StateCode;

use crate::connection::{Cluster, Connection};
use crate::names::parse_state;
use crate::outcome::{Outcome, Stop};
use cluster::Admin;
use diff::{Problem, Wanted, diff, wanted};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print what differs, and change nothing: exit code 0 when in sync, 2 when there is something to do
    #[command(after_help = "\
Examples:
  sanchar topics plan                                 the cluster on this machine, three replicas
  sanchar topics plan --replication-factor 1 --states DL,HR,UP
  sanchar topics plan --config fanout.toml --json     for programs")]
    Plan(Options),
    /// Create what is missing and alter what differs; never delete, never shrink. Exit code 2 when something is left
    #[command(after_help = "\
Examples:
  sanchar topics apply --replication-factor 1         a cluster of one broker
  sanchar topics apply --prefix drill --states DL,HR  an installation of its own for a drill
  sanchar topics apply --config fanout.toml           brokers, TLS, log-in by a daemon's file")]
    Apply(Options),
    /// Print topics or users as resources of Strimzi, for a cluster on Kubernetes, and talk to none
    #[command(after_help = "\
Examples:
  sanchar topics manifests topics | kubectl apply -f -
  sanchar topics manifests users --cluster police --states DL,HR,UP > users.yaml")]
    Manifests(manifests::Args),
}

/// Which topics there should be, and how safe.
#[derive(Debug, clap::Args)]
struct Shape {
    /// States to have topics for, comma-separated, by code or name; the internal topics always belong [default: all 36]
    #[arg(long, value_name = "STATES", value_delimiter = ',', value_parser = parse_state)]
    states: Vec<StateCode>,
    /// Copies of each partition
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=15))]
    replication_factor: i32,
    /// Copies that must have a record before it counts as written [default: one less than the copies, at least 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=15))]
    min_insync_replicas: Option<i32>,
}

#[derive(Debug, clap::Args)]
struct Options {
    #[command(flatten)]
    shape: Shape,
    /// One JSON object, for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

impl Shape {
    fn states(&self) -> Vec<StateCode> {
        if self.states.is_empty() { StateCode::all().collect() } else { self.states.clone() }
    }

    fn wanted(&self, space: &sanchar_schemas::topics::TopicSpace) -> Result<Vec<Wanted>, Failure> {
        let copies = self.replication_factor;
        let min_insync = self.min_insync_replicas.unwrap_or_else(|| (copies - 1).max(1));
        if min_insync > copies {
            return Err(Failure::usage(format!(
                "--min-insync-replicas {min_insync} is more than --replication-factor {copies}: nothing could be written"
            )));
        }
        Ok(wanted(space, &self.states(), copies, min_insync))
    }
}

pub(crate) async fn run(args: &Args, out: &mut dyn Write) -> Result<Outcome, Stop> {
    match &args.command {
        Command::Plan(options) => plan(options, out).await,
        Command::Apply(options) => apply(options, out).await,
        Command::Manifests(options) => manifests::run(options, out),
    }
}

async fn plan(options: &Options, out: &mut dyn Write) -> Result<Outcome, Stop> {
    let cluster = options.connection.cluster()?;
    let wanted = options.shape.wanted(&cluster.space())?;
    let differences = diff(&wanted, &Admin::new(&cluster.kafka)?.found(&wanted).await?);
    if options.json {
        report::plan_json(wanted.len(), &differences, out)?;
    } else {
        report::plan(wanted.len(), &differences, out)?;
    }
    Ok(if differences.is_empty() { Outcome::Done } else { Outcome::Differs })
}

async fn apply(options: &Options, out: &mut dyn Write) -> Result<Outcome, Stop> {
    let cluster = options.connection.cluster()?;
    let wanted = options.shape.wanted(&cluster.space())?;
    let admin = Admin::new(&cluster.kafka)?;
    let differences = diff(&wanted, &admin.found(&wanted).await?);
    let problems = admin.apply(&wanted, &differences).await?;
    if options.json {
        report::applied_json(wanted.len(), &differences, &problems, out)?;
    } else {
        report::applied(wanted.len(), &differences, &problems, out)?;
    }
    if let Some(first) = problems.first() {
        return Err(refused(first).into());
    }
    let left = differences.iter().any(|found| !found.change.is_applicable());
    Ok(if left { Outcome::Differs } else { Outcome::Done })
}

/// Creates every topic of an installation, with one copy of each: for the demonstration.
///
/// # Errors
/// When the cluster refuses, or does not show the topics soon after.
pub(crate) async fn create(cluster: &Cluster) -> Result<(), Failure> {
    let (admin, wanted) = (Admin::new(&cluster.kafka)?, whole(cluster));
    let differences = diff(&wanted, &BTreeMap::new());
    if let Some(problem) = admin.apply(&wanted, &differences).await?.first() {
        return Err(refused(problem));
    }
    for _ in 0..50 {
        if admin.found(&wanted).await?.len() == wanted.len() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(Failure::unavailable("the cluster does not show the topics that it has just created: try again"))
}

/// Deletes every topic of an installation that [`create`] made: for the demonstration, and only under a prefix.
///
/// # Errors
/// When the cluster refuses, or where there is no prefix.
pub(crate) async fn delete_prefixed(cluster: &Cluster) -> Result<(), Failure> {
    if cluster.kafka.topic_prefix.is_none() {
        return Err(Failure::internal("topics without a prefix are never deleted"));
    }
    match Admin::new(&cluster.kafka)?.delete(&whole(cluster)).await?.first() {
        None => Ok(()),
        Some(problem) => Err(refused(problem)),
    }
}

fn whole(cluster: &Cluster) -> Vec<Wanted> {
    wanted(&cluster.space(), &StateCode::all().collect::<Vec<_>>(), 1, 1)
}

fn refused(problem: &Problem) -> Failure {
    Failure::unavailable(format!("the cluster refuses to change {}: {}", problem.topic, problem.reason))
}

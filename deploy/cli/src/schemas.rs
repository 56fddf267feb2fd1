//! `sanchar schemas`: are all released schemas compatible, and does the registry hold them?
//!
//! Only this command ever registers a schema; daemons look them up. The schemas themselves are compiled in from
//! `schemas/avro`, so what is registered is what this release reads and writes.

use std::io::Write;

use clap::Subcommand;
use console::style;
use sanchar_runtime::lifecycle::Failure;
use sanchar_runtime::registry::{RegistryClient, RegistryError, SchemaId};
use sanchar_schemas::schema::{Record, Release, check_full_compatibility};
use serde::Serialize;

use crate::connection::{Cluster, Connection};
use crate::outcome::{Outcome, Stop};
use crate::table::Table;

/// The rule under which both records are registered: every version reads what every other version wrote.
pub(crate) const RULE: &str = "FULL_TRANSITIVE";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check every pair of released versions, then ask the registry whether it would take each one; change nothing
    #[command(after_help = "\
Examples:
  sanchar schemas check --offline               no registry needed: for a build server
  sanchar schemas check --registry https://registry.example/apis/ccompat/v7")]
    Check {
        /// Leave the registry out of it
        #[arg(long)]
        offline: bool,
        /// One JSON object, for programs
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Set the rule FULL_TRANSITIVE on both subjects and register every released version, oldest first
    #[command(after_help = "\
Examples:
  sanchar schemas register                      the registry on this machine
  sanchar schemas register --config fanout.toml  address and log-in from a daemon's file")]
    Register {
        /// One JSON object, for programs
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        connection: Connection,
    },
}

/// What is known about one released version.
#[derive(Debug, Serialize)]
struct Line {
    subject: &'static str,
    version: u32,
    /// The registry's id; absent where it does not hold this version or was not asked.
    id: Option<SchemaId>,
    /// In words, for the table.
    state: &'static str,
}

pub(crate) async fn run(args: &Args, out: &mut dyn Write) -> Result<Outcome, Stop> {
    check_releases()?;
    let (lines, json) = match &args.command {
        Command::Check { offline: true, json, .. } => (offline(), *json),
        Command::Check { json, connection, .. } => {
            (check(&connection.cluster()?.registry_client()?).await?, *json)
        }
        Command::Register { json, connection } => (register(&connection.cluster()?).await?, *json),
    };
    print(&lines, json, out)?;
    Ok(Outcome::Done)
}

/// Every pair of released versions, in both directions.
fn check_releases() -> Result<(), Failure> {
    for record in Record::ALL {
        let releases = record.releases();
        for (i, newer) in releases.iter().enumerate() {
            for older in releases.iter().take(i) {
                check_full_compatibility(&older.schema, &newer.schema).map_err(|reason| {
                    Failure::config(format!(
                        "{} v{} and v{} are not compatible ({reason}): give the added field a default, or keep the removed one",
                        record.subject(),
                        older.version,
                        newer.version
                    ))
                })?;
            }
        }
    }
    Ok(())
}

fn releases() -> impl Iterator<Item = (Record, &'static Release)> {
    Record::ALL.into_iter().flat_map(|record| record.releases().iter().map(move |release| (record, release)))
}

fn offline() -> Vec<Line> {
    let line = |(record, release): (Record, &Release)| Line {
        subject: record.subject(),
        version: release.version,
        id: None,
        state: "compatible with every other version",
    };
    releases().map(line).collect()
}

async fn check(registry: &RegistryClient) -> Result<Vec<Line>, Stop> {
    let mut lines = Vec::new();
    for (record, release) in releases() {
        let (id, state) = match registry.id_of(record.subject(), &release.text).await {
            Ok(id) => (Some(id), "registered"),
            Err(RegistryError::NotFound { .. }) => {
                if !registry.check_compatible(record.subject(), &release.text).await? {
                    return Err(refused(record, release).into());
                }
                (None, "not registered; the registry would take it")
            }
            Err(error) => return Err(error.into()),
        };
        lines.push(Line { subject: record.subject(), version: release.version, id, state });
    }
    Ok(lines)
}

fn refused(record: Record, release: &Release) -> Failure {
    Failure::config(format!(
        "the registry would refuse {} v{} under the subject's rule: it holds a version that is not one of ours; \
         look at it before you register",
        record.subject(),
        release.version
    ))
}

/// Sets the rule and registers everything, oldest first. Doing it again changes nothing.
///
/// # Errors
/// As [`RegistryClient::register`].
pub(crate) async fn register_all(
    registry: &RegistryClient,
) -> Result<Vec<(Record, u32, SchemaId)>, RegistryError> {
    let mut registered = Vec::new();
    for record in Record::ALL {
        let subject = record.subject();
        // Some registries take a subject's rule only once the subject has a version.
        let mut has_rule = match registry.set_compatibility(subject, RULE).await {
            Err(RegistryError::NotFound { .. }) => false,
            other => other.map(|()| true)?,
        };
        for release in record.releases() {
            let id = registry.register(subject, &release.text).await?;
            if !has_rule {
                registry.set_compatibility(subject, RULE).await?;
                has_rule = true;
            }
            registered.push((record, release.version, id));
        }
    }
    Ok(registered)
}

async fn register(cluster: &Cluster) -> Result<Vec<Line>, Stop> {
    let registered = register_all(&cluster.registry_client()?).await?;
    let line = |(record, version, id): (Record, u32, SchemaId)| Line {
        subject: record.subject(),
        version,
        id: Some(id),
        state: "registered",
    };
    Ok(registered.into_iter().map(line).collect())
}

fn print(lines: &[Line], json: bool, out: &mut dyn Write) -> Result<(), Stop> {
    if json {
        writeln!(out, "{}", serde_json::json!({ "rule": RULE, "schemas": lines }))?;
        return Ok(());
    }
    let mut table = Table::new(["SUBJECT", "VERSION", "ID", "STATE"]).right(&[1, 2]);
    for line in lines {
        let id = line.id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let state = if line.id.is_some() { style(line.state).green() } else { style(line.state) };
        table.row([line.subject.to_owned(), format!("v{}", line.version), id, state.to_string()]);
    }
    writeln!(out, "{table}\nall pairs of released versions are {RULE} compatible")?;
    Ok(())
}

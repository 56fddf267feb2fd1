//! `sanchar route`: who receives an event and why, who receives whose events at all, and whether rules are right.
//!
//! It asks the fan-out service's own pure functions, so the answer is what the service would do; it sends nothing.

mod check;
mod explain;
mod input;
mod matrix;
mod picture;
mod report;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use sanchar_fanout::rules::{Rules, read_folder};
use sanchar_runtime::clock::now_ms;
use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::{StateCode, StateSet};

use crate::names::parse_state;
use crate::outcome::{Outcome, Stop};
use explain::explain;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print who receives an event and why, who does not, and what the event is enriched with
    #[command(after_help = "\
The file holds one event as JSON: a CrimeEvent, a SharedCrimeEvent (an inbox record), or a line of
`sanchar tail --json`.

Examples:
  sanchar route explain event.json
  sanchar tail goa --from beginning --count 1 --json | sanchar route explain -
  sanchar route explain event.json --earlier HR,RJ  as if these had received an earlier revision
  sanchar route explain event.json --rules rules/   by the rules in this folder
  sanchar route explain event.json --json           for programs")]
    Explain {
        /// File with the event, or - for standard input
        #[arg(value_name = "EVENT.JSON")]
        file: PathBuf,
        /// States that received an earlier revision, comma-separated
        #[arg(long, value_name = "STATES", value_delimiter = ',', value_parser = parse_state)]
        earlier: Vec<StateCode>,
        /// Folder with the fan-out service's rules [default: the built-in ones]
        #[arg(long, value_name = "FOLDER")]
        rules: Option<PathBuf>,
        /// One JSON object, for programs
        #[arg(long)]
        json: bool,
    },
    /// Print which states receive whose events, for all 36
    #[command(after_help = "\
Rows send, columns receive: N neighbour, P partner, n near, g a coordination group, when an event
concerns it.

Examples:
  sanchar route matrix
  sanchar route matrix --svg matrix.svg             the same as a picture
  sanchar route matrix --date 2019-10-30            by the borders of that day
  sanchar route matrix --json                       for programs")]
    Matrix {
        /// Borders count as on this day in India [default: today]
        #[arg(long, value_name = "DATE")]
        date: Option<jiff::civil::Date>,
        /// Folder with the fan-out service's rules [default: the built-in ones]
        #[arg(long, value_name = "FOLDER")]
        rules: Option<PathBuf>,
        /// Write a picture to this file
        #[arg(long, value_name = "FILE.SVG")]
        svg: Option<PathBuf>,
        /// One JSON object, for programs
        #[arg(long)]
        json: bool,
    },
    /// Check a folder of rules before the fan-out service reads it, or write the built-in ones to begin with
    #[command(after_help = "\
Examples:
  sanchar route check rules/                        are they right, and what do they say?
  sanchar route check rules/ --write                put the built-in files there, to be changed
  systemctl kill --signal=HUP sanchar-fanout        the service reads its rules again")]
    Check {
        /// The folder
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
        /// Write the built-in files there first; none that is there is overwritten
        #[arg(long)]
        write: bool,
    },
}

pub(crate) fn run(args: &Args, stdin: &mut dyn Read, out: &mut dyn Write) -> Result<Outcome, Stop> {
    match &args.command {
        Command::Explain { file, earlier, rules, json } => {
            let (event, rules) = (input::read(file, stdin)?, rules_of(rules.as_deref())?);
            let earlier: StateSet = earlier.iter().copied().collect();
            let explanation = explain(&event, &rules, earlier, now_ms());
            if *json {
                writeln!(out, "{}", serde_json::to_string(&explanation)?)?;
            } else {
                report::print(&event, &explanation, out)?;
            }
        }
        Command::Matrix { date, rules, svg, json } => {
            let rules = rules_of(rules.as_deref())?;
            matrix::run(&rules, *date, svg.as_deref(), *json, out)?;
        }
        Command::Check { folder, write } => check::run(folder, *write, out)?,
    }
    Ok(Outcome::Done)
}

/// The rules in a folder, or the built-in ones.
fn rules_of(folder: Option<&Path>) -> Result<Arc<Rules>, Failure> {
    let Some(folder) = folder else { return Ok(Rules::builtin()) };
    read_folder(folder, now_ms()).map(Arc::new).map_err(|error| Failure::config(error.to_string()))
}

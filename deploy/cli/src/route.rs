//! `sanchar route explain`: who receives an event and why, and who does not.
//!
//! It asks the fan-out service's own pure functions, so the answer is what the service would do; it sends nothing.

mod explain;
mod input;
mod report;

use std::io::{Read, Write};
use std::path::PathBuf;

use clap::Subcommand;
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
  sanchar route explain event.json --json           for programs")]
    Explain {
        /// File with the event, or - for standard input
        #[arg(value_name = "EVENT.JSON")]
        file: PathBuf,
        /// States that received an earlier revision, comma-separated
        #[arg(long, value_name = "STATES", value_delimiter = ',', value_parser = parse_state)]
        earlier: Vec<StateCode>,
        /// One JSON object, for programs
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(args: &Args, stdin: &mut dyn Read, out: &mut dyn Write) -> Result<Outcome, Stop> {
    let Command::Explain { file, earlier, json } = &args.command;
    let event = input::read(file, stdin)?;
    let earlier: StateSet = earlier.iter().copied().collect();
    let explanation = explain(&event, earlier, sanchar_runtime::clock::now_ms());
    if *json {
        writeln!(out, "{}", serde_json::to_string(&explanation)?)?;
    } else {
        report::print(&event, &explanation, out)?;
    }
    Ok(Outcome::Done)
}

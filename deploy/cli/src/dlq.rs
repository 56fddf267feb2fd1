//! `sanchar dlq`: looks through the dead-letter queue, and sends letters back when what they failed for is mended.
//!
//! `list` and `show` only read. `redrive` writes the letters to the input topics that they came from, exactly once: the
//! copy and its receipt commit in one Kafka transaction. It never takes a letter out of the queue.

mod filter;
mod inputs;
mod judge;
mod letter;
mod letters;
mod line;
mod list;
mod place;
mod producer;
pub(crate) mod receipts;
mod redrive;
mod show;
mod when;

use std::io::Write;

use clap::Subcommand;

use crate::outcome::{Outcome, Stop};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List letters: where, when and why they failed, whether they were sent back, and how many for each reason
    List(list::Args),
    /// Show one letter whole
    Show(show::Args),
    /// Send letters back to the input topics that they came from, as they came; each once
    Redrive(redrive::Args),
}

pub(crate) async fn run(args: &Args, out: &mut dyn Write) -> Result<Outcome, Stop> {
    match &args.command {
        Command::List(args) => list::run(args, out).await,
        Command::Show(args) => show::run(args, out).await,
        Command::Redrive(args) => redrive::run(args, out).await,
    }
}

//! `sanchar dlq list`: the letters, and how many there are for each reason. Memory does not grow with the queue.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::json;

use super::filter::{Filters, reason_of};
use super::letters::Letters;
use super::line;
use super::receipts::Receipts;
use crate::connection::Connection;
use crate::content::Contents;
use crate::outcome::{Outcome, Stop};
use crate::table::Table;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sanchar dlq list                                   every letter, and how many of each reason
  sanchar dlq list --since 2h --reason unknown-schema
  sanchar dlq list --topic karnataka --until 2026-11-25
  sanchar dlq list --json | jq -r 'select(.place) | .place'

With --json, each line is a letter, and the last line holds the counts under `letters` and
`by_reason`. The attempt is 1, and one more for each time that the record was sent back before.")]
pub(super) struct Args {
    /// Only the counts
    #[arg(long)]
    summary: bool,
    /// One JSON object per line, for programs
    #[arg(long)]
    json: bool,
    // Behind the options, which would stand under its heading otherwise.
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(args: &Args, out: &mut dyn Write) -> Result<Outcome, Stop> {
    let cluster = args.connection.cluster()?;
    let space = cluster.space();
    let mut selection = args.filters.selection(&space, sanchar_runtime::clock::now_ms())?;
    let mut letters = Letters::open(&cluster)?;
    let known = tokio::task::block_in_place(|| Receipts::shown(&cluster.kafka, &space))?;
    let mut contents = Contents::new(cluster.registry_client()?);
    let (mut columns, mut by_reason) = (line::columns(), BTreeMap::new());
    while let Some(letter) = letters.next().await? {
        if !selection.has(&letter, &mut contents).await? {
            continue;
        }
        *by_reason.entry(reason_of(&letter)).or_default() += 1;
        match (args.summary, args.json) {
            (true, _) => {}
            (false, true) => line::print_json(&line::json(&letter, &known, &space), out)?,
            (false, false) => {
                if by_reason.values().sum::<u64>() == 1 {
                    writeln!(out, "{}", columns.heading(line::HEADING))?;
                }
                writeln!(out, "{}", columns.line(&line::cells(&letter, &known)))?;
            }
        }
    }
    summary(&by_reason, args, out)?;
    selection.check_places()?;
    Ok(Outcome::Done)
}

fn summary(by_reason: &BTreeMap<&str, u64>, args: &Args, out: &mut dyn Write) -> Result<(), Stop> {
    let letters: u64 = by_reason.values().sum();
    if args.json {
        return line::print_json(&json!({ "letters": letters, "by_reason": by_reason }), out);
    }
    if letters > 0 {
        let mut table = Table::new(["REASON", "LETTERS"]).right(&[1]);
        for (reason, count) in by_reason {
            table.row([(*reason).to_owned(), count.to_string()]);
        }
        let gap = if args.summary { "" } else { "\n" };
        writeln!(out, "{gap}{table}")?;
    }
    let such = if args.filters.are_none() { "" } else { " by these filters" };
    writeln!(out, "letters{such}: {letters}")?;
    Ok(())
}

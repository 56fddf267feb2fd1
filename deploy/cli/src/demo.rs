//! `sanchar demo`: the whole line in one process, from a state's file to its neighbours' inboxes.
//!
//! Real producers read example files, the real fan-out service routes, and an independent reader looks at what arrived.
//! At the end the books are made up: every row that was read is accounted for, or the exit code says so.

mod board;
mod crew;
mod examples;
mod ledger;
mod place;
mod screen;
mod show;
mod watch;

use std::io::Write;
use std::path::PathBuf;

use console::{Term, style};
use sanchar_runtime::lifecycle::Failure;

use crate::connection::Connection;
use crate::outcome::{Outcome, Stop};
use crew::{Crew, Pace};
use ledger::Ledger;
use place::Place;
use screen::Screen;
use show::Show;
use watch::Watch;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without --kafka everything runs in this process and nothing needs to be installed. The embedded
broker is librdkafka's mock cluster: no durability, no replication, no transactional isolation.
It shows the flow; the guarantees are tested on a real broker.

Examples:
  sanchar demo                              about half a minute, at a rate a person can follow
  sanchar demo --rate 2                     slower
  sanchar demo --fast                       as fast as it goes
  sanchar demo --config fanout.toml --keep  a real stack by a daemon's file; leaves the topics
  sanchar demo --kafka 127.0.0.1:9092 --registry http://127.0.0.1:8081/apis/ccompat/v7

Exit codes: 0 when every event is accounted for, 70 when not.")]
pub(crate) struct Args {
    /// Events per second, all producers together
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// As fast as it goes
    #[arg(long, conflicts_with = "rate")]
    fast: bool,
    /// One line per event instead of a table; so it is anyway off a terminal
    #[arg(long)]
    plain: bool,
    /// Brokers of a real cluster as host:port, comma-separated
    #[arg(long, value_name = "BOOTSTRAP", requires = "registry", conflicts_with = "config")]
    kafka: Option<String>,
    /// Confluent API of a real schema registry
    #[arg(long, value_name = "URL", requires = "kafka")]
    registry: Option<String>,
    /// TOML file whose [kafka] and [registry] tables name a real stack
    #[arg(short, long, value_name = "PATH")]
    config: Option<PathBuf>,
    /// Leave the topics that were created on a real cluster
    #[arg(long)]
    keep: bool,
}

impl Args {
    fn pace(&self) -> Pace {
        if self.fast { Pace::Unbounded } else { Pace::PerSecond(self.rate) }
    }

    async fn place(&self) -> Result<Place, Stop> {
        if self.config.is_none() && self.kafka.is_none() {
            return Place::embedded().await;
        }
        let connection = Connection::new(self.config.clone(), self.kafka.clone(), self.registry.clone());
        Place::real(connection.cluster()?).await
    }
}

/// `terminal` is what `out` writes to, if it may be drawn on.
pub(crate) async fn run(args: &Args, terminal: Option<Term>, out: &mut dyn Write) -> Result<Outcome, Stop> {
    let mut screen = Screen::new(out, terminal.filter(|_| !args.plain));
    let place = args.place().await?;
    screen.say(&place.notice())?;
    let played = play(&place, args.pace(), &mut screen).await;
    // Whatever happened, nothing of ours stays on a real cluster.
    let cleared = place.clear_up(args.keep).await;
    let ledger = played?;
    screen.say(&format!("\nthe books:\n{ledger}"))?;
    if let Some(note) = cleared? {
        screen.say(&note)?;
    }
    if ledger.balances() {
        screen.say(&format!("{}: every event is accounted for", style("OK").green().bold()))?;
        return Ok(Outcome::Done);
    }
    Err(Failure::internal("the books do not balance: see the lines marked NO").into())
}

async fn play(place: &Place, pace: Pace, screen: &mut Screen<'_>) -> Result<Ledger, Stop> {
    let watch = Watch::open(&place.cluster)?;
    let crew = Crew::start(&place.cluster, pace).await?;
    Show::new(watch, crew, screen).play().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        demo: Args,
    }

    fn parse(words: &[&str]) -> Result<Args, clap::Error> {
        Cli::try_parse_from([&["demo"], words].concat()).map(|cli| cli.demo)
    }

    #[test]
    fn broker_and_registry_come_together() {
        assert!(parse(&["--kafka", "b:9092", "--registry", "http://r"]).is_ok());
        assert!(parse(&["--kafka", "b:9092"]).is_err());
        assert!(parse(&["--registry", "http://r"]).is_err());
        assert!(parse(&["--fast", "--rate", "3"]).is_err());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_whole_line_runs_in_this_process_and_the_books_balance() {
        let mut out = Vec::new();
        let outcome = run(&parse(&["--fast"]).unwrap(), None, &mut out).await;
        let text = console::strip_ansi_codes(&String::from_utf8(out).unwrap()).into_owned();
        assert!(matches!(outcome, Ok(Outcome::Done)), "{outcome:?}\n{text}");
        assert!(text.contains("It is librdkafka's mock cluster"), "{text}");
        assert!(text.contains("OK: every event is accounted for"), "{text}");
        assert!(!text.contains("\nNO  "), "{text}");
        let books: Vec<&str> = text.lines().filter(|line| line.starts_with("OK  ")).collect();
        assert_eq!(books.len(), 6, "{text}");
        assert!(
            books.iter().take(4).all(|line| !line.starts_with("OK  0 ")),
            "something must have moved\n{text}"
        );
    }
}

//! The command line.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Parser, Subcommand};
use jiff::civil::Date;
use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::StateCode;

/// What the command line says.
#[derive(Debug, Parser)]
#[command(
    name = crate::NAME,
    version = sanchar_runtime::VERSION,
    about = "Publishes one state's crime records, mapped from the files or the database that its data centre has",
    max_term_width = 110,
    after_help = "\
Examples:
  sanchar-producer infer sample.csv > my.toml        propose a mapping to start from
  sanchar-producer -c karnataka.toml check-config    is the file right, and does it fit the source files?
  sanchar-producer -c karnataka.toml dry-run         what would be published, what not and why; needs no broker
  sanchar-producer -c karnataka.toml dry-run --json  the same as one JSON event per line
  sanchar-producer -c karnataka.toml explain data/karnataka-fir-excerpt.csv:12
                                                     one row before and after withholding
  sanchar-producer -c rajasthan.toml explain id=4711 the same of a row of a database
  sanchar-producer -c karnataka.toml rules           the rules of withholding in force, and where each comes from
  sanchar-producer -c karnataka.toml doctor          is everything there that the daemon needs?
  sanchar-producer -c karnataka.toml backfill --from 2016-01-01 --to 2016-12-31
                                                     publish the rows of past days again, behind the daemon
  sanchar-producer -c karnataka.toml run --once      publish what is there, and end
  sanchar-producer -c karnataka.toml                 publish, and go on with whatever is added

Rows that cannot be published are kept in <store.folder>/quarantine, each with its line or id and its reason. To
publish a source from its start again, stop the daemon and delete its checkpoint in <store.folder>/checkpoints.

Exit codes: 0 done or stopped as asked, 64 wrong command line, 69 registry not reachable, 70 a mistake in the program,
75 try again, 78 wrong configuration or a file that does not fit it."
)]
pub(crate) struct Args {
    /// Configuration file (TOML)
    #[arg(short, long, value_name = "PATH", env = "SANCHAR_CONFIG", global = true)]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Command {
    /// Publish rows until SIGTERM or SIGINT (the default)
    Run {
        /// End when every row that is there now is published
        #[arg(long)]
        once: bool,
    },
    /// Check the configuration and the source files' columns, without touching the network, and exit
    CheckConfig,
    /// Print the configuration in force, defaults and environment included, secrets redacted
    PrintConfig,
    /// Publish the rows of past days again, slowly and behind the running daemon
    Backfill(BackfillArgs),
    /// Look at everything that the daemon needs, and say what to do about what is wrong
    Doctor(DoctorArgs),
    /// Show what would be published and what not, without broker, registry or checkpoint
    DryRun(DryRunArgs),
    /// Show one row before and after withholding, with the rule behind each field that stays. Shows what must not leave
    Explain(ExplainArgs),
    /// Propose a mapping for a file, as TOML to start from. Shows names of columns and no value
    Infer(InferArgs),
    /// Print the rules of withholding in force, the law's and the state's own, as TOML with where each comes from
    Rules,
}

#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  sanchar-producer -c goa.toml backfill --from 2016-01-01 --to 2016-12-31
  sanchar-producer -c goa.toml backfill --from 2016-01-01 --to 2016-12-31 --rate 1000
  sanchar-producer -c goa.toml backfill --from 2016-01-01 --to 2016-12-31 --restart

It reads all of source.files from their start, whatever the daemon has read of them, and publishes the rows whose report (else the
beginning of what happened) lies on one of the days. It waits while the daemon that runs with the same file has rows to publish. A
backfill that was stopped or killed goes on where it was when it is started again with the same days. Records without a revision of
their own get the time of their file, so that they never outdate what the daemon published later.

Exit codes: 0 all is published, 75 stopped before its end (start it again), and those of `run`.")]
pub(crate) struct BackfillArgs {
    /// First day, Indian calendar
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub(crate) from: Date,
    /// Last day
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub(crate) to: Date,
    /// Rows read in a second at most; publish.rate_per_second holds too
    #[arg(long, value_name = "ROWS", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: u32,
    /// Begin anew, although an earlier backfill of the same days was stopped or is done
    #[arg(long)]
    pub(crate) restart: bool,
}

#[derive(Debug, Clone, Copy, clap::Args)]
#[command(after_help = "\
Examples:
  sanchar-producer -c goa.toml doctor
  sanchar-producer -c goa.toml doctor --json | jq '.findings[] | select(.status == \"failed\")'
  sanchar-producer -c goa.toml doctor --try-writing

Run it as the daemon's user, on the daemon's machine; the daemon may run meanwhile. It reads and changes nothing. With --try-writing
it sends the broker one record with acks=2, which Kafka refuses after it has looked at the rights of this user and before it writes
anything: the kind of the refusal tells whether this user may write. A broker that is not Apache Kafka may write it.

Exit codes: 0 nothing failed, 78 something in the configuration or on this machine's folders has to be changed, 69 a service is not
as it has to be, 75 the disk or the clock is not; where several failed, the first of these.")]
pub(crate) struct DoctorArgs {
    /// The same as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Try whether this user may write to the topic
    #[arg(long)]
    pub(crate) try_writing: bool,
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct InferArgs {
    /// A file of the source: CSV or JSON Lines
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The state whose file it is, for example IN-KA
    #[arg(long, value_name = "CODE")]
    pub(crate) state: Option<StateCode>,
}

#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  sanchar-producer -c goa.toml explain data/goa-firs.csv:12
  sanchar-producer -c rajasthan.toml explain id=4711           a row of a database, by what tells rows apart
  sanchar-producer -c rajasthan.toml explain 'postgres id=4711' the same, as quarantine and logs name it
  sanchar-producer -c rajasthan.toml explain id=0311,2024,17   where postgres.query.id names three columns
  sanchar-producer -c goa.toml explain --json data/goa-firs.csv:12 | jq .withheld

It shows what must not leave the state, on this terminal and nowhere else. Of a database it reads this one row, in a session that
cannot write; of an outbox the id is the number of the change.

Exit codes: 0 shown, 64 there is no such row, 69 the database does not answer, 78 the configuration does not fit.")]
pub(crate) struct ExplainArgs {
    /// The file, as it is named in quarantine and logs, and the line that the row begins at; or the id of a database's row
    #[arg(value_name = "FILE:LINE|id=ID")]
    pub(crate) row: RowPlace,
    /// The same as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RowPlace {
    /// In a file.
    Line {
        file: PathBuf,
        /// From 1.
        line: u64,
    },
    /// In a database: what its keys are, separated by commas.
    Id(String),
}

impl FromStr for RowPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let id = text.strip_prefix("postgres ").unwrap_or(text).strip_prefix("id=");
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            return Ok(Self::Id(id.to_owned()));
        }
        let parts = text.rsplit_once(':').filter(|(file, _)| !file.is_empty());
        let place = parts.and_then(|(file, line)| Some((file.into(), line.parse().ok()?)));
        place.filter(|(_, line)| *line > 0).map(|(file, line)| Self::Line { file, line }).ok_or_else(|| {
            "needs a file and a line from 1, as in data/firs.csv:12, or the id of a database's row, as in id=4711".to_owned()
        })
    }
}

#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct DryRunArgs {
    /// One JSON event per line on standard output; the summary goes to standard error
    #[arg(long)]
    pub(crate) json: bool,
    /// The summary alone
    #[arg(long, conflicts_with = "json")]
    pub(crate) summary: bool,
    /// No more rows than these, of a database
    #[arg(long, value_name = "ROWS")]
    pub(crate) limit: Option<u64>,
}

impl Args {
    /// The command; `run` when none was named.
    pub(crate) fn command(&self) -> Command {
        self.command.clone().unwrap_or(Command::Run { once: false })
    }

    /// The configuration file.
    ///
    /// # Errors
    /// [`Failure`] with exit code 64 when none was named.
    pub(crate) fn config(&self) -> Result<&Path, Failure> {
        self.config.as_deref().ok_or_else(|| {
            Failure::usage("no configuration: name a TOML file with --config or SANCHAR_CONFIG")
        })
    }
}

fn day(text: &str) -> Result<Date, &'static str> {
    text.parse().map_err(|_| "write the day as YYYY-MM-DD, as in 2024-02-01")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed_and_run_is_the_default() {
        <Args as clap::CommandFactory>::command().debug_assert();
        let args = Args::try_parse_from(["sanchar-producer", "-c", "a.toml"]).unwrap();
        assert!(matches!(args.command(), Command::Run { once: false }));
        let args = Args::try_parse_from(["sanchar-producer", "run", "--once", "-c", "a.toml"]).unwrap();
        assert!(matches!(args.command(), Command::Run { once: true }));
        assert_eq!(args.config().unwrap(), Path::new("a.toml"));
        let args = Args::try_parse_from(["sanchar-producer", "dry-run"]).unwrap();
        let place = RowPlace::Line { file: "C:/a:b.csv".into(), line: 7 };
        assert_eq!("C:/a:b.csv:7".parse(), Ok(place));
        for id in ["id=0311,2024:7", "postgres id=0311,2024:7"] {
            assert_eq!(id.parse(), Ok(RowPlace::Id("0311,2024:7".into())));
        }
        for wrong in ["a.csv", "a.csv:0", "a.csv:x", ":3", "id="] {
            assert!(wrong.parse::<RowPlace>().is_err(), "{wrong}");
        }
        assert!(args.config().unwrap_err().to_string().contains("--config or SANCHAR_CONFIG"));
        let backfill = ["sanchar-producer", "backfill", "--to", "2024-02-01", "--from"];
        let of = |from| {
            Args::try_parse_from(backfill.into_iter().chain([from])).map_err(|error| error.to_string())
        };
        assert!(of("2024-01-31").is_ok());
        assert!(of("01/02/2024").unwrap_err().contains("write the day as YYYY-MM-DD, as in 2024-02-01"));
    }
}

//! The command line.

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use sanchar_runtime::lifecycle::Failure;

/// What the command line says.
#[derive(Debug, Parser)]
#[command(
    name = crate::NAME,
    version = sanchar_runtime::VERSION,
    about = "Publishes one state's crime records, mapped from the files that its data centre has",
    max_term_width = 110,
    after_help = "\
Examples:
  sanchar-producer -c karnataka.toml check-config    is the file right, and does it fit the source files?
  sanchar-producer -c karnataka.toml dry-run         what would be published, what not and why; needs no broker
  sanchar-producer -c karnataka.toml dry-run --json  the same as one JSON event per line
  sanchar-producer -c karnataka.toml run --once      publish what is there, and end
  sanchar-producer -c karnataka.toml                 publish, and go on with whatever is added

Rows that cannot be published are kept in <store.folder>/quarantine, each with its line and its reason. To publish a
file from its start again, stop the daemon and delete its checkpoint in <store.folder>/checkpoints.

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
    /// Show what would be published and what not, without broker, registry or checkpoint
    DryRun(DryRunArgs),
}

#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct DryRunArgs {
    /// One JSON event per line on standard output; the summary goes to standard error
    #[arg(long)]
    pub(crate) json: bool,
    /// The summary alone
    #[arg(long, conflicts_with = "json")]
    pub(crate) summary: bool,
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
        assert!(args.config().unwrap_err().to_string().contains("--config or SANCHAR_CONFIG"));
    }
}

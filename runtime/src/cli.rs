//! The command line that all daemons share: `-c/--config` and `run`, `check-config`, `print-config`.
//!
//! A daemon derives its own `clap::Parser` with its own about text and examples, and flattens [`DaemonArgs`] into it.
//! Commands that only one program has live with that program.

mod generate;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};

use crate::lifecycle::{ExitCode, Failure};

/// What every daemon takes on its command line.
#[derive(Debug, Clone, Args)]
pub struct DaemonArgs {
    /// Configuration file (TOML)
    #[arg(short, long, value_name = "PATH", env = "SANCHAR_CONFIG", global = true)]
    config: Option<PathBuf>,

    #[command(subcommand)]
    command: Option<DaemonCommand>,
}

/// What a daemon can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum DaemonCommand {
    /// Run until SIGTERM or SIGINT (the default)
    Run,
    /// Check the configuration without touching the network, and exit
    CheckConfig,
    /// Print the configuration in force, defaults and environment included, secrets redacted
    PrintConfig,
}

impl DaemonArgs {
    /// Arguments as if given on the command line: for tests and for programs that embed a daemon.
    pub fn new(config: impl Into<PathBuf>, command: DaemonCommand) -> Self {
        Self { config: Some(config.into()), command: Some(command) }
    }

    /// The configuration file.
    ///
    /// # Errors
    /// [`Failure`] with exit code 64 when none was named.
    pub fn config_path(&self) -> Result<&Path, Failure> {
        let missing = || Failure::usage("no configuration: name a TOML file with --config or SANCHAR_CONFIG");
        self.config.as_deref().ok_or_else(missing)
    }

    /// The command; [`DaemonCommand::Run`] when none was named.
    pub fn command(&self) -> DaemonCommand {
        self.command.unwrap_or(DaemonCommand::Run)
    }
}

/// Reads the command line of this process. Where it asks for man pages and completions (`generate`, see there), writes them.
///
/// # Errors
/// The code to end with, once help, version or the files asked for (0) or a usage error (64) have been written.
pub fn parse<P: Parser>() -> Result<P, std::process::ExitCode> {
    let mut program = P::command();
    let matches = program.clone().subcommand(generate::command()).try_get_matches().map_err(refused)?;
    match generate::asked(&matches) {
        Some(folder) => Err(generated(generate::write(&program, folder))),
        None => P::from_arg_matches(&matches).map_err(|error| refused(error.format(&mut program))),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given what `map_err` has")]
fn refused(error: clap::Error) -> std::process::ExitCode {
    // Nobody is left to tell if the output is closed.
    drop(error.print());
    exit_code(&error).into()
}

fn generated(outcome: Result<(), Failure>) -> std::process::ExitCode {
    let Err(failure) = outcome else { return ExitCode::Clean.into() };
    drop(writeln!(std::io::stderr(), "{failure}"));
    failure.exit_code().into()
}

fn exit_code(error: &clap::Error) -> ExitCode {
    if error.use_stderr() { ExitCode::Usage } else { ExitCode::Clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Parser)]
    #[command(name = "sanchar-test", version = crate::VERSION, about = "A test.", after_help = "Examples: none")]
    struct TestArgs {
        #[command(flatten)]
        daemon: DaemonArgs,
    }

    fn parse(args: &[&str]) -> Result<DaemonArgs, clap::Error> {
        TestArgs::try_parse_from([&["sanchar-test"], args].concat()).map(|args| args.daemon)
    }

    #[test]
    fn the_command_defaults_to_run_and_config_stands_on_either_side() {
        let args = parse(&["-c", "a.toml"]).unwrap();
        assert_eq!((args.config_path().unwrap(), args.command()), (Path::new("a.toml"), DaemonCommand::Run));
        for words in [["--config", "a.toml", "check-config"], ["check-config", "--config", "a.toml"]] {
            let args = parse(&words).unwrap();
            assert_eq!(
                (args.config_path().unwrap(), args.command()),
                (Path::new("a.toml"), DaemonCommand::CheckConfig)
            );
        }
        assert_eq!(parse(&["print-config"]).unwrap().command(), DaemonCommand::PrintConfig);
    }

    #[test]
    fn without_a_file_the_remedy_is_named() {
        let failure = parse(&[]).unwrap().config_path().unwrap_err();
        assert_eq!(failure.exit_code(), ExitCode::Usage);
        assert!(failure.to_string().contains("--config or SANCHAR_CONFIG"));
    }

    #[test]
    fn usage_errors_end_with_64_and_help_with_0() {
        for (words, code) in [
            (["--confg", "a.toml"], ExitCode::Usage),
            (["start", ""], ExitCode::Usage),
            (["--help", ""], ExitCode::Clean),
            (["--version", ""], ExitCode::Clean),
        ] {
            let error = parse(&words).unwrap_err();
            assert_eq!(exit_code(&error), code, "{words:?}");
        }
    }

    #[test]
    fn man_pages_and_completions_name_every_command_and_option() {
        let folder = tempfile::tempdir().unwrap();
        let program = <TestArgs as clap::CommandFactory>::command();
        let matches = program.clone().subcommand(generate::command());
        let place = folder.path().join("new");
        let matches =
            matches.try_get_matches_from(["sanchar-test".as_ref(), "generate".as_ref(), place.as_os_str()]);
        assert_eq!(generate::asked(&matches.unwrap()), Some(place.as_path()));
        generate::write(&program, &place).unwrap();
        let read = |name: &str| std::fs::read_to_string(place.join(name)).unwrap();
        for name in ["sanchar-test.bash", "_sanchar-test", "sanchar-test.fish", "sanchar-test.1"] {
            let text = read(name).replace('\\', "");
            for word in ["config", "run", "check-config", "print-config"] {
                assert!(text.contains(word), "{word} is missing from {name}");
            }
            assert!(!text.contains("generate"), "{name} shows what is hidden");
        }
        assert!(read("sanchar-test.1").contains("\n.SH EXAMPLES\n.nf\nExamples: none\n.fi\n.SH VERSION\n"));
        assert!(read("sanchar-test-check-config.1").contains("without touching the network"));
        let denied = generate::write(&program, std::path::Path::new("/proc/none")).unwrap_err();
        assert!(denied.to_string().contains("name a folder"), "{denied}");
    }

    #[test]
    fn help_shows_the_variable_and_the_examples() {
        let help = parse(&["--help"]).unwrap_err().to_string();
        for part in ["SANCHAR_CONFIG", "check-config", "print-config", "Examples: none"] {
            assert!(help.contains(part), "{part} is missing from\n{help}");
        }
    }
}

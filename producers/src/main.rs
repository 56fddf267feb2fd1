//! `sanchar-producer`: publishes one state's crime records. What it does is in the library.

mod args;
mod check;
mod diagnose;
mod dry;
mod explain;
mod progress;
mod republish;
mod show;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use args::{Args, Command, InferArgs};
use sanchar_producer::{NAME, Options, ProducerConfig};
use sanchar_runtime::cli::{DaemonArgs, DaemonCommand};
use sanchar_runtime::lifecycle::{Failure, run_daemon};

/// Every row is some sixty small pieces of memory, and what the client sends is freed on its own threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = match sanchar_runtime::cli::parse::<Args>() {
        Ok(args) => args,
        Err(code) => return code,
    };
    if let Command::Infer(InferArgs { file, state }) = args.command() {
        return conclude(sanchar_producer::infer::infer(&file, state).and_then(|proposal| say(&proposal)));
    }
    let path = match args.config() {
        Ok(path) => path,
        Err(failure) => return conclude(Err(failure)),
    };
    match args.command() {
        Command::Run { once } => run(path, once),
        Command::Backfill(args) => republish::republish(path, &args),
        Command::Doctor(args) => diagnose::diagnose(path, args),
        Command::CheckConfig => conclude(check::check(path)),
        Command::PrintConfig => print(path),
        Command::DryRun(options) => conclude(dry::dry_run(path, &options)),
        Command::Explain(row) => conclude(explain::explain(path, &row)),
        Command::Rules => conclude(rules(path)),
        // It needs no configuration, and was done above.
        Command::Infer(_) => ExitCode::SUCCESS,
    }
}

/// Runs the daemon, or one pass over what is there.
fn run(path: &Path, once: bool) -> ExitCode {
    let args = DaemonArgs::new(path, DaemonCommand::Run);
    run_daemon(NAME, &args, |config: ProducerConfig, context| async move {
        // Standard input ends, and the daemon with it.
        let once = once || config.source.is_stdin();
        let bar = if once { progress::bar() } else { None };
        let options = Options { once, progress: bar.map(progress::observer), ..Options::default() };
        let shutdown = context.shutdown.clone();
        let summary =
            sanchar_producer::run(config.in_folder_of(path).with_policy()?, options, context).await?;
        if !once {
            return Ok(());
        }
        say(&summary.to_string())?;
        // Whoever waits for the end of one pass must not take a stop for it.
        match shutdown.reason() {
            None => summary.check_whole(),
            Some(reason) => Err(Failure::temporary(format!(
                "{reason} before the pass was over: start it again, and it goes on from its checkpoints"
            ))),
        }
    })
}

fn print(path: &Path) -> ExitCode {
    let args = DaemonArgs::new(path, DaemonCommand::PrintConfig);
    run_daemon(NAME, &args, |_: ProducerConfig, _| async { Ok(()) })
}

fn rules(path: &Path) -> Result<(), Failure> {
    let config = ProducerConfig::load(path)?;
    config.check_mapping()?;
    say(&config.withholding.to_toml(path)?)
}

/// Writes an answer to standard output.
fn say(text: &str) -> Result<(), Failure> {
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|error| Failure::temporary(format!("cannot write the answer: {error}")))
}

/// Ends a command that is no daemon.
fn conclude(outcome: Result<(), Failure>) -> ExitCode {
    let Err(failure) = outcome else { return ExitCode::SUCCESS };
    // Nobody is left to tell if standard error is closed.
    drop(writeln!(std::io::stderr(), "{NAME}: {failure}"));
    failure.exit_code().into()
}

//! The command `sanchar`: create topics, register schemas, explain a route, follow a topic, send dead letters back, see how it
//! all is, and see it in a demonstration; and the exporter for Prometheus.
//!
//! It is for people at a terminal and for their scripts; no other program depends on it. Every command writes to the output it
//! is given, so that a test reads what a person would. The embedded broker and registry are for the demonstration alone.

mod args;
mod connection;
mod content;
mod demo;
mod dlq;
pub mod embedded;
pub mod exporter;
mod moment;
mod names;
mod outcome;
mod reader;
mod route;
mod schemas;
mod scrape;
mod status;
mod survey;
mod table;
mod tail;
mod text;
mod top;
mod topics;

pub use args::Cli;
pub use outcome::{Outcome, Stop};

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use args::Command;
use console::Term;
use sanchar_runtime::lifecycle::Failure;
use sanchar_runtime::logs::{self, LogConfig, LogFormat};

/// Does what the command line asks and says how it ended.
pub fn run(cli: Cli) -> ExitCode {
    // A daemon: it has logs, an async runtime and an end of its own.
    if let Command::Exporter(args) = &cli.command {
        return exporter::run(args);
    }
    let is_terminal = io::stdout().is_terminal();
    console::set_colors_enabled(is_terminal && cli.wants_colors());
    // Log lines between drawings would spoil the table.
    let terminal = (is_terminal && !cli.verbose).then(Term::stdout);
    let config = LogConfig { format: LogFormat::Text, ..LogConfig::default() };
    let limit = match cli.verbose.then(|| logs::init(&config)).transpose() {
        Ok(limit) => limit,
        Err(error) => return outcome::conclude(Err(error.into()), &mut io::stderr()),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(execute(cli.command, terminal, &mut io::stdout()));
            runtime.shutdown_background();
            ended
        }
        Err(error) => Err(Failure::temporary(format!("cannot start the async runtime: {error}")).into()),
    };
    limit.iter().for_each(|limit| limit.tell(|_, _| {}));
    outcome::conclude(ended, &mut io::stderr())
}

async fn execute(command: Command, terminal: Option<Term>, out: &mut dyn Write) -> Result<Outcome, Stop> {
    match command {
        Command::Demo(args) => demo::run(&args, terminal, out).await,
        Command::Topics(args) => topics::run(&args, out).await,
        Command::Schemas(args) => schemas::run(&args, out).await,
        Command::Tail(args) => tail::run(&args, out).await,
        Command::Dlq(args) => dlq::run(&args, out).await,
        Command::Route(args) => route::run(&args, &mut io::stdin(), out),
        Command::Status(args) => status::run(&args, out).await,
        Command::Top(args) => top::run(args, terminal.is_some()).await,
        Command::Exporter(_) => Err(Failure::internal("the exporter is not run from here").into()),
    }
}

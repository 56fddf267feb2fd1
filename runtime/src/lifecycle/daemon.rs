//! From `main` to an exit code: the same path for every daemon.
//!
//! Reads the configuration, starts logs and the HTTP server, runs the daemon's own body and stops it in good order.
//! What the daemon does is the body's business.

use std::fmt;
use std::future::Future;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::stops::{Stops, register_stops};
use super::{ExitCode, Failure, Reload, Shutdown};
use crate::VERSION;
use crate::cli::{DaemonArgs, DaemonCommand};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, ConfigError};
use crate::health::Health;
use crate::http::{self, HttpConfig};
use crate::logs::{self, LineLimit, LogConfig};
use crate::metrics::Metrics;
use crate::secret::exposed;
use crate::systemd;
use crate::telemetry::{TelemetryConfig, Tracer};

/// What every daemon's configuration holds beside its own settings.
pub trait DaemonConfig: DeserializeOwned + Serialize {
    /// The `[logs]` table.
    fn logs(&self) -> &LogConfig;

    /// The `[telemetry]` table; nothing is traced by a daemon without one.
    fn telemetry(&self) -> &TelemetryConfig {
        static OFF: TelemetryConfig = TelemetryConfig::OFF;
        &OFF
    }

    /// Where it keeps what outlives a process, if anywhere; a relative path begins at `folder`, the configuration file's.
    /// How processes ended is noted there.
    fn state_folder(&self, _folder: &Path) -> Option<PathBuf> {
        None
    }

    /// The `[http]` table.
    fn http(&self) -> &HttpConfig;

    /// The `[lifecycle]` table.
    fn lifecycle(&self) -> &LifecycleConfig;

    /// Finds whatever can be found wrong without the network: called by `check-config` and before every start.
    ///
    /// # Errors
    /// The first thing wrong, with its remedy.
    fn check(&self) -> Result<(), ConfigError>;

    /// Finds what is wrong in the files that the configuration names; relative paths begin at `folder`, the configuration
    /// file's. Called after [`DaemonConfig::check`].
    ///
    /// # Errors
    /// The first thing wrong, with its remedy.
    fn check_files(&self, _folder: &Path) -> Result<(), ConfigError> {
        Ok(())
    }
}

/// The `[lifecycle]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LifecycleConfig {
    /// How long a stop may take before the process ends regardless, in milliseconds. Default 10000.
    pub shutdown_grace_ms: u64,
}

impl Default for LifecycleConfig {
    fn default() -> Self {
        Self { shutdown_grace_ms: 10_000 }
    }
}

/// What a daemon's body works with.
#[derive(Clone)]
pub struct Context {
    /// The daemon's name, as in `sanchar-fanout`.
    pub name: &'static str,
    /// Where the body registers its metrics.
    pub metrics: Metrics,
    /// Where its parts report.
    pub health: Health,
    /// The body returns soon after this is triggered, and may trigger it.
    pub shutdown: Shutdown,
    /// Asked on SIGHUP; a body that reads something again listens.
    pub reload: Reload,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where it tells of records whose traces are kept; off until somebody sets it.
    pub tracer: Tracer,
}

impl Context {
    /// A context for the daemon `name`; tests bring their own clock.
    ///
    /// # Errors
    /// As [`Metrics::new`].
    pub fn new(name: &'static str, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let shutdown = Shutdown::new();
        let health = Health::new(Arc::clone(&clock), shutdown.clone());
        let (metrics, reload, tracer) = (Metrics::new(name)?, Reload::new(), Tracer::default());
        Ok(Self { name, metrics, health, shutdown, reload, clock, tracer })
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("name", &self.name)
            .field("health", &self.health)
            .finish_non_exhaustive()
    }
}

/// Does what the command line asks: runs the daemon, or checks or prints its configuration.
///
/// `body` is the daemon itself. It gets the configuration and a [`Context`], works until [`Shutdown`] is triggered
/// (by SIGTERM, SIGINT or itself), finishes what it has begun and returns. It must not block: work that blocks
/// belongs on a thread of its own. A second signal, or a stop that takes longer than
/// [`LifecycleConfig::shutdown_grace_ms`], ends the process with 75; a panic on any thread ends it with 70.
pub fn run_daemon<C, F, Fut>(name: &'static str, args: &DaemonArgs, body: F) -> std::process::ExitCode
where
    C: DaemonConfig,
    F: FnOnce(C, Context) -> Fut,
    Fut: Future<Output = Result<(), Failure>>,
{
    let outcome = args.config_path().and_then(|path| match args.command() {
        DaemonCommand::Run => run(name, path, body),
        DaemonCommand::CheckConfig => check::<C>(path),
        DaemonCommand::PrintConfig => print::<C>(path),
    });
    conclude(name, &outcome).into()
}

fn check<C: DaemonConfig>(path: &Path) -> Result<(), Failure> {
    let config = checked::<C>(path)?;
    say(std::io::stdout(), format_args!("{}: the configuration is valid", path.display()))?;
    let mut exposed = exposed(&config, path)?.into_iter();
    exposed.try_for_each(|exposed| say(std::io::stdout(), format_args!("warning: {exposed}")))
}

fn print<C: DaemonConfig>(path: &Path) -> Result<(), Failure> {
    let text = config::effective(&config::load::<C>(path)?)?;
    say(std::io::stdout(), format_args!("{}", text.trim_end()))
}

fn checked<C: DaemonConfig>(path: &Path) -> Result<C, ConfigError> {
    let config: C = config::load(path)?;
    config.logs().check()?;
    config.telemetry().check()?;
    config.check()?;
    config.check_files(path.parent().unwrap_or_else(|| Path::new("")))?;
    Ok(config)
}

fn run<C, F, Fut>(name: &'static str, path: &Path, body: F) -> Result<(), Failure>
where
    C: DaemonConfig,
    F: FnOnce(C, Context) -> Fut,
    Fut: Future<Output = Result<(), Failure>>,
{
    let config: C = checked(path)?;
    let limit = logs::init(config.logs())?;
    let stops = config.state_folder(path.parent().unwrap_or_else(|| Path::new(""))).and_then(|at| begun(&at));
    std::panic::set_hook(Box::new(end_on_panic));
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::temporary(format!("cannot start the async runtime: {error}")))?;
    let unclean = stops.as_ref().map(Stops::unclean);
    let outcome = runtime.block_on(start(name, config, limit, unclean, body));
    stop(runtime);
    if let (Ok(()), Some(stops)) = (&outcome, stops)
        && let Err(error) = stops.end()
    {
        tracing::warn!(%error, "that this stop is a clean one cannot be noted");
    }
    outcome
}

/// Notes that a process runs. A daemon works without, and its body says what is wrong with the folder.
fn begun(folder: &Path) -> Option<Stops> {
    Stops::begin(folder).unwrap_or_else(|error| {
        tracing::warn!(%error, "whether processes end in good order cannot be noted");
        None
    })
}

async fn start<C, F, Fut>(
    name: &'static str,
    config: C,
    limit: LineLimit,
    unclean: Option<u64>,
    body: F,
) -> Result<(), Failure>
where
    C: DaemonConfig,
    F: FnOnce(C, Context) -> Fut,
    Fut: Future<Output = Result<(), Failure>>,
{
    let mut context = Context::new(name, Arc::new(SystemClock))?;
    end_on_signal(context.shutdown.clone())?;
    reload_on_signal(context.reload.clone())?;
    let metrics = context.metrics.clone();
    if let Some(unclean) = unclean {
        register_stops(&metrics)?.inc_by(unclean);
    }
    tokio::spawn(tell_of_suppressed(limit.clone(), metrics.clone()));
    // The server outlives the body, so that probes see the stop.
    let drained = Shutdown::new();
    let server = http::serve(config.http(), context.metrics.clone(), context.health.clone(), drained.clone());
    let listen = server.await?;
    let config_digest = config::digest(&config)?;
    tracing::info!(daemon = name, version = VERSION, config_digest, %listen, "daemon starts");
    systemd::notify(context.health.clone(), context.shutdown.clone());
    let (tracer, exporter) = Tracer::start(config.telemetry(), name, &metrics)?;
    context.tracer = tracer;

    let grace_ms = config.lifecycle().shutdown_grace_ms;
    let shutdown = context.shutdown.clone();
    let outcome = supervise(body(config, context), &shutdown, grace_ms).await;
    shutdown.trigger("its work has ended");
    if let Some(exporter) = exporter {
        exporter.finish().await;
    }
    limit.tell(|level, lines| metrics.suppressed(level, lines));
    tracing::info!(daemon = name, reason = shutdown.reason(), "daemon stops");
    drained.trigger("drained");
    outcome
}

/// Tells of lines that were left out of the log, for as long as the daemon runs.
async fn tell_of_suppressed(limit: LineLimit, metrics: Metrics) {
    loop {
        tokio::time::sleep(Duration::from_millis(logs::WINDOW_MS)).await;
        limit.tell(|level, lines| metrics.suppressed(level, lines));
    }
}

/// Runs the body to its end, but not longer than `grace_ms` after a stop was asked for.
async fn supervise(
    body: impl Future<Output = Result<(), Failure>>,
    shutdown: &Shutdown,
    grace_ms: u64,
) -> Result<(), Failure> {
    let mut body = Box::pin(body);
    tokio::select! {
        outcome = &mut body => return outcome,
        () = shutdown.triggered() => {}
    }
    tokio::time::timeout(Duration::from_millis(grace_ms), body).await.unwrap_or_else(|_| {
        Err(Failure::temporary(format!(
            "the daemon did not stop within {grace_ms} ms: see its last log lines, or raise lifecycle.shutdown_grace_ms"
        )))
    })
}

/// Ends without waiting for threads that still block: the body has ended, so what they do no longer matters.
fn stop(runtime: Runtime) {
    runtime.shutdown_background();
}

fn end_on_signal(shutdown: Shutdown) -> Result<(), Failure> {
    let listen =
        |kind| signal(kind).map_err(|error| Failure::internal(format!("cannot listen for signals: {error}")));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    tokio::spawn(async move {
        let signal = next(&mut terminate, &mut interrupt).await;
        tracing::info!(signal, "asked to stop");
        shutdown.trigger(signal);
        let signal = next(&mut terminate, &mut interrupt).await;
        tracing::warn!(signal, "a second signal ends the daemon at once");
        end(ExitCode::Temporary);
    });
    Ok(())
}

fn reload_on_signal(reload: Reload) -> Result<(), Failure> {
    let listened = signal(SignalKind::hangup());
    let mut hangup =
        listened.map_err(|error| Failure::internal(format!("cannot listen for signals: {error}")))?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            if !reload.ask() {
                tracing::info!(
                    "SIGHUP: this daemon has nothing to read again; restart it for a new configuration"
                );
            }
        }
    });
    Ok(())
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

/// A panic's text may quote the data that caused it, so only a literal is shown, with the place in the code.
fn end_on_panic(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let place = panic.location().map(ToString::to_string);
    let literal = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("(text withheld)");
    tracing::error!(
        place,
        thread = thread.name(),
        literal,
        "a mistake in the program: please report this line"
    );
    end(ExitCode::Internal);
}

#[expect(clippy::disallowed_methods, reason = "the one place that ends the process early")]
fn end(code: ExitCode) -> ! {
    std::process::exit(i32::from(code as u8))
}

/// Reports how it went: in the log where there is one, else as a line on standard error.
fn conclude(name: &'static str, outcome: &Result<(), Failure>) -> ExitCode {
    let logging = tracing::dispatcher::has_been_set();
    match outcome {
        Ok(()) => {}
        Err(failure) if logging => {
            tracing::error!(daemon = name, error = %failure, exit_code = failure.exit_code() as u8, "daemon failed");
        }
        // Nobody is left to tell if standard error is closed.
        Err(failure) => drop(say(std::io::stderr(), format_args!("{name}: {failure}"))),
    }
    outcome.as_ref().err().map_or(ExitCode::Clean, Failure::exit_code)
}

fn say(mut output: impl std::io::Write, line: fmt::Arguments<'_>) -> Result<(), Failure> {
    writeln!(output, "{line}")
        .map_err(|error| Failure::temporary(format!("cannot write the answer: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_body_has_its_grace_and_no_more() {
        let shutdown = Shutdown::new();
        shutdown.trigger("SIGTERM");
        let within = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Ok(())
        };
        assert!(supervise(within, &shutdown, 10_000).await.is_ok());
        let failure = supervise(std::future::pending(), &shutdown, 20).await.unwrap_err();
        assert_eq!(failure.exit_code(), ExitCode::Temporary);
        assert!(failure.to_string().contains("did not stop within 20 ms"), "{failure}");
    }

    #[tokio::test]
    async fn a_body_that_ends_by_itself_gives_its_own_outcome() {
        let shutdown = Shutdown::new();
        assert!(supervise(async { Ok(()) }, &shutdown, 1).await.is_ok());
        let failing = async { Err(Failure::unavailable("no broker answers")) };
        let failure = supervise(failing, &shutdown, 1).await.unwrap_err();
        assert_eq!(failure.exit_code(), ExitCode::Unavailable);
    }
}

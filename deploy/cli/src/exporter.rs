//! `sanchar exporter`: kafka_exporter's metrics of Sanchar's topics and of the groups that read them, so that dashboards and
//! alerts made for that program work, and it is seen which state reads its inbox late.
//!
//! A daemon like the others: configuration, probes, metrics, exit codes are the chassis's. It asks the brokers now and then
//! and shows the answers; a scrape asks nobody. What it asks is in `survey`.

mod config;
pub mod metrics;

use std::process::ExitCode;
use std::time::Duration;

use sanchar_runtime::certificates;
use sanchar_runtime::cli::DaemonArgs;
use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::lifecycle::{self, Context, Failure};

use crate::survey::{self, Scope, Survey};
pub use config::ExporterConfig;
use metrics::Figures;

/// How long a round may take. Groups that are not reached by then are left out, and counted.
const ROUND: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sanchar exporter -c exporter.toml               run until SIGTERM or SIGINT
  sanchar exporter -c exporter.toml check-config  find what is wrong without the network
  curl http://127.0.0.1:9308/metrics              what it shows; /livez and /readyz are there too

Exit codes:
  0   stopped as asked
  64  the command line is wrong
  69  its address is taken
  70  a mistake in the program
  75  a temporary failure, for example a stop that took too long
  78  the configuration is wrong
Brokers that do not answer are waited for: /readyz says so meanwhile, and no figures are shown.")]
pub(crate) struct Args {
    #[command(flatten)]
    daemon: DaemonArgs,
}

/// Runs the daemon, or checks or prints its configuration, as the command line says.
pub(crate) fn run(args: &Args) -> ExitCode {
    lifecycle::run_daemon("sanchar-exporter", &args.daemon, work)
}

async fn work(config: ExporterConfig, context: Context) -> Result<(), Failure> {
    let figures = Figures::register(&context.metrics)?;
    certificates::show(&context.metrics, config.kafka.certificate_files())?;
    let scope = config.scope(ROUND)?;
    let interval = Duration::from_millis(config.exporter.interval_ms);
    // A question that was asked within the time of a round may be answered after it.
    let stall_after = interval + ROUND * 2;
    let stall_after_ms = u64::try_from(stall_after.as_millis()).unwrap_or(u64::MAX);
    let broker = context.health.component("broker", Some(stall_after_ms));
    while !context.shutdown.is_triggered() {
        let began_ms = context.clock.uptime_ms();
        let answer = tokio::select! {
            () = context.shutdown.triggered() => break,
            answer = ask(config.kafka.clone(), scope.clone()) => answer,
        };
        let took = Duration::from_millis(context.clock.uptime_ms() - began_ms);
        broker.beat();
        match answer {
            Ok(survey) => {
                figures.show(&survey, took);
                broker.ready();
            }
            Err(failure) => {
                tracing::warn!(error = %failure, "the brokers were asked in vain");
                // Old figures would look like new ones.
                figures.forget(took);
                broker.not_ready(failure.to_string());
            }
        }
        drop(tokio::time::timeout(interval, context.shutdown.triggered()).await);
    }
    Ok(())
}

/// Asks on a thread that may block. Where nobody waits for the answer any more, it ends with the process.
async fn ask(kafka: KafkaConfig, scope: Scope) -> Result<Survey, Failure> {
    let asked = tokio::task::spawn_blocking(move || survey::survey(&kafka, &scope));
    asked.await.map_err(|error| Failure::internal(format!("a survey has ended: {error}")))?
}

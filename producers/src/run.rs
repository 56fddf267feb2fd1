//! The daemon's body: look the schema up, then read, map and publish until told to stop.
//!
//! The work itself blocks, so it has a thread of its own; this file is what the async runtime sees of it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use sanchar_runtime::backoff::Backoff;
use sanchar_runtime::certificates;
use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::lifecycle::{Context, DaemonConfig as _, ExitCode, Failure};
use sanchar_runtime::registry::{RegistryClient, RegistryConfig, RegistryError, SchemaId};
use sanchar_schemas::schema::Record;
use sanchar_schemas::topics::{Topic, TopicSpace};

use crate::backfill::Backfill;
use crate::certificates::files;
use crate::config::ProducerConfig;
use crate::dry_run::Progress;
use crate::publish::{KafkaSink, Ledger, Traces};
use crate::push;
use crate::spool::Spool;
use crate::summary::Summary;
use crate::worker::Worker;

/// How a producer runs.
#[derive(Clone, Default)]
pub struct Options {
    /// End when every row that is there now is published, instead of waiting for more.
    pub once: bool,
    /// The registry's id of the current event schema, where it is known already; else it is looked up.
    pub schema_id: Option<SchemaId>,
    /// Told now and then how far reading has come.
    pub progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
    /// Publish rows of past days, behind the running daemon. Set by [`backfill`](crate::backfill()) alone.
    pub backfill: Option<Backfill>,
    /// Told the address at which pushed items are taken, where they are.
    pub listening: Option<Arc<dyn Fn(SocketAddr) + Send + Sync>>,
}

/// First and longest pause between attempts to reach the registry, in milliseconds.
const LOOK_UP_BACKOFF_MS: (u64, u64) = (200, 10_000);

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { once, schema_id, progress: _, backfill, listening: _ } = self;
        let mut options = f.debug_struct("Options");
        options
            .field("once", once)
            .field("schema_id", schema_id)
            .field("backfill", backfill)
            .finish_non_exhaustive()
    }
}

/// Publishes a state's rows until the context's shutdown is triggered, or with [`Options::once`] until all that is
/// there is published. Several may run in one process, each with a context of its own.
///
/// # Errors
/// [`Failure`]: configuration (78) when the mapping does not fit the files; unavailable (69) when the registry does not
/// answer or does not hold the schema, or the topic is not there; temporary (75) when the disk or the broker refuses.
/// Rows that were not acknowledged are read again at the next start.
pub async fn run(config: ProducerConfig, options: Options, context: Context) -> Result<Summary, Failure> {
    config.check()?;
    config.withholding.check_policy_is_read()?;
    certificates::show(&context.metrics, files(&config))?;
    let ledger = Arc::new(Ledger::new(config.publish.in_flight_rows, config.publish.in_flight_bytes));
    let Some(push) = config.push.clone().filter(|_| !options.once) else {
        return publish(config, options, context, ledger, None).await;
    };
    let push = push::open(&config, &push, &context, &ledger).await?;
    if let Some(listening) = &options.listening {
        listening(push.address);
    }
    let outcome = publish(config, options, context.clone(), ledger, Some(push.spool.clone())).await;
    context.shutdown.trigger("its work has ended");
    push.closed().await;
    outcome
}

/// Publishes until it is over; `spool` is the one that is being filled meanwhile.
async fn publish(
    config: ProducerConfig,
    options: Options,
    context: Context,
    ledger: Arc<Ledger>,
    spool: Option<Spool>,
) -> Result<Summary, Failure> {
    let schema = match options.schema_id {
        Some(schema) => schema,
        None if spool.is_none() => look_up(&config.registry).await?,
        None => match look_up_patiently(&config.registry, &context).await? {
            Some(schema) => schema,
            None => return Ok(Summary::default()),
        },
    };
    let (shutdown, woken) = (context.shutdown.clone(), Arc::clone(&ledger));
    let mut work = tokio::task::spawn_blocking(move || work(config, options, context, schema, ledger, spool));
    let ended = tokio::select! {
        ended = &mut work => ended,
        // An idle worker sleeps for a while.
        () = shutdown.triggered() => {
            woken.nudge();
            work.await
        }
    };
    ended.map_err(|error| Failure::internal(format!("the producer's thread has ended early: {error}")))?
}

/// Waits for the registry while items are taken: a state that is cut off loses none. `None` where a stop came first.
async fn look_up_patiently(
    registry: &RegistryConfig,
    context: &Context,
) -> Result<Option<SchemaId>, Failure> {
    let component = context.health.component("registry", None);
    let mut backoff = Backoff::new(LOOK_UP_BACKOFF_MS.0, LOOK_UP_BACKOFF_MS.1);
    loop {
        let failure = match look_up(registry).await {
            Ok(schema) => {
                component.ready();
                return Ok(Some(schema));
            }
            Err(failure) if failure.exit_code() == ExitCode::Unavailable => failure,
            Err(failure) => return Err(failure),
        };
        tracing::warn!(%failure, "the schema is not known yet; trying again");
        component.not_ready(failure.to_string());
        tokio::select! {
            () = tokio::time::sleep(backoff.next_delay()) => {}
            () = context.shutdown.triggered() => return Ok(None),
        }
    }
}

async fn look_up(registry: &RegistryConfig) -> Result<SchemaId, Failure> {
    let release = Record::CrimeEvent.latest();
    let subject = Record::CrimeEvent.subject();
    let found = RegistryClient::new(registry)?.id_of(subject, &release.text).await;
    found.map_err(|error| match error {
        RegistryError::NotFound { .. } => Failure::unavailable(format!(
            "version {} of {subject} is not in the schema registry: an operator registers it with \
             `sanchar schemas register`",
            release.version
        )),
        error => Failure::unavailable(error.to_string()),
    })
}

fn work(
    config: ProducerConfig,
    options: Options,
    context: Context,
    schema: SchemaId,
    ledger: Arc<Ledger>,
    spool: Option<Spool>,
) -> Result<Summary, Failure> {
    let spool = match spool {
        None if config.push.is_some() => Some(push::open_spool(&config)?),
        spool => spool,
    };
    let sink = sink(&config, &context, Arc::clone(&ledger))?;
    let worker = Worker::new(config, options, context, schema, sink, ledger)?;
    match spool {
        Some(spool) => worker.fed_by(spool).run(),
        None => worker.run(),
    }
}

fn sink(config: &ProducerConfig, context: &Context, ledger: Arc<Ledger>) -> Result<KafkaSink, Failure> {
    let KafkaConfig { topic_prefix, .. } = &config.kafka;
    let topic = Topic::Reported(config.state.code);
    let name = TopicSpace::new(topic_prefix.as_deref().unwrap_or_default()).name(topic);
    let client_id = format!("{}-{}", context.name, config.state.code.to_topic_part());
    let broker = context.health.component("broker", None);
    let traces = Traces::new(context, name.clone());
    KafkaSink::new(&config.kafka, &client_id, name, topic.spec().max_message_bytes, ledger, broker, traces)
}

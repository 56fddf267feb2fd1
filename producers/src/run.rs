//! The daemon's body: look the schema up, then read, map and publish until told to stop.
//!
//! The work itself blocks, so it has a thread of its own; this file is what the async runtime sees of it.

use std::fmt;
use std::sync::Arc;

use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::lifecycle::{Context, DaemonConfig as _, Failure};
use sanchar_runtime::registry::{RegistryClient, RegistryConfig, RegistryError, SchemaId};
use sanchar_schemas::schema::Record;
use sanchar_schemas::topics::{Topic, TopicSpace};

use crate::config::ProducerConfig;
use crate::dry_run::Progress;
use crate::publish::{KafkaSink, Ledger};
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
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { once, schema_id, progress: _ } = self;
        f.debug_struct("Options").field("once", once).field("schema_id", schema_id).finish_non_exhaustive()
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
    config.kafka.show_certificates(&context.metrics)?;
    let schema = match options.schema_id {
        Some(schema) => schema,
        None => look_up(&config.registry).await?,
    };
    let work = tokio::task::spawn_blocking(move || work(config, options, context, schema));
    work.await
        .map_err(|error| Failure::internal(format!("the producer's thread has ended early: {error}")))?
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
) -> Result<Summary, Failure> {
    let ledger = Arc::new(Ledger::new(config.publish.in_flight_rows, config.publish.in_flight_bytes));
    let sink = sink(&config, &context, Arc::clone(&ledger))?;
    Worker::new(config, options, context, schema, sink, ledger)?.run()
}

fn sink(config: &ProducerConfig, context: &Context, ledger: Arc<Ledger>) -> Result<KafkaSink, Failure> {
    let KafkaConfig { topic_prefix, .. } = &config.kafka;
    let topic = Topic::Reported(config.state.code);
    let name = TopicSpace::new(topic_prefix.as_deref().unwrap_or_default()).name(topic);
    let client_id = format!("{}-{}", context.name, config.state.code.to_topic_part());
    let broker = context.health.component("broker", None);
    KafkaSink::new(&config.kafka, &client_id, name, topic.spec().max_message_bytes, ledger, broker)
}

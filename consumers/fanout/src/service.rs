//! Puts the service together: registry, pipeline, engine; runs it until it is asked to stop.

use crate::config::FanoutConfig;
use crate::decode::EventDecoder;
use crate::metrics::PipelineMetrics;
use crate::patience::Patience;
use crate::pipeline::Pipeline;
use crate::publish::Publisher;
use crate::register::Register;
use sanchar_runtime::backoff::Backoff;
use sanchar_runtime::lifecycle::{Context, Failure};
use sanchar_runtime::registry::{RegistryClient, SchemaId};
use sanchar_schemas::StateCode;
use sanchar_schemas::adjacency::Adjacency;
use sanchar_schemas::schema::Record;
use sanchar_schemas::topics::Topic;
use sanchar_stream::Engine;
use sanchar_stream::kafka::KafkaConnector;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Runs the service until `context.shutdown` is triggered.
///
/// # Errors
/// When it cannot start, or when going on would be wrong; the failure carries the exit code.
pub async fn run(config: FanoutConfig, context: Context) -> Result<(), Failure> {
    let registry = RegistryClient::new(&config.registry)?;
    let Some(schema_id) = shared_schema_id(&registry, &context).await? else { return Ok(()) };
    let topics = config.topics();
    let pipeline = Pipeline {
        owners: StateCode::all().map(|state| (topics.name(Topic::Reported(state)), state)).collect(),
        decoder: EventDecoder::new(
            registry,
            Handle::current(),
            Arc::clone(&context.clock),
            Patience::new(config.unknown_schema_grace_ms),
        ),
        register: Register::default(),
        adjacency: Adjacency::builtin(),
        publisher: Publisher::new(schema_id, &topics),
        metrics: PipelineMetrics::new(&context.metrics)?,
        clock: Arc::clone(&context.clock),
    };
    let job = config.job();
    let connector = KafkaConnector::new(
        config.kafka.clone(),
        config.stream.clone(),
        job.clone(),
        context.shutdown.clone(),
    );
    let engine = Engine::new(connector, pipeline, job, config.stream, context)?;
    // The Kafka client blocks, so the engine has a thread of its own.
    let worker = tokio::task::spawn_blocking(move || engine.run());
    worker
        .await
        .map_err(|error| Failure::internal(format!("the engine's thread ended unexpectedly: {error}")))?
}

/// Id of the schema that inbox records are written with. Waits while the registry cannot be reached; `None`
/// when the service is asked to stop first.
async fn shared_schema_id(registry: &RegistryClient, context: &Context) -> Result<Option<SchemaId>, Failure> {
    let component = context.health.component("registry", None);
    let (subject, schema) = (Record::SharedCrimeEvent.subject(), &Record::SharedCrimeEvent.latest().text);
    let mut backoff = Backoff::new(100, 5_000);
    loop {
        match registry.id_of(subject, schema).await {
            Ok(id) => {
                component.ready();
                return Ok(Some(id));
            }
            Err(error) if error.is_retryable() => {
                tracing::warn!(%error, "waiting for the schema registry");
                component.not_ready(error.to_string());
            }
            Err(error) => return Err(Failure::unavailable(error.to_string())),
        }
        tokio::select! {
            () = tokio::time::sleep(backoff.next_delay()) => {}
            () = context.shutdown.triggered() => return Ok(None),
        }
    }
}

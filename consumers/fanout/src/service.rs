//! Puts the service together: registry, pipeline, engine; runs it until it is asked to stop.

use crate::config::FanoutConfig;
use crate::decode::EventDecoder;
use crate::metrics::FanoutMetrics;
use crate::patience::Patience;
use crate::pipeline::Pipeline;
use crate::publish::Publisher;
use crate::register::{Folder, Register, RegisterStandby, Table};
use crate::rules::{CurrentRules, Rules, read_folder, reload_on};
use crate::traces::Traces;
use sanchar_runtime::backoff::Backoff;
use sanchar_runtime::certificates;
use sanchar_runtime::lifecycle::{Context, Failure};
use sanchar_runtime::registry::{RegistryClient, SchemaId};
use sanchar_schemas::StateCode;
use sanchar_schemas::schema::Record;
use sanchar_schemas::topics::Topic;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Runs the service until `context.shutdown` is triggered.
///
/// # Errors
/// When it cannot start, or when going on would be wrong; the failure carries the exit code.
pub async fn run(config: FanoutConfig, context: Context) -> Result<(), Failure> {
    let registry = RegistryClient::new(&config.registry)?;
    let Some(schema_id) = shared_schema_id(&registry, &context).await? else { return Ok(()) };
    let rules = rules(&config, &context)?;
    let metrics = FanoutMetrics::new(&context.metrics)?;
    metrics.rules.show(&rules.get());
    let files = config.kafka.certificate_files().into_iter().chain(config.registry.certificate_files());
    certificates::show(&context.metrics, files)?;
    let table = Arc::<Table>::default();
    let folder = Folder::take(&config.register.folder)?;
    let standby =
        RegisterStandby::new(Arc::clone(&table), folder, config.register.clone(), metrics.register.clone());
    let standby = standby.map_err(Failure::temporary)?;
    let pipeline = |_| pipeline(&config, &context, registry.clone(), schema_id, &table, &rules, &metrics);
    let pipelines: Vec<Pipeline> = (0..config.stream.workers).map(pipeline).collect();
    let (kafka, job, stream) = (config.kafka.clone(), config.job(), config.stream.clone());
    // The Kafka client blocks, so the engine has threads of its own.
    let reloads =
        reload_on(rules.clone(), config.rules.folder.as_deref(), metrics.rules.clone(), context.clone());
    let work = move || sanchar_stream::run(&kafka, &job, &stream, pipelines, standby, &context);
    tokio::select! {
        ended = tokio::task::spawn_blocking(work) => {
            ended.map_err(|error| Failure::internal(format!("the engine ended unexpectedly: {error}")))?
        }
        () = reloads => Ok(()),
    }
}

/// The rules to begin with.
fn rules(config: &FanoutConfig, context: &Context) -> Result<CurrentRules, Failure> {
    let rules = match &config.rules.folder {
        None => Rules::builtin(),
        Some(folder) => {
            let read = read_folder(folder, context.clock.now_ms());
            Arc::new(read.map_err(|error| Failure::config(format!("rules.folder: {error}")))?)
        }
    };
    tracing::info!(version = rules.version(), digest = rules.digest(), "the routing rules are in force");
    Ok(CurrentRules::new(rules))
}

/// The pipeline of one worker.
pub(crate) fn pipeline(
    config: &FanoutConfig,
    context: &Context,
    registry: RegistryClient,
    schema_id: SchemaId,
    table: &Arc<Table>,
    rules: &CurrentRules,
    metrics: &FanoutMetrics,
) -> Pipeline {
    let (topics, clock) = (config.topics(), &context.clock);
    let patience = Patience::new(config.unknown_schema_grace_ms);
    Pipeline {
        owners: StateCode::all().map(|state| (topics.name(Topic::Reported(state)), state)).collect(),
        decoder: EventDecoder::new(
            registry,
            Handle::current(),
            Arc::clone(clock),
            patience,
            metrics.registry_errors.clone(),
        ),
        register: Register::of(table),
        rules: rules.clone(),
        publisher: Publisher::new(schema_id, &topics),
        metrics: metrics.pipeline.clone(),
        stages: metrics.stages.clone(),
        traces: Traces::new(context.tracer.clone()),
        clock: Arc::clone(clock),
    }
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

//! The service's one worker in memory, for tests of what it does with records: its pipeline in its engine, between a Kafka
//! and a registry that are not real.

mod kafka;
pub(crate) mod registry;

use crate::FanoutConfig;
use crate::metrics::FanoutMetrics;
use crate::register::{Folder, RegisterStandby, Table};
use crate::rules::{CurrentRules, Rules};
pub(crate) use kafka::{Input, Kafka, Output};
use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::lifecycle::{Context, Failure};
use sanchar_runtime::registry::{RegistryClient, RegistryConfig, SchemaId};
use sanchar_stream::client::ChangelogEntry;
use sanchar_stream::{Engine, Standby as _, StreamConfig};
use std::sync::{Arc, LazyLock};
use tokio::runtime::{Builder, Runtime};

/// One for all tests: a client reads all of the system's certificates.
static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let url = format!("http://{}", runtime.block_on(registry::serve()));
    let client = RegistryClient::new(&RegistryConfig { url, ..RegistryConfig::default() }).unwrap();
    Registry { runtime, client }
});

struct Registry {
    runtime: Runtime,
    client: RegistryClient,
}

/// What the service is told: no record waits for a schema.
pub(crate) fn configuration() -> FanoutConfig {
    let kafka = KafkaConfig { bootstrap: "localhost:9092".to_owned(), ..KafkaConfig::default() };
    let mut config = FanoutConfig::new(kafka, RegistryConfig::default());
    config.unknown_schema_grace_ms = 0;
    config.register.cache_mib = 1;
    config
}

/// Processes all that is in `kafka`, with a register that is empty, and lets the changelog come back to it.
pub(crate) fn serve(kafka: &Kafka, stream: &StreamConfig, context: &Context) -> Result<(), Failure> {
    let folder = tempfile::tempdir().unwrap();
    let mut config = configuration();
    config.register.folder = folder.path().to_owned();
    let metrics = FanoutMetrics::new(&context.metrics).unwrap();
    let table = Arc::<Table>::default();
    let taken = Folder::take(&config.register.folder).unwrap();
    let mut standby =
        RegisterStandby::new(Arc::clone(&table), taken, config.register.clone(), metrics.register.clone())
            .unwrap();
    standby.begin("cluster/topic", 0).unwrap();
    standby.reached(0).unwrap();
    standby.complete();
    let rules = CurrentRules::new(Rules::builtin());
    let entered = REGISTRY.runtime.enter();
    let pipeline = crate::service::pipeline(
        &config,
        context,
        REGISTRY.client.clone(),
        SchemaId(registry::SHARED),
        &table,
        &rules,
        &metrics,
    );
    drop(entered);
    let engine = Engine::alone(kafka, pipeline, config.job(), stream.clone(), context.clone()).unwrap();
    let outcome = engine.run();
    // What was committed comes back through the changelog.
    let committed = kafka.committed.borrow();
    let entries = || committed.iter().filter(|output| output.topic == config.job().changelog_topic);
    for (offset, entry) in (0..).zip(entries()) {
        standby.take(ChangelogEntry { offset, key: &entry.key, value: Some(&entry.value) });
    }
    standby.reached(i64::try_from(entries().count()).unwrap()).unwrap();
    standby.end();
    standby.settle();
    outcome
}

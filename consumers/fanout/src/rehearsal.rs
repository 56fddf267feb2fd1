//! The service's one worker in memory, for tests of what it does with records: its pipeline in its engine, between a Kafka
//! and a registry that are not real.

mod kafka;
pub(crate) mod registry;

use crate::FanoutConfig;
use crate::metrics::FanoutMetrics;
use crate::register::{Folder, RegisterStandby, Table};
use crate::rules::{CurrentRules, Rules};
pub(crate) use kafka::{Input, Kafka, Output};
use sanchar_runtime::lifecycle::{Context, Failure};
use sanchar_runtime::registry::{RegistryClient, SchemaId};
use sanchar_stream::client::ChangelogEntry;
use sanchar_stream::{Engine, Standby as _, StreamConfig};
use std::sync::Arc;

/// Processes all that is in `kafka`, with a register that is empty, and lets the changelog come back to it.
pub(crate) fn serve(kafka: &Kafka, stream: &StreamConfig, context: &Context) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let address = runtime.block_on(registry::serve());
    let settings = format!(
        "unknown_schema_grace_ms = 0\n[kafka]\nbootstrap = 'localhost:9092'\n[registry]\nurl = 'http://{address}'\n\
         [register]\nfolder = '{}'\ncache_mib = 1",
        folder.path().display()
    );
    let config: FanoutConfig = toml::from_str(&settings).unwrap();
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
    let registry = RegistryClient::new(&config.registry).unwrap();
    let entered = runtime.enter();
    let pipeline = crate::service::pipeline(
        &config,
        context,
        registry,
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

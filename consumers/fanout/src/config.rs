//! The fan-out service's configuration file, table by table. `deploy/examples/fanout.toml` shows what most need of it,
//! `print-config` all.

use crate::rules::read_folder;
use sanchar_runtime::config::ConfigError;
use sanchar_runtime::http::HttpConfig;
use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::lifecycle::{DaemonConfig, LifecycleConfig};
use sanchar_runtime::logs::LogConfig;
use sanchar_runtime::registry::RegistryConfig;
use sanchar_runtime::telemetry::TelemetryConfig;
use sanchar_schemas::StateCode;
use sanchar_schemas::topics::{Topic, TopicSpace};
use sanchar_stream::{Job, StreamConfig, is_instance_name};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The whole file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FanoutConfig {
    /// Consumer group; all instances of one installation share it. Default `sanchar-fanout`.
    #[serde(default = "default_group_id")]
    pub group_id: String,
    /// Name of this instance, unique in the group and kept across restarts. Default `fanout-1`.
    #[serde(default = "default_instance_id")]
    pub instance_id: String,
    /// How long a record waits for the registry to learn its schema id, counted from when it was published,
    /// in milliseconds; then it is dead-lettered. Default 10000.
    #[serde(default = "default_unknown_schema_grace_ms")]
    pub unknown_schema_grace_ms: u64,
    /// Brokers and how to reach them.
    pub kafka: KafkaConfig,
    /// Schema registry.
    pub registry: RegistryConfig,
    /// The deduplication register on local disk.
    #[serde(default)]
    pub register: RegisterConfig,
    /// Who must know.
    #[serde(default)]
    pub rules: RulesConfig,
    /// Bounds of transactions and retries.
    #[serde(default)]
    pub stream: StreamConfig,
    /// Where probes and Prometheus ask.
    #[serde(default)]
    pub http: HttpConfig,
    /// Logs.
    #[serde(default)]
    pub logs: LogConfig,
    /// Traces.
    #[serde(default)]
    pub telemetry: TelemetryConfig,
    /// Start and stop.
    #[serde(default)]
    pub lifecycle: LifecycleConfig,
}

/// The `[register]` table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegisterConfig {
    /// Folder of this instance's register, on a local disk (a relative path begins at the configuration file's folder); made where it is missing. It is a copy of `crime.register`:
    /// where it is lost, it is built anew from there. About 60 bytes for each record.
    pub folder: PathBuf,
    /// Most memory for what of it is looked at often, in MiB.
    pub cache_mib: u64,
    /// Most records that are known from memory alone before they are written to disk; a start reads as many again from
    /// `crime.register`. About 120 bytes of memory for each.
    pub recent_records_max: usize,
}

/// The `[rules]` table.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RulesConfig {
    /// Folder with `adjacency.csv`, `coordination.toml` or both (a relative path begins at the configuration file's folder); the
    /// file that it lacks is the built-in one. Read at the start and on SIGHUP. Without a folder: the built-in rules.
    pub folder: Option<PathBuf>,
}

impl Default for RegisterConfig {
    fn default() -> Self {
        Self { folder: PathBuf::from("/var/lib/sanchar/fanout"), cache_mib: 16, recent_records_max: 1 << 15 }
    }
}

fn default_group_id() -> String {
    "sanchar-fanout".to_owned()
}

fn default_instance_id() -> String {
    "fanout-1".to_owned()
}

/// Of a topic's limit for what Kafka writes around a record, and for what we add to a dead letter: a batch's and a record's
/// framing, and a message of at most 1 KiB.
const FRAMING_BYTES: usize = 4 << 10;

/// Largest record that the inboxes take; all take the same.
fn output_bytes_max() -> usize {
    StateCode::all().next().map_or(usize::MAX, |state| record_bytes_max(Topic::Shared(state)))
}

/// Largest record that a topic takes however little it is compressed.
fn record_bytes_max(topic: Topic) -> usize {
    let limit = usize::try_from(topic.spec().max_message_bytes).unwrap_or(usize::MAX);
    limit.saturating_sub(FRAMING_BYTES)
}

/// Largest cache that makes sense, in MiB.
const CACHE_MIB_MAX: u64 = 64 << 10;

const fn default_unknown_schema_grace_ms() -> u64 {
    10_000
}

impl FanoutConfig {
    /// A configuration for the given services, all else at its defaults.
    #[must_use]
    pub fn new(kafka: KafkaConfig, registry: RegistryConfig) -> Self {
        Self {
            group_id: default_group_id(),
            instance_id: default_instance_id(),
            unknown_schema_grace_ms: default_unknown_schema_grace_ms(),
            kafka,
            registry,
            register: RegisterConfig::default(),
            rules: RulesConfig::default(),
            stream: StreamConfig::default(),
            http: HttpConfig::default(),
            logs: LogConfig::default(),
            telemetry: TelemetryConfig::default(),
            lifecycle: LifecycleConfig::default(),
        }
    }

    /// The same configuration, with relative paths beginning at the folder of the file at `path`.
    #[must_use]
    pub fn in_folder_of(mut self, path: &Path) -> Self {
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        self.register.folder = folder.join(&self.register.folder);
        self.rules.folder = self.rules.folder.map(|rules| folder.join(rules));
        self
    }

    /// The topics of this installation.
    #[must_use]
    pub fn topics(&self) -> TopicSpace {
        TopicSpace::new(self.kafka.topic_prefix.as_deref().unwrap_or_default())
    }

    pub(crate) fn job(&self) -> Job {
        let topics = self.topics();
        Job {
            input_topics: StateCode::all().map(|state| topics.name(Topic::Reported(state))).collect(),
            output_topics: StateCode::all().map(|state| topics.name(Topic::Shared(state))).collect(),
            changelog_topic: topics.name(Topic::Register),
            dlq_topic: topics.name(Topic::Dlq),
            output_bytes_max: output_bytes_max(),
            letter_bytes_max: record_bytes_max(Topic::Dlq),
            // Installations that share a cluster have groups of their own, as they have topics.
            group_id: self
                .kafka
                .topic_prefix
                .as_ref()
                .map_or_else(|| self.group_id.clone(), |prefix| format!("{prefix}.{}", self.group_id)),
            instance_id: self.instance_id.clone(),
            worker: 0,
            version: sanchar_runtime::VERSION,
            is_urgent: crate::publish::is_urgent,
        }
    }
}

impl DaemonConfig for FanoutConfig {
    fn logs(&self) -> &LogConfig {
        &self.logs
    }

    fn telemetry(&self) -> &TelemetryConfig {
        &self.telemetry
    }

    fn state_folder(&self, folder: &Path) -> Option<PathBuf> {
        Some(folder.join(&self.register.folder))
    }

    fn http(&self) -> &HttpConfig {
        &self.http
    }

    fn lifecycle(&self) -> &LifecycleConfig {
        &self.lifecycle
    }

    fn check(&self) -> Result<(), ConfigError> {
        for (field, text) in [("group_id", &self.group_id), ("instance_id", &self.instance_id)] {
            if text.trim().is_empty() {
                return Err(ConfigError::field(field, "is empty: name it, for example fanout-1"));
            }
        }
        if !is_instance_name(&self.instance_id) {
            return Err(ConfigError::field(
                "instance_id",
                "holds \".worker-\", by which the workers of an instance are named: leave that out",
            ));
        }
        if self.register.folder.as_os_str().is_empty() {
            return Err(ConfigError::field(
                "register.folder",
                "is empty: name a folder, for example /var/lib/sanchar/fanout",
            ));
        }
        if !(1..=CACHE_MIB_MAX).contains(&self.register.cache_mib) {
            return Err(ConfigError::field("register.cache_mib", "must be from 1 to 65536"));
        }
        if self.register.recent_records_max == 0 {
            return Err(ConfigError::field("register.recent_records_max", "is 0: use 1 or more"));
        }
        self.stream
            .check()
            .map_err(|(field, problem)| ConfigError::field(format!("stream.{field}"), problem))?;
        self.kafka.check()?;
        self.registry.check()
    }

    fn check_files(&self, folder: &Path) -> Result<(), ConfigError> {
        let Some(rules) = &self.rules.folder else { return Ok(()) };
        let read = read_folder(&folder.join(rules), sanchar_runtime::clock::now_ms());
        read.map(drop).map_err(|error| ConfigError::field("rules.folder", error.to_string()))
    }
}

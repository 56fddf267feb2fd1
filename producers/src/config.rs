//! A state's configuration: one TOML file with the runtime's tables and the producer's own. Whether its tables fit together is said in
//! `check`, whether its mapping fits a source in `binding`.

mod binding;
mod check;

use std::path::{Path, PathBuf};

use sanchar_runtime::config::{self, ConfigError};
use sanchar_runtime::http::HttpConfig;
use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::lifecycle::{DaemonConfig, Failure, LifecycleConfig};
use sanchar_runtime::logs::LogConfig;
use sanchar_runtime::registry::RegistryConfig;
use sanchar_runtime::telemetry::TelemetryConfig;
use sanchar_schemas::StateCode;
use serde::{Deserialize, Serialize};

use crate::database::PostgresConfig;
use crate::language::located::located;
use crate::language::rows::Rows;
use crate::language::targets::Mapping;
use crate::publish::PublishConfig;
use crate::push::{Credentials, PushConfig};
use crate::siblings::Siblings;
use crate::source::{SourceConfig, is_stdin};
use crate::spool::SpoolConfig;
use crate::store::StoreConfig;
use crate::withholding::Withholding;
pub use binding::Unfit;

/// Everything that a state's file says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProducerConfig {
    /// Whose events these are.
    pub state: StateConfig,
    /// Files that rows come from.
    #[serde(default)]
    pub source: SourceConfig,
    /// A database that rows come from, instead of files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<PostgresConfig>,
    /// Rows that are sent to this daemon over HTTP, instead of files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<PushConfig>,
    /// What waits on disk of such rows.
    #[serde(default)]
    pub spool: SpoolConfig,
    /// Where checkpoints and quarantine are kept.
    #[serde(default)]
    pub store: StoreConfig,
    /// How events are handed to the broker.
    #[serde(default)]
    pub publish: PublishConfig,
    /// What holds for every row.
    #[serde(default)]
    pub rows: Rows,
    /// Which column fills which field of an event.
    pub mapping: Box<Mapping>,
    /// What does not leave the state, besides what the law says.
    #[serde(default)]
    pub withholding: Withholding,
    /// The brokers.
    #[serde(default)]
    pub kafka: KafkaConfig,
    /// The schema registry.
    #[serde(default)]
    pub registry: RegistryConfig,
    /// Probes and metrics.
    #[serde(default)]
    pub http: HttpConfig,
    /// Log lines.
    #[serde(default)]
    pub logs: LogConfig,
    /// Traces.
    #[serde(default)]
    pub telemetry: TelemetryConfig,
    /// Start and stop.
    #[serde(default)]
    pub lifecycle: LifecycleConfig,
    /// The rows that are joined to the source's, as they were read last.
    #[serde(skip)]
    siblings: Siblings,
    /// The file itself; relative paths begin at its folder.
    #[serde(skip)]
    file: PathBuf,
}

/// The `[state]` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateConfig {
    /// ISO 3166-2 code of the state whose police publish, for example `IN-KA`.
    pub code: StateCode,
}

impl ProducerConfig {
    /// Reads a file, with the environment over it. Relative paths in it begin at its folder.
    ///
    /// # Errors
    /// [`ConfigError`], with the place and the remedy.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        config::load::<Self>(path)?.in_folder_of(path).with_policy()
    }

    /// The same configuration, with relative paths beginning at the folder of `path`.
    #[must_use]
    pub fn in_folder_of(mut self, path: &Path) -> Self {
        path.clone_into(&mut self.file);
        self
    }

    /// The same configuration with the rules of its policy file, if it names one.
    ///
    /// # Errors
    /// As [`Withholding::with_policy`].
    pub fn with_policy(self) -> Result<Self, ConfigError> {
        let withholding = self.withholding.clone().with_policy(self.base())?;
        Ok(Self { withholding, ..self })
    }

    /// Folder that relative paths begin at: `.`, which can be opened and listed, where the file is named without one.
    #[must_use]
    pub fn base(&self) -> &Path {
        self.file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
    }

    /// A source file's path as it is shown and recorded: relative where it lies under [`ProducerConfig::base`].
    #[must_use]
    pub fn shown<'p>(&self, path: &'p Path) -> &'p Path {
        if is_stdin(path) { Path::new("stdin") } else { path.strip_prefix(self.base()).unwrap_or(path) }
    }

    /// Whether records have revisions of their own.
    pub(crate) fn has_own_revision(&self) -> bool {
        self.mapping.has_own_revision()
    }

    /// Line and column of an entry in the file.
    fn located(&self, field: &str, word: Option<&str>) -> Option<(usize, usize)> {
        let text = std::fs::read_to_string(&self.file).ok()?;
        located(&text, field, word)
    }

    /// How often to look for new rows, in milliseconds.
    pub(crate) fn poll_interval_ms(&self) -> u64 {
        self.postgres.as_ref().map_or(self.source.poll_interval_ms, |postgres| postgres.poll_interval_ms)
    }

    /// Reads the files with secrets and certificates that the daemon reads when it starts, as it does.
    ///
    /// # Errors
    /// [`Failure`] with exit code 78, naming the file that cannot be used.
    pub fn check_credentials(&self) -> Result<(), Failure> {
        if let Some(postgres) = &self.postgres {
            postgres.check_files(self.base())?;
        }
        self.push.as_ref().map_or(Ok(()), |push| Credentials::read(push, self.base()).map(drop))
    }

    /// The folder that `store.folder` names.
    pub(crate) fn store_folder(&self) -> PathBuf {
        self.base().join(&self.store.folder)
    }
}

impl DaemonConfig for ProducerConfig {
    fn logs(&self) -> &LogConfig {
        &self.logs
    }

    fn telemetry(&self) -> &TelemetryConfig {
        &self.telemetry
    }

    fn state_folder(&self, folder: &Path) -> Option<PathBuf> {
        Some(folder.join(&self.store.folder))
    }

    fn http(&self) -> &HttpConfig {
        &self.http
    }

    fn lifecycle(&self) -> &LifecycleConfig {
        &self.lifecycle
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.check_tables()?;
        self.kafka.check()?;
        if self.registry.url.is_empty() { Ok(()) } else { self.registry.check() }
    }

    fn check_files(&self, folder: &Path) -> Result<(), ConfigError> {
        self.withholding.clone().with_policy(folder)?;
        self.postgres.as_ref().map_or(Ok(()), |postgres| postgres.check_files(folder))
    }
}

#[cfg(test)]
mod tests;

//! A state's configuration: one TOML file with the runtime's tables and the producer's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sanchar_runtime::config::{self, ConfigError};
use sanchar_runtime::http::HttpConfig;
use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::lifecycle::{DaemonConfig, Failure, LifecycleConfig};
use sanchar_runtime::logs::LogConfig;
use sanchar_runtime::registry::RegistryConfig;
use sanchar_runtime::telemetry::TelemetryConfig;
use sanchar_schemas::StateCode;
use sanchar_schemas::digest::Sha256;
use serde::{Deserialize, Serialize};

use crate::database::{OutboxConfig, PostgresConfig};
use crate::language::column::{Columns, NamesColumns as _, UnknownColumn, Visit};
use crate::language::join::Join;
use crate::language::located::located;
use crate::language::rows::Rows;
use crate::language::targets::Mapping;
use crate::mapping::Mapper;
use crate::mapping::joined::Joined;
use crate::publish::PublishConfig;
use crate::push::{Credentials, PushConfig};
use crate::siblings::{self, JoinError, Siblings};
use crate::source::{Format, SourceConfig, is_stdin};
use crate::spool::SpoolConfig;
use crate::store::StoreConfig;
use crate::withholding::Withholding;

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

/// Why a mapping does not fit a source.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It names a column that the source lacks.
    #[error(transparent)]
    Column(#[from] UnknownColumn),
    /// The files that it joins cannot be read.
    #[error(transparent)]
    Join(#[from] JoinError),
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

    /// Folder that relative paths begin at.
    #[must_use]
    pub fn base(&self) -> &Path {
        self.file.parent().unwrap_or_else(|| Path::new(""))
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

    /// The mapping, bound to the columns of a source called `source_name`.
    ///
    /// # Errors
    /// The first column that the mapping names and the source lacks; joined files that cannot be read.
    pub fn mapper(&self, columns: &Columns, source_name: &str) -> Result<Mapper, Unfit> {
        let joined = self.joined()?;
        let ProducerConfig { rows, mapping, withholding, .. } = self;
        let bound = Mapper::bind(self.state.code, rows, mapping, withholding, columns, source_name, joined);
        Ok(bound.map_err(|error| self.in_place(error))?)
    }

    /// The rows that are joined to the source's.
    pub(crate) fn joined(&self) -> Result<Arc<Joined>, JoinError> {
        self.siblings.joined(self.base(), &self.rows.join).map_err(|error| match error {
            JoinError::Column(error) => JoinError::Column(self.in_place(error)),
            error => error,
        })
    }

    /// What the joined files look like from outside: another where one of them has changed. `None` without any.
    pub(crate) fn joined_stamp(&self) -> Option<Sha256> {
        siblings::stamp(self.base(), &self.rows.join)
    }

    fn in_place(&self, error: UnknownColumn) -> UnknownColumn {
        match self.located(&error.field, Some(&error.column)) {
            Some((line, column)) => {
                UnknownColumn { place: format!("{}:{line}:{column}: ", self.file.display()).into(), ..error }
            }
            None => error,
        }
    }

    /// Line and column of an entry in the file.
    fn located(&self, field: &str, word: Option<&str>) -> Option<(usize, usize)> {
        let text = std::fs::read_to_string(&self.file).ok()?;
        located(&text, field, word)
    }

    /// Finds what can be found wrong in what the dry run needs too: everything but the network's tables.
    ///
    /// # Errors
    /// The first thing wrong, with its remedy.
    pub fn check_mapping(&self) -> Result<(), ConfigError> {
        self.withholding.check_policy_is_read()?;
        self.check_tables()
    }

    fn check_tables(&self) -> Result<(), ConfigError> {
        self.find_mistake().map_err(|error| match error {
            ConfigError::Field { field, problem } => match self.located(&field, None) {
                Some((line, column)) => ConfigError::File {
                    path: self.file.clone(),
                    line,
                    column,
                    problem: format!("{field} {problem}"),
                },
                None => ConfigError::Field { field, problem },
            },
            error => error,
        })
    }

    fn find_mistake(&self) -> Result<(), ConfigError> {
        self.check_feed()?;
        self.source.check()?;
        self.rows.check()?;
        self.publish.check()?;
        self.withholding.check()?;
        let narrative = self.mapping.narrative.as_ref();
        if narrative.is_some_and(|narrative| narrative.text.is_none()) {
            return Err(ConfigError::field(
                "mapping.narrative.text",
                "is missing: name the column that holds it",
            ));
        }
        let cleared = narrative.and_then(|narrative| narrative.cleared.as_ref());
        if cleared.is_some_and(|when| !when.is_affirmative()) {
            let problem =
                "has to be said in so many words: use one_of with texts, for an empty column clears nothing";
            return Err(ConfigError::field("mapping.narrative.cleared", problem));
        }
        self.check_not_carried()?;
        self.check_joins()?;
        self.check_store()?;
        let needed = [
            ("mapping.kind", self.mapping.kind.is_some()),
            ("mapping.police_station", self.mapping.police_station.is_some()),
            ("mapping.fir.number", self.mapping.fir.as_ref().is_some_and(|fir| fir.number.is_some())),
            ("mapping.fir.year", self.mapping.fir.as_ref().is_some_and(|fir| fir.year.is_some())),
        ];
        match needed.into_iter().find(|(_, given)| !given) {
            Some((field, _)) => {
                Err(ConfigError::field(field, "is missing: every event needs it, say where it comes from"))
            }
            None => Ok(()),
        }
    }
}

impl ProducerConfig {
    /// Rows come from one place: what a daemon has published is known by it.
    fn check_feed(&self) -> Result<(), ConfigError> {
        let feeds = [
            ("source.files", !self.source.files.is_empty()),
            ("[postgres]", self.postgres.is_some()),
            ("[push]", self.push.is_some()),
        ];
        let given: Vec<_> = feeds.into_iter().filter(|(_, given)| *given).map(|(name, _)| name).collect();
        match given.as_slice() {
            [] => Err(ConfigError::field(
                "source.files",
                "names no file: give at least one path, for example [\"extract/*.csv\"], or a [postgres] or a [push] table",
            )),
            [_] => {
                self.postgres.as_ref().map_or(Ok(()), PostgresConfig::check)?;
                self.check_outbox()?;
                self.push.as_ref().map_or(Ok(()), |push| self.check_push(push))
            }
            several => {
                let problem = "stand side by side: keep one, and give the other a daemon of its own";
                Err(ConfigError::field(several.join(" and "), problem))
            }
        }
    }

    /// The changes of an outbox are numbered by its id, and published in the order of transactions: any other revision could
    /// outdate a later change.
    fn check_outbox(&self) -> Result<(), ConfigError> {
        let outbox = self.postgres.as_ref().and_then(|postgres| postgres.outbox.as_ref());
        let Some(OutboxConfig { id, .. }) = outbox else { return Ok(()) };
        let revision = self.mapping.record.as_ref().and_then(|record| record.revision.as_ref());
        if revision.is_some_and(|revision| revision.is_column(id)) {
            return Ok(());
        }
        let problem = format!("has to be the outbox's id and nothing else: revision = \"{id}\"");
        Err(ConfigError::field("mapping.record.revision", problem))
    }

    /// How often to look for new rows, in milliseconds.
    pub(crate) fn poll_interval_ms(&self) -> u64 {
        self.postgres.as_ref().map_or(self.source.poll_interval_ms, |postgres| postgres.poll_interval_ms)
    }

    fn check_push(&self, push: &PushConfig) -> Result<(), ConfigError> {
        push.check()?;
        self.spool.check(push.body_bytes_max())?;
        if self.source.format != Format::Jsonl {
            return Err(ConfigError::field(
                "source.format",
                "has to be \"jsonl\" with [push]: items are json objects",
            ));
        }
        Ok(())
    }

    /// What comes to a drop folder is written by others, who must not reach the store.
    fn check_store(&self) -> Result<(), ConfigError> {
        let absolute = |path: &Path| std::path::absolute(Path::new(".").join(self.base()).join(path)).ok();
        let Some(store) = absolute(&self.store.folder) else { return Ok(()) };
        let folder_of = |file: &String| Path::new(file).parent().and_then(absolute);
        let mut folders = self.source.files.iter().filter_map(folder_of);
        if self.source.moves() && folders.any(|folder| store.starts_with(&folder)) {
            let problem = "lies in the folder that files are dropped in: name one that nobody else writes, as in \"store\", \
                           and a drop folder of its own in source.files";
            return Err(ConfigError::field("store.folder", problem));
        }
        Ok(())
    }

    /// The mapping, bound to the keys of the items that are pushed.
    ///
    /// # Errors
    /// The first key that the mapping names and `source.columns` lacks.
    pub(crate) fn push_mapper(&self) -> Result<Mapper, Unfit> {
        self.mapper(&Columns::new(&self.source.columns), "source.columns")
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

    /// A file with secrets that others than this user may read, with its mode.
    #[must_use]
    pub fn open_secret(&self) -> Option<(PathBuf, u32)> {
        self.push.as_ref().and_then(|push| push.open_to_others(self.base()))
    }

    /// The folder that `store.folder` names.
    pub(crate) fn store_folder(&self) -> PathBuf {
        self.base().join(&self.store.folder)
    }

    /// Every `each` names a join, and a joined row that changes makes a newer version of its case.
    fn check_joins(&self) -> Result<(), ConfigError> {
        if !self.rows.join.is_empty() && self.source.files.is_empty() {
            let problem = "is for files: let the query join, or send the rows within the item";
            return Err(ConfigError::field("rows.join", problem));
        }
        let is_kept =
            |join: &Join| !join.source.files.is_empty() && !join.source.is_stdin() && !join.source.moves();
        if let Some(i) = self.rows.join.iter().position(|join| !is_kept(join)) {
            let problem = "has to name files that stay where they are: they are read again and again";
            return Err(ConfigError::field(format!("rows.join[{i}].source.files"), problem));
        }
        if !self.rows.join.is_empty() && self.has_own_revision() {
            let problem = "does not grow when a joined row changes: leave it out, and the time of reading is the revision";
            return Err(ConfigError::field("mapping.record.revision", problem));
        }
        let mut unknown = None;
        let is_known = |name: &str| self.rows.join.iter().any(|join| join.name == name);
        self.mapping.clone().each_column(&mut Visit::new("mapping", &mut |path, column, _| {
            if column.scope().is_some_and(|name| !is_known(name)) {
                unknown.get_or_insert_with(|| path.to_owned());
            }
        }));
        match unknown {
            Some(path) => {
                let table = path.rsplit_once('.').map_or(path.as_str(), |(table, _)| table);
                let problem = "names no join: give it the `name` of an entry of rows.join";
                Err(ConfigError::field(format!("{table}.each"), problem))
            }
            None => Ok(()),
        }
    }

    /// A list of persons has no fixed positions, and what is mapped is not left behind.
    fn check_not_carried(&self) -> Result<(), ConfigError> {
        let has_persons = self.mapping.persons.as_ref().is_some_and(|persons| !persons.is_empty());
        let has_narrative = self.mapping.narrative.is_some();
        for (i, rule) in self.rows.not_carried.iter().enumerate() {
            let path = rule.path.as_str();
            if (has_persons && path.starts_with("persons")) || (has_narrative && path == "narrative") {
                let problem = format!(
                    "names {path}, which the mapping fills: map this column too; what must not leave is taken out by rule"
                );
                return Err(ConfigError::field(format!("rows.not_carried[{i}].path"), problem));
            }
        }
        Ok(())
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

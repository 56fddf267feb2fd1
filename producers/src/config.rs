//! A state's configuration: one TOML file with the runtime's tables and the producer's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sanchar_runtime::config::{self, ConfigError};
use sanchar_runtime::http::HttpConfig;
use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::lifecycle::{DaemonConfig, LifecycleConfig};
use sanchar_runtime::logs::LogConfig;
use sanchar_runtime::registry::RegistryConfig;
use sanchar_schemas::StateCode;
use sanchar_schemas::digest::Sha256;
use serde::{Deserialize, Serialize};

use crate::language::column::{Columns, NamesColumns as _, UnknownColumn, Visit};
use crate::language::located::located;
use crate::language::rows::Rows;
use crate::language::targets::Mapping;
use crate::mapping::Mapper;
use crate::mapping::joined::Joined;
use crate::publish::PublishConfig;
use crate::siblings::{self, JoinError, Siblings};
use crate::source::SourceConfig;
use crate::store::StoreConfig;
use crate::withholding::Withholding;

/// Everything that a state's file says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProducerConfig {
    /// Whose events these are.
    pub state: StateConfig,
    /// Where rows come from.
    pub source: SourceConfig,
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
        Ok(config::load::<Self>(path)?.in_folder_of(path))
    }

    /// The same configuration, with relative paths beginning at the folder of `path`.
    #[must_use]
    pub fn in_folder_of(mut self, path: &Path) -> Self {
        path.clone_into(&mut self.file);
        self
    }

    /// Folder that relative paths begin at.
    #[must_use]
    pub fn base(&self) -> &Path {
        self.file.parent().unwrap_or_else(|| Path::new(""))
    }

    /// A source file's path as it is shown and recorded: relative where it lies under [`ProducerConfig::base`].
    #[must_use]
    pub fn shown<'p>(&self, path: &'p Path) -> &'p Path {
        path.strip_prefix(self.base()).unwrap_or(path)
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
    /// Every `each` names a join, and a joined row that changes makes a newer version of its case.
    fn check_joins(&self) -> Result<(), ConfigError> {
        if !self.rows.join.is_empty()
            && self.mapping.record.as_ref().is_some_and(|record| record.revision.is_some())
        {
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

    fn http(&self) -> &HttpConfig {
        &self.http
    }

    fn lifecycle(&self) -> &LifecycleConfig {
        &self.lifecycle
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.check_mapping()?;
        self.kafka.check()?;
        if self.registry.url.is_empty() { Ok(()) } else { self.registry.check() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALLEST: &str = r#"
[state]
code = "IN-GA"
[source]
files = ["fir.csv"]
format = "csv"
[mapping]
kind = { constant = "FIR" }
[mapping.police_station]
name = "Station"
[mapping.fir]
number = "No"
year = "Year"
[kafka]
bootstrap = "localhost:9092"
"#;

    fn load(text: &str) -> Result<ProducerConfig, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("goa.toml");
        std::fs::write(&path, text).unwrap();
        let shown = format!("{}/", folder.path().display());
        let loaded = ProducerConfig::load(&path).and_then(|config| config.check().map(|()| config));
        loaded.map_err(|error| error.to_string().replace(&shown, ""))
    }

    #[test]
    fn the_smallest_file_is_enough_and_prints_as_it_reads() {
        let config = load(SMALLEST).unwrap();
        let printed = sanchar_runtime::config::effective(&config).unwrap();
        let again: ProducerConfig = toml::from_str(&printed).unwrap();
        assert_eq!(ProducerConfig { file: PathBuf::new(), ..config }, again, "{printed}");
    }

    #[test]
    fn mistakes_are_named_with_line_column_and_the_nearest_word() {
        for (from, to, message) in [
            (
                "number = \"No\"",
                "numbr = \"No\"",
                "goa.toml:12:1: mapping.fir.numbr: unknown field `numbr`, did you mean `number`?",
            ),
            (
                "kind = { constant = \"FIR\" }",
                "kind = { constant = \"FIRR\" }",
                "goa.toml:8:8: mapping.kind: `FIRR` is not one of",
            ),
            ("\"IN-GA\"", "\"IN-XX\"", "goa.toml:3:8: state.code: "),
            (
                "format = \"csv\"",
                "format = \"csvv\"",
                "goa.toml:6:10: source.format: unknown variant `csvv`, did you mean `csv`?",
            ),
            ("name = \"Station\"", "name = { column = \"S\", colmn = \"T\" }", "did you mean `column`?"),
            ("kind = {", "narrative = { cleared = [] }\nkind = {", "mapping.narrative.text is missing"),
            (
                "kind = {",
                "narrative = { text = \"Facts\", cleared = { column = \"Secret\", none_of = [\"Y\"] } }\nkind = {",
                "mapping.narrative.cleared has to be said in so many words",
            ),
            (
                "[mapping]",
                "[rows]\nnot_carried = [{ column = \"Facts\", path = \"narrative\" }]\n[mapping]\nnarrative = { text = \"Facts\" }",
                "rows.not_carried[0].path names narrative, which the mapping fills",
            ),
            (
                "[kafka]",
                "[[withholding.rules]]\nname = 'x'\nbecause = 'y'\nreason = 'OTHER'\nfields = ['narative']\n[kafka]",
                "goa.toml:18:11: withholding.rules.fields: unknown variant `narative`, did you mean `narrative`?",
            ),
            ("year = \"Year\"", "", "goa.toml:10:1: mapping.fir.year is missing"),
            ("files = [\"fir.csv\"]", "files = []", "goa.toml:5:9: source.files names no file"),
            ("bootstrap = \"localhost:9092\"", "", "kafka.bootstrap has"),
        ] {
            let error = load(&SMALLEST.replace(from, to)).unwrap_err();
            assert!(error.contains(message), "{error}\nshould be\n{message}");
        }
    }
}

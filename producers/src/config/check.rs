//! Whether the tables of a state's file fit together. It reads no file but, for a message's line and column, the configuration itself;
//! whether the columns are there is seen when the mapping is bound (`binding`).

use std::path::Path;

use sanchar_runtime::config::ConfigError;

use super::ProducerConfig;
use crate::database::{OutboxConfig, PostgresConfig};
use crate::language::column::{NamesColumns as _, Visit};
use crate::language::join::Join;
use crate::push::PushConfig;
use crate::source::Format;

impl ProducerConfig {
    /// Finds what can be found wrong in what the dry run needs too: everything but the network's tables.
    ///
    /// # Errors
    /// The first thing wrong, with its remedy.
    pub fn check_mapping(&self) -> Result<(), ConfigError> {
        self.withholding.check_policy_is_read()?;
        self.check_tables()
    }

    pub(super) fn check_tables(&self) -> Result<(), ConfigError> {
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
        self.check_narrative()?;
        self.check_not_carried()?;
        self.check_joins()?;
        self.check_store()?;
        self.check_needed()
    }

    /// A narrative has a text, and is cleared in so many words.
    fn check_narrative(&self) -> Result<(), ConfigError> {
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
        Ok(())
    }

    /// What every event needs comes from somewhere.
    fn check_needed(&self) -> Result<(), ConfigError> {
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

//! The exporter's configuration file.

use std::time::Duration;

use sanchar_runtime::config::ConfigError;
use sanchar_runtime::http::HttpConfig;
use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::lifecycle::{DaemonConfig, LifecycleConfig};
use sanchar_runtime::logs::LogConfig;
use sanchar_schemas::topics::TopicSpace;
use serde::{Deserialize, Serialize};

use crate::survey::{GROUPS_MAX, GroupFilter, Scope};

/// What `sanchar exporter` reads.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExporterConfig {
    pub(super) exporter: ExporterTable,
    pub(super) kafka: KafkaConfig,
    pub(super) http: HttpConfig,
    pub(super) logs: LogConfig,
    pub(super) lifecycle: LifecycleConfig,
}

/// The `[exporter]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExporterTable {
    /// Pause between two rounds of questions, in ms. Default 30000.
    pub(super) interval_ms: u64,
    /// Groups that are asked for: a regular expression for the whole name. Default: all.
    pub(super) groups: String,
    /// Of those, the ones that are not.
    pub(super) groups_except: Option<String>,
    /// Most groups that are asked for, in the order of their names, the fan-out's before all others. Default 256, which is the most.
    pub(super) groups_max: usize,
}

impl Default for ExporterTable {
    fn default() -> Self {
        Self { interval_ms: 30_000, groups: ".*".to_owned(), groups_except: None, groups_max: GROUPS_MAX }
    }
}

impl ExporterConfig {
    /// What a round is about.
    ///
    /// # Errors
    /// As [`GroupFilter::new`].
    pub(super) fn scope(&self, patience: Duration) -> Result<Scope, ConfigError> {
        let ExporterTable { groups, groups_except, groups_max, .. } = &self.exporter;
        Ok(Scope {
            space: TopicSpace::new(self.kafka.topic_prefix.as_deref().unwrap_or_default()),
            groups: GroupFilter::new(groups, groups_except.as_deref())?,
            groups_max: *groups_max,
            patience,
        })
    }
}

impl DaemonConfig for ExporterConfig {
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
        self.kafka.check()?;
        if !(1_000..=600_000).contains(&self.exporter.interval_ms) {
            let problem = "is outside 1000 to 600000: take about half of what Prometheus waits between two scrapes, or more";
            return Err(ConfigError::field("exporter.interval_ms", problem));
        }
        if !(1..=GROUPS_MAX).contains(&self.exporter.groups_max) {
            let problem =
                format!("is outside 1 to {GROUPS_MAX}: name the groups that matter with exporter.groups");
            return Err(ConfigError::field("exporter.groups_max", problem));
        }
        self.scope(Duration::ZERO).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<(), String> {
        let config: ExporterConfig = toml::from_str(text).map_err(|error| error.to_string())?;
        config.check().map_err(|error| error.to_string())
    }

    #[test]
    fn the_example_is_right_and_mistakes_are_named() {
        let example = include_str!("../../../examples/exporter.toml");
        checked(example).unwrap();
        for (line, named) in [
            ("interval_ms = 5", "exporter.interval_ms is outside"),
            ("groups_max = 1000", "exporter.groups_max is outside 1 to 256"),
            ("groups = '('", "exporter.groups is no regular expression"),
            ("grups = 'x'", "unknown field `grups`"),
        ] {
            let text = format!("[exporter]\n{line}\n[kafka]\nbootstrap = 'k1:9092'\n");
            let error = checked(&text).unwrap_err();
            assert!(error.contains(named), "{error}");
        }
        assert!(checked("").unwrap_err().contains("kafka.bootstrap"));
    }
}

//! Which cluster and which registry a command talks to: a daemon's configuration file, or two addresses.
//!
//! The same `[kafka]` and `[registry]` tables as the daemons', so that an operator's file with TLS and a log-in serves
//! both. Without either, the stack on this machine (`deploy/stack`).

use std::path::{Path, PathBuf};

use clap::Args;
use sanchar_runtime::config::{self, ConfigError};
use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::registry::{RegistryClient, RegistryConfig};
use sanchar_schemas::topics::TopicSpace;
use serde::Deserialize;

const LOCAL_KAFKA: &str = "127.0.0.1:9092";
const LOCAL_REGISTRY: &str = "http://127.0.0.1:8081/apis/ccompat/v7";

/// What the command line says about cluster and registry.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// TOML file whose [kafka] and [registry] tables say how to connect; any daemon's configuration will do
    #[arg(short, long, value_name = "PATH", env = "SANCHAR_CONFIG")]
    config: Option<PathBuf>,
    /// Brokers as host:port, comma-separated; overrides the file [default: 127.0.0.1:9092]
    #[arg(long, value_name = "BOOTSTRAP", env = "SANCHAR__KAFKA__BOOTSTRAP")]
    kafka: Option<String>,
    /// Confluent API of the schema registry; overrides the file [default: http://127.0.0.1:8081/apis/ccompat/v7]
    #[arg(long, value_name = "URL", env = "SANCHAR__REGISTRY__URL")]
    registry: Option<String>,
    /// What stands in front of every topic name, where several installations share a cluster; overrides the file
    #[arg(long, value_name = "PREFIX", env = "SANCHAR__KAFKA__TOPIC_PREFIX")]
    prefix: Option<String>,
}

/// A cluster and a registry.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Cluster {
    pub(crate) kafka: KafkaConfig,
    pub(crate) registry: RegistryConfig,
}

impl Connection {
    pub(crate) fn new(config: Option<PathBuf>, kafka: Option<String>, registry: Option<String>) -> Self {
        Self { config, kafka, registry, prefix: None }
    }

    /// The file, for commands that read more of it.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// # Errors
    /// As [`config::load`], and where the settings do not fit together.
    pub(crate) fn cluster(&self) -> Result<Cluster, ConfigError> {
        let mut cluster = self.read()?;
        set(&mut cluster.kafka.bootstrap, self.kafka.as_deref(), LOCAL_KAFKA);
        set(&mut cluster.registry.url, self.registry.as_deref(), LOCAL_REGISTRY);
        if let Some(prefix) = &self.prefix {
            cluster.kafka.topic_prefix = Some(prefix.clone()).filter(|prefix| !prefix.is_empty());
        }
        Ok(cluster)
    }

    /// Whether a registry is meant: one is named, or nothing is, for then it is the stack on this machine.
    ///
    /// # Errors
    /// As [`config::load`].
    pub(crate) fn means_a_registry(&self) -> Result<bool, ConfigError> {
        let file = self.read()?;
        let names_brokers = self.kafka.is_some() || !file.kafka.bootstrap.is_empty();
        Ok(self.registry.is_some() || !file.registry.url.is_empty() || !names_brokers)
    }

    fn read(&self) -> Result<Cluster, ConfigError> {
        Ok(self.config.as_deref().map(config::load).transpose()?.unwrap_or_default())
    }
}

fn set(field: &mut String, given: Option<&str>, default: &str) {
    if let Some(given) = given {
        given.clone_into(field);
    } else if field.is_empty() {
        default.clone_into(field);
    }
}

impl Cluster {
    pub(crate) fn space(&self) -> TopicSpace {
        TopicSpace::new(self.kafka.topic_prefix.as_deref().unwrap_or_default())
    }

    /// # Errors
    /// As [`RegistryClient::new`].
    pub(crate) fn registry_client(&self) -> Result<RegistryClient, ConfigError> {
        RegistryClient::new(&self.registry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemons_file_serves_and_the_command_line_wins() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.toml");
        let text = "state = 'IN-DL'\n[kafka]\nbootstrap = 'b1:9092'\ntopic_prefix = 'drill'\n[logs]\nlevel = 'info'\n";
        std::fs::write(&path, text).unwrap();
        let from_file = Connection { config: Some(path), ..Connection::default() };
        let cluster = from_file.cluster().unwrap();
        assert_eq!(cluster.kafka.bootstrap, "b1:9092");
        assert_eq!(cluster.registry.url, LOCAL_REGISTRY);
        assert_eq!(cluster.space(), TopicSpace::new("drill"));
        assert!(!from_file.means_a_registry().unwrap(), "the brokers are elsewhere, so is the registry");
        assert!(Connection::default().means_a_registry().unwrap());
        assert!(
            Connection { registry: Some("http://r".into()), ..from_file.clone() }.means_a_registry().unwrap()
        );

        let given = Connection { kafka: Some("b2:9092".into()), prefix: Some(String::new()), ..from_file };
        let cluster = given.cluster().unwrap();
        assert_eq!(cluster.kafka.bootstrap, "b2:9092");
        assert_eq!(cluster.space(), TopicSpace::default());
    }
}

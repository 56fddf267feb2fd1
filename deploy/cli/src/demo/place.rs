//! Where a demonstration runs: on a broker and a registry inside this process, or on a real stack, in topics of its own.

use sanchar_runtime::clock;
use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::registry::RegistryConfig;

use crate::connection::Cluster;
use crate::embedded::{EmbeddedBroker, EmbeddedRegistry};
use crate::moment::compact_in_india;
use crate::outcome::Stop;
use crate::{schemas, topics};

/// A cluster and a registry that are ready: topics created, schemas registered.
pub(super) struct Place {
    pub(super) cluster: Cluster,
    /// Must outlive every client, so it is given up last.
    embedded: Option<(EmbeddedBroker, EmbeddedRegistry)>,
}

impl Place {
    /// A broker and a registry in this process.
    ///
    /// # Errors
    /// When one of them cannot start.
    pub(super) async fn embedded() -> Result<Self, Stop> {
        let cluster = Cluster::default();
        let broker = EmbeddedBroker::start(&cluster.space())?;
        let registry = EmbeddedRegistry::start().await?;
        let cluster = Cluster {
            kafka: KafkaConfig::plaintext(broker.bootstrap()),
            registry: RegistryConfig { url: registry.url(), ..RegistryConfig::default() },
        };
        schemas::register_all(&cluster.registry_client()?).await?;
        Ok(Self { cluster, embedded: Some((broker, registry)) })
    }

    /// A real stack. Every run has a prefix of its own, so that it meets nobody else's records.
    ///
    /// # Errors
    /// When the cluster or the registry refuses, or does not answer.
    pub(super) async fn real(mut cluster: Cluster) -> Result<Self, Stop> {
        cluster.kafka.topic_prefix = Some(format!("demo-{}", compact_in_india(clock::now_ms())));
        schemas::register_all(&cluster.registry_client()?).await?;
        topics::create(&cluster).await?;
        Ok(Self { cluster, embedded: None })
    }

    /// What whoever watches should know about it.
    pub(super) fn notice(&self) -> String {
        let bootstrap = &self.cluster.kafka.bootstrap;
        match (&self.embedded, &self.cluster.kafka.topic_prefix) {
            (Some(_), _) => format!(
                "broker: embedded, at {bootstrap}. It is librdkafka's mock cluster: everything is in memory and gone at \
                 the end,\n        nothing is replicated, and readers see open and aborted transactions. What it shows \
                 is the flow, not the guarantees."
            ),
            (None, prefix) => {
                format!("broker: {bootstrap}, topics under `{}.`", prefix.as_deref().unwrap_or_default())
            }
        }
    }

    /// Deletes the topics that this run created on a real stack; says what it leaves where `keep` is set.
    ///
    /// # Errors
    /// When the cluster refuses.
    pub(super) async fn clear_up(self, keep: bool) -> Result<Option<String>, Stop> {
        let prefix = self.cluster.kafka.topic_prefix.as_deref().unwrap_or_default();
        match (&self.embedded, keep) {
            (Some(_), _) => Ok(None),
            (None, true) => Ok(Some(format!(
                "topics are kept: read one with `sanchar tail haryana --from beginning --prefix {prefix} --kafka {} --registry {}`",
                self.cluster.kafka.bootstrap, self.cluster.registry.url
            ))),
            (None, false) => {
                topics::delete_prefixed(&self.cluster).await?;
                Ok(Some(format!("deleted the topics under `{prefix}.`; --keep leaves them")))
            }
        }
    }
}

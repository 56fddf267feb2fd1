//! The Kafka cluster and the schema registry that a test runs against, as `deploy/stack/with-stack` names them.
//! A missing service is a failure, never a skipped test.

use anyhow::{Context as _, Result};
use rdkafka::ClientConfig;

/// Addresses of the services.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// `host:port` of each broker, with commas between.
    pub kafka: String,
    /// Where the registry's Confluent API begins.
    pub registry: String,
}

impl Cluster {
    /// The cluster of this test run.
    ///
    /// # Errors
    /// When the test was started without one.
    #[expect(clippy::disallowed_methods, reason = "how with-stack hands the addresses to a test")]
    pub fn of_this_run() -> Result<Self> {
        let variable = |name: &str| {
            std::env::var(name)
                .with_context(|| format!("{name} is not set: run `make test`, or deploy/stack/with-stack"))
        };
        Ok(Self { kafka: variable("SANCHAR_TEST_KAFKA")?, registry: variable("SANCHAR_TEST_REGISTRY")? })
    }

    /// How many brokers keep each topic: all there are.
    #[must_use]
    pub fn replication(&self) -> i32 {
        self.kafka.split(',').count().try_into().unwrap_or(i32::MAX)
    }

    /// Settings of a plain client.
    #[must_use]
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.kafka).set("client.id", "sanchar-tests");
        config
    }
}

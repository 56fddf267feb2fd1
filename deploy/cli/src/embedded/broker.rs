//! librdkafka's own mock cluster: one broker on a loopback port.
//!
//! It speaks Kafka's protocol with groups and transactions, keeps about 5 MB or 100,000 records of each partition, has
//! no admin API and shows records of open and aborted transactions to everybody. Fit for a demonstration, never for
//! proving a guarantee.

use std::time::Duration;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::topics::{Topic, TopicSpace};

const BACK_TO_WAITING: Duration = Duration::from_millis(1);

/// A broker that lives as long as this value. It stays on the thread that made it; drop it after its clients.
pub struct EmbeddedBroker {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl EmbeddedBroker {
    /// Starts a broker that has every topic of an installation. Topics must exist before the first client connects.
    ///
    /// # Errors
    /// [`Failure`] when librdkafka cannot start it, for example because no port is free.
    pub fn start(space: &TopicSpace) -> Result<Self, Failure> {
        let refused = |error| Failure::temporary(format!("cannot start the embedded broker: {error}"));
        let cluster = MockCluster::new(1).map_err(refused)?;
        for topic in Topic::all() {
            cluster.create_topic(&space.name(topic), topic.spec().partitions, 1).map_err(refused)?;
            // The cluster's thread overlooks an order that comes while it returns to waiting, until it wakes by itself
            // up to a second later (librdkafka 2.12.1, rd_kafka_mock_cluster_op_io).
            std::thread::sleep(BACK_TO_WAITING);
        }
        Ok(Self { cluster })
    }

    /// Where clients connect.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        self.cluster.bootstrap_servers()
    }
}

impl std::fmt::Debug for EmbeddedBroker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedBroker").field("bootstrap", &self.bootstrap()).finish_non_exhaustive()
    }
}

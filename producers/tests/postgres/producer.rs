//! A producer that runs on a database of a test and publishes to librdkafka's mock broker.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::{Offset, TopicPartitionList};
use sanchar_producer::{Options, ProducerConfig, Summary, run};
use sanchar_runtime::clock::SystemClock;
use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::lifecycle::{Context, Failure};
use sanchar_runtime::registry::SchemaId;
use sanchar_schemas::codec::Decoder;
use sanchar_schemas::schema::Record;
use sanchar_schemas::{CrimeEvent, wire};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

const TOPIC: &str = "crime.reported.in-rj";
const PATIENCE: Duration = Duration::from_secs(120);

/// A broker, and what was read of it.
pub(crate) struct Broker {
    /// Closed before its broker is, which it would wait for.
    reader: BaseConsumer,
    found: RefCell<Vec<CrimeEvent>>,
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Broker {
    pub(crate) fn new() -> Self {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic(TOPIC, 1, 1).unwrap();
        let bootstrap = cluster.bootstrap_servers();
        let reader: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", "reader")
            .create()
            .unwrap();
        let mut partitions = TopicPartitionList::new();
        partitions.add_partition_offset(TOPIC, 0, Offset::Beginning).unwrap();
        reader.assign(&partitions).unwrap();
        Self { reader, found: RefCell::default(), cluster }
    }

    /// The events from the first on, once there are so many.
    pub(crate) fn events(&self, count: usize) -> Vec<CrimeEvent> {
        let begun = Instant::now();
        let mut found = self.found.borrow_mut();
        while found.len() < count {
            assert!(begun.elapsed() < PATIENCE, "{} of {count} events", found.len());
            if let Some(message) = self.reader.poll(Duration::from_millis(100)) {
                let message = message.unwrap();
                let (_, datum) = wire::parse(message.payload().unwrap()).unwrap();
                found.push(Decoder::current(Record::CrimeEvent).decode(datum).unwrap());
            }
        }
        found.clone()
    }
}

pub(crate) struct Producer {
    runtime: Runtime,
    pub(crate) context: Context,
    task: JoinHandle<Result<Summary, Failure>>,
}

impl Producer {
    /// Starts on the configuration `text`, with its store in `folder`.
    pub(crate) fn start(text: &str, folder: &Path, broker: &Broker, once: bool) -> Self {
        let runtime = Runtime::new().unwrap();
        let context = Context::new("sanchar-producer", Arc::new(SystemClock)).unwrap();
        let mut config: ProducerConfig = toml::from_str(text).unwrap();
        config = config.in_folder_of(&folder.join("rajasthan.toml"));
        config.kafka = KafkaConfig::plaintext(broker.cluster.bootstrap_servers());
        config.publish.checkpoint_interval_ms = 5;
        let options = Options { once, schema_id: Some(SchemaId(41)), ..Options::default() };
        let task = runtime.spawn(run(config, options, context.clone()));
        Self { runtime, context, task }
    }

    pub(crate) fn end(self) -> Result<Summary, Failure> {
        self.runtime.block_on(self.task).unwrap()
    }

    pub(crate) fn stop(self) -> Summary {
        self.context.shutdown.trigger("the test is over");
        let summary = self.end().unwrap();
        assert!(summary.adds_up(), "{summary}");
        summary
    }

    pub(crate) fn await_that(&self, what: &str, holds: impl Fn() -> bool) {
        let begun = Instant::now();
        while !holds() {
            let metrics = self.context.metrics.render();
            let health = self.context.health.ready(true).text;
            assert!(begun.elapsed() < PATIENCE, "{what}\n{health}\n{metrics}");
            assert!(!self.task.is_finished(), "{what}: the producer has ended");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn await_published(&self, count: u64) {
        self.await_that("published", || self.number("sanchar_rows_published_total") >= as_number(count));
    }

    pub(crate) fn await_health(&self, part: &str) {
        self.await_that(part, || self.context.health.ready(true).text.contains(part));
    }

    /// The value of a metric of this state.
    pub(crate) fn number(&self, metric: &str) -> f64 {
        let text = self.context.metrics.render();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{metric}{{state=\"IN-RJ\"}} ")));
        line.map_or(0.0, |value| value.parse().unwrap())
    }
}

fn as_number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

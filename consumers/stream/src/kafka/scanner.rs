//! Reads input partitions beside the group: assigned by hand, nothing ever committed, each partition without a gap.
//!
//! It sees what the group's members see, `read_committed`. Where a partition cannot be read on from where it was to be, it
//! fails rather than go on elsewhere: who reads ahead must not miss a record.

use super::KafkaMessage;
use super::error::{is_passing, sort};
use crate::client::{ClientError, Partition, Scanner, ScannerConnector};
use crate::config::Job;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use sanchar_runtime::kafka::{KafkaConfig, LogContext};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Most memory for records fetched and not polled yet, in KiB.
const FETCHED_KIB_MAX: usize = 2 << 10;
/// A rest that lasts no longer is not worth a pause: what was fetched would have to be fetched again.
const SHORT_REST: Duration = Duration::from_secs(1);
/// Most that one answer brings, in bytes.
const FETCH_BYTES_MAX: usize = 1 << 20;

/// Opens readers of a job's input.
#[derive(Debug, Clone)]
pub struct KafkaScanner {
    kafka: KafkaConfig,
    client_id: String,
    group_id: String,
}

impl KafkaScanner {
    /// For one worker of a job.
    #[must_use]
    pub fn new(kafka: KafkaConfig, job: &Job) -> Self {
        let client_id = format!("{}-lookahead", job.member_id());
        Self { kafka, client_id, group_id: job.group_id.clone() }
    }
}

impl ScannerConnector for KafkaScanner {
    type Scanner = InputReader;

    fn connect(&self, positions: &BTreeMap<Partition, i64>) -> Result<InputReader, ClientError> {
        let failed = |error: &KafkaError| sort("reading ahead", error);
        let tuning = [("fetch.queue.backoff.ms", "5"), ("fetch.wait.max.ms", "500")];
        let mut config = self.kafka.client_config_with(&self.client_id, &tuning)?;
        config
            .set("group.id", &self.group_id) // demanded by the client; it neither joins nor commits
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("statistics.interval.ms", "1000")
            .set("queued.max.messages.kbytes", FETCHED_KIB_MAX.to_string())
            .set("fetch.max.bytes", FETCH_BYTES_MAX.to_string())
            .set("auto.offset.reset", "error");
        let consumer: BaseConsumer<LogContext> = config
            .create_with_context(LogContext::new(self.client_id.clone()))
            .map_err(|error| failed(&error))?;
        let mut list = TopicPartitionList::with_capacity(positions.len());
        for (Partition { topic, partition }, next_offset) in positions {
            let offset = Offset::Offset(*next_offset);
            list.add_partition_offset(topic, *partition, offset).map_err(|error| failed(&error))?;
        }
        consumer.assign(&list).map_err(|error| failed(&error))?;
        Ok(InputReader { consumer, resting_since: Cell::new(None), is_paused: Cell::new(false) })
    }
}

/// A reader of input partitions.
pub struct InputReader {
    consumer: BaseConsumer<LogContext>,
    resting_since: Cell<Option<Instant>>,
    is_paused: Cell<bool>,
}

impl InputReader {
    fn pause(&self, is_paused: bool) -> Result<(), ClientError> {
        let failed = |error: &KafkaError| sort("reading ahead", error);
        let assignment = self.consumer.assignment().map_err(|error| failed(&error))?;
        let changed =
            if is_paused { self.consumer.pause(&assignment) } else { self.consumer.resume(&assignment) };
        changed.map_err(|error| failed(&error))?;
        self.is_paused.set(is_paused);
        Ok(())
    }
}

impl std::fmt::Debug for InputReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InputReader").finish_non_exhaustive()
    }
}

impl Scanner for InputReader {
    type Message<'s> = KafkaMessage<'s>;

    fn poll(&self, wait: Duration) -> Result<Option<KafkaMessage<'_>>, ClientError> {
        self.resting_since.set(None);
        if self.is_paused.get() {
            self.pause(false)?;
        }
        match self.consumer.poll(wait) {
            None => {
                let known = self.consumer.context().brokers().check();
                known.map(|()| None).map_err(|error| ClientError::Retryable(error.to_string()))
            }
            Some(Ok(message)) => Ok(Some(KafkaMessage(message))),
            Some(Err(error)) if is_passing(&error) => Ok(None),
            Some(Err(error)) => Err(sort("reading ahead", &error)),
        }
    }

    /// What the client has to tell piles up in its queue until it is polled, and a poll would bring a record: so the
    /// partitions are paused before.
    fn rest(&self) -> Result<(), ClientError> {
        let since = self.resting_since.get().unwrap_or_else(Instant::now);
        self.resting_since.set(Some(since));
        if since.elapsed() < SHORT_REST {
            return Ok(());
        }
        if !self.is_paused.get() {
            self.pause(true)?;
        }
        match self.consumer.poll(Duration::ZERO) {
            None => Ok(()),
            Some(Ok(_)) => Err(ClientError::Retryable("a record came while none was to be read".to_owned())),
            Some(Err(error)) if is_passing(&error) => Ok(()),
            Some(Err(error)) => Err(sort("reading ahead", &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Message as _;
    use rdkafka::ClientConfig;
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

    #[test]
    fn a_reader_that_rests_is_served_and_goes_on_where_it_was() {
        let mock = MockCluster::new(1).unwrap();
        mock.create_topic("reported", 1, 1).unwrap();
        let bootstrap = mock.bootstrap_servers();
        let producer: BaseProducer =
            ClientConfig::new().set("bootstrap.servers", &bootstrap).create().unwrap();
        for number in ["0", "1", "2"] {
            producer.send(BaseRecord::<str, str>::to("reported").key(number).payload(number)).unwrap();
        }
        producer.flush(Duration::from_secs(30)).unwrap();
        let kafka = KafkaConfig { bootstrap, ..KafkaConfig::default() };
        let scanner = KafkaScanner { kafka, client_id: "reader".to_owned(), group_id: "group".to_owned() };
        let partition = Partition { topic: "reported".to_owned(), partition: 0 };
        let reader = scanner.connect(&BTreeMap::from([(partition, 0)])).unwrap();
        let began = Instant::now();
        let next = || loop {
            assert!(began.elapsed() < Duration::from_secs(60), "no record came");
            if let Some(message) = reader.poll(Duration::from_millis(50)).unwrap() {
                return message.offset();
            }
        };
        assert_eq!(next(), 0);
        while !reader.is_paused.get() {
            reader.rest().unwrap();
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!([next(), next()], [1, 2], "nothing was left out, and nothing came twice");

        mock.broker_down(1).unwrap();
        while reader.consumer.context().brokers().is_connected() {
            assert!(began.elapsed() < Duration::from_secs(60), "its statistics were never taken");
            // It may fail: the broker is away.
            drop(reader.rest());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

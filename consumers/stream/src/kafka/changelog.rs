//! Reads the changelog: its one partition, assigned by hand, as far as its transactions have committed.
//!
//! Compaction and transaction markers leave gaps between offsets, so only the client's own signal says where the end is.

use super::error::{is_passing, sort};
use crate::client::{Changelog, ChangelogConnector, ChangelogEntry, ClientError, Read};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use sanchar_runtime::kafka::{KafkaConfig, LogContext};
use std::time::Duration;

const PARTITION: i32 = 0;
/// How long one question to the brokers may take, so that a stop is noticed.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
/// Most entries handed out at a time.
const READ_ENTRIES_MAX: usize = 5_000;
/// Most of what a client has to tell that is taken at a time: far more than piles up in the longest pause.
const SERVED_MAX: usize = 100;
/// Most memory for entries fetched and not read yet, in KiB.
const FETCHED_KIB_MAX: usize = 4 << 10;

/// Opens readers of a changelog topic.
#[derive(Debug, Clone)]
pub struct KafkaChangelog {
    kafka: KafkaConfig,
    topic: String,
}

impl KafkaChangelog {
    /// For a topic of one partition.
    #[must_use]
    pub const fn new(kafka: KafkaConfig, topic: String) -> Self {
        Self { kafka, topic }
    }

    fn reader(&self, isolation: &str) -> Result<BaseConsumer<LogContext>, ClientError> {
        let client_id = format!("{}-reader", self.topic);
        let tuning =
            [("fetch.queue.backoff.ms", "5"), ("fetch.wait.max.ms", "50"), ("fetch.min.bytes", "65536")];
        let mut config = self.kafka.client_config_with(&client_id, &tuning)?;
        config
            .set("group.id", &client_id) // demanded by the client, never used: partitions are assigned by hand
            .set("isolation.level", isolation)
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("client.rack", "") // from the leader, who is asked for the end: a follower's end may be an earlier one (KIP-392)
            .set("statistics.interval.ms", "1000")
            .set("queued.max.messages.kbytes", FETCHED_KIB_MAX.to_string())
            .set("auto.offset.reset", "earliest"); // compaction may have taken the offset that is asked for
        config
            .create_with_context(LogContext::new(client_id))
            .map_err(|error| sort("creating the changelog reader", &error))
    }
}

impl ChangelogConnector for KafkaChangelog {
    type Changelog = ChangelogReader;

    fn connect(&self) -> Result<ChangelogReader, ClientError> {
        let (decided, written) = (self.reader("read_committed")?, self.reader("read_uncommitted")?);
        let cluster = decided.client().fetch_cluster_id(ANSWER_TIMEOUT);
        let cluster =
            cluster.ok_or_else(|| ClientError::Retryable("no broker names its cluster".to_owned()))?;
        let identity = format!("{cluster}/{}", self.topic);
        Ok(ChangelogReader { topic: self.topic.clone(), identity, decided, written })
    }
}

/// A reader of a changelog topic.
pub struct ChangelogReader {
    topic: String,
    identity: String,
    /// Sees up to the last stable offset.
    decided: BaseConsumer<LogContext>,
    /// Sees up to the high watermark. Only asked for offsets; polled all the same, for what a client has to tell piles up in
    /// its queue until somebody takes it.
    written: BaseConsumer<LogContext>,
}

impl std::fmt::Debug for ChangelogReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangelogReader").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl Changelog for ChangelogReader {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn seek(&self, offset: i64) -> Result<(), ClientError> {
        let failed = |error: &KafkaError| sort("seeking the changelog", error);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, PARTITION, Offset::Offset(offset))
            .map_err(|error| failed(&error))?;
        // An end that was met before is forgotten with the former assignment.
        self.decided.unassign().map_err(|error| failed(&error))?;
        self.decided.assign(&list).map_err(|error| failed(&error))
    }

    fn end_offset(&self) -> Result<i64, ClientError> {
        self.end_as_seen_by(&self.written)
    }

    fn decided_offset(&self) -> Result<i64, ClientError> {
        self.end_as_seen_by(&self.decided)
    }

    fn read(&self, wait: Duration, entry: &mut dyn FnMut(ChangelogEntry<'_>)) -> Result<Read, ClientError> {
        let (mut read, mut wait) = (Read::default(), wait);
        self.serve_written()?;
        for _ in 0..READ_ENTRIES_MAX {
            match self.decided.poll(wait) {
                None => {
                    let known = self.decided.context().brokers().check();
                    known.map_err(|error| ClientError::Retryable(error.to_string()))?;
                    break;
                }
                Some(Ok(message)) => {
                    read.next_offset = Some(message.offset() + 1);
                    if let Some(key) = message.key() {
                        let (offset, value) = (message.offset(), message.payload());
                        entry(ChangelogEntry { offset, key, value });
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    read.is_end = true;
                    break;
                }
                Some(Err(error)) if is_passing(&error) => break,
                Some(Err(error)) => return Err(sort("reading the changelog", &error)),
            }
            wait = Duration::ZERO;
        }
        Ok(read)
    }

    fn rest(&self) -> Result<(), ClientError> {
        // Without a partition, a poll brings no entry.
        self.decided.unassign().map_err(|error| sort("resting", &error))?;
        serve(&self.decided)?;
        self.serve_written()
    }
}

impl ChangelogReader {
    /// Serves the client that is only asked for offsets.
    fn serve_written(&self) -> Result<(), ClientError> {
        serve(&self.written)
    }

    fn end_as_seen_by(&self, reader: &BaseConsumer<LogContext>) -> Result<i64, ClientError> {
        let watermarks = reader.fetch_watermarks(&self.topic, PARTITION, ANSWER_TIMEOUT);
        watermarks
            .map(|(_low, high)| high)
            .map_err(|error| sort("asking for the end of the changelog", &error))
    }
}

/// Takes what a client without a partition has to tell: statistics, errors, lines of its log.
fn serve(reader: &BaseConsumer<LogContext>) -> Result<(), ClientError> {
    for _ in 0..SERVED_MAX {
        match reader.poll(Duration::ZERO) {
            None => break,
            Some(Ok(_)) => {}
            Some(Err(error)) if is_passing(&error) => {}
            Some(Err(error)) => return Err(sort("asking for the end of the changelog", &error)),
        }
    }
    let known = reader.context().brokers().check();
    known.map_err(|error| ClientError::Retryable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::mocking::MockCluster;
    use std::time::Instant;

    fn reader_whose_broker_went()
    -> (MockCluster<'static, rdkafka::producer::DefaultProducerContext>, ChangelogReader) {
        let mock = MockCluster::new(1).unwrap();
        mock.create_topic("register", 1, 1).unwrap();
        let kafka = KafkaConfig { bootstrap: mock.bootstrap_servers(), ..KafkaConfig::default() };
        let reader = KafkaChangelog::new(kafka, "register".to_owned()).connect().unwrap();
        reader.seek(0).unwrap();
        assert_eq!(reader.end_offset(), Ok(0));
        mock.broker_down(1).unwrap();
        (mock, reader)
    }

    #[test]
    fn the_client_that_is_only_asked_for_offsets_is_served_as_well() {
        let (_mock, reader) = reader_whose_broker_went();
        let began = Instant::now();
        while reader.written.context().brokers().is_connected() {
            assert!(began.elapsed() < Duration::from_secs(60), "its statistics were never taken");
            // It may fail: the broker is away.
            drop(reader.read(Duration::from_millis(50), &mut |_| {}));
        }
    }

    #[test]
    fn both_clients_are_served_while_nothing_is_read() {
        let (_mock, reader) = reader_whose_broker_went();
        let began = Instant::now();
        while [&reader.decided, &reader.written]
            .iter()
            .any(|client| client.context().brokers().is_connected())
        {
            assert!(began.elapsed() < Duration::from_secs(60), "their statistics were never taken");
            // It may fail: the broker is away.
            drop(reader.rest());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

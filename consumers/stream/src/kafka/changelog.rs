//! Reads the changelog to its end: everything written before the call, once it is decided.
//!
//! "End" is the high watermark at the time of the call. Transactions that are still open hold the last stable
//! offset below it; they are waited for, since one of them may be a predecessor's that is about to commit.

use super::error::sort;
use crate::client::{ChangelogEntry, ClientError};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use sanchar_runtime::backoff::Backoff;
use sanchar_runtime::kafka::{KafkaConfig, LogContext};
use sanchar_runtime::lifecycle::Shutdown;
use std::time::Duration;

const PARTITION: i32 = 0;
/// How long one question to the brokers may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a poll waits for a fetch.
const POLL_WAIT: Duration = Duration::from_millis(500);
/// Polls without a record or an end of partition after which the session is given up.
const EMPTY_POLLS_MAX: u32 = 60;

pub(super) struct ChangelogReader {
    topic: String,
    /// Sees up to the last stable offset.
    decided: BaseConsumer<LogContext>,
    /// Sees up to the high watermark. Only asked for offsets.
    written: BaseConsumer<LogContext>,
}

impl ChangelogReader {
    pub(super) fn connect(kafka: &KafkaConfig, topic: &str) -> Result<Self, ClientError> {
        let decided = reader(kafka, topic, "read_committed")?;
        let written = reader(kafka, topic, "read_uncommitted")?;
        Ok(Self { topic: topic.to_owned(), decided, written })
    }

    /// Hands every entry from `from` on to `entry`. Returns the next position.
    pub(super) fn read_to_end(
        &self,
        from: i64,
        shutdown: &Shutdown,
        entry: &mut dyn FnMut(ChangelogEntry<'_>),
    ) -> Result<i64, ClientError> {
        let end = self.end_offset(&self.written)?;
        if end <= from {
            return Ok(from);
        }
        self.wait_until_decided(end, shutdown)?;
        let seek = |error: &KafkaError| sort("seeking the changelog", error);
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, PARTITION, Offset::Offset(from))
            .map_err(|error| seek(&error))?;
        self.decided.assign(&list).map_err(|error| seek(&error))?;
        let next = self.read(from, shutdown, entry);
        self.decided.unassign().map_err(|error| seek(&error))?;
        next
    }

    /// Reads until the end of the partition. Compaction and transaction markers leave gaps, so only the
    /// client's own signal says where the end is.
    fn read(
        &self,
        from: i64,
        shutdown: &Shutdown,
        entry: &mut dyn FnMut(ChangelogEntry<'_>),
    ) -> Result<i64, ClientError> {
        let (mut next, mut empty_polls) = (from, 0);
        while empty_polls < EMPTY_POLLS_MAX && !shutdown.is_triggered() {
            match self.decided.poll(POLL_WAIT) {
                None => empty_polls += 1,
                Some(Ok(message)) => {
                    empty_polls = 0;
                    next = message.offset() + 1;
                    if let Some(key) = message.key() {
                        entry(ChangelogEntry { key, value: message.payload() });
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(next),
                Some(Err(error)) => return Err(sort("reading the changelog", &error)),
            }
        }
        Err(ClientError::Retryable("the changelog could not be read to its end".to_owned()))
    }

    fn wait_until_decided(&self, end: i64, shutdown: &Shutdown) -> Result<(), ClientError> {
        let mut backoff = Backoff::new(10, 200);
        while self.end_offset(&self.decided)? < end {
            if shutdown.is_triggered() {
                return Err(ClientError::Retryable("stopped while waiting for open transactions".to_owned()));
            }
            std::thread::sleep(backoff.next_delay());
        }
        Ok(())
    }

    /// End offset as the reader's isolation level sees it: the high watermark or the last stable offset.
    fn end_offset(&self, reader: &BaseConsumer<LogContext>) -> Result<i64, ClientError> {
        let watermarks = reader.fetch_watermarks(&self.topic, PARTITION, ANSWER_TIMEOUT);
        watermarks
            .map(|(_low, high)| high)
            .map_err(|error| sort("asking for the end of the changelog", &error))
    }
}

fn reader(
    kafka: &KafkaConfig,
    topic: &str,
    isolation: &str,
) -> Result<BaseConsumer<LogContext>, ClientError> {
    let client_id = format!("{topic}-reader");
    let mut config = kafka.client_config(&client_id)?;
    config
        .set("group.id", &client_id) // demanded by the client, never used: partitions are assigned by hand
        .set("isolation.level", isolation)
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "10") // an empty answer is what tells the end
        .set("fetch.queue.backoff.ms", "5") // after a full queue the client would rest for a second
        .set("auto.offset.reset", "earliest"); // compaction may have taken the offset that is asked for
    config
        .create_with_context(LogContext::new(client_id))
        .map_err(|error| sort("creating the changelog reader", &error))
}

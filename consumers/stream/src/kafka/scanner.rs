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
use std::collections::BTreeMap;
use std::time::Duration;

/// Most memory for records fetched and not polled yet, in KiB.
const FETCHED_KIB_MAX: usize = 2 << 10;
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
        Ok(InputReader(consumer))
    }
}

/// A reader of input partitions.
pub struct InputReader(BaseConsumer<LogContext>);

impl std::fmt::Debug for InputReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InputReader").finish_non_exhaustive()
    }
}

impl Scanner for InputReader {
    type Message<'s> = KafkaMessage<'s>;

    fn poll(&self, wait: Duration) -> Result<Option<KafkaMessage<'_>>, ClientError> {
        match self.0.poll(wait) {
            None => {
                let known = self.0.context().brokers().check();
                known.map(|()| None).map_err(|error| ClientError::Retryable(error.to_string()))
            }
            Some(Ok(message)) => Ok(Some(KafkaMessage(message))),
            Some(Err(error)) if is_passing(&error) => Ok(None),
            Some(Err(error)) => Err(sort("reading ahead", &error)),
        }
    }
}

//! How far the fan-out service has come, as the brokers know it: offsets that its group has committed.
//! True whatever instance did the work and however often it was killed, which no instance's metrics are.

use crate::daemon::{wait_for, wait_for_up_to};
use crate::inbox;
use crate::installation::Installation;
use anyhow::{Context as _, Result};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use sanchar_schemas::StateCode;
use sanchar_schemas::topics::Topic;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long one question to the brokers may take.
const ANSWER: Duration = Duration::from_secs(10);

/// A look at the committed offsets.
pub struct Progress {
    config: ClientConfig,
    consumer: Mutex<BaseConsumer>,
    reader: BaseConsumer,
    partitions: TopicPartitionList,
}

impl Progress {
    /// Connects. It never joins the group. It looks at the partitions that there are now.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn of(installation: &Installation) -> Result<Self> {
        Self::of_topics(installation, &StateCode::all().map(Topic::Reported).collect::<Vec<_>>())
    }

    /// As [`Progress::of`], of some input topics alone.
    ///
    /// # Errors
    /// As [`Progress::of`].
    pub fn of_topics(installation: &Installation, topics: &[Topic]) -> Result<Self> {
        let mut config = installation.cluster.client();
        // Read_committed would wait for open transactions; here the last word that stands is wanted.
        config.set("group.id", installation.group()).set("isolation.level", "read_uncommitted");
        let mut partitions = TopicPartitionList::new();
        for (topic, partition) in inbox::partitions(installation, topics) {
            partitions.add_partition(&installation.topic(topic), partition);
        }
        let (consumer, of_consumer) = (Mutex::new(config.create()?), config.clone());
        config.set("isolation.level", "read_committed").set("enable.partition.eof", "true");
        let reader = config.set("enable.auto.commit", "false").create()?;
        Ok(Self { config: of_consumer, consumer, reader, partitions })
    }

    /// Input records that are done: forwarded, dropped or dead-lettered. Waits for a broker that has just started.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub fn done(&self) -> Result<i64> {
        let committed = self.committed()?;
        let offsets =
            committed.elements().iter().filter_map(|element| element.offset().to_raw()).collect::<Vec<_>>();
        Ok(offsets.into_iter().filter(|offset| *offset > 0).sum())
    }

    fn consumer(&self) -> MutexGuard<'_, BaseConsumer> {
        self.consumer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn committed(&self) -> Result<TopicPartitionList> {
        wait_for("the group's coordinator", || {
            let mut consumer = self.consumer();
            match consumer.committed_offsets(self.partitions.clone(), ANSWER) {
                Ok(committed) => Ok(Some(committed)),
                Err(error) if error.rdkafka_error_code().is_some_and(is_starting) => {
                    *consumer = self.config.create()?; // it may have forgotten all brokers (librdkafka 5301)
                    Ok(None)
                }
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Whether all that was committed to the input topics so far is done. An offset at the end that holds the marker of
    /// a transaction is nothing to be done.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub fn has_caught_up(&self) -> Result<bool> {
        let mut behind = TopicPartitionList::new();
        for done in self.committed()?.elements() {
            let (low, end) = match self.consumer().fetch_watermarks(done.topic(), done.partition(), ANSWER) {
                Ok(ends) => ends,
                // For a moment nobody leads, after a crash or where the machine was too busy for the broker to report.
                Err(error) if error.rdkafka_error_code().is_some_and(is_starting) => return Ok(false),
                Err(error) => return Err(error.into()),
            };
            let next = done.offset().to_raw().filter(|offset| *offset >= 0).unwrap_or(low);
            if next < end {
                behind.add_partition_offset(done.topic(), done.partition(), Offset::Offset(next))?;
            }
        }
        self.reader.assign(&behind)?;
        let mut unread = behind.count();
        while unread > 0 {
            match self.reader.poll(ANSWER).context("no answer from the brokers")? {
                Err(KafkaError::PartitionEOF(_)) => unread -= 1,
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Waits until so many are done.
    ///
    /// # Errors
    /// When they are not within a minute.
    pub fn wait_done(&self, records: i64) -> Result<()> {
        wait_for("records to be done", || Ok((self.done()? >= records).then_some(())))
    }

    /// As [`Progress::wait_done`], with another limit.
    ///
    /// # Errors
    /// When they are not within the limit.
    pub fn wait_done_up_to(&self, limit: Duration, records: i64) -> Result<()> {
        wait_for_up_to(limit, "records to be done", || Ok((self.done()? >= records).then_some(())))
    }
}

/// What a broker answers, or does not, while it takes up its work.
pub(crate) const fn is_starting(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::NotLeaderForPartition
            | RDKafkaErrorCode::LeaderNotAvailable
            | RDKafkaErrorCode::OffsetNotAvailable // a new leader does not know its high watermark yet (KIP-207)
            | RDKafkaErrorCode::NotCoordinator
            | RDKafkaErrorCode::CoordinatorNotAvailable
            | RDKafkaErrorCode::CoordinatorLoadInProgress
            | RDKafkaErrorCode::BrokerTransportFailure
            | RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::OperationTimedOut
    )
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Progress").finish_non_exhaustive()
    }
}

//! Reads topics from a chosen place without joining a group: nothing is committed, and nobody else notices.
//!
//! `read_committed`, so that a real cluster shows what its recipients see. Records are handed out as owned values, so
//! that whatever prints them can be tested without Kafka.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::metadata::MetadataPartition;
use rdkafka::{Offset, TopicPartitionList};
use sanchar_runtime::kafka::{KafkaConfig, LogContext};
use sanchar_runtime::lifecycle::Failure;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Where to begin, in each partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Beginning,
    End,
    /// So many offsets before the end. The marker that ends a transaction counts as one.
    BeforeEnd(i64),
    /// At this offset, or at the first record behind it.
    At(i64),
}

/// A record as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// When it was written: ms since 1970, UTC.
    pub(crate) timestamp_ms: Option<i64>,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Option<Vec<u8>>)>,
    pub(crate) value: Option<Vec<u8>>,
}

/// What came next.
#[derive(Debug)]
pub(crate) enum Step {
    Record(Record),
    /// Every partition has been read to its end once. Of use where one topic is read.
    End,
    /// Kafka is in trouble, and the client goes on trying.
    Trouble(String),
}

/// A consumer of some topics.
pub(crate) struct Reader {
    consumer: StreamConsumer<LogContext>,
    /// Partitions of the first topic that have not been read to their end yet.
    unread: BTreeSet<i32>,
}

impl Reader {
    /// # Errors
    /// [`Failure`] (69) when no broker answers or a topic does not exist.
    pub(crate) fn open(kafka: &KafkaConfig, topics: &[String], from: Start) -> Result<Self, Failure> {
        const CLIENT_ID: &str = "sanchar-tail";
        let mut config = kafka.client_config(CLIENT_ID)?;
        config
            .set("group.id", CLIENT_ID)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false");
        config.set("isolation.level", "read_committed").set("auto.offset.reset", "earliest");
        config.set("client.rack", ""); // from leaders: a follower's end may be an earlier one (KIP-392)
        config.set("enable.partition.eof", "true").set("fetch.wait.max.ms", "100");
        config.set("statistics.interval.ms", "1000");
        let consumer = StreamConsumer::from_config_and_context(&config, LogContext::new(CLIENT_ID))
            .map_err(|error| Failure::internal(format!("cannot make a kafka client: {error}")))?;
        let mut assignment = TopicPartitionList::new();
        let mut unread = BTreeSet::new();
        for topic in topics {
            for partition in partitions(&consumer, topic, &kafka.bootstrap)? {
                let added = assignment.add_partition_offset(topic, partition, from.offset());
                added.map_err(|error| Failure::internal(format!("cannot read from {from:?}: {error}")))?;
                unread.insert(partition);
            }
        }
        consumer
            .assign(&assignment)
            .map_err(|error| Failure::internal(format!("cannot read {topics:?}: {error}")))?;
        Ok(Self { consumer, unread })
    }

    /// The offsets that each partition of a topic has now, as far as their transactions are decided.
    ///
    /// # Errors
    /// [`Failure`] (69) when no broker answers.
    pub(crate) fn offsets(&self, topic: &str) -> Result<BTreeMap<i32, Range<i64>>, Failure> {
        let offsets_of = |partition: &i32| {
            let (low, high) =
                self.consumer.fetch_watermarks(topic, *partition, TIMEOUT).map_err(|error| {
                    Failure::unavailable(format!(
                        "kafka does not tell where {topic} ends ({error}): try again"
                    ))
                })?;
            Ok((*partition, low..high))
        };
        self.unread.iter().map(offsets_of).collect()
    }

    /// How many partitions each topic of the cluster has that this user may see. All are asked for: a question about one
    /// could bring it about.
    ///
    /// # Errors
    /// [`Failure`] (69) when no broker answers.
    pub(crate) fn partition_counts(&self) -> Result<BTreeMap<String, i32>, Failure> {
        let metadata = self.consumer.fetch_metadata(None, TIMEOUT).map_err(|error| {
            Failure::unavailable(format!("kafka does not tell which topics there are ({error}): try again"))
        })?;
        let count = |partitions: usize| i32::try_from(partitions).unwrap_or(i32::MAX);
        let topics = metadata.topics().iter();
        Ok(topics.map(|topic| (topic.name().to_owned(), count(topic.partitions().len()))).collect())
    }

    /// Waits for the next record. Dropping the wait loses nothing.
    ///
    /// # Errors
    /// [`Failure`] when waiting longer would not help.
    pub(crate) async fn next(&mut self) -> Result<Step, Failure> {
        loop {
            let error = match tokio::time::timeout(TIMEOUT, self.consumer.recv()).await {
                Ok(Ok(message)) => return Ok(Step::Record(Record::from(&message))),
                Ok(Err(error)) => error,
                Err(_nothing_came) => {
                    self.consumer.context().brokers().check().map_err(|error| {
                        Failure::temporary(format!("{error}: run the same command again"))
                    })?;
                    continue;
                }
            };
            match error {
                KafkaError::PartitionEOF(partition) => {
                    if self.unread.remove(&partition) && self.unread.is_empty() {
                        return Ok(Step::End);
                    }
                }
                error if is_hopeless(&error) => {
                    return Err(Failure::unavailable(format!("kafka does not let us read on: {error}")));
                }
                error => return Ok(Step::Trouble(error.to_string())),
            }
        }
    }
}

fn is_hopeless(error: &KafkaError) -> bool {
    let codes = [Code::UnknownTopicOrPartition, Code::TopicAuthorizationFailed, Code::Authentication];
    matches!(error, KafkaError::MessageConsumptionFatal(_))
        || error.rdkafka_error_code().is_some_and(|code| codes.contains(&code))
}

fn partitions(
    consumer: &StreamConsumer<LogContext>,
    topic: &str,
    bootstrap: &str,
) -> Result<Vec<i32>, Failure> {
    let metadata = consumer.fetch_metadata(Some(topic), TIMEOUT).map_err(|error| {
        let remedy = "check --kafka and that the brokers are up";
        Failure::unavailable(format!("no answer from kafka at {bootstrap} ({error}): {remedy}"))
    })?;
    let found = metadata.topics().iter().find(|found| found.name() == topic && found.error().is_none());
    let partitions: Vec<i32> =
        found.map(|found| found.partitions().iter().map(MetadataPartition::id).collect()).unwrap_or_default();
    if partitions.is_empty() {
        let remedy = "create it with `sanchar topics apply`, or check --prefix";
        return Err(Failure::unavailable(format!(
            "the cluster at {bootstrap} has no topic {topic}: {remedy}"
        )));
    }
    Ok(partitions)
}

impl Start {
    const fn offset(self) -> Offset {
        match self {
            Self::Beginning => Offset::Beginning,
            Self::End => Offset::End,
            Self::BeforeEnd(count) => Offset::OffsetTail(count),
            Self::At(offset) => Offset::Offset(offset),
        }
    }
}

impl Record {
    fn from(message: &BorrowedMessage<'_>) -> Self {
        let headers = message.headers().into_iter().flat_map(Headers::iter);
        Self {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            timestamp_ms: message.timestamp().to_millis(),
            key: message.key().map(<[u8]>::to_vec),
            headers: headers
                .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
                .collect(),
            value: message.payload().map(<[u8]>::to_vec),
        }
    }

    /// The last header of this name, as text.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let (_, value) = self.headers.iter().rev().find(|(key, _)| key == name)?;
        value.as_deref().map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// `crime.dlq[0]@17`
    pub(crate) fn place(&self) -> String {
        format!("{}[{}]@{}", self.topic, self.partition, self.offset)
    }
}

//! The client behind the seam: rdkafka (librdkafka).
//!
//! Two transactional producers, which take turns, and one consumer per session. Settings that a guarantee rests on
//! are set here, each with its reason, and cannot be overridden by an operator.

mod changelog;
mod consumer;
mod error;
mod producer;
mod scanner;

use crate::client::{
    Client, ClientError, Committed, Connector, Message, Partition, Polled, Position, Record, SendError,
    Settled,
};
use crate::config::{Job, StreamConfig};
pub use changelog::{ChangelogReader, KafkaChangelog};
use consumer::GroupMember;
use producer::TransactionalProducer;
pub use producer::fence;
use rdkafka::message::{BorrowedMessage, Headers, Message as _};
use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::lifecycle::Shutdown;
pub use scanner::{InputReader, KafkaScanner};
use std::cell::Cell;
use std::time::Duration;

/// Opens sessions on a cluster.
#[derive(Debug, Clone)]
pub struct KafkaConnector {
    kafka: KafkaConfig,
    stream: StreamConfig,
    job: Job,
    shutdown: Shutdown,
}

impl KafkaConnector {
    /// A connector for one job; `shutdown` ends waits.
    #[must_use]
    pub const fn new(kafka: KafkaConfig, stream: StreamConfig, job: Job, shutdown: Shutdown) -> Self {
        Self { kafka, stream, job, shutdown }
    }
}

impl Connector for KafkaConnector {
    type Client = KafkaClient;

    fn connect(&self) -> Result<KafkaClient, ClientError> {
        // The producers first: they fence the predecessor and end what that left open, so that the offsets
        // which the consumer then fetches are the last word.
        let producers = self.producers()?;
        let member = GroupMember::join(&self.kafka, &self.stream, &self.job)?;
        Ok(KafkaClient {
            producers,
            first_has_turn: Cell::new(false),
            member,
            shutdown: self.shutdown.clone(),
        })
    }
}

impl KafkaConnector {
    fn producers(&self) -> Result<[TransactionalProducer; 2], ClientError> {
        let connect = |id| TransactionalProducer::connect(&self.kafka, &self.stream, id, &self.shutdown);
        let [first, second] = self.job.transactional_ids();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| connect(&second));
            let first = connect(&first);
            let other = other.join().map_err(|_| ClientError::Retryable("a thread panicked".to_owned()))?;
            Ok([first?, other?])
        })
    }
}

/// A session on a cluster.
pub struct KafkaClient {
    /// They take turns. A coordinator answers a commit before it has written the markers, and until it has, it
    /// does not begin the next transaction of that id (CONCURRENT_TRANSACTIONS): librdkafka would ask again after
    /// 20 to 100 ms. The other producer's transaction begins at once.
    ///
    /// One transaction is undecided at most: each begins when the commit of the one before has been answered.
    producers: [TransactionalProducer; 2],
    first_has_turn: Cell<bool>,
    member: GroupMember,
    shutdown: Shutdown,
}

impl KafkaClient {
    fn producer(&self) -> &TransactionalProducer {
        let [first, second] = &self.producers;
        if self.first_has_turn.get() { first } else { second }
    }
}

impl std::fmt::Debug for KafkaClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KafkaClient").finish_non_exhaustive()
    }
}

/// A message in librdkafka's own buffer.
#[derive(Debug)]
pub struct KafkaMessage<'c>(BorrowedMessage<'c>);

impl Message for KafkaMessage<'_> {
    fn topic(&self) -> &str {
        self.0.topic()
    }

    fn partition(&self) -> i32 {
        self.0.partition()
    }

    fn offset(&self) -> i64 {
        self.0.offset()
    }

    fn timestamp_ms(&self) -> Option<i64> {
        self.0.timestamp().to_millis()
    }

    fn key(&self) -> Option<&[u8]> {
        self.0.key()
    }

    fn value(&self) -> Option<&[u8]> {
        self.0.payload()
    }

    fn headers(&self) -> Vec<(&str, Option<&[u8]>)> {
        let headers = self.0.headers();
        headers.map_or_else(Vec::new, |headers| {
            headers.iter().map(|header| (header.key, header.value)).collect()
        })
    }

    fn header(&self, name: &str) -> Option<&[u8]> {
        self.0.headers()?.iter().find(|header| header.key == name).and_then(|header| header.value)
    }
}

impl Client for KafkaClient {
    type Message<'c> = KafkaMessage<'c>;

    fn poll(&self, wait: Duration) -> Result<Polled<KafkaMessage<'_>>, ClientError> {
        let message = self.member.poll(wait)?.map(KafkaMessage);
        Ok(Polled { rebalances: self.member.take_rebalances(), message })
    }

    fn pause(&self) -> Result<(), ClientError> {
        self.member.pause()
    }

    fn resume(&self) -> Result<(), ClientError> {
        self.member.resume()
    }

    fn begin(&self) -> Result<(), ClientError> {
        self.first_has_turn.set(!self.first_has_turn.get());
        self.producer().begin()
    }

    fn send(&self, record: Record<'_>) -> Result<(), SendError> {
        self.producer().send(record)
    }

    fn commit(&self, positions: &[Position]) -> Result<Committed, ClientError> {
        self.producer().commit(positions, self.member.group_metadata()?)
    }

    fn abort(&self) -> Result<(), ClientError> {
        self.producer().abort()
    }

    fn settle(&self, partitions: &[Partition]) -> Result<Settled, ClientError> {
        self.member.settle(partitions, &self.shutdown)
    }

    fn end_offsets(&self) -> Vec<Position> {
        self.member.end_offsets()
    }

    fn is_connected(&self) -> bool {
        self.member.is_connected()
    }
}

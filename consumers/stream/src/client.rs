//! The seam between the engine and a Kafka client: everything the engine asks of Kafka, and no more.
//!
//! No type of a client library crosses it. [`crate::kafka`] stands behind it in service; a small in-memory
//! client stands behind it in the tests of the engine's own order of steps.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A partition of an input topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    /// Topic.
    pub topic: String,
    /// Number of the partition.
    pub partition: i32,
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.topic, self.partition)
    }
}

/// The next offset to be read from a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Partition.
    pub partition: Partition,
    /// Offset of the first record that is not done yet.
    pub next_offset: i64,
}

/// What is known of partitions when they have settled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settled {
    /// Where the group reads on: the committed offset, or the first that is left. Brokers need not tell of all.
    pub positions: Vec<Position>,
    /// What was removed before anybody of the group had read it.
    pub gaps: Vec<Gap>,
}

/// Records of a partition that retention removed before they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Partition.
    pub partition: Partition,
    /// Offsets from the committed one to the first that is left.
    pub records: u64,
}

/// A record as it was read; it borrows the client's buffer.
pub trait Message {
    /// Topic that it was read from.
    fn topic(&self) -> &str;
    /// Partition that it was read from.
    fn partition(&self) -> i32;
    /// Offset that it was read at.
    fn offset(&self) -> i64;
    /// The record's timestamp, ms since 1970, UTC; `None` where the broker has none.
    fn timestamp_ms(&self) -> Option<i64>;
    /// Key.
    fn key(&self) -> Option<&[u8]>;
    /// Value; `None` for a tombstone.
    fn value(&self) -> Option<&[u8]>;
    /// Headers in their order.
    fn headers(&self) -> Vec<(&str, Option<&[u8]>)>;
    /// Value of the first header of this name.
    fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers().into_iter().find(|(known, _)| *known == name).and_then(|(_, value)| value)
    }
}

/// A change of the partitions that this member of the group reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rebalance {
    /// These came.
    Assigned(Vec<Partition>),
    /// These went. What was read from them and not committed belongs to their next reader.
    Revoked(Vec<Partition>),
}

/// What a poll brought. The changes come before the message.
#[derive(Debug)]
pub struct Polled<M> {
    /// Changes of the assignment, in order.
    pub rebalances: Vec<Rebalance>,
    /// At most one message.
    pub message: Option<M>,
}

/// A record to be written.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Topic.
    pub topic: &'a str,
    /// Key.
    pub key: Option<&'a [u8]>,
    /// Value; `None` for a tombstone.
    pub value: Option<&'a [u8]>,
    /// Headers in their order.
    pub headers: &'a [(&'a str, Option<&'a [u8]>)],
}

impl Record<'_> {
    /// Bytes of key, value and headers, names among them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let length = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
        let headers = self.headers.iter().map(|(name, value)| name.len() + length(*value));
        length(self.key) + length(self.value) + headers.sum::<usize>()
    }
}

/// A failure of a client, by what the engine has to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Throw the session away, wait, start again from what is committed.
    #[error("{0}")]
    Retryable(String),
    /// Another process took this one's place (KIP-345, KIP-360). Going on would be wrong.
    #[error("{0}")]
    Fenced(String),
    /// Somebody must change something first: a right, a password, a topic.
    #[error("{0}")]
    Refused(String),
    /// The client cannot be made from these settings.
    #[error("{0}")]
    Misconfigured(String),
}

/// What is known when a commit has succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// The session goes on.
    GoOn,
    /// It was the session's last transaction, for the reason given: throw the session away.
    Last(String),
}

/// Why a record was not accepted for sending.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// It is larger than the brokers take.
    #[error("the record has {bytes} bytes and {max} are allowed")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The client failed.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// One session: a transactional producer and a member of the consumer group.
pub trait Client {
    /// A record of this client.
    type Message<'c>: Message
    where
        Self: 'c;

    /// Waits up to `wait` for a message or a change of the assignment.
    ///
    /// # Errors
    /// When the client cannot go on.
    fn poll(&self, wait: Duration) -> Result<Polled<Self::Message<'_>>, ClientError>;

    /// Stops messages from all assigned partitions while [`Client::poll`] keeps the membership alive.
    ///
    /// # Errors
    /// When the client cannot go on.
    fn pause(&self) -> Result<(), ClientError>;

    /// Goes on after [`Client::pause`], from where the last message was delivered.
    ///
    /// # Errors
    /// When the client cannot go on.
    fn resume(&self) -> Result<(), ClientError>;

    /// Begins a transaction.
    ///
    /// # Errors
    /// When the client cannot go on.
    fn begin(&self) -> Result<(), ClientError>;

    /// Hands a record to the open transaction. Waits while the send buffer is full.
    ///
    /// # Errors
    /// [`SendError::TooLarge`] leaves the transaction usable; anything else ends the session.
    fn send(&self, record: Record<'_>) -> Result<(), SendError>;

    /// Commits everything sent since [`Client::begin`] together with the input positions.
    ///
    /// # Errors
    /// The outcome is then unknown, and the session must be thrown away.
    fn commit(&self, positions: &[Position]) -> Result<Committed, ClientError>;

    /// Aborts the open transaction.
    ///
    /// # Errors
    /// The session must be thrown away.
    fn abort(&self) -> Result<(), ClientError>;

    /// Waits until no earlier reader of `partitions` has a transaction left that could still commit.
    ///
    /// # Errors
    /// When they do not settle.
    fn settle(&self, partitions: &[Partition]) -> Result<Settled, ClientError>;

    /// End offsets of the input partitions as last seen, for lag. Cheap; may be a second old.
    fn end_offsets(&self) -> Vec<Position>;

    /// Whether any broker was connected when last seen. Cheap; may be a second old. The only sign of brokers
    /// that went while there was nothing to commit.
    fn is_connected(&self) -> bool;
}

/// An entry of the changelog.
#[derive(Debug, Clone, Copy)]
pub struct ChangelogEntry<'a> {
    /// Where it stands, for messages.
    pub offset: i64,
    /// Key.
    pub key: &'a [u8],
    /// Value; `None` deletes the key.
    pub value: Option<&'a [u8]>,
}

/// What a read of the changelog brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Read {
    /// Offset to go on from after the entries handed out; `None` where there were none.
    pub next_offset: Option<i64>,
    /// Nothing more was there when this was read.
    pub is_end: bool,
}

/// A reader of the changelog that sees what has committed, in order.
pub trait Changelog {
    /// Names the cluster and the topic. What was remembered of another changelog is worth nothing here.
    fn identity(&self) -> &str;

    /// Goes on at an offset. What was fetched before is forgotten.
    ///
    /// # Errors
    /// When the client cannot go on.
    fn seek(&self, offset: i64) -> Result<(), ClientError>;

    /// Offset after the last record written, committed or not.
    ///
    /// # Errors
    /// When the brokers do not tell.
    fn end_offset(&self) -> Result<i64, ClientError>;

    /// Offset up to which every transaction is decided.
    ///
    /// # Errors
    /// When the brokers do not tell.
    fn decided_offset(&self) -> Result<i64, ClientError>;

    /// Hands out some of what has been committed since, waiting up to `wait` for the first of it.
    ///
    /// # Errors
    /// When the client cannot go on.
    fn read(&self, wait: Duration, entry: &mut dyn FnMut(ChangelogEntry<'_>)) -> Result<Read, ClientError>;

    /// Stands in for [`Changelog::read`] while nothing is to be read, however long: the client does whatever else it has to.
    /// Reading goes on with [`Changelog::seek`].
    ///
    /// # Errors
    /// When the client cannot go on.
    fn rest(&self) -> Result<(), ClientError>;
}

/// Opens readers of the changelog.
pub trait ChangelogConnector {
    /// What a reader is.
    type Changelog: Changelog;

    /// Opens one, which reads nothing before [`Changelog::seek`].
    ///
    /// # Errors
    /// When the brokers cannot be reached or refuse.
    fn connect(&self) -> Result<Self::Changelog, ClientError>;
}

/// A reader of input partitions that belongs to no group and sees what has committed, each partition in its order.
pub trait Scanner {
    /// A record of this reader.
    type Message<'s>: Message
    where
        Self: 's;

    /// Waits up to `wait` for the next record of any partition.
    ///
    /// # Errors
    /// When the client cannot go on, or a partition cannot be read on without a gap.
    fn poll(&self, wait: Duration) -> Result<Option<Self::Message<'_>>, ClientError>;

    /// Stands in for [`Scanner::poll`] while no record is wanted, as often: the client does whatever else it has to.
    ///
    /// # Errors
    /// When the client cannot go on.
    fn rest(&self) -> Result<(), ClientError>;
}

/// Opens such readers.
pub trait ScannerConnector {
    /// What a reader is.
    type Scanner: Scanner;

    /// Opens one that reads these partitions, each from this offset on.
    ///
    /// # Errors
    /// When the client cannot be made.
    fn connect(&self, positions: &BTreeMap<Partition, i64>) -> Result<Self::Scanner, ClientError>;
}

/// Opens sessions.
pub trait Connector {
    /// What a session is.
    type Client: Client;

    /// Opens a session: fences predecessors, aborts what they left open, joins the group.
    ///
    /// # Errors
    /// When the brokers cannot be reached or refuse.
    fn connect(&self) -> Result<Self::Client, ClientError>;
}

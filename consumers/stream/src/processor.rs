//! What an application gives the engine: how one record becomes outputs, and what it remembers.
//!
//! A processor is called by one thread. It never talks to Kafka: it writes into [`Outputs`], and it hears
//! whether the transaction committed. What it remembers is fed by its changelog: a [`Standby`], called by another.

use crate::client::{ChangelogEntry, Client, Message, Record, SendError};
use sanchar_runtime::lifecycle::Failure;

/// Turns input records into output records.
pub trait Processor {
    /// Processes one record. Either writes all its outputs, or refuses before the first of them.
    ///
    /// # Errors
    /// A [`Refusal`] says what the engine does with the record.
    fn process(&mut self, message: &dyn Message, outputs: &mut Outputs<'_>) -> Result<(), Refusal>;

    /// Everything processed since the last call of this or [`Processor::aborted`] is committed.
    fn committed(&mut self);

    /// Nothing processed since then is committed; it will be read again.
    fn aborted(&mut self);
}

/// What an application remembers, as its changelog tells it: everything that this and other instances committed.
///
/// It is called by one thread, which reads the changelog all the time.
pub trait Standby: Send {
    /// A changelog is there that ends at `end_offset`. Returns the offset to read from: 0, unless this remembers that
    /// same changelog up to some offset of it.
    ///
    /// # Errors
    /// A text that says what is in the way; this is tried again.
    fn begin(&mut self, identity: &str, end_offset: i64) -> Result<i64, String>;

    /// Takes an entry. It may wait for [`Standby::reached`] before anybody sees it.
    fn take(&mut self, entry: ChangelogEntry<'_>);

    /// Everything before `next_offset` was taken. Called every few milliseconds, whether anything came or not.
    ///
    /// # Errors
    /// As [`Standby::begin`]. Nothing more is read until it succeeds.
    fn reached(&mut self, next_offset: i64) -> Result<Reached, String>;

    /// Everything was taken that was in the changelog a moment ago. Called whenever that is so.
    fn complete(&mut self);

    /// Reading ends: the process stops.
    fn end(&mut self);
}

/// How a [`Standby`] wants to be read to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// It has all of it.
    Kept,
    /// It lost what it remembered: [`Standby::begin`] again.
    Lost,
}

/// Why a record was not processed: the three names of every failure.
#[derive(Debug)]
pub enum Refusal {
    /// The record will never be processed: it goes to the dead-letter queue.
    Poison(Poison),
    /// Something that the record needs is not there: it waits. The text says what.
    Retryable(String),
    /// Going on would be wrong: the process ends.
    Fatal(Failure),
}

/// What is wrong with a record that goes to the dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poison {
    /// Stage that gave up.
    pub stage: &'static str,
    /// Reason code, one of a closed set: metric label, log field and DLQ header.
    pub reason: &'static str,
    /// For people. No personal data.
    pub message: String,
}

/// Reason code of a record whose outputs no topic would take.
pub const REASON_TOO_LARGE: &str = "too-large";

impl From<SendError> for Refusal {
    fn from(error: SendError) -> Self {
        match error {
            SendError::TooLarge { .. } => Self::Poison(Poison {
                stage: "publish",
                reason: REASON_TOO_LARGE,
                message: error.to_string(),
            }),
            SendError::Client(error) => Self::Retryable(error.to_string()),
        }
    }
}

/// Where a processor writes. Everything written becomes visible with the transaction or not at all.
pub struct Outputs<'a> {
    send: &'a dyn Fn(Record<'_>) -> Result<(), SendError>,
    changelog_topic: &'a str,
    sent: usize,
    failed: Option<SendError>,
}

impl<'a> Outputs<'a> {
    pub(crate) fn new(
        send: &'a dyn Fn(Record<'_>) -> Result<(), SendError>,
        changelog_topic: &'a str,
    ) -> Self {
        Self { send, changelog_topic, sent: 0, failed: None }
    }

    /// Writes a record to an output topic.
    ///
    /// # Errors
    /// When the record cannot be sent; hand the error on as the refusal.
    pub fn send(&mut self, record: Record<'_>) -> Result<(), SendError> {
        let result = (self.send)(record);
        match &result {
            Ok(()) => self.sent += 1,
            Err(error) => self.failed = Some(error.clone()),
        }
        result
    }

    /// Writes an entry of the changelog.
    ///
    /// # Errors
    /// As [`Outputs::send`].
    pub fn changelog(&mut self, key: &[u8], value: &[u8]) -> Result<(), SendError> {
        let topic = self.changelog_topic;
        self.send(Record { topic, key: Some(key), value: Some(value), headers: &[] })
    }

    /// Records written so far.
    pub(crate) const fn sent(&self) -> usize {
        self.sent
    }

    /// Whether the client itself failed while this record was processed.
    pub(crate) fn client_failure(self) -> Option<crate::client::ClientError> {
        match self.failed {
            Some(SendError::Client(error)) => Some(error),
            _ => None,
        }
    }
}

impl std::fmt::Debug for Outputs<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outputs").field("sent", &self.sent).finish_non_exhaustive()
    }
}

/// What a processor's outputs go through: the client, with the limit that output topics set.
pub(crate) fn sender<C: Client>(
    client: &C,
    bytes_max: usize,
) -> impl Fn(Record<'_>) -> Result<(), SendError> + '_ {
    move |record| {
        let bytes = record.bytes();
        if bytes > bytes_max {
            Err(SendError::TooLarge { bytes, max: bytes_max })
        } else {
            client.send(record)
        }
    }
}

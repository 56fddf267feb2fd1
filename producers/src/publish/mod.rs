//! From events to the broker: messages, the rows in flight, and the Kafka client behind a small trait.
//!
//! A [`Sink`] takes messages and settles each in the [`Ledger`] once its fate is known, in whatever order; the ledger
//! gives rows back in the order of the source, so that a checkpoint never passes one that is still under way.

mod config;
mod kafka;
mod ledger;
mod message;
mod poller;
mod traces;

pub use config::PublishConfig;
pub(crate) use kafka::KafkaSink;
pub(crate) use ledger::{Entry, Fate, Ledger, Place, Settled};
pub(crate) use message::Message;
pub(crate) use traces::Traces;

/// Takes messages for one topic.
pub(crate) trait Sink {
    /// Hands a message over without waiting. Its fate is settled in the ledger under `ticket`.
    ///
    /// # Errors
    /// [`SendError`], when it was not taken.
    fn send(&self, message: &Message, ticket: u64) -> Result<(), SendError>;

    /// Waits until the topic is there and a broker answers, or `patience` is over.
    ///
    /// # Errors
    /// [`ReachError`], when it is not.
    fn reach(&self, patience: std::time::Duration) -> Result<(), ReachError>;

    /// Whether no broker has answered lately.
    fn is_away(&self) -> bool;
}

/// Why a message was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SendError {
    /// The client's queue is full: try again.
    #[error("the client's queue is full")]
    Full,
    /// The message is larger than the broker takes.
    #[error("the message is larger than the broker takes")]
    TooLarge,
    /// The client cannot go on.
    #[error("{0}")]
    Failed(String),
}

/// Why a topic cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReachError {
    /// No broker answers: try again.
    #[error("no broker answers ({0})")]
    Away(String),
    /// The cluster answers and has no such topic, or does not show it to this user.
    #[error("the cluster does not have the topic {0}, or hides it from this user")]
    NoTopic(String),
}

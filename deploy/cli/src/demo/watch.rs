//! The independent reader: sees what stands in the topics, and notes it. It shares no code path with the fan-out
//! service beyond the contract's codec.

use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::shared::SharedCrimeEvent;
use sanchar_schemas::topics::{Topic, TopicSpace};
use sanchar_schemas::{CrimeEvent, StateCode, headers};

use crate::connection::Cluster;
use crate::content::{Content, Contents};
use crate::reader::{Reader, Record, Start, Step};

/// Something that was found in a topic.
#[derive(Debug)]
pub(super) enum Sight {
    /// A state published an event.
    Published(Box<CrimeEvent>),
    /// A state received a record.
    Received(StateCode, Box<SharedCrimeEvent>),
    /// A record went to the dead-letter queue, for this reason.
    DeadLetter(String),
}

/// Reads every topic of an installation from its beginning.
pub(super) struct Watch {
    reader: Reader,
    contents: Contents,
    space: TopicSpace,
}

impl Watch {
    /// # Errors
    /// As [`Reader::open`].
    pub(super) fn open(cluster: &Cluster) -> Result<Self, Failure> {
        let space = cluster.space();
        let topics = Topic::all().filter(|topic| !matches!(topic, Topic::Register | Topic::Redriven));
        let topics: Vec<String> = topics.map(|topic| space.name(topic)).collect();
        let reader = Reader::open(&cluster.kafka, &topics, Start::Beginning)?;
        Ok(Self { reader, contents: Contents::new(cluster.registry_client()?), space })
    }

    /// Waits for the next record. Dropping the wait loses nothing.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub(super) async fn next(&mut self) -> Result<Record, Failure> {
        loop {
            if let Step::Record(record) = self.reader.next().await? {
                return Ok(record);
            }
        }
    }

    /// What a record tells. To count each record once, let this end.
    ///
    /// # Errors
    /// As [`Contents::of`].
    pub(super) async fn sight(&mut self, record: &Record) -> Result<Option<Sight>, Failure> {
        let Some(topic) = self.space.parse(&record.topic) else { return Ok(None) };
        if topic == Topic::Dlq {
            return Ok(Some(Sight::DeadLetter(record.header(headers::DLQ_REASON).unwrap_or_default())));
        }
        Ok(match (topic, self.contents.of(topic, record).await?) {
            (Topic::Reported(_), Content::Reported(event)) => Some(Sight::Published(event)),
            (Topic::Shared(state), Content::Shared(shared)) => Some(Sight::Received(state, shared)),
            _ => None,
        })
    }
}

//! The dead-letter queue as it is: which input record each letter says it is, and whether it still is that record.
//! Why a record is there is compared in [`super::compare`].

use super::event::fingerprint;
use super::fate::Poison;
use super::place::Place;
use crate::inbox::Received;
use sanchar_schemas::topics::TopicSpace;
use std::collections::HashMap;

/// Headers that a dead letter has and its source has not, by how their names begin.
const ADDED: [&str; 2] = ["__dlq.errors.", "sanchar-dlq-"];

/// A dead letter.
#[derive(Debug, Clone, Copy)]
pub struct Letter {
    /// Where it stands.
    pub place: Place,
    /// Why, where that is one of the reasons there are.
    pub reason: Option<Poison>,
    /// [`imprint`] of it.
    pub imprint: u64,
}

/// The dead letters by the input records that they say they are.
#[derive(Debug, Default)]
pub struct Letters {
    by_source: HashMap<Place, Letter>,
}

/// What is wrong with a dead letter by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stray {
    /// It names no place of an input topic.
    NoSource,
    /// There is another of the same record.
    Second,
}

impl Letters {
    /// Adds a letter.
    ///
    /// # Errors
    /// [`Stray`] when it cannot be matched with an input record; it is left out then.
    pub fn add(&mut self, topics: &TopicSpace, place: Place, record: &Received) -> Result<(), Stray> {
        let source = source(topics, record).ok_or(Stray::NoSource)?;
        let reason = record.header("sanchar-dlq-reason");
        let reason = Poison::ALL.into_iter().find(|known| known.as_str() == reason);
        if self.by_source.contains_key(&source) {
            return Err(Stray::Second);
        }
        self.by_source.insert(source, Letter { place, reason, imprint: imprint(record) });
        Ok(())
    }

    /// Takes out the letter of an input record.
    pub fn take(&mut self, source: Place) -> Option<Letter> {
        self.by_source.remove(&source)
    }

    /// The letters that nobody took out, in their order.
    #[must_use]
    pub fn left(&self) -> Vec<Letter> {
        let mut left: Vec<Letter> = self.by_source.values().copied().collect();
        left.sort_by_key(|letter| letter.place);
        left
    }
}

fn source(topics: &TopicSpace, record: &Received) -> Option<Place> {
    let number = |name: &str| record.header(name);
    Some(Place {
        topic: topics.parse(record.header("__dlq.errors.topic"))?,
        partition: number("__dlq.errors.partition").parse().ok()?,
        offset: number("__dlq.errors.offset").parse().ok()?,
    })
}

/// Fingerprint of what a record and its dead letter have in common: key, value, and headers in their order. A record
/// that was a dead letter before keeps only the newest reason, so what was added then counts on neither side.
#[must_use]
pub fn imprint(record: &Received) -> u64 {
    let is_added = |name: &str| ADDED.iter().any(|prefix| name.starts_with(prefix));
    let kept: Vec<_> = record.headers.iter().filter(|(name, _)| !is_added(name)).collect();
    fingerprint((&record.key, &record.value, kept))
}

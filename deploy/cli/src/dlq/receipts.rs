//! Receipts: what `crime.dlq.redriven` tells of the letters that were sent back. A receipt is written in the transaction
//! of its copy, so it is there exactly when the copy is.
//!
//! They are held in memory: which letters were sent is no straight line that one offset could describe. The reading of
//! the topic is the engine's, which reads its changelog in the same way.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant};

use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::topics::{Topic, TopicSpace};
use sanchar_stream::client::{Changelog as _, ChangelogConnector as _, ChangelogEntry, ClientError};
use sanchar_stream::kafka::{ChangelogReader, KafkaChangelog};
use serde::{Deserialize, Serialize};

use super::letter::Letter;
use super::place::{InputPlace, Place};
use crate::outcome::warn;

/// Most receipts that are held: about 200 bytes of memory each.
const RECEIPTS_MAX: usize = 2_000_000;
/// How long the topic may be silent before reading it is given up.
const PATIENCE: Duration = Duration::from_secs(60);
const READ_WAIT: Duration = Duration::from_millis(100);
const DECIDED_PULSE: Duration = Duration::from_millis(20);

/// What a receipt says, as it stands in the topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    /// Timestamp of the letter, ms since 1970. Another letter may stand at its place once a queue was made anew.
    pub(crate) letter_at_ms: Option<i64>,
    /// Every copy, oldest first. All of them, since each may fail again and must be known by where it landed.
    pub(crate) copies: Vec<Copied>,
}

/// A copy of a letter that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Copied {
    /// How often the record is tried with this copy, the first time included.
    pub(crate) attempt: u32,
    /// When it was sent, ms since 1970, UTC.
    pub(crate) at_ms: i64,
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
}

impl Copied {
    fn landed(&self, space: &TopicSpace) -> Option<InputPlace> {
        let Some(Topic::Reported(state)) = space.parse(&self.topic) else { return None };
        Some(InputPlace { state, place: Place { partition: self.partition, offset: self.offset } })
    }
}

/// What all receipts together say.
#[derive(Debug, Default)]
pub(super) struct Known {
    by_letter: HashMap<Place, Receipt>,
    /// Attempt of each copy, by where it landed.
    by_copy: HashMap<InputPlace, u32>,
}

/// The receipt, or the key, cannot be read.
struct Unreadable;

impl Known {
    /// Takes a receipt, or takes one back: whatever a key is, nothing stands under it then.
    fn take(&mut self, key: &[u8], value: Option<&[u8]>, space: &TopicSpace) -> Result<(), Unreadable> {
        let place = Place::from_key(key);
        let Some(value) = value else {
            if let Some(place) = place {
                self.by_letter.remove(&place);
            }
            return Ok(());
        };
        let place = place.ok_or(Unreadable)?;
        let receipt: Receipt = serde_json::from_slice(value).map_err(|_| Unreadable)?;
        let landed = |copy: &Copied| Some((copy.landed(space)?, copy.attempt));
        let copies: Option<Vec<_>> = receipt.copies.iter().map(landed).collect();
        self.by_copy.extend(copies.ok_or(Unreadable)?);
        self.by_letter.insert(place, receipt);
        Ok(())
    }

    /// The copies of this letter that were sent, oldest first.
    pub(super) fn copies_of(&self, letter: &Letter) -> &[Copied] {
        let receipt = self.by_letter.get(&letter.place);
        let receipt = receipt.filter(|receipt| receipt.letter_at_ms == letter.record.timestamp_ms);
        receipt.map_or(&[], |receipt| &receipt.copies)
    }

    /// How often the record had been tried when this letter was written: 1, and one more for each time that it was sent
    /// back before.
    pub(super) fn attempt_of(&self, letter: &Letter) -> u32 {
        letter.source.and_then(|source| self.by_copy.get(&source)).copied().unwrap_or(1)
    }

    /// How often the record has been tried by now, copies of this letter included.
    pub(super) fn tried(&self, letter: &Letter) -> u32 {
        let newest = self.copies_of(letter).iter().map(|copy| copy.attempt).max();
        self.attempt_of(letter).max(newest.unwrap_or_default())
    }

    /// The receipt for a letter after one more copy.
    pub(super) fn with(&self, letter: &Letter, copy: Copied) -> Receipt {
        let mut copies = self.copies_of(letter).to_vec();
        copies.push(copy);
        Receipt { letter_at_ms: letter.record.timestamp_ms, copies }
    }
}

/// Receipts that cannot be read: the offset of each by a hash of its key, for keys may be long.
#[derive(Debug, Default)]
struct Junk(HashMap<u64, i64>);

impl Junk {
    fn note(&mut self, entry: ChangelogEntry<'_>, is_readable: bool) {
        let mut hasher = DefaultHasher::new();
        entry.key.hash(&mut hasher);
        let key = hasher.finish();
        // What comes later under the same key counts instead.
        if is_readable {
            self.0.remove(&key);
        } else {
            self.0.insert(key, entry.offset);
        }
    }

    /// What is to be said of it; `None` where there is none.
    fn said(&self, topic: &str) -> Option<String> {
        let first = self.0.values().min()?;
        let more = self.0.len().saturating_sub(1);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Some(format!("the receipt at offset {first} of {topic}{more} cannot be read"))
    }
}

/// The topic, and what was read of it so far.
pub(super) struct Receipts {
    pub(super) known: Known,
    junk: Junk,
    topic: String,
    space: TopicSpace,
    changelog: ChangelogReader,
    next_offset: i64,
}

impl Receipts {
    /// What has been committed, for a command that only shows it: receipts that cannot be read are warned of.
    ///
    /// # Errors
    /// As [`Receipts::open`].
    pub(super) fn shown(kafka: &KafkaConfig, space: &TopicSpace) -> Result<Known, Failure> {
        let receipts = Self::open(kafka, space)?;
        if let Some(said) = receipts.junk.said(&receipts.topic) {
            warn(&format!("{said}: letters may have been sent back more often than is shown"));
        }
        Ok(receipts.known)
    }

    /// Reads what has been committed.
    ///
    /// # Errors
    /// [`Failure`] (69) when the topic cannot be read, (78) when there are too many.
    pub(super) fn open(kafka: &KafkaConfig, space: &TopicSpace) -> Result<Self, Failure> {
        let topic = space.name(Topic::Redriven);
        let changelog = KafkaChangelog::new(kafka.clone(), topic.clone()).connect();
        let changelog = changelog.map_err(|error| unavailable(&topic, &error))?;
        changelog.end_offset().map_err(|error| unavailable(&topic, &error))?;
        let mut receipts = Self {
            known: Known::default(),
            junk: Junk::default(),
            topic,
            space: space.clone(),
            changelog,
            next_offset: 0,
        };
        receipts.read()?;
        Ok(receipts)
    }

    /// Nothing may be sent by receipts that do not tell all.
    ///
    /// # Errors
    /// [`Failure`] (78) when one cannot be read.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let remedy = "use the release of `sanchar` that wrote it, or a newer one; if none did, write a tombstone under its key";
        self.junk.said(&self.topic).map_or(Ok(()), |said| Err(Failure::config(format!("{said}: {remedy}"))))
    }

    /// Reads everything that was written by now, and waits until it is decided whether that counts.
    ///
    /// # Errors
    /// As [`Receipts::open`] and [`Receipts::check`]; [`Failure`] (75) when it is not decided.
    pub(super) fn catch_up(&mut self) -> Result<(), Failure> {
        let started = Instant::now();
        let end = self.changelog.end_offset().map_err(|error| unavailable(&self.topic, &error))?;
        while self.changelog.decided_offset().map_err(|error| unavailable(&self.topic, &error))? < end {
            if started.elapsed() > PATIENCE {
                let topic = &self.topic;
                return Err(Failure::temporary(format!(
                    "a transaction that wrote to {topic} is still undecided: try again; if it stays so, \
                     kafka-transactions.sh find-hanging names it"
                )));
            }
            std::thread::sleep(DECIDED_PULSE);
        }
        self.read()?;
        self.check()
    }

    fn read(&mut self) -> Result<(), Failure> {
        let Self { known, junk, topic, space, changelog, next_offset } = self;
        changelog.seek(*next_offset).map_err(|error| unavailable(topic, &error))?;
        let mut heard = Instant::now();
        loop {
            let read = changelog.read(READ_WAIT, &mut |entry| {
                junk.note(entry, known.take(entry.key, entry.value, space).is_ok());
            });
            let read = read.map_err(|error| unavailable(topic, &error))?;
            if known.by_copy.len() + junk.0.len() > RECEIPTS_MAX {
                let remedy = "archive crime.dlq and crime.dlq.redriven and make both anew";
                return Err(Failure::config(format!(
                    "there are more than {RECEIPTS_MAX} receipts: {remedy}"
                )));
            }
            if let Some(next) = read.next_offset {
                (*next_offset, heard) = (next, Instant::now());
            }
            if read.is_end {
                return Ok(());
            }
            if heard.elapsed() > PATIENCE {
                return Err(Failure::unavailable(format!("{topic} cannot be read to its end: try again")));
            }
        }
    }
}

fn unavailable(topic: &str, error: &ClientError) -> Failure {
    let remedy = "create it with `sanchar topics apply` if it is missing, or try again";
    Failure::unavailable(format!("cannot read {topic} ({error}): {remedy}"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::letter::tests::letter;
    use super::*;

    const DELHI: &str = "crime.reported.in-dl";

    fn copy(attempt: u32, offset: i64) -> Copied {
        Copied { attempt, at_ms: 5, topic: DELHI.into(), partition: 1, offset }
    }

    /// What is known after these receipts, by offset of the letter.
    pub(in super::super) fn known(receipts: &[(i64, &[(u32, i64)])]) -> Known {
        let mut known = Known::default();
        for (letter, copies) in receipts {
            let copies = copies.iter().map(|(attempt, offset)| copy(*attempt, *offset)).collect();
            let receipt = Receipt { letter_at_ms: Some(2_000), copies };
            let value = serde_json::to_vec(&receipt).unwrap();
            assert!(
                known.take(format!("0/{letter}").as_bytes(), Some(&value), &TopicSpace::default()).is_ok()
            );
        }
        known
    }

    #[test]
    fn a_receipt_belongs_to_its_letter_and_to_no_other_at_that_place() {
        let known = known(&[(17, &[(2, 90)])]);
        let sent = letter(17, (DELHI, 1, 41), "key");
        assert_eq!(known.copies_of(&sent), [copy(2, 90)]);
        assert_eq!(known.copies_of(&letter(18, (DELHI, 1, 42), "key")), []);
        let mut of_a_queue_made_anew = sent;
        of_a_queue_made_anew.record.timestamp_ms = Some(9_999);
        assert_eq!(known.copies_of(&of_a_queue_made_anew), []);
    }

    #[test]
    fn a_copy_that_fails_again_is_known_by_where_it_landed() {
        let known = known(&[(17, &[(2, 90), (3, 95)]), (20, &[(3, 99)])]);
        let attempt = |offset| known.attempt_of(&letter(50, (DELHI, 1, offset), "key"));
        assert_eq!([41, 90, 95, 99].map(attempt), [1, 2, 3, 3]);
        assert_eq!(known.attempt_of(&letter(50, (DELHI, 0, 90), "key")), 1, "another partition");
        assert_eq!(known.tried(&letter(17, (DELHI, 1, 41), "key")), 3, "its own copies count");
    }

    #[test]
    fn one_more_copy_forgets_none_of_those_before() {
        let known = known(&[(17, &[(2, 90)])]);
        let receipt = known.with(&letter(17, (DELHI, 1, 41), "key"), copy(3, 95));
        assert_eq!(receipt.copies, [copy(2, 90), copy(3, 95)]);
        let json =
            serde_json::to_string(&known.with(&letter(18, (DELHI, 1, 42), "key"), copy(2, 96))).unwrap();
        let expected = r#"{"letter_at_ms":2000,"copies":[{"attempt":2,"at_ms":5,"topic":"crime.reported.in-dl","partition":1,"offset":96}]}"#;
        assert_eq!(json, expected, "this is what stands in the topic");
    }

    #[test]
    fn a_receipt_that_cannot_be_understood_is_junk_until_something_else_stands_there() {
        let elsewhere =
            br#"{"letter_at_ms":1,"copies":[{"attempt":2,"at_ms":5,"topic":"x","partition":1,"offset":9}]}"#;
        let (mut known, mut junk) = (Known::default(), Junk::default());
        let mut take = |offset, key: &str, value: Option<&[u8]>| {
            let entry = ChangelogEntry { offset, key: key.as_bytes(), value };
            junk.note(entry, known.take(entry.key, value, &TopicSpace::default()).is_ok());
            junk.said("crime.dlq.redriven")
        };
        let said = "the receipt at offset 7 of crime.dlq.redriven cannot be read";
        for (key, value) in [("x", &b"{}"[..]), ("0/1", b"{}"), ("0/1", b"no json"), ("0/1", elsewhere)] {
            assert_eq!(take(7, key, Some(value)).as_deref(), Some(said), "{key}");
            assert_eq!(take(8, key, None), None, "a tombstone takes it away, whatever its key");
        }
        take(7, "0/1", Some(b"no json"));
        let both = take(9, "x", Some(b"no json"));
        assert_eq!(
            both.as_deref(),
            Some("the receipt at offset 7 of crime.dlq.redriven and 1 more cannot be read")
        );
        take(10, "x", None);
        assert_eq!(take(11, "0/1", Some(br#"{"letter_at_ms":1,"copies":[]}"#)), None);
    }

    #[test]
    fn a_removed_receipt_is_forgotten() {
        let mut known = known(&[(17, &[(2, 90)])]);
        assert!(known.take(b"0/17", None, &TopicSpace::default()).is_ok());
        assert_eq!(known.copies_of(&letter(17, (DELHI, 1, 41), "key")), []);
    }
}

//! What this process has published lately: an unchanged row that is pulled again is not sent again, and two contents
//! under one identity are noticed.
//!
//! A bounded number of records in keyed fingerprints, each with the version and content that was last handed to the
//! broker. It is kept in memory alone. What it forgets (the records seen longest ago where it is full, all at a restart) is
//! sent again and dropped as a duplicate by the fan-out service, whose register remembers every record for ever. Two
//! contents under one identity are not noticed across what it forgot.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use sanchar_schemas::{CrimeEvent, RecordId};

use crate::mapping::Versions;
use crate::reading::Revisions;
use crate::reason::{Problem, Reason, Rejection};

/// The records seen last.
#[derive(Debug)]
pub(crate) struct Memory {
    /// Fingerprints are keyed anew in every process, so that nobody can make two records share one.
    keys: RandomState,
    records_max: usize,
    records: HashMap<u64, Known>,
    /// Those that were seen before the ones above. Once there are `records_max` of those, they take the place of these:
    /// so what was seen lately is known, whenever it was first seen, and no order has to be kept.
    older: HashMap<u64, Known>,
    forgotten: u64,
}

/// What is known of a record.
#[derive(Debug, Clone, Copy)]
struct Known {
    revision: i64,
    content: u64,
    /// The reading that its row was last seen in.
    reading: i64,
}

/// What becomes of an event.
#[derive(Debug)]
pub(crate) enum Admission {
    /// It is to be sent.
    Send(Box<CrimeEvent>),
    /// It was published as it is.
    Unchanged,
    /// Its identity belongs to another content.
    Taken(Rejection),
}

impl Memory {
    /// A memory of so many records at least, and twice as many at most; 33 to 66 bytes each.
    pub(crate) fn new(records_max: usize) -> Self {
        Self {
            keys: RandomState::new(),
            records_max,
            records: HashMap::new(),
            older: HashMap::new(),
            forgotten: 0,
        }
    }

    /// How many records had to be forgotten for want of room.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Decides whether an event is to be sent, and remembers it then. `reading` tells one reading of a source from
    /// the next: one file from its start to its end, one page of a query.
    pub(crate) fn admit(
        &mut self,
        event: Box<CrimeEvent>,
        versions: Versions,
        reading: i64,
        revisions: &mut Revisions,
    ) -> Admission {
        let record = self.keys.hash_one(event.record_id.as_str());
        let content = self.keys.hash_one(event.content_hash.0);
        let fresh = Known { revision: event.revision, content, reading };
        self.refresh(record);
        let Some(known) = self.records.get_mut(&record) else {
            self.remember(record, fresh);
            return Admission::Send(event);
        };
        let is_same = known.content == content;
        if versions == Versions::OfTheSource {
            return match event.revision.cmp(&known.revision) {
                Ordering::Equal if is_same => Admission::Unchanged,
                Ordering::Equal => Admission::Taken(taken(ONE_REVISION)),
                // An older version: it is not what was published last.
                Ordering::Less => Admission::Send(event),
                Ordering::Greater => {
                    *known = fresh;
                    Admission::Send(event)
                }
            };
        }
        if is_same {
            known.reading = reading;
            return Admission::Unchanged;
        }
        if versions == Versions::OncePerReading && known.reading == reading {
            return Admission::Taken(taken(ONE_READING));
        }
        let event = later_than(known.revision, event, revisions);
        *known = Known { revision: event.revision, ..fresh };
        Admission::Send(event)
    }

    /// Forgets a record that was not published after all.
    pub(crate) fn forget(&mut self, record_id: &RecordId) {
        let record = self.keys.hash_one(record_id.as_str());
        self.records.remove(&record);
        self.older.remove(&record);
    }

    /// Forgets everything: always safe, since it costs repeats that are dropped downstream and nothing else.
    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.older.clear();
    }

    /// A record that is seen again counts among the latest.
    fn refresh(&mut self, record: u64) {
        if let Some(known) = self.older.remove(&record) {
            self.remember(record, known);
        }
    }

    fn remember(&mut self, record: u64, known: Known) {
        if self.records_max == 0 {
            return;
        }
        if self.records.len() >= self.records_max {
            self.forgotten += u64::try_from(self.older.len()).unwrap_or(u64::MAX);
            self.older.clear();
            std::mem::swap(&mut self.records, &mut self.older);
        }
        self.records.insert(record, known);
    }
}

/// The event with a revision after `revision`, however fast its two rows were read.
fn later_than(revision: i64, mut event: Box<CrimeEvent>, revisions: &mut Revisions) -> Box<CrimeEvent> {
    if event.revision > revision {
        return event;
    }
    event.revision = revisions.beyond(revision);
    Box::new(event.sealed())
}

const ONE_REVISION: &str = "was published with the same revision and other content: map to record.revision what grows \
                            with every change, or correct the number";
const ONE_READING: &str = "is the number of another row of this source with other content, and nothing tells which is \
                           newer: correct the number, or map record.part or record.revision, or set rows.same_record = \"update\"";

fn taken(message: &'static str) -> Rejection {
    Problem::new(Reason::IdentityTaken, message).at("record_id")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(number: &str, revision: i64, stage: &str) -> Box<CrimeEvent> {
        let file = include_str!("../../schemas/examples/vehicle-stolen.json");
        let mut event: CrimeEvent = serde_json::from_str(file).unwrap();
        event.record_id = RecordId::new(event.origin, "1", 2024, number, "fir").unwrap();
        event.revision = revision;
        event.investigation_stage = Some(stage.to_owned());
        Box::new(event.sealed())
    }

    struct Told {
        memory: Memory,
        revisions: Revisions,
        versions: Versions,
    }

    impl Told {
        fn new(versions: Versions, records_max: usize) -> Self {
            Self { memory: Memory::new(records_max), revisions: Revisions::after(0), versions }
        }

        /// `new` with the revision it got, `same` or `taken`.
        fn of(&mut self, event: Box<CrimeEvent>, reading: i64) -> String {
            match self.memory.admit(event, self.versions, reading, &mut self.revisions) {
                Admission::Send(event) => {
                    assert!(sanchar_schemas::validate::violations(&event).is_empty());
                    format!("new {}", event.revision)
                }
                Admission::Unchanged => "same".to_owned(),
                Admission::Taken(rejection) => {
                    assert_eq!(rejection.reason, Reason::IdentityTaken);
                    "taken".to_owned()
                }
            }
        }
    }

    #[test]
    fn by_the_sources_own_version_only_the_same_event_is_left_out() {
        let mut told = Told::new(Versions::OfTheSource, 10);
        assert_eq!(told.of(event("1", 5, "a"), 1), "new 5");
        assert_eq!(told.of(event("1", 5, "a"), 2), "same");
        assert_eq!(told.of(event("1", 5, "b"), 3), "taken", "two contents under one version");
        assert_eq!(told.of(event("1", 6, "a"), 3), "new 6", "a new version of the same content is a version");
        assert_eq!(told.of(event("1", 5, "a"), 4), "new 5", "an older one is for the register to drop");
        assert_eq!(told.of(event("1", 6, "a"), 5), "same", "and is not what was published last");
    }

    #[test]
    fn by_the_time_of_reading_the_same_content_is_left_out() {
        let mut told = Told::new(Versions::OncePerReading, 10);
        assert_eq!(told.of(event("1", 5, "a"), 1), "new 5");
        assert_eq!(told.of(event("1", 6, "a"), 1), "same");
        assert_eq!(told.of(event("1", 6, "b"), 1), "taken", "nothing tells which of two rows is newer");
        assert_eq!(told.of(event("1", 7, "b"), 2), "new 7", "in the next reading it is newer");
        assert_eq!(told.of(event("1", 7, "a"), 3), "new 8", "though the clock stands still");
        assert_eq!(told.of(event("1", 9, "a"), 4), "same");
        assert_eq!(told.of(event("1", 9, "b"), 4), "taken", "the unchanged row was in this reading");
    }

    #[test]
    fn a_later_row_may_be_an_update() {
        let mut told = Told::new(Versions::LaterIsNewer, 10);
        assert_eq!(told.of(event("1", 5, "a"), 1), "new 5");
        assert_eq!(told.of(event("1", 5, "b"), 1), "new 6");
        assert_eq!(told.of(event("1", 5, "b"), 1), "same");
        assert_eq!(told.of(event("1", 5, "a"), 1), "new 7", "back to what it was is a change as well");
    }

    #[test]
    fn it_is_bounded_and_forgets_what_was_seen_longest_ago() {
        let mut told = Told::new(Versions::OncePerReading, 2);
        for number in ["1", "2", "3", "4", "5"] {
            assert_eq!(told.of(event(number, 5, "a"), 1), "new 5");
        }
        assert_eq!(told.of(event("4", 5, "a"), 1), "same");
        assert_eq!(told.of(event("1", 5, "a"), 1), "new 5", "it was forgotten");
        assert_eq!(told.memory.forgotten(), 3, "1, 2 and 3");
        for number in 10..100 {
            told.of(event(&number.to_string(), 5, "a"), 1);
            assert!(told.memory.records.len() <= 2 && told.memory.older.len() <= 2);
        }
        let mut none = Told::new(Versions::OncePerReading, 0);
        assert_eq!(none.of(event("1", 5, "a"), 1), "new 5");
        assert_eq!(none.of(event("1", 5, "a"), 1), "new 5");
    }

    #[test]
    fn a_record_that_is_seen_again_is_not_forgotten_before_those_that_are_not() {
        for versions in [Versions::OfTheSource, Versions::OncePerReading] {
            let mut told = Told::new(versions, 2);
            told.of(event("1", 5, "a"), 1);
            for round in 1_i64..10 {
                told.of(event(&format!("1{round}"), 5, "a"), 1);
                let newer = event("1", 5 + round, &format!("a{round}"));
                assert_eq!(told.of(newer, 1 + round), format!("new {}", 5 + round), "an update");
            }
            assert_eq!(told.of(event("1", 14, "b"), 10), "taken", "it was updated a moment ago");
        }
    }

    #[test]
    fn what_the_broker_refused_was_not_published() {
        let mut told = Told::new(Versions::OfTheSource, 10);
        told.of(event("1", 5, "a"), 1);
        told.of(event("2", 5, "a"), 1);
        told.memory.forget(&event("1", 5, "a").record_id);
        assert_eq!(told.of(event("1", 5, "b"), 1), "new 5");
        assert_eq!(told.of(event("2", 5, "a"), 1), "same");
        told.memory.clear();
        assert_eq!(told.of(event("2", 5, "a"), 1), "new 5");
    }
}

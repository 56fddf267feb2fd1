//! What must become of every record of the input topics, by rules of the judge's own.
//!
//! Pure: records come in the order in which they stand in their partitions, and each gets its fate. It shares no code
//! with the fan-out; that the two agree is what a judgement shows. It writes nothing and compares nothing.

use super::borders::{States, neighbours};
use super::coordination::{is_restricted, others};
use super::event::{Event, fingerprint};
use super::fate::{Dropped, Fate, Poison};
use super::place::Place;
use super::schemas::Reported;
use anyhow::{Result, ensure};
use sanchar_schemas::StateCode;
use sanchar_schemas::topics::Topic;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The most that an enrichment adds to an event besides what it repeats of it, in bytes: all heads of the table are a sixth
/// of it.
const ENRICHMENT_BYTES_MAX: usize = 64 << 10;
/// Bytes of a shared record before the event: wire format, notice, branch.
const BEFORE_EVENT_BYTES: usize = 7;

/// An input record and what must become of it.
#[derive(Debug, Clone)]
pub struct Input {
    /// Where it stands.
    pub place: Place,
    /// What must become of it.
    pub fate: Fate,
    /// What it is, where it can be read.
    pub identity: Option<Identity>,
    /// States that must receive it.
    pub deliveries: States,
    /// States that must be told to forget it.
    pub withdrawals: States,
}

/// What an event is known by.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its record.
    pub record_id: Arc<str>,
    /// Its revision.
    pub revision: i64,
    /// Fingerprint of its event id.
    pub event_id: u64,
    /// Fingerprint of its case key.
    pub case: u64,
    /// Fingerprint of its bytes.
    pub datum: u64,
    /// States that must not have it.
    pub forbidden: States,
}

/// What happened to a record so far.
#[derive(Debug, Default)]
struct History {
    newest: Option<Newest>,
    /// Its input records, by their numbers.
    inputs: Vec<u32>,
}

/// The newest revision that counted.
#[derive(Debug)]
struct Newest {
    revision: i64,
    content: [u8; 32],
    /// States that hold it.
    holders: States,
    partition: i32,
}

/// The rules, and everything they were applied to.
#[derive(Debug, Default)]
pub struct Rules {
    inputs: Vec<Input>,
    records: HashMap<Arc<str>, History>,
    /// Input topics whose cases may go on in another partition.
    grown: HashSet<Topic>,
}

impl Rules {
    /// Takes a topic for one that was given partitions when it was drained; its records come in their order all the same.
    pub fn let_cases_move(&mut self, topic: Topic) {
        self.grown.insert(topic);
    }

    /// Every input record in the order in which it was read.
    #[must_use]
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// Numbers of the input records of a record.
    #[must_use]
    pub fn inputs_of(&self, record_id: &str) -> &[u32] {
        self.records.get(record_id).map_or(&[], |history| &history.inputs)
    }

    /// Decides about the next record of a state's topic. Whether an event within [`ENRICHMENT_BYTES_MAX`] of the limit
    /// fits is known only from what happened: `was_too_large` says whether it was put aside for its size.
    ///
    /// # Errors
    /// When a record stands in two partitions of its topic, so that nothing says in which order it was read, and the topic
    /// was not given any.
    pub fn decide(
        &mut self,
        place: Place,
        key: Option<&[u8]>,
        reported: Result<Reported<'_>, Poison>,
        was_too_large: bool,
    ) -> Result<Fate> {
        let number = u32::try_from(self.inputs.len())?;
        let may_move = self.grown.contains(&place.topic);
        let mut input = Input {
            place,
            fate: Fate::Forwarded,
            identity: None,
            deliveries: States::NONE,
            withdrawals: States::NONE,
        };
        match reported {
            Err(poison) => input.fate = Fate::DeadLettered(poison),
            Ok(Reported { event, datum }) => {
                let record_id =
                    self.records.get_key_value(event.record_id.as_str()).map(|(id, _)| id.clone());
                let record_id = record_id.unwrap_or_else(|| Arc::from(event.record_id.as_str()));
                let history = self.records.entry(Arc::clone(&record_id)).or_default();
                history.inputs.push(number);
                input.identity = Some(identity(record_id, &event, datum));
                input.fate = match refused(&event, place.topic, key) {
                    Some(poison) => Fate::DeadLettered(poison),
                    None => {
                        let bytes = key.map_or(0, <[u8]>::len) + datum.len();
                        let fits = fits(&event, bytes, was_too_large);
                        history.advance(&mut input, &event, fits, may_move)?
                    }
                };
            }
        }
        let fate = input.fate;
        self.inputs.push(input);
        Ok(fate)
    }
}

/// States that must not have an event.
fn forbidden(event: &Event) -> States {
    let mut forbidden = if is_restricted(event) { StateCode::all().collect() } else { event.excluded };
    forbidden.insert(event.origin);
    forbidden
}

fn identity(record_id: Arc<str>, event: &Event, datum: &[u8]) -> Identity {
    Identity {
        record_id,
        revision: event.revision,
        event_id: fingerprint(&event.event_id),
        case: fingerprint(event.case_key()),
        datum: fingerprint(datum),
        forbidden: forbidden(event),
    }
}

/// Who may publish what, and where.
fn refused(event: &Event, topic: Topic, key: Option<&[u8]>) -> Option<Poison> {
    let is_owner = |state: StateCode| topic == Topic::Reported(state);
    match () {
        () if !is_owner(event.origin) => Some(Poison::OriginMismatch),
        () if !is_owner(event.record_of) => Some(Poison::ForeignRecord),
        () if key != Some(event.case_key().as_bytes()) => Some(Poison::Key),
        () if !event.is_carried => Some(Poison::Classification),
        () => None,
    }
}

/// Whether an inbox takes a copy.
fn fits(event: &Event, key_and_datum_bytes: usize, was_too_large: bool) -> bool {
    let least = key_and_datum_bytes + BEFORE_EVENT_BYTES;
    let most = least + ENRICHMENT_BYTES_MAX + event.repeated_bytes;
    most <= inbox_bytes_max() || (least <= inbox_bytes_max() && !was_too_large)
}

/// The most that key and value of a record in an inbox may have, in bytes.
pub(super) fn inbox_bytes_max() -> usize {
    let of_any = StateCode::all().next().map(|state| Topic::Shared(state).spec().max_message_bytes);
    of_any.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX)
}

impl History {
    /// Deduplicates and routes an event that its state may publish.
    fn advance(&mut self, input: &mut Input, event: &Event, fits: bool, may_move: bool) -> Result<Fate> {
        let mut holders = States::NONE;
        if let Some(newest) = &self.newest {
            ensure!(
                newest.partition == input.place.partition || may_move,
                "the record at {} stands in another partition too: publish a case under its key, all in one way",
                input.place
            );
            let is_same = newest.content == event.content;
            match event.revision.cmp(&newest.revision) {
                std::cmp::Ordering::Less => return Ok(Fate::Dropped(Dropped::Stale)),
                std::cmp::Ordering::Equal if is_same => return Ok(Fate::Dropped(Dropped::Duplicate)),
                std::cmp::Ordering::Equal => return Ok(Fate::DeadLettered(Poison::Conflict)),
                std::cmp::Ordering::Greater => holders = newest.holders,
            }
            if is_same {
                self.count(event, holders, input.place.partition);
                return Ok(Fate::Dropped(Dropped::Unchanged));
            }
        }
        let forbidden = forbidden(event);
        let named = neighbours(event.origin, event.published_at_ms).or(others(event)).or(holders);
        let deliveries = named.without(forbidden);
        if !deliveries.is_empty() && !fits {
            return Ok(Fate::DeadLettered(Poison::TooLarge));
        }
        (input.deliveries, input.withdrawals) = (deliveries, holders.and(forbidden));
        self.count(event, deliveries, input.place.partition);
        let is_for_nobody = deliveries.is_empty() && input.withdrawals.is_empty();
        Ok(if is_for_nobody { Fate::Dropped(Dropped::NoRecipient) } else { Fate::Forwarded })
    }

    fn count(&mut self, event: &Event, holders: States, partition: i32) {
        self.newest = Some(Newest { revision: event.revision, content: event.content, holders, partition });
    }
}

//! Compares what the topics hold with what the rules demand, one record at a time: dead letters first, then the input,
//! then the inboxes. What is still missing at the end is lost.
//!
//! For each input record it keeps some 300 bytes and no content, and for each case in each inbox one number.

use super::borders::States;
use super::event::fingerprint;
use super::fate::{Dropped, Fate, Poison};
use super::observed::{Letters, Stray, imprint};
use super::place::Place;
use super::rules::{Identity, Input, Rules};
use super::schemas::{Notice, Schemas, Shared};
use super::verdict::{Counts, Finding, Kind, Verdict};
use crate::inbox::Received;
use anyhow::{Context as _, Result};
use sanchar_schemas::StateCode;
use sanchar_schemas::topics::{Topic, TopicSpace};
use std::collections::HashMap;

/// A comparison that is going on.
#[derive(Debug)]
pub struct Comparison<'a> {
    topics: TopicSpace,
    schemas: Schemas<'a>,
    letters: Letters,
    rules: Rules,
    /// For each input record: states that received it, states that were told to forget it.
    told: Vec<(States, States)>,
    /// Copies that were examined and found whole, by the fingerprint of all that was examined.
    whole: HashMap<u64, (u32, Notice)>,
    /// The last input record of each case that stood in an inbox.
    last: HashMap<(StateCode, u64), u32>,
    verdict: Verdict,
}

impl<'a> Comparison<'a> {
    /// A comparison of nothing yet.
    #[must_use]
    pub fn new(topics: TopicSpace, schemas: Schemas<'a>) -> Self {
        Self {
            topics,
            schemas,
            letters: Letters::default(),
            rules: Rules::default(),
            told: Vec::new(),
            whole: HashMap::new(),
            last: HashMap::new(),
            verdict: Verdict::default(),
        }
    }

    /// The rules and what they were applied to.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Takes an input topic for one that was given partitions; see [`Rules::let_cases_move`].
    pub fn let_cases_move(&mut self, topic: Topic) {
        self.rules.let_cases_move(topic);
    }

    /// Notes a record of the dead-letter queue.
    pub fn letter(&mut self, record: &Received) {
        let place = Place::of(Topic::Dlq, record);
        let what = match self.letters.add(&self.topics, place, record) {
            Ok(()) => return,
            Err(Stray::NoSource) => "a dead letter names no input record",
            Err(Stray::Second) => "a second dead letter of one record",
        };
        self.verdict.find(Finding { kind: Kind::Unaccounted, place, recipient: None, record: None, what });
    }

    /// Judges a record of a state's input topic, after all dead letters.
    ///
    /// # Errors
    /// When the registry does not answer, or the input cannot be judged.
    pub fn input(&mut self, topic: Topic, record: &Received) -> Result<()> {
        let place = Place::of(topic, record);
        let letter = self.letters.take(place);
        let was_too_large = letter.is_some_and(|letter| letter.reason == Some(Poison::TooLarge));
        let reported = self.schemas.reported(record.value.as_deref())?;
        let fate = self.rules.decide(place, record.key.as_deref(), reported, was_too_large)?;
        self.told.push((States::NONE, States::NONE));
        self.count(fate);
        let (kind, what) = match (fate, letter) {
            (Fate::Forwarded | Fate::Dropped(_), None) => return Ok(()),
            (Fate::Forwarded | Fate::Dropped(_), Some(_)) => {
                (Kind::Unaccounted, "a good record is a dead letter")
            }
            (Fate::DeadLettered(_), None) => (Kind::Unaccounted, "a record that is poison is no dead letter"),
            (Fate::DeadLettered(poison), Some(letter)) => match () {
                () if letter.reason != Some(poison) => {
                    (Kind::Unaccounted, "a dead letter gives another reason")
                }
                () if letter.imprint != imprint(record) => (Kind::Altered, "a dead letter is not its record"),
                () => return Ok(()),
            },
        };
        let record = self.rules.inputs().last().and_then(record_id);
        let place = letter.map_or(place, |letter| letter.place);
        self.verdict.find(Finding { kind, place, recipient: None, record, what });
        Ok(())
    }

    fn count(&mut self, fate: Fate) {
        let verdict = &mut self.verdict;
        verdict.records_read += 1;
        let by_reason = |counts: &mut Counts, reason| *counts.entry(reason).or_default() += 1;
        match fate {
            Fate::Forwarded => verdict.forwarded += 1,
            Fate::Dropped(reason) => by_reason(&mut verdict.dropped, reason.as_str()),
            Fate::DeadLettered(reason) => by_reason(&mut verdict.dead_lettered, reason.as_str()),
        }
    }

    /// Judges a record of a state's inbox, after all input.
    ///
    /// # Errors
    /// When the registry does not answer.
    pub fn copy(&mut self, recipient: StateCode, record: &Received) -> Result<()> {
        let place = Place::of(Topic::Shared(recipient), record);
        let examined = fingerprint((&record.key, record.header("ce_id"), &record.value));
        let found = match self.whole.get(&examined) {
            Some((number, notice)) => Ok(Copy { number: *number, notice: *notice, flaw: None }),
            None => self.examine(record)?,
        };
        let Copy { number, notice, flaw } = match found {
            Ok(copy) => copy,
            Err((kind, what)) => {
                let finding = Finding { kind, place, recipient: Some(recipient), record: None, what };
                self.verdict.find(finding);
                return Ok(());
            }
        };
        match notice {
            Notice::Delivery => self.verdict.deliveries += 1,
            Notice::Withdrawal => self.verdict.withdrawals += 1,
        }
        let wrong =
            self.routed(recipient, number, notice)?.or(flaw).or_else(|| self.order(recipient, number));
        match wrong {
            None => drop(self.whole.insert(examined, (number, notice))),
            Some((kind, what)) => {
                let record = self.rules.inputs().get(number as usize).and_then(record_id);
                self.verdict.find(Finding { kind, place, recipient: Some(recipient), record, what });
            }
        }
        Ok(())
    }

    /// Finds the input record that a copy is of, and says what is wrong with the copy wherever it stands.
    fn examine(&mut self, record: &Received) -> Result<Result<Copy, Wrong>> {
        let Some(shared) = self.schemas.shared(record.value.as_deref())? else {
            return Ok(Err((Kind::Altered, "no recipient can read it")));
        };
        let Some(number) = self.source(&shared) else {
            return Ok(Err((Kind::Unaccounted, "no input record is this revision")));
        };
        let input = self.rules.inputs().get(number as usize).context("an input record")?;
        Ok(Ok(Copy { number, notice: shared.notice, flaw: flaw(input, &shared, record) }))
    }

    /// By its bytes if it can be, or else by what is told beside them, or else by what the event says.
    fn source(&self, shared: &Shared) -> Option<u32> {
        let told = &shared.told;
        let event = shared.event.as_ref();
        let by_bytes = event.and_then(|(event, datum)| {
            self.best(&event.record_id, |identity| {
                identity.revision == event.revision && identity.datum == *datum
            })
        });
        by_bytes
            .or_else(|| self.best(&told.record_id, |identity| identity.revision == told.revision))
            .or_else(|| {
                let (event, _) = event?;
                self.best(&event.record_id, |identity| identity.revision == event.revision)
            })
    }

    /// The input record that matches and is forwarded, or else the first that matches.
    fn best(&self, record_id: &str, matches: impl Fn(&Identity) -> bool) -> Option<u32> {
        let mut first = None;
        for number in self.rules.inputs_of(record_id) {
            let input = self.rules.inputs().get(*number as usize)?;
            if input.identity.as_ref().is_some_and(&matches) {
                if input.fate == Fate::Forwarded {
                    return Some(*number);
                }
                first = first.or(Some(*number));
            }
        }
        first
    }

    /// Whether this state must be told, and is told for the first time.
    fn routed(&mut self, recipient: StateCode, number: u32, notice: Notice) -> Result<Option<Wrong>> {
        let input = self.rules.inputs().get(number as usize).context("an input record")?;
        let (delivered, withdrawn) = self.told.get_mut(number as usize).context("an input record")?;
        let (wanted, told) = match notice {
            Notice::Delivery => (input.deliveries, delivered),
            Notice::Withdrawal => (input.withdrawals, withdrawn),
        };
        let is_forbidden = input.identity.as_ref().is_none_or(|of| of.forbidden.contains(recipient));
        Ok(match input.fate {
            Fate::DeadLettered(_) => Some((Kind::Leaked, "a record that is poison was sent")),
            Fate::Dropped(Dropped::Stale) => Some((Kind::OutOfOrder, "a stale revision was sent")),
            Fate::Dropped(Dropped::Duplicate | Dropped::Unchanged) => {
                Some((Kind::Repeated, "what says nothing new was sent"))
            }
            Fate::Forwarded | Fate::Dropped(Dropped::NoRecipient) => match () {
                () if told.contains(recipient) => Some((Kind::Repeated, "it stands there twice")),
                () if wanted.contains(recipient) => {
                    told.insert(recipient);
                    None
                }
                () if is_forbidden => Some((Kind::Leaked, "the origin or an excluded state was told")),
                () => Some((Kind::Misrouted, "the state has nothing to do with it")),
            },
        })
    }

    /// Whether the records of the case stand in the inbox as in the input.
    fn order(&mut self, recipient: StateCode, number: u32) -> Option<Wrong> {
        let case = self.rules.inputs().get(number as usize)?.identity.as_ref()?.case;
        let last = self.last.entry((recipient, case)).or_insert(number);
        if number < *last {
            return Some((Kind::OutOfOrder, "a later record of the case stands before it"));
        }
        *last = number;
        None
    }

    /// The verdict, when everything was read.
    #[must_use]
    pub fn close(mut self) -> Verdict {
        for letter in self.letters.left() {
            let (kind, what) = (Kind::Unaccounted, "no input record stands where a dead letter says");
            let finding = Finding { kind, place: letter.place, recipient: None, record: None, what };
            self.verdict.find(finding);
        }
        for (input, (delivered, withdrawn)) in self.rules.inputs().iter().zip(&self.told) {
            let lost = [
                (input.deliveries.without(*delivered), "it did not get the event"),
                (input.withdrawals.without(*withdrawn), "it was not told to forget the event"),
            ];
            for (states, what) in lost {
                for state in states.iter() {
                    let (kind, recipient) = (Kind::Lost, Some(state));
                    let record = record_id(input);
                    self.verdict.find(Finding { kind, place: input.place, recipient, record, what });
                }
            }
        }
        self.verdict
    }
}

/// What is wrong, and in words.
type Wrong = (Kind, &'static str);

/// A record of an inbox that is known again.
struct Copy {
    /// Number of the input record that it is of.
    number: u32,
    notice: Notice,
    /// What is wrong with it wherever it stands.
    flaw: Option<Wrong>,
}

fn record_id(input: &Input) -> Option<String> {
    input.identity.as_ref().map(|identity| identity.record_id.to_string())
}

/// What is wrong with a copy, whoever it is sent to.
fn flaw(input: &Input, shared: &Shared, record: &Received) -> Option<Wrong> {
    let Shared { notice, event, told } = shared;
    let identity = input.identity.as_ref()?;
    let case_key = identity.record_id.rsplit_once('/').map(|(case, _)| case.as_bytes());
    let Topic::Reported(origin) = input.place.topic else { return None };
    let is_identity = fingerprint(&told.event_id) == identity.event_id
        && *told.record_id == *identity.record_id
        && told.revision == identity.revision
        && told.origin == origin.as_str();
    match () {
        () if *notice == Notice::Withdrawal && told.has_content => {
            Some((Kind::Leaked, "a withdrawal tells more than which record it is"))
        }
        () if event.as_ref().is_some_and(|(_, datum)| *datum != identity.datum) => {
            Some((Kind::Altered, "the event is not byte for byte what its origin published"))
        }
        () if !is_identity => Some((Kind::Altered, "the identity beside the event is not the event's")),
        () if *notice == Notice::Delivery && told.recipients != input.deliveries => {
            Some((Kind::Altered, "the recipients named are not those who must know"))
        }
        () if record.key.as_deref() != case_key => Some((Kind::Altered, "the key is not the case's")),
        () if fingerprint(record.header("ce_id")) != identity.event_id => {
            Some((Kind::Altered, "the header names another event"))
        }
        () => None,
    }
}

//! The rows that were read and whose fate is not known yet, in the order of their sources.
//!
//! Bounded in rows and bytes: a reader waits for room. Fates come in any order, from another thread; rows come out in
//! order. Nothing here writes a file.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::database::Cursor;
use crate::source::{Position, RawRow};

/// The place behind a row: where reading goes on once the row and all before it are settled.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// In a source file.
    File(Arc<PathBuf>, Position),
    /// Behind a row of the database.
    Database(Cursor),
}

impl Place {
    /// Whether both are places of one source, of which the later one says it all.
    fn is_in_source_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(file, _), Self::File(other, _)) => Arc::ptr_eq(file, other),
            (Self::Database(_), Self::Database(_)) => true,
            (Self::File(..), Self::Database(_)) | (Self::Database(_), Self::File(..)) => false,
        }
    }
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is with the broker, which has not answered.
    Waiting,
    /// The broker has acknowledged it, or it does not go there.
    Settled,
    /// The broker refuses its size.
    TooLarge,
}

/// A row in the ledger.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) place: Place,
    pub(crate) fate: Fate,
    /// Bytes of its message and of the row that is kept with it; 0 for a row that goes nowhere.
    pub(crate) cost: usize,
    /// The row itself, should the broker refuse it.
    pub(crate) row: Option<RawRow>,
}

/// What has been settled since the last look.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// The last place of each run of rows of one source.
    pub(crate) places: Vec<Place>,
    /// Rows that the broker refuses for their size.
    pub(crate) too_large: Vec<(Place, RawRow)>,
    /// Rows that the broker has acknowledged.
    pub(crate) acknowledged: u64,
    /// Why the client cannot go on.
    pub(crate) failure: Option<String>,
}

/// The rows in flight.
#[derive(Debug)]
pub(crate) struct Ledger {
    rows_max: usize,
    bytes_max: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    entries: VecDeque<Entry>,
    /// Ticket of the first entry.
    first: u64,
    waiting: usize,
    bytes: usize,
    failure: Option<String>,
    nudged: bool,
    /// How many threads wait. To wake nobody costs a system call too, and a row would pay for it.
    asleep: usize,
}

impl State {
    /// Whether another row of `cost` bytes may go in. One row always may, however large.
    fn has_room(&self, rows_max: usize, bytes_max: usize, cost: usize) -> bool {
        self.entries.is_empty()
            || (self.entries.len() < rows_max && (self.bytes == 0 || self.bytes + cost <= bytes_max))
    }
}

impl Ledger {
    /// A ledger with room for so many rows, and so many bytes that are with the broker.
    pub(crate) fn new(rows_max: usize, bytes_max: usize) -> Self {
        Self { rows_max, bytes_max, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Puts a row in and gives its ticket.
    ///
    /// # Errors
    /// The row, while there is no room for it.
    pub(crate) fn enter(&self, entry: Entry) -> Result<u64, Box<Entry>> {
        let mut state = self.lock();
        if !state.has_room(self.rows_max, self.bytes_max, entry.cost) {
            return Err(Box::new(entry));
        }
        if let Some(last) = state.entries.back_mut()
            && last.fate == Fate::Settled
            && entry.fate == Fate::Settled
            && last.cost == 0
            && entry.cost == 0
            && last.place.is_in_source_of(&entry.place)
        {
            // Rows that go nowhere need no entry of their own.
            last.place = entry.place;
        } else {
            state.waiting += usize::from(entry.fate == Fate::Waiting);
            state.bytes += entry.cost;
            state.entries.push_back(entry);
        }
        Ok(state.first + u64::try_from(state.entries.len()).unwrap_or_default() - 1)
    }

    /// Takes the last entry out again: it was not handed over after all.
    pub(crate) fn take_back(&self) -> Option<Entry> {
        let mut state = self.lock();
        let entry = state.entries.pop_back()?;
        state.waiting -= usize::from(entry.fate == Fate::Waiting);
        state.bytes -= entry.cost;
        Some(entry)
    }

    /// Notes what became of a row. Called by the client's thread; never waits.
    pub(crate) fn settle(&self, ticket: u64, fate: Fate) {
        let mut state = self.lock();
        let index = ticket.checked_sub(state.first).and_then(|index| usize::try_from(index).ok());
        let Some(entry) = index.and_then(|index| state.entries.get_mut(index)) else { return };
        entry.fate = fate;
        let cost = entry.cost;
        state.waiting = state.waiting.saturating_sub(1);
        state.bytes = state.bytes.saturating_sub(cost);
        self.wake(state);
    }

    /// Notes that the client cannot go on. Called by the client's thread; never waits.
    pub(crate) fn fail(&self, reason: String) {
        let mut state = self.lock();
        state.failure.get_or_insert(reason);
        self.wake(state);
    }

    /// Takes out everything up to the first row whose fate is not known.
    pub(crate) fn collect(&self) -> Settled {
        let mut state = self.lock();
        let mut settled = Settled { failure: state.failure.clone(), ..Settled::default() };
        while state.entries.front().is_some_and(|entry| entry.fate != Fate::Waiting) {
            let Some(Entry { place, fate, cost, row }) = state.entries.pop_front() else { break };
            state.first += 1;
            match (fate, row) {
                (Fate::TooLarge, Some(row)) => settled.too_large.push((place.clone(), row)),
                _ if cost > 0 => settled.acknowledged += 1,
                _ => {}
            }
            match settled.places.last_mut().filter(|last| last.is_in_source_of(&place)) {
                Some(last) => *last = place,
                None => settled.places.push(place),
            }
        }
        settled
    }

    /// Rows that are with the broker.
    pub(crate) fn in_flight(&self) -> usize {
        self.lock().waiting
    }

    /// Whether nothing is left to collect.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().entries.is_empty()
    }

    /// Ends the wait of whoever waits now, or else the next one: there is something new to read.
    pub(crate) fn nudge(&self) {
        let mut state = self.lock();
        state.nudged = true;
        self.wake(state);
    }

    /// Waits until something is settled or there is something new to read, at most for `patience`.
    pub(crate) fn wait(&self, patience: Duration) {
        let mut state = self.lock();
        // Whether it was woken or not, the caller looks for itself.
        if !std::mem::take(&mut state.nudged) {
            state.asleep += 1;
            let waited = self.changed.wait_timeout(state, patience);
            waited.map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state).asleep -= 1;
        }
    }

    /// Waits until there is something to collect, at most for `patience`.
    pub(crate) fn wait_for_answers(&self, patience: Duration) {
        let is_settled = self.lock().entries.front().is_none_or(|entry| entry.fate != Fate::Waiting);
        if !is_settled {
            self.wait(patience);
        }
    }

    /// Lets go of the lock, and wakes whoever waits for a change.
    fn wake(&self, state: MutexGuard<'_, State>) {
        let is_awaited = state.asleep > 0;
        drop(state);
        if is_awaited {
            self.changed.notify_all();
        }
    }

    /// What this lock holds is whole after every statement, so a thread that panicked holding it spoiled nothing.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(file: &Arc<PathBuf>, offset: u64, fate: Fate) -> Entry {
        let mut position = Position::default();
        position.offset = offset;
        let row = RawRow { bytes: Vec::new(), offset, line: 1, lines: 1, length: 0, fault: None };
        let cost = if fate == Fate::Waiting { 100 } else { 0 };
        Entry { place: Place::File(Arc::clone(file), position), fate, cost, row: Some(row) }
    }

    fn has_room(ledger: &Ledger, cost: usize) -> bool {
        ledger.lock().has_room(ledger.rows_max, ledger.bytes_max, cost)
    }

    fn offsets(settled: &Settled) -> Vec<u64> {
        let offset = |place: &Place| match place {
            Place::File(_, position) => position.offset,
            Place::Database(_) => panic!("no file"),
        };
        settled.places.iter().map(offset).collect()
    }

    #[test]
    fn rows_come_out_in_order_whatever_the_broker_answers_first() {
        let (ledger, file) = (Ledger::new(10, 1_000), Arc::new(PathBuf::from("a")));
        let tickets: Vec<u64> =
            (1..=3).map(|offset| ledger.enter(entry(&file, offset, Fate::Waiting)).unwrap()).collect();
        ledger.settle(tickets[2], Fate::Settled);
        ledger.settle(tickets[1], Fate::Settled);
        assert!(ledger.collect().places.is_empty(), "the first is still under way");
        ledger.settle(tickets[0], Fate::Settled);
        let settled = ledger.collect();
        assert_eq!((offsets(&settled), settled.acknowledged), (vec![3], 3));
        assert!(ledger.is_empty());
    }

    #[test]
    fn rows_that_go_nowhere_wait_behind_those_that_do() {
        let (ledger, file) = (Ledger::new(10, 1_000), Arc::new(PathBuf::from("a")));
        let other = Arc::new(PathBuf::from("b"));
        let first = ledger.enter(entry(&file, 1, Fate::Waiting)).unwrap();
        for offset in 2..1_000 {
            ledger.enter(entry(&file, offset, Fate::Settled)).unwrap();
        }
        ledger.enter(entry(&other, 1, Fate::Settled)).unwrap();
        assert!(has_room(&ledger, 0), "rows that go nowhere share an entry");
        assert!(ledger.collect().places.is_empty());
        ledger.settle(first, Fate::TooLarge);
        let settled = ledger.collect();
        assert_eq!(offsets(&settled), [999, 1]);
        assert_eq!((settled.too_large.len(), settled.acknowledged), (1, 0));
    }

    #[test]
    fn a_database_has_one_place_beside_those_of_files() {
        let (ledger, file) = (Ledger::new(10, 1_000), Arc::new(PathBuf::from("a")));
        let of = |id: &str| Cursor { keys: vec![id.to_owned()], horizon: None };
        ledger.enter(entry(&file, 1, Fate::Settled)).unwrap();
        for id in ["7", "8"] {
            let place = Place::Database(of(id));
            ledger.enter(Entry { place, fate: Fate::Settled, cost: 0, row: None }).unwrap();
        }
        let places = ledger.collect().places;
        assert!(matches!(&places[..], [Place::File(..), Place::Database(last)] if *last == of("8")));
    }

    #[test]
    fn room_is_bounded_in_rows_and_in_bytes() {
        let file = Arc::new(PathBuf::from("a"));
        let by_rows = Ledger::new(2, 1_000);
        by_rows.enter(entry(&file, 1, Fate::Waiting)).unwrap();
        assert!(has_room(&by_rows, 100));
        by_rows.enter(entry(&file, 2, Fate::Waiting)).unwrap();
        assert!(!has_room(&by_rows, 100));
        let by_bytes = Ledger::new(10, 150);
        assert!(has_room(&by_bytes, 1_000), "one row always fits");
        let ticket = by_bytes.enter(entry(&file, 1, Fate::Waiting)).unwrap();
        assert!(!has_room(&by_bytes, 100) && has_room(&by_bytes, 50));
        by_bytes.settle(ticket, Fate::Settled);
        assert!(has_room(&by_bytes, 100));
        assert_eq!(by_bytes.in_flight(), 0);
    }

    #[test]
    fn a_row_that_was_not_handed_over_leaves_no_trace() {
        let (ledger, file) = (Ledger::new(10, 1_000), Arc::new(PathBuf::from("a")));
        let first = ledger.enter(entry(&file, 1, Fate::Waiting)).unwrap();
        ledger.enter(entry(&file, 2, Fate::Waiting)).unwrap();
        assert!(ledger.take_back().is_some());
        let again = ledger.enter(entry(&file, 2, Fate::Waiting)).unwrap();
        assert_eq!((again, ledger.in_flight()), (first + 1, 2));
        ledger.settle(first, Fate::Settled);
        ledger.settle(again, Fate::Settled);
        assert_eq!(offsets(&ledger.collect()), [2]);
    }

    #[test]
    fn a_nudge_is_never_missed() {
        let ledger = Ledger::new(10, 1_000);
        ledger.nudge();
        ledger.wait(Duration::from_secs(3_600));
    }

    #[test]
    fn a_failure_stays() {
        let ledger = Ledger::new(10, 1_000);
        ledger.fail("first".into());
        ledger.fail("second".into());
        assert_eq!(ledger.collect().failure.as_deref(), Some("first"));
    }
}

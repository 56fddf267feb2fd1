//! What a worker and the thread that reads ahead of it share: how far the worker is, and the urgent records for it.
//!
//! Every change of the worker's partitions begins a new generation, in which nothing counts that was read ahead before.
//! So does everything else that could make a difference: one way back, here as in the engine.

use super::seen::Seen;
use super::urgent::{Taken, Urgent};
use crate::client::{Message, Partition, Position};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Most urgent records that wait for the worker; the thread reads no further until it has taken some.
const QUEUE_RECORDS_MAX: usize = 1_000;
/// Most memory for them, in bytes; the last one may go beyond.
const QUEUE_BYTES_MAX: usize = 4 << 20;
/// Most of them in one transaction, as a part of a batch: a state that calls everything urgent does not slow down the others
/// by much more than that.
const TAKEN_PART: usize = 10;
/// The same where batches are small.
const TAKEN_RECORDS_MIN: usize = 10;
/// More records than fill so many transactions are a backlog.
const BACKLOG_BATCHES: usize = 2;

/// The two sides of it. Clones are the same; one that is [off](Self::off) does nothing.
#[derive(Debug, Clone)]
pub(crate) struct HandOver(Option<Arc<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    /// Records that wait unread before anything is read ahead.
    backlog_min: i64,
    taken_records_max: usize,
    state: Mutex<State>,
    changed: Condvar,
    /// As in the state, to be looked at for every record.
    generation: AtomicU64,
    has_urgent: AtomicBool,
    is_full: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    generation: u64,
    /// Next offset to be committed of each partition that the worker may process.
    positions: BTreeMap<Partition, i64>,
    has_backlog: bool,
    urgent: VecDeque<Urgent>,
    bytes: usize,
    /// Urgent records that wait for their turn after all.
    refused: Vec<Urgent>,
    has_ended: bool,
}

impl State {
    fn has_work(&self) -> bool {
        self.has_backlog && !self.positions.is_empty()
    }
}

/// What to read ahead of.
#[derive(Debug, Clone)]
pub(super) struct Start {
    pub(super) generation: u64,
    pub(super) positions: BTreeMap<Partition, i64>,
}

impl HandOver {
    /// For a worker with transactions of so many records.
    pub(crate) fn new(batch_records_max: usize) -> Self {
        let backlog_min =
            i64::try_from(batch_records_max.saturating_mul(BACKLOG_BATCHES)).unwrap_or(i64::MAX);
        let taken_records_max = TAKEN_RECORDS_MIN.max(batch_records_max / TAKEN_PART);
        Self(Some(Arc::new(Shared { backlog_min, taken_records_max, ..Shared::default() })))
    }

    /// Nobody reads ahead.
    pub(crate) const fn off() -> Self {
        Self(None)
    }

    /// The worker lost partitions, or is about to restore them.
    pub(crate) fn disown(&self, partitions: &[Partition]) {
        let Some(shared) = &self.0 else { return };
        shared.change(|state| state.positions.retain(|partition, _| !partitions.contains(partition)));
    }

    /// The worker begins a session: it has no partitions, and what was not committed comes again.
    pub(crate) fn disown_all(&self) {
        let Some(shared) = &self.0 else { return };
        shared.change(|state| state.positions.clear());
    }

    /// The worker may process these partitions from now on.
    pub(crate) fn own(&self, positions: Vec<Position>) {
        let Some(shared) = &self.0 else { return };
        let owned = positions.into_iter().map(|position| (position.partition, position.next_offset));
        shared.change(|state| state.positions.extend(owned));
    }

    /// The worker has committed these positions.
    pub(crate) fn passed<'p>(&self, positions: impl IntoIterator<Item = &'p Position>) {
        let Some(shared) = &self.0 else { return };
        let mut state = shared.state();
        let mut unknown = Vec::new();
        for position in positions {
            match state.positions.get_mut(&position.partition) {
                Some(next_offset) => *next_offset = position.next_offset,
                None => unknown.push(position.clone()), // the brokers did not tell where it begins
            }
        }
        drop(state);
        if !unknown.is_empty() {
            self.own(unknown);
        }
    }

    /// The worker has seen these ends of partitions.
    pub(crate) fn observe(&self, ends: &[Position]) {
        let Some(shared) = &self.0 else { return };
        let state = shared.state();
        let lag = |end: &Position| {
            state
                .positions
                .get(&end.partition)
                .map_or(0, |next_offset| (end.next_offset - next_offset).max(0))
        };
        let lag: i64 = ends.iter().map(lag).sum();
        // Once begun it goes on until hardly anything is left, for it begins with a new client.
        let has_backlog = lag > if state.has_backlog { shared.backlog_min / 4 } else { shared.backlog_min };
        let is_news = has_backlog != state.has_backlog;
        drop(state);
        if is_news {
            shared.change(|state| state.has_backlog = has_backlog);
        }
    }

    /// Whether urgent records wait. Cheap enough for every record.
    pub(crate) fn has_urgent(&self) -> bool {
        self.0.as_ref().is_some_and(|shared| shared.has_urgent.load(Ordering::Relaxed))
    }

    /// Urgent records to be processed now, in their order.
    pub(crate) fn take(&self) -> Taken {
        let Some(shared) = &self.0 else { return Taken::default() };
        if !self.has_urgent() {
            return Taken::default();
        }
        let mut state = shared.state();
        let mut taken = VecDeque::new();
        while taken.len() < shared.taken_records_max {
            let Some(urgent) = state.urgent.pop_front() else { break };
            let position = state.positions.get(&urgent.message.place);
            // What the worker has come to meanwhile is done.
            if position.is_some_and(|position| urgent.message.offset >= *position) {
                taken.push_back(urgent);
            }
        }
        shared.note_room(&mut state);
        Taken::new(taken)
    }

    /// What was taken and not processed. Records that were refused, and all later ones of their keys, wait for their turn.
    pub(crate) fn give_back(&self, taken: Taken) {
        let Some(shared) = &self.0 else { return };
        let (mut rest, mut refused) = taken.into_parts();
        if rest.is_empty() && refused.is_empty() {
            return;
        }
        let mut state = shared.state();
        rest.append(&mut state.urgent);
        for urgent in rest {
            let waits = refused.iter().any(|of| of.is_of_the_key_of(&urgent));
            if waits { refused.push(urgent) } else { state.urgent.push_back(urgent) }
        }
        state.refused.append(&mut refused);
        shared.note_room(&mut state);
    }

    /// Positions as they are committed.
    pub(crate) fn positions<'p>(&self, of: impl IntoIterator<Item = &'p Partition>) -> Vec<Position> {
        let Some(shared) = &self.0 else { return Vec::new() };
        let state = shared.state();
        let position = |partition: &Partition| {
            let next_offset = *state.positions.get(partition)?;
            Some(Position { partition: partition.clone(), next_offset })
        };
        of.into_iter().filter_map(position).collect()
    }

    /// The worker has ended.
    pub(crate) fn end(&self) {
        let Some(shared) = &self.0 else { return };
        shared.change(|state| state.has_ended = true);
    }

    /// Waits until there is something to read ahead of; `None` when the worker has ended.
    pub(super) fn wait_for_backlog(&self) -> Option<Start> {
        let shared = self.0.as_ref()?;
        let idle = |state: &mut State| !state.has_ended && !state.has_work();
        let state = shared.changed.wait_while(shared.state(), idle).unwrap_or_else(PoisonError::into_inner);
        let start = || Start { generation: state.generation, positions: state.positions.clone() };
        (!state.has_ended).then(start)
    }

    /// The same without waiting.
    #[cfg(test)]
    pub(super) fn wait_for_backlog_now(&self) -> Option<Start> {
        let state = self.0.as_ref()?.state();
        (!state.has_ended && state.has_work())
            .then(|| Start { generation: state.generation, positions: state.positions.clone() })
    }

    /// Waits up to `limit` while nothing changes of what [`Start`] tells.
    pub(super) fn wait(&self, generation: u64, limit: std::time::Duration) {
        let Some(shared) = &self.0 else { return };
        let same = |state: &mut State| state.generation == generation && !state.has_ended;
        drop(shared.changed.wait_timeout_while(shared.state(), limit, same));
    }

    pub(super) fn is_current(&self, generation: u64) -> bool {
        self.0.as_ref().is_some_and(|shared| shared.generation.load(Ordering::Relaxed) == generation)
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.as_ref().is_some_and(|shared| shared.is_full.load(Ordering::Relaxed))
    }

    /// Forgets the keys that the worker has passed.
    pub(super) fn prune(&self, seen: &mut Seen) {
        let Some(shared) = &self.0 else { return };
        let positions = shared.state().positions.clone();
        seen.prune(&positions);
    }

    /// Hands an urgent record over, unless an earlier one of its key is still to be processed. Returns whether it did.
    pub(super) fn offer(&self, generation: u64, seen: &mut Seen, message: &dyn Message, key: u32) -> bool {
        let Some(shared) = &self.0 else { return false };
        let mut state = shared.state();
        if state.generation != generation {
            return false;
        }
        for refused in state.refused.drain(..) {
            let Partition { topic, partition } = &refused.message.place;
            seen.note(topic, *partition, refused.message.offset, refused.key);
        }
        let urgent = Urgent::of(message, key);
        let Some(position) = state.positions.get(&urgent.message.place) else { return false };
        if message.offset() < *position
            || seen.is_pending(message.topic(), message.partition(), key, *position)
        {
            return false;
        }
        state.urgent.push_back(urgent);
        shared.note_room(&mut state);
        true
    }
}

#[cfg(test)]
impl HandOver {
    /// Hands over a record that nothing stands before.
    pub(crate) fn hand(&self, message: &dyn Message) {
        let Some(shared) = &self.0 else { return };
        let state = shared.state();
        let (generation, mut seen) = (state.generation, Seen::new(1, &state.positions));
        drop(state);
        assert!(self.offer(generation, &mut seen, message, 0));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a new generation.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        state.generation += 1;
        state.urgent.clear();
        state.refused.clear();
        self.note_room(&mut state);
        self.generation.store(state.generation, Ordering::Relaxed);
        drop(state);
        self.changed.notify_all();
    }

    fn note_room(&self, state: &mut State) {
        state.bytes = state.urgent.iter().map(Urgent::bytes).sum();
        self.has_urgent.store(!state.urgent.is_empty(), Ordering::Relaxed);
        let is_full = state.urgent.len() >= QUEUE_RECORDS_MAX || state.bytes >= QUEUE_BYTES_MAX;
        self.is_full.store(is_full, Ordering::Relaxed);
    }
}

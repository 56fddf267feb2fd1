//! What the changelog says, up to an offset: recent entries in memory, all others on disk.
//!
//! One thread writes it ([`super::RegisterStandby`]); the workers read. What a worker wrote itself and was not read back
//! yet is its [`Own`].

use super::entry::{Fingerprint, Keys, Known, Spread};
use super::store::{Store, StoreError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Most entries that a worker has written and that were not read back: far more than follow each other within a
/// transaction or two.
const OWN_ENTRIES_MAX: usize = 250_000;

/// Entries by record; `None` stands for one that was deleted.
pub(super) type Entries = HashMap<Fingerprint, Option<Known>, Spread>;

/// The table of one process.
#[derive(Debug, Default)]
pub struct Table {
    keys: OnceLock<Keys>,
    state: RwLock<State>,
    owns: Mutex<Vec<Arc<Own>>>,
}

/// What is looked through, in this order.
#[derive(Debug, Default)]
struct State {
    recent: Entries,
    /// Being written to the store.
    set_aside: Arc<Entries>,
    store: Option<Store>,
    /// Everything was read that was in the changelog when it was last asked for.
    is_complete: bool,
    broken: Option<StoreError>,
}

impl Table {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn owns(&self) -> MutexGuard<'_, Vec<Arc<Own>>> {
        self.owns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn new_own(&self) -> Arc<Own> {
        let own = Arc::<Own>::default();
        self.owns().push(Arc::clone(&own));
        own
    }

    pub(super) fn fingerprint(&self, record_id: &[u8]) -> Result<Fingerprint, String> {
        let keys = self.keys.get().ok_or("the register is being opened")?;
        Ok(keys.fingerprint(record_id))
    }

    /// The keys of this process's register: those found in a store, or the first ones offered.
    pub(super) fn keys_or(&self, offered: Keys) -> Keys {
        *self.keys.get_or_init(|| offered)
    }

    pub(super) fn get(&self, key: Fingerprint) -> Result<Option<Known>, String> {
        let state = self.read();
        if !state.is_complete {
            return Err("the register is being read from its changelog".to_owned());
        }
        if let Some(known) = state.recent.get(&key).or_else(|| state.set_aside.get(&key)) {
            return Ok(*known);
        }
        let Some(store) = &state.store else { return Err("the register is being opened".to_owned()) };
        let error = match store.get(key) {
            Ok(known) => return Ok(known),
            Err(error) => error,
        };
        drop(state);
        let text = error.to_string();
        self.break_off(error);
        Err(text)
    }

    /// Nothing more is taken from it before it was built anew.
    pub(super) fn break_off(&self, error: StoreError) {
        let mut state = self.write();
        state.is_complete = false;
        state.broken = Some(error);
    }

    /// What broke it, once.
    pub(super) fn take_broken(&self) -> Option<StoreError> {
        self.write().broken.take()
    }

    /// Records that are known; those that changed lately may count twice.
    #[must_use]
    pub fn len(&self) -> usize {
        let state = self.read();
        let on_disk = state.store.as_ref().map_or(0, Store::len);
        state.recent.len() + state.set_aside.len() + on_disk
    }

    /// Whether no record is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Begins over a store. Nobody is answered before it is [complete](Self::complete).
    pub(super) fn open(&self, store: Store) {
        *self.write() = State { store: Some(store), ..State::default() };
    }

    pub(super) fn close(&self) {
        *self.write() = State::default();
    }

    pub(super) fn complete(&self) {
        let mut state = self.write();
        state.is_complete = state.broken.is_none();
    }

    /// Makes entries of the changelog known, in their order, and empties the list. What a worker wrote is no longer
    /// only its own then. Returns how many entries are known from memory alone.
    pub(super) fn publish(&self, entries: &mut Vec<(Fingerprint, Option<Known>)>) -> usize {
        let mut state = self.write();
        state.recent.extend(entries.iter().copied());
        let recent = state.recent.len();
        drop(state);
        for own in self.owns().iter() {
            own.acknowledge(entries);
        }
        entries.clear();
        recent
    }

    /// Sets the recent entries aside, to be written. They stay known.
    pub(super) fn set_aside(&self) {
        let mut state = self.write();
        state.set_aside = Arc::new(std::mem::take(&mut state.recent));
    }

    pub(super) fn get_set_aside(&self) -> Arc<Entries> {
        Arc::clone(&self.read().set_aside)
    }

    pub(super) fn has_set_aside(&self) -> bool {
        !self.read().set_aside.is_empty()
    }

    /// What was set aside is in the store.
    pub(super) fn forget_set_aside(&self) {
        self.write().set_aside = Arc::default();
    }

    pub(super) fn store(&self) -> Option<Store> {
        self.read().store.clone()
    }
}

/// What a worker wrote to the changelog and was not read back yet. Committed or not: the worker alone looks here, and
/// clears it when a transaction comes to nothing.
#[derive(Debug, Default)]
pub(super) struct Own(Mutex<HashMap<Fingerprint, Known, Spread>>);

impl Own {
    fn entries(&self) -> MutexGuard<'_, HashMap<Fingerprint, Known, Spread>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails when there are so many that nothing more may be added.
    pub(super) fn get(&self, key: Fingerprint) -> Result<Option<Known>, String> {
        let entries = self.entries();
        if entries.len() > OWN_ENTRIES_MAX {
            return Err("the changelog is not read back fast enough".to_owned());
        }
        Ok(entries.get(&key).copied())
    }

    pub(super) fn insert(&self, key: Fingerprint, known: Known) {
        self.entries().insert(key, known);
    }

    pub(super) fn clear(&self) {
        self.entries().clear();
    }

    /// What was read back is not needed any more, unless the worker has written a newer revision since.
    fn acknowledge(&self, read: &[(Fingerprint, Option<Known>)]) {
        let mut entries = self.entries();
        if entries.is_empty() {
            return;
        }
        for (key, known) in read {
            let is_newer = |own: &Known| known.is_some_and(|known| own.revision > known.revision);
            if entries.get(key).is_some_and(|own| !is_newer(own)) {
                entries.remove(key);
            }
        }
    }
}

//! Merges the store's runs when asked, on a thread of its own, for it may take seconds.

use super::store::{Store, StoreError};
use super::table::Table;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

/// The thread that merges. Ends when this is dropped, after the merge that it is at.
#[derive(Debug)]
pub(super) struct Merger(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// To be merged next. One is enough: a merge looks at all runs that there are when it begins.
    asked: Option<Store>,
    is_merging: bool,
    is_over: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next store to merge; `None` when the thread is to end.
    fn next(&self) -> Option<Store> {
        let mut state = self.state();
        state.is_merging = false;
        self.changed.notify_all();
        let idle = |state: &mut State| state.asked.is_none() && !state.is_over;
        state = self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
        state.is_merging = !state.is_over;
        if state.is_over { None } else { state.asked.take() }
    }
}

impl Merger {
    /// Starts the thread. Damage that it meets breaks `table` off.
    pub(super) fn start(table: Weak<Table>) -> std::io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let of_thread = Arc::clone(&shared);
        let work = move || {
            while let Some(store) = of_thread.next() {
                match store.merge() {
                    Ok(()) => {}
                    Err(error @ StoreError::Unwritable(_)) => {
                        tracing::warn!(%error, "the register's runs cannot be merged now");
                    }
                    Err(error @ StoreError::Broken(_)) => {
                        if let Some(table) = table.upgrade() {
                            table.break_off(error);
                        }
                    }
                }
            }
        };
        std::thread::Builder::new().name("register".to_owned()).spawn(work)?;
        Ok(Self(shared))
    }

    pub(super) fn ask(&self, store: Store) {
        self.0.state().asked = Some(store);
        self.0.changed.notify_all();
    }

    /// Forgets what was asked for, and waits for the merge that is under way.
    pub(super) fn settle(&self) {
        let mut state = self.0.state();
        state.asked = None;
        let settled = self.0.changed.wait_while(state, |state| state.is_merging);
        drop(settled.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Merger {
    fn drop(&mut self) {
        *self.0.state() = State { is_over: true, ..State::default() };
        self.0.changed.notify_all();
    }
}

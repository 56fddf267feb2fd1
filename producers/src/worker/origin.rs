//! What the worker keeps of a source on disk, whatever the source is: its quarantine and its checkpoint.

use std::path::{Path, PathBuf};

use crate::naming;
use crate::quarantine::Quarantine;
use crate::store::Store;

/// A source as its rows, its quarantine and its checkpoint know it.
#[derive(Debug)]
pub(super) struct Origin {
    /// Its name for people.
    pub(super) name: String,
    pub(super) quarantine: Quarantine,
    /// Where its checkpoint is kept, where it can have one.
    pub(super) checkpoint: Option<PathBuf>,
}

impl Origin {
    /// The origin called `shown`.
    pub(super) fn new(shown: &Path, store: &Store) -> Self {
        Self {
            name: naming::shown(shown),
            quarantine: Quarantine::new(store.quarantine(shown)),
            checkpoint: Some(store.checkpoint(shown)),
        }
    }

    /// The origin called `shown`, which nobody can read again.
    pub(super) fn of_stream(shown: &Path, store: &Store) -> Self {
        Self { checkpoint: None, ..Self::new(shown, store) }
    }
}

//! The spool: what was accepted over HTTP and waits on disk for the broker, as JSON Lines in segment files.
//!
//! [`Intake`] appends batches, many in one sync, and answers each when it would survive a loss of power. The worker reads
//! what is durable, in order, and [`Spool::settle`] lets go of what the broker has taken. Nothing is dropped: when the spool is full
//! or the disk refuses, new batches are.

mod backlog;
mod condition;
mod config;
mod intake;
mod log;
mod memory;
mod metrics;
mod segment;

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sanchar_runtime::lifecycle::Failure;

use crate::store;
use backlog::Backlog;
pub use config::SpoolConfig;
#[cfg(test)]
use intake::Receipt;
pub(crate) use intake::{Batch, CommitError, Intake, Item, Surroundings};
pub(crate) use memory::{Fingerprint, ITEMS_MAX, Memory};
pub(crate) use metrics::SpoolMetrics;
pub(crate) use segment::Segment;
use segment::{mend, segments};

/// The spool's name within `store.folder`.
const FOLDER: &str = "spool";

/// Why a batch finds no place in the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// As much waits as may.
    Bytes,
    /// The oldest item has waited too long.
    Age,
    /// The disk refuses.
    Disk,
}

impl Refusal {
    /// Every reason.
    pub(crate) const ALL: [Self; 3] = [Self::Bytes, Self::Age, Self::Disk];

    /// Its code in metrics and logs.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Age => "age",
            Self::Disk => "disk",
        }
    }
}

/// The spool of one producer. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Spool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    config: SpoolConfig,
    backlog: Mutex<Backlog>,
    _lock: File,
}

impl Spool {
    /// Opens the spool under `store_folder`, made where it is missing: takes its lock, and cuts off what a crash has left of
    /// batches that were never answered.
    ///
    /// # Errors
    /// [`Failure`] with exit code 78 when the folder cannot be used, 75 while another process holds it.
    pub(crate) fn open(store_folder: &Path, config: &SpoolConfig) -> Result<Self, Failure> {
        let folder = store_folder.join(FOLDER);
        let unusable = |error: io::Error| {
            let what = format!("{}: cannot be used ({error})", folder.display());
            Failure::config(format!("{what}: name a store.folder this user may write"))
        };
        store::refuse_open(store_folder)?;
        DirBuilder::new().recursive(true).mode(store::FOLDER_MODE).create(&folder).map_err(unusable)?;
        let lock = store::hold(&folder)?;
        let mut backlog = Backlog::default();
        for segment in segments(&folder).map_err(unusable)? {
            let path = segment.path(&folder);
            let length = mend(&path).map_err(unusable)?;
            if length == 0 && remove(&path) {
                // It was begun and never got a batch.
                continue;
            }
            backlog.commit((segment, length), segment.begun_ms());
        }
        let backlog = Mutex::new(backlog);
        Ok(Self(Arc::new(Shared { folder, config: config.clone(), backlog, _lock: lock })))
    }

    /// The files that wait under `store_folder`, oldest first, for those who only look.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub(crate) fn files(store_folder: &Path) -> io::Result<Vec<PathBuf>> {
        let folder = store_folder.join(FOLDER);
        Ok(segments(&folder)?.into_iter().map(|segment| segment.path(&folder)).collect())
    }

    /// Each file with the bytes of it that may be read, oldest first.
    pub(crate) fn durable(&self) -> Vec<(PathBuf, u64)> {
        let file = |(segment, length): (Segment, u64)| (segment.path(&self.0.folder), length);
        self.lock().durable().map(file).collect()
    }

    /// The durable end. It changes with every accepted batch.
    pub(crate) fn end(&self) -> (Segment, u64) {
        self.lock().end()
    }

    /// Everything before `offset` of a file, and in older files, is settled and a checkpoint says so. Removes the older files
    /// and returns their paths.
    pub(crate) fn settle(&self, file: &Path, offset: u64) -> Vec<PathBuf> {
        let Some(segment) = Segment::of(file) else { return Vec::new() };
        let gone = self.lock().settle((segment, offset));
        let path = |segment: Segment| segment.path(&self.0.folder);
        gone.into_iter().map(path).filter(|path| remove(path)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Backlog> {
        // The backlog is whole after every call, so a thread that panicked holding it spoiled nothing.
        self.0.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a settled file is gone. One that stays keeps its checkpoint, and is looked at again after a restart.
fn remove(path: &Path) -> bool {
    match std::fs::remove_file(path) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "a settled file of the spool cannot be removed");
            false
        }
    }
}

#[cfg(test)]
mod tests;

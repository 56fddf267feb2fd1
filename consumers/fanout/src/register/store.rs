//! The register on local disk: a log-structured merge tree (`lsm-tree`), written in sorted runs.
//!
//! It needs no journal of its own, for the changelog is one: a run carries the changelog's offset that it reaches, and
//! both become visible together or not at all. What was not written yet is read again from there. Nothing here is
//! trusted: whatever cannot be read as it was written makes the store [`StoreError::Broken`], to be thrown away and
//! built anew.

use super::entry::{Fingerprint, Keys, Known};
use lsm_tree::compaction::Leveled;
use lsm_tree::config::{
    BloomConstructionPolicy, CompressionPolicy, FilterPolicy, FilterPolicyEntry, PinningPolicy,
};
use lsm_tree::{AbstractTree as _, AnyTree, Cache, Config, SeqNo, SequenceNumberCounter};
use sanchar_schemas::digest::Sha256;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// Key of [`Origin`]. Shorter than every fingerprint, so it stands before them all.
const ORIGIN_KEY: [u8; 1] = [0];
const ORIGIN_BYTES: usize = 1 + 8 + 16 + 32;
/// Changes when what is stored changes; a store of another layout is built anew.
const LAYOUT: u8 = 1;
/// Runs of which each look-up must ask every one, before they are merged.
const RUNS_MAX: u8 = 6;
/// Levels of the tree, as the library makes them.
const LEVELS: usize = 7;
/// Size of the files that a merge writes, in bytes.
const FILE_BYTES: u64 = 64 << 20;

/// What a store is a copy of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    /// Of the cluster's and the changelog's name.
    pub(super) identity: Sha256,
    /// Everything before it is in the store.
    pub(super) next_offset: i64,
    /// What its fingerprints were made with.
    pub(super) keys: Keys,
}

impl Origin {
    fn to_bytes(self) -> [u8; ORIGIN_BYTES] {
        let mut bytes = [LAYOUT; ORIGIN_BYTES];
        let parts: [&[u8]; 3] = [&self.next_offset.to_be_bytes(), &self.keys.to_bytes(), &self.identity.0];
        for (place, byte) in bytes.iter_mut().skip(1).zip(parts.concat()) {
            *place = byte;
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&LAYOUT, rest) = bytes.split_first()? else { return None };
        let (next_offset, rest) = rest.split_first_chunk::<8>()?;
        let (keys, rest) = rest.split_first_chunk::<16>()?;
        Some(Self {
            next_offset: i64::from_be_bytes(*next_offset),
            keys: Keys::from_bytes(*keys),
            identity: Sha256(*rest.first_chunk::<32>()?),
        })
    }
}

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum StoreError {
    /// The disk does not take it now. What the store holds is not harmed.
    #[error("the disk does not take the register: {0}; make room on it, or set register.folder to another")]
    Unwritable(String),
    /// What it holds cannot be trusted.
    #[error("the register on disk cannot be read: {0}")]
    Broken(String),
}

impl From<lsm_tree::Error> for StoreError {
    fn from(error: lsm_tree::Error) -> Self {
        match error {
            lsm_tree::Error::Io(error) if is_about_the_disk(error.kind()) => {
                Self::Unwritable(error.to_string())
            }
            error => Self::Broken(error.to_string()),
        }
    }
}

const fn is_about_the_disk(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::FileTooLarge
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::PermissionDenied
            | ErrorKind::OutOfMemory
    )
}

/// The library takes some damage for a mistake in the program, and panics. It is damage all the same.
fn guarded<T>(work: impl FnOnce() -> Result<T, lsm_tree::Error>) -> Result<T, StoreError> {
    let result = catch_unwind(AssertUnwindSafe(work));
    result
        .map_err(|_| StoreError::Broken("the storage library panicked".to_owned()))?
        .map_err(StoreError::from)
}

/// A store. Clones are the same one.
#[derive(Clone)]
pub(super) struct Store {
    tree: AnyTree,
    written: SequenceNumberCounter,
}

impl Store {
    /// Opens the store in a folder, or makes an empty one. It keeps up to `cache_bytes` of itself in memory.
    pub(super) fn open(folder: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        guarded(|| {
            let (written, visible) = (SequenceNumberCounter::default(), SequenceNumberCounter::default());
            // In parts of a few KiB, filters and indexes take memory only as far as the cache has room. Only the filters of
            // runs that are not merged yet stand in memory whole: there are few, and every look-up asks them all.
            let in_parts = || PinningPolicy::all(true);
            let in_cache = PinningPolicy::disabled;
            let (merged_in_parts, unmerged_in_memory) =
                (PinningPolicy::new([false, true]), PinningPolicy::new([true, false]));
            let filter = FilterPolicyEntry::Bloom(BloomConstructionPolicy::BitsPerKey(10.0));
            let tree = Config::new(folder, written.clone(), visible.clone())
                .use_cache(Arc::new(Cache::with_capacity_bytes(cache_bytes)))
                .data_block_compression_policy(CompressionPolicy::disabled()) // hashes do not compress
                .filter_policy(FilterPolicy::all(filter))
                .filter_block_partitioning_policy(merged_in_parts)
                .index_block_partitioning_policy(in_parts())
                .filter_block_pinning_policy(unmerged_in_memory)
                .index_block_pinning_policy(in_cache())
                .open()?;
            let next = tree.get_highest_persisted_seqno().map_or(0, |newest| newest + 1);
            written.set(next);
            visible.set(next);
            Ok(Self { tree, written })
        })
    }

    /// What it is a copy of; `None` where it is empty.
    pub(super) fn origin(&self) -> Result<Option<Origin>, StoreError> {
        let Some(bytes) = guarded(|| self.tree.get(ORIGIN_KEY, SeqNo::MAX))? else { return Ok(None) };
        let origin = Origin::from_bytes(&bytes);
        origin.map(Some).ok_or_else(|| StoreError::Broken("it is of another layout".to_owned()))
    }

    pub(super) fn get(&self, key: Fingerprint) -> Result<Option<Known>, StoreError> {
        let Some(bytes) = guarded(|| self.tree.get(key.to_bytes(), SeqNo::MAX))? else { return Ok(None) };
        let known = Known::from_bytes(&bytes);
        known.map(Some).ok_or_else(|| StoreError::Broken("an entry has another length".to_owned()))
    }

    /// Writes a run that reaches `origin.next_offset`. `entries` ascend; `None` deletes.
    pub(super) fn write(
        &self,
        origin: Origin,
        entries: &[(Fingerprint, Option<Known>)],
    ) -> Result<(), StoreError> {
        guarded(|| {
            let mut run = self.tree.ingestion()?;
            run.write(ORIGIN_KEY, origin.to_bytes())?;
            for (key, known) in entries {
                match known {
                    Some(known) => run.write(key.to_bytes(), known.to_bytes())?,
                    None => run.write_tombstone(key.to_bytes())?,
                }
            }
            run.finish()
        })
    }

    /// Merges runs where there are too many, and then what the merge made too large. May take seconds.
    pub(super) fn merge(&self) -> Result<(), StoreError> {
        for _ in 0..LEVELS {
            let strategy = Leveled::default().with_l0_threshold(RUNS_MAX).with_table_target_size(FILE_BYTES);
            guarded(|| self.tree.compact(Arc::new(strategy), self.written.get()))?;
        }
        Ok(())
    }

    /// Entries on disk; one that changed since the last merge counts more than once.
    pub(super) fn len(&self) -> usize {
        let runs = self.tree.l0_run_count().max(1); // each tells where it ends
        self.tree.approximate_len().saturating_sub(runs)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

//! Keeps the register's table as the changelog says, and its store not far behind.
//!
//! While the table is read for the first time nobody looks into it, so entries go to the store in large sorted runs.
//! From then on they are known at once, and a run is written when there are many of them or the oldest is old.

use super::entry::{Entry, Fingerprint, Keys, Known};
use super::folder::Folder;
use super::merger::Merger;
use super::store::{Origin, Store, StoreError};
use super::table::Table;
use crate::config::RegisterConfig;
use crate::metrics::RegisterMetrics;
use sanchar_schemas::digest::Sha256;
use sanchar_stream::Standby;
use sanchar_stream::client::ChangelogEntry;
use sanchar_stream::processor::Reached;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// While nobody looks for single entries, a run may be larger by this.
const BULK_FACTOR: usize = 4;
/// How long entries may be known from memory alone. Like their number, it bounds what a start reads again.
const RECENT_AGE_MAX: Duration = Duration::from_secs(300);

/// Feeds a [`Table`] from the changelog.
#[derive(Debug)]
pub struct RegisterStandby {
    table: Arc<Table>,
    folder: Folder,
    config: RegisterConfig,
    metrics: RegisterMetrics,
    merger: Merger,
    /// What is in the folder is to be removed before anything else.
    must_clear: bool,
    /// Read and not passed on yet.
    taken: Vec<(Fingerprint, Option<Known>)>,
    /// How many of these stand before the offset that was reached. The others are read again after a failure.
    taken_reached: usize,
    /// There was an entry that this version cannot read.
    has_unreadable: bool,
    /// What the store is a copy of, once it is open.
    origin: Option<Origin>,
    is_complete: bool,
    /// Everything before it was taken.
    reached_offset: i64,
    /// What the entries that were set aside reach.
    set_aside_offset: i64,
    /// When a run was written last.
    written_at: Instant,
}

impl RegisterStandby {
    /// Feeds `table`, whose store is in `folder`.
    ///
    /// # Errors
    /// When no thread can be had; the text says why.
    pub fn new(
        table: Arc<Table>,
        folder: Folder,
        config: RegisterConfig,
        metrics: RegisterMetrics,
    ) -> Result<Self, String> {
        let merger = Merger::start(Arc::downgrade(&table)).map_err(|error| error.to_string())?;
        Ok(Self {
            table,
            folder,
            config,
            metrics,
            merger,
            must_clear: false,
            taken: Vec::new(),
            taken_reached: 0,
            has_unreadable: false,
            origin: None,
            is_complete: false,
            reached_offset: 0,
            set_aside_offset: 0,
            written_at: Instant::now(),
        })
    }

    /// Opens the store if it is a copy of this changelog. One that is not, or cannot be read, is built anew.
    fn open(&mut self, identity: Sha256, end_offset: i64) -> Result<(Store, Origin), StoreError> {
        match self.try_open(identity, end_offset) {
            Err(StoreError::Broken(reason)) => {
                self.throw_away(&reason)?;
                self.try_open(identity, end_offset)
            }
            opened => opened,
        }
    }

    fn try_open(&self, identity: Sha256, end_offset: i64) -> Result<(Store, Origin), StoreError> {
        let store = Store::open(&self.folder.store(), self.config.cache_mib << 20)?;
        let broken = |reason: &str| Err(StoreError::Broken(reason.to_owned()));
        match store.origin()? {
            None if store.len() > 0 => broken("it does not say what it is a copy of"),
            None => {
                let keys = self.table.keys_or(Keys::drawn());
                Ok((store, Origin { identity, next_offset: 0, keys }))
            }
            Some(origin) if origin.identity != identity => broken("it is a copy of another changelog"),
            Some(origin) if origin.next_offset > end_offset => broken("its changelog was made anew"),
            Some(origin) if self.table.keys_or(origin.keys) != origin.keys => broken("its keys have changed"),
            Some(origin) => Ok((store, origin)),
        }
    }

    fn throw_away(&mut self, reason: &str) -> Result<(), StoreError> {
        tracing::warn!(reason, "the register on disk is of no use: building it anew from its changelog");
        self.metrics.rebuilt();
        self.origin = None;
        self.is_complete = false;
        self.taken.clear();
        self.taken_reached = 0;
        self.table.close();
        self.must_clear = true;
        self.clear()
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        if self.must_clear {
            self.merger.settle();
            self.folder.clear()?;
            self.must_clear = false;
        }
        Ok(())
    }

    fn try_reached(&mut self) -> Result<(), StoreError> {
        if let Some(error) = self.table.take_broken() {
            return Err(error);
        }
        if !self.is_complete {
            let enough = BULK_FACTOR * self.config.recent_records_max;
            return if self.taken.len() < enough { Ok(()) } else { self.write_taken() };
        }
        if self.table.has_set_aside() {
            self.write_set_aside()?;
        }
        let recent = self.table.publish(&mut self.taken);
        let is_time = recent > 0 && self.written_at.elapsed() > RECENT_AGE_MAX;
        if recent >= self.config.recent_records_max || is_time { self.write_recent() } else { Ok(()) }
    }

    /// Writes a run of what nobody looks for yet.
    fn write_taken(&mut self) -> Result<(), StoreError> {
        let entries = sorted(self.taken.clone());
        self.write_run(&entries, self.reached_offset)?;
        self.taken.clear();
        Ok(())
    }

    fn write_recent(&mut self) -> Result<(), StoreError> {
        self.table.set_aside();
        self.set_aside_offset = self.reached_offset;
        self.write_set_aside()
    }

    /// Writes a run of what was set aside. What fails comes again.
    fn write_set_aside(&mut self) -> Result<(), StoreError> {
        let set_aside = self.table.get_set_aside();
        let entries = sorted(set_aside.iter().map(|(key, known)| (*key, *known)).collect());
        self.write_run(&entries, self.set_aside_offset)?;
        self.table.forget_set_aside();
        self.ask_for_merge();
        Ok(())
    }

    fn write_run(
        &mut self,
        entries: &[(Fingerprint, Option<Known>)],
        next_offset: i64,
    ) -> Result<(), StoreError> {
        let (Some(store), Some(origin)) = (self.table.store(), self.origin) else { return Ok(()) };
        store.write(Origin { next_offset, ..origin }, entries)?;
        self.written_at = Instant::now();
        Ok(())
    }

    fn ask_for_merge(&self) {
        if let Some(store) = self.table.store() {
            self.merger.ask(store);
        }
    }

    #[cfg(test)]
    pub(crate) fn settle(&self) {
        self.merger.settle();
    }

    /// Writes everything, so that the next start reads nothing again.
    fn write_all(&mut self) -> Result<(), StoreError> {
        if !self.is_complete {
            return if self.taken.is_empty() { Ok(()) } else { self.write_taken() };
        }
        self.try_reached()?;
        if self.table.publish(&mut self.taken) > 0 { self.write_recent() } else { Ok(()) }
    }
}

/// In ascending order, and of several entries of a record the last alone.
fn sorted(mut entries: Vec<(Fingerprint, Option<Known>)>) -> Vec<(Fingerprint, Option<Known>)> {
    entries.reverse();
    entries.sort_by_key(|(key, _)| *key);
    entries.dedup_by_key(|(key, _)| *key);
    entries
}

impl Standby for RegisterStandby {
    fn begin(&mut self, identity: &str, end_offset: i64) -> Result<i64, String> {
        let identity = Sha256::of(identity.as_bytes());
        let is_same = self.origin.is_some_and(|origin| origin.identity == identity);
        if is_same && self.reached_offset <= end_offset {
            // The connection alone was lost, perhaps in the middle of a read. What that brought comes again, and would stand
            // behind newer entries of its records.
            self.taken.truncate(self.taken_reached);
            return Ok(self.reached_offset);
        }
        if self.origin.is_some() {
            self.throw_away("its changelog is another").map_err(|error| error.to_string())?;
        }
        self.clear().map_err(|error| error.to_string())?;
        let (store, origin) = self.open(identity, end_offset).map_err(|error| error.to_string())?;
        self.table.open(store);
        self.origin = Some(origin);
        self.reached_offset = origin.next_offset;
        self.written_at = Instant::now();
        Ok(origin.next_offset)
    }

    fn take(&mut self, entry: ChangelogEntry<'_>) {
        let Ok(key) = self.table.fingerprint(entry.key) else { return };
        let known = entry.value.map(Entry::from_bytes);
        self.has_unreadable |= known == Some(None);
        self.taken.push((key, known.flatten().map(Known::from)));
    }

    fn reached(&mut self, next_offset: i64) -> Result<Reached, String> {
        if self.has_unreadable {
            let text =
                "the changelog has an entry that this version cannot read: run the version that wrote it";
            return Err(text.to_owned());
        }
        if self.must_clear {
            self.clear().map_err(|error| error.to_string())?;
            return Ok(Reached::Lost);
        }
        self.reached_offset = next_offset;
        let result = self.try_reached();
        self.taken_reached = self.taken.len();
        match result {
            Ok(()) => {
                self.metrics.records(self.table.len());
                Ok(Reached::Kept)
            }
            Err(error @ StoreError::Unwritable(_)) => Err(error.to_string()),
            Err(StoreError::Broken(reason)) => {
                self.throw_away(&reason).map_err(|error| error.to_string())?;
                Ok(Reached::Lost)
            }
        }
    }

    fn complete(&mut self) {
        if !self.is_complete {
            self.is_complete = true;
            self.table.publish(&mut self.taken);
            self.taken_reached = 0;
            self.table.complete();
            self.ask_for_merge();
        }
    }

    fn end(&mut self) {
        if self.has_unreadable || self.must_clear {
            return;
        }
        if let Err(error) = self.write_all() {
            tracing::warn!(%error, "the register could not be written; the next start reads more of its changelog");
        }
    }
}

#[cfg(test)]
mod tests;

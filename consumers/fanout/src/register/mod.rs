//! The deduplication register: what was delivered of each record, and to whom.
//!
//! An entry is written to the changelog by the transaction that delivers. Every instance follows the changelog and keeps
//! what it says on local disk ([`Table`]); a worker adds what it wrote itself and has not been read back yet. There is
//! no time window: a repeat after a year is still a repeat.

mod entry;
mod folder;
mod merger;
mod standby;
mod store;
mod table;

pub use entry::{Entry, Fingerprint};
pub use folder::Folder;
pub use standby::RegisterStandby;
pub use table::Table;

use crate::reasons::DropReason;
use entry::{Known, content};
use sanchar_schemas::digest::Sha256;
use sanchar_schemas::{RecordId, StateSet};
use std::sync::Arc;
use table::Own;

/// What to do with a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Deliver it. The states received an earlier revision.
    Forward(StateSet),
    /// Drop it.
    Drop(DropReason),
    /// Drop it and remember the revision.
    Remember(Entry, DropReason),
    /// The same revision was delivered with other content.
    Conflict,
}

/// The register as one worker sees it.
#[derive(Debug)]
pub struct Register {
    table: Arc<Table>,
    own: Arc<Own>,
}

impl Register {
    /// A worker's view of the table.
    #[must_use]
    pub fn of(table: &Arc<Table>) -> Self {
        Self { table: Arc::clone(table), own: table.new_own() }
    }

    /// What a record is known by.
    ///
    /// # Errors
    /// When the register is not there yet; the text says why.
    pub fn key(&self, record_id: &RecordId) -> Result<Fingerprint, String> {
        self.table.fingerprint(record_id.as_str().as_bytes())
    }

    /// Decides about a revision of the record that is known by `key`.
    ///
    /// # Errors
    /// When the register cannot tell now; the text says why.
    pub fn judge(
        &self,
        key: Fingerprint,
        revision: i64,
        content_hash: Sha256,
        now_ms: i64,
    ) -> Result<Verdict, String> {
        let known = match self.own.get(key)? {
            Some(known) => Some(known),
            None => self.table.get(key)?,
        };
        Ok(verdict(known, revision, content_hash, now_ms))
    }

    /// Notes an entry that the open transaction writes.
    pub fn stage(&self, key: Fingerprint, entry: Entry) {
        self.own.insert(key, entry.into());
    }

    /// The transaction did not commit, or nobody knows whether it did: what is true is in the changelog, and must be
    /// read to its end before anything else is judged.
    pub fn aborted(&self) {
        self.own.clear();
    }
}

fn verdict(known: Option<Known>, revision: i64, content_hash: Sha256, now_ms: i64) -> Verdict {
    let Some(known) = known else { return Verdict::Forward(StateSet::EMPTY) };
    let same_content = known.content == content(content_hash);
    match revision.cmp(&known.revision) {
        std::cmp::Ordering::Less => Verdict::Drop(DropReason::Stale),
        std::cmp::Ordering::Equal if same_content => Verdict::Drop(DropReason::Duplicate),
        std::cmp::Ordering::Equal => Verdict::Conflict,
        // The revision is remembered: an older one with other content must not pass as new later.
        std::cmp::Ordering::Greater if same_content => {
            let recipients = known.recipients;
            let entry = Entry { revision, content_hash, recipients, last_seen_ms: now_ms };
            Verdict::Remember(entry, DropReason::Unchanged)
        }
        std::cmp::Ordering::Greater => Verdict::Forward(known.recipients),
    }
}

#[cfg(test)]
mod tests;

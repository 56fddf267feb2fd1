//! The deduplication register: what was delivered of each record, and to whom.
//!
//! In memory, backed by its changelog topic and rebuilt from it. An entry is written with the transaction
//! that delivers; until that commits, it is staged. There is no time window: a repeat after a year is still
//! a repeat.

use crate::reasons::DropReason;
use sanchar_schemas::digest::Sha256;
use sanchar_schemas::{RecordId, StateSet};
use std::collections::HashMap;

/// What is known of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Newest revision seen.
    pub revision: i64,
    /// Its content.
    pub content_hash: Sha256,
    /// States that hold a revision and were not told to forget it.
    pub recipients: StateSet,
    /// When it was last seen: ms since 1970, UTC.
    pub last_seen_ms: i64,
}

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

/// Bytes of a changelog value: layout version, revision, hash, recipients, last seen.
const VALUE_BYTES: usize = 1 + 8 + 32 + 8 + 8;
const LAYOUT: u8 = 1;

impl Entry {
    /// The entry as a changelog value (big-endian).
    #[must_use]
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(VALUE_BYTES);
        bytes.push(LAYOUT);
        bytes.extend_from_slice(&self.revision.to_be_bytes());
        bytes.extend_from_slice(&self.content_hash.0);
        bytes.extend_from_slice(&self.recipients.bits().to_be_bytes());
        bytes.extend_from_slice(&self.last_seen_ms.to_be_bytes());
        bytes
    }

    /// Reads a changelog value; `None` where it is not one of this layout.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (layout, rest) = bytes.split_first()?;
        let (revision, rest) = rest.split_first_chunk::<8>()?;
        let (hash, rest) = rest.split_first_chunk::<32>()?;
        let (recipients, rest) = rest.split_first_chunk::<8>()?;
        let (last_seen, rest) = rest.split_first_chunk::<8>()?;
        (*layout == LAYOUT && rest.is_empty()).then(|| Self {
            revision: i64::from_be_bytes(*revision),
            content_hash: Sha256(*hash),
            recipients: StateSet::from_bits(u64::from_be_bytes(*recipients)),
            last_seen_ms: i64::from_be_bytes(*last_seen),
        })
    }
}

/// The register of one instance.
#[derive(Debug, Default)]
pub struct Register {
    committed: HashMap<Box<str>, Entry>,
    staged: HashMap<Box<str>, Entry>,
}

impl Register {
    /// Decides about a revision of a record.
    #[must_use]
    pub fn judge(&self, record_id: &RecordId, revision: i64, content_hash: Sha256, now_ms: i64) -> Verdict {
        let known = self.staged.get(record_id.as_str()).or_else(|| self.committed.get(record_id.as_str()));
        let Some(known) = known else { return Verdict::Forward(StateSet::EMPTY) };
        let same_content = known.content_hash == content_hash;
        match revision.cmp(&known.revision) {
            std::cmp::Ordering::Less => Verdict::Drop(DropReason::Stale),
            std::cmp::Ordering::Equal if same_content => Verdict::Drop(DropReason::Duplicate),
            std::cmp::Ordering::Equal => Verdict::Conflict,
            // The revision is remembered: an older one with other content must not pass as new later.
            std::cmp::Ordering::Greater if same_content => {
                Verdict::Remember(Entry { revision, last_seen_ms: now_ms, ..*known }, DropReason::Unchanged)
            }
            std::cmp::Ordering::Greater => Verdict::Forward(known.recipients),
        }
    }

    /// Notes an entry that the open transaction writes.
    pub fn stage(&mut self, record_id: &RecordId, entry: Entry) {
        self.staged.insert(record_id.as_str().into(), entry);
    }

    /// The transaction committed.
    pub fn committed(&mut self) {
        self.committed.extend(self.staged.drain());
    }

    /// The transaction did not commit.
    pub fn aborted(&mut self) {
        self.staged.clear();
    }

    /// Takes over an entry of the changelog; `None` deletes.
    pub fn restore(&mut self, record_id: &str, entry: Option<Entry>) {
        match entry {
            Some(entry) => drop(self.committed.insert(record_id.into(), entry)),
            None => drop(self.committed.remove(record_id)),
        }
    }

    /// Number of records known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.committed.len()
    }

    /// Whether no record is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.committed.is_empty()
    }
}

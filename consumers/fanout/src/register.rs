//! The deduplication register: what was delivered of each record, and to whom.
//!
//! In memory, backed by its changelog topic and rebuilt from it. An entry is written with the transaction
//! that delivers; until that commits, it is staged. There is no time window: a repeat after a year is still
//! a repeat.

use crate::reasons::DropReason;
use sanchar_schemas::digest::Sha256;
use sanchar_schemas::{RecordId, StateSet};
use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};

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
///
/// A record is known by 128 bits of its id, hashed with keys that this process drew, and its content by half of its
/// hash: 48 bytes for each record. That any two of 100 million records share those bits has a chance of 10⁻²³; the later
/// one would be judged as a revision of the earlier one. That chance is accepted.
#[derive(Debug, Default)]
pub struct Register {
    keys: [RandomState; 2],
    committed: HashMap<Fingerprint, Known, Spread>,
    staged: HashMap<Fingerprint, Known, Spread>,
}

/// What is kept of an entry.
#[derive(Debug, Clone, Copy)]
struct Known {
    revision: i64,
    content: Content,
    recipients: StateSet,
}

/// Half of a content hash. Two words, for sixteen bytes in one would be aligned to sixteen.
type Content = [u64; 2];

fn content(hash: Sha256) -> Content {
    let (words, _) = hash.0.as_chunks::<8>();
    [0, 1].map(|word| words.get(word).map_or(0, |bytes| u64::from_be_bytes(*bytes)))
}

impl From<Entry> for Known {
    fn from(entry: Entry) -> Self {
        Self { revision: entry.revision, content: content(entry.content_hash), recipients: entry.recipients }
    }
}

/// 128 bits of a record id.
type Fingerprint = u128;

/// Builds the hasher of something that is a hash already.
type Spread = BuildHasherDefault<Taken>;

/// Takes the lower bits of a fingerprint for its hash.
#[derive(Debug, Default)]
struct Taken(u64);

impl Hasher for Taken {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk().map_or(0, |lower| u64::from_ne_bytes(*lower));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Register {
    fn fingerprint(&self, record_id: &str) -> Fingerprint {
        let [upper, lower] = self.keys.each_ref().map(|key| key.hash_one(record_id));
        u128::from(upper) << 64 | u128::from(lower)
    }

    /// Decides about a revision of a record.
    #[must_use]
    pub fn judge(&self, record_id: &RecordId, revision: i64, content_hash: Sha256, now_ms: i64) -> Verdict {
        let key = self.fingerprint(record_id.as_str());
        let known = self.staged.get(&key).or_else(|| self.committed.get(&key));
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

    /// Notes an entry that the open transaction writes.
    pub fn stage(&mut self, record_id: &RecordId, entry: Entry) {
        self.staged.insert(self.fingerprint(record_id.as_str()), entry.into());
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
        let key = self.fingerprint(record_id);
        match entry {
            Some(entry) => drop(self.committed.insert(key, entry.into())),
            None => drop(self.committed.remove(&key)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{event, states};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn entry(revision: i64, content: &str) -> Entry {
        Entry {
            revision,
            content_hash: Sha256::of(content.as_bytes()),
            recipients: states("IN-HR IN-UP"),
            last_seen_ms: 1,
        }
    }

    #[test]
    fn a_value_is_read_back_and_damage_is_noticed() {
        let bytes = entry(7, "a").to_bytes();
        assert_eq!(bytes.len(), VALUE_BYTES);
        assert_eq!(Entry::from_bytes(&bytes), Some(entry(7, "a")));
        assert_eq!(Entry::from_bytes(&bytes[..VALUE_BYTES - 1]), None);
        assert_eq!(Entry::from_bytes(&[&bytes[..], &[0]].concat()), None);
        assert_eq!(Entry::from_bytes(&[&[9], &bytes[1..]].concat()), None);
    }

    #[test]
    fn the_five_verdicts() {
        let id = event("IN-DL").record_id;
        let mut register = Register::default();
        let hash = |content: &str| Sha256::of(content.as_bytes());
        assert_eq!(register.judge(&id, 5, hash("a"), 9), Verdict::Forward(StateSet::EMPTY));
        register.stage(&id, entry(5, "a"));
        assert_eq!(
            register.judge(&id, 5, hash("a"), 9),
            Verdict::Drop(DropReason::Duplicate),
            "staged counts"
        );
        register.committed();
        assert_eq!(register.judge(&id, 5, hash("a"), 9), Verdict::Drop(DropReason::Duplicate));
        assert_eq!(register.judge(&id, 5, hash("b"), 9), Verdict::Conflict);
        assert_eq!(register.judge(&id, 4, hash("b"), 9), Verdict::Drop(DropReason::Stale));
        assert_eq!(register.judge(&id, 6, hash("b"), 9), Verdict::Forward(states("IN-HR IN-UP")));
        let remembered = Entry { revision: 8, last_seen_ms: 9, ..entry(5, "a") };
        assert_eq!(
            register.judge(&id, 8, hash("a"), 9),
            Verdict::Remember(remembered, DropReason::Unchanged)
        );
    }

    #[test]
    fn what_did_not_commit_is_forgotten() {
        let id = event("IN-DL").record_id;
        let mut register = Register::default();
        register.stage(&id, entry(5, "a"));
        register.aborted();
        register.committed();
        assert!(register.is_empty());
        register.restore(id.as_str(), Some(entry(5, "a")));
        assert_eq!(register.len(), 1);
        register.restore(id.as_str(), None);
        assert!(register.is_empty());
    }

    proptest! {
        /// Against a model that remembers everything: whatever is forwarded has a newer revision and another
        /// content than all that was seen before, and nothing is forwarded twice.
        #[test]
        fn only_news_is_forwarded(arrivals in prop::collection::vec((1..6i64, 0..3u8), 1..40)) {
            let id = event("IN-DL").record_id;
            let (mut register, mut seen) = (Register::default(), BTreeMap::<i64, u8>::new());
            for (revision, content) in arrivals {
                let hash = Sha256::of(&[content]);
                let newest = seen.last_key_value().map(|(revision, content)| (*revision, *content));
                let verdict = register.judge(&id, revision, hash, 1);
                let news = newest.is_none_or(|(r, c)| revision > r && content != c);
                prop_assert_eq!(matches!(verdict, Verdict::Forward(_)), news);
                let noted = match verdict {
                    Verdict::Forward(_) => Some(Entry { content_hash: hash, ..entry(revision, "") }),
                    Verdict::Remember(entry, _) => Some(entry),
                    _ => None,
                };
                if let Some(entry) = noted {
                    register.stage(&id, entry);
                    register.committed();
                    seen.insert(revision, content);
                }
            }
        }
    }
}

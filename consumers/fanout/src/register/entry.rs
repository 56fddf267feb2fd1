//! An entry of the register: as the changelog carries it, and the part of it that decisions need.
//!
//! A record is known by 128 bits of its id, hashed with keys of this register alone, and its content by half of its
//! hash. That any two of 100 million records share those 128 bits has a chance of 10⁻²³, and nobody can choose ids that
//! do, for the keys never leave the machine. The later of two such records would be judged as a revision of the earlier
//! one: that chance is accepted, a thousand million times smaller than that of a disk that errs unnoticed.

use sanchar_schemas::StateSet;
use sanchar_schemas::digest::Sha256;
use siphasher::sip128::SipHasher13;
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

/// Bytes of a changelog value: layout version, revision, hash, recipients, last seen.
pub(super) const VALUE_BYTES: usize = 1 + 8 + 32 + 8 + 8;
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

/// What is kept of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) revision: i64,
    pub(super) content: Content,
    pub(super) recipients: StateSet,
}

/// Bytes of what is kept.
pub(super) const KNOWN_BYTES: usize = 8 + 16 + 8;

/// Half of a content hash. Two words, for sixteen bytes in one would be aligned to sixteen.
pub(super) type Content = [u64; 2];

pub(super) fn content(hash: Sha256) -> Content {
    let (words, _) = hash.0.as_chunks::<8>();
    [0, 1].map(|word| words.get(word).map_or(0, |bytes| u64::from_be_bytes(*bytes)))
}

impl From<Entry> for Known {
    fn from(entry: Entry) -> Self {
        Self { revision: entry.revision, content: content(entry.content_hash), recipients: entry.recipients }
    }
}

impl Known {
    /// As it stands on disk (big-endian).
    pub(super) fn to_bytes(self) -> [u8; KNOWN_BYTES] {
        let mut bytes = [0; KNOWN_BYTES];
        let [first, second] = self.content;
        let words = [self.revision.cast_unsigned(), first, second, self.recipients.bits()];
        for (place, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
            *place = word.to_be_bytes();
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; KNOWN_BYTES] = bytes.try_into().ok()?;
        let words = bytes.as_chunks::<8>().0.iter().map(|word| u64::from_be_bytes(*word));
        let [revision, first, second, recipients] = words.collect::<Vec<_>>().try_into().ok()?;
        let recipients = StateSet::from_bits(recipients);
        Some(Self { revision: revision.cast_signed(), content: [first, second], recipients })
    }
}

/// 128 bits that stand for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// In the order of the number, so that sorting either sorts both.
    pub(super) const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

/// The keys that a register hashes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keys([u8; 16]);

impl Keys {
    /// Keys that nobody else has.
    pub(super) fn drawn() -> Self {
        let word = || RandomState::new().hash_one(0_u8).to_be_bytes();
        let mut keys = [0; 16];
        for place in keys.as_chunks_mut::<8>().0 {
            *place = word();
        }
        Self(keys)
    }

    pub(super) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(super) const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    pub(super) fn fingerprint(&self, record_id: &[u8]) -> Fingerprint {
        Fingerprint(SipHasher13::new_with_key(&self.0).hash(record_id).as_u128())
    }
}

/// Builds the hasher of something that is a hash already.
pub(super) type Spread = BuildHasherDefault<Taken>;

/// Takes the lower bits of a fingerprint for its hash.
#[derive(Debug, Default)]
pub(super) struct Taken(u64);

impl Hasher for Taken {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.first_chunk().map_or(0, |lower| u64::from_ne_bytes(*lower));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::states;

    fn entry() -> Entry {
        let content_hash = Sha256::of(b"a");
        Entry { revision: 7, content_hash, recipients: states("IN-HR IN-UP"), last_seen_ms: 1 }
    }

    #[test]
    fn a_value_is_read_back_and_damage_is_noticed() {
        let bytes = entry().to_bytes();
        assert_eq!(bytes.len(), VALUE_BYTES);
        assert_eq!(Entry::from_bytes(&bytes), Some(entry()));
        assert_eq!(Entry::from_bytes(&bytes[..VALUE_BYTES - 1]), None);
        assert_eq!(Entry::from_bytes(&[&bytes[..], &[0]].concat()), None);
        assert_eq!(Entry::from_bytes(&[&[9], &bytes[1..]].concat()), None);
        let known = Known::from(Entry { revision: -1, ..entry() });
        assert_eq!(Known::from_bytes(&known.to_bytes()), Some(known));
        assert_eq!(Known::from_bytes(&known.to_bytes()[1..]), None);
    }

    #[test]
    fn a_fingerprint_depends_on_the_keys_and_on_every_byte() {
        let (one, other) = (Keys::drawn(), Keys::drawn());
        assert_ne!(one, other);
        let of = |keys: &Keys, id: &str| keys.fingerprint(id.as_bytes());
        assert_eq!(of(&one, "IN-DL/x"), of(&Keys::from_bytes(one.to_bytes()), "IN-DL/x"));
        assert_ne!(of(&one, "IN-DL/x"), of(&one, "IN-DL/y"));
        assert_ne!(of(&one, "IN-DL/x"), of(&other, "IN-DL/x"));
        let (low, high) = (Fingerprint(1), Fingerprint(1 << 100));
        assert!(low < high && low.to_bytes() < high.to_bytes());
    }
}

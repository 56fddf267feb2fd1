//! The 36 states and union territories of India, by ISO 3166-2 code, and sets of them.
//!
//! Codes are accepted in their older spellings and always written in today's. The table is
//! `jurisdictions/states.csv`; it says nothing about who borders whom ([`crate::adjacency`] does).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

const TABLE: &str = include_str!("../jurisdictions/states.csv");

/// A row of the table of states.
#[derive(Debug, Deserialize)]
pub struct State {
    /// Position in a [`StateSet`]. Stored in the deduplication register, so never reused and never changed.
    pub bit: u8,
    /// ISO 3166-2 code, for example `IN-DL`.
    pub iso: String,
    /// Older codes that are still accepted on input, separated by `;`.
    pub legacy: String,
    /// Code in the Local Government Directory.
    pub lgd_code: i32,
    /// `state` or `ut` (union territory).
    pub kind: String,
    /// Name in English.
    pub name_en: String,
    /// Name in Hindi.
    pub name_hi: String,
}

#[expect(clippy::expect_used, reason = "the table is compiled in and a test reads it")]
static STATES: LazyLock<Vec<State>> = LazyLock::new(|| {
    let rows = csv::Reader::from_reader(TABLE.as_bytes()).into_deserialize();
    rows.collect::<Result<Vec<State>, _>>().expect("jurisdictions/states.csv is well formed")
});

/// A state or union territory. Holding one is proof that the code is in the table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StateCode(u8);

impl StateCode {
    /// All states, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        (0u8..).take(STATES.len()).map(Self)
    }

    /// The state's row in the table.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "a StateCode is only made from a row's own index")]
    pub fn row(self) -> &'static State {
        &STATES[usize::from(self.0)]
    }

    /// ISO 3166-2 code, for example `IN-DL`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        &self.row().iso
    }

    /// The code as it stands in topic names: `in-dl`.
    #[must_use]
    pub fn to_topic_part(self) -> String {
        self.as_str().to_ascii_lowercase()
    }
}

/// A code that is no state of India.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown state code `{0}`; use an ISO 3166-2 code such as IN-DL")]
pub struct UnknownState(pub String);

impl FromStr for StateCode {
    type Err = UnknownState;

    /// Accepts today's codes and the older ones of the table, in any case.
    fn from_str(text: &str) -> Result<Self, UnknownState> {
        let is_older = |old: &str| !old.is_empty() && old.eq_ignore_ascii_case(text);
        Self::all()
            .find(|state| state.as_str() == text)
            .or_else(|| Self::all().find(|state| state.as_str().eq_ignore_ascii_case(text)))
            .or_else(|| Self::all().find(|state| state.row().legacy.split(';').any(is_older)))
            .ok_or_else(|| UnknownState(text.chars().take(32).collect()))
    }
}

impl fmt::Display for StateCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for StateCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for StateCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for StateCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        // The text is not repeated: in a damaged datum anything can stand where a code is expected.
        text.parse().map_err(|_| de::Error::custom("expected the ISO 3166-2 code of a state, such as IN-DL"))
    }
}

/// A set of states in one machine word.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct StateSet(u64);

impl StateSet {
    /// The empty set.
    pub const EMPTY: Self = Self(0);

    /// The set of one state.
    #[must_use]
    pub fn of(state: StateCode) -> Self {
        Self(state.mask())
    }

    /// The set whose bits are those of `bits`; bits that no state has are dropped.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        StateCode::all().filter(|state| bits & state.mask() != 0).collect()
    }

    /// The set as bits, one per state by [`State::bit`].
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Adds a state.
    pub fn insert(&mut self, state: StateCode) {
        self.0 |= state.mask();
    }

    /// Whether the state is in the set.
    #[must_use]
    pub fn contains(self, state: StateCode) -> bool {
        self.0 & state.mask() != 0
    }

    /// States in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// States in this set and not in the other.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Number of states.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether the set has no state.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The states, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = StateCode> {
        StateCode::all().filter(move |state| self.contains(*state))
    }
}

impl StateCode {
    fn mask(self) -> u64 {
        1 << self.row().bit
    }
}

impl FromIterator<StateCode> for StateSet {
    fn from_iter<I: IntoIterator<Item = StateCode>>(states: I) -> Self {
        let mut set = Self::EMPTY;
        states.into_iter().for_each(|state| set.insert(state));
        set
    }
}

impl fmt::Debug for StateSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn there_are_36_states_with_distinct_bits_below_64() {
        let bits: HashSet<u8> = StateCode::all().map(|state| state.row().bit).collect();
        assert_eq!(StateCode::all().count(), 36);
        assert_eq!(bits.len(), 36);
        assert!(bits.iter().all(|bit| *bit < 64));
    }

    #[test]
    fn older_codes_are_accepted_and_never_written() {
        for (old, new) in [
            ("IN-OR", "IN-OD"),
            ("IN-UT", "IN-UK"),
            ("IN-DN", "IN-DH"),
            ("in-dd", "IN-DH"),
            ("IN-TG", "IN-TS"),
        ] {
            assert_eq!(old.parse::<StateCode>().unwrap().as_str(), new);
        }
        assert!("IN-XX".parse::<StateCode>().is_err());
        assert!("".parse::<StateCode>().is_err());
        assert!("DL".parse::<StateCode>().is_err());
    }

    #[test]
    fn hindi_names_survive() {
        let delhi: StateCode = "IN-DL".parse().unwrap();
        assert_eq!(delhi.row().name_hi, "दिल्ली");
    }

    #[test]
    fn sets_are_sets() {
        let [a, b, c] = ["IN-DL", "IN-HR", "IN-WB"].map(|code| code.parse::<StateCode>().unwrap());
        let ab: StateSet = [a, b].into_iter().collect();
        let bc: StateSet = [b, c].into_iter().collect();
        assert_eq!(ab.union(bc).len(), 3);
        assert_eq!(ab.minus(bc).iter().collect::<Vec<_>>(), vec![a]);
        assert!(!ab.contains(c));
        assert_eq!(StateSet::from_bits(ab.bits()), ab);
        assert_eq!(StateSet::from_bits(u64::MAX).len(), 36);
    }
}

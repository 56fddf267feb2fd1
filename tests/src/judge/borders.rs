//! Who borders whom, read from an atlas of India state by state, and sets of states.
//!
//! It is the judge's own table, so that a mistake in the product's is not repeated here. A test compares the two once.
//! Not for anything but land borders: who receives what is the business of [`super::rules`].

use sanchar_schemas::StateCode;

/// Every state and union territory with its land neighbours of today.
const ATLAS: [(&str, &str); 36] = [
    ("IN-AN", ""),
    ("IN-AP", "IN-CG IN-KA IN-OD IN-PY IN-TN IN-TS"), // Puducherry: Yanam
    ("IN-AR", "IN-AS IN-NL"),
    ("IN-AS", "IN-AR IN-ML IN-MN IN-MZ IN-NL IN-TR IN-WB"),
    ("IN-BR", "IN-JH IN-UP IN-WB"),
    ("IN-CG", "IN-AP IN-JH IN-MH IN-MP IN-OD IN-TS IN-UP"),
    ("IN-CH", "IN-HR IN-PB"),
    ("IN-DH", "IN-GJ IN-MH"),
    ("IN-DL", "IN-HR IN-UP"),
    ("IN-GA", "IN-KA IN-MH"),
    ("IN-GJ", "IN-DH IN-MH IN-MP IN-RJ"),
    ("IN-HP", "IN-HR IN-JK IN-LA IN-PB IN-UK IN-UP"), // Uttar Pradesh: a few kilometres at the Yamuna
    ("IN-HR", "IN-CH IN-DL IN-HP IN-PB IN-RJ IN-UP"),
    ("IN-JH", "IN-BR IN-CG IN-OD IN-UP IN-WB"),
    ("IN-JK", "IN-HP IN-LA IN-PB"),
    ("IN-KA", "IN-AP IN-GA IN-KL IN-MH IN-TN IN-TS"),
    ("IN-KL", "IN-KA IN-PY IN-TN"), // Puducherry: Mahe
    ("IN-LA", "IN-HP IN-JK"),
    ("IN-LD", ""),
    ("IN-MH", "IN-CG IN-DH IN-GA IN-GJ IN-KA IN-MP IN-TS"),
    ("IN-ML", "IN-AS"),
    ("IN-MN", "IN-AS IN-MZ IN-NL"),
    ("IN-MP", "IN-CG IN-GJ IN-MH IN-RJ IN-UP"),
    ("IN-MZ", "IN-AS IN-MN IN-TR"),
    ("IN-NL", "IN-AR IN-AS IN-MN"),
    ("IN-OD", "IN-AP IN-CG IN-JH IN-WB"),
    ("IN-PB", "IN-CH IN-HP IN-HR IN-JK IN-RJ"),
    ("IN-PY", "IN-AP IN-KL IN-TN"), // Yanam, Mahe; Puducherry and Karaikal
    ("IN-RJ", "IN-GJ IN-HR IN-MP IN-PB IN-UP"),
    ("IN-SK", "IN-WB"),
    ("IN-TN", "IN-AP IN-KA IN-KL IN-PY"),
    ("IN-TR", "IN-AS IN-MZ"),
    ("IN-TS", "IN-AP IN-CG IN-KA IN-MH"),
    ("IN-UK", "IN-HP IN-UP"),
    ("IN-UP", "IN-BR IN-CG IN-DL IN-HP IN-HR IN-JH IN-MP IN-RJ IN-UK"),
    ("IN-WB", "IN-AS IN-BR IN-JH IN-OD IN-SK"),
];

/// Ladakh left Jammu and Kashmir on 31 October 2019 (Act 34 of 2019): that midnight in India, ms since 1970, UTC.
const LADAKH_SINCE_MS: i64 = 1_572_460_200_000;
/// Where the product's calendar ends, in ms since 1970: a later moment has no day, and counts as one of 1970.
const CALENDAR_ENDS_MS: i64 = 253_402_207_200_000;

/// Land neighbours of a state at a moment, ms since 1970, UTC.
#[must_use]
pub fn neighbours(state: StateCode, at_ms: i64) -> States {
    let row = ATLAS.iter().find(|(code, _)| *code == state.as_str());
    let has_ladakh = (LADAKH_SINCE_MS..CALENDAR_ENDS_MS).contains(&at_ms);
    let is_ladakh = |code: &str| code == "IN-LA";
    let codes = row.map_or("", |(_, codes)| codes).split_whitespace();
    let in_force = codes.filter(|code| has_ladakh || !(is_ladakh(code) || is_ladakh(state.as_str())));
    in_force.filter_map(|code| code.parse().ok()).collect()
}

/// A set of states, one bit for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct States(u64);

impl States {
    /// No state.
    pub const NONE: Self = Self(0);

    /// Whether the state is in the set.
    #[must_use]
    pub fn contains(self, state: StateCode) -> bool {
        self.0 & bit(state) != 0
    }

    /// Adds a state.
    pub fn insert(&mut self, state: StateCode) {
        self.0 |= bit(state);
    }

    /// States in either set.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// States in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// States in this set and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether no state is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The states.
    pub fn iter(self) -> impl Iterator<Item = StateCode> {
        StateCode::all().filter(move |state| self.contains(*state))
    }
}

impl FromIterator<StateCode> for States {
    fn from_iter<I: IntoIterator<Item = StateCode>>(states: I) -> Self {
        let mut set = Self::NONE;
        states.into_iter().for_each(|state| set.insert(state));
        set
    }
}

fn bit(state: StateCode) -> u64 {
    StateCode::all().position(|known| known == state).map_or(0, |position| 1 << position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const TODAY_MS: i64 = 1_768_000_000_000;

    #[test]
    fn borders_have_two_sides_and_every_state_a_row() {
        let states: BTreeSet<&str> = StateCode::all().map(StateCode::as_str).collect();
        assert_eq!(ATLAS.map(|(code, _)| code).into_iter().collect::<BTreeSet<_>>(), states);
        for (code, row) in ATLAS {
            let state: StateCode = code.parse().unwrap();
            assert_eq!(neighbours(state, TODAY_MS).iter().count(), row.split_whitespace().count(), "{code}");
            for neighbour in neighbours(state, TODAY_MS).iter() {
                assert!(neighbours(neighbour, TODAY_MS).contains(state), "{code} and {neighbour}");
                assert_ne!(state, neighbour);
            }
        }
    }

    /// The product's table was read from other sources. The two agree on every border, so neither is corrected here.
    #[test]
    fn the_atlas_and_the_products_table_agree() {
        let table = include_str!("../../../schemas/jurisdictions/adjacency.csv");
        // Moments at noon in India, and their days: before Ladakh, on its first day, and today.
        let moments =
            [(1_572_417_000_000, "2019-10-30"), (1_572_503_400_000, "2019-10-31"), (TODAY_MS, "2026-01-10")];
        for (at_ms, day) in moments {
            let mut theirs = BTreeSet::new();
            for line in table.lines().skip(1) {
                let [a, b, from, to] = line.split(',').collect::<Vec<_>>()[..] else { panic!("{line}") };
                if from <= day && (to.is_empty() || day <= to) {
                    theirs.extend([(a.to_owned(), b.to_owned()), (b.to_owned(), a.to_owned())]);
                }
            }
            let sides = |state: StateCode| {
                neighbours(state, at_ms).iter().map(move |other| (state.to_string(), other.to_string()))
            };
            let ours: BTreeSet<(String, String)> = StateCode::all().flat_map(sides).collect();
            assert_eq!(ours, theirs, "on {day}");
        }
    }

    #[test]
    fn ladakh_begins_at_midnight_in_india() {
        let himachal: StateCode = "IN-HP".parse().unwrap();
        let ladakh: StateCode = "IN-LA".parse().unwrap();
        assert!(!neighbours(himachal, LADAKH_SINCE_MS - 1).contains(ladakh));
        assert!(neighbours(himachal, LADAKH_SINCE_MS).contains(ladakh));
        assert!(neighbours(ladakh, LADAKH_SINCE_MS - 1).is_empty());
        assert!(!neighbours(himachal, i64::MAX).contains(ladakh));
    }
}

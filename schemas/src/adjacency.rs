//! Which states border which, and since when: `jurisdictions/adjacency.csv`.
//!
//! The table is an edge list, so it is symmetric by construction. It says who borders whom on a date;
//! who receives what is the router's business (crate `sanchar-fanout`).

use crate::state::{StateCode, StateSet, UnknownState};
use jiff::civil::Date;
use std::sync::LazyLock;

const TABLE: &str = include_str!("../jurisdictions/adjacency.csv");

#[derive(serde::Deserialize)]
struct Row {
    a: String,
    b: String,
    valid_from: Option<Date>,
    valid_to: Option<Date>,
}

/// A border between two states, in force from `valid_from` to `valid_to`, both included; open where `None`.
#[derive(Debug, Clone, Copy)]
struct Border {
    a: StateCode,
    b: StateCode,
    valid_from: Option<Date>,
    valid_to: Option<Date>,
}

impl Border {
    fn in_force(&self, on: Date) -> bool {
        self.valid_from.is_none_or(|from| from <= on) && self.valid_to.is_none_or(|to| on <= to)
    }

    fn other_side(&self, state: StateCode) -> Option<StateCode> {
        match state {
            s if s == self.a => Some(self.b),
            s if s == self.b => Some(self.a),
            _ => None,
        }
    }
}

/// Why a table of borders cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AdjacencyError {
    /// The text is not a table with the columns `a,b,valid_from,valid_to`.
    #[error("the adjacency table is malformed: {0}")]
    Malformed(#[from] csv::Error),
    /// A code is not a state's.
    #[error("the adjacency table names an {0}")]
    State(#[from] UnknownState),
    /// A state borders itself.
    #[error("the adjacency table says that {0} borders itself; remove that line")]
    SelfBorder(StateCode),
}

/// A dated table of land borders.
#[derive(Debug)]
pub struct Adjacency(Vec<Border>);

impl Adjacency {
    /// Reads a table with the columns `a,b,valid_from,valid_to` (ISO 8601 dates, empty = open).
    ///
    /// # Errors
    /// On malformed text, an unknown state or a state that borders itself.
    pub fn parse(text: &str) -> Result<Self, AdjacencyError> {
        let mut borders = Vec::new();
        for row in csv::Reader::from_reader(text.as_bytes()).into_deserialize::<Row>() {
            let Row { a, b, valid_from, valid_to } = row?;
            let (a, b) = (a.parse::<StateCode>()?, b.parse::<StateCode>()?);
            if a == b {
                return Err(AdjacencyError::SelfBorder(a));
            }
            borders.push(Border { a, b, valid_from, valid_to });
        }
        Ok(Self(borders))
    }

    /// The table compiled into this crate.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the table is compiled in and a test reads it")]
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Adjacency> =
            LazyLock::new(|| Adjacency::parse(TABLE).expect("jurisdictions/adjacency.csv is well formed"));
        &BUILTIN
    }

    /// States that share a land border with `state` on the given date.
    #[must_use]
    pub fn neighbours(&self, state: StateCode, on: Date) -> StateSet {
        self.0
            .iter()
            .filter(|border| border.in_force(on))
            .filter_map(|border| border.other_side(state))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const TODAY: Date = date(2026, 11, 1);

    fn neighbours(code: &str, on: Date) -> Vec<&'static str> {
        Adjacency::builtin().neighbours(code.parse().unwrap(), on).iter().map(StateCode::as_str).collect()
    }

    #[test]
    fn known_neighbours() {
        assert_eq!(neighbours("IN-DL", TODAY), ["IN-HR", "IN-UP"]);
        assert_eq!(neighbours("IN-GA", TODAY), ["IN-KA", "IN-MH"]);
        assert_eq!(neighbours("IN-UP", TODAY).len(), 9);
        assert_eq!(neighbours("IN-SK", TODAY), ["IN-WB"]);
        assert!(neighbours("IN-LD", TODAY).is_empty());
    }

    #[test]
    fn symmetric_and_never_to_self() {
        let edges: usize = StateCode::all()
            .map(|state| {
                let set = Adjacency::builtin().neighbours(state, TODAY);
                assert!(!set.contains(state));
                assert!(
                    set.iter().all(|other| Adjacency::builtin().neighbours(other, TODAY).contains(state))
                );
                set.len()
            })
            .sum();
        assert_eq!(edges, 2 * 67);
    }

    #[test]
    fn a_border_counts_from_its_date() {
        assert!(!neighbours("IN-LA", date(2019, 10, 30)).contains(&"IN-JK"));
        assert!(neighbours("IN-LA", date(2019, 10, 31)).contains(&"IN-JK"));
    }

    #[test]
    fn bad_tables_are_refused() {
        assert!(matches!(
            Adjacency::parse("a,b,valid_from,valid_to\nIN-DL,IN-XX,,\n"),
            Err(AdjacencyError::State(_))
        ));
        assert!(matches!(
            Adjacency::parse("a,b,valid_from,valid_to\nIN-DL,IN-DL,,\n"),
            Err(AdjacencyError::SelfBorder(_))
        ));
        assert!(matches!(
            Adjacency::parse("a,b,valid_from,valid_to\nIN-DL,IN-HR,soon,\n"),
            Err(AdjacencyError::Malformed(_))
        ));
    }
}

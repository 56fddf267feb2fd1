//! Which states border which, and since when: `jurisdictions/adjacency.csv`.
//!
//! The table is an edge list, so it is symmetric by construction; one that lists every border from both sides is read as
//! well. It says who borders whom on a date; who receives what is the router's business (crate `sanchar-fanout`).

use crate::jurisdictions;
use crate::state::{StateCode, StateSet, UnknownState};
use jiff::civil::Date;
use std::sync::LazyLock;

#[derive(serde::Deserialize)]
struct Row {
    a: String,
    b: String,
    #[serde(default)]
    valid_from: Option<Date>,
    #[serde(default)]
    valid_to: Option<Date>,
}

/// A border between two states, in force from `valid_from` to `valid_to`, both included; open where `None`.
#[derive(Debug, Clone, Copy)]
struct Border {
    a: StateCode,
    b: StateCode,
    valid_from: Option<Date>,
    valid_to: Option<Date>,
    line: u64,
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

    fn is_between(&self, a: StateCode, b: StateCode) -> bool {
        (self.a, self.b) == (a, b)
    }

    fn overlaps(&self, other: &Self) -> bool {
        let begins_before_end = |a: &Self, b: &Self| match (a.valid_from, b.valid_to) {
            (Some(from), Some(to)) => from <= to,
            _ => true,
        };
        begins_before_end(self, other) && begins_before_end(other, self)
    }
}

/// Why a table of borders cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AdjacencyError {
    /// The text is not a table with the columns `a,b,valid_from,valid_to`.
    #[error("is no table with the columns a,b,valid_from,valid_to (dates as 2014-06-02, or empty): {0}")]
    Malformed(#[from] csv::Error),
    /// A code is not a state's.
    #[error("line {line}: {error}")]
    State {
        /// Line in the text, from 1.
        line: u64,
        /// The code.
        error: UnknownState,
    },
    /// A state borders itself.
    #[error("line {line}: {state} borders itself: remove the line")]
    SelfBorder {
        /// Line in the text, from 1.
        line: u64,
        /// The state.
        state: StateCode,
    },
    /// A border ends before it begins.
    #[error("line {line}: the border between {a} and {b} ends before it begins: correct its dates")]
    Dates {
        /// Line in the text, from 1.
        line: u64,
        /// One side.
        a: StateCode,
        /// The other.
        b: StateCode,
    },
    /// Two lines say something about one border at one time.
    #[error(
        "lines {first} and {line}: both are about the border between {a} and {b} at the same time: remove one"
    )]
    Twice {
        /// The earlier line in the text, from 1.
        first: u64,
        /// The later one.
        line: u64,
        /// One side.
        a: StateCode,
        /// The other.
        b: StateCode,
    },
    /// A table that lists borders from both sides lacks one side.
    #[error(
        "line {line}: the border of {a} with {b} is not listed from {b}'s side with the same dates, and others are listed from both sides: add it"
    )]
    OneSided {
        /// Line in the text, from 1.
        line: u64,
        /// The side that is listed.
        a: StateCode,
        /// The side that is not.
        b: StateCode,
    },
    /// A column is missing, or one is there that means nothing.
    #[error(
        "line 1: the columns are not a,b,valid_from,valid_to, in small letters and separated by commas; the last two may be missing"
    )]
    Columns,
    /// The table is empty.
    #[error("holds no border: is it the right file?")]
    Empty,
}

/// A dated table of land borders.
#[derive(Debug)]
pub struct Adjacency(Vec<Border>);

impl Adjacency {
    /// Reads a table with the columns `a,b,valid_from,valid_to` (ISO 8601 dates, empty = open; the last two may be missing).
    /// A byte order mark, Windows line ends and older state codes are accepted.
    ///
    /// # Errors
    /// On malformed text, an unknown state, a state that borders itself, borders that contradict one another.
    pub fn parse(text: &str) -> Result<Self, AdjacencyError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut borders: Vec<Border> = Vec::new();
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let headers = reader.headers()?.clone();
        let is_known = |name: &str| ["a", "b", "valid_from", "valid_to"].contains(&name);
        let has = |wanted: &str| headers.iter().any(|name| name == wanted);
        let fits = headers.iter().all(is_known) && has("a") && has("b");
        if !fits && !headers.is_empty() {
            return Err(AdjacencyError::Columns);
        }
        for record in reader.records() {
            let record = record?;
            let line = record.position().map_or(0, csv::Position::line);
            let Row { a, b, valid_from, valid_to } = record.deserialize(Some(&headers))?;
            let state = |code: &str| code.parse().map_err(|error| AdjacencyError::State { line, error });
            let (a, b): (StateCode, StateCode) = (state(&a)?, state(&b)?);
            if a == b {
                return Err(AdjacencyError::SelfBorder { line, state: a });
            }
            if valid_from.zip(valid_to).is_some_and(|(from, to)| to < from) {
                return Err(AdjacencyError::Dates { line, a, b });
            }
            let border = Border { a, b, valid_from, valid_to, line };
            if let Some(known) =
                borders.iter().find(|known| known.is_between(a, b) && known.overlaps(&border))
            {
                return Err(AdjacencyError::Twice { first: known.line, line, a, b });
            }
            borders.push(border);
        }
        both_sides(borders).map(Self)
    }

    /// The table compiled into this crate.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the table is compiled in and a test reads it")]
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Adjacency> = LazyLock::new(|| {
            Adjacency::parse(jurisdictions::ADJACENCY.text)
                .expect("jurisdictions/adjacency.csv is well formed")
        });
        &BUILTIN
    }

    /// The days after `day` on which borders begin or no longer count.
    #[must_use]
    pub fn changes_after(&self, day: Date) -> Vec<Date> {
        let ends = self.0.iter().filter_map(|border| border.valid_to?.tomorrow().ok());
        let begins = self.0.iter().filter_map(|border| border.valid_from);
        let mut days: Vec<Date> = begins.chain(ends).filter(|change| *change > day).collect();
        days.sort_unstable();
        days.dedup();
        days
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

/// Each border once, whether the table lists it from one side or from both.
fn both_sides(borders: Vec<Border>) -> Result<Vec<Border>, AdjacencyError> {
    let is_mirror =
        |border: &Border, other: &Border| other.is_between(border.b, border.a) && other.overlaps(border);
    let is_mirrored = |border: &&Border| borders.iter().any(|other| is_mirror(border, other));
    let Some(first) = borders.first() else { return Err(AdjacencyError::Empty) };
    let mirrored = borders.iter().filter(is_mirrored).count();
    if mirrored == 0 {
        return Ok(borders);
    }
    // One border of many that is listed again the other way round is a mistake; a table of both sides lists all so.
    if mirrored * 2 < borders.len() {
        let line = borders.iter().filter(is_mirrored).nth(1).unwrap_or(first);
        let earlier = borders.iter().find(|other| is_mirror(line, other)).unwrap_or(first);
        return Err(AdjacencyError::Twice {
            first: earlier.line.min(line.line),
            line: line.line.max(earlier.line),
            a: line.a,
            b: line.b,
        });
    }
    let has_mirror = |border: &Border| {
        let dates = (border.valid_from, border.valid_to);
        borders
            .iter()
            .any(|other| other.is_between(border.b, border.a) && (other.valid_from, other.valid_to) == dates)
    };
    if let Some(Border { a, b, line, .. }) = borders.iter().find(|border| !has_mirror(border)) {
        return Err(AdjacencyError::OneSided { line: *line, a: *a, b: *b });
    }
    Ok(borders.into_iter().filter(|border| border.a.as_str() < border.b.as_str()).collect())
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
        for (table, part) in [
            ("a,b,valid_from,valid_to\nIN-DL,IN-XX,,\n", "line 2: unknown state code `IN-XX`"),
            ("a,b,valid_from,valid_to\nIN-DL,IN-HR,,\nIN-DL,IN-DL,,\n", "line 3: IN-DL borders itself"),
            ("a,b,valid_from,valid_to\nIN-DL,IN-HR,soon,\n", "columns"),
            ("x,y\nIN-DL,IN-HR\n", "line 1: the columns are not"),
            ("a;b\nIN-DL;IN-HR\n", "line 1: the columns are not"),
            ("a,b,valid_form\nIN-DL,IN-HR,\n", "line 1: the columns are not"),
            ("a,b\n", "no border"),
            ("", "no border"),
            ("a,b\nIN-DL,IN-HR\nIN-DL,IN-UP\nIN-DL,IN-HR\n", "lines 2 and 4"),
            ("a,b\nIN-DL,IN-HR\nIN-DL,IN-UP\nIN-HR,IN-PB\nIN-HR,IN-RJ\nIN-HR,IN-DL\n", "lines 2 and 6"),
            ("a,b\nIN-GJ,IN-DD\nIN-GJ,IN-DN\n", "lines 2 and 3"),
            (
                "a,b\nIN-DL,IN-HR\nIN-HR,IN-DL\nIN-DL,IN-UP\n",
                "line 4: the border of IN-DL with IN-UP is not listed from IN-UP's side",
            ),
            (
                "a,b,valid_from,valid_to\nIN-DL,IN-HR,2020-01-01,2019-01-01\n",
                "line 2: the border between IN-DL and IN-HR ends before",
            ),
            (
                "a,b,valid_from,valid_to\nIN-DL,IN-HR,,2020-01-01\nIN-DL,IN-HR,2020-01-01,\n",
                "at the same time",
            ),
        ] {
            let error = Adjacency::parse(table).unwrap_err().to_string();
            assert!(error.contains(part), "{error} does not say {part}");
        }
    }

    #[test]
    fn a_table_as_windows_programs_write_it_with_older_codes_and_of_both_sides_is_read() {
        let table = "\u{feff}a,b,valid_from,valid_to\r\nIN-OR , IN-CT,,\r\nin-ct,IN-OD,,\r\n";
        let read = Adjacency::parse(table).unwrap();
        let [odisha, chhattisgarh] = ["IN-OD", "IN-CG"].map(|code| code.parse::<StateCode>().unwrap());
        assert_eq!(read.neighbours(odisha, TODAY).iter().collect::<Vec<_>>(), [chhattisgarh]);
        assert_eq!(read.neighbours(chhattisgarh, TODAY).iter().collect::<Vec<_>>(), [odisha]);
    }

    #[test]
    fn a_border_may_end_and_come_back() {
        let table = "a,b,valid_from,valid_to\nIN-DL,IN-RJ,,2000-12-31\nIN-DL,IN-RJ,2010-01-01,\n";
        let read = Adjacency::parse(table).unwrap();
        let delhi: StateCode = "IN-DL".parse().unwrap();
        let counts = [date(2000, 12, 31), date(2005, 1, 1), date(2010, 1, 1)]
            .map(|on| read.neighbours(delhi, on).len());
        assert_eq!(counts, [1, 0, 1]);
    }
}

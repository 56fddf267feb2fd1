//! The rows of other files, found by the case that they belong to. Values alone: they are read in [`crate::siblings`].

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::language::column::{Column, Columns};
use crate::language::field::Cells;
use crate::language::join::Join;
use crate::language::targets::Person;
use crate::reason::{At as _, Problem, Reason, Rejection};
use crate::source::RawRow;
use crate::text::{latin_digits, squeeze};

/// The rows of all joins, in the order of the configuration.
#[derive(Debug, Default)]
pub struct Joined {
    pub(crate) tables: Vec<Table>,
}

/// The rows of one join.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// The name of the join.
    pub(crate) name: String,
    /// The files, for messages.
    pub(crate) files: String,
    /// Their columns; `None` while there is no file.
    pub(crate) columns: Option<Columns>,
    /// The files' names, as they are shown.
    pub(crate) shown: Vec<String>,
    pub(crate) cases: HashMap<String, Case>,
    /// Rows that could not be read. Each may belong to any case.
    pub(crate) damaged: Vec<Damaged>,
    /// Cases that have lost rows since this process began.
    pub(crate) shrunken: Shrunken,
}

/// A row of a joined file that could not be read.
#[derive(Debug)]
pub(crate) struct Damaged {
    /// Its file.
    pub(crate) file: PathBuf,
    pub(crate) row: RawRow,
    pub(crate) rejection: Rejection,
}

/// The most rows that each case of a join had, and the cases that have fewer now. Cases are known by a fingerprint, and only so
/// many.
#[derive(Debug, Default)]
pub(crate) struct Shrunken {
    keys: RandomState,
    most: HashMap<u64, usize>,
    cases: HashSet<u64>,
}

impl Shrunken {
    /// As many cases as rows fit into a join's memory by default, and some more.
    const CASES_MAX: usize = 1 << 20;

    /// Takes up the cases as they are now.
    pub(crate) fn see(&mut self, cases: &HashMap<String, Case>) {
        let now: HashMap<u64, usize> =
            cases.iter().map(|(key, case)| (self.keys.hash_one(key), case.rows.len())).collect();
        let has_fewer =
            |(case, most): (&u64, &usize)| now.get(case).is_none_or(|rows| rows < most).then_some(*case);
        self.cases = self.most.iter().filter_map(has_fewer).collect();
        if self.most.len() + now.len() > Self::CASES_MAX {
            self.most.clear();
        }
        for (case, rows) in now {
            let most = self.most.entry(case).or_default();
            *most = rows.max(*most);
        }
    }

    /// What a table needs to know: which cases have fewer rows.
    pub(crate) fn now(&self) -> Self {
        Self { keys: self.keys.clone(), most: HashMap::new(), cases: self.cases.clone() }
    }

    fn has(&self, key: &str) -> bool {
        !self.cases.is_empty() && self.cases.contains(&self.keys.hash_one(key))
    }
}

impl Table {
    /// Whether a case may have more rows than are known.
    fn may_lack_rows(&self, key: Option<&str>) -> bool {
        let is_known = !self.cases.is_empty() && self.damaged.is_empty();
        !is_known || key.is_none_or(|key| self.shrunken.has(key))
    }
}

/// The rows of one case.
#[derive(Debug, Default)]
pub(crate) struct Case {
    pub(crate) rows: Vec<JoinedRow>,
    /// Whether its main row was seen.
    found: AtomicBool,
}

/// A row of a joined file.
#[derive(Debug, Default)]
pub(crate) struct JoinedRow {
    pub(crate) cells: Vec<String>,
    /// Position of its file in [`Table::shown`].
    pub(crate) file: usize,
    /// Its line, from 1.
    pub(crate) line: u64,
}

/// Where a joined row stands, for whoever has to mend it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    file: &'a str,
    line: u64,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// The rows that belong to one row of the source, by their join.
#[derive(Debug, Default)]
pub(crate) struct OfTheCase<'a> {
    rows: Vec<(&'a Table, &'a [JoinedRow])>,
    /// The joins that may have more of them.
    incomplete: Vec<&'a str>,
}

impl Joined {
    /// The table that a join fills.
    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// The rows that belong to a row of the source.
    ///
    /// # Errors
    /// When they are more than the mapping expects of one case.
    pub(crate) fn of<'a>(&'a self, joins: &[Join], cells: &Cells<'_>) -> Result<OfTheCase<'a>, Rejection> {
        let mut found = OfTheCase::default();
        for (join, table) in joins.iter().zip(&self.tables) {
            let key = key(join.key.iter().map(|column| cells.get(column)));
            if table.may_lack_rows(key.as_deref()) {
                found.incomplete.push(&table.name);
            }
            let Some(case) = key.and_then(|key| table.cases.get(&key)) else {
                // Its rows may be on their way: files of one export do not come at once.
                if join.every_case && !found.incomplete.contains(&table.name.as_str()) {
                    found.incomplete.push(&table.name);
                }
                continue;
            };
            case.found.store(true, Ordering::Relaxed);
            if case.rows.len() > join.max_rows_per_case {
                let message = "has more joined rows than max_rows_per_case: raise it, or correct the key";
                return Err(Problem::new(Reason::TooManyJoined, message))
                    .at(&format!("rows.join.{}", join.name));
            }
            found.rows.push((table, case.rows.as_slice()));
        }
        Ok(found)
    }

    /// Of each join: its name, the rows whose case was not seen, and the rows that could not be read.
    pub(crate) fn left_over(&self) -> impl Iterator<Item = (&str, u64, u64)> {
        self.tables.iter().map(|table| {
            let unseen = table.cases.values().filter(|case| !case.found.load(Ordering::Relaxed));
            let rows: usize = unseen.map(|case| case.rows.len()).sum();
            (table.name.as_str(), count(rows), count(table.damaged.len()))
        })
    }

    /// The rows of all joins that could not be read.
    pub(crate) fn damaged(&self) -> impl Iterator<Item = &Damaged> {
        self.tables.iter().flat_map(|table| &table.damaged)
    }
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

impl<'a> OfTheCase<'a> {
    /// Whether persons of the case may be missing: a joined file is not whole, or is not there, or has no row of the case.
    pub(crate) fn may_lack_persons(&self, persons: Option<&[Person]>) -> bool {
        let is_of = |person: &Person| {
            person.each.as_ref().is_some_and(|each| self.incomplete.contains(&each.0.as_str()))
        };
        !self.incomplete.is_empty() && persons.unwrap_or_default().iter().any(is_of)
    }

    /// The rows of a join, each with the cells of the source's row behind its own, and where it stands.
    pub(crate) fn each<'s>(
        &'s self,
        join: &str,
        main: &'s Cells<'_>,
    ) -> impl Iterator<Item = (Cells<'s>, Place<'s>)> {
        let found = self.rows.iter().find(|(table, _)| table.name == join);
        found.into_iter().flat_map(move |(table, rows)| {
            rows.iter().map(move |row| {
                let own = row.cells.iter().map(|cell| Cow::Borrowed(cell.as_str()));
                let cells = own.chain(main.0.iter().map(|cell| Cow::Borrowed(cell.as_ref()))).collect();
                let file = table.shown.get(row.file).map_or("", String::as_str);
                (Cells(cells), Place { file, line: row.line })
            })
        })
    }
}

/// What two rows of one case have in common; `None` where nothing is said.
pub(crate) fn key<'a>(parts: impl Iterator<Item = &'a str>) -> Option<String> {
    const BETWEEN: char = '\u{1f}';
    let mut key = String::new();
    let mut is_empty = true;
    for part in parts {
        let part = squeeze(part);
        is_empty &= part.is_empty();
        key.push_str(&latin_digits(&part));
        key.push(BETWEEN);
    }
    (!is_empty).then_some(key)
}

/// Which columns of a join's rows are carried, for a check of their encoding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CarriedOf {
    pub(crate) join: String,
    pub(crate) position: usize,
    pub(crate) name: String,
}

impl CarriedOf {
    /// The column of a join, bound.
    pub(crate) fn new(join: &str, position: usize, column: &Column) -> Self {
        Self { join: join.to_owned(), position, name: column.name().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(rows: &[(&str, usize)]) -> HashMap<String, Case> {
        let case = |rows: usize| Case {
            rows: std::iter::repeat_with(JoinedRow::default).take(rows).collect(),
            ..Case::default()
        };
        rows.iter().map(|(key, rows)| ((*key).to_owned(), case(*rows))).collect()
    }

    #[test]
    fn a_case_that_loses_rows_may_lack_them_until_they_are_back() {
        let mut shrunken = Shrunken::default();
        let mut lacking = |now: &[(&str, usize)]| {
            let cases = cases(now);
            shrunken.see(&cases);
            let table = Table { cases, shrunken: shrunken.now(), ..Table::default() };
            ["a", "b", "c"].into_iter().filter(|key| table.may_lack_rows(Some(key))).collect::<String>()
        };
        assert_eq!(lacking(&[("a", 2), ("b", 1)]), "");
        assert_eq!(lacking(&[("a", 1), ("c", 1)]), "ab");
        assert_eq!(lacking(&[("a", 1), ("b", 1), ("c", 2)]), "a");
        assert_eq!(lacking(&[("a", 2), ("b", 1), ("c", 2)]), "");
        assert_eq!(lacking(&[]), "abc", "there is nothing to go by");
        assert!(Table { cases: cases(&[("a", 1)]), ..Table::default() }.may_lack_rows(None));
    }
}

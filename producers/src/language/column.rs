//! Columns as a mapping names them, and the columns that a source really has.
//!
//! A mapping is written with names; before the first row is read they are bound to positions, once per file, and a
//! name that the file lacks is refused then. Nothing here reads a row.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::squeeze;

/// A column that a mapping names.
#[derive(Clone, PartialEq, Eq)]
pub struct Column {
    name: String,
    /// Position in the row, once bound.
    index: Option<usize>,
    /// The join whose rows it is read from.
    scope: Option<String>,
}

impl Column {
    /// The name as written in the mapping.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The join whose rows it is read from; `None` for the source's own.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// Position in the row; `None` before it is bound.
    #[must_use]
    pub fn index(&self) -> Option<usize> {
        self.index
    }
}

impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.name)
    }
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { name: String::deserialize(deserializer)?, index: None, scope: None })
    }
}

impl Serialize for Column {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

/// What a mapping does with a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Its content may be published.
    Carried,
    /// It is looked at, and its content stays.
    Looked,
}

/// The columns of a source, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    names: Vec<String>,
    index: HashMap<String, usize>,
    repeated: Vec<String>,
}

/// A column that a mapping names and the source does not have, or has twice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}{field} names the column `{column}`, which {source_name} {problem}")]
pub struct UnknownColumn {
    /// `karnataka.toml:41:10: `; empty where the configuration is in no file.
    pub place: Box<str>,
    /// Place in the configuration.
    pub field: String,
    /// The name as written there.
    pub column: String,
    /// The source's file.
    pub source_name: String,
    /// What is wrong and which names are near.
    pub problem: String,
}

impl UnknownColumn {
    /// The same of a file that has none of the columns that are named: what stands in their place may be a row, which is not shown.
    pub(crate) fn without_names(self) -> Self {
        let problem = "does not have, nor any other column that is named: see whether its first line is the header \
                       (source.header, source.skip_lines), and whether source.delimiter stands between its fields";
        Self { problem: problem.into(), ..self }
    }
}

impl Columns {
    /// Columns with these names, trimmed, inner blanks squeezed.
    pub fn new<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        let mut columns = Self::default();
        for name in names {
            columns.add(name.as_ref());
        }
        columns
    }

    /// Adds a column at the end and gives its position.
    pub(crate) fn add(&mut self, name: &str) -> usize {
        let name = squeeze(name).into_owned();
        let position = self.names.len();
        if self.index.insert(name.clone(), position).is_some() {
            self.repeated.push(name.clone());
        }
        self.names.push(name);
        position
    }

    /// Where a column of this name is.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// These columns with others behind them; of two with one name, this one's.
    pub(crate) fn before(&self, others: &Self) -> Self {
        let names = self.names.iter().chain(&others.names).cloned().collect();
        let mut index: HashMap<String, usize> =
            others.index.iter().map(|(name, position)| (name.clone(), self.len() + position)).collect();
        index.extend(self.index.clone());
        let theirs = others.repeated.iter().filter(|name| !self.index.contains_key(*name));
        Self { names, index, repeated: self.repeated.iter().chain(theirs).cloned().collect() }
    }

    /// Number of columns.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Their names, in order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether there is a column of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.index.contains_key(squeeze(name).as_ref())
    }

    /// Binds a column that `field` of the configuration names. `source_name` is for the message.
    pub(crate) fn bind(
        &self,
        column: &mut Column,
        field: &str,
        source_name: &str,
    ) -> Result<usize, UnknownColumn> {
        let name = squeeze(&column.name);
        let refuse = |problem: String| UnknownColumn {
            place: Box::default(),
            field: field.to_owned(),
            column: column.name.clone(),
            source_name: source_name.to_owned(),
            problem,
        };
        if self.repeated.iter().any(|repeated| *repeated == name) {
            return Err(refuse(
                "has more than once: rename one of them, or name the columns in source.columns".into(),
            ));
        }
        let position = self.index.get(name.as_ref()).copied().ok_or_else(|| refuse(self.near(&name)))?;
        column.index = Some(position);
        Ok(position)
    }

    /// `does not have: did you mean …?`, or all names where none is near.
    fn near(&self, name: &str) -> String {
        const SHOWN: usize = 3;
        let wanted = name.to_lowercase();
        let mut near: Vec<(f64, &str)> = self
            .names
            .iter()
            .map(|known| {
                (strsim::normalized_damerau_levenshtein(&wanted, &known.to_lowercase()), known.as_str())
            })
            .filter(|(likeness, _)| *likeness >= 0.5)
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
        let quoted = |names: &[&str]| names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
        let near: Vec<&str> = near.into_iter().map(|(_, name)| name).take(SHOWN).collect();
        if near.is_empty() {
            let all: Vec<&str> = self.names.iter().map(String::as_str).collect();
            return format!("does not have: its columns are {}", quoted(&all));
        }
        format!("does not have: did you mean {}?", quoted(&near))
    }
}

/// A part of a mapping that names columns.
pub(crate) trait NamesColumns {
    /// Shows every column to `visit`.
    fn each_column(&mut self, visit: &mut Visit<'_>);
}

/// Goes through a mapping's columns with the path of the place it is at.
pub(crate) struct Visit<'a> {
    path: String,
    scope: Option<String>,
    seen: &'a mut dyn FnMut(&str, &mut Column, Use),
}

impl<'a> Visit<'a> {
    /// Begins at `path`; `seen` gets the path, the column and what is done with it.
    pub(crate) fn new(path: &str, seen: &'a mut dyn FnMut(&str, &mut Column, Use)) -> Self {
        Self { path: path.to_owned(), scope: None, seen }
    }

    /// Shows one column.
    pub(crate) fn column(&mut self, column: &mut Column, how: Use) {
        column.scope.clone_from(&self.scope);
        (self.seen)(&self.path, column, how);
    }

    /// The columns that follow are those of a join's rows, until the table ends.
    pub(crate) fn enter(&mut self, join: &str) {
        self.scope = Some(join.to_owned());
    }

    /// Goes through a table, at whose end its join ends too.
    pub(crate) fn table(&mut self, fields: impl FnOnce(&mut Self)) {
        let outer = self.scope.clone();
        fields(self);
        self.scope = outer;
    }

    /// Goes into the part called `name`.
    pub(crate) fn within(&mut self, name: &str, part: &mut (impl NamesColumns + ?Sized)) {
        let length = self.path.len();
        self.path.push('.');
        self.path.push_str(name);
        part.each_column(self);
        self.path.truncate(length);
    }
}

impl<T: NamesColumns> NamesColumns for Option<T> {
    fn each_column(&mut self, visit: &mut Visit<'_>) {
        if let Some(part) = self {
            part.each_column(visit);
        }
    }
}

impl<T: NamesColumns> NamesColumns for Vec<T> {
    fn each_column(&mut self, visit: &mut Visit<'_>) {
        for (i, item) in self.iter_mut().enumerate() {
            let length = visit.path.len();
            visit.path.push_str(&format!("[{i}]"));
            item.each_column(visit);
            visit.path.truncate(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(columns: &Columns, name: &str) -> Result<usize, UnknownColumn> {
        let mut column = Column { name: name.to_owned(), index: None, scope: None };
        columns.bind(&mut column, "mapping.fir.number", "fir.csv")
    }

    #[test]
    fn names_are_found_whatever_their_blanks() {
        let columns = Columns::new([" FIRNo ", "Arrested Count\tNo.", "थाना\u{a0}"]);
        assert_eq!(bind(&columns, "FIRNo"), Ok(0));
        assert_eq!(bind(&columns, "Arrested Count\tNo."), Ok(1));
        assert_eq!(bind(&columns, "थाना"), Ok(2));
    }

    #[test]
    fn an_unknown_name_is_refused_with_its_neighbours() {
        let columns = Columns::new(["FIRNo", "FIR_Date", "UnitName"]);
        let error = bind(&columns, "FIR_NO").unwrap_err().to_string();
        assert_eq!(
            error,
            "mapping.fir.number names the column `FIR_NO`, which fir.csv does not have: did you mean `FIRNo`, `FIR_Date`?"
        );
        let error = bind(&columns, "क्रमांक").unwrap_err().to_string();
        assert!(error.ends_with("its columns are `FIRNo`, `FIR_Date`, `UnitName`"), "{error}");
    }

    #[test]
    fn a_name_that_stands_twice_is_refused() {
        let error = bind(&Columns::new(["Date", "Date"]), "Date").unwrap_err().to_string();
        assert!(error.contains("fir.csv has more than once"), "{error}");
    }
}

//! One JSON object per line as a row: nested objects and lists become columns named `vehicle.number`, `vehicles.0.type`.
//!
//! Every scalar becomes text. A key that stands twice and a number that has lost digits are refused, not guessed.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::language::column::Columns;
use crate::reason::{Problem, Reason};

/// Whole numbers beyond this have lost digits when they were written as a floating-point number.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// The cells of a line, in the order of `columns`; columns that the object lacks are empty.
///
/// # Errors
/// When the line is not one object, names a key twice or holds a number that is not exact.
pub(crate) fn cells<'a>(line: &str, columns: &Columns) -> Result<Vec<Cow<'a, str>>, Problem> {
    let longest = columns.names().iter().map(String::len).max().unwrap_or(0);
    let mut row = Row { path: String::new(), columns, longest, found: HashMap::new(), fault: None };
    let mut json = serde_json::Deserializer::from_str(line);
    let read = Flatten { row: &mut row, top: true }.deserialize(&mut json).and_then(|()| json.end());
    read.map_err(|error| {
        // The parser's own words may quote the line; its place does not.
        let what = row.fault.as_ref().map_or(Cow::Borrowed("is not json"), Fault::problem);
        Problem::new(Reason::BadJson, format!("{what}: see column {} of the line", error.column()))
    })?;
    let mut found = row.found;
    Ok(columns.names().iter().map(|name| Cow::Owned(found.remove(name).unwrap_or_default())).collect())
}

/// What is read of a line. Only values of columns are kept: under a long name, a thousand others would each hold a copy of it.
struct Row<'c> {
    /// The name of the value that is being read.
    path: String,
    columns: &'c Columns,
    /// Length of the longest column's name.
    longest: usize,
    found: HashMap<String, String>,
    /// What is wrong with it although it is JSON.
    fault: Option<Fault>,
}

/// Why JSON is no row.
enum Fault {
    NoObject,
    /// A key stands twice: the column that it fills, or none where it fills none and so is not shown.
    Twice(Option<String>),
    /// A number has lost digits, of a column.
    Inexact(Option<String>),
}

impl Fault {
    fn problem(&self) -> Cow<'static, str> {
        match self {
            Self::NoObject => Cow::Borrowed("is no object, as in {\"no\": \"12\"}"),
            Self::Twice(Some(key)) => Cow::Owned(format!("has the key `{key}` twice, keep one")),
            Self::Twice(None) => Cow::Borrowed("has a key twice, keep one"),
            Self::Inexact(Some(key)) => {
                Cow::Owned(format!("has a number in `{key}` that has lost digits, write it as a text"))
            }
            Self::Inexact(None) => Cow::Borrowed("has a number that has lost digits, write it as a text"),
        }
    }
}

impl Row<'_> {
    /// Notes what is wrong, and gives an error that stops the parser.
    fn fail<E: de::Error>(&mut self, fault: Fault) -> E {
        self.fault = Some(fault);
        E::custom("no row")
    }

    /// The name of the value that is being read, where it is a column's: other keys may be anything.
    fn column(&self) -> Option<String> {
        self.columns.contains(&self.path).then(|| self.path.clone())
    }
}

struct Flatten<'f, 'c> {
    row: &'f mut Row<'c>,
    top: bool,
}

impl<'c> Flatten<'_, 'c> {
    fn put<E: de::Error>(self, text: impl Into<String>) -> Result<(), E> {
        if self.top {
            return Err(self.row.fail(Fault::NoObject));
        }
        let Row { path, columns, longest, found, .. } = &mut *self.row;
        if path.len() > *longest || !columns.contains(path) {
            return Ok(());
        }
        if found.insert(path.clone(), text.into()).is_some() {
            let column = self.row.column();
            return Err(self.row.fail(Fault::Twice(column)));
        }
        Ok(())
    }

    /// Reads a value within this one.
    fn within<T, E>(
        &mut self,
        name: &str,
        read: impl FnOnce(Flatten<'_, 'c>) -> Result<T, E>,
    ) -> Result<T, E> {
        let length = self.row.path.len();
        if !self.top {
            self.row.path.push('.');
        }
        self.row.path.push_str(name);
        let outcome = read(Flatten { row: &mut *self.row, top: false });
        self.row.path.truncate(length);
        outcome
    }
}

impl<'de> DeserializeSeed<'de> for Flatten<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Flatten<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if names.contains(&name) {
                let column = self.within::<_, A::Error>(&name, |value| Ok(value.row.column()))?;
                return Err(self.row.fail(Fault::Twice(column)));
            }
            self.within(&name, |value| map.next_value_seed(value))?;
            names.insert(name);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        if self.top {
            return Err(self.row.fail(Fault::NoObject));
        }
        let (mut i, mut more) = (0, true);
        while more {
            self.within(&i.to_string(), |value| {
                more = list.next_element_seed(value)?.is_some();
                Ok(())
            })?;
            i += 1;
        }
        Ok(())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.put(text)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.put(value.to_string())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.put(value.to_string())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.put(value.to_string())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        if value.abs() >= EXACT_MAX {
            let column = self.row.column();
            return Err(self.row.fail(Fault::Inexact(column)));
        }
        self.put(value.to_string())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.put(String::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Vec<String>, Reason> {
        let columns = Columns::new(["fir", "n", "vehicle.number", "codes.1", "absent"]);
        let cells = cells(line, &columns).map_err(|problem| problem.reason)?;
        Ok(cells.into_iter().map(Cow::into_owned).collect())
    }

    #[test]
    fn scalars_become_text_and_nesting_becomes_names() {
        let line = r#"{"fir": "0012/2024", "n": 7, "vehicle": {"number": "DL 1C"}, "codes": [1, true], "more": null}"#;
        assert_eq!(
            read(line),
            Ok(vec!["0012/2024".into(), "7".into(), "DL 1C".into(), "true".into(), String::new()])
        );
    }

    #[test]
    fn what_is_no_object_or_not_exact_is_refused() {
        for line in [
            "",
            "[]",
            "7",
            "null",
            "{",
            "{} {}",
            "not json",
            r#"{"fir": "a", "fir": "b"}"#,
            r#"{"n": 1.05E+16}"#,
            r#"{"n": 104701245201600080000}"#,
            &"[".repeat(1000),
            r#"{"fir": "half"#,
        ] {
            assert_eq!(read(line), Err(Reason::BadJson), "{line}");
        }
    }

    #[test]
    fn a_long_name_over_many_values_costs_no_copies() {
        let begun = std::time::Instant::now();
        let line = format!(r#"{{"{}": [{}1], "fir": "a"}}"#, "x".repeat(500_000), "1,".repeat(250_000));
        assert_eq!(read(&line).unwrap()[0], "a");
        assert!(begun.elapsed().as_secs() < 20, "copies of the name would take minutes and 100 GB");
    }

    #[test]
    fn one_name_in_two_spellings_is_a_key_that_stands_twice() {
        assert_eq!(read(r#"{"vehicle": {"number": "a"}, "vehicle.number": "b"}"#), Err(Reason::BadJson));
        assert_eq!(
            read(r#"{"other": {"x": 1, "x": 2}}"#),
            Err(Reason::BadJson),
            "in what is not a column too"
        );
    }

    #[test]
    fn a_refusal_says_what_is_wrong_and_names_columns_alone() {
        let columns = Columns::new(["fir", "vehicle.number", "n"]);
        for (line, message) in [
            ("null", "is no object, as in {\"no\": \"12\"}: see column"),
            ("5", "is no object, as in"),
            ("[]", "is no object, as in"),
            (r#"{"fir": "a", "fir": "b"}"#, "has the key `fir` twice, keep one: see column"),
            (r#"{"vehicle": {"number": 1, "number": 2}}"#, "has the key `vehicle.number` twice"),
            (r#"{"Secret Person": 1, "Secret Person": 2}"#, "has a key twice, keep one"),
            (
                r#"{"n": 104701245201600080000}"#,
                "has a number in `n` that has lost digits, write it as a text",
            ),
            (r#"{"fir": "#, "is not json: see column"),
        ] {
            let problem = cells(line, &columns).unwrap_err();
            assert!(problem.message.starts_with(message), "{} should be {message}", problem.message);
        }
    }

    #[test]
    fn a_refusal_does_not_quote_the_line() {
        let problem = cells(r#"{"name": "Secret Person", "name": 1}"#, &Columns::new(["name"])).unwrap_err();
        assert!(!problem.message.contains("Secret"), "{}", problem.message);
    }
}

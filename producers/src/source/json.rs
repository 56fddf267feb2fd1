//! One JSON object per line as a row: nested objects and lists become columns named `vehicle.number`, `vehicles.0.type`.
//!
//! Every scalar becomes text. A key that stands twice and a number that has lost digits are refused, not guessed.

use std::borrow::Cow;
use std::collections::HashMap;
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
    let mut found = HashMap::new();
    let mut json = serde_json::Deserializer::from_str(line);
    let read = Flatten { path: String::new(), found: &mut found, top: true }
        .deserialize(&mut json)
        .and_then(|()| json.end());
    read.map_err(|error| {
        // The parser's own words may quote the line; its class and place do not.
        let what = match error.classify() {
            serde_json::error::Category::Data => "is not one object with keys of its own and exact numbers",
            _ => "is not json",
        };
        Problem::new(Reason::BadJson, format!("{what}: see column {} of the line", error.column()))
    })?;
    Ok(columns.names().iter().map(|name| Cow::Owned(found.remove(name).unwrap_or_default())).collect())
}

struct Flatten<'f> {
    path: String,
    found: &'f mut HashMap<String, String>,
    top: bool,
}

impl Flatten<'_> {
    fn put<E: de::Error>(self, text: String) -> Result<(), E> {
        if self.top {
            return Err(E::custom("no object"));
        }
        match self.found.insert(self.path, text) {
            None => Ok(()),
            Some(_) => Err(E::custom("a key stands twice")),
        }
    }

    fn inner(&mut self, name: &str) -> Flatten<'_> {
        let path = if self.top { name.to_owned() } else { format!("{}.{name}", self.path) };
        Flatten { path, found: self.found, top: false }
    }
}

impl<'de> DeserializeSeed<'de> for Flatten<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Flatten<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            map.next_value_seed(self.inner(&name))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        if self.top {
            return Err(de::Error::custom("no object"));
        }
        let mut i = 0;
        while list.next_element_seed(self.inner(&i.to_string()))?.is_some() {
            i += 1;
        }
        Ok(())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        self.put(text.to_owned())
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
            return Err(E::custom("a number has lost digits"));
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
    fn a_refusal_does_not_quote_the_line() {
        let problem = cells(r#"{"name": "Secret Person", "name": 1}"#, &Columns::new(["name"])).unwrap_err();
        assert!(!problem.message.contains("Secret"), "{}", problem.message);
    }
}

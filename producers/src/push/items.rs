//! From a body to its items: one JSON object, an array of them, or one on each line. Each comes out on one line, as it was sent.
//!
//! Syntax only. Numbers and texts are not touched, so an item reads the same as from a file; what it means is the
//! mapping's business.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::answer::{Problem, Refused};

/// How a body holds its items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `application/json`: one object or an array.
    Json,
    /// `application/x-ndjson`: one object on each line.
    Lines,
}

/// An item's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Text<'b> {
    /// As it stands in the body; of a JSON body it may span lines.
    pub(super) text: &'b str,
    /// Its line, from 1, where the body is lines.
    pub(super) line: Option<u64>,
}

impl Text<'_> {
    /// Appends it to `lines` as one line. In JSON a line break stands between tokens alone, so a blank says the same.
    pub(super) fn write(&self, lines: &mut Vec<u8>) {
        lines.extend(self.text.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
        lines.push(b'\n');
    }
}

/// The items of a body, `items_max` at most. A line that is no JSON is an item that is wrong.
///
/// # Errors
/// [`Problem`], when the body as a whole cannot be taken.
pub(super) fn items(body: &[u8], shape: Shape, items_max: usize) -> Result<Vec<Text<'_>>, Problem> {
    let body = std::str::from_utf8(body).map_err(|_| Refused::NotUtf8)?;
    // A byte order mark is passed over, as RFC 8259 allows and as it is in files.
    let body = body.strip_prefix('\u{feff}').unwrap_or(body);
    let items = match shape {
        Shape::Lines => lines(body, items_max),
        Shape::Json => json(body, items_max)?,
    };
    match items.len() {
        0 => Err(Refused::Empty.into()),
        count if count > items_max => Err(Problem::beyond(Refused::TooManyItems, items_max)),
        _ => Ok(items),
    }
}

fn lines(body: &str, items_max: usize) -> Vec<Text<'_>> {
    let numbered = (1..).zip(body.lines()).filter(|(_, text)| !text.trim_ascii().is_empty());
    numbered.map(|(line, text)| Text { text, line: Some(line) }).take(items_max.saturating_add(1)).collect()
}

fn json(body: &str, items_max: usize) -> Result<Vec<Text<'_>>, Problem> {
    let failed = |error: serde_json::Error| Problem::not_json(error.line(), error.column());
    match body.trim_ascii_start().bytes().next() {
        None => Ok(Vec::new()),
        Some(b'[') => {
            let mut json = serde_json::Deserializer::from_str(body);
            let items = json.deserialize_seq(Array { items_max });
            items.and_then(|items| json.end().map(|()| items)).map_err(failed)
        }
        Some(_) => {
            let value: &RawValue = serde_json::from_str(body).map_err(failed)?;
            Ok(vec![Text { text: value.get(), line: None }])
        }
    }
}

/// Keeps the first items of an array, and one more where there are too many: a body of many small ones stays small.
struct Array {
    items_max: usize,
}

impl<'de> Visitor<'de> for Array {
    type Value = Vec<Text<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() <= self.items_max {
            match list.next_element::<&'de RawValue>()? {
                Some(value) => items.push(Text { text: value.get(), line: None }),
                None => return Ok(items),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str, shape: Shape) -> Result<Vec<String>, Problem> {
        let write = |item: &Text<'_>| {
            let mut line = Vec::new();
            item.write(&mut line);
            String::from_utf8(line).unwrap()
        };
        items(body.as_bytes(), shape, 3).map(|items| items.iter().map(write).collect())
    }

    #[test]
    fn one_many_and_lines_come_out_on_a_line_each_and_unchanged() {
        let one = "{\n \"n\": 1.50, \r\n \"t\": \"a\\nb  थाना\"}";
        assert_eq!(read(one, Shape::Json), Ok(vec!["{  \"n\": 1.50,    \"t\": \"a\\nb  थाना\"}\n".into()]));
        assert_eq!(
            read(" [ {\"a\":1E2} ,\n7 ] ", Shape::Json),
            Ok(vec!["{\"a\":1E2}\n".into(), "7\n".into()])
        );
        assert_eq!(read("\u{feff}{\"a\":1}", Shape::Json), Ok(vec!["{\"a\":1}\n".into()]));
        assert_eq!(read("\u{feff}{\"a\":1}\n", Shape::Lines), Ok(vec!["{\"a\":1}\n".into()]));
        let lines = "{\"a\":1}\r\n\n  \nnot json\n{\"b\":2}";
        assert_eq!(
            read(lines, Shape::Lines),
            Ok(vec!["{\"a\":1}\n".into(), "not json\n".into(), "{\"b\":2}\n".into()])
        );
        let found = items(lines.as_bytes(), Shape::Lines, 3).unwrap();
        assert_eq!(found.iter().map(|item| item.line.unwrap()).collect::<Vec<_>>(), [1, 4, 5]);
    }

    #[test]
    fn what_is_no_body_is_refused_with_its_place() {
        for body in ["{\"a\":1", "[{\"a\":1},", "[{}] {}", "{} {}", "{\"a\":\"line\nbreak\"}", "{}\u{feff}"] {
            let Err(problem) = read(body, Shape::Json) else { panic!("{body}") };
            assert!(format!("{problem:?}").contains("NotJson"), "{problem:?}");
        }
        assert_eq!(read("[\n{},\n!]", Shape::Json), Err(Problem::not_json(3, 1)));
        for body in ["", "  \n", "[]"] {
            assert_eq!(read(body, Shape::Json), Err(Refused::Empty.into()));
        }
        assert_eq!(read("\n\n", Shape::Lines), Err(Refused::Empty.into()));
        assert_eq!(read("[1,2,3,4]", Shape::Json), Err(Problem::beyond(Refused::TooManyItems, 3)));
        assert_eq!(read("1\n2\n3\n4\n5", Shape::Lines), Err(Problem::beyond(Refused::TooManyItems, 3)));
        assert_eq!(items(b"{\"a\":\"\xff\"}", Shape::Json, 3), Err(Refused::NotUtf8.into()));
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("[{}{}]", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(read(&deep, Shape::Json).map(|items| items.len()), Ok(1));
    }
}

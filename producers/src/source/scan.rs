//! Finds where a row ends. Pure functions over bytes, so that every way a file can be broken has a test. JSON lists and XML
//! have files of their own, [`super::array`] and [`super::markup`].
//!
//! CSV follows RFC 4180 with `\n` or `\r\n`. A quoted field may hold line breaks, but an open quote must not swallow a
//! file: where quotes or the number of fields do not come out right over several lines, only the first of those lines
//! is given up, and the next one is read as a row again.

use std::borrow::Cow;

use super::array;
use super::file::delimiter_byte;
use super::markup::{self, Markup};
use crate::reason::{Problem, Reason};

/// Fields that a row has room for from the start.
const FIELDS_USUAL: usize = 32;

/// How rows are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape<'a> {
    /// One row per line, whatever is in it: JSON Lines.
    Lines,
    /// Delimited fields, quoted where needed.
    Csv {
        /// The character between fields.
        delimiter: u8,
        /// How many fields a row must have, once known.
        fields: Option<usize>,
    },
    /// What stands before the first row of a JSON list, as a row.
    ArrayStart,
    /// Elements of a JSON list.
    Array {
        /// Whether none was read yet.
        first: bool,
        /// Whether the document is one object instead of a list.
        single: bool,
    },
    /// What stands before the first row of an XML document, as a row.
    MarkupStart {
        /// Name of the element that is a row.
        record: &'a str,
    },
    /// Elements of one name in an XML document.
    Markup {
        /// Which, and in what.
        markup: &'a Markup,
        /// Whether the document's one row was read.
        is_over: bool,
    },
}

impl Shape<'_> {
    /// Whether rows are parts of one document, which has an end of its own.
    pub(crate) fn is_document(self) -> bool {
        !matches!(self, Self::Lines | Self::Csv { .. })
    }
}

/// What is at the front of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scan {
    /// A row with its line break.
    Row(Extent),
    /// The end of the row is not among these bytes.
    More,
    /// The row that begins after so many bytes, or its first line, is longer than a row may be; its end is not among these
    /// bytes.
    TooLong(usize),
    /// The file ends, for now, within a row.
    Tail(Extent),
    /// So many bytes belong to no row.
    Pass(usize),
    /// The document has ended, and the file with it.
    Closed,
    /// What follows is no such document, and no later place is certain to begin a row.
    Broken {
        /// Bytes before the place that shows it.
        at: usize,
        /// What is wrong and the remedy.
        problem: &'static str,
    },
}

/// A row's place among the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Bytes before it that belong to no row.
    pub(crate) start: usize,
    /// Bytes from the first one to where the next row's begin, with the line break.
    pub(crate) length: usize,
    /// Its own bytes.
    pub(crate) content: usize,
    /// Physical lines that end within `length`.
    pub(crate) lines: u64,
    /// What is wrong with it as a row.
    pub(crate) fault: Option<Problem>,
}

/// Scans for the first row. `ended` says that the file has no more bytes for now; `bytes_max` bounds a row.
pub(crate) fn scan(bytes: &[u8], shape: Shape<'_>, ended: bool, bytes_max: usize) -> Scan {
    match shape {
        Shape::Lines => scan_line(bytes, ended, bytes_max, None),
        Shape::Csv { delimiter, fields } => {
            scan_csv(bytes, Csv { delimiter, expected: fields, bytes_max }, ended)
        }
        Shape::ArrayStart => array::start(bytes, ended, bytes_max),
        Shape::Array { first, single: false } => array::element(bytes, first, ended, bytes_max),
        Shape::Array { first, single: true } => array::object(bytes, first, ended, bytes_max),
        Shape::MarkupStart { record } => markup::start(bytes, record, ended, bytes_max),
        Shape::Markup { markup, is_over } => markup::row(bytes, markup, is_over, ended, bytes_max),
    }
}

/// The first line as a row, with what is wrong with it.
fn scan_line(bytes: &[u8], ended: bool, bytes_max: usize, fault: Option<Problem>) -> Scan {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => {
            let content = without_cr(bytes, end);
            let fault = if content > bytes_max { Some(too_large()) } else { fault };
            Scan::Row(Extent { start: 0, length: end + 1, content, lines: 1, fault })
        }
        None if bytes.len() > bytes_max => Scan::TooLong(0),
        None if ended => {
            Scan::Tail(Extent { start: 0, length: bytes.len(), content: bytes.len(), lines: 1, fault })
        }
        None => Scan::More,
    }
}

/// What a row of delimited text has to be like.
#[derive(Debug, Clone, Copy)]
struct Csv {
    delimiter: u8,
    expected: Option<usize>,
    bytes_max: usize,
}

fn scan_csv(bytes: &[u8], csv: Csv, ended: bool) -> Scan {
    if let Some((end, fields)) = plain_row(bytes, csv) {
        return row(bytes, end, Counted { lines: 1, fields }, csv, ended);
    }
    let Csv { delimiter, expected, bytes_max } = csv;
    let mut fields = 1;
    let mut lines = 1;
    let mut quoted = false;
    let mut at_start = true;
    let mut i = 0;
    while let Some(byte) = bytes.get(i) {
        if i > bytes_max {
            return give_up_first_line(bytes, ended, bytes_max, lines);
        }
        match (quoted, *byte) {
            (true, b'"') => match bytes.get(i + 1) {
                Some(b'"') => i += 1,
                Some(b'\r' | b'\n') => quoted = false,
                Some(next) if *next == delimiter => quoted = false,
                None if ended => quoted = false,
                None => return Scan::More,
                Some(_) => return give_up_first_line(bytes, ended, bytes_max, lines),
            },
            (true, b'\n') => lines += 1,
            (true, _) => {}
            (false, b'"') if at_start => quoted = true,
            (false, b'\n') => return row(bytes, i, Counted { lines, fields }, csv, ended),
            (false, byte) if byte == delimiter => fields += 1,
            (false, _) => {}
        }
        at_start = !quoted && *byte == delimiter;
        i += 1;
    }
    if bytes.len() > bytes_max {
        return give_up_first_line(bytes, ended, bytes_max, lines);
    }
    if !ended {
        return Scan::More;
    }
    let fault = if quoted { Some(bad_quotes()) } else { column_count(fields, expected) };
    Scan::Tail(Extent { start: 0, length: bytes.len(), content: bytes.len(), lines, fault })
}

/// Where a row ends that has no quote in it, and how many fields it has: nearly every row, found several times as fast.
fn plain_row(bytes: &[u8], Csv { delimiter, bytes_max, .. }: Csv) -> Option<(usize, usize)> {
    let end = memchr::memchr(b'\n', bytes).filter(|end| *end <= bytes_max)?;
    let line = bytes.get(..end).filter(|line| memchr::memchr(b'"', line).is_none())?;
    Some((end, 1 + memchr::memchr_iter(delimiter, line).count()))
}

/// What was counted up to a row's end.
#[derive(Clone, Copy)]
struct Counted {
    lines: u64,
    fields: usize,
}

/// A row that ends at a line break outside quotes.
fn row(bytes: &[u8], end: usize, counted: Counted, csv: Csv, ended: bool) -> Scan {
    let Counted { lines, fields } = counted;
    let Csv { delimiter, expected, bytes_max } = csv;
    let content = without_cr(bytes, end);
    let is_blank = bytes.get(..content).is_none_or(|row| row.trim_ascii().is_empty());
    let fault = if is_blank { None } else { column_count(fields, expected) };
    let is_broken = || {
        fault.is_some() || expected.is_some_and(|fields| swallows(bytes.get(..content), fields, delimiter))
    };
    if lines > 1 && is_broken() {
        return give_up_first_line(bytes, ended, bytes_max, lines);
    }
    Scan::Row(Extent { start: 0, length: end + 1, content, lines, fault })
}

/// Takes the first line for the broken row. Over several lines it is the quotes that are wrong, on one line too.
fn give_up_first_line(bytes: &[u8], ended: bool, bytes_max: usize, lines: u64) -> Scan {
    let one_long_line = lines == 1 && bytes.len() > bytes_max && !bytes.contains(&b'\n');
    if one_long_line { Scan::TooLong(0) } else { scan_line(bytes, ended, bytes_max, Some(bad_quotes())) }
}

/// Whether a row over several lines looks as if an open quote had swallowed rows: its first line and a further one
/// have, quotes apart, as many fields as a row. With few columns a comma in a text says nothing.
fn swallows(row: Option<&[u8]>, fields: usize, delimiter: u8) -> bool {
    const FIELDS_MIN: usize = 4;
    let is_row = |line: &[u8]| line.iter().filter(|byte| **byte == delimiter).count() + 1 == fields;
    let mut lines = row.unwrap_or_default().split(|byte| *byte == b'\n');
    fields >= FIELDS_MIN && lines.next().is_some_and(is_row) && lines.any(is_row)
}

fn without_cr(bytes: &[u8], end: usize) -> usize {
    if end > 0 && bytes.get(end - 1) == Some(&b'\r') { end - 1 } else { end }
}

/// Line breaks among some bytes.
pub(crate) fn line_breaks(bytes: &[u8]) -> u64 {
    u64::try_from(memchr::memchr_iter(b'\n', bytes).count()).unwrap_or(u64::MAX)
}

/// The problem of a row whose quotes do not fit.
pub(crate) fn bad_quotes() -> Problem {
    Problem::new(
        Reason::BadQuotes,
        "has a quote that is not closed or stands beside other text: write \" within a field as \"\"",
    )
}

fn column_count(fields: usize, expected: Option<usize>) -> Option<Problem> {
    let expected = expected.filter(|expected| *expected != fields)?;
    Some(Problem::new(Reason::ColumnCount, format!("has {fields} fields instead of {expected}")))
}

/// The problem of a row that is longer than it may be.
pub(crate) fn too_large() -> Problem {
    Problem::new(Reason::RowTooLarge, "is longer than source.max_row_bytes")
}

/// The fields of a row whose quotes were found sound.
pub(crate) fn csv_fields(row: &str, delimiter: char) -> Vec<Cow<'_, str>> {
    let mut fields = Vec::with_capacity(FIELDS_USUAL);
    let mut rest = row;
    loop {
        let (field, tail) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted),
            None => {
                let end = memchr::memchr(delimiter_byte(delimiter), rest.as_bytes()).unwrap_or(rest.len());
                rest.split_at_checked(end)
                    .map_or((Cow::Borrowed(rest), ""), |(field, tail)| (Cow::Borrowed(field), tail))
            }
        };
        fields.push(field);
        match tail.strip_prefix(delimiter) {
            Some(next) => rest = next,
            None => return fields,
        }
    }
}

/// A quoted field without its quotes, and what follows it. `text` begins after the opening quote.
fn quoted_field(text: &str) -> (Cow<'_, str>, &str) {
    let mut from = 0;
    while let Some(quote) = text.get(from..).and_then(|rest| rest.find('"')).map(|i| i + from) {
        let tail = text.get(quote + 1..).unwrap_or_default();
        if !tail.starts_with('"') {
            let field = text.get(..quote).unwrap_or_default();
            let field = if field.contains('"') {
                Cow::Owned(field.replace("\"\"", "\""))
            } else {
                Cow::Borrowed(field)
            };
            return (field, tail);
        }
        from = quote + 2;
    }
    (Cow::Borrowed(text), "")
}

#[cfg(test)]
mod tests;

//! Passing over a row that is longer than a row may be, piece by piece, keeping its beginning alone.
//!
//! What is passed is state of the reader, so that it can be taken up again after a pipe had nothing to give.

use super::array::LongElement;
use super::markup::LongRow;
use super::rows::RawRow;
use super::scan::too_large;

/// A row that is being passed over.
#[derive(Debug)]
pub(super) struct Passing {
    /// The row as far as it is known: its beginning and where it is.
    row: RawRow,
    how: How,
}

/// How its end is found.
#[derive(Debug)]
pub(super) enum How {
    /// It ends with its line.
    Line,
    /// It ends with an element of a JSON list.
    Element(LongElement),
    /// It ends with an element of an XML document.
    Markup(Box<LongRow>),
}

/// How many bytes were passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passed {
    /// So many bytes are done with.
    pub(super) length: usize,
    /// Whether the row's end is behind them.
    pub(super) ends: bool,
    /// Those among them that are a line break and not the row's.
    line_break: u64,
}

impl Passed {
    /// The row ends behind so many bytes.
    pub(super) fn end(length: usize) -> Self {
        Self { length, ends: true, line_break: 0 }
    }

    /// So many bytes, and the row goes on.
    pub(super) fn on(length: usize) -> Self {
        Self { length, ends: false, line_break: 0 }
    }
}

impl Passing {
    /// A row that begins with `beginning` at a place.
    pub(super) fn new(beginning: &[u8], offset: u64, line: u64, how: How) -> Self {
        let (bytes, fault) = (beginning.to_vec(), Some(too_large()));
        Self { row: RawRow { bytes, offset, line, lines: 1, length: 0, fault }, how }
    }

    /// Looks for the row's end among the bytes that follow, and counts those that are done with.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Passed {
        let passed = match &mut self.how {
            How::Line => match memchr::memchr(b'\n', bytes) {
                Some(end) => Passed { length: end + 1, ends: true, line_break: 1 },
                None => Passed::on(bytes.len()),
            },
            How::Element(element) => element.pass(bytes),
            How::Markup(row) => row.pass(bytes),
        };
        self.row.length += u64::try_from(passed.length).unwrap_or_default() - passed.line_break;
        passed
    }

    /// Whether the row is a line, which ends with the file too.
    pub(super) fn is_line(&self) -> bool {
        matches!(self.how, How::Line)
    }

    /// The row.
    pub(super) fn into_row(self) -> RawRow {
        self.row
    }
}

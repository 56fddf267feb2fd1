//! Reads a file row by row, within a fixed amount of memory, and knows at every row where it is: byte, line and the
//! digest of everything before.
//!
//! A file that grows is read on where it ended. What a row means is not decided here.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};

use sanchar_schemas::digest::Sha256;
use sha2::Digest as _;

use super::array::LongElement;
use super::input::Damage;
use super::markup::{Elements, LongRow, Markup};
use super::pass::{How, Passing};
use super::scan::{Extent, Scan, Shape, bad_quotes, line_breaks, scan};
use crate::reason::Problem;

/// Bytes asked for at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// A place between two rows of a file.
#[derive(Clone, Default)]
pub(crate) struct Position {
    /// Bytes before it.
    pub(crate) offset: u64,
    /// Physical lines before it.
    pub(crate) lines: u64,
    /// Rows before it, title and header not counted.
    pub(crate) rows: u64,
    digest: sha2::Sha256,
}

impl Position {
    /// SHA-256 of the bytes before it.
    pub(crate) fn sha256(&self) -> Sha256 {
        Sha256(self.digest.clone().finalize().into())
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {} line {} row {}", self.offset, self.lines, self.rows)
    }
}

/// A row as it stands in the file.
#[derive(Debug, Clone)]
pub(crate) struct RawRow {
    /// Its bytes without the line break; the first `max_row_bytes` of them where it is longer.
    pub(crate) bytes: Vec<u8>,
    /// Where its first byte is in the file.
    pub(crate) offset: u64,
    /// Its first physical line, from 1.
    pub(crate) line: u64,
    /// How many physical lines it has.
    pub(crate) lines: u64,
    /// How long it is in the file, without the line break.
    pub(crate) length: u64,
    /// What is wrong with it as a row.
    pub(crate) fault: Option<Problem>,
}

impl RawRow {
    /// Whether it is an empty line.
    pub(crate) fn is_blank(&self) -> bool {
        self.fault.is_none() && self.bytes.trim_ascii().is_empty()
    }
}

/// What the file has next.
#[derive(Debug)]
pub(crate) enum Next {
    /// A row with its line break; the position is behind it.
    Row(RawRow),
    /// The rest of the file, which has no line break or is no whole element; the position is before it. It has no bytes
    /// where a document ends between two elements.
    Tail(RawRow),
    /// Nothing, for now. A document is closed.
    End,
    /// A pipe has nothing to give: ask again.
    Wait,
    /// What follows cannot be read, and no later place is certain to begin a row.
    Broken(Broken),
}

/// Why the rest of a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The line that shows it, from 1.
    pub(crate) line: u64,
    /// What is wrong and the remedy; the subject is the file.
    pub(crate) problem: Cow<'static, str>,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from line {} on it cannot be read: {}", self.line, self.problem)
    }
}

/// Reads rows from `input`.
#[derive(Debug)]
pub(crate) struct RowReader<R> {
    input: R,
    window: Vec<u8>,
    /// Bytes of the window that are passed.
    passed: usize,
    position: Position,
    /// The place behind the last row, where bytes that belong to none were passed since.
    behind_row: Option<Box<Position>>,
    passing: Option<Passing>,
    /// What stands in a document before its first row.
    elements: Elements,
    bytes_max: usize,
}

impl<R: Read> RowReader<R> {
    /// A reader of rows of at most `bytes_max` bytes from the beginning of `input`.
    pub(crate) fn new(input: R, bytes_max: usize) -> Self {
        Self {
            input,
            window: Vec::new(),
            passed: 0,
            position: Position::default(),
            behind_row: None,
            passing: None,
            elements: Elements::default(),
            bytes_max,
        }
    }

    /// What is read from.
    pub(crate) fn input(&self) -> &R {
        &self.input
    }

    /// Where the next row begins.
    pub(crate) fn position(&self) -> &Position {
        &self.position
    }

    /// Where the last row ended.
    pub(crate) fn behind_row(&self) -> &Position {
        self.behind_row.as_deref().unwrap_or(&self.position)
    }

    /// Passes over the first `length` bytes, which must be there, whatever they are. `alive` is called now and then.
    ///
    /// # Errors
    /// When the input fails, or is shorter.
    pub(crate) fn skip_to(
        &mut self,
        lines: u64,
        rows: u64,
        length: u64,
        alive: &mut dyn FnMut(),
    ) -> io::Result<()> {
        while self.position.offset < length {
            alive();
            if self.unread().is_empty() && !self.fill()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let left = usize::try_from(length - self.position.offset).unwrap_or(usize::MAX);
            self.consume(left.min(self.unread().len()), 0);
        }
        self.position.lines = lines;
        self.position.rows = rows;
        Ok(())
    }

    /// Passes over a UTF-8 byte order mark at the very beginning.
    ///
    /// # Errors
    /// When the input fails.
    pub(crate) fn skip_byte_order_mark(&mut self) -> io::Result<()> {
        const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
        while self.position.offset == 0 && self.unread().len() < MARK.len() && self.fill()? {}
        if self.position.offset == 0 && self.unread().starts_with(&MARK) {
            self.consume(MARK.len(), 0);
        }
        Ok(())
    }

    /// The first bytes that are not consumed yet, at most as many as are at hand.
    ///
    /// # Errors
    /// When the input fails.
    pub(crate) fn peek(&mut self) -> io::Result<&[u8]> {
        if self.unread().is_empty() {
            self.fill()?;
        }
        Ok(self.unread())
    }

    /// The next row.
    ///
    /// # Errors
    /// When the input fails.
    pub(crate) fn next_row(&mut self, shape: Shape<'_>) -> io::Result<Next> {
        match self.read_row(shape) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Next::Wait),
            Err(error) => match Damage::of(&error) {
                Some(damage) => Ok(self.broken(self.unread().len(), damage.problem())),
                None => Err(error),
            },
            read => read,
        }
    }

    fn read_row(&mut self, shape: Shape<'_>) -> io::Result<Next> {
        let mut ended = false;
        loop {
            if let Some(passing) = self.passing.take() {
                return self.pass_on(passing);
            }
            if self.unread().is_empty() && ended && !shape.is_document() {
                return Ok(Next::End);
            }
            match scan(self.unread(), shape, ended, self.bytes_max) {
                Scan::Row(extent) => return Ok(Next::Row(self.take(extent))),
                Scan::Tail(extent) => return Ok(Next::Tail(self.row(extent))),
                Scan::Closed => return Ok(Next::End),
                Scan::Broken { at, problem } => return Ok(self.broken(at, problem)),
                Scan::TooLong(start) => self.begin_passing(shape, start),
                Scan::Pass(length) => {
                    self.remember_row();
                    let passed = self.window.get(self.passed..self.passed + length).unwrap_or_default();
                    let lines = line_breaks(passed);
                    if matches!(shape, Shape::Markup { .. }) && self.position.rows == 0 {
                        self.elements.look_at(passed);
                    }
                    self.consume(length, lines);
                }
                Scan::More => ended = !self.fill()?,
            }
        }
    }

    /// Keeps the place behind the last row while bytes that belong to none, or to one that is not over, are passed.
    fn remember_row(&mut self) {
        if self.behind_row.is_none() {
            self.behind_row = Some(Box::new(self.position.clone()));
        }
    }

    /// What is wrong with a document that has ended without a row. `None` where it is an empty list.
    pub(crate) fn without_row(&self, markup: &Markup) -> Option<Broken> {
        let problem = Cow::Owned(self.elements.problem(markup)?);
        Some(Broken { line: 1, problem })
    }

    fn broken(&self, at: usize, problem: &'static str) -> Next {
        let line = self.line_at(at);
        Next::Broken(Broken { line, problem: Cow::Borrowed(problem) })
    }

    /// The line of the byte so far behind the position.
    fn line_at(&self, at: usize) -> u64 {
        self.position.lines + 1 + line_breaks(self.unread().get(..at).unwrap_or_default())
    }

    /// Counts the row that was just read.
    pub(crate) fn count_row(&mut self) {
        self.position.rows += 1;
    }

    /// Passes over the rest of the file, which [`Next::Tail`] has shown.
    pub(crate) fn take_tail(&mut self) {
        let lines = self.unread().iter().filter(|byte| **byte == b'\n').count();
        self.consume(self.unread().len(), 1 + u64::try_from(lines).unwrap_or(u64::MAX));
    }

    /// Gives up the first line of a tail of several lines: its quote is not going to be closed.
    pub(crate) fn give_up_line(&mut self) -> Option<RawRow> {
        match scan(self.unread(), Shape::Lines, true, self.bytes_max) {
            Scan::Row(extent) => {
                Some(self.take(Extent { fault: extent.fault.or(Some(bad_quotes())), ..extent }))
            }
            _ => None,
        }
    }

    fn row(&self, extent: Extent) -> RawRow {
        let end = extent.start + extent.content.min(self.bytes_max);
        let bytes = self.unread().get(extent.start..end).unwrap_or_default().to_vec();
        let length = u64::try_from(extent.content).unwrap_or(u64::MAX);
        RawRow {
            bytes,
            offset: self.position.offset + u64::try_from(extent.start).unwrap_or_default(),
            line: self.line_at(extent.start),
            lines: extent.lines,
            length,
            fault: extent.fault,
        }
    }

    fn take(&mut self, extent: Extent) -> RawRow {
        let (length, lines) = (extent.length, extent.lines);
        let row = self.row(extent);
        self.consume(length, lines);
        self.behind_row = None;
        row
    }

    /// Begins to pass over the row that begins after `start` bytes and is longer than a row may be.
    fn begin_passing(&mut self, shape: Shape<'_>, start: usize) {
        let separator = self.unread().get(..start).unwrap_or_default();
        let how = match shape {
            Shape::Markup { markup, .. } => How::Markup(Box::new(LongRow::new(markup))),
            shape if shape.is_document() => How::Element(LongElement::new(separator)),
            _ => How::Line,
        };
        let (line, lines) = (self.line_at(start), line_breaks(separator));
        self.remember_row();
        self.consume(start, lines);
        let beginning = self.unread().get(..self.bytes_max).unwrap_or_default();
        self.passing = Some(Passing::new(beginning, self.position.offset, line, how));
    }

    fn pass_on(&mut self, mut passing: Passing) -> io::Result<Next> {
        loop {
            let passed = passing.pass(self.unread());
            let lines = line_breaks(self.unread().get(..passed.length).unwrap_or_default());
            self.consume(passed.length, lines);
            if passed.ends {
                break;
            }
            match self.fill() {
                Ok(true) => {}
                Ok(false) => {
                    let rest = self.unread().len();
                    self.consume(rest, u64::from(passing.is_line()));
                    break;
                }
                Err(error) => {
                    self.passing = Some(passing);
                    return Err(error);
                }
            }
        }
        self.behind_row = None;
        Ok(Next::Row(passing.into_row()))
    }

    fn unread(&self) -> &[u8] {
        self.window.get(self.passed..).unwrap_or_default()
    }

    /// Reads more; false where there is no more for now.
    fn fill(&mut self) -> io::Result<bool> {
        self.window.drain(..self.passed);
        self.passed = 0;
        let before = self.window.len();
        self.window.resize(before + CHUNK_BYTES, 0);
        let result = self.input.read(self.window.get_mut(before..).unwrap_or_default());
        self.window.truncate(before + result.as_ref().copied().unwrap_or(0));
        match result {
            Ok(read) => Ok(read > 0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.fill(),
            Err(error) => Err(error),
        }
    }

    fn consume(&mut self, length: usize, lines: u64) {
        let length = length.min(self.unread().len());
        let read = self.window.get(self.passed..self.passed + length).unwrap_or_default();
        self.position.digest.update(read);
        self.passed += length;
        self.position.offset += u64::try_from(length).unwrap_or_default();
        self.position.lines += lines;
    }
}

#[cfg(test)]
mod tests;

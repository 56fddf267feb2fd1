//! Where the elements of a JSON list begin and end. Pure functions over bytes; whether an element is sound JSON is decided
//! when its cells are read.
//!
//! An element whose brackets, quotes or keys do not fit is given up as far as the next place that looks as its own
//! beginning did: the same comma, line break and indentation, and a brace. A string holds no line break in JSON, so such
//! a place is outside of strings. Where there is none, the rest of the list is not read.

use super::pass::Passed;
use super::scan::{Extent, Scan, line_breaks, too_large};
use crate::reason::{Problem, Reason};

/// Nesting beyond this is counted, and its brackets are not told apart. No element so deep is ever taken for sound.
const DEPTH_TOLD_APART: u32 = 128;

/// What stands before the first element: blanks and `[`, or blanks alone where the document is one object.
pub(super) fn start(bytes: &[u8], ended: bool, bytes_max: usize) -> Scan {
    let before = |length| {
        let lines = line_breaks(bytes.get(..length).unwrap_or_default());
        Extent { start: 0, length, content: length, lines, fault: None }
    };
    match significant(bytes, 0) {
        Some((at, b'[')) => Scan::Row(before(at + 1)),
        Some((at, b'{')) => Scan::Row(before(at)),
        Some((at, _)) => Scan::Broken { at, problem: "is no json list of objects: correct source.format" },
        None if bytes.len() > bytes_max => TOO_MANY_BLANKS,
        None if ended => Scan::Tail(before(bytes.len())),
        None => Scan::More,
    }
}

/// The next element of a list, behind the comma before it.
pub(super) fn element(bytes: &[u8], first: bool, ended: bool, bytes_max: usize) -> Scan {
    let begin = match significant(bytes, 0) {
        Some((at, b']')) => return closed(bytes, at + 1, ended, bytes_max),
        Some((at, b',')) if !first => significant(bytes, at + 1),
        Some((at, _)) if !first => {
            return Scan::Broken {
                at,
                problem: "has no comma between two elements of its list: export it again",
            };
        }
        other => other,
    };
    match begin {
        Some((at, b']' | b',')) => {
            Scan::Broken { at, problem: "has a comma with no element behind it: export it again" }
        }
        Some((at, _)) => value(bytes, at, ended, bytes_max),
        None if bytes.len() > bytes_max => TOO_MANY_BLANKS,
        None if ended => nothing_yet(),
        None => Scan::More,
    }
}

/// The one object of a document that is no list.
pub(super) fn object(bytes: &[u8], first: bool, ended: bool, bytes_max: usize) -> Scan {
    if first {
        return value(bytes, significant(bytes, 0).map_or(0, |(at, _)| at), ended, bytes_max);
    }
    closed(bytes, 0, ended, bytes_max)
}

const TOO_MANY_BLANKS: Scan = Scan::Broken {
    at: 0,
    problem: "holds more blanks in one place than source.max_row_bytes: export it again",
};

/// The file ends between two elements.
fn nothing_yet() -> Scan {
    Scan::Tail(Extent { start: 0, length: 0, content: 0, lines: 0, fault: None })
}

/// Nothing but blanks may follow the end at `at`.
fn closed(bytes: &[u8], at: usize, ended: bool, bytes_max: usize) -> Scan {
    match significant(bytes, at) {
        Some((at, b'{')) => Scan::Broken {
            at,
            problem: "holds more than one document: for one object per line set source.format = \"jsonl\"",
        },
        Some((at, _)) => Scan::Broken { at, problem: "goes on behind its end: export it again" },
        None if bytes.len() > bytes_max => TOO_MANY_BLANKS,
        None if ended => Scan::Closed,
        None => Scan::More,
    }
}

/// The element that begins at `start`.
fn value(bytes: &[u8], start: usize, ended: bool, bytes_max: usize) -> Scan {
    let mut element = Element::default();
    let row = |end: usize, fault: Option<Problem>| {
        let fault = if end - start > bytes_max { Some(too_large()) } else { fault };
        let lines = line_breaks(bytes.get(..end).unwrap_or_default());
        Extent { start, length: end, content: end - start, lines, fault }
    };
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        match element.feed(*byte) {
            Step::Within => {}
            Step::EndsBefore => return Scan::Row(row(at, None)),
            Step::Ends => return Scan::Row(row(at + 1, None)),
            Step::Broken => {
                let anchor = Anchor::new(bytes.get(..start).unwrap_or_default());
                return match anchor.find(bytes, start) {
                    Some(end) => Scan::Row(row(end, Some(broken()))),
                    None if bytes.len() - start > bytes_max => Scan::TooLong(start),
                    None if ended => Scan::Broken {
                        at: start,
                        problem: "has an element whose brackets or quotes do not fit, and no later place certainly \
                                  begins another: export it again",
                    },
                    None => Scan::More,
                };
            }
        }
    }
    match () {
        () if bytes.len() - start > bytes_max => Scan::TooLong(start),
        () if ended => Scan::Tail(row(bytes.len(), None)),
        () => Scan::More,
    }
}

fn broken() -> Problem {
    Problem::new(
        Reason::BadJson,
        "has brackets, quotes or keys that do not fit: it is given up to where the next begins",
    )
}

/// The first byte from `from` that is no blank.
fn significant(bytes: &[u8], from: usize) -> Option<(usize, u8)> {
    let rest = bytes.get(from..)?;
    let at = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))?;
    rest.get(at).map(|byte| (from + at, *byte))
}

/// What has to stand between a broken element and the next, for the next to begin there for certain.
#[derive(Debug)]
pub(super) struct Anchor {
    text: Vec<u8>,
}

impl Anchor {
    /// As between the broken element and the one before it: `separator` begins with the comma, or is empty before the
    /// first element.
    fn new(separator: &[u8]) -> Self {
        let mut text = match separator.contains(&b'\n') {
            true if separator.contains(&b',') => separator.to_vec(),
            true => [b",", separator].concat(),
            false => b",\n".to_vec(),
        };
        text.push(b'{');
        Self { text }
    }

    fn find(&self, bytes: &[u8], from: usize) -> Option<usize> {
        memchr::memmem::find(bytes.get(from..)?, &self.text).map(|at| from + at)
    }
}

/// Passes over an element that is longer than a row may be.
#[derive(Debug)]
pub(super) struct LongElement {
    element: Element,
    anchor: Anchor,
    is_broken: bool,
}

impl LongElement {
    /// The element behind `separator`.
    pub(super) fn new(separator: &[u8]) -> Self {
        Self { element: Element::default(), anchor: Anchor::new(separator), is_broken: false }
    }

    /// Looks for its end among the bytes that follow.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Passed {
        if !self.is_broken {
            for (at, byte) in bytes.iter().enumerate() {
                match self.element.feed(*byte) {
                    Step::Within => {}
                    Step::EndsBefore => return Passed::end(at),
                    Step::Ends => return Passed::end(at + 1),
                    Step::Broken => {
                        self.is_broken = true;
                        break;
                    }
                }
            }
        }
        if !self.is_broken {
            return Passed::on(bytes.len());
        }
        // The anchor may lie across these bytes and the next.
        let kept = self.anchor.text.len() - 1;
        self.anchor.find(bytes, 0).map_or(Passed::on(bytes.len().saturating_sub(kept)), Passed::end)
    }
}

/// How far an element has come.
#[derive(Debug, Default)]
struct Element {
    /// For each open bracket, the innermost in the lowest bit, whether it is a brace.
    braces: u128,
    depth: u32,
    text: Text,
    /// A key has to come next, or the end of the object.
    key_is_due: bool,
    has_begun: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Text {
    #[default]
    Outside,
    Inside,
    Escaped,
}

enum Step {
    Within,
    /// The element ends with this byte.
    Ends,
    /// The element ended before this byte.
    EndsBefore,
    /// It is no JSON.
    Broken,
}

impl Element {
    fn feed(&mut self, byte: u8) -> Step {
        match self.text {
            Text::Escaped => self.text = Text::Inside,
            Text::Inside => match byte {
                b'\\' => self.text = Text::Escaped,
                b'\n' => return Step::Broken,
                b'"' => {
                    self.text = Text::Outside;
                    return self.end_if(self.depth == 0);
                }
                _ => {}
            },
            Text::Outside => return self.outside(byte),
        }
        Step::Within
    }

    fn outside(&mut self, byte: u8) -> Step {
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            return if self.depth == 0 { Step::EndsBefore } else { Step::Within };
        }
        if std::mem::take(&mut self.key_is_due) && !matches!(byte, b'"' | b'}') {
            return Step::Broken;
        }
        let begun = std::mem::replace(&mut self.has_begun, true);
        match byte {
            b'{' | b'[' if self.depth > 0 || !begun => {
                self.open(byte == b'{');
                Step::Within
            }
            b'"' if self.depth > 0 || !begun => {
                self.text = Text::Inside;
                Step::Within
            }
            b'}' | b']' if self.depth > 0 => self.close(byte == b'}'),
            b',' if self.depth > 0 => {
                self.key_is_due = self.is_in_braces();
                Step::Within
            }
            b',' | b']' => Step::EndsBefore,
            b'{' | b'[' | b'"' | b'}' => Step::Broken,
            _ => Step::Within,
        }
    }

    fn is_in_braces(&self) -> bool {
        self.depth <= DEPTH_TOLD_APART && self.braces & 1 == 1
    }

    fn open(&mut self, is_brace: bool) {
        self.depth = self.depth.saturating_add(1);
        if self.depth <= DEPTH_TOLD_APART {
            self.braces = (self.braces << 1) | u128::from(is_brace);
            self.key_is_due = is_brace;
        }
    }

    fn close(&mut self, is_brace: bool) -> Step {
        if self.depth <= DEPTH_TOLD_APART {
            if is_brace != self.is_in_braces() {
                return Step::Broken;
            }
            self.braces >>= 1;
        }
        self.depth -= 1;
        self.end_if(self.depth == 0)
    }

    fn end_if(&self, ends: bool) -> Step {
        if ends { Step::Ends } else { Step::Within }
    }
}

#[cfg(test)]
mod tests;

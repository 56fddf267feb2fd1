//! Where the elements of one name begin and end in an XML document. Pure functions over bytes; whether such an element is
//! well-formed is decided when its cells are read.
//!
//! A row ends with the end tag that balances its start tag, counted over tags of its own name, so that anything broken
//! within it costs that row alone. Prefixes are not looked at. A document type is refused: it can name entities that grow
//! without end or lie in other files.

mod elements;

use super::pass::Passed;
use super::scan::{Extent, Scan, line_breaks, too_large};
pub(super) use elements::Elements;

/// A document whose outermost element is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Markup {
    /// The element that is a row.
    record: Vec<u8>,
    /// The outermost element.
    root: Vec<u8>,
    /// Whether that has nothing in it.
    is_empty: bool,
}

impl Markup {
    /// The document that begins with `prologue`, which [`start`] has found, and has rows called `record`.
    pub(super) fn new(prologue: &[u8], record: &str) -> Self {
        let mut tokens = Tokens::default();
        let start = prologue.iter().find_map(|byte| match tokens.feed(*byte) {
            Some(Token::Start { is_empty }) => Some(is_empty),
            _ => None,
        });
        let record = record.as_bytes().to_vec();
        let root = if start.is_some() { tokens.name } else { record.clone() };
        Self { record, root, is_empty: start == Some(true) }
    }

    /// Whether the document has no row behind so many.
    pub(super) fn is_over(&self, rows: u64) -> bool {
        self.is_empty || (self.root == self.record && rows > 0)
    }
}

/// What stands before the first row: up to the outermost element's start tag, and that tag unless it is a row's.
pub(super) fn start(bytes: &[u8], record: &str, ended: bool, bytes_max: usize) -> Scan {
    let before = |length| {
        let lines = line_breaks(bytes.get(..length).unwrap_or_default());
        Extent { start: 0, length, content: length, lines, fault: None }
    };
    let mut tokens = Tokens::default();
    let mut opened = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if tokens.state == State::Text && *byte != b'<' && !byte.is_ascii_whitespace() {
            return Scan::Broken { at, problem: "is no xml document: correct source.format" };
        }
        if *byte == b'<' && tokens.state == State::Text {
            opened = at;
        }
        match tokens.feed(*byte) {
            None => {}
            Some(Token::Start { .. }) if tokens.name == record.as_bytes() => {
                return Scan::Row(before(opened));
            }
            Some(Token::Start { .. }) => return Scan::Row(before(at + 1)),
            Some(Token::Doctype) => return Scan::Broken { at, problem: DOCTYPE },
            Some(Token::End | Token::Fault) => return Scan::Broken { at, problem: NO_MARKUP },
        }
    }
    match () {
        () if bytes.len() > bytes_max => Scan::Broken {
            at: 0,
            problem: "has no element within source.max_row_bytes: correct source.format",
        },
        () if ended => Scan::Tail(before(bytes.len())),
        () => Scan::More,
    }
}

/// The next row, or what comes before it.
pub(super) fn row(bytes: &[u8], markup: &Markup, is_over: bool, ended: bool, bytes_max: usize) -> Scan {
    let mut tokens = Tokens::default();
    let mut is_closed = is_over;
    let (mut opened, mut passed, mut at) = (0, 0, 0);
    while let Some(byte) = bytes.get(at) {
        if tokens.state == State::Text {
            let text = bytes.get(at..).unwrap_or_default();
            let length = memchr::memchr(b'<', text).unwrap_or(text.len());
            if is_closed && text.get(..length).is_some_and(|text| !text.trim_ascii().is_empty()) {
                return Scan::Broken { at, problem: BEHIND_END };
            }
            at += length;
            // What is behind the end must be seen together with it.
            passed = if is_closed { passed } else { at };
            if length > 0 {
                continue;
            }
            opened = at;
        }
        at += 1;
        let Some(token) = tokens.feed(*byte) else { continue };
        match token {
            Token::Doctype => return Scan::Broken { at, problem: DOCTYPE },
            Token::Fault => return Scan::Broken { at, problem: NO_MARKUP },
            Token::Start { .. } | Token::End if is_closed => return Scan::Broken { at, problem: BEHIND_END },
            Token::Start { .. } if tokens.name == markup.record => {
                return record(bytes, opened, markup, ended, bytes_max);
            }
            Token::End if tokens.name == markup.root => is_closed = true,
            Token::End if tokens.name == markup.record => {
                return Scan::Broken {
                    at,
                    problem: "has the end of a row without its beginning: export it again",
                };
            }
            Token::Start { .. } | Token::End => {}
        }
    }
    match () {
        () if passed > 0 => Scan::Pass(passed),
        () if bytes.len() > bytes_max => Scan::Broken {
            at: 0,
            problem: "holds more than source.max_row_bytes in one place that is no row: export it again",
        },
        () if ended && is_closed && tokens.state == State::Text => Scan::Closed,
        () if ended => Scan::Tail(Extent { start: 0, length: 0, content: 0, lines: 0, fault: None }),
        () => Scan::More,
    }
}

/// The row whose start tag begins at `start`.
fn record(bytes: &[u8], start: usize, markup: &Markup, ended: bool, bytes_max: usize) -> Scan {
    let mut row = Row::new(markup);
    let rest = bytes.get(start..).unwrap_or_default();
    let extent = |length: usize| {
        let fault = (length > bytes_max).then(too_large);
        let lines = line_breaks(bytes.get(..start + length).unwrap_or_default());
        Extent { start, length: start + length, content: length, lines, fault }
    };
    match row.feed(rest) {
        Some(Ok(length)) => Scan::Row(extent(length)),
        Some(Err(problem)) => Scan::Broken { at: start, problem },
        None if rest.len() > bytes_max => Scan::TooLong(start),
        None if ended => Scan::Tail(extent(rest.len())),
        None => Scan::More,
    }
}

const DOCTYPE: &str = "has a document type, which could name entities without end or other files: export it without \
                       <!DOCTYPE …>";
const NO_MARKUP: &str = "has a tag that is no xml: export it again";
const BEHIND_END: &str = "goes on behind its end: export it again";

/// Passes over a row that is longer than a row may be.
#[derive(Debug)]
pub(super) struct LongRow {
    row: Row,
    is_lost: bool,
}

impl LongRow {
    /// A row of `markup`, from its start tag on.
    pub(super) fn new(markup: &Markup) -> Self {
        Self { row: Row::new(markup), is_lost: false }
    }

    /// Looks for its end among the bytes that follow. Where it cannot be found, the row takes the rest of the file.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Passed {
        match self.row.feed(bytes) {
            Some(Ok(length)) if !self.is_lost => return Passed::end(length),
            Some(Err(_)) => self.is_lost = true,
            _ => {}
        }
        Passed::on(bytes.len())
    }
}

/// A row, from its start tag to the end tag that balances it.
#[derive(Debug)]
struct Row {
    markup: Markup,
    tokens: Tokens,
    records: u64,
    roots: u64,
}

impl Row {
    fn new(markup: &Markup) -> Self {
        Self { markup: markup.clone(), tokens: Tokens::default(), records: 0, roots: 0 }
    }

    /// How many of these bytes come before the row's end, or why there is none.
    fn feed(&mut self, bytes: &[u8]) -> Option<Result<usize, &'static str>> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if self.tokens.state == State::Text && *byte != b'<' {
                at += memchr::memchr(b'<', bytes.get(at..).unwrap_or_default())?;
                continue;
            }
            at += 1;
            let Some(token) = self.tokens.feed(*byte) else { continue };
            let is_record = self.tokens.name == self.markup.record;
            let is_root = !is_record && self.tokens.name == self.markup.root;
            match token {
                Token::Start { is_empty: true } if self.records == 0 => return Some(Ok(at)),
                Token::Start { is_empty: false } if is_record => self.records += 1,
                Token::Start { is_empty: false } if is_root => self.roots += 1,
                Token::Start { .. } => {}
                Token::End if is_record && self.records == 1 => return Some(Ok(at)),
                Token::End if is_record => self.records -= 1,
                Token::End if is_root && self.roots == 0 => {
                    return Some(Err("has a row that is not closed: export it again"));
                }
                Token::End if is_root => self.roots -= 1,
                Token::End => {}
                Token::Doctype => return Some(Err(DOCTYPE)),
                Token::Fault => return Some(Err(NO_MARKUP)),
            }
        }
        None
    }
}

/// Tells tags from text, comments, CDATA sections and instructions, byte by byte.
#[derive(Debug, Default)]
struct Tokens {
    state: State,
    /// The name of the last tag, without its prefix.
    name: Vec<u8>,
    is_end: bool,
    /// The byte before, within a tag.
    before: u8,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// Behind `<`.
    Open,
    Name,
    /// In a tag, behind its name.
    Attributes,
    Quoted(u8),
    /// Behind `<!` and so many bytes of what tells what it is.
    Bang(Bang, usize),
    /// In a comment, behind so many hyphens.
    Comment(u8),
    /// In a CDATA section, behind so many brackets.
    Cdata(u8),
    /// In an instruction; whether behind a question mark.
    Instruction(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bang {
    Unknown,
    Comment,
    Cdata,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Start { is_empty: bool },
    End,
    Doctype,
    Fault,
}

/// A longer name is not looked at to its end: no configured name is so long.
const NAME_BYTES_MAX: usize = 256;

impl Tokens {
    fn feed(&mut self, byte: u8) -> Option<Token> {
        match self.state {
            State::Text => {
                if byte == b'<' {
                    self.state = State::Open;
                }
            }
            State::Open => return self.open(byte),
            State::Name | State::Attributes => return self.tag(byte),
            State::Quoted(quote) => match byte {
                b'<' => return Some(Token::Fault),
                byte if byte == quote => self.state = State::Attributes,
                _ => {}
            },
            State::Bang(what, count) => return self.bang(what, count, byte),
            State::Comment(hyphens) => {
                self.state = match byte {
                    b'-' => State::Comment((hyphens + 1).min(2)),
                    b'>' if hyphens == 2 => State::Text,
                    _ => State::Comment(0),
                };
            }
            State::Cdata(brackets) => {
                self.state = match byte {
                    b']' => State::Cdata((brackets + 1).min(2)),
                    b'>' if brackets == 2 => State::Text,
                    _ => State::Cdata(0),
                };
            }
            State::Instruction(is_ending) => {
                let ends = is_ending && byte == b'>';
                self.state = if ends { State::Text } else { State::Instruction(byte == b'?') };
            }
        }
        None
    }

    fn open(&mut self, byte: u8) -> Option<Token> {
        self.name.clear();
        self.before = 0;
        self.is_end = byte == b'/';
        self.state = match byte {
            b'!' => State::Bang(Bang::Unknown, 0),
            b'?' => State::Instruction(false),
            b'/' => State::Name,
            b'<' | b'>' | b'=' | b'"' | b'\'' => return Some(Token::Fault),
            byte if byte.is_ascii_whitespace() => return Some(Token::Fault),
            byte => {
                self.name.push(byte);
                State::Name
            }
        };
        None
    }

    fn tag(&mut self, byte: u8) -> Option<Token> {
        let before = std::mem::replace(&mut self.before, byte);
        match byte {
            b'<' => return Some(Token::Fault),
            b'>' => {
                self.state = State::Text;
                return Some(match self.is_end {
                    true if self.name.is_empty() => Token::Fault,
                    true => Token::End,
                    false => Token::Start { is_empty: before == b'/' },
                });
            }
            b'"' | b'\'' if self.state == State::Attributes => self.state = State::Quoted(byte),
            b'"' | b'\'' => return Some(Token::Fault),
            b'/' => self.state = State::Attributes,
            byte if byte.is_ascii_whitespace() => self.state = State::Attributes,
            b':' if self.state == State::Name => self.name.clear(),
            byte if self.state == State::Name && self.name.len() < NAME_BYTES_MAX => self.name.push(byte),
            _ => {}
        }
        None
    }

    fn bang(&mut self, what: Bang, count: usize, byte: u8) -> Option<Token> {
        const CDATA: &[u8] = b"[CDATA[";
        self.state = match (what, byte) {
            (Bang::Unknown, b'-') => State::Bang(Bang::Comment, 1),
            (Bang::Unknown, b'[') => State::Bang(Bang::Cdata, 1),
            (Bang::Unknown, b'D' | b'd') => return Some(Token::Doctype),
            (Bang::Comment, b'-') => State::Comment(0),
            (Bang::Cdata, byte) if CDATA.get(count) == Some(&byte) => {
                if count + 1 == CDATA.len() {
                    State::Cdata(0)
                } else {
                    State::Bang(Bang::Cdata, count + 1)
                }
            }
            _ => return Some(Token::Fault),
        };
        None
    }
}

#[cfg(test)]
mod tests;

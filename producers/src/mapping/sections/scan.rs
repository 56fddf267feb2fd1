//! Reads sections and names off the front of a text, one after the other.

use crate::language::sections::{Order, Sections};
use crate::reason::{Problem, Reason};

/// Words that stand between sections or acts and mean nothing, beside what a mapping names.
const FILLERS: [&str; 10] = ["u/s", "r/w", "read with", "and", "&", "एवं", "तथा", "सहपठित", "सपठित", "धारा"];

/// The longest run of Latin letters that belongs to a section's number: `376AB`.
const LETTERS_MAX: usize = 2;

/// A text that is read from its front.
pub(super) struct Scanner<'a> {
    rules: &'a Sections,
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(rules: &'a Sections, text: &'a str) -> Self {
        let mut scanner = Self { rules, rest: text };
        scanner.skip_separators();
        scanner.skip_fillers();
        scanner
    }

    /// Passes over words between two sections, where another section follows.
    fn skip_fillers(&mut self) {
        let mut text = self.rest;
        while let Some(rest) = self.fillers().find_map(|filler| strip_word(text, filler)) {
            text = rest.trim_start_matches(|c: char| {
                c.is_whitespace() || self.is_separator(c) || is_filling(c) || c == ':'
            });
        }
        if begins_with_digit(text) {
            self.rest = text;
        }
    }

    fn fillers(&self) -> impl Iterator<Item = &str> {
        FILLERS.into_iter().chain(self.rules.fillers.iter().map(String::as_str))
    }

    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn is_at_number(&self) -> bool {
        begins_with_digit(self.rest)
    }

    /// All that is left.
    pub(super) fn rest(self) -> &'a str {
        self.rest
    }

    /// The sections at the front.
    pub(super) fn sections(&mut self) -> Result<Vec<String>, Problem> {
        let mut sections = Vec::new();
        while self.is_at_number() {
            sections.push(self.section()?);
            let before = self.rest;
            if self.is_at_foreign_separator() {
                return Err(Problem::new(
                    Reason::BadSection,
                    "has a mark between two sections that is not said to separate them: add it to \
                     mapping.sections.separators, as in separators = \",/\"",
                ));
            }
            self.skip_separators();
            self.skip_fillers();
            let blanks_alone =
                before.get(..before.len() - self.rest.len()).is_some_and(|gap| gap.trim().is_empty());
            if self.is_at_number() && blanks_alone && self.rules.order != Order::SectionsFirst {
                // `25  1A` may be one section or two.
                return Err(Problem::new(
                    Reason::BadSection,
                    "has two numbers without a separator between them",
                ));
            }
        }
        if self.rest.starts_with(['(', ')']) {
            return Err(Problem::new(Reason::BadSection, "has a bracket that belongs to no section"));
        }
        Ok(sections)
    }

    /// Whether a mark follows that separates sections elsewhere and not in this source, and then a number: `279/337`.
    fn is_at_foreign_separator(&self) -> bool {
        let mut behind = self.rest.trim_start().chars();
        let is_foreign =
            behind.next().is_some_and(|c| matches!(c, ',' | '/' | ';' | '|' | '+') && !self.is_separator(c));
        is_foreign && begins_with_digit(behind.as_str().trim_start())
    }

    /// One section with its sub-sections, without blanks: `20(b)(ii)A`.
    fn section(&mut self) -> Result<String, Problem> {
        let mut section = self.take_while(|c| c.is_ascii_digit()).to_owned();
        loop {
            let after_blanks = self.rest.trim_start();
            if let Some(inside) = after_blanks.strip_prefix('(') {
                let (clause, tail) =
                    inside.split_once(')').filter(|(clause, _)| is_clause(clause)).ok_or_else(|| {
                        Problem::new(
                            Reason::BadSection,
                            "has a bracket that is not closed or holds no clause",
                        )
                    })?;
                section.push_str(&format!("({})", self.letter(clause.trim()).unwrap_or(clause.trim())));
                self.rest = tail;
            } else if let Some((letters, tail)) = self.inserted(after_blanks) {
                section.push_str(letters);
                self.rest = tail;
            } else if section.ends_with(')') && self.rest.starts_with(|c: char| c.is_ascii_digit()) {
                section.push_str(self.take_while(|c| c.is_ascii_digit()));
            } else {
                return Ok(section);
            }
        }
    }

    /// Letters of an inserted section at the front of `text`, which is the rest with or without its blanks.
    fn inserted(&self, text: &'a str) -> Option<(&'a str, &'a str)> {
        let apart = text.len() < self.rest.len();
        if self.fillers().any(|filler| strip_word(text, filler).is_some()) {
            return None;
        }
        let text = text.strip_prefix('-').unwrap_or(text);
        let end = text.find(|c| !is_letter(c)).unwrap_or(text.len());
        let (run, tail) = text.split_at_checked(end)?;
        if run.is_empty() {
            return None;
        }
        if let Some(letters) = self.letter(run) {
            return Some((letters, tail));
        }
        // A letter that stands apart is a section's only where nothing but a separator follows: `20(b) (ii) A`.
        let alone = !apart
            || (run.len() == 1 && (tail.trim().is_empty() || self.begins_with_separator(tail.trim_start())));
        let latin = run.bytes().all(|b| b.is_ascii_alphabetic()) && run.len() <= LETTERS_MAX;
        (latin && alone).then_some((run, tail))
    }

    fn letter<'r>(&self, run: &str) -> Option<&'r str>
    where
        'a: 'r,
    {
        self.rules.letters.get(run).map(String::as_str)
    }

    /// The name of an act at the front, up to the next section, without the words that mean nothing.
    pub(super) fn name(&mut self) -> &'a str {
        let end = self.name_end();
        let (name, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.skip_separators();
        let mut name =
            name.trim_matches(|c: char| !is_letter(c) && !c.is_ascii_digit() && !matches!(c, '(' | ')'));
        for filler in self.fillers() {
            let before = strip_suffix(name, filler).filter(|before| !before.ends_with(is_letter));
            let after = strip_word(name, filler);
            name = before.or(after).unwrap_or(name);
            name =
                name.trim_matches(|c: char| !is_letter(c) && !c.is_ascii_digit() && !matches!(c, '(' | ')'));
        }
        name
    }

    /// Where the name at the front ends: before a number that does not belong to it.
    fn name_end(&self) -> usize {
        let mut gap = None;
        for (i, c) in self.rest.char_indices() {
            match gap {
                Some(start) if c.is_ascii_digit() => {
                    if !is_year(self.rest.get(i..).unwrap_or_default()) {
                        return start;
                    }
                    gap = None;
                }
                _ if c.is_whitespace() || self.is_separator(c) => gap = gap.or(Some(i)),
                _ => gap = None,
            }
        }
        self.rest.len()
    }

    fn skip_separators(&mut self) {
        self.rest = self
            .rest
            .trim_start_matches(|c: char| c.is_whitespace() || self.is_separator(c) || is_filling(c));
    }

    fn begins_with_separator(&self, text: &str) -> bool {
        text.starts_with(|c| self.is_separator(c))
    }

    fn is_separator(&self, c: char) -> bool {
        self.rules.separators.contains(c)
    }

    fn take_while(&mut self, is_wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !is_wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }
}

/// The text behind a word that it begins with, in whatever case.
fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (front, rest) = text.split_at_checked(word.len())?;
    (front.eq_ignore_ascii_case(word) && !rest.starts_with(is_letter)).then_some(rest)
}

/// The text before an ending, in whatever case.
fn strip_suffix<'a>(text: &'a str, ending: &str) -> Option<&'a str> {
    let (front, end) = text.split_at_checked(text.len().checked_sub(ending.len())?)?;
    end.eq_ignore_ascii_case(ending).then_some(front)
}

fn begins_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// Marks that only fill a line: `-----`, `.....`, a danda.
fn is_filling(c: char) -> bool {
    matches!(c, '-' | '.' | '।')
}

/// A letter of any script with its signs.
fn is_letter(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '\u{900}'..='\u{963}' | '\u{971}'..='\u{97f}' | '\u{200c}' | '\u{200d}')
}

fn is_clause(text: &str) -> bool {
    let text = text.trim();
    (1..=24).contains(&text.len()) && text.chars().all(|c| is_letter(c) || c.is_ascii_digit() || c == '-')
}

/// Whether the text begins with a year: it belongs to the act's name before it.
fn is_year(text: &str) -> bool {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().is_ok_and(|year: u32| digits.len() == 4 && (1800..2100).contains(&year))
}

//! What stands between an act's name and its sections: `U/s:`, `(U/s-…)`, or what a mapping says.

use super::bad;
use crate::reason::Problem;

/// The front of a text, parted at its first marker.
#[derive(Debug, PartialEq)]
pub(super) struct Marked<'a> {
    /// The act's name.
    pub(super) name: &'a str,
    /// What follows the marker.
    pub(super) sections: Listed<'a>,
    /// What follows the closing bracket; empty where there is none.
    pub(super) after: &'a str,
}

/// Sections behind a marker.
#[derive(Debug, PartialEq)]
pub(super) struct Listed<'a> {
    pub(super) text: &'a str,
    /// Whether they stood in brackets together with their marker.
    pub(super) is_bracketed: bool,
}

/// Parts a text at the first marker; `None` where it has none.
pub(super) fn split<'a>(text: &'a str, marker: Option<&str>) -> Result<Option<Marked<'a>>, Problem> {
    if let Some(marker) = marker {
        let parts = text.split_once(marker);
        return Ok(parts.map(|(name, text)| Marked {
            name,
            sections: Listed { text, is_bracketed: false },
            after: "",
        }));
    }
    let Some((before, behind)) = usual(text) else { return Ok(None) };
    let behind = behind.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '.' | '-'));
    let Some(name) = before.trim_end().strip_suffix('(') else {
        let sections = Listed { text: behind, is_bracketed: false };
        return Ok(Some(Marked { name: before, sections, after: "" }));
    };
    let (inside, after) = closed(behind).ok_or_else(|| bad("has a bracket that is not closed"))?;
    Ok(Some(Marked { name, sections: Listed { text: inside, is_bracketed: true }, after }))
}

/// What stands before and behind the first `U/s` that is no part of a word.
fn usual(text: &str) -> Option<(&str, &str)> {
    let is_word = |c: char| c.is_alphanumeric();
    text.char_indices().find_map(|(i, _)| {
        let (before, rest) = text.split_at_checked(i)?;
        let (found, behind) = rest.split_at_checked(3)?;
        let stands_alone = !before.ends_with(is_word) && !behind.starts_with(char::is_alphabetic);
        (found.eq_ignore_ascii_case("u/s") && stands_alone).then_some((before, behind))
    })
}

/// What stands before and behind the bracket that closes one opened before `text`.
fn closed(text: &str) -> Option<(&str, &str)> {
    let mut depth = 1;
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let (inside, rest) = text.split_at_checked(i)?;
            return Some((inside, rest.strip_prefix(')')?));
        }
    }
    None
}

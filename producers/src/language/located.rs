//! Where an entry of a configuration stands in its file, by its path: `mapping.vehicles[0].registration`.
//!
//! Most mistakes are named by line and column when the file is read; this serves those that show only later, when a
//! mapping meets a source's columns.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Line and column, from 1, of the entry at `path`, or of the deepest part of the path that is there. Within it `word`,
/// where it is given, is looked for among the texts. `None` where nothing of the path is there.
pub(crate) fn located(file: &str, path: &str, word: Option<&str>) -> Option<(usize, usize)> {
    let root = DeTable::parse(file).ok()?;
    let mut parts = parts(path);
    let mut place = root.get_ref().get(parts.next()?)?;
    for part in parts {
        match step(place, part) {
            Some(next) => place = next,
            None => break,
        }
    }
    let span = word.and_then(|word| find(place, word)).unwrap_or_else(|| place.span());
    let before = file.get(..span.start)?;
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    Some((line, column))
}

/// `kind[0].when` as `kind`, `0`, `when`.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split(['.', '[', ']']).filter(|part| !part.is_empty())
}

fn step<'a, 'i>(place: &'a Spanned<DeValue<'i>>, part: &str) -> Option<&'a Spanned<DeValue<'i>>> {
    match place.get_ref() {
        DeValue::Table(table) => table.get(part),
        DeValue::Array(items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    }
}

/// The first text within a value that is `word`.
fn find(place: &Spanned<DeValue<'_>>, word: &str) -> Option<Range<usize>> {
    match place.get_ref() {
        DeValue::String(text) => (text.as_ref() == word).then(|| place.span()),
        DeValue::Array(items) => items.iter().find_map(|item| find(item, word)),
        DeValue::Table(table) => table.iter().find_map(|(_, value)| find(value, word)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_found_by_its_path() {
        let file = "[state]\ncode = 'IN-KA'\n[mapping]\nkind = [\n  { is = 'FIR', when = [\n    { column = 'Head', \
                    one_of = ['x'] } ] },\n]\n[mapping.fir]\nnumber = 'No'\nyear = { columns = ['A', 'वर्ष', 'B'] }\n";
        for (path, word, place) in [
            ("mapping.fir.number", Some("No"), Some((9, 10))),
            ("mapping.fir.year", Some("B"), Some((10, 34))),
            ("mapping.kind[0].when", Some("Head"), Some((6, 16))),
            ("mapping.kind[0].when", None, Some((5, 24))),
            ("mapping.fir.kind", None, Some((8, 1))),
            ("rows.skip[0]", None, None),
        ] {
            assert_eq!(located(file, path, word), place, "{path}");
        }
        assert_eq!(located("not toml", "state.code", None), None);
    }
}

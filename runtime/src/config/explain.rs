//! Turns serde's errors into sentences that say where and what to do.
//!
//! Works on messages and on the file's text alone; it never shows the offending line, which may hold a secret.

use std::path::Path;

use super::ConfigError;
use super::environment::Override;
use super::plain::plain;

const UNKNOWN_FIELD: &str = "unknown field `";
const MISSING_FIELD: &str = "missing field `";
const VARIABLE: &str = "environment variable ";

pub(super) fn is_missing_field(error: &toml::de::Error) -> bool {
    error.message().starts_with(MISSING_FIELD)
}

/// An error in the file's own text.
pub(super) fn in_file(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    let lines: Vec<&str> = text.lines().take(line).map(str::trim).collect();
    let mut place = section(&lines).map(str::to_owned).into_iter().collect::<Vec<_>>();
    let problem = if is_missing_field(error) {
        format!("{}{}", joined(&place), missing(error.message(), &place))
    } else {
        place.extend(key(&lines).map(str::to_owned));
        format!("{}{}", joined(&place), remedy(error.message()))
    };
    ConfigError::File { path: path.to_owned(), line, column, problem }
}

/// An error that appears only with the environment's variables laid over the file.
pub(super) fn in_merged(path: &Path, overrides: &[Override], error: &toml::de::Error) -> ConfigError {
    let message = error.message();
    if let Some((variable, problem)) = message.strip_prefix(VARIABLE).and_then(|rest| rest.split_once(": ")) {
        return ConfigError::Environment { variable: variable.to_owned(), problem: remedy(problem) };
    }
    let culprit = quoted(message).next().filter(|_| message.starts_with(UNKNOWN_FIELD));
    if let Some(one) =
        culprit.and_then(|field| overrides.iter().find(|one| one.path.iter().any(|p| p == field)))
    {
        return one.error(remedy(message));
    }
    ConfigError::field(path.display().to_string(), format!("with SANCHAR__* applied: {}", remedy(message)))
}

/// The name in the last `[section]` header.
fn section<'a>(lines: &[&'a str]) -> Option<&'a str> {
    let name = lines.iter().rev().find_map(|line| line.strip_prefix('[')?.split(']').next())?;
    Some(name.trim_start_matches('[').trim())
}

/// The key that the last line sets.
fn key<'a>(lines: &[&'a str]) -> Option<&'a str> {
    Some(lines.last()?.split_once('=')?.0.trim())
}

/// `section.key: `, or nothing where neither is known.
fn joined(place: &[String]) -> String {
    if place.is_empty() { String::new() } else { format!("{}: ", place.join(".")) }
}

fn missing(message: &str, section: &[String]) -> String {
    let field = quoted(message).next().unwrap_or_default();
    let path = section.iter().flat_map(|name| name.split('.')).chain([field]);
    let variable = path.fold("SANCHAR".to_owned(), |name, part| name + "__" + &part.to_uppercase());
    format!("missing field `{field}`: add it here, or set {variable}")
}

/// Serde's message with a suggestion where one can be made.
fn remedy(message: &str) -> String {
    let message = message.trim_end();
    let mut names = quoted(message);
    let Some(given) = names.next().filter(|_| message.starts_with("unknown ")) else {
        return plain(message);
    };
    match closest(given, &names.collect::<Vec<_>>()) {
        Some(name) => {
            let what = message.split(',').next().unwrap_or(message);
            format!("{what}, did you mean `{name}`?")
        }
        None => message.to_owned(),
    }
}

/// What stands between backticks.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    message.split('`').skip(1).step_by(2)
}

/// The name that a slip of the fingers away from `given`, if there is one.
pub(crate) fn closest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    let (distance, name) = known.iter().map(|name| (edit_distance(given, name), *name)).min()?;
    (distance <= (given.chars().count() / 3).max(1)).then_some(name)
}

/// Levenshtein distance: insertions, deletions and replacements of one character.
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, from_char) in from.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((to_char, above_left), above) in to.iter().zip(&row).zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or_default();
            let replaced = above_left + usize::from(from_char != *to_char);
            next.push(replaced.min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_distance_counts_slips() {
        for (from, to, distance) in [
            ("", "", 0),
            ("bootstrap", "bootstrap", 0),
            ("botstrap", "bootstrap", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(edit_distance(from, to), distance, "{from} → {to}");
        }
    }

    #[test]
    fn only_a_near_name_is_suggested() {
        let known = ["bootstrap", "ca_file", "options"];
        assert_eq!(closest("bootstrapp", &known), Some("bootstrap"));
        assert_eq!(closest("cafile", &known), Some("ca_file"));
        assert_eq!(closest("brokers", &known), None);
        assert_eq!(closest("x", &[]), None);
    }
}

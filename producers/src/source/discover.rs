//! Which files a source has: plain paths, and `*` and `?` in the last part of a path.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The files that `patterns` name, each once, in the order of their paths. Relative patterns begin at `base`. A plain
/// path is there whether the file exists or not.
///
/// # Errors
/// When a folder cannot be listed, with its path.
pub(crate) fn discover(base: &Path, patterns: &[String]) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let mut found = Vec::new();
    for pattern in patterns {
        let path = base.join(pattern);
        match (path.parent(), path.file_name().and_then(|name| name.to_str())) {
            (Some(folder), Some(name)) if has_wildcard(name) => list(folder, name, &mut found)?,
            _ => found.push(path),
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Whether a name says that its file is still on its way: many programs copy under such a name and rename it at the end.
pub(crate) fn is_in_transit(path: &Path) -> bool {
    const ENDINGS: [&str; 3] = [".tmp", ".part", ".filepart"];
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    name.starts_with('.') || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Whether a part of a path is a pattern.
pub(crate) fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

fn list(folder: &Path, pattern: &str, found: &mut Vec<PathBuf>) -> Result<(), (PathBuf, io::Error)> {
    let failed = |error| (folder.to_owned(), error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // A leading dot marks files that are still being copied.
        if !name.starts_with('.') && fits(pattern, name) && path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

/// Whether `name` fits `pattern`, of which the ending may be in capitals: programs on Windows write `FIR.CSV`.
fn fits(pattern: &str, name: &str) -> bool {
    matches(pattern, name) || matches(&with_small_ending(pattern), &with_small_ending(name))
}

/// The name with its ending in small letters, that of a packed file together with the one before it.
fn with_small_ending(name: &str) -> String {
    let dot = |name: &str| name.rfind('.').unwrap_or(name.len());
    let last = dot(name);
    let (head, ending) = name.split_at_checked(last).unwrap_or((name, ""));
    let start = if ending.eq_ignore_ascii_case(".gz") { dot(head) } else { last };
    let (head, ending) = name.split_at_checked(start).unwrap_or((name, ""));
    format!("{head}{}", ending.to_ascii_lowercase())
}

/// Whether `name` fits `pattern` letter by letter. The work is bounded by the product of their lengths.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where to go on when the present try fails: after the last star, one character further.
    let mut retry = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, n + 1));
                p += 1;
            }
            Some(c) if *c == '?' || Some(c) == name.get(n) => (p, n) = (p + 1, n + 1),
            _ => match retry {
                Some((after_star, next)) => {
                    (p, n) = (after_star, next);
                    retry = Some((after_star, next + 1));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name, fits) in [
            ("*.csv", "fir.csv", true),
            ("*.csv", "fir.csv.tmp", false),
            ("IND DSR-*.csv", "IND DSR- 01.03.2018 (1).csv", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxa", false),
            ("*", "", true),
            ("थाना*.csv", "थाना 1.csv", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} on {name}");
        }
    }

    #[test]
    fn an_ending_may_be_in_capitals_and_the_rest_may_not() {
        for (pattern, name, is_fit) in [
            ("*.csv", "37-UP.CSV", true),
            ("*.CSV", "a.csv", true),
            ("*.csv.gz", "a.CSV.GZ", true),
            ("*.csv*", "a.CSV", true),
            ("IND-*.csv", "IND-1.Csv", true),
            ("IND-*.csv", "ind-1.csv", false),
            ("*.csv", "a.csv.GZ", false),
            ("fir*", "fir", true),
        ] {
            assert_eq!(fits(pattern, name), is_fit, "{pattern} on {name}");
        }
    }

    #[test]
    fn files_come_sorted_once_and_without_hidden_ones() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a.csv", ".c.csv", "d.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let patterns = ["*.csv".to_owned(), "a.csv".to_owned(), "absent.csv".to_owned()];
        let found = discover(folder.path(), &patterns).unwrap();
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["a.csv", "absent.csv", "b.csv"]);
        let (path, _) = discover(folder.path(), &["none/*.csv".to_owned()]).unwrap_err();
        assert!(path.ends_with("none"));
    }
}

//! Names of source files as logs, messages, metrics' neighbours and quarantine show them: as they are, or masked where a telephone or
//! an Aadhaar number seems to stand in them.
//!
//! It is for showing alone: files are opened and remembered by their real names. A person's name in a file's name is not seen.

use std::path::Path;

use sanchar_schemas::digest::Sha256;

use crate::withholding::identifiers::is_number_in;

/// Longest ending that is kept of a masked name.
const ENDING_MAX: usize = 5;

/// A path for people: `drop/file-1a2b3c4d.csv` where the file's own name seems to hold a number of somebody's. The eight digits are
/// the first of the SHA-256 of that name.
pub(crate) fn shown(path: &Path) -> String {
    let path = path.strip_prefix(".").unwrap_or(path);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if !is_number_in(&without_times(&name)) {
        return path.display().to_string();
    }
    let digest = Sha256::of(name.as_bytes()).to_string();
    let mut masked = format!("file-{}", digest.get(..8).unwrap_or_default());
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if (1..=ENDING_MAX).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        masked = format!("{masked}.{ending}");
    }
    path.with_file_name(masked).display().to_string()
}

/// A name without days and times of this century: `20240905`, `202409051015` and `20240905101500` are no numbers of a person's.
fn without_times(name: &str) -> String {
    let mut plain = String::new();
    let mut digits = String::new();
    for c in name.chars().chain([' ']) {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        plain.push_str(if is_time(&digits) { "t" } else { &digits });
        digits.clear();
        plain.push(c);
    }
    plain
}

fn is_time(digits: &str) -> bool {
    let part = |from: usize| digits.get(from..from + 2).and_then(|part| part.parse::<u32>().ok());
    let fits = |from: usize, range: std::ops::RangeInclusive<u32>| {
        from >= digits.len() || part(from).is_some_and(|part| range.contains(&part))
    };
    matches!(digits.len(), 8 | 12 | 14)
        && digits.starts_with("20")
        && fits(4, 1..=12)
        && fits(6, 1..=31)
        && fits(8, 0..=23)
        && fits(10, 0..=59)
        && fits(12, 0..=59)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_somebodys_is_masked_and_times_are_not() {
        for name in [
            "call 9000000001 x.csv",
            "2000 0000 0001.csv.gz",
            "९००००००००१.xml",
            "no-9000000001",
            "a.9000000001",
        ] {
            let masked = shown(&Path::new("drop").join(name));
            assert!(masked.starts_with("drop/file-") && !is_number_in(&masked), "{masked}");
            assert_ne!(masked, shown(Path::new("drop/another 9000000001.csv")), "it can be found");
        }
        assert!(shown(Path::new("9000000001.csv")).ends_with(".csv"));
        for name in [
            "drop/fir-202409051015.csv",
            "20240905101500.jsonl",
            "IND DSR- 04.03.2018.csv",
            "FIR 20240905-1015.xml",
            "a.csv",
        ] {
            assert_eq!(shown(Path::new(name)), name);
        }
    }
}

//! Letters as they are printed: columns for people, JSON objects for programs. Nothing of a letter reaches a terminal raw.

use std::io::Write;

use console::style;
use sanchar_schemas::headers;
use sanchar_schemas::topics::TopicSpace;
use serde_json::{Value, json};

use super::letter::Letter;
use super::place::InputPlace;
use super::receipts::{Copied, Known};
use crate::moment::in_india;
use crate::outcome::Stop;
use crate::table::Columns;
use crate::text::{clean_json, shortened};

/// Longest cell of a line, for one letter widens a column for all that follow. `show` has more of it.
const CELL_CHARS_MAX: usize = 64;

/// The columns of a list.
pub(super) const HEADING: [&str; 7] =
    ["LETTER", "FAILED", "FROM", "STAGE/REASON", "ATTEMPT", "REDRIVEN", "MESSAGE"];

pub(super) const fn columns() -> Columns<7> {
    Columns::new([6, 26, 26, 24, 7, 8, 0])
}

/// A letter's cells.
pub(super) fn cells(letter: &Letter, known: &Known) -> [String; 7] {
    let reason = format!("{}/{}", letter.said(headers::DLQ_STAGE), letter.said(headers::DLQ_REASON));
    let redriven = match known.copies_of(letter) {
        [] => "-".to_owned(),
        [_] => style("once").green().to_string(),
        copies => style(format!("{} times", copies.len())).green().to_string(),
    };
    [
        letter.place.to_string(),
        failed_at(letter),
        cell(&letter.source_as_said()),
        style(cell(&reason)).red().to_string(),
        known.attempt_of(letter).to_string(),
        redriven,
        cell(&letter.said(headers::DLQ_MESSAGE)),
    ]
}

/// A text that is fit for a terminal, as a cell.
pub(super) fn cell(text: &str) -> String {
    shortened(text, CELL_CHARS_MAX)
}

pub(super) fn failed_at(letter: &Letter) -> String {
    letter.failed_at_ms.map_or_else(|| "?".to_owned(), in_india)
}

/// A letter for programs.
pub(super) fn json(letter: &Letter, known: &Known, space: &TopicSpace) -> Value {
    let header = |name| letter.record.header(name);
    json!({
        "place": letter.place.to_string(),
        "failed_at_ms": letter.failed_at_ms,
        "source": letter.source.map(|source| input_place(source, space)),
        "stage": header(headers::DLQ_STAGE),
        "reason": header(headers::DLQ_REASON),
        "message": header(headers::DLQ_MESSAGE),
        "attempt": known.attempt_of(letter),
        "redriven": known.copies_of(letter),
        "key": letter.record.key.as_deref().map(bytes),
        "bytes": letter.bytes(),
    })
}

pub(super) fn input_place(at: InputPlace, space: &TopicSpace) -> Value {
    json!({ "topic": at.topic(space), "partition": at.place.partition, "offset": at.place.offset })
}

/// Text where the bytes are text, else an object that holds them in hexadecimal.
pub(super) fn bytes(bytes: &[u8]) -> Value {
    std::str::from_utf8(bytes).map_or_else(|_| json!({ "hex": hex(bytes) }), Value::from)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A copy as people read of it.
pub(super) fn copied(copy: &Copied) -> String {
    let Copied { attempt, at_ms, topic, partition, offset } = copy;
    format!("{} to {topic}[{partition}]@{offset}, attempt {attempt}", in_india(*at_ms))
}

/// Prints an object on a line of its own.
pub(super) fn print_json(value: &Value, out: &mut dyn Write) -> Result<(), Stop> {
    writeln!(out, "{}", clean_json(&value.to_string()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::letter::tests::letter;
    use super::super::receipts::tests::known;
    use super::*;

    const FROM: (&str, i32, i64) = ("crime.reported.in-dl", 1, 41);

    fn plain(letter: &Letter, known: &Known) -> String {
        console::strip_ansi_codes(&columns().line(&cells(letter, known))).into_owned()
    }

    #[test]
    fn a_letter_is_a_line_that_says_whether_it_was_sent_back() {
        let letter = letter(17, FROM, "malformed");
        assert_eq!(
            plain(&letter, &known(&[])),
            "0:17    1970-01-01 05:30:01 +05:30  crime.reported.in-dl[1]@41  decode/malformed          1        -         what is wrong"
        );
        assert!(plain(&letter, &known(&[(17, &[(2, 90)])])).contains("  once      what is wrong"));
        assert!(plain(&letter, &known(&[(3, &[(2, 41)])])).contains("  2        -  "), "it failed before");
    }

    #[test]
    fn a_huge_letter_widens_no_column_beyond_reason() {
        let huge = "कि".repeat(5_000);
        let mut letter = letter(17, (&huge, 1, 41), &huge);
        letter.record.headers.push((headers::DLQ_MESSAGE.into(), Some(huge.into_bytes())));
        for cell in cells(&letter, &known(&[])) {
            let cell = console::strip_ansi_codes(&cell).into_owned();
            assert!(cell.chars().count() <= 65, "{cell}");
            assert!(!cell.ends_with("क…"), "no letter is cut from its sign: {cell}");
        }
    }

    #[test]
    fn a_hostile_letter_reaches_neither_terminal_nor_program_raw() {
        let mut letter = letter(17, ("evil\u{1b}[2J\u{202e}", 0, 1), "x\u{9b}1m");
        letter.record.key = Some("थाना\u{1b}\u{2066}".as_bytes().to_vec());
        let (line, mut out) = (plain(&letter, &known(&[])), Vec::new());
        print_json(&json(&letter, &known(&[]), &TopicSpace::default()), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for printed in [line.as_str(), text.trim_end()] {
            let is_raw = |c: char| c.is_control() || c == '\u{202e}' || c == '\u{2066}';
            assert!(!printed.contains(is_raw), "{printed:?}");
        }
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&value["key"], &value["source"]), (&json!("थाना\u{1b}\u{2066}"), &Value::Null));
    }

    #[test]
    fn json_has_what_a_program_needs_to_find_letter_and_copy() {
        let mut letter = letter(17, FROM, "malformed");
        letter.record.key = Some(vec![0xff, 0]);
        let value = json(&letter, &known(&[(17, &[(2, 90)])]), &TopicSpace::default());
        let source = json!({ "topic": "crime.reported.in-dl", "partition": 1, "offset": 41 });
        assert_eq!((&value["source"], &value["key"]), (&source, &json!({ "hex": "ff00" })));
        assert_eq!(value["redriven"][0]["offset"], 90);
    }
}

//! The beginning of a file, taken apart: its format, the character between its fields, its title lines and its header.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use sanchar_runtime::lifecycle::Failure;
use serde_json::Value;

use crate::source::{Format, is_gzip};
use crate::text::{says_nothing, squeeze};

/// How much of the file is looked at.
const BYTES_MAX: u64 = 1 << 20;
/// How many of its rows.
const ROWS_MAX: usize = 500;
/// The most texts for nothing that are proposed.
const NULLS_MAX: usize = 16;
/// Characters that stand between fields.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
/// Title lines that may stand before a header.
const TITLES_MAX: usize = 10;

/// What a file looks like.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) format: Format,
    pub(super) delimiter: char,
    pub(super) skip_lines: usize,
    pub(super) header: bool,
    /// Names of the columns; made up where the file has none.
    pub(super) columns: Vec<String>,
    /// Rows with as many cells as there are columns.
    pub(super) rows: Vec<Vec<String>>,
}

impl Sample {
    /// Looks at the beginning of a file.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let refuse = |what: &dyn std::fmt::Display| Failure::usage(format!("{}: {what}", path.display()));
        let remedy = "name a file of rows that is there and that this user may read";
        let file =
            File::open(path).map_err(|error| refuse(&format!("cannot be read ({error}): {remedy}")))?;
        let mut bytes =
            beginning(file).map_err(|error| refuse(&format_args!("cannot be read ({error}): {remedy}")))?;
        let is_whole = u64::try_from(bytes.len()).is_ok_and(|length| length < BYTES_MAX);
        if !is_whole {
            let end = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(bytes.len());
            bytes.truncate(end);
        }
        if let Some(what) = foreign(&bytes) {
            return Err(refuse(&what));
        }
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| refuse(&"holds bytes that are not utf-8: export it again as utf-8"))?;
        let text = text.trim_start_matches('\u{feff}');
        let sample = if text.trim_start().starts_with('{') { json_lines(text) } else { delimited(text) };
        if sample.columns.is_empty() || sample.rows.is_empty() {
            return Err(refuse(&"has no row to learn from: give a file with a header and some rows"));
        }
        Ok(sample)
    }

    /// The texts of a column that say something.
    pub(super) fn values(&self, column: usize) -> Vec<String> {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| squeeze(cell).into_owned()).filter(|cell| !says_nothing(cell)).collect()
    }

    /// Texts of the sample that mean nothing.
    pub(super) fn nulls(&self) -> Vec<String> {
        let cells = self.rows.iter().flatten().map(|cell| squeeze(cell));
        let nulls = cells.filter(|cell| !cell.is_empty() && says_nothing(cell)).map(Cow::into_owned);
        nulls.collect::<BTreeSet<_>>().into_iter().take(NULLS_MAX).collect()
    }
}

/// The first bytes of a file, unpacked where it is packed.
fn beginning(mut file: File) -> io::Result<Vec<u8>> {
    let mut magic = [0; 2];
    let length = file.read(&mut magic)?;
    file.rewind()?;
    let mut bytes = Vec::new();
    if magic.get(..length).is_some_and(is_gzip) {
        MultiGzDecoder::new(file).take(BYTES_MAX).read_to_end(&mut bytes)?;
    } else {
        file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// What a file is that is neither delimited text nor JSON Lines, and the remedy.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let is_list = start.strip_prefix(b"[").is_some_and(|rest| {
        let rest = rest.trim_ascii_start();
        rest.is_empty() || rest.starts_with(b"{") || rest.starts_with(b"[") || rest.starts_with(b"]")
    });
    let is_spread = || {
        let first = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
        start.starts_with(b"{") && serde_json::from_slice::<Value>(first).is_err()
    };
    match () {
        () if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xd0\xcf\x11\xe0") => {
            Some("is a spreadsheet or an archive: save the sheet as csv in utf-8")
        }
        () if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") => {
            Some("is utf-16 text: save it in utf-8")
        }
        () if start.starts_with(b"<") => Some(
            "is xml, and infer reads csv and json lines: begin with a copy of deploy/examples/rajasthan.toml",
        ),
        () if is_list => Some(
            "is a json list, and infer reads csv and json lines: begin with a copy of deploy/examples/punjab.toml",
        ),
        () if is_spread() => Some(
            "is json over several lines, and infer reads csv and json lines: put each object on a line of its own",
        ),
        () => None,
    }
}

fn json_lines(text: &str) -> Sample {
    let mut columns: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for line in text.lines().take(ROWS_MAX) {
        let Ok(value @ Value::Object(_)) = serde_json::from_str::<Value>(line) else { continue };
        let mut cells = Vec::new();
        flatten("", &value, &mut cells);
        for (name, _) in &cells {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        found.push(cells);
    }
    let cell = |row: &[(String, String)], name: &String| {
        row.iter().find(|(known, _)| known == name).map_or_else(String::new, |(_, text)| text.clone())
    };
    let rows = found.iter().map(|row| columns.iter().map(|name| cell(row, name)).collect()).collect();
    Sample { format: Format::Jsonl, delimiter: ',', skip_lines: 0, header: true, columns, rows }
}

fn flatten(path: &str, value: &Value, cells: &mut Vec<(String, String)>) {
    let inner = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| flatten(&inner(name), field, cells));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| flatten(&inner(&i.to_string()), item, cells));
        }
        Value::Null => {}
        Value::String(text) => cells.push((path.to_owned(), text.clone())),
        other => cells.push((path.to_owned(), other.to_string())),
    }
}

fn delimited(text: &str) -> Sample {
    let parted = DELIMITERS.into_iter().map(|delimiter| (delimiter, records(text, delimiter)));
    // The character that parts most rows into the same number of fields, of more than one.
    let best = parted.max_by_key(|(_, records)| {
        let width = usual_width(records);
        let rows = records.iter().filter(|record| record.len() == width).count();
        if width > 1 { rows * 1_000 + width } else { 0 }
    });
    let (delimiter, records) = best.unwrap_or_default();
    let width = usual_width(&records);
    let is_title = |record: &&Vec<String>| {
        record.len() != width || record.iter().filter(|cell| !cell.trim().is_empty()).count() < 2
    };
    let skip_lines = records.iter().take(TITLES_MAX).take_while(is_title).count();
    let mut rest = records.into_iter().skip(skip_lines).filter(|record| record.len() == width).peekable();
    let header = rest.peek().is_some_and(|first| is_header(first));
    let columns = match header {
        true => rest.next().unwrap_or_default().iter().map(|name| squeeze(name).into_owned()).collect(),
        false => (1..=width).map(|number| format!("column_{number}")).collect(),
    };
    let rows = rest.take(ROWS_MAX).collect();
    Sample { format: Format::Csv, delimiter, skip_lines, header, columns, rows }
}

fn records(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let delimiter = u8::try_from(delimiter).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    let records = reader.into_records().take(ROWS_MAX + TITLES_MAX + 1).filter_map(Result::ok);
    records.map(|record| record.iter().map(str::to_owned).collect()).collect()
}

fn usual_width(records: &[Vec<String>]) -> usize {
    let mut widths = std::collections::BTreeMap::new();
    records.iter().for_each(|record| *widths.entry(record.len()).or_insert(0_usize) += 1);
    widths.into_iter().max_by_key(|(_, rows)| *rows).map_or(0, |(width, _)| width)
}

/// Names have letters and few digits, and no two are the same.
fn is_header(record: &[String]) -> bool {
    let names: Vec<_> = record.iter().map(|cell| squeeze(cell)).collect();
    let is_name = |name: &str| {
        name.chars().any(char::is_alphabetic) && name.chars().filter(char::is_ascii_digit).count() <= 2
    };
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    names.iter().all(|name| is_name(name)) && distinct.len() == names.len()
}

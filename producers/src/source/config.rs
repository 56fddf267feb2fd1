//! The `[source]` table.

use std::path::{Path, PathBuf};

use sanchar_runtime::config::ConfigError;
use serde::{Deserialize, Serialize};

use super::discover::has_wildcard;

/// Where rows come from and how they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// Files, relative to the configuration file; the last part of a path may hold `*` and `?`. `-` alone is standard
    /// input. A name that ends with `.gz` is a gzip file of the format. None where rows come from elsewhere.
    #[serde(default)]
    pub files: Vec<String>,
    /// How rows are written.
    pub format: Format,
    /// Lines before the header, titles for example. Default 0.
    #[serde(default)]
    pub skip_lines: u64,
    /// Whether the first line after `skip_lines` names the columns (CSV). Default true.
    #[serde(default = "yes")]
    pub header: bool,
    /// Name of the element that is a row, without a prefix (XML).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// Names of the columns: needed for JSON and XML and where there is no header; else they stand instead of it.
    #[serde(default)]
    pub columns: Vec<String>,
    /// The character between fields (CSV). Default a comma.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// The longest row, in bytes. Default 1048576.
    #[serde(default = "mebibyte")]
    pub max_row_bytes: usize,
    /// What becomes of a last line without a line break. Default `quarantine`.
    #[serde(default)]
    pub unterminated_line: UnterminatedLine,
    /// How long such a line is held back, waiting for its rest, in milliseconds. `run --once` does not wait. Default
    /// 60000.
    #[serde(default = "minute")]
    pub hold_ms: u64,
    /// How often to look for new files and rows, in milliseconds. Default 1000.
    #[serde(default = "second")]
    pub poll_interval_ms: u64,
    /// What becomes of a file whose rows are all settled. Default `keep`.
    #[serde(default)]
    pub after: After,
    /// Where `move` puts a file that was read whole, relative to the file's folder. Default `done`.
    #[serde(default = "done")]
    pub done_folder: PathBuf,
    /// Where `move` puts a file that cannot be read whole, relative to the file's folder. Default `failed`.
    #[serde(default = "failed")]
    pub failed_folder: PathBuf,
    /// How long a file must not change before it is taken, in milliseconds: with `move`, and for `.gz`. Default 2000.
    #[serde(default = "two_seconds")]
    pub stable_ms: u64,
    /// The most bytes that one `.gz` file may hold unpacked. Default 16 GiB.
    #[serde(default = "sixteen_gibibytes")]
    pub max_unpacked_bytes: u64,
}

/// What becomes of a file whose rows are all settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// It stays, and what is added to it is read.
    #[default]
    Keep,
    /// It goes to `done_folder` or `failed_folder`: the source is a drop folder.
    Move,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Delimited text, RFC 4180.
    Csv,
    /// One JSON object per line.
    Jsonl,
    /// One JSON list of objects, or one object.
    Json,
    /// Elements of one name in an XML document.
    Xml,
}

impl Format {
    /// Whether a file is one document, which is whole once it is closed.
    pub(crate) fn is_document(self) -> bool {
        matches!(self, Self::Json | Self::Xml)
    }
}

/// What becomes of a last line without a line break, once it is clear that no more comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnterminatedLine {
    /// It goes to quarantine as half-written, and is read again should its rest arrive.
    #[default]
    Quarantine,
    /// It is a row like any other: for programs that never end their last line.
    Accept,
}

/// The largest value of `max_row_bytes`.
const ROW_BYTES_MAX: usize = 64 << 20;

impl SourceConfig {
    /// Whether these settings fit together. Does not look at any file.
    ///
    /// # Errors
    /// [`ConfigError`] naming the field and the remedy.
    pub fn check(&self) -> Result<(), ConfigError> {
        let refuse = |field: &str, problem: &str| Err(ConfigError::field(format!("source.{field}"), problem));
        if self.columns.is_empty() && self.format != Format::Csv {
            return refuse(
                "columns",
                "is empty: list the keys or paths that the mapping uses, since JSON and XML have no header",
            );
        }
        if self.columns.is_empty() && !self.header {
            return refuse("columns", "is empty: name the columns, or set source.header = true");
        }
        if !self.delimiter.is_ascii() || matches!(self.delimiter, '"' | '\r' | '\n') {
            return refuse("delimiter", "has to be one ascii character other than a quote or a line break");
        }
        if !(1024..=ROW_BYTES_MAX).contains(&self.max_row_bytes) {
            return refuse("max_row_bytes", "has to lie between 1024 and 67108864");
        }
        if self.poll_interval_ms == 0 {
            return refuse("poll_interval_ms", "has to be at least 1");
        }
        if self.max_unpacked_bytes < UNPACKED_BYTES_MIN {
            return refuse("max_unpacked_bytes", "has to be at least 1048576");
        }
        self.check_document()?;
        self.check_places()
    }

    /// Whether rows come from standard input.
    #[must_use]
    pub fn is_stdin(&self) -> bool {
        self.files.iter().any(|file| file == STDIN)
    }

    /// Whether the source is a drop folder, whose files leave once they are settled.
    pub(crate) fn moves(&self) -> bool {
        self.after == After::Move
    }

    /// Where the files of a drop folder are once they are done.
    pub(crate) fn moved_files(&self) -> Vec<String> {
        let moved = |pattern: &String| {
            let path = Path::new(pattern);
            let folder = path.parent()?.join(&self.done_folder);
            Some(folder.join(path.file_name()?).to_string_lossy().into_owned())
        };
        self.files.iter().filter_map(moved).collect()
    }

    fn check_document(&self) -> Result<(), ConfigError> {
        let refuse = |field: &str, problem: &str| Err(ConfigError::field(format!("source.{field}"), problem));
        if self.format.is_document() && self.skip_lines > 0 {
            return refuse("skip_lines", "is for csv and jsonl: take it out");
        }
        match (self.format, self.record.as_deref()) {
            (Format::Xml, None) => {
                refuse("record", "is missing: name the element that is a row, as in \"fir\"")
            }
            (Format::Xml, Some(name)) if !is_element_name(name) => refuse(
                "record",
                "is no name of an element: write it without prefix and brackets, as in \"fir\"",
            ),
            (Format::Csv | Format::Jsonl | Format::Json, Some(_)) => {
                refuse("record", "is for xml: take it out")
            }
            _ => Ok(()),
        }
    }

    fn check_places(&self) -> Result<(), ConfigError> {
        let refuse = |field: &str, problem: &str| Err(ConfigError::field(format!("source.{field}"), problem));
        if self.is_stdin() && self.files.len() > 1 {
            return refuse("files", "names standard input beside files: give each a producer of its own");
        }
        if self.is_stdin() && self.moves() {
            return refuse("after", "is for files: standard input cannot be moved");
        }
        for pattern in &self.files {
            check_pattern(pattern).map_err(|problem| ConfigError::field("source.files", problem))?;
        }
        for (field, folder) in [("done_folder", &self.done_folder), ("failed_folder", &self.failed_folder)] {
            let is_elsewhere =
                folder.components().any(|part| matches!(part, std::path::Component::Normal(_)));
            if !is_elsewhere {
                return refuse(field, "has to be a folder of its own, as in \"done\"");
            }
        }
        if self.done_folder == self.failed_folder {
            return refuse("failed_folder", "is source.done_folder too: name two folders");
        }
        Ok(())
    }
}

impl Default for SourceConfig {
    /// No file.
    fn default() -> Self {
        Self {
            files: Vec::new(),
            format: Format::Csv,
            skip_lines: 0,
            header: yes(),
            record: None,
            columns: Vec::new(),
            delimiter: comma(),
            max_row_bytes: mebibyte(),
            unterminated_line: UnterminatedLine::default(),
            hold_ms: minute(),
            poll_interval_ms: second(),
            after: After::default(),
            done_folder: done(),
            failed_folder: failed(),
            stable_ms: two_seconds(),
            max_unpacked_bytes: sixteen_gibibytes(),
        }
    }
}

/// The name of standard input among `source.files`.
const STDIN: &str = "-";

/// Whether a source's path stands for standard input.
pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

/// Refuses a path that matches nothing, ever.
fn check_pattern(pattern: &str) -> Result<(), String> {
    let path = Path::new(pattern);
    if path.parent().is_some_and(|folder| has_wildcard(&folder.to_string_lossy())) {
        return Err(format!(
            "names `{pattern}`, whose folder holds * or ?: only the last part may, name each folder"
        ));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.contains(['[', ']', '{', '}']) {
        return Err(format!(
            "names `{pattern}`, and brackets are no pattern here: write ? for one character, or *"
        ));
    }
    if name.is_empty() || pattern.ends_with('/') {
        return Err(format!(
            "names `{pattern}`, which is a folder: name the files in it, as in \"{pattern}*.csv\""
        ));
    }
    Ok(())
}

/// The smallest value of `max_unpacked_bytes`.
const UNPACKED_BYTES_MIN: u64 = 1 << 20;

/// A name without prefix, as far as it matters here.
fn is_element_name(name: &str) -> bool {
    const NAME_BYTES_MAX: usize = 200;
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && !name.contains(|c: char| c.is_whitespace() || c.is_control() || ":<>/&\"'=@".contains(c))
}

fn yes() -> bool {
    true
}

fn comma() -> char {
    ','
}

fn mebibyte() -> usize {
    1 << 20
}

fn minute() -> u64 {
    60_000
}

fn second() -> u64 {
    1_000
}

fn two_seconds() -> u64 {
    2_000
}

fn sixteen_gibibytes() -> u64 {
    16 << 30
}

fn done() -> PathBuf {
    PathBuf::from("done")
}

fn failed() -> PathBuf {
    PathBuf::from("failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_together_is_named_with_its_remedy() {
        let drop: SourceConfig =
            toml::from_str("files = ['drop/*.csv', 'a.csv']\nformat = 'csv'\nafter = 'move'").unwrap();
        assert_eq!(drop.moved_files(), ["drop/done/*.csv", "done/a.csv"]);
        for (settings, wanted) in [
            ("files = ['a.xml']\nformat = 'xml'\ncolumns = ['no']", "source.record is missing"),
            ("files = ['a']\nformat = 'xml'\nrecord = 'n:fir'\ncolumns = ['no']", "source.record is no name"),
            ("files = ['a']\nformat = 'csv'\nrecord = 'fir'", "source.record is for xml"),
            ("files = ['a']\nformat = 'json'", "source.columns is empty"),
            (
                "files = ['a']\nformat = 'json'\ncolumns = ['no']\nskip_lines = 1",
                "source.skip_lines is for csv",
            ),
            ("files = ['-', 'a']\nformat = 'csv'", "source.files names standard input beside files"),
            ("files = ['-']\nformat = 'csv'\nafter = 'move'", "source.after is for files"),
            (
                "files = ['a']\nformat = 'csv'\ndone_folder = '.'",
                "source.done_folder has to be a folder of its own",
            ),
            (
                "files = ['a']\nformat = 'csv'\nfailed_folder = 'done'",
                "source.failed_folder is source.done_folder",
            ),
            ("files = ['*/a.csv']\nformat = 'csv'", "source.files names `*/a.csv`, whose folder holds"),
            ("files = ['q/**/*.csv']\nformat = 'csv'", "only the last part may"),
            ("files = ['q/[ab].csv']\nformat = 'csv'", "brackets are no pattern here: write ?"),
            ("files = ['{a,b}.csv']\nformat = 'csv'", "brackets are no pattern here"),
            ("files = ['drop/']\nformat = 'csv'", "is a folder: name the files in it, as in \"drop/*.csv\""),
            ("files = ['a']\nformat = 'csv'\nmax_unpacked_bytes = 1", "source.max_unpacked_bytes has to be"),
        ] {
            let config: SourceConfig = toml::from_str(settings).unwrap();
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}\nshould be\n{wanted}");
        }
    }
}

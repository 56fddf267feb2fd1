//! The `[source]` table.

use sanchar_runtime::config::ConfigError;
use serde::{Deserialize, Serialize};

/// Where rows come from and how they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// Files, relative to the configuration file; the last part of a path may hold `*` and `?`. None where rows are pushed.
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
    /// Names of the columns: needed for JSON Lines and where there is no header; else they stand instead of it.
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
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Delimited text, RFC 4180.
    Csv,
    /// One JSON object per line.
    Jsonl,
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
        if self.columns.is_empty() && self.format == Format::Jsonl {
            return refuse(
                "columns",
                "is empty: list the keys that the mapping uses, since JSON Lines has no header",
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
        Ok(())
    }
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

//! Where rows come from: files of delimited text or of one JSON object per line.
//!
//! Files are read row by row in bounded memory; each row becomes cells by the names of the file's columns. What a row
//! means is the mapping's business, and where reading goes on after a restart is the checkpoint's.

mod config;
mod discover;
mod file;
mod json;
mod rows;
mod scan;

pub use config::{Format, SourceConfig, UnterminatedLine};
pub(crate) use discover::{discover, has_wildcard};
pub(crate) use file::{FileError, Opened, SourceFile, text as row_text};
pub(crate) use json::cells as json_cells;
pub(crate) use rows::{Next, Position, RawRow};
pub(crate) use scan::too_large;

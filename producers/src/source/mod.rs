//! Where rows come from: files or standard input, as delimited text, JSON Lines, a JSON list or XML, packed or not.
//!
//! Input is read row by row in bounded memory; each row becomes cells by the names of the file's columns. What a row
//! means is the mapping's business, and where reading goes on after a restart is the checkpoint's.

mod array;
mod config;
mod discover;
mod file;
mod input;
mod json;
mod markup;
mod opening;
mod pass;
mod passed_over;
mod rows;
mod scan;
mod xml;

pub(crate) use config::is_stdin;
pub use config::{After, Format, SourceConfig, UnterminatedLine};
pub(crate) use discover::{discover, has_wildcard, is_in_transit};
pub(crate) use file::{FileError, Opened, SourceFile, text as row_text};
pub(crate) use input::is_gzip;
pub(crate) use json::cells as json_cells;
pub(crate) use opening::is_packed;
pub(crate) use passed_over::passed_over;
pub(crate) use rows::{Broken, Next, Position, RawRow};
pub(crate) use scan::too_large;

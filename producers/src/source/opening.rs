//! From a path to the place where a file's first row begins: what it is packed in, how it is encoded, its title lines, its
//! header, the beginning of its list or document.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::config::{Format, SourceConfig, is_stdin};
use super::file::{FileError, delimiter_byte, text};
use super::input::{Damage, Input, is_gzip};
use super::markup::Markup;
use super::rows::{Broken, Next, RawRow, RowReader};
use super::scan::{Shape, csv_fields};
use super::xml;
use crate::language::column::Columns;

/// How rows are written, with what the file's beginning has told.
#[derive(Debug)]
pub(super) enum Layout {
    Csv { delimiter: char },
    Lines,
    Array { single: bool },
    Markup(Markup),
}

/// Whether a file is packed, by its name.
pub(crate) fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gz"))
}

pub(super) fn open_input(path: &Path, config: &SourceConfig) -> Result<Input, FileError> {
    if is_stdin(path) {
        return Ok(Input::stdin());
    }
    let io_error = |source| FileError::Io { path: path.to_owned(), source };
    // Opening a pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(io_error)?.is_file() {
        return Err(FileError::NotRegular { path: path.to_owned() });
    }
    let file = File::open(path).map_err(io_error)?;
    let mut beginning = [0; 2];
    let length = file.read_at(&mut beginning, 0).map_err(io_error)?;
    let packing = |problem| FileError::Packing { path: path.to_owned(), problem };
    match (is_packed(path), is_gzip(&beginning)) {
        (true, true) => Ok(Input::gzip(file, config.max_unpacked_bytes)),
        // A transfer that broke off at once leaves nothing, and a gzip file of nothing has a header.
        (true, false) if length == 0 => Err(packing("is empty and no gzip file: send the whole file again")),
        (true, false) => Err(packing("is named .gz and is no gzip file: name it by what it is")),
        (false, true) => Err(packing("is a gzip file: name it .gz")),
        (_, false) => Ok(Input::File(file)),
    }
}

/// Reads what stands before the first row. Where a pipe had nothing to give it may be called again. `None` where the file
/// ends before its first row could begin.
pub(super) fn prepare(
    reader: &mut RowReader<Input>,
    path: &Path,
    config: &SourceConfig,
) -> Result<Option<(Columns, Layout)>, FileError> {
    let io_error = |error| cannot_read(path, error);
    reader.skip_byte_order_mark().map_err(io_error)?;
    let is_beginning = reader.position().offset == 0;
    let beginning = reader.peek().map_err(io_error)?;
    if is_beginning && (beginning.starts_with(&[0xff, 0xfe]) || beginning.starts_with(&[0xfe, 0xff])) {
        return Err(FileError::Utf16 { path: path.to_owned() });
    }
    let has_bare_returns = !config.format.is_document() && ends_lines_with_carriage_returns(beginning);
    let no_row = || match has_bare_returns {
        true => Err(FileError::BareCarriageReturns { path: path.to_owned() }),
        false => Ok(None),
    };
    let columns = Columns::new(&config.columns);
    match config.format {
        Format::Json => {
            let Some(row) = before(reader, Shape::ArrayStart, path)? else { return Ok(None) };
            Ok(Some((columns, Layout::Array { single: row.bytes.last() != Some(&b'[') })))
        }
        Format::Xml => {
            let record = config.record.as_deref().unwrap_or_default();
            let Some(row) = before(reader, Shape::MarkupStart { record }, path)? else { return Ok(None) };
            if std::str::from_utf8(&row.bytes).is_ok_and(xml::foreign_encoding) {
                return Err(FileError::Encoding { path: path.to_owned() });
            }
            Ok(Some((columns, Layout::Markup(Markup::new(&row.bytes, record)))))
        }
        Format::Csv | Format::Jsonl => {
            // Each title is a line; after a pipe's pause some of them are passed already.
            while reader.position().lines < config.skip_lines {
                if before(reader, Shape::Lines, path)?.is_none() {
                    return no_row();
                }
            }
            if config.format == Format::Jsonl {
                return Ok(Some((columns, Layout::Lines)));
            }
            let layout = Layout::Csv { delimiter: config.delimiter };
            if !config.header {
                return Ok(Some((columns, layout)));
            }
            let shape = Shape::Csv { delimiter: delimiter_byte(config.delimiter), fields: None };
            let Some(row) = before(reader, shape, path)? else { return no_row() };
            let names = header(&row, config.delimiter).map_err(|problem| FileError::Header {
                path: path.to_owned(),
                line: row.line,
                problem,
            })?;
            Ok(Some((if columns.is_empty() { Columns::new(names) } else { columns }, layout)))
        }
    }
}

/// A row that is none of the source's rows. `None` where it is not there as a whole.
fn before(reader: &mut RowReader<Input>, shape: Shape<'_>, path: &Path) -> Result<Option<RawRow>, FileError> {
    match reader.next_row(shape).map_err(|error| cannot_read(path, error))? {
        Next::Row(row) => Ok(Some(row)),
        Next::Tail(_) | Next::End => Ok(None),
        Next::Wait => Err(cannot_read(path, io::ErrorKind::WouldBlock.into())),
        Next::Broken(broken) => Err(FileError::Broken { path: path.to_owned(), broken }),
    }
}

fn cannot_read(path: &Path, source: io::Error) -> FileError {
    let path = path.to_owned();
    match Damage::of(&source) {
        Some(damage) => {
            FileError::Broken { path, broken: Broken { line: 1, problem: Cow::Borrowed(damage.problem()) } }
        }
        None => FileError::Io { path, source },
    }
}

/// Whether there is a carriage return within these bytes, and no line feed at all.
fn ends_lines_with_carriage_returns(bytes: &[u8]) -> bool {
    let inner = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    inner.contains(&b'\r') && !bytes.contains(&b'\n')
}

fn header(row: &RawRow, delimiter: char) -> Result<Vec<Cow<'_, str>>, Cow<'static, str>> {
    if let Some(fault) = &row.fault {
        return Err(fault.message.clone());
    }
    let text = text(&row.bytes).map_err(|problem| problem.message)?;
    if text.trim().is_empty() {
        return Err(Cow::Borrowed(
            "is an empty line: set source.skip_lines to the number of lines before the header",
        ));
    }
    Ok(csv_fields(text, delimiter))
}

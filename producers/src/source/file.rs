//! One source file: its title lines, its header, its rows, and the place where reading goes on.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use sanchar_schemas::digest::Sha256;

use super::config::{Format, SourceConfig};
use super::rows::{Next, Position, RawRow, RowReader};
use super::scan::{Shape, csv_fields};
use super::{json, rows};
use crate::checkpoint::Checkpoint;
use crate::language::column::Columns;
use crate::reason::{Problem, Reason};

/// A file whose columns are known.
#[derive(Debug)]
pub(crate) struct SourceFile {
    reader: RowReader<File>,
    columns: Columns,
    format: Format,
    delimiter: char,
}

/// What opening a file gives.
#[derive(Debug)]
pub(crate) enum Opened {
    /// Its rows can be read.
    Ready(Box<SourceFile>),
    /// It is empty, or ends before its header does: nothing to read, for now.
    NoHeader,
}

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// The system refuses.
    #[error("{}: cannot be read ({source}): make it readable for this user", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not UTF-8 from the first bytes on.
    #[error("{}: is utf-16 text: save it as csv in utf-8", path.display())]
    Utf16 {
        /// The file.
        path: PathBuf,
    },
    /// Its lines end as no system ends them any more.
    #[error("{}: its lines end with a carriage return alone: save it with line feeds", path.display())]
    BareCarriageReturns {
        /// The file.
        path: PathBuf,
    },
    /// A folder, a pipe, a device.
    #[error("{}: is no regular file: name one in source.files", path.display())]
    NotRegular {
        /// The path.
        path: PathBuf,
    },
    /// Its header cannot be read.
    #[error("{}:{line}: the header {problem}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// The header's line, from 1.
        line: u64,
        /// What is wrong with it and the remedy.
        problem: Cow<'static, str>,
    },
}

impl SourceFile {
    /// Opens a file and reads up to its first row.
    ///
    /// # Errors
    /// [`FileError`], when the file or its header cannot be read.
    pub(crate) fn open(path: &Path, config: &SourceConfig) -> Result<Opened, FileError> {
        let io_error = |source| FileError::Io { path: path.to_owned(), source };
        // Opening a pipe would wait for its writer.
        if !std::fs::metadata(path).map_err(io_error)?.is_file() {
            return Err(FileError::NotRegular { path: path.to_owned() });
        }
        let mut reader = RowReader::new(File::open(path).map_err(io_error)?, config.max_row_bytes);
        reader.skip_byte_order_mark().map_err(io_error)?;
        if reader
            .peek()
            .is_ok_and(|bytes| bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]))
        {
            return Err(FileError::Utf16 { path: path.to_owned() });
        }
        let has_bare_returns = reader.peek().is_ok_and(ends_lines_with_carriage_returns);
        let no_header = || {
            if has_bare_returns {
                return Err(FileError::BareCarriageReturns { path: path.to_owned() });
            }
            Ok(Opened::NoHeader)
        };
        for _ in 0..config.skip_lines {
            if !matches!(reader.next_row(Shape::Lines).map_err(io_error)?, Next::Row(_)) {
                return no_header();
            }
        }
        let mut columns = Columns::new(&config.columns);
        if config.format == Format::Csv && config.header {
            let shape = Shape::Csv { delimiter: delimiter_byte(config.delimiter), fields: None };
            let Next::Row(row) = reader.next_row(shape).map_err(io_error)? else {
                return no_header();
            };
            let names = header(&row, config.delimiter).map_err(|problem| FileError::Header {
                path: path.to_owned(),
                line: row.line,
                problem,
            })?;
            if columns.is_empty() {
                columns = Columns::new(names);
            }
        }
        let (format, delimiter) = (config.format, config.delimiter);
        Ok(Opened::Ready(Box::new(Self { reader, columns, format, delimiter })))
    }

    /// Goes on at a place that an earlier reading had reached. False, and nothing usable, where the bytes before it
    /// are no longer the same: the file was replaced. `alive` is called now and then, since a large file takes its time.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn resume(&mut self, place: &Checkpoint, alive: &mut dyn FnMut()) -> io::Result<bool> {
        if place.offset < self.reader.position().offset {
            return Ok(false);
        }
        match self.reader.skip_to(place.lines, place.rows, place.offset, alive) {
            Ok(()) => Ok(self.reader.position().sha256() == place.sha256),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Digest of the last bytes before the next row, as they are on disk now: a file that was overwritten in place
    /// gives another one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn last_bytes(&self) -> io::Result<Sha256> {
        const BYTES_MAX: u64 = 4096;
        let offset = self.reader.position().offset;
        let length = offset.min(BYTES_MAX);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        self.reader.input().read_exact_at(&mut bytes, offset - length)?;
        Ok(Sha256::of(&bytes))
    }

    /// Its columns.
    pub(crate) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Where the next row begins.
    pub(crate) fn position(&self) -> &Position {
        self.reader.position()
    }

    /// The next row.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn next_row(&mut self) -> io::Result<Next> {
        let shape = match self.format {
            Format::Csv => {
                Shape::Csv { delimiter: delimiter_byte(self.delimiter), fields: Some(self.columns.len()) }
            }
            Format::Jsonl => Shape::Lines,
        };
        let next = self.reader.next_row(shape)?;
        if matches!(&next, Next::Row(row) if !row.is_blank()) {
            self.reader.count_row();
        }
        Ok(next)
    }

    /// Passes over a last line without a line break.
    pub(crate) fn take_tail(&mut self) {
        self.reader.take_tail();
        self.reader.count_row();
    }

    /// Gives up the first line of a last row that spans several: its quote is not going to be closed.
    pub(crate) fn give_up_line(&mut self) -> Option<RawRow> {
        let row = self.reader.give_up_line()?;
        self.reader.count_row();
        Some(row)
    }

    /// The cells of a row, in the order of the columns.
    ///
    /// # Errors
    /// What is wrong with the row as text.
    pub(crate) fn cells<'a>(&self, row: &'a rows::RawRow) -> Result<Vec<Cow<'a, str>>, Problem> {
        if let Some(fault) = &row.fault {
            return Err(fault.clone());
        }
        let text = text(&row.bytes)?;
        match self.format {
            Format::Csv => Ok(csv_fields(text, self.delimiter)),
            Format::Jsonl => json::cells(text, &self.columns),
        }
    }
}

/// Whether there is a carriage return within these bytes, and no line feed at all.
fn ends_lines_with_carriage_returns(bytes: &[u8]) -> bool {
    let inner = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    inner.contains(&b'\r') && !bytes.contains(&b'\n')
}

/// The row's text, if it is one.
fn text(bytes: &[u8]) -> Result<&str, Problem> {
    if bytes.contains(&0) {
        return Err(Problem::new(Reason::NulByte, "holds a nul byte: the file is damaged or no text"));
    }
    std::str::from_utf8(bytes).map_err(|_| {
        Problem::new(Reason::InvalidUtf8, "holds bytes that are not utf-8: export the file again as utf-8")
    })
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

/// The configuration's check admits ASCII alone.
fn delimiter_byte(delimiter: char) -> u8 {
    u8::try_from(delimiter).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> SourceConfig {
        toml::from_str(&format!("files = ['x']\n{text}")).unwrap()
    }

    fn open(content: &[u8], settings: &str) -> (tempfile::NamedTempFile, Result<Opened, FileError>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let opened = SourceFile::open(file.path(), &config(settings));
        (file, opened)
    }

    fn ready(content: &[u8], settings: &str) -> (tempfile::NamedTempFile, SourceFile) {
        match open(content, settings) {
            (file, Ok(Opened::Ready(source))) => (file, *source),
            (_, other) => panic!("{other:?}"),
        }
    }

    fn outcomes(source: &mut SourceFile) -> Vec<Result<Vec<String>, Reason>> {
        let mut found = Vec::new();
        while let Next::Row(row) = source.next_row().unwrap() {
            let cells = source.cells(&row).map_err(|problem| problem.reason);
            found.push(cells.map(|cells| cells.into_iter().map(Cow::into_owned).collect()));
        }
        found
    }

    #[test]
    fn titles_are_passed_over_and_the_header_names_the_columns() {
        let text = "\u{feff}title, \"with an open quote\nक्र.,थाना\u{a0}\n1,विजयनगर\n";
        let (_file, mut source) = ready(text.as_bytes(), "format = 'csv'\nskip_lines = 1");
        assert_eq!(source.columns().names(), ["क्र.", "थाना"]);
        assert_eq!(outcomes(&mut source), [Ok(vec!["1".into(), "विजयनगर".into()])]);
        assert_eq!(source.position().rows, 1);
    }

    #[test]
    fn empty_and_title_only_files_have_nothing_to_read() {
        for content in ["", "title\n", "title\nhalf a hea"] {
            let (_file, opened) = open(content.as_bytes(), "format = 'csv'\nskip_lines = 1");
            assert!(matches!(opened, Ok(Opened::NoHeader)), "{content:?}");
        }
        let (_file, opened) = open(b"a,b\r", "format = 'csv'");
        assert!(matches!(opened, Ok(Opened::NoHeader)), "its line feed may be on its way");
        let (_file, mut source) = ready(b"a,b\n", "format = 'csv'");
        assert!(outcomes(&mut source).is_empty());
    }

    #[test]
    fn files_that_cannot_be_read_at_all_say_what_to_do() {
        for (content, part) in [
            (&b"\xff\xfea\0,\0b\0\n\0"[..], "is utf-16 text: save it as csv in utf-8"),
            (b"a,b\r1,2\r", "its lines end with a carriage return alone: save it with line feeds"),
            (b"a,\xff\n", ":1: the header holds bytes that are not utf-8"),
            (b"a,\"b\"c\n", ":1: the header has a quote"),
            (b"\na,b\n", ":1: the header is an empty line: set source.skip_lines"),
        ] {
            let (_file, opened) = open(content, "format = 'csv'");
            let error = opened.unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let error = SourceFile::open(Path::new("/nonexistent.csv"), &config("format = 'csv'"))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("/nonexistent.csv: cannot be read"), "{error}");
        for path in ["/dev/zero", "/"] {
            let error = SourceFile::open(Path::new(path), &config("format = 'csv'")).unwrap_err().to_string();
            assert!(error.contains("is no regular file"), "{error}");
        }
    }

    #[test]
    fn rows_that_are_no_text_are_named() {
        let (_file, mut source) = ready(b"a,b\n1,\xff\n2,\0\n3,x\n4\n", "format = 'csv'");
        assert_eq!(
            outcomes(&mut source),
            [
                Err(Reason::InvalidUtf8),
                Err(Reason::NulByte),
                Ok(vec!["3".into(), "x".into()]),
                Err(Reason::ColumnCount)
            ]
        );
    }

    #[test]
    fn json_lines_and_files_without_header_take_their_names_from_the_configuration() {
        let settings = "format = 'jsonl'\ncolumns = ['a', 'b']";
        let (_file, mut source) = ready(b"{\"b\": 2, \"c\": 3}\nnot json\n", settings);
        assert_eq!(outcomes(&mut source), [Ok(vec![String::new(), "2".into()]), Err(Reason::BadJson)]);
        let (_file, mut source) =
            ready(b"1;2\n", "format = 'csv'\nheader = false\ncolumns = ['a', 'b']\ndelimiter = ';'");
        assert_eq!(outcomes(&mut source), [Ok(vec!["1".into(), "2".into()])]);
    }

    #[test]
    fn a_reading_goes_on_unless_the_file_was_replaced() {
        let (file, mut source) = ready(b"a,b\n1,2\n3,4\n", "format = 'csv'");
        source.next_row().unwrap();
        let place = Checkpoint::new(source.position(), 0, None);
        let again = |content: &[u8]| {
            std::fs::write(file.path(), content).unwrap();
            let Ok(Opened::Ready(mut source)) = SourceFile::open(file.path(), &config("format = 'csv'"))
            else {
                panic!()
            };
            let resumed = source.resume(&place, &mut || {}).unwrap();
            resumed.then(|| outcomes(&mut source))
        };
        assert_eq!(again(b"a,b\n1,2\n3,4\n5,6\n").map(|rows| rows.len()), Some(2));
        assert_eq!(again(b"a,b\n1,3\n3,4\n"), None);
        assert_eq!(again(b"a,b\n"), None);
    }
}

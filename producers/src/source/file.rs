//! One source file: its title lines, its header, its rows, and the place where reading goes on.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use sanchar_schemas::digest::Sha256;

use super::config::{Format, SourceConfig, is_stdin};
use super::input::{Damage, Input, is_gzip};
use super::markup::Markup;
use super::rows::{Broken, Next, Position, RawRow, RowReader};
use super::scan::{Shape, csv_fields};
use super::{json, rows, xml};
use crate::checkpoint::Checkpoint;
use crate::language::column::Columns;
use crate::reason::{Problem, Reason};

/// A file whose columns are known.
#[derive(Debug)]
pub(crate) struct SourceFile {
    reader: RowReader<Input>,
    columns: Columns,
    layout: Layout,
}

/// How rows are written, with what the file's beginning has told.
#[derive(Debug)]
enum Layout {
    Csv { delimiter: char },
    Lines,
    Array { single: bool },
    Markup(Markup),
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
    #[error("{}: is utf-16 text: save it in utf-8", path.display())]
    Utf16 {
        /// The file.
        path: PathBuf,
    },
    /// Its XML declaration names another encoding.
    #[error("{}: is xml in another encoding than utf-8: export it in utf-8", path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
    },
    /// Its name and its first bytes contradict each other.
    #[error("{}: {problem}", path.display())]
    Packing {
        /// The file.
        path: PathBuf,
        /// What is wrong and the remedy.
        problem: &'static str,
    },
    /// It breaks before its first row.
    #[error("{}: {broken}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Where and why.
        broken: Broken,
    },
    /// A stop came while a pipe had nothing to give.
    #[error("{}: had no header when the stop came", path.display())]
    Stopped {
        /// The pipe.
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
    /// Opens a file and reads up to its first row. `wait` is asked, while a pipe has nothing to give, whether to go on.
    ///
    /// # Errors
    /// [`FileError`], when the file or its header cannot be read.
    pub(crate) fn open(
        path: &Path,
        config: &SourceConfig,
        wait: &mut dyn FnMut() -> bool,
    ) -> Result<Opened, FileError> {
        let input = open_input(path, config)?;
        let mut reader = RowReader::new(input, config.max_row_bytes);
        loop {
            match prepare(&mut reader, path, config) {
                Ok(Some((columns, layout))) => {
                    return Ok(Opened::Ready(Box::new(Self { reader, columns, layout })));
                }
                Ok(None) => return Ok(Opened::NoHeader),
                Err(FileError::Io { source, .. }) if source.kind() == io::ErrorKind::WouldBlock => {
                    if !wait() {
                        return Err(FileError::Stopped { path: path.to_owned() });
                    }
                }
                Err(error) => return Err(error),
            }
        }
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
    /// When the file cannot be read, or is none that can be read on when it grows.
    pub(crate) fn last_bytes(&self) -> io::Result<Sha256> {
        const BYTES_MAX: u64 = 4096;
        let Input::File(file) = self.reader.input() else { return Err(io::ErrorKind::Unsupported.into()) };
        let offset = self.reader.position().offset;
        let length = offset.min(BYTES_MAX);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        file.read_exact_at(&mut bytes, offset - length)?;
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

    /// Where the last row ended.
    pub(crate) fn behind_row(&self) -> &Position {
        self.reader.behind_row()
    }

    /// The next row.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn next_row(&mut self) -> io::Result<Next> {
        let rows = self.reader.position().rows;
        let shape = match &self.layout {
            Layout::Csv { delimiter } => {
                Shape::Csv { delimiter: delimiter_byte(*delimiter), fields: Some(self.columns.len()) }
            }
            Layout::Lines => Shape::Lines,
            Layout::Array { single } => Shape::Array { first: rows == 0, single: *single },
            Layout::Markup(markup) => Shape::Markup { markup, is_over: markup.is_over(rows) },
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
        match &self.layout {
            Layout::Csv { delimiter } => Ok(csv_fields(text, *delimiter)),
            Layout::Lines | Layout::Array { .. } => json::cells(text, &self.columns),
            Layout::Markup(_) => xml::cells(text, &self.columns),
        }
    }
}

/// Whether a file is packed, by its name.
pub(crate) fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gz"))
}

fn open_input(path: &Path, config: &SourceConfig) -> Result<Input, FileError> {
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
        (true, false) if length > 0 => {
            Err(packing("is named .gz and is no gzip file: name it by what it is"))
        }
        (false, true) => Err(packing("is a gzip file: name it .gz")),
        (_, false) => Ok(Input::File(file)),
    }
}

/// Reads what stands before the first row. Where a pipe had nothing to give it may be called again. `None` where the file
/// ends before its first row could begin.
fn prepare(
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
        let opened = SourceFile::open(file.path(), &config(settings), &mut || true);
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
            (&b"\xff\xfea\0,\0b\0\n\0"[..], "is utf-16 text: save it in utf-8"),
            (b"a,b\r1,2\r", "its lines end with a carriage return alone: save it with line feeds"),
            (b"a,\xff\n", ":1: the header holds bytes that are not utf-8"),
            (b"a,\"b\"c\n", ":1: the header has a quote"),
            (b"\na,b\n", ":1: the header is an empty line: set source.skip_lines"),
        ] {
            let (_file, opened) = open(content, "format = 'csv'");
            let error = opened.unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let error = SourceFile::open(Path::new("/nonexistent.csv"), &config("format = 'csv'"), &mut || true)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("/nonexistent.csv: cannot be read"), "{error}");
        for path in ["/dev/zero", "/"] {
            let opened = SourceFile::open(Path::new(path), &config("format = 'csv'"), &mut || true);
            let error = opened.unwrap_err().to_string();
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
        let place = Checkpoint::new(source.position(), 0);
        let again = |content: &[u8]| {
            std::fs::write(file.path(), content).unwrap();
            let Ok(Opened::Ready(mut source)) =
                SourceFile::open(file.path(), &config("format = 'csv'"), &mut || true)
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

    #[test]
    fn lists_and_documents_are_rows_by_the_names_of_their_parts() {
        let (_file, mut source) =
            ready(b"[{\"b\": 2},\n {\"a\": [1, 2]}, 3]", "format = 'json'\ncolumns = ['a.1', 'b']");
        let row = |a: &str, b: &str| Ok(vec![a.to_owned(), b.to_owned()]);
        assert_eq!(outcomes(&mut source), [row("", "2"), row("2", ""), Err(Reason::BadJson)]);
        let settings = "format = 'xml'\nrecord = 'fir'\ncolumns = ['@id', 'no']";
        let text =
            b"\xef\xbb\xbf<?xml version='1.0'?><f><fir id='1'/><fir><no>2</no></fir><fir>&x;</fir></f>";
        let (_file, mut source) = ready(text, settings);
        assert_eq!(outcomes(&mut source), [row("1", ""), row("", "2"), Err(Reason::BadXml)]);
        let (_file, opened) = open(b"<?xml version='1.0' encoding='latin1'?><f>", settings);
        assert!(
            opened
                .unwrap_err()
                .to_string()
                .ends_with("is xml in another encoding than utf-8: export it in utf-8")
        );
        let (_file, opened) =
            open(b"<!DOCTYPE f [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><f>&a;</f>", settings);
        assert!(opened.unwrap_err().to_string().contains("export it without <!DOCTYPE"));
    }

    #[test]
    fn a_packed_file_is_read_by_its_name_and_resumed_by_what_it_holds() {
        use std::io::Write as _;
        let folder = tempfile::tempdir().unwrap();
        let (path, plain) = (folder.path().join("a.csv.GZ"), folder.path().join("a.csv"));
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(b"a,b\n1,2\n3,4\n").unwrap();
        let packed = packed.finish().unwrap();
        std::fs::write(&path, &packed).unwrap();
        std::fs::write(&plain, &packed).unwrap();
        let config = config("format = 'csv'");
        let open = |path: &Path| SourceFile::open(path, &config, &mut || true);
        let again = || match open(&path) {
            Ok(Opened::Ready(source)) => source,
            other => panic!("{other:?}"),
        };
        let mut source = again();
        source.next_row().unwrap();
        let place = Checkpoint::new(source.position(), 0);
        assert!(source.last_bytes().is_err(), "it is never kept open");
        let mut source = again();
        assert!(source.resume(&place, &mut || {}).unwrap());
        assert_eq!(outcomes(&mut source), [Ok(vec!["3".into(), "4".into()])]);
        assert!(open(&plain).unwrap_err().to_string().ends_with("is a gzip file: name it .gz"));
        std::fs::write(&path, "a,b\n").unwrap();
        assert!(open(&path).unwrap_err().to_string().contains("is named .gz and is no gzip file"));
        std::fs::write(&path, &packed[..packed.len() - 9]).unwrap();
        let mut source = again();
        let broken = loop {
            match source.next_row().unwrap() {
                Next::Row(_) => {}
                Next::Broken(broken) => break broken,
                other => panic!("{other:?}"),
            }
        };
        assert!(broken.to_string().starts_with("from line "), "{broken}");
    }
}

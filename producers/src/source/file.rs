//! One source file: its title lines, its header, its rows, and the place where reading goes on.

use std::borrow::Cow;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use sanchar_schemas::digest::Sha256;
use sha2::Digest as _;

use super::config::SourceConfig;
use super::input::Input;
use super::opening::{Layout, open_input, prepare};
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
    #[error("{}: {}", crate::naming::shown(path), refusal(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not UTF-8 from the first bytes on.
    #[error("{}: is utf-16 text: save it in utf-8", crate::naming::shown(path))]
    Utf16 {
        /// The file.
        path: PathBuf,
    },
    /// Its XML declaration names another encoding.
    #[error("{}: is xml in another encoding than utf-8: export it in utf-8", crate::naming::shown(path))]
    Encoding {
        /// The file.
        path: PathBuf,
    },
    /// Its name and its first bytes contradict each other.
    #[error("{}: {problem}", crate::naming::shown(path))]
    Packing {
        /// The file.
        path: PathBuf,
        /// What is wrong and the remedy.
        problem: &'static str,
    },
    /// It breaks before its first row.
    #[error("{}: {broken}", crate::naming::shown(path))]
    Broken {
        /// The file.
        path: PathBuf,
        /// Where and why.
        broken: Broken,
    },
    /// A stop came while a pipe had nothing to give.
    #[error("{}: had no header when the stop came", crate::naming::shown(path))]
    Stopped {
        /// The pipe.
        path: PathBuf,
    },
    /// Its lines end as no system ends them any more.
    #[error(
        "{}: its lines end with a carriage return alone: save it with line feeds",
        crate::naming::shown(path)
    )]
    BareCarriageReturns {
        /// The file.
        path: PathBuf,
    },
    /// A folder, a pipe, a device.
    #[error("{}: is no regular file: name one in source.files", crate::naming::shown(path))]
    NotRegular {
        /// The path.
        path: PathBuf,
    },
    /// Its header cannot be read.
    #[error("{}:{line}: the header {problem}", crate::naming::shown(path))]
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

    /// Whether the bytes before the next row still stand there. False too where they cannot be read. `alive` is called now
    /// and then.
    pub(crate) fn is_as_it_was(&self, alive: &mut dyn FnMut()) -> bool {
        const PIECE_BYTES: u64 = 64 << 10;
        let Input::File(file) = self.reader.input() else { return false };
        let position = self.reader.position();
        let (mut digest, mut piece, mut offset) = (sha2::Sha256::new(), Vec::new(), 0);
        while offset < position.offset {
            alive();
            let length = PIECE_BYTES.min(position.offset - offset);
            piece.resize(usize::try_from(length).unwrap_or_default(), 0);
            if file.read_exact_at(&mut piece, offset).is_err() {
                return false;
            }
            digest.update(&piece);
            offset += length;
        }
        position.sha256() == Sha256(digest.finalize().into())
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
        if let (Next::End, 0, Layout::Markup(markup)) = (&next, rows, &self.layout)
            && let Some(broken) = self.reader.without_row(markup)
        {
            return Ok(Next::Broken(broken));
        }
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

/// What the system's refusal means, and the remedy; the subject is the file.
fn refusal(error: &io::Error) -> Cow<'static, str> {
    match error.kind() {
        io::ErrorKind::NotFound => "is not there: correct its name, or put it there".into(),
        io::ErrorKind::PermissionDenied => {
            "must not be read by this user: make it readable, with its folder".into()
        }
        _ => format!("cannot be read ({error}): see whether its disk or network folder is sound").into(),
    }
}

/// The row's text, if it is one.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, Problem> {
    if bytes.contains(&0) {
        return Err(Problem::new(Reason::NulByte, "holds a nul byte: the file is damaged or no text"));
    }
    std::str::from_utf8(bytes).map_err(|_| {
        Problem::new(Reason::InvalidUtf8, "holds bytes that are not utf-8: export the file again as utf-8")
    })
}

/// The configuration's check admits ASCII alone.
pub(super) fn delimiter_byte(delimiter: char) -> u8 {
    u8::try_from(delimiter).unwrap_or(b',')
}

#[cfg(test)]
mod tests;

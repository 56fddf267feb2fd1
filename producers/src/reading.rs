//! One source file, read and judged row by row: what the daemon and the dry run share.
//!
//! It gives out revisions for records that have none of their own. It neither publishes nor writes.

use std::io;
use std::path::Path;

use sanchar_schemas::CrimeEvent;
use sanchar_schemas::digest::Sha256;

use crate::backfill::FileTimes;
use crate::checkpoint::Checkpoint;
use crate::config::{ProducerConfig, Unfit};
use crate::mapping::{Explained, Mapper, Reading, SourceRow, Verdict};
use crate::memory::{Admission, Memory};
use crate::naming;
use crate::reason::Rejection;
use crate::source::{FileError, Next, Opened, Position, RawRow, SourceFile};

/// Why a file's rows cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The file or its header cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The mapping does not fit it.
    #[error(transparent)]
    Mapping(#[from] Unfit),
}

impl OpenError {
    /// Whether it is the file that is at fault, and not the system, a stop or a joined file.
    pub(crate) fn is_of_file(&self) -> bool {
        let is_of_system = matches!(self, Self::File(FileError::Io { .. } | FileError::Stopped { .. }));
        !is_of_system && !matches!(self, Self::Mapping(Unfit::Join(_)))
    }
}

/// What becomes of a row.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is published.
    Event(Box<CrimeEvent>),
    /// It was published as it is.
    Unchanged,
    /// An empty line.
    Blank,
    /// The mapping leaves it out: position in `rows.skip`.
    Skipped(usize),
    /// It goes to quarantine.
    Rejected(Rejection),
}

/// A file being read.
#[derive(Debug)]
pub(crate) struct FileReading {
    file: SourceFile,
    name: String,
    mapper: Mapper,
    /// Tells this reading from every other.
    id: i64,
}

/// Revisions for records without one of their own: the time of reading, never less than before; in a backfill the time of the
/// file.
#[derive(Debug, Clone)]
pub(crate) struct Revisions {
    latest: i64,
    files: Option<FileTimes>,
}

impl Revisions {
    /// Revisions later than `latest`.
    pub(crate) fn after(latest: i64) -> Self {
        Self { latest, files: None }
    }

    /// Revisions of the files' own times.
    pub(crate) fn of_files() -> Self {
        Self { latest: 0, files: Some(FileTimes::default()) }
    }

    /// The latest that was given out.
    pub(crate) fn latest(&self) -> i64 {
        self.latest
    }

    /// Revision and time of a row that is read at `now_ms`.
    pub(crate) fn at(&mut self, now_ms: i64) -> Reading {
        if self.files.is_some() {
            // A clock that was wrong when the file was written must not outdate what comes.
            return Reading { now_ms, revision: self.latest.min(now_ms) };
        }
        self.latest = self.latest.max(now_ms);
        Reading { now_ms, revision: self.latest }
    }

    /// Begins a file.
    fn begin(&mut self, path: &Path) {
        match &mut self.files {
            // Two files read within one millisecond may hold the same record.
            None => self.advance(),
            Some(times) => self.latest = times.of(path),
        }
    }

    /// A revision greater than `revision`.
    pub(crate) fn beyond(&mut self, revision: i64) -> i64 {
        self.latest = self.latest.max(revision).saturating_add(1);
        self.latest
    }

    /// Makes the next revision a greater one, whatever the clock says.
    pub(crate) fn advance(&mut self) {
        self.latest += 1;
    }
}

impl FileReading {
    /// Opens a file and binds the mapping to its columns. `None` where it ends before its first row could begin.
    ///
    /// # Errors
    /// [`OpenError`], when the file cannot be read by this configuration.
    pub(crate) fn open(
        config: &ProducerConfig,
        path: &Path,
        revisions: &mut Revisions,
    ) -> Result<Option<Self>, OpenError> {
        Self::open_waiting(config, path, revisions, &mut || true)
    }

    /// The same; `wait` is asked, while a pipe has nothing to give, whether to go on.
    ///
    /// # Errors
    /// As [`FileReading::open`].
    pub(crate) fn open_waiting(
        config: &ProducerConfig,
        path: &Path,
        revisions: &mut Revisions,
        wait: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Self>, OpenError> {
        let file = match SourceFile::open(path, &config.source, wait)? {
            Opened::Ready(file) => *file,
            Opened::NoHeader => return Ok(None),
        };
        let name = naming::shown(config.shown(path));
        let mapper = config.mapper(file.columns(), &name)?;
        revisions.begin(path);
        Ok(Some(Self { file, name, mapper, id: revisions.latest() }))
    }

    /// The file's name for people.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where the next row begins.
    pub(crate) fn position(&self) -> &Position {
        self.file.position()
    }

    /// Where the last row ended.
    pub(crate) fn behind_row(&self) -> &Position {
        self.file.behind_row()
    }

    /// Goes on at the place of a checkpoint. False, and nothing usable, where the file was replaced. `alive` is called now
    /// and then.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn resume(&mut self, place: &Checkpoint, alive: &mut dyn FnMut()) -> io::Result<bool> {
        self.file.resume(place, alive)
    }

    /// Digest of the last bytes read, as they are on disk now.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn last_bytes(&self) -> io::Result<Sha256> {
        self.file.last_bytes()
    }

    /// Whether what was read of it still stands there, as far as it can be read. `alive` is called now and then.
    pub(crate) fn is_as_it_was(&self, alive: &mut dyn FnMut()) -> bool {
        self.file.is_as_it_was(alive)
    }

    /// The file itself.
    pub(crate) fn file(&mut self) -> &mut SourceFile {
        &mut self.file
    }

    /// The next row, not yet judged.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn next_row(&mut self) -> io::Result<Next> {
        self.file.next_row()
    }

    /// Decides what becomes of a row that was read at `now_ms`.
    pub(crate) fn judge(
        &mut self,
        row: &RawRow,
        revisions: &mut Revisions,
        memory: &mut Memory,
        now_ms: i64,
    ) -> Outcome {
        if row.is_blank() {
            return Outcome::Blank;
        }
        match self.verdict(row, revisions.at(now_ms)) {
            Verdict::Event(event) => match memory.admit(event, self.mapper.versions(), self.id, revisions) {
                Admission::Send(event) => Outcome::Event(event),
                Admission::Unchanged => Outcome::Unchanged,
                Admission::Taken(rejection) => Outcome::Rejected(rejection),
            },
            Verdict::Skipped(rule) => Outcome::Skipped(rule),
            Verdict::Rejected(rejection) => Outcome::Rejected(rejection),
        }
    }

    /// The same, with its reasons, of a single row.
    pub(crate) fn explain(&self, row: &RawRow, now_ms: i64) -> Explained {
        let reading = Revisions::after(0).at(now_ms);
        match self.file.cells(row) {
            Ok(cells) => self.mapper.explain(SourceRow { raw: &row.bytes, cells }, reading),
            Err(problem) => {
                Explained { before: None, taken: Vec::new(), verdict: Verdict::Rejected(problem.at("")) }
            }
        }
    }

    fn verdict(&self, row: &RawRow, reading: Reading) -> Verdict {
        match self.file.cells(row) {
            Ok(cells) => self.mapper.map(SourceRow { raw: &row.bytes, cells }, reading),
            Err(problem) => Verdict::Rejected(problem.at("")),
        }
    }
}

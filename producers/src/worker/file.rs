//! Reading one source file on, from where the last pass or the last run left it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sanchar_runtime::lifecycle::Failure;

use super::watched::{Stamp, Tail};
use super::{Worker, read_checkpoint};
use crate::checkpoint::Checkpoint;
use crate::dry_run::unterminated;
use crate::publish::Sink;
use crate::reading::{FileReading, OpenError};
use crate::source::{Next, RawRow, UnterminatedLine};

/// The most files that are kept open between passes; others are opened and verified again when they grow.
const OPEN_FILES_MAX: usize = 64;

impl<S: Sink> Worker<S> {
    /// Reads a file on to its end, if it has changed.
    pub(super) fn read_on(&mut self, path: &Path) -> Result<(), Failure> {
        let data = match std::fs::metadata(path) {
            Ok(data) => data,
            Err(error) if self.options.once => {
                let shown = path.display();
                return Err(Failure::config(format!(
                    "{shown}: cannot be read ({error}): correct source.files"
                )));
            }
            // It is reported as missing, and looked for again.
            Err(_) => return Ok(()),
        };
        let stamp = Stamp::new(&data);
        let joined = self.config.joined_stamp();
        let file = self.watched(path);
        let begins_anew = file.joined != joined;
        if !begins_anew && !file.may_have_more(stamp) {
            return Ok(());
        }
        if begins_anew && file.place.is_some() && !self.is_settled()? {
            // The checkpoint must not say of rows read with the old joins that they were read with the new ones.
            return Ok(());
        }
        let reading = match self.open(path, stamp) {
            Ok(reading) => reading,
            Err(Unreadable::Refused(error)) => return self.set_aside(path, stamp, &error),
            Err(Unreadable::Failed(failure)) => return Err(failure),
        };
        let file = self.watched(path);
        file.accept();
        file.stamp = Some(stamp);
        let Some(mut reading) = reading else {
            tracing::info!(file = file.name, "the source file has no row yet");
            return Ok(());
        };
        let before = reading.position().rows;
        let outcome = self.read_rows(path, &mut reading);
        self.put_back(path, reading, before, outcome)
    }

    /// Whether every row that was read has been settled, and its checkpoint written.
    fn is_settled(&mut self) -> Result<bool, Failure> {
        self.service()?;
        if !self.ledger.is_empty() {
            return Ok(false);
        }
        self.save()?;
        Ok(true)
    }

    fn read_rows(&mut self, path: &Path, reading: &mut FileReading) -> Result<End, Failure> {
        let id = Arc::clone(&self.watched(path).id);
        while !self.is_stopping() {
            match reading.next_row() {
                Ok(Next::Row(row)) => self.take_row(&id, reading, row)?,
                Ok(Next::Tail(row)) => match self.judge_tail(path, reading, &row) {
                    TailVerdict::Wait => return Ok(End::Reached),
                    TailVerdict::GiveUpLine => {
                        if let Some(first) = reading.file().give_up_line() {
                            self.take_row(&id, reading, first)?;
                        }
                    }
                    TailVerdict::Row => {
                        reading.file().take_tail();
                        self.take_row(&id, reading, row)?;
                    }
                    TailVerdict::Quarantine => {
                        self.metrics.read.inc();
                        self.put_into_quarantine(&id, &row, &unterminated())?;
                        return Ok(End::Reached);
                    }
                },
                Ok(Next::End) => return Ok(End::Reached),
                Err(error) => return Ok(End::Failed(error)),
            }
        }
        Ok(End::Stopped)
    }

    /// Keeps the place, and the file open where few are.
    fn put_back(
        &mut self,
        path: &Path,
        reading: FileReading,
        rows_before: u64,
        outcome: Result<End, Failure>,
    ) -> Result<(), Failure> {
        let end = outcome?;
        let revision = self.revisions.latest();
        let few = self.files.values().filter(|file| file.open.is_some()).count() < OPEN_FILES_MAX;
        let once = self.options.once;
        let file = self.watched(path);
        let rows = reading.position().rows - rows_before;
        file.read_to = reading.position().offset;
        file.place = Some(Checkpoint::new(reading.position(), revision, file.joined));
        if rows > 0 {
            tracing::info!(file = file.name, rows, line = reading.position().lines, "source file read");
        }
        match end {
            End::Failed(error) if once => {
                return Err(Failure::temporary(format!("{}: cannot be read on ({error})", path.display())));
            }
            End::Failed(error) => {
                tracing::warn!(file = file.name, %error, "the source file cannot be read on; trying again");
                file.stamp = None;
            }
            End::Stopped | End::Reached => {
                let last_bytes = reading.last_bytes().ok().filter(|_| few);
                file.open = last_bytes.map(|last_bytes| (reading, last_bytes));
            }
        }
        Ok(())
    }

    /// The file at the place where reading goes on; `None` where its first row is not there yet.
    fn open(&mut self, path: &Path, stamp: Stamp) -> Result<Option<FileReading>, Unreadable> {
        let joined = self.config.joined_stamp();
        let file = self.watched(path);
        if let Some((reading, last_bytes)) = file.open.take() {
            let is_same = file.joined == joined
                && file.stamp.is_some_and(|before| before.is_same_file(stamp))
                && stamp.length >= reading.position().offset
                && reading.last_bytes().is_ok_and(|now| now == last_bytes);
            if is_same {
                return Ok(Some(reading));
            }
        }
        let place = match file.place {
            Some(place) => Some(place),
            None => read_checkpoint(&file.checkpoint).map_err(Unreadable::Failed)?,
        };
        file.tail = None;
        file.joined = joined;
        let open = |worker: &mut Self| {
            FileReading::open(&worker.config, path, &mut worker.revisions).map_err(Unreadable::Refused)
        };
        let Some(mut reading) = open(self)? else { return Ok(None) };
        let Some(place) = place else { return Ok(Some(reading)) };
        if place.joined != joined {
            let name = &self.watched(path).name;
            tracing::info!(file = name, "joined files have changed; the source file is read from its start");
            return Ok(Some(reading));
        }
        let source = self.source.clone();
        if reading.resume(&place, &mut || source.beat()).unwrap_or(false) {
            return Ok(Some(reading));
        }
        tracing::warn!(
            file = self.watched(path).name,
            "the source file was replaced; it is read from its start"
        );
        open(self)
    }

    /// A file that does not fit: the end of a run that has only this to do, else a reason to be not ready.
    fn set_aside(&mut self, path: &Path, stamp: Stamp, error: &OpenError) -> Result<(), Failure> {
        if self.options.once {
            return Err(Failure::config(error.to_string()));
        }
        tracing::error!(%error, "the source file is set aside until it changes");
        self.watched(path).refuse(Some(stamp));
        Ok(())
    }

    /// What to do with a last line without a line break.
    fn judge_tail(&mut self, path: &Path, reading: &FileReading, row: &RawRow) -> TailVerdict {
        let now_ms = self.context.clock.uptime_ms();
        let hold_ms = if self.options.once { 0 } else { self.config.source.hold_ms };
        let accepts = self.config.source.unterminated_line == UnterminatedLine::Accept;
        let file = self.watched(path);
        let fresh = Tail {
            offset: reading.position().offset,
            length: row.length,
            since_ms: now_ms,
            is_quarantined: false,
        };
        let tail = file.tail.get_or_insert(fresh);
        if (tail.offset, tail.length) != (fresh.offset, fresh.length) {
            *tail = fresh;
        }
        if tail.is_quarantined || now_ms < tail.since_ms.saturating_add(hold_ms) {
            return TailVerdict::Wait;
        }
        if row.lines > 1 {
            return TailVerdict::GiveUpLine;
        }
        if accepts {
            return TailVerdict::Row;
        }
        tail.is_quarantined = true;
        TailVerdict::Quarantine
    }
}

/// Why a file cannot be opened.
enum Unreadable {
    /// It does not fit.
    Refused(OpenError),
    /// The daemon cannot go on.
    Failed(Failure),
}

/// How a pass over a file ended.
enum End {
    Reached,
    Stopped,
    Failed(std::io::Error),
}

/// What to do with a last line without a line break.
enum TailVerdict {
    Wait,
    GiveUpLine,
    Row,
    Quarantine,
}

/// The file that a row in flight comes from.
pub(super) type FileId = Arc<PathBuf>;

//! Reading one source file on, from where the last pass or the last run left it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sanchar_runtime::lifecycle::Failure;

use super::settle::SERVICE_ROWS;
use super::watched::{Ending, Stamp, Tail, Watched};
use super::{Worker, read_checkpoint};
use crate::checkpoint::Checkpoint;
use crate::dry_run::{not_closed, unterminated};
use crate::naming;
use crate::publish::{Place, Sink};
use crate::reading::{FileReading, OpenError};
use crate::source::{Broken, Next, RawRow, UnterminatedLine, is_packed, is_stdin};

/// The most files that are kept open between passes; others are opened and verified again when they grow.
const OPEN_FILES_MAX: usize = 64;

impl<S: Sink> Worker<S> {
    /// Reads a file on to its end, if it has changed.
    pub(super) fn read_on(&mut self, path: &Path) -> Result<(), Failure> {
        let looked_ms = self.context.clock.uptime_ms();
        let data = match std::fs::metadata(path) {
            Ok(data) => data,
            Err(error) if self.options.once && !self.config.source.moves() => {
                let shown = naming::shown(path);
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
        if !begins_anew && !file.may_have_more(stamp) && !file.is_to_be_verified(looked_ms) {
            return Ok(());
        }
        if begins_anew && file.place.is_some() && !self.is_settled()? {
            // The checkpoint must not say of rows read with the old joins that they were read with the new ones.
            return Ok(());
        }
        let (now_ms, stable_ms) = (self.context.clock.uptime_ms(), self.config.source.stable_ms);
        if self.must_be_stable(path) && !self.watched(path).is_stable(stamp, (looked_ms, now_ms), stable_ms) {
            self.unstable += 1;
            return Ok(());
        }
        let reading = match self.open(path, stamp) {
            Ok(reading) => reading,
            Err(Unreadable::Refused(error)) => return self.set_aside(path, stamp, &error),
            Err(Unreadable::Failed(failure)) => return Err(failure),
        };
        self.keep_damaged_rows()?;
        let file = self.watched(path);
        file.accept();
        file.stamp = Some(stamp);
        file.ending = None;
        let Some(mut reading) = reading else {
            self.note_no_row(path, stamp);
            return Ok(());
        };
        let before = (reading.position().rows, reading.behind_row().offset);
        let end = self.read_rows(path, &mut reading)?;
        let rows = reading.position().rows - before.0;
        // Batches may come a thousand times a second; metrics count them.
        let is_spool = self.spooled.is_some();
        let file = self.watched(path);
        if rows > 0 && !is_spool {
            tracing::info!(
                file = file.origin.name,
                rows,
                line = reading.position().lines,
                "source file read"
            );
        }
        if reading.behind_row().offset > before.1 {
            file.entered = Some(Checkpoint::new(reading.behind_row(), 0, None));
        }
        self.put_back(path, reading, stamp, end)
    }

    /// Reads standard input to its end.
    pub(super) fn read_stdin(&mut self) -> Result<(), Failure> {
        let Some(path) = self.config.source.files.first().map(PathBuf::from) else { return Ok(()) };
        let (source, shutdown) = (self.source.clone(), self.context.shutdown.clone());
        let mut wait = || {
            source.beat();
            !shutdown.is_triggered()
        };
        let opened = FileReading::open_waiting(&self.config, &path, &mut self.revisions, &mut wait);
        let mut reading = match opened {
            Ok(Some(reading)) => reading,
            Ok(None) => return Ok(()),
            Err(_) if self.is_stopping() => return Ok(()),
            Err(error) => return Err(Failure::config(error.to_string())),
        };
        self.source.ready();
        match self.read_rows(&path, &mut reading)? {
            End::Reached | End::Stopped => {}
            End::Broken(broken) => self.summary.refuse(&format_args!("{}: {broken}", reading.name())),
            End::Failed(error) => {
                return Err(Failure::temporary(format!("standard input cannot be read on ({error})")));
            }
        }
        Ok(())
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
        let Watched { id, durable, .. } = self.watched(path);
        let (id, durable) = (Arc::clone(id), *durable);
        while !self.is_stopping() && reading.position().offset < durable {
            match reading.next_row() {
                Ok(Next::Row(row)) => self.take_file_row(&id, reading, row)?,
                Ok(Next::Tail(row)) => match self.judge_tail(path, reading, &row) {
                    TailVerdict::Wait => return Ok(End::Reached),
                    TailVerdict::GiveUpLine => {
                        if let Some(first) = reading.file().give_up_line() {
                            self.take_file_row(&id, reading, first)?;
                        }
                    }
                    TailVerdict::Row => {
                        reading.file().take_tail();
                        self.take_file_row(&id, reading, row)?;
                    }
                    TailVerdict::Quarantine => {
                        self.metrics.read.inc();
                        let place = Place::File(Arc::clone(&id), reading.position().clone());
                        self.put_into_quarantine(&place, &row, &unterminated())?;
                        return Ok(End::Reached);
                    }
                    TailVerdict::NotClosed => {
                        if row.length > 0 {
                            self.metrics.read.inc();
                            let place = Place::File(Arc::clone(&id), reading.position().clone());
                            self.put_into_quarantine(&place, &row, &unterminated())?;
                        }
                        return Ok(End::Broken(not_closed(&row)));
                    }
                },
                Ok(Next::End) => return Ok(End::Reached),
                Ok(Next::Wait) => self.service()?,
                Ok(Next::Broken(broken)) => return Ok(End::Broken(broken)),
                Err(error) => return Ok(End::Failed(error)),
            }
        }
        Ok(End::Stopped)
    }

    fn take_file_row(
        &mut self,
        id: &Arc<PathBuf>,
        reading: &mut FileReading,
        row: RawRow,
    ) -> Result<(), Failure> {
        // What is shown of it need not be exact, and to find the file takes a while.
        if self.summary.read.is_multiple_of(SERVICE_ROWS) {
            self.watched(id).read_to = reading.position().offset;
        }
        let place = Place::File(Arc::clone(id), reading.position().clone());
        self.take_row(place, row, |row, revisions, memory, now_ms| {
            reading.judge(row, revisions, memory, now_ms)
        })
    }

    /// Keeps the place, and the file open where few are.
    fn put_back(&mut self, path: &Path, reading: FileReading, stamp: Stamp, end: End) -> Result<(), Failure> {
        let revision = self.revisions.latest();
        let few = self.files.values().filter(|file| file.open.is_some()).count() < OPEN_FILES_MAX;
        let (once, moves) = (self.options.once, self.config.source.moves());
        let is_document = self.config.source.format.is_document();
        // What was changed while it was read may be changed before this place too: it is opened again and verified.
        let is_unchanged = std::fs::metadata(path).is_ok_and(|data| Stamp::new(&data) == stamp);
        let file = self.watched(path);
        file.read_to = reading.position().offset;
        let place = match &end {
            // Another reading begins with the row that could not be read.
            End::Failed(_) | End::Broken(_) => reading.behind_row(),
            End::Reached | End::Stopped => reading.position(),
        };
        let is_unread = is_document && matches!(end, End::Broken(_)) && place.rows == 0;
        file.place = (!is_unread).then(|| Checkpoint::new(place, revision, file.joined));
        match end {
            End::Failed(error) if once => {
                return Err(Failure::temporary(format!(
                    "{}: cannot be read on ({error})",
                    naming::shown(path)
                )));
            }
            End::Failed(error) => {
                tracing::warn!(file = file.origin.name, %error, "the source file cannot be read on; trying again");
                file.stamp = None;
            }
            End::Broken(broken) => {
                let why = format!("{}: {broken}", file.origin.name);
                self.note_broken(path, stamp, why);
            }
            End::Reached if moves => self.note_ending(path, stamp, &Ending::Done),
            End::Stopped | End::Reached => {
                let last_bytes = reading.last_bytes().ok().filter(|_| few && is_unchanged);
                file.open = last_bytes.map(|last_bytes| (reading, last_bytes));
            }
        }
        Ok(())
    }

    /// A file whose rest cannot be read.
    fn note_broken(&mut self, path: &Path, stamp: Stamp, why: String) {
        if self.config.source.moves() {
            self.note_ending(path, stamp, &Ending::Failed { why });
            return;
        }
        tracing::error!(error = why, "the rest of the source file is set aside until it changes");
        self.summary.refuse(&why);
        self.watched(path).refuse(Some(stamp));
    }

    /// A file that ends before its first row could begin.
    fn note_no_row(&mut self, path: &Path, stamp: Stamp) {
        let name = &self.watched(path).origin.name;
        tracing::info!(file = name, "the source file has no row yet");
        let why = format!(
            "{name}: ends before its list or its outermost element begins: send the whole file again"
        );
        if !self.config.source.moves() {
            return;
        }
        let is_cut = self.config.source.format.is_document() && stamp.length > 0;
        self.note_ending(path, stamp, &if is_cut { Ending::Failed { why } } else { Ending::Done });
    }

    /// Whether a file is taken only when it no longer changes, and then as whole.
    fn must_be_stable(&self, path: &Path) -> bool {
        self.config.source.moves() || is_packed(path)
    }

    /// The file at the place where reading goes on; `None` where its first row is not there yet.
    fn open(&mut self, path: &Path, stamp: Stamp) -> Result<Option<FileReading>, Unreadable> {
        let joined = self.config.joined_stamp();
        let now_ms = self.context.clock.uptime_ms();
        // Nobody but this daemon writes its spool, and only at its end.
        let verifies = self.spooled.is_none();
        let source = self.source.clone();
        let file = self.watched(path);
        if let Some((reading, last_bytes)) = file.open.take() {
            // What was changed without growing is verified from its start.
            let has_grown = |before: Stamp| {
                before == stamp || (before.is_same_file(stamp) && before.length < stamp.length)
            };
            let is_same = file.joined == joined
                && file.stamp.is_some_and(has_grown)
                && stamp.length >= reading.position().offset
                && reading.last_bytes().is_ok_and(|now| now == last_bytes)
                && (!verifies || file.verify(now_ms, || reading.is_as_it_was(&mut || source.beat())));
            if is_same {
                return Ok(Some(reading));
            }
        }
        let place = match file.place {
            Some(place) => Some(place),
            None => match &file.origin.checkpoint {
                Some(path) => read_checkpoint(path).map_err(Unreadable::Failed)?,
                None => None,
            },
        };
        file.tail = None;
        file.joined = joined;
        file.resumed = false;
        // What follows reads it from its start, as it is now.
        file.note_verified(now_ms);
        let open = |worker: &mut Self| {
            FileReading::open(&worker.config, path, &mut worker.revisions).map_err(Unreadable::Refused)
        };
        let Some(mut reading) = open(self)? else { return Ok(None) };
        let begins_anew = self.begins_files_anew();
        let place = place.filter(|place| !begins_anew || place.offset >= stamp.length);
        let Some(place) = place else { return Ok(Some(reading)) };
        if place.joined != joined {
            let name = &self.watched(path).origin.name;
            tracing::info!(file = name, "joined files have changed; the source file is read from its start");
            return Ok(Some(reading));
        }
        if reading.resume(&place, &mut || source.beat()).unwrap_or(false) {
            self.watched(path).resumed = true;
            return Ok(Some(reading));
        }
        tracing::warn!(
            file = self.watched(path).origin.name,
            "the source file was replaced; it is read from its start"
        );
        open(self)
    }

    /// A file that does not fit: the end of a run that has only this to do, else a reason to be not ready.
    pub(super) fn set_aside(&mut self, path: &Path, stamp: Stamp, error: &OpenError) -> Result<(), Failure> {
        if self.config.source.moves() && error.is_of_file() {
            self.note_ending(path, stamp, &Ending::Failed { why: error.to_string() });
            return Ok(());
        }
        if self.options.once {
            return Err(Failure::config(error.to_string()));
        }
        let file = self.watched(path);
        if error.is_of_file() {
            tracing::error!(%error, "the source file is set aside until it changes");
            file.refuse(Some(stamp));
            return Ok(());
        }
        // What is mended may leave the file as it is: a right, a disk, a file that is joined to it.
        if !file.is_refused() {
            tracing::error!(%error, "the source file cannot be read; it is tried again and again");
        }
        file.refuse(None);
        Ok(())
    }

    /// What to do with a last line without a line break.
    fn judge_tail(&mut self, path: &Path, reading: &FileReading, row: &RawRow) -> TailVerdict {
        let now_ms = self.context.clock.uptime_ms();
        let is_whole = self.options.once || is_stdin(path) || self.must_be_stable(path);
        let hold_ms = if is_whole { 0 } else { self.config.source.hold_ms };
        let is_document = self.config.source.format.is_document();
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
        if is_document {
            tail.is_quarantined = true;
            return TailVerdict::NotClosed;
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
    Broken(Broken),
    Failed(std::io::Error),
}

/// What to do with a last line without a line break, or a document that is not closed.
enum TailVerdict {
    Wait,
    GiveUpLine,
    Row,
    Quarantine,
    NotClosed,
}

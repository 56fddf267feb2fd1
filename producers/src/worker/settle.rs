//! From a row to its fate: judge it, send it or put it into quarantine, and move the checkpoint once it is settled.

use std::time::Duration;

use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::CrimeEvent;
use serde::Serialize;

use super::origin::Origin;
use super::{TICK, Worker, as_gauge};
use crate::checkpoint::{self, Checkpoint};
use crate::dry_run::skip_name;
use crate::memory::Memory;
use crate::publish::{Entry, Fate, Message, Place, SendError, Settled, Sink};
use crate::reading::{Outcome, Revisions};
use crate::reason::{Problem, Reason, Rejection};
use crate::source::RawRow;
use crate::summary::{BLANK_LINE, UNCHANGED};

/// How often, in rows, the broker's answers are taken up while there is room.
pub(super) const SERVICE_ROWS: u64 = 256;

impl<S: Sink> Worker<S> {
    /// Takes one row from its bytes to the ledger. `judge` decides what becomes of it; `place` is behind it.
    pub(super) fn take_row(
        &mut self,
        place: Place,
        row: RawRow,
        judge: impl FnOnce(&RawRow, &mut Revisions, &mut Memory, i64) -> Outcome,
    ) -> Result<(), Failure> {
        self.keep_pace()?;
        self.metrics.read.inc();
        let now_ms = self.context.clock.now_ms();
        match judge(&row, &mut self.revisions, &mut self.memory, now_ms) {
            Outcome::Event(event) => match self.leaves_out(&event) {
                None => {
                    self.summary.publish();
                    self.send(&event, place, row)?;
                }
                Some(name) => self.leave_out(name, &row, place)?,
            },
            Outcome::Unchanged => self.leave_out(UNCHANGED, &row, place)?,
            Outcome::Blank => self.leave_out(BLANK_LINE, &row, place)?,
            Outcome::Skipped(rule) => {
                let name = skip_name(&self.config.rows.skip, rule).to_owned();
                self.leave_out(&name, &row, place)?;
            }
            Outcome::Rejected(rejection) => {
                self.put_into_quarantine(&place, &row, &rejection)?;
                self.enter(Entry { place, fate: Fate::Settled, cost: 0, row: None })?;
            }
        }
        if self.summary.read.is_multiple_of(SERVICE_ROWS) { self.service() } else { Ok(()) }
    }

    /// Hands an event to the broker, waiting for room as long as it takes.
    fn send(&mut self, event: &CrimeEvent, place: Place, row: RawRow) -> Result<(), Failure> {
        let mut message = std::mem::take(&mut self.message);
        let encoded = message.write(event, self.schema, self.context.tracer.begin());
        encoded.map_err(|error| Failure::internal(format!("an event cannot be encoded: {error}")))?;
        let sent = self.send_message(event, &message, place, row);
        self.message = message;
        sent
    }

    fn send_message(
        &mut self,
        event: &CrimeEvent,
        message: &Message,
        place: Place,
        row: RawRow,
    ) -> Result<(), Failure> {
        let cost = message.cost() + row.bytes.len();
        let mut entry = Entry { place, fate: Fate::Waiting, cost, row: Some(row) };
        loop {
            let Some(ticket) = self.enter(entry)? else { return Ok(()) };
            match self.sink.send(message, ticket) {
                Ok(()) => {
                    self.metrics.sent.inc();
                    return Ok(());
                }
                Err(SendError::TooLarge) => {
                    self.memory.forget(&event.record_id);
                    self.ledger.settle(ticket, Fate::TooLarge);
                    return Ok(());
                }
                Err(SendError::Full) => {
                    let Some(taken_back) = self.ledger.take_back() else { return Ok(()) };
                    entry = taken_back;
                    self.ledger.wait_for_answers(TICK);
                    self.service()?;
                }
                Err(SendError::Failed(reason)) => return Err(cannot_publish(&reason)),
            }
        }
    }

    /// Puts a row into the ledger once there is room. `None` where a stop came first.
    pub(super) fn enter(&mut self, entry: Entry) -> Result<Option<u64>, Failure> {
        let mut left = match self.ledger.enter(entry) {
            Ok(ticket) => return Ok(Some(ticket)),
            Err(entry) => entry,
        };
        while !self.is_stopping() {
            self.ledger.wait_for_answers(TICK);
            self.service()?;
            left = match self.ledger.enter(*left) {
                Ok(ticket) => return Ok(Some(ticket)),
                Err(entry) => entry,
            };
        }
        Ok(None)
    }

    fn leave_out(&mut self, name: &str, row: &RawRow, place: Place) -> Result<(), Failure> {
        let source = self.origin(&place).name.clone();
        self.summary.filter(name, &shown(&source, &place), row.line);
        self.metrics.filter(name);
        self.enter(Entry { place, fate: Fate::Settled, cost: 0, row: None }).map(drop)
    }

    /// Keeps a row that is not published. The reason goes to the log, the row does not.
    pub(super) fn put_into_quarantine(
        &mut self,
        place: &Place,
        row: &RawRow,
        rejection: &Rejection,
    ) -> Result<(), Failure> {
        let source = self.keep(place, row, rejection)?;
        self.summary.quarantine(rejection.reason, &source, row.line);
        Ok(())
    }

    fn keep(&mut self, place: &Place, row: &RawRow, rejection: &Rejection) -> Result<String, Failure> {
        let now_ms = self.context.clock.now_ms();
        self.metrics.quarantine(rejection.reason);
        let Rejection { reason, field, .. } = rejection;
        let source = shown(&self.origin(place).name, place);
        tracing::debug!(source, line = row.line, %reason, field, "row put into quarantine");
        loop {
            let quarantine = &mut self.origin(place).quarantine;
            let Err(error) = quarantine.append(&source, row, rejection, now_ms) else { return Ok(source) };
            let failure = cannot_write(quarantine.path(), &error);
            if self.is_stopping() {
                return Err(failure);
            }
            self.put_off(failure)?;
            self.source.beat();
            self.ledger.wait(TICK);
        }
    }

    /// Waits until the next row may be read.
    fn keep_pace(&mut self) -> Result<(), Failure> {
        self.give_way()?;
        if !self.pace.is_limited() {
            return Ok(());
        }
        loop {
            let wait_ms = self.pace.wait_ms(self.context.clock.uptime_ms());
            if wait_ms == 0 || self.is_stopping() {
                break;
            }
            self.ledger.wait(TICK.min(Duration::from_millis(wait_ms)));
            self.service()?;
        }
        self.pace.take(self.context.clock.uptime_ms());
        Ok(())
    }

    /// Takes up the broker's answers, and writes checkpoints when it is time.
    pub(super) fn service(&mut self) -> Result<(), Failure> {
        self.source.beat();
        let Settled { places, too_large, acknowledged, failure } = self.ledger.collect();
        for (place, row) in too_large {
            self.refuse_size(&place, &row)?;
        }
        if acknowledged > 0 {
            self.metrics.published.inc_by(acknowledged);
            let now_ms = u64::try_from(self.context.clock.now_ms()).unwrap_or_default();
            self.metrics.last_published.set(as_gauge(now_ms) / 1_000.0);
        }
        for place in places {
            match place {
                Place::File(file, position) => _ = self.unsaved.insert(file, position),
                Place::Database(cursor) => self.unsaved_cursor = Some(cursor),
            }
        }
        let in_flight = u64::try_from(self.ledger.in_flight()).unwrap_or(u64::MAX);
        self.metrics.in_flight.set(as_gauge(in_flight));
        if let Some(reason) = failure {
            self.save()?;
            return Err(cannot_publish(&reason));
        }
        let age_ms = self.context.clock.uptime_ms().saturating_sub(self.saved_at_ms);
        if age_ms >= self.config.publish.checkpoint_interval_ms { self.save() } else { Ok(()) }
    }

    fn refuse_size(&mut self, place: &Place, row: &RawRow) -> Result<(), Failure> {
        let message = "makes an event larger than the broker takes: shorten it, or share it by other means";
        // Which record it was is not kept with the row.
        self.memory.clear();
        let rejection = Problem::new(Reason::MessageTooLarge, message).at("");
        let source = self.keep(place, row, &rejection)?;
        self.summary.withdraw(rejection.reason, &source, row.line);
        Ok(())
    }

    /// Writes the checkpoints of all sources that have moved, each after its quarantine.
    pub(super) fn save(&mut self) -> Result<(), Failure> {
        self.saved_at_ms = self.context.clock.uptime_ms();
        let revision = self.revisions.latest();
        while let Some((id, position)) = self.unsaved.pop_first() {
            let file = self.watched(&id);
            let checkpoint = Checkpoint::new(&position, revision, file.joined);
            let written = file.origin.save(&checkpoint);
            file.saved = Some(checkpoint).filter(|_| written.is_ok());
            if let Err(failure) = written {
                self.unsaved.insert(id, position);
                return self.put_off(failure);
            }
            self.let_go(&id, position.offset);
        }
        self.save_cursor(revision)?;
        self.report_progress();
        Ok(())
    }
}

impl Origin {
    /// Writes a checkpoint, where there can be one, once what it passes over is safe in quarantine.
    pub(super) fn save(&mut self, checkpoint: &impl Serialize) -> Result<(), Failure> {
        self.quarantine.sync().map_err(|error| cannot_write(self.quarantine.path(), &error))?;
        let Some(path) = &self.checkpoint else { return Ok(()) };
        checkpoint::write(checkpoint, path).map_err(|error| cannot_write(path, &error))
    }
}

/// A row's place as people read it; a file's row has its line beside it.
fn shown(source: &str, place: &Place) -> String {
    match place {
        Place::File(..) => source.to_owned(),
        Place::Database(cursor) => cursor.shown(source),
    }
}

pub(super) fn cannot_write(path: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::temporary(format!("{}: cannot be written ({error}): make room on the disk", path.display()))
}

fn cannot_publish(reason: &str) -> Failure {
    Failure::temporary(format!(
        "{reason}: see the log; rows without an answer are read again at the next start"
    ))
}

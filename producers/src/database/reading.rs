//! A database's rows, judged one by one: the mapping bound to its columns.
//!
//! A row of a database may change, so a second version of a record is an update and never a conflict; what tells the
//! versions apart is the mapping's `record.revision`, else the time of reading.

use sanchar_schemas::CrimeEvent;

use crate::config::ProducerConfig;
use crate::language::column::{Columns, UnknownColumn};
use crate::mapping::{Mapper, SeenRecords, SourceRow, Verdict};
use crate::reading::{Outcome, Revisions};
use crate::source::{RawRow, json_cells};

/// Rows being read.
#[derive(Debug)]
pub(crate) struct DatabaseReading {
    columns: Columns,
    mapper: Mapper,
    seen: SeenRecords,
}

impl DatabaseReading {
    /// Binds the mapping to a database's columns.
    ///
    /// # Errors
    /// The first column that the mapping names and the database does not give.
    pub(crate) fn new(config: &ProducerConfig, columns: Columns) -> Result<Self, UnknownColumn> {
        let mapper = config.mapper(&columns, super::NAME)?;
        Ok(Self { columns, mapper, seen: SeenRecords::default() })
    }

    /// Decides what becomes of a row that was read at `now_ms`.
    pub(crate) fn judge(&mut self, row: &RawRow, revisions: &mut Revisions, now_ms: i64) -> Outcome {
        match self.verdict(row, revisions, now_ms) {
            Verdict::Event(event) if self.is_newer_version(&event) => {
                // Two versions read within one millisecond.
                revisions.advance();
                outcome(self.verdict(row, revisions, now_ms))
            }
            verdict => outcome(verdict),
        }
    }

    fn verdict(&self, row: &RawRow, revisions: &mut Revisions, now_ms: i64) -> Verdict {
        let text = String::from_utf8_lossy(&row.bytes);
        let cells = match &row.fault {
            Some(fault) => Err(fault.clone()),
            None => json_cells(&text, &self.columns),
        };
        match cells {
            Ok(cells) => self.mapper.map(SourceRow { raw: &row.bytes, cells }, revisions.at(now_ms)),
            Err(problem) => Verdict::Rejected(problem.at("")),
        }
    }

    fn is_newer_version(&mut self, event: &CrimeEvent) -> bool {
        let is_newer = !self.mapper.has_own_revision() && self.seen.check(event).is_err();
        if is_newer {
            self.seen.replace(event);
        }
        is_newer
    }
}

fn outcome(verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::Event(event) => Outcome::Event(event),
        Verdict::Skipped(rule) => Outcome::Skipped(rule),
        Verdict::Rejected(rejection) => Outcome::Rejected(rejection),
    }
}

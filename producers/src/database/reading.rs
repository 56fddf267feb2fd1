//! A database's rows, judged one by one: the mapping bound to its columns.
//!
//! A row of a database may change, so a second version of a record is an update and never a conflict, unless the mapping's
//! `record.revision` is the same for both.

use std::borrow::Cow;

use crate::config::{ProducerConfig, Unfit};
use crate::language::column::Columns;
use crate::mapping::{Explained, Mapper, SourceRow, Verdict, Versions};
use crate::memory::{Admission, Memory};
use crate::reading::{Outcome, Revisions};
use crate::reason::Problem;
use crate::source::{RawRow, json_cells};

/// Rows being read.
#[derive(Debug)]
pub(crate) struct DatabaseReading {
    columns: Columns,
    mapper: Mapper,
}

impl DatabaseReading {
    /// Binds the mapping to a database's columns.
    ///
    /// # Errors
    /// The first column that the mapping names and the database does not give.
    pub(crate) fn new(config: &ProducerConfig, columns: Columns) -> Result<Self, Unfit> {
        let mapper = config.mapper(&columns, super::NAME)?;
        Ok(Self { columns, mapper })
    }

    /// Decides what becomes of a row that was read at `now_ms`.
    pub(crate) fn judge(
        &self,
        row: &RawRow,
        revisions: &mut Revisions,
        memory: &mut Memory,
        now_ms: i64,
    ) -> Outcome {
        let versions = match self.mapper.versions() {
            Versions::OfTheSource => Versions::OfTheSource,
            Versions::OncePerReading | Versions::LaterIsNewer => Versions::LaterIsNewer,
        };
        match self.verdict(row, revisions, now_ms) {
            Verdict::Event(event) => match memory.admit(event, versions, 0, revisions) {
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
        let text = String::from_utf8_lossy(&row.bytes);
        match self.cells(row, &text) {
            Ok(cells) => {
                self.mapper.explain(SourceRow { raw: &row.bytes, cells }, Revisions::after(0).at(now_ms))
            }
            Err(problem) => {
                Explained { before: None, taken: Vec::new(), verdict: Verdict::Rejected(problem.at("")) }
            }
        }
    }

    fn verdict(&self, row: &RawRow, revisions: &mut Revisions, now_ms: i64) -> Verdict {
        let text = String::from_utf8_lossy(&row.bytes);
        match self.cells(row, &text) {
            Ok(cells) => self.mapper.map(SourceRow { raw: &row.bytes, cells }, revisions.at(now_ms)),
            Err(problem) => Verdict::Rejected(problem.at("")),
        }
    }

    fn cells<'r>(&self, row: &RawRow, text: &'r str) -> Result<Vec<Cow<'r, str>>, Problem> {
        match &row.fault {
            Some(fault) => Err(fault.clone()),
            None => json_cells(text, &self.columns),
        }
    }
}

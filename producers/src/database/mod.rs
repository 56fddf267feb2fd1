//! Where rows come from that stand in a database: polled in the order of their keys, from where the last poll ended.
//!
//! There is no spool: the database keeps its rows, so reading goes on from a [`Cursor`] once the broker has
//! acknowledged what is before it. [`Database`] is what another kind of database has to offer; [`postgresql`] is the
//! one there is. Which rows are read again, and which of them are not sent again, is decided in [`poll`] and holds for all.

mod config;
mod failure;
mod metrics;
mod poll;
mod postgresql;
mod reading;
mod session;
mod statement;
mod tls;
mod window;

use sanchar_runtime::lifecycle::Failure;
use serde::{Deserialize, Serialize};

use crate::language::column::Columns;
use crate::reason::Problem;
use crate::source::RawRow;

pub use config::{OutboxConfig, PostgresConfig, QueryConfig, Tls};
pub(crate) use metrics::DatabaseMetrics;
pub(crate) use poll::{Poll, Scanned};
pub(crate) use postgresql::Postgres;
pub(crate) use reading::DatabaseReading;

/// The name of the source in metrics, quarantine and checkpoint.
pub(crate) const NAME: &str = "postgres";

/// The place behind a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cursor {
    /// The row's keys, as the database itself writes them: nothing is lost on the way back.
    pub(crate) keys: Vec<String>,
    /// Rows that were not there yet when this one was read have at least this first key. `None` where all that follow
    /// have greater keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) horizon: Option<String>,
}

impl Cursor {
    /// Where a pass begins that reads on: behind the row, or where rows may have appeared since, whichever is earlier.
    /// `is_before_horizon` says whether the row's first key is less than its horizon, which only the database can compare.
    pub(crate) fn start(&self, is_before_horizon: bool) -> Start {
        match &self.horizon {
            Some(horizon) if !is_before_horizon => Start::From(horizon.clone()),
            _ => Start::After(self.keys.clone()),
        }
    }

    /// `postgres id=7`: the row before it. The first key is its time or its transaction, and names no row.
    pub(crate) fn shown(&self, source: &str) -> String {
        format!("{source} id={}", self.keys.get(1..).unwrap_or_default().join(","))
    }
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    /// At the first row.
    Beginning,
    /// At the first row that has at least this first key.
    From(String),
    /// Behind the row that has these keys.
    After(Vec<String>),
}

/// What one pass over the rows reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Where it begins.
    pub(crate) start: Start,
    /// As [`Cursor::horizon`], of rows that this pass reads.
    pub(crate) horizon: Option<String>,
    /// The first key of rows that may still get company before them, and are left for later.
    pub(crate) end: Option<String>,
    /// Whether there are rows behind `end`.
    pub(crate) holds_back: bool,
    /// Whether there are rows without a key, which no pass can read.
    pub(crate) has_keyless: bool,
}

/// A row as the database gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DatabaseRow {
    /// Its keys.
    pub(crate) keys: Vec<String>,
    /// One JSON object, or its beginning where it is longer than what is kept of a row.
    pub(crate) bytes: Vec<u8>,
    /// How long it is.
    pub(crate) length: u64,
    /// Whether that is longer than a row may be.
    pub(crate) is_too_long: bool,
}

impl DatabaseRow {
    /// The row as the mapping reads it. A database has no lines, so its line is 0.
    pub(crate) fn into_raw(self) -> RawRow {
        let fault = self.is_too_long.then(too_large);
        RawRow { bytes: self.bytes, offset: 0, line: 0, lines: 1, length: self.length, fault }
    }
}

fn too_large() -> Problem {
    let message = "is longer than postgres.max_row_bytes: raise that, or select less";
    Problem::new(crate::reason::Reason::RowTooLarge, message)
}

/// Some rows, in the order of their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// The rows.
    pub(crate) rows: Vec<DatabaseRow>,
    /// Whether no row follows, for now.
    pub(crate) is_last: bool,
}

/// A database whose rows can be read in the order of keys. Every call may wait for an answer, and connects where there
/// is no connection.
pub(crate) trait Database {
    /// The columns of its rows.
    ///
    /// # Errors
    /// [`DatabaseError`].
    fn columns(&mut self) -> Result<Columns, DatabaseError>;

    /// What a pass has to read that comes after `cursor`; from the first row where there is none.
    ///
    /// # Errors
    /// [`DatabaseError`].
    fn begin(&mut self, cursor: Option<&Cursor>) -> Result<Scan, DatabaseError>;

    /// Some rows of a pass, from `start`.
    ///
    /// # Errors
    /// [`DatabaseError`]; nothing of the page is read then.
    fn page(&mut self, scan: &Scan, start: &Start) -> Result<Page, DatabaseError>;

    /// The row whose keys behind the first are `id`. None where no row has them, more than one where they do not tell rows apart.
    ///
    /// # Errors
    /// [`DatabaseError`].
    fn find(&mut self, id: &[&str]) -> Result<Vec<DatabaseRow>, DatabaseError>;

    /// Deletes the rows up to `cursor`, which are published.
    ///
    /// # Errors
    /// [`DatabaseError`].
    fn delete_through(&mut self, cursor: &Cursor) -> Result<(), DatabaseError>;
}

/// Why a database gives no rows. The message says what to do about it, and quotes no row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DatabaseError {
    /// It does not answer, or not now: try again.
    #[error("{0}")]
    Away(String),
    /// It answers and refuses: somebody has to change something.
    #[error("{0}")]
    Refused(String),
}

/// Why reading it ended early.
#[derive(Debug)]
pub(crate) enum Interruption {
    /// By the database.
    Database(DatabaseError),
    /// By whoever takes its rows.
    Failure(Failure),
}

impl From<DatabaseError> for Interruption {
    fn from(error: DatabaseError) -> Self {
        Self::Database(error)
    }
}

impl From<Failure> for Interruption {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

//! One pass after another over a database's rows: each begins where it has to, and gives every row out once.
//!
//! A pass reads in the order of the keys, page by page. Where it ends is remembered at every row, so an interrupted pass
//! costs nothing. Where it begins is the database's answer to the last cursor: behind it, or earlier by the window in which
//! rows may have appeared since. It publishes nothing; whoever calls it does.

use std::ops::ControlFlow;

use super::window::{self, Window};
use super::{Cursor, Database, DatabaseError, DatabaseRow, Start};

/// Where reading is.
#[derive(Debug)]
pub(crate) struct Poll {
    cursor: Option<Cursor>,
    window: Window,
}

/// What a pass was like that came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// Whether it was ended by the taker, before all rows were read.
    pub(crate) was_stopped: bool,
    /// Rows that were given out.
    pub(crate) taken: u64,
    /// As in [`super::Scan`].
    pub(crate) end: Option<String>,
    /// As in [`super::Scan`].
    pub(crate) holds_back: bool,
    /// As in [`super::Scan`].
    pub(crate) has_keyless: bool,
}

impl Poll {
    /// Reading from behind `cursor`; from the first row where there is none.
    pub(crate) fn new(cursor: Option<Cursor>) -> Self {
        Self::with_memory(cursor, window::ROWS_MAX)
    }

    fn with_memory(cursor: Option<Cursor>, rows_max: usize) -> Self {
        Self { cursor, window: Window::new(rows_max) }
    }

    /// The place behind everything that was read.
    pub(crate) fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    /// Reads everything that is there and not yet read, and gives each row to `take` with the place behind it.
    ///
    /// # Errors
    /// As the database's, and as `take`. The next pass goes on behind the last row that was given out.
    pub(crate) fn pass<E: From<DatabaseError>>(
        &mut self,
        database: &mut dyn Database,
        take: &mut dyn FnMut(Cursor, DatabaseRow) -> Result<ControlFlow<()>, E>,
    ) -> Result<Scanned, E> {
        let scan = database.begin(self.cursor.as_ref())?;
        let mut scanned = Scanned {
            was_stopped: false,
            taken: 0,
            end: scan.end.clone(),
            holds_back: scan.holds_back,
            has_keyless: scan.has_keyless,
        };
        let mut start = scan.start.clone();
        loop {
            let page = database.page(&scan, &start)?;
            for row in page.rows {
                start = Start::After(row.keys.clone());
                let cursor = Cursor { keys: row.keys.clone(), horizon: scan.horizon.clone() };
                // Where nothing can appear before a row that was read, no row is read again.
                if scan.horizon.is_none() || !self.window.knows(&row) {
                    scanned.taken += 1;
                    if take(cursor.clone(), row)?.is_break() {
                        scanned.was_stopped = true;
                        return Ok(scanned);
                    }
                }
                self.cursor = Some(cursor);
            }
            if page.is_last {
                break;
            }
        }
        self.window.turn();
        Ok(scanned)
    }
}

#[cfg(test)]
mod tests;

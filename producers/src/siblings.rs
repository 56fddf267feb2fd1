//! Reads the files whose rows are joined to a source's rows, and notices when they have changed.
//!
//! They are held in memory, within the bounds that the mapping sets. Whoever reads the source asks for [`stamp`] and
//! begins again from the source's start when it is another: a row that came later changes its case.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sanchar_schemas::digest::Sha256;

use crate::language::column::{Columns, UnknownColumn};
use crate::language::join::Join;
use crate::mapping::joined::{Case, Joined, Table, key};
use crate::source::{FileError, Next, Opened, SourceFile, UnterminatedLine, discover};

/// What a row costs beside its texts, and a cell.
const ROW_COST_BYTES: usize = 64;
const CELL_COST_BYTES: usize = 24;

/// Why joined rows cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// A file cannot be read.
    #[error("rows.join \"{join}\": {problem}")]
    File {
        /// Name of the join.
        join: String,
        /// What is wrong and the remedy, with the file.
        problem: String,
    },
    /// A key names a column that a file lacks.
    #[error(transparent)]
    Column(#[from] UnknownColumn),
}

/// The joined rows as they were read last, shared by all that read the source.
#[derive(Clone, Default)]
pub(crate) struct Siblings(Arc<Mutex<Option<Kept>>>);

struct Kept {
    stamp: Sha256,
    joined: Arc<Joined>,
}

impl fmt::Debug for Siblings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Siblings")
    }
}

impl PartialEq for Siblings {
    /// What was read says nothing about the configuration.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Siblings {
    /// The joined rows; read again where a file has changed.
    pub(crate) fn joined(&self, base: &Path, joins: &[Join]) -> Result<Arc<Joined>, JoinError> {
        let Some(stamp) = stamp(base, joins) else { return Ok(Arc::default()) };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept.as_ref().filter(|kept| kept.stamp == stamp) {
            return Ok(Arc::clone(&kept.joined));
        }
        // Not twice in memory.
        *kept = None;
        let tables = joins.iter().map(|join| table(base, join)).collect::<Result<_, _>>()?;
        let joined = Arc::new(Joined { tables });
        for (join, _, unreadable) in joined.left_over().filter(|(_, _, unreadable)| *unreadable > 0) {
            tracing::warn!(
                join,
                unreadable,
                "joined rows cannot be read; their cases are published without them"
            );
        }
        *kept = Some(Kept { stamp, joined: Arc::clone(&joined) });
        Ok(joined)
    }
}

/// What all joined files look like from outside; `None` where nothing is joined.
pub(crate) fn stamp(base: &Path, joins: &[Join]) -> Option<Sha256> {
    if joins.is_empty() {
        return None;
    }
    let mut seen = String::new();
    for path in joins.iter().flat_map(|join| files(base, join).unwrap_or_default()) {
        let data = std::fs::metadata(&path).ok();
        let looks = data.map(|data| (data.len(), data.modified().ok()));
        seen.push_str(&format!("{path:?} {looks:?}\n"));
    }
    Some(Sha256::of(seen.as_bytes()))
}

fn files(base: &Path, join: &Join) -> Result<Vec<PathBuf>, JoinError> {
    discover(base, &join.source.files).map_err(|(folder, error)| {
        refused(join, format!("cannot list {} ({error}): name a folder that is there", folder.display()))
    })
}

fn refused(join: &Join, problem: impl fmt::Display) -> JoinError {
    JoinError::File { join: join.name.clone(), problem: problem.to_string() }
}

fn table(base: &Path, join: &Join) -> Result<Table, JoinError> {
    let files_shown = join.source.files.join(", ");
    let mut reading = Reading {
        table: Table { name: join.name.clone(), files: files_shown, ..Table::default() },
        join,
        bytes: 0,
    };
    for path in files(base, join)?.into_iter().filter(|path| path.exists()) {
        let refuse = |error: FileError| refused(join, error);
        if let Opened::Ready(file) = SourceFile::open(&path, &join.source, &mut || true).map_err(refuse)? {
            reading.file(&path, *file)?;
        }
    }
    Ok(reading.table)
}

struct Reading<'a> {
    table: Table,
    join: &'a Join,
    bytes: usize,
}

impl Reading<'_> {
    fn file(&mut self, path: &Path, mut file: SourceFile) -> Result<(), JoinError> {
        let shown = path.display().to_string();
        let columns = self.table.columns.get_or_insert_with(|| file.columns().clone()).clone();
        let places =
            columns.names().iter().map(|name| file.columns().position(name)).collect::<Option<Vec<_>>>();
        let places = places.ok_or_else(|| {
            refused(
                self.join,
                format!("{shown}: lacks a column that an earlier file has: give all the same columns"),
            )
        })?;
        let keys = self.keys(&columns)?;
        loop {
            let row = match file.next_row() {
                Ok(Next::Row(row)) => row,
                Ok(Next::Tail(row)) if self.join.source.unterminated_line == UnterminatedLine::Accept => {
                    file.take_tail();
                    row
                }
                // Its rest may come, and the file is read again then.
                Ok(Next::Tail(_) | Next::End) => return Ok(()),
                Ok(Next::Wait) => continue,
                Ok(Next::Broken(broken)) => return Err(refused(self.join, format!("{shown}: {broken}"))),
                Err(error) => {
                    return Err(refused(self.join, format!("{shown}: cannot be read on ({error})")));
                }
            };
            if row.is_blank() {
                continue;
            }
            let Ok(cells) = file.cells(&row) else {
                self.table.unreadable += 1;
                continue;
            };
            let cell = |place: &usize| cells.get(*place).map_or_else(String::new, ToString::to_string);
            self.row(places.iter().map(cell).collect(), &keys)?;
        }
    }

    /// Positions of the columns that tell the case.
    fn keys(&self, columns: &Columns) -> Result<Vec<usize>, JoinError> {
        let field = format!("rows.join.{}.their_key", self.join.name);
        let bind = |column: &crate::language::column::Column| {
            columns.bind(&mut column.clone(), &field, &self.table.files)
        };
        Ok(self.join.their_key().iter().map(bind).collect::<Result<_, _>>()?)
    }

    fn row(&mut self, row: Vec<String>, keys: &[usize]) -> Result<(), JoinError> {
        let parts = keys.iter().filter_map(|place| row.get(*place)).map(String::as_str);
        let Some(key) = key(parts) else {
            self.table.unreadable += 1;
            return Ok(());
        };
        let texts: usize = row.iter().map(|cell| cell.len() + CELL_COST_BYTES).sum();
        let case: &mut Case = self.table.cases.entry(key).or_default();
        // One more than may be: enough to see that there are too many.
        if case.rows.len() > self.join.max_rows_per_case {
            return Ok(());
        }
        self.bytes += texts + ROW_COST_BYTES;
        if self.bytes > self.join.max_bytes {
            let problem = format!(
                "its files need more than max_bytes = {} of memory: raise it, or export fewer columns or years",
                self.join.max_bytes
            );
            return Err(refused(self.join, problem));
        }
        case.rows.push(row);
        Ok(())
    }
}

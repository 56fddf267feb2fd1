//! Reads the files whose rows are joined to a source's rows, and notices when they have changed.
//!
//! They are held in memory, within the bounds that the mapping sets. Whoever reads the source asks for [`stamp`] and
//! begins again from the source's start when it is another: a row that came later changes its case.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sanchar_schemas::digest::Sha256;

use crate::dry_run::{not_closed, unterminated};
use crate::language::column::{Columns, UnknownColumn};
use crate::language::join::Join;
use crate::mapping::joined::{Case, Damaged, Joined, JoinedRow, Shrunken, Table, key};
use crate::naming;
use crate::reason::{Problem, Reason, Rejection};
use crate::source::{FileError, Next, Opened, RawRow, SourceFile, UnterminatedLine, discover};

/// What a row costs beside its texts, and a cell.
const ROW_COST_BYTES: usize = 80;
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
    /// There is no file, or none with a row in it.
    #[error(
        "rows.join \"{join}\": {files} has no row, and without it every case would lose what belongs to it: put the file back \
         whole, or set optional = true where there may be none"
    )]
    Absent {
        /// Name of the join.
        join: String,
        /// The files, as the configuration names them.
        files: String,
    },
    /// A key names a column that a file lacks.
    #[error(transparent)]
    Column(#[from] UnknownColumn),
}

/// The joined rows as they were read last, shared by all that read the source.
#[derive(Clone, Default)]
pub(crate) struct Siblings(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    last: Option<(Sha256, Arc<Joined>)>,
    /// What is known of the cases of each join from all readings.
    shrunken: Vec<Shrunken>,
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
        if let Some((_, joined)) = kept.last.as_ref().filter(|(before, _)| *before == stamp) {
            return Ok(Arc::clone(joined));
        }
        // Not twice in memory.
        kept.last = None;
        let mut tables = joins.iter().map(|join| table(base, join)).collect::<Result<Vec<_>, _>>()?;
        kept.shrunken.resize_with(joins.len(), Shrunken::default);
        for (table, shrunken) in tables.iter_mut().zip(&mut kept.shrunken) {
            shrunken.see(&table.cases);
            table.shrunken = shrunken.now();
        }
        let joined = Arc::new(Joined { tables });
        for table in &joined.tables {
            let Some(first) = table.damaged.first() else { continue };
            tracing::error!(
                join = table.name,
                unreadable = table.damaged.len(),
                first = format!("{}:{}", shown(base, &first.file), first.row.line),
                "joined rows cannot be read: until they are mended, what hangs on the persons of a case is withheld"
            );
        }
        kept.last = Some((stamp, Arc::clone(&joined)));
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

/// A file's name for people.
fn shown(base: &Path, path: &Path) -> String {
    naming::shown(path.strip_prefix(base).unwrap_or(path))
}

fn absent(join: &Join, files: String) -> JoinError {
    JoinError::Absent { join: join.name.clone(), files }
}

fn refused(join: &Join, problem: impl fmt::Display) -> JoinError {
    JoinError::File { join: join.name.clone(), problem: problem.to_string() }
}

fn table(base: &Path, join: &Join) -> Result<Table, JoinError> {
    let files_shown = join.source.files.join(", ");
    let mut reading = Reading {
        table: Table { name: join.name.clone(), files: files_shown, ..Table::default() },
        join,
        base,
        bytes: 0,
    };
    for path in files(base, join)?.into_iter().filter(|path| path.exists()) {
        let refuse = |error: FileError| refused(join, error);
        match SourceFile::open(&path, &join.source, &mut || true).map_err(refuse)? {
            Opened::Ready(file) => reading.file(&path, *file)?,
            Opened::NoHeader if join.optional => {}
            Opened::NoHeader => return Err(absent(join, shown(base, &path))),
        }
    }
    let has_row = !reading.table.cases.is_empty() || !reading.table.damaged.is_empty();
    if has_row || join.optional { Ok(reading.table) } else { Err(absent(join, reading.table.files)) }
}

struct Reading<'a> {
    table: Table,
    join: &'a Join,
    base: &'a Path,
    bytes: usize,
}

impl Reading<'_> {
    fn file(&mut self, path: &Path, mut file: SourceFile) -> Result<(), JoinError> {
        let shown = shown(self.base, path);
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
        self.table.shown.push(shown.clone());
        loop {
            let row = match file.next_row() {
                Ok(Next::Row(row)) => row,
                Ok(Next::Tail(row)) if self.join.source.format.is_document() => {
                    return Err(refused(self.join, format!("{shown}: {}", not_closed(&row))));
                }
                Ok(Next::Tail(row)) => match (row.lines > 1).then(|| file.give_up_line()).flatten() {
                    Some(first) => first,
                    None if self.join.source.unterminated_line == UnterminatedLine::Accept => {
                        file.take_tail();
                        row
                    }
                    // Its rest may come, and the file is read again then.
                    None => return self.keep_damaged(path, row, unterminated()),
                },
                Ok(Next::End) => return Ok(()),
                Ok(Next::Wait) => continue,
                Ok(Next::Broken(broken)) => return Err(refused(self.join, format!("{shown}: {broken}"))),
                Err(error) => {
                    return Err(refused(self.join, format!("{shown}: cannot be read on ({error})")));
                }
            };
            if row.is_blank() {
                continue;
            }
            let cells = match file.cells(&row) {
                Ok(cells) => cells,
                Err(problem) => {
                    self.keep_damaged(path, row, problem.at(""))?;
                    continue;
                }
            };
            if cells.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            let cell = |place: &usize| cells.get(*place).map_or_else(String::new, ToString::to_string);
            let cells: Vec<String> = places.iter().map(cell).collect();
            match key(keys.iter().filter_map(|place| cells.get(*place)).map(String::as_str)) {
                Some(key) => self.row(key, cells, row.line)?,
                None => self.keep_damaged(path, row, without_key())?,
            }
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

    fn row(&mut self, key: String, cells: Vec<String>, line: u64) -> Result<(), JoinError> {
        let texts: usize = cells.iter().map(|cell| cell.len() + CELL_COST_BYTES).sum();
        let file = self.table.shown.len().saturating_sub(1);
        let case: &mut Case = self.table.cases.entry(key).or_default();
        // One more than may be: enough to see that there are too many.
        if case.rows.len() > self.join.max_rows_per_case {
            return Ok(());
        }
        case.rows.push(JoinedRow { cells, file, line });
        self.weigh(texts)
    }

    fn keep_damaged(&mut self, path: &Path, row: RawRow, rejection: Rejection) -> Result<(), JoinError> {
        let bytes = row.bytes.len();
        self.table.damaged.push(Damaged { file: path.to_owned(), row, rejection });
        self.weigh(bytes + CELL_COST_BYTES)
    }

    fn weigh(&mut self, bytes: usize) -> Result<(), JoinError> {
        self.bytes += bytes + ROW_COST_BYTES;
        if self.bytes <= self.join.max_bytes {
            return Ok(());
        }
        let problem = format!(
            "its files need more than max_bytes = {} of memory: raise it, or export fewer columns or years",
            self.join.max_bytes
        );
        Err(refused(self.join, problem))
    }
}

/// Why a joined row belongs to no case.
fn without_key() -> Rejection {
    Problem::new(Reason::MissingValue, "is empty, and it tells which case the row belongs to").at("their_key")
}

//! From a row to an event: pure functions over values, the same for the daemon and for a dry run.
//!
//! [`Mapper`] is a mapping bound to one source's columns. It opens nothing, keeps nothing between rows and knows no
//! clock: the time of reading comes in with the row. What it cannot read for certain it rejects with a reason.

mod coordinates;
mod event;
mod identity;
pub(crate) mod joined;
mod order;
mod plausible;
pub(crate) mod sections;

use std::borrow::Cow;
use std::sync::Arc;

use sanchar_schemas::digest::Sha256;
use sanchar_schemas::{CrimeEvent, StateCode, validate};

use self::joined::{CarriedOf, Joined, OfTheCase};
use crate::language::column::{Column, Columns, NamesColumns as _, UnknownColumn, Use, Visit};
use crate::language::field::{Cells, Source};
use crate::language::rows::{Rows, SameRecord};
use crate::language::targets::Mapping;
use crate::reason::{At as _, Problem, Reason, Rejection};
use crate::text::is_double_encoded;
use crate::withholding::rule::Clearance;
use crate::withholding::{self, Taken, Told, Withholding};

/// A row as its source holds it.
#[derive(Debug, Clone)]
pub struct SourceRow<'a> {
    /// The row's bytes, without its line break.
    pub raw: &'a [u8],
    /// Its cells, in the order of the columns that the mapper is bound to.
    pub cells: Vec<Cow<'a, str>>,
}

/// What tells the versions of a record apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versions {
    /// The source's own version or time of change.
    OfTheSource,
    /// The time of reading; a reading must not hold a record twice with different content.
    OncePerReading,
    /// The time of reading; of two rows in one reading the later is the newer.
    LaterIsNewer,
}

/// When a row was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Milliseconds since 1970, UTC: the event's `published_at`.
    pub now_ms: i64,
    /// Revision of records whose mapping has none: the time of reading, made to grow with every row.
    pub revision: i64,
}

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It is published as this event.
    Event(Box<CrimeEvent>),
    /// The mapping leaves it out: position in `rows.skip`.
    Skipped(usize),
    /// It goes to quarantine.
    Rejected(Rejection),
}

/// What becomes of a row, and what it was before anything was withheld.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// The event as the mapping makes it. It holds what must not leave: for the eyes of the state alone. `None` where there is
    /// none.
    pub before: Option<Box<CrimeEvent>>,
    /// What was taken out of it, by which rule.
    pub taken: Vec<Taken>,
    /// What becomes of the row.
    pub verdict: Verdict,
}

/// A mapping, bound to the columns of one source.
#[derive(Debug, Clone)]
pub struct Mapper {
    state: StateCode,
    rows: Rows,
    mapping: Mapping,
    withholding: Withholding,
    /// Number of columns that a row must have.
    width: usize,
    /// Columns whose content may be published, by position and name.
    carried: Vec<(usize, String)>,
    /// The same of joined rows.
    carried_of: Vec<CarriedOf>,
    joined: Arc<Joined>,
    /// What texts of sections came to.
    sections: sections::Known,
}

/// What an explanation keeps of a row on its way.
#[derive(Default)]
struct Witness {
    before: Option<Box<CrimeEvent>>,
    taken: Vec<Taken>,
}

impl Mapper {
    /// Binds a mapping to a source's columns. `source_name` is for the message.
    ///
    /// # Errors
    /// The first column that the mapping names and the source does not have.
    pub fn bind(
        state: StateCode,
        rows: &Rows,
        mapping: &Mapping,
        withholding: &Withholding,
        columns: &Columns,
        source_name: &str,
        joined: Arc<Joined>,
    ) -> Result<Self, UnknownColumn> {
        let (mut rows, mut mapping) = (rows.clone(), mapping.clone());
        let mut known = columns.clone();
        let mut failed = None;
        let (mut carried, mut carried_of) = (Vec::new(), Vec::new());
        let mut has_any = false;
        let mut bind = |known: &Columns, part: &mut dyn FnMut(&mut Visit<'_>), path: &str| {
            part(&mut Visit::new(path, &mut |path, column, how| {
                let join = column.scope().map(str::to_owned);
                let bound = match &join {
                    None => known.bind(column, path, source_name).map(Some),
                    Some(join) => bind_joined(&joined, join, known, column, path),
                };
                match (bound, join) {
                    (Ok(Some(position)), None) => {
                        has_any |= position < columns.len();
                        if how == Use::Carried {
                            carried.push((position, column.name().to_owned()));
                        }
                    }
                    (Ok(Some(position)), Some(join)) if how == Use::Carried => {
                        carried_of.push(CarriedOf::new(&join, position, column));
                    }
                    (Ok(_), _) => {}
                    (Err(error), _) => _ = failed.get_or_insert(error),
                }
            }));
        };
        bind(columns, &mut |visit| visit.within("parts", &mut rows.parts), "rows");
        for name in rows.parts.iter().flat_map(|parts| parts.names()) {
            known.add(name);
        }
        bind(&known, &mut |visit| rows.each_column(visit), "rows");
        bind(&known, &mut |visit| mapping.each_column(visit), "mapping");
        carried.sort_unstable();
        carried.dedup();
        carried_of.sort_unstable();
        carried_of.dedup();
        match failed {
            Some(error) => Err(if has_any { error } else { error.without_names() }),
            None => {
                let withholding = withholding.clone();
                Ok(Self {
                    state,
                    rows,
                    mapping,
                    withholding,
                    width: columns.len(),
                    carried,
                    carried_of,
                    joined,
                    sections: sections::Known::default(),
                })
            }
        }
    }

    /// Number of columns that a row must have.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// What tells the versions of a record apart.
    #[must_use]
    pub fn versions(&self) -> Versions {
        match self.rows.same_record {
            _ if self.mapping.has_own_revision() => Versions::OfTheSource,
            SameRecord::Quarantine => Versions::OncePerReading,
            SameRecord::Update => Versions::LaterIsNewer,
        }
    }

    /// Decides what becomes of a row.
    #[must_use]
    pub fn map(&self, row: SourceRow<'_>, reading: Reading) -> Verdict {
        self.judge(row, reading, None)
    }

    /// The same with its reasons, at the price of a copy.
    #[must_use]
    pub fn explain(&self, row: SourceRow<'_>, reading: Reading) -> Explained {
        let mut witness = Witness::default();
        let verdict = self.judge(row, reading, Some(&mut witness));
        Explained { before: witness.before, taken: witness.taken, verdict }
    }

    fn judge(&self, row: SourceRow<'_>, reading: Reading, witness: Option<&mut Witness>) -> Verdict {
        let source_sha256 = Sha256::of(row.raw);
        let mut cells = Cells(row.cells);
        let derived = self.derive(&cells).map(|values| cells.0.extend(values.into_iter().map(Cow::Owned)));
        let source =
            Source { cells: &cells, null_values: &self.rows.null_values, zone: self.rows.time_zone.0 };
        if let Some(rule) = self.rows.skip.iter().position(|skip| skip.when.holds(source)) {
            return Verdict::Skipped(rule);
        }
        match derived.and_then(|()| self.event(source, source_sha256, reading, witness)) {
            Ok(event) => Verdict::Event(event),
            Err(rejection) => Verdict::Rejected(rejection),
        }
    }

    /// The columns that patterns make.
    fn derive(&self, cells: &Cells<'_>) -> Result<Vec<String>, Rejection> {
        let source = Source { cells, null_values: &self.rows.null_values, zone: self.rows.time_zone.0 };
        let mut values = Vec::new();
        for parts in &self.rows.parts {
            values.extend(parts.values(source).at(parts.column.name())?);
        }
        Ok(values)
    }

    fn event(
        &self,
        source: Source<'_>,
        source_sha256: Sha256,
        reading: Reading,
        witness: Option<&mut Witness>,
    ) -> Result<Box<CrimeEvent>, Rejection> {
        self.check_encoding(source)?;
        let of_the_case = self.joined.of(&self.rows.join, source.cells)?;
        self.check_encoding_of(&of_the_case, source)?;
        let built = event::build(self.state, &self.mapping, source, &of_the_case, reading, &self.sections)?;
        // It is large, so it stays where it is from here on.
        let mut event = Box::new(built);
        event.source_sha256 = source_sha256;
        self.list_not_carried(source, &mut event);
        for check in &self.rows.checks {
            check.pass(source, &event).at(check.column.name())?;
        }
        order::check(&event, source.zone, reading.now_ms)?;
        plausible::fir_year(&event, source.zone, reading.now_ms)?;
        let before = witness.is_some().then(|| event.clone());
        let told = Told {
            narrative: self.clearance(source),
            may_lack_persons: of_the_case.may_lack_persons(self.mapping.persons.as_deref()),
        };
        let taken = self.withholding.apply(&mut event, told);
        if let Some(witness) = witness {
            witness.before = before;
            witness.taken = taken.clone().unwrap_or_default();
        }
        taken?;
        match validate::seal(&mut event) {
            Ok(()) => Ok(event),
            Err(broken) => Err(Problem::new(Reason::InvalidEvent, broken.problem).at(broken.field)),
        }
    }

    fn clearance(&self, source: Source<'_>) -> Clearance {
        let cleared = self.mapping.narrative.as_ref().and_then(|narrative| narrative.cleared.as_ref());
        if cleared.is_some_and(|when| when.holds(source)) { Clearance::Cleared } else { Clearance::Uncleared }
    }

    fn check_encoding(&self, source: Source<'_>) -> Result<(), Rejection> {
        let is_broken =
            |position: &usize| source.cells.0.get(*position).is_some_and(|cell| is_double_encoded(cell));
        match self.carried.iter().find(|(position, _)| is_broken(position)) {
            None => Ok(()),
            Some((_, name)) => Err(double_encoded(name)),
        }
    }

    fn check_encoding_of(&self, of_the_case: &OfTheCase<'_>, source: Source<'_>) -> Result<(), Rejection> {
        let broken = |carried: &CarriedOf| {
            let mut rows = of_the_case.each(&carried.join, source.cells);
            let is_broken =
                |cells: &Cells<'_>| cells.0.get(carried.position).is_some_and(|cell| is_double_encoded(cell));
            let (_, place) = rows.find(|(cells, _)| is_broken(cells))?;
            Some(double_encoded(&carried.name).of_row(place))
        };
        self.carried_of.iter().find_map(broken).map_or(Ok(()), Err)
    }

    /// Says of every column that is not carried and has a value that the field was withheld.
    fn list_not_carried(&self, source: Source<'_>, event: &mut CrimeEvent) {
        for rule in &self.rows.not_carried {
            let text = crate::text::squeeze(source.cells.get(&rule.column));
            let is_null = |nulls: &[String]| nulls.iter().any(|null| *null == text);
            let is_empty = text.is_empty() || is_null(&rule.null_values) || is_null(source.null_values);
            if !is_empty {
                withholding::list(event, rule.path.as_str(), rule.reason);
            }
        }
    }
}

/// Binds a column of a join's rows: its own, else the source's. `None` while there is no file to have columns.
fn bind_joined(
    joined: &Joined,
    join: &str,
    main: &Columns,
    column: &mut Column,
    path: &str,
) -> Result<Option<usize>, UnknownColumn> {
    let Some(table) = joined.table(join) else { return Ok(None) };
    let Some(own) = &table.columns else { return Ok(None) };
    own.before(main).bind(column, path, &table.files).map(Some)
}

fn double_encoded(column: &str) -> Rejection {
    let message = "holds characters that were encoded as utf-8 twice or lost in a conversion: export the row again as utf-8";
    Problem::new(Reason::DoubleEncoded, message).at(column)
}

#[cfg(test)]
mod tests;

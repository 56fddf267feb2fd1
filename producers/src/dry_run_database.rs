//! What would be published of a database: its rows through the mapping, or one of them with the reasons, without broker, registry, store
//! or checkpoint. The session only reads, also where the daemon's deletes.

use std::ops::ControlFlow;

use sanchar_runtime::lifecycle::Failure;

use crate::config::ProducerConfig;
use crate::database::Database as _;
use crate::database::{self, DatabaseError, DatabaseReading, Interruption, Poll, Postgres, PostgresConfig};
use crate::dry_run::{self, Shown, skip_name};
use crate::mapping::Explained;
use crate::reading::{Outcome, Revisions};
use crate::summary::{Summary, UNCHANGED};

/// Maps the first `limit` rows of the configured database, or all, at the time `now_ms` and shows what would become of
/// them.
///
/// # Errors
/// [`Failure`] with exit code 78 when the database refuses or the configuration does not fit it, 69 when it does not
/// answer; and whatever `show` fails with.
pub fn dry_run_database(
    config: &ProducerConfig,
    limit: Option<u64>,
    now_ms: i64,
    show: &mut dyn FnMut(Shown<'_>) -> Result<(), Failure>,
) -> Result<Summary, Failure> {
    let mut summary = Summary::default();
    let (mut database, reading) = open(config)?;
    let mut revisions = Revisions::after(0);
    let mut memory = dry_run::memory(config);
    let outcome = Poll::new(None).pass(&mut database, &mut |cursor, row| {
        if limit.is_some_and(|limit| summary.read >= limit) {
            return Ok(ControlFlow::Break(()));
        }
        let row = row.into_raw();
        let source = cursor.shown(database::NAME);
        let shown = match reading.judge(&row, &mut revisions, &mut memory, now_ms) {
            Outcome::Event(event) => {
                summary.publish();
                summary.withhold(&event.withheld);
                show(Shown::Event(&event))
            }
            Outcome::Blank => Ok(()),
            Outcome::Unchanged => {
                summary.filter(UNCHANGED, &source, row.line);
                Ok(())
            }
            Outcome::Skipped(rule) => {
                summary.filter(skip_name(&config.rows.skip, rule), &source, row.line);
                Ok(())
            }
            Outcome::Rejected(rejection) => {
                summary.quarantine(rejection.reason, &source, row.line);
                show(Shown::Rejected { file: &source, line: row.line, rejection: &rejection })
            }
        };
        shown.map(ControlFlow::Continue).map_err(Interruption::Failure)
    });
    match outcome {
        Ok(_) => Ok(Summary { forgotten: memory.forgotten(), ..summary }),
        Err(Interruption::Database(error)) => Err(into_failure(error)),
        Err(Interruption::Failure(failure)) => Err(failure),
    }
}

/// What becomes of the row with this id, and why. Where several columns tell rows apart, their values are separated by commas, as
/// quarantine and logs show them.
///
/// # Errors
/// [`Failure`] with exit code 64 when no row has the id, 78 when several have it, and as [`dry_run_database`].
pub fn explain_database(config: &ProducerConfig, id: &str, now_ms: i64) -> Result<Explained, Failure> {
    let (mut database, reading) = open(config)?;
    let names = config.postgres.as_ref().map(PostgresConfig::ids).unwrap_or_default();
    let id: Vec<&str> = if names.len() == 1 { vec![id] } else { id.split(',').collect() };
    let shown = names.join(",");
    if id.len() != names.len() {
        return Err(Failure::usage(format!(
            "a row is told by {shown}: give their values, separated by commas"
        )));
    }
    let rows = database.find(&id).map_err(into_failure)?;
    let mut rows = rows.into_iter();
    match (rows.next(), rows.next()) {
        (Some(row), None) => Ok(reading.explain(&row.into_raw(), now_ms)),
        (None, _) => Err(Failure::usage(format!(
            "no row with this {shown} can be read: see whether [postgres] gives one, with a time of modification"
        ))),
        (Some(_), Some(_)) => Err(Failure::config(format!(
            "several rows have this {shown}: name the columns in postgres.query.id that tell rows apart"
        ))),
    }
}

/// The database for those who only look, and the mapping bound to its columns.
fn open(config: &ProducerConfig) -> Result<(Postgres, DatabaseReading), Failure> {
    config.check_mapping()?;
    let Some(mut postgres) = config.postgres.clone() else {
        return Err(Failure::usage(
            "rows have an id in a database only: name a file and a line, as in data/firs.csv:12",
        ));
    };
    if let Some(outbox) = &mut postgres.outbox {
        outbox.delete_published = false;
    }
    let mut database = Postgres::new(config, &postgres);
    let columns = database.columns().map_err(into_failure)?;
    let reading = DatabaseReading::new(config, columns);
    Ok((database, reading.map_err(|error| Failure::config(error.to_string()))?))
}

fn into_failure(error: DatabaseError) -> Failure {
    match error {
        DatabaseError::Away(message) => Failure::unavailable(message),
        DatabaseError::Refused(message) => Failure::config(message),
    }
}

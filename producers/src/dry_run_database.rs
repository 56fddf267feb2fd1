//! What would be published of a database: its rows through the mapping, without broker, registry, store or checkpoint.

use std::ops::ControlFlow;

use sanchar_runtime::lifecycle::Failure;

use crate::config::ProducerConfig;
use crate::database::Database as _;
use crate::database::{self, DatabaseError, DatabaseReading, Interruption, Poll, Postgres};
use crate::dry_run::{Shown, skip_name};
use crate::memory::Memory;
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
    config.check_mapping()?;
    let Some(postgres) = &config.postgres else {
        return Err(Failure::config("postgres is missing: describe the database"));
    };
    let mut summary = Summary::default();
    let mut database = Postgres::new(config, postgres);
    let columns = database.columns().map_err(into_failure)?;
    let reading = DatabaseReading::new(config, columns);
    let reading = reading.map_err(|error| Failure::config(error.to_string()))?;
    let mut revisions = Revisions::after(0);
    let mut memory = Memory::new(config.publish.memory_records);
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
        Ok(_) => Ok(summary),
        Err(Interruption::Database(error)) => Err(into_failure(error)),
        Err(Interruption::Failure(failure)) => Err(failure),
    }
}

fn into_failure(error: DatabaseError) -> Failure {
    match error {
        DatabaseError::Away(message) => Failure::unavailable(message),
        DatabaseError::Refused(message) => Failure::config(message),
    }
}

//! Reading a database on, pass by pass, for as long as it answers; and what the worker does when it does not.
//!
//! At the start a database that refuses ends the daemon, since somebody has to change something; later it makes the
//! daemon not ready, and is asked again. One that is away is waited for at any time.

use std::ops::ControlFlow;
use std::path::Path;

use sanchar_runtime::backoff::Backoff;
use sanchar_runtime::lifecycle::{Context, Failure};
use sanchar_schemas::digest::Sha256;

use super::origin::Origin;
use super::{Worker, as_gauge, read_checkpoint};
use crate::checkpoint::DatabaseCheckpoint;
use crate::config::ProducerConfig;
use crate::database::{
    self, Cursor, Database, DatabaseError, DatabaseMetrics, DatabaseReading, Interruption, Poll, Postgres,
    Scanned,
};
use crate::publish::{Entry, Fate, Place, Sink};
use crate::store::Store;

/// First and longest pause between attempts, in milliseconds.
const BACKOFF_MS: (u64, u64) = (200, 10_000);

/// Why the source is not ready although it is read.
fn keyless(config: &ProducerConfig) -> String {
    let query = config.postgres.as_ref().and_then(|postgres| postgres.query.as_ref());
    let column = query.map_or("", |query| query.modified.as_str());
    format!(
        "rows without a time of modification cannot be read, those where `{column}` is null: give them one, or use coalesce \
         in postgres.query.sql"
    )
}

/// A database that is polled.
pub(super) struct Polled {
    pub(super) origin: Origin,
    /// Away while a pass uses it.
    feed: Option<Feed>,
    asked: Sha256,
    /// Published rows that are to be deleted.
    published: Option<Cursor>,
    deletes: bool,
    /// When everything was read that was there, in milliseconds of uptime.
    read_all_at_ms: u64,
    /// The end of the last pass, where rows were behind it.
    held_at: Option<String>,
    /// Whether the last pass left rows behind that have no time.
    has_keyless: bool,
    metrics: DatabaseMetrics,
}

struct Feed {
    database: Box<dyn Database>,
    poll: Poll,
    reading: Option<DatabaseReading>,
}

impl Polled {
    /// The database of a configuration, where it has one, behind what its checkpoint says is published.
    pub(super) fn of(
        config: &ProducerConfig,
        context: &Context,
        store: &Store,
    ) -> Result<Option<Self>, Failure> {
        let Some(postgres) = &config.postgres else { return Ok(None) };
        let origin = Origin::new(Path::new(database::NAME), store);
        let asked = postgres.asked();
        let path = store.checkpoint(Path::new(database::NAME));
        let checkpoint = read_checkpoint::<DatabaseCheckpoint>(&path)?;
        if checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.asked != asked) {
            return Err(Failure::config(format!(
                "{}: is the checkpoint of another query, table or key than [postgres] names now: set that back, or \
                 delete the checkpoint to publish everything from the start again",
                path.display()
            )));
        }
        let cursor = checkpoint.map(|checkpoint| checkpoint.cursor);
        let deletes = postgres.outbox.as_ref().is_some_and(|outbox| outbox.delete_published);
        Ok(Some(Self {
            origin,
            asked,
            published: cursor.clone().filter(|_| deletes),
            deletes,
            feed: Some(Feed {
                database: Box::new(Postgres::new(config, postgres)),
                poll: Poll::new(cursor),
                reading: None,
            }),
            read_all_at_ms: context.clock.uptime_ms(),
            held_at: None,
            has_keyless: false,
            metrics: DatabaseMetrics::register(&context.metrics, config.state.code)?,
        }))
    }

    /// Shows since when not all is read.
    pub(super) fn report(&self, uptime_ms: u64) {
        self.metrics.lag.set(as_gauge(uptime_ms.saturating_sub(self.read_all_at_ms)) / 1_000.0);
    }

    /// A pass came to its end. Rows that are held back count as unread once the transaction that holds them back has done
    /// so for more than one pass.
    fn passed(&mut self, scanned: &Scanned, uptime_ms: u64) {
        let held_at = scanned.end.clone().filter(|_| scanned.holds_back);
        if held_at.is_none() || held_at != self.held_at {
            self.read_all_at_ms = uptime_ms;
        }
        self.held_at = held_at;
        self.metrics.connected.set(1.0);
        self.report(uptime_ms);
    }
}

impl<S: Sink> Worker<S> {
    /// Waits, for ever if need be, until the database answers and its rows fit the mapping.
    pub(super) fn reach_database(&mut self) -> Result<(), Failure> {
        let mut backoff = Backoff::new(BACKOFF_MS.0, BACKOFF_MS.1);
        while !self.is_stopping() {
            self.source.beat();
            let outcome = self.with_feed(|worker, feed| {
                feed.bind(&worker.config)?;
                let scan = feed.database.begin(feed.poll.cursor())?;
                // Read, to see whether it can be, and left for the first pass.
                feed.database.page(&scan, &scan.start)?;
                Ok(scan)
            })?;
            match outcome {
                Ok(scan) if scan.has_keyless => return Err(Failure::config(keyless(&self.config))),
                Ok(_) => return Ok(()),
                Err(DatabaseError::Refused(message)) => return Err(Failure::config(message)),
                Err(error) => self.lose_database(&error),
            }
            self.wait(&mut backoff)?;
        }
        Ok(())
    }

    /// Reads everything that is there, again and again until the database stood by to the end.
    pub(super) fn read_database(&mut self) -> Result<(), Failure> {
        let mut backoff = Backoff::new(BACKOFF_MS.0, BACKOFF_MS.1);
        while !self.is_stopping() {
            self.source.beat();
            match self.with_feed(Self::pass_over_rows)? {
                Ok(scanned) => {
                    self.end_pass(&scanned);
                    return Ok(());
                }
                Err(DatabaseError::Refused(message)) if self.options.once => {
                    return Err(Failure::config(message));
                }
                Err(error) => self.lose_database(&error),
            }
            self.wait(&mut backoff)?;
        }
        Ok(())
    }

    /// Deletes what is published, where that is wanted. What is left is deleted by the next run.
    pub(super) fn delete_published(&mut self) {
        if self.options.once
            && let Some(polled) = &mut self.database
            && let (Some(feed), Some(cursor)) = (&mut polled.feed, polled.published.take())
            && let Err(error) = feed.database.delete_through(&cursor)
        {
            tracing::warn!(%error, "published rows are not deleted; the next run tries again");
        }
    }

    /// Writes the checkpoint, if it has moved.
    pub(super) fn save_cursor(&mut self, revision: i64) -> Result<(), Failure> {
        if let Some(polled) = &mut self.database
            && let Some(cursor) = self.unsaved_cursor.take()
        {
            polled.published = polled.deletes.then(|| cursor.clone());
            polled.origin.save(&DatabaseCheckpoint { asked: polled.asked, cursor, revision })?;
        }
        Ok(())
    }

    fn pass_over_rows(&mut self, feed: &mut Feed) -> Result<Scanned, Interruption> {
        feed.bind(&self.config)?;
        let Feed { database, poll, reading } = feed;
        let Some(reading) = reading else { return Err(nothing_bound().into()) };
        let published = self.database.as_mut().and_then(|polled| polled.published.take());
        if let Some(cursor) = published
            && let Err(error) = database.delete_through(&cursor)
        {
            if let Some(polled) = &mut self.database {
                polled.published = Some(cursor);
            }
            return Err(error.into());
        }
        let scanned = poll.pass(&mut **database, &mut |cursor, row| {
            self.source.beat();
            if !self.is_stopping() {
                self.take_row(Place::Database(cursor), row.into_raw(), |row, revisions, memory, now_ms| {
                    reading.judge(row, revisions, memory, now_ms)
                })?;
            }
            // A stop may have kept the row out of the ledger.
            let is_over = self.is_stopping();
            Ok::<_, Interruption>(if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        // Behind the last row that was taken there may be some that were known.
        if scanned.taken > 0
            && !scanned.was_stopped
            && let Some(cursor) = poll.cursor().cloned()
        {
            self.enter(Entry { place: Place::Database(cursor), fate: Fate::Settled, cost: 0, row: None })?;
        }
        Ok(scanned)
    }

    fn end_pass(&mut self, scanned: &Scanned) {
        let Some(polled) = self.database.as_mut().filter(|_| !scanned.was_stopped) else { return };
        polled.passed(scanned, self.context.clock.uptime_ms());
        if scanned.taken > 0 {
            tracing::info!(rows = scanned.taken, "database read");
        }
        let began = scanned.has_keyless && !polled.has_keyless;
        polled.has_keyless = scanned.has_keyless;
        if scanned.has_keyless {
            let problem = keyless(&self.config);
            if began {
                tracing::error!(problem, "some rows of the database are not read");
            }
            self.source.not_ready(problem);
        } else {
            self.source.ready();
        }
    }

    fn lose_database(&mut self, error: &DatabaseError) {
        match error {
            DatabaseError::Away(_) => tracing::warn!(%error, "the database is not read; trying again"),
            DatabaseError::Refused(_) => tracing::error!(%error, "the database refuses; trying again"),
        }
        self.source.not_ready(error.to_string());
        if let Some(polled) = &mut self.database {
            polled.metrics.failures.inc();
            polled.metrics.connected.set(0.0);
            polled.report(self.context.clock.uptime_ms());
            if let Some(feed) = &mut polled.feed {
                // Its columns may be others when it is back.
                feed.reading = None;
            }
        }
    }

    /// Does something with the database, and keeps apart what ends the daemon.
    fn with_feed<T>(
        &mut self,
        work: impl FnOnce(&mut Self, &mut Feed) -> Result<T, Interruption>,
    ) -> Result<Result<T, DatabaseError>, Failure> {
        let Some(mut feed) = self.database.as_mut().and_then(|polled| polled.feed.take()) else {
            return Ok(Err(nothing_bound()));
        };
        let outcome = work(self, &mut feed);
        if let Some(polled) = &mut self.database {
            polled.feed = Some(feed);
        }
        match outcome {
            Ok(value) => Ok(Ok(value)),
            Err(Interruption::Database(error)) => Ok(Err(error)),
            Err(Interruption::Failure(failure)) => Err(failure),
        }
    }
}

impl Feed {
    /// Binds the mapping to the database's columns, unless that is done.
    fn bind(&mut self, config: &ProducerConfig) -> Result<(), DatabaseError> {
        if self.reading.is_none() {
            let reading = DatabaseReading::new(config, self.database.columns()?);
            self.reading = Some(reading.map_err(|error| DatabaseError::Refused(error.to_string()))?);
        }
        Ok(())
    }
}

fn nothing_bound() -> DatabaseError {
    DatabaseError::Refused("no database is configured".to_owned())
}

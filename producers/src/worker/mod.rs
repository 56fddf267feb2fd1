//! The thread that reads, maps and publishes: one pass over the source after another.
//!
//! It holds the daemon's state and the order of its steps. What has to be there before the first row is in [`start`], how a
//! file is read on in [`file`], how a database in [`database`], what follows from the broker's answers in [`settle`], how a
//! file leaves a drop folder in [`leave`], what is told of the source in [`report`], what a backfill does besides in
//! [`yielding`]; all are steps of this worker.

mod damaged;
mod database;
mod departed;
mod departure;
mod file;
mod ignored;
mod leave;
mod origin;
mod pace;
mod report;
mod settle;
mod spooled;
mod start;
mod watched;
mod yielding;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sanchar_runtime::health::Component;
use sanchar_runtime::lifecycle::{Context, Failure};
use sanchar_runtime::registry::SchemaId;
use serde::de::DeserializeOwned;

use crate::checkpoint;
use crate::config::ProducerConfig;
use crate::database::{Cursor, PostgresConfig};
use crate::dry_run::source_files;
use crate::memory::Memory;
use crate::metrics::ProducerMetrics;
use crate::publish::{Ledger, Message, Place, Sink};
use crate::reading::Revisions;
use crate::run::Options;
use crate::source::Position;
use crate::store::Store;
use crate::summary::Summary;
use damaged::KeptDamaged;
use database::Polled;
use departed::Departed;
use ignored::Ignored;
use origin::Origin;
use pace::Pace;
use spooled::Spooled;
pub(crate) use spooled::settle_saved;
use watched::Watched;

/// How long one wait lasts at most while something is under way: the time within which a checkpoint that is due is written.
const TICK: Duration = Duration::from_millis(50);
/// The same while nothing is: the worker shows that it is alive so often. A stop and pushed items wake it.
const IDLE_TICK: Duration = Duration::from_secs(2);
/// A worker that shows no sign of life for so long has stalled, in milliseconds.
const STALL_MS: u64 = 60_000;
/// First and longest pause between attempts to reach something, in milliseconds.
const REACH_BACKOFF_MS: (u64, u64) = (200, 10_000);

/// The worker of one producer.
pub(crate) struct Worker<S> {
    config: ProducerConfig,
    options: Options,
    context: Context,
    schema: SchemaId,
    store: Store,
    sink: S,
    ledger: Arc<Ledger>,
    metrics: ProducerMetrics,
    source: Component,
    files: BTreeMap<PathBuf, Watched>,
    /// The database, where rows come from one.
    database: Option<Polled>,
    /// Settled places that no checkpoint holds yet.
    unsaved: BTreeMap<Arc<PathBuf>, Position>,
    /// The same of the database.
    unsaved_cursor: Option<Cursor>,
    saved_at_ms: u64,
    revisions: Revisions,
    memory: Memory,
    /// The message that was sent last: the next one is written over it.
    message: Message,
    summary: Summary,
    pace: Pace,
    /// Files that are there and may still change, in the last pass.
    unstable: usize,
    /// What lies in the drop folder and is not taken.
    ignored: Ignored,
    /// What has left the drop folder lately.
    departed: Departed,
    /// When a backfill looks at the running daemon again, in milliseconds of uptime.
    look_again_ms: u64,
    waits_for_live: bool,
    /// Which rows of joined files are in quarantine.
    damaged: KeptDamaged,
    /// Where rows come from instead of the source's files.
    spooled: Option<Spooled>,
}

impl<S: Sink> Worker<S> {
    /// A worker that publishes through `sink`. Takes the store's lock and reads the checkpoints, so that revisions go
    /// on growing.
    pub(crate) fn new(
        config: ProducerConfig,
        options: Options,
        context: Context,
        schema: SchemaId,
        sink: S,
        ledger: Arc<Ledger>,
    ) -> Result<Self, Failure> {
        let store = Store::open(&config.base().join(&config.store.folder))?;
        Ok(Self {
            revisions: match options.backfill {
                None => Revisions::after(start::latest_revision(&store)?),
                Some(_) => Revisions::of_files(),
            },
            metrics: ProducerMetrics::register(&context.metrics, config.state.code)?,
            source: context.health.component("source", Some(stall_ms(&config))),
            pace: Pace::new(config.publish.rate_per_second),
            memory: Memory::new(config.publish.memory_records),
            message: Message::default(),
            files: BTreeMap::new(),
            database: Polled::of(&config, &context, &store)?,
            unsaved: BTreeMap::new(),
            unsaved_cursor: None,
            saved_at_ms: 0,
            look_again_ms: 0,
            waits_for_live: false,
            summary: Summary::default(),
            unstable: 0,
            damaged: KeptDamaged::default(),
            ignored: Ignored::default(),
            departed: Departed::default(),
            spooled: None,
            config,
            options,
            context,
            schema,
            store,
            sink,
            ledger,
        })
    }

    /// Works until told to stop, or until everything is published.
    pub(crate) fn run(mut self) -> Result<Summary, Failure> {
        if self.database.is_some() {
            self.reach_database()?;
        } else {
            self.refuse_unfit_files()?;
        }
        self.reach_broker()?;
        if self.config.source.is_stdin() {
            self.read_stdin()?;
        } else {
            self.follow()?;
        }
        self.drain()?;
        self.delete_published();
        Ok(self.summary)
    }

    /// Reads on until told to stop, or until all that is there is read.
    fn follow(&mut self) -> Result<(), Failure> {
        self.refuse_circles()?;
        while !self.is_stopping() {
            self.pass()?;
            if self.options.once && self.unstable == 0 {
                break;
            }
            self.pause()?;
        }
        Ok(())
    }

    /// One pass over all that is there.
    fn pass(&mut self) -> Result<(), Failure> {
        if self.database.is_some() {
            self.read_database()?;
        } else if self.spooled.is_some() {
            self.read_spool()?;
            self.report_source();
        } else {
            self.read_files()?;
        }
        if self.sink.is_away() {
            // With nothing to send, nobody else would notice that the broker is back.
            drop(self.sink.reach(TICK));
        }
        self.service()
    }

    fn read_files(&mut self) -> Result<(), Failure> {
        self.unstable = 0;
        self.put_back_departures()?;
        self.put_grown_back();
        let found = match source_files(&self.config) {
            Ok(found) => found,
            // A drop folder may well be empty.
            Err(_) if self.can_list_folders() => Vec::new(),
            Err(failure) if self.options.once => return Err(failure),
            Err(failure) => {
                self.source.not_ready(failure.to_string());
                return Ok(());
            }
        };
        self.report_ignored(&found);
        self.forget_vanished(&found);
        let before = self.summary.read;
        for path in &found {
            if self.is_stopping() {
                return Ok(());
            }
            self.read_on(path)?;
        }
        if self.summary.read > before {
            self.report_joins();
        }
        self.let_files_leave()?;
        self.report_source();
        Ok(())
    }

    /// Waits for the next pass, and takes up the broker's answers meanwhile.
    fn pause(&mut self) -> Result<(), Failure> {
        let until_ms = self.context.clock.uptime_ms() + self.config.poll_interval_ms();
        while !self.is_stopping() && !self.has_spooled() {
            let left_ms = until_ms.saturating_sub(self.context.clock.uptime_ms());
            if left_ms == 0 {
                break;
            }
            self.ledger.wait(self.tick().min(Duration::from_millis(left_ms)));
            self.service()?;
        }
        self.let_files_leave()
    }

    /// How long the worker may sleep.
    fn tick(&self) -> Duration {
        let is_idle = self.ledger.is_empty() && self.unsaved.is_empty() && self.unsaved_cursor.is_none();
        if is_idle { IDLE_TICK } else { TICK }
    }

    /// Waits until every row that was read is settled. A stop does not wait longer than most of its grace.
    fn drain(&mut self) -> Result<(), Failure> {
        let mut until_ms = None;
        loop {
            self.service()?;
            if self.ledger.is_empty() {
                break;
            }
            if self.is_stopping() {
                let grace_ms = self.config.lifecycle.shutdown_grace_ms / 10 * 8;
                let until_ms = *until_ms.get_or_insert(self.context.clock.uptime_ms() + grace_ms);
                if self.context.clock.uptime_ms() >= until_ms {
                    tracing::warn!(
                        rows = self.ledger.in_flight(),
                        "rows without an answer are read again at the next start"
                    );
                    break;
                }
            }
            self.ledger.wait(TICK);
        }
        self.save()?;
        self.let_files_leave()
    }

    fn is_stopping(&self) -> bool {
        self.context.shutdown.is_triggered()
    }

    /// Lets go of files that are no longer there, once nothing of theirs is under way.
    fn forget_vanished(&mut self, found: &[PathBuf]) {
        if self.ledger.is_empty() && self.unsaved.is_empty() {
            self.files.retain(|path, _| found.binary_search(path).is_ok());
        }
    }

    /// What is kept of the source that a place is in.
    fn origin(&mut self, place: &Place) -> &mut Origin {
        let path = match (place, &mut self.database) {
            (Place::Database(_), Some(polled)) => return &mut polled.origin,
            (Place::File(path, _), _) => path.as_path(),
            (Place::Database(_), None) => Path::new(crate::database::NAME),
        };
        &mut watched(&mut self.files, &self.config, &self.store, path).origin
    }

    /// The file's entry, made where it is new.
    fn watched(&mut self, path: &Path) -> &mut Watched {
        watched(&mut self.files, &self.config, &self.store, path)
    }
}

fn watched<'w>(
    files: &'w mut BTreeMap<PathBuf, Watched>,
    config: &ProducerConfig,
    store: &Store,
    path: &Path,
) -> &'w mut Watched {
    files.entry(path.to_owned()).or_insert_with(|| Watched::new(path, config.shown(path), store))
}

/// How long the worker may show no sign of life. It waits for its database, however long that is allowed to take.
fn stall_ms(config: &ProducerConfig) -> u64 {
    STALL_MS + config.postgres.as_ref().map_or(0, PostgresConfig::turn_ms)
}

fn read_checkpoint<C: DeserializeOwned>(path: &Path) -> Result<Option<C>, Failure> {
    checkpoint::read(path).map_err(|error| {
        let shown = path.display();
        Failure::config(format!(
            "{shown}: is no checkpoint ({error}): delete it to publish its source from the start again"
        ))
    })
}

/// Counts below 2^53 are exact.
#[expect(clippy::cast_precision_loss, reason = "rows and bytes stay far below 2^53")]
fn as_gauge(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;

//! Publishing the rows of past days again, beside the running daemon and behind it.
//!
//! It is the daemon's own worker with four differences: a store folder of its own, so that it goes on where it was stopped; only rows
//! of some days; a pause while the daemon has something to publish; and revisions that never outdate what the daemon published later.

mod config;
mod days;
mod neighbour;
mod traffic;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use sanchar_runtime::lifecycle::{Context, Failure};

use crate::config::ProducerConfig;
use crate::run::{Options, run};
use crate::source::After;
use crate::store::Store;
use crate::summary::Summary;
pub use config::BackfillConfig;
pub use days::Days;
pub(crate) use neighbour::{Neighbour, Seen};
use traffic::LiveTraffic;

/// What is to be published again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Request {
    /// The days.
    pub days: Days,
    /// No more rows than this are read in a second.
    pub rate_per_second: f64,
    /// Begin anew instead of going on where an earlier backfill of the same days was stopped.
    pub restart: bool,
}

/// What makes a run of the worker a backfill. Only [`backfill`] makes one.
#[derive(Clone)]
pub struct Backfill {
    pub(crate) days: Days,
    /// Whether the daemon has something to publish. May take a second.
    pub(crate) is_live_busy: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl fmt::Debug for Backfill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backfill").field("days", &self.days).finish_non_exhaustive()
    }
}

/// Publishes the rows of the files that are there now and of the days asked for, until the end or until the context's shutdown is
/// triggered. Of `options` it takes the schema's id and who is told of progress.
///
/// # Errors
/// As [`run`]; temporary (75) too when another backfill of the same days is under way.
pub async fn backfill(
    config: ProducerConfig,
    request: &Request,
    options: Options,
    context: Context,
) -> Result<Summary, Failure> {
    let live = LiveTraffic::of(&config, Arc::clone(&context.clock))?;
    refuse_what_is_not_kept(&config)?;
    let config = of_its_own(config, request);
    let resumed = begin(&config.base().join(&config.store.folder), request.restart)?;
    if resumed > 0 {
        tracing::info!(files = resumed, "the backfill goes on where it was stopped; --restart begins anew");
    }
    let runtime = tokio::runtime::Handle::current();
    let is_live_busy = Arc::new(move || runtime.block_on(live.is_busy()));
    let backfill = Some(Backfill { days: request.days, is_live_busy });
    run(config, Options { once: true, backfill, ..options }, context).await
}

/// Only what is still there can be read again, and a database's rows have no time of their own to tell which content is newer.
fn refuse_what_is_not_kept(config: &ProducerConfig) -> Result<(), Failure> {
    if config.source.is_stdin() {
        return Err(Failure::config(
            "source.files is standard input, which keeps nothing: name the files of those days in a configuration of their own",
        ));
    }
    if config.push.is_some() {
        return Err(Failure::config(
            "items are pushed to this producer, which keeps none that are published: let their sender push them again",
        ));
    }
    if config.postgres.is_some() && !config.has_own_revision() {
        return Err(Failure::config(
            "mapping.record.revision is missing: a backfill of a database needs it, for nothing else tells old content from new",
        ));
    }
    Ok(())
}

/// The configuration with a folder for these days and the slower of both rates. It leaves everything where it is.
fn of_its_own(mut config: ProducerConfig, request: &Request) -> ProducerConfig {
    if config.source.after == After::Move {
        config.source.after = After::Keep;
        let is_there = |pattern: &String| config.base().join(pattern).parent().is_some_and(Path::is_dir);
        let moved: Vec<String> = config.source.moved_files().into_iter().filter(is_there).collect();
        config.source.files.extend(moved);
    }
    if let Some(outbox) = config.postgres.as_mut().and_then(|postgres| postgres.outbox.as_mut()) {
        outbox.delete_published = false;
    }
    config.store.folder = config.store.folder.join("backfill").join(request.days.to_string());
    let rate = config.publish.rate_per_second.unwrap_or(f64::INFINITY);
    config.publish.rate_per_second = Some(rate.min(request.rate_per_second));
    config
}

/// Makes the folder ready, and tells how many files an earlier backfill of these days has begun.
fn begin(folder: &Path, restart: bool) -> Result<usize, Failure> {
    let store = Store::open(folder)?;
    let failed = |error| {
        Failure::temporary(format!("{}: cannot be used ({error}): make it writable", folder.display()))
    };
    if restart {
        store.empty().map_err(failed)?;
    }
    Ok(store.checkpoints().map_err(failed)?.len())
}

/// Revisions for records without one of their own, in a backfill: when the file was last modified, which is what the source knew then.
///
/// A live row's revision is the time of its reading, and what is read was written before. So whatever the daemon published of a record
/// from a later file is newer than what a backfill reads, and the fan-out service drops the backfill's as stale. The time of reading
/// would make old content the newest. A file that grows has the time of its last row for all of them: where one record comes in several
/// files of which the older still grows, only a revision of the source's own tells which is newer.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileTimes {
    /// Bounded by the number of files.
    taken: BTreeMap<i64, PathBuf>,
}

impl FileTimes {
    /// The revision of a file's rows, in milliseconds since 1970. Of files with one time the later path has the later revision, since
    /// two contents of one record under one revision would be a conflict.
    pub(crate) fn of(&mut self, path: &Path) -> i64 {
        let modified = std::fs::metadata(path).and_then(|data| data.modified()).ok();
        let since_1970 = modified.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        let mut revision = i64::try_from(since_1970.as_millis()).unwrap_or_default();
        while self.taken.get(&revision).is_some_and(|other| other != path) {
            revision += 1;
        }
        self.taken.insert(revision, path.to_owned());
        revision
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{File, FileTimes as Times};
    use std::time::Duration;

    #[test]
    fn a_file_has_the_time_of_its_last_change_and_no_other_files() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a.csv", "b.csv"].map(|name| folder.path().join(name));
        for path in &paths {
            let at = UNIX_EPOCH + Duration::from_millis(1_456_790_400_123);
            File::create(path).unwrap().set_times(Times::new().set_modified(at)).unwrap();
        }
        let mut times = super::FileTimes::default();
        let of = |times: &mut super::FileTimes| paths.each_ref().map(|path| times.of(path));
        assert_eq!(of(&mut times), [1_456_790_400_123, 1_456_790_400_124]);
        assert_eq!(of(&mut times), [1_456_790_400_123, 1_456_790_400_124], "the same at every look");
    }

    #[test]
    fn what_is_not_kept_is_refused() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples");
        let load = |name: &str| ProducerConfig::load(&examples.join(name)).unwrap();
        let error = refuse_what_is_not_kept(&load("chandigarh.toml")).unwrap_err().to_string();
        assert!(error.contains("push them again"), "{error}");
        let mut piped = load("goa.toml");
        piped.source.files = vec!["-".to_owned()];
        let error = refuse_what_is_not_kept(&piped).unwrap_err().to_string();
        assert!(error.contains("standard input, which keeps nothing"), "{error}");
        let mut database = load("rajasthan-postgres.toml");
        assert!(refuse_what_is_not_kept(&database).is_ok());
        database.mapping.record = None;
        let error = refuse_what_is_not_kept(&database).unwrap_err().to_string();
        assert!(error.contains("mapping.record.revision is missing"), "{error}");
    }

    #[test]
    fn what_an_earlier_backfill_began_is_found_unless_it_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store/backfill/2016-01-01-2016-12-31");
        assert_eq!(begin(&path, false).unwrap(), 0);
        for name in ["checkpoints/a.csv-1.json", "quarantine/a.csv-1.jsonl"] {
            crate::store::replace(&path.join(name), b"{}").unwrap();
        }
        assert_eq!(begin(&path, false).unwrap(), 1);
        assert_eq!(begin(&path, true).unwrap(), 0);
        assert!(!path.join("quarantine/a.csv-1.jsonl").exists());
        let _held = Store::open(&path).unwrap();
        assert!(begin(&path, true).unwrap_err().to_string().contains("is used by another producer"));
    }
}

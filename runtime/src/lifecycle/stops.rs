//! Whether the processes before this one ended in good order: a small file in the daemon's folder that says that one runs, and
//! how often one was found that had not put it straight.
//!
//! Good order is exit code 0. A process that is killed, panics or loses its power leaves the file as it is, and one that ends with
//! a failure does so on purpose. The count outlives processes, so that a restart between two scrapes is seen.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use prometheus::IntCounter;

use super::Failure;
use crate::metrics::Metrics;

const FILE: &str = "stops";
const RUNNING: &str = "running";
const STOPPED: &str = "stopped";
/// More than is ever written to the file.
const BYTES_MAX: u64 = 64;

/// Registers what is shown of stops: what the catalogue of metrics is made from. Only a daemon that has a folder shows it.
///
/// # Errors
/// When the name is taken: a mistake in the program.
pub fn register_stops(metrics: &Metrics) -> Result<IntCounter, Failure> {
    let help = "Processes of this daemon's folder that did not end in good order: killed, panicked, or ended with a failure; \
                counted since the folder was made.";
    metrics.counter("sanchar_unclean_stops_total", help)
}

/// The file, locked for this process.
#[derive(Debug)]
pub(super) struct Stops {
    file: File,
    unclean: u64,
}

impl Stops {
    /// Notes in `folder`, which is made for this user alone where it is missing, that a process runs. `None` where one does
    /// already: then the folder is that one's.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn begin(folder: &Path) -> io::Result<Option<Self>> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(folder.join(FILE))?;
        if file.try_lock().is_err() {
            return Ok(None);
        }
        let mut text = String::new();
        (&mut file).take(BYTES_MAX).read_to_string(&mut text)?;
        let (count, state) = text.trim().split_once(' ').unwrap_or_default();
        let unclean = count.parse::<u64>().unwrap_or_default() + u64::from(state == RUNNING);
        let mut stops = Self { file, unclean };
        stops.write(RUNNING)?;
        Ok(Some(stops))
    }

    /// How many processes of this folder did not end in good order.
    pub(super) const fn unclean(&self) -> u64 {
        self.unclean
    }

    /// Notes that this one does.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn end(mut self) -> io::Result<()> {
        self.write(STOPPED)
    }

    /// One line of about the same length each time, which a disk writes at once.
    fn write(&mut self, state: &str) -> io::Result<()> {
        self.file.rewind()?;
        let line = format!("{} {state}\n", self.unclean);
        self.file.write_all(line.as_bytes())?;
        self.file.set_len(line.len() as u64)?;
        self.file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(folder: &Path) -> Stops {
        Stops::begin(folder).unwrap().unwrap()
    }

    #[test]
    fn only_processes_that_did_not_end_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new");
        let first = begun(&folder);
        assert_eq!(first.unclean(), 0);
        first.end().unwrap();
        let killed = begun(&folder);
        assert_eq!(killed.unclean(), 0);
        drop(killed);
        let killed_again = begun(&folder);
        assert_eq!(killed_again.unclean(), 1);
        drop(killed_again);
        let orderly = begun(&folder);
        assert_eq!(orderly.unclean(), 2);
        orderly.end().unwrap();
        assert_eq!(begun(&folder).unclean(), 2);
    }

    #[test]
    fn a_folder_that_is_in_use_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let running = begun(folder.path());
        assert!(Stops::begin(folder.path()).unwrap().is_none());
        running.end().unwrap();
        assert_eq!(begun(folder.path()).unclean(), 0);
    }

    #[test]
    fn a_file_that_says_nothing_counts_as_none() {
        for text in ["", "nonsense", "7", "-1 running", "\n"] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(FILE), text).unwrap();
            let unclean = begun(folder.path()).unclean();
            assert_eq!(unclean, u64::from(text == "-1 running"), "{text:?}");
        }
    }
}

//! When a file may leave a drop folder, and what is said of it: the worker's side of a [`Departure`].

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use sanchar_runtime::lifecycle::Failure;

use super::Worker;
use super::departure::{Departure, unfinished};
use super::settle::cannot_write;
use super::watched::{Ending, Stamp};
use crate::checkpoint::{self, Checkpoint};
use crate::naming;
use crate::publish::Sink;
use crate::quarantine::indian_time;
use crate::source::Position;
use crate::store;

/// How a departure went.
#[derive(Debug, PartialEq, Eq)]
enum Left {
    /// The file is in its folder.
    For(PathBuf),
    /// Another file was dropped under its name, or it has changed; it is read.
    Changed,
    /// It is no longer there.
    Nowhere,
}

impl<S: Sink> Worker<S> {
    /// Files that have ended and of which every row is acknowledged, in quarantine or left out, with a checkpoint on disk
    /// that says so: nothing of theirs is lost when they go.
    pub(super) fn wholly_settled(&self) -> Vec<PathBuf> {
        let ended = self.files.iter().filter(|(_, file)| file.ending.is_some() && file.is_wholly_settled());
        ended.map(|(path, _)| path.clone()).collect()
    }

    /// Refuses to start where files would be moved to the folder that they come from.
    pub(super) fn refuse_circles(&self) -> Result<(), Failure> {
        let source = &self.config.source;
        for folder in self.folders().into_iter().filter(|_| source.moves()) {
            for (field, target) in
                [("done_folder", &source.done_folder), ("failed_folder", &source.failed_folder)]
            {
                let place = |path: &Path| path.canonicalize().ok();
                if place(&folder)
                    .is_some_and(|folder| place(&folder.join(target)).is_some_and(|to| to == folder))
                {
                    let problem = "is the folder that files are dropped in: name another";
                    return Err(Failure::config(format!("source.{field} {problem}")));
                }
            }
        }
        Ok(())
    }

    /// Puts files back that were leaving when the last run was killed.
    pub(super) fn put_back_departures(&mut self) -> Result<(), Failure> {
        if !self.config.source.moves() {
            return Ok(());
        }
        for folder in self.folders() {
            // A folder that cannot be listed is reported where its files are looked for.
            for departure in unfinished(&folder).unwrap_or_default() {
                let shown = naming::shown(self.config.shown(departure.path()));
                match departure.put_back() {
                    Ok(true) => {
                        tracing::warn!(file = shown, "the source file was leaving; it is looked at again");
                    }
                    Ok(false) => {
                        tracing::debug!(
                            file = shown,
                            "a source file that was leaving waits for its namesake"
                        );
                    }
                    Err(error) => return Err(cannot_move(departure.path(), &error)),
                }
            }
        }
        Ok(())
    }

    /// The folders that files are dropped in.
    fn folders(&self) -> BTreeSet<PathBuf> {
        let files = self.config.source.files.iter().map(|pattern| self.config.base().join(pattern));
        files.filter_map(|path| path.parent().map(Path::to_owned)).collect()
    }

    /// Whether this is a drop folder that is there, so that finding no file in it is no mistake.
    pub(super) fn can_list_folders(&self) -> bool {
        self.config.source.moves() && self.folders().iter().all(|folder| folder.is_dir())
    }

    /// Lets every file go that has ended and whose rows are all settled.
    pub(super) fn let_files_leave(&mut self) -> Result<(), Failure> {
        for path in self.wholly_settled() {
            match self.leave(&path) {
                Ok(Left::For(target)) => self.forget_left(&path, &target)?,
                Ok(Left::Changed) => {
                    let file = self.watched(&path);
                    (file.ending, file.stamp) = (None, None);
                    tracing::warn!(
                        file = file.origin.name,
                        "the source file has changed since it was read; it is read again"
                    );
                }
                Ok(Left::Nowhere) => {
                    let file = self.watched(&path);
                    (file.ending, file.stamp) = (None, None);
                    tracing::warn!(
                        file = file.origin.name,
                        "the source file was moved away by somebody else: is another producer on this folder?"
                    );
                }
                Err(error) if self.options.once => return Err(cannot_move(&path, &error)),
                Err(error) => {
                    let stamp = self.watched(&path).stamp;
                    if !self.watched(&path).is_refused() {
                        tracing::error!(error = %cannot_move(&path, &error), "the source file cannot leave; trying again");
                    }
                    self.watched(&path).refuse(stamp);
                }
            }
        }
        Ok(())
    }

    /// Takes the steps of a departure. What is in quarantine of the file is on disk before.
    fn leave(&mut self, path: &Path) -> io::Result<Left> {
        let file = self.watched(path);
        file.origin.quarantine.sync()?;
        let (Some(stamp), Some(ending)) = (file.stamp, file.ending.clone()) else { return Ok(Left::Changed) };
        let folder = match ending {
            Ending::Done => self.config.source.done_folder.clone(),
            Ending::Failed { .. } => self.config.source.failed_folder.clone(),
        };
        let mut departure = Departure::new(path, &folder);
        match departure.begin() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Left::Nowhere),
            begun => begun?,
        }
        if !departure.is_what_was_read(stamp)? {
            departure.put_back()?;
            return Ok(Left::Changed);
        }
        let moved = departure.target().and_then(|target| {
            if let Ending::Failed { why } = &ending {
                departure.explain(&target, &self.account(path, why))?;
            }
            departure.finish(&target).map(|()| target)
        });
        match moved {
            Ok(target) => Ok(Left::For(target)),
            Err(error) => {
                departure.put_back()?;
                Err(error)
            }
        }
    }

    /// Removes the checkpoint of a file that has left, but for the revision that it holds.
    fn forget_left(&mut self, path: &Path, target: &Path) -> Result<(), Failure> {
        let Some(file) = self.files.remove(path) else { return Ok(()) };
        let is_whole = file.ending == Some(Ending::Done);
        self.metrics.moved(is_whole);
        if let Some(stamp) = file.stamp.filter(|_| is_whole) {
            self.departed.note(path, target, stamp, self.context.clock.uptime_ms());
        }
        let rows = file.place.map_or(0, |place| place.rows);
        let to = naming::shown(self.config.shown(target));
        match &file.ending {
            Some(Ending::Failed { why }) => {
                tracing::error!(
                    file = file.origin.name,
                    to,
                    rows,
                    error = why,
                    "the source file is moved: it failed"
                );
            }
            _ => tracing::info!(file = file.origin.name, to, rows, "the source file is moved: it is done"),
        }
        let Some(checkpoint) = file.origin.checkpoint.filter(|checkpoint| checkpoint.exists()) else {
            return Ok(());
        };
        let moved = self.store.moved();
        let latest = Checkpoint::new(&Position::default(), self.revisions.latest(), None);
        checkpoint::write(&latest, &moved).map_err(|error| cannot_write(&moved, &error))?;
        let removed = std::fs::remove_file(&checkpoint).and_then(|()| store::sync_folder(&checkpoint));
        removed.map_err(|error| cannot_write(&checkpoint, &error))
    }

    /// The text beside a file that failed.
    fn account(&self, path: &Path, why: &str) -> String {
        let now = indian_time(self.context.clock.now_ms());
        let mut text = format!("{why}\n\nmoved here: {now}\n");
        if let Some(file) = self.files.get(path) {
            let rows = file.place.map_or(0, |place| place.rows);
            let lines = file.place.map_or(0, |place| place.lines);
            text.push_str(&format!(
                "rows taken: {rows}, up to line {lines}; they are published, left out or in quarantine\n"
            ));
            if file.origin.quarantine.path().exists() {
                text.push_str(&format!("quarantine: {}\n", file.origin.quarantine.path().display()));
            }
            text.push_str("Correct the file and drop it again: rows that are unchanged are known and make no second case.\n");
        }
        text
    }

    /// Notes that a file ended at `stamp`, if it still looks so: else it is read on when it is stable again.
    pub(super) fn note_ending(&mut self, path: &Path, stamp: Stamp, ending: &Ending) {
        let is_same = std::fs::metadata(path).is_ok_and(|data| Stamp::new(&data) == stamp);
        let file = self.watched(path);
        if !is_same {
            file.stamp = None;
            self.unstable += 1;
            return;
        }
        file.stamp = Some(stamp);
        file.open = None;
        file.ending = Some(ending.clone());
        if let Ending::Failed { why } = ending {
            self.summary.refuse(why);
        }
    }
}

fn cannot_move(path: &Path, error: &io::Error) -> Failure {
    let shown = naming::shown(path);
    if error.kind() == io::ErrorKind::InvalidFilename {
        return Failure::temporary(format!(
            "{shown}: cannot be moved, since its name leaves no room for what is put before and behind it on the way: \
             shorten it to 240 bytes"
        ));
    }
    Failure::temporary(format!(
        "{shown}: cannot be moved ({error}): let this user write its folder, source.done_folder and source.failed_folder"
    ))
}

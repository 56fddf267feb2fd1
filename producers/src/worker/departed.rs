//! What left a drop folder lately, looked at for a while: a writer that paused at the end of a row, longer than
//! `stable_ms`, still holds the file and goes on writing to it where it lies now. Such a file is put back and read again.
//!
//! It is a net, not a promise: after [`LOOKED_AT_MS`], a restart, or on another disk nobody looks. A writer that renames
//! its file when it is whole needs no net.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use super::Worker;
use super::departure::put_where_it_was;
use super::watched::Stamp;
use crate::naming;
use crate::publish::Sink;

/// So long is looked, in milliseconds: a pause of minutes is a writer's that has died.
const LOOKED_AT_MS: u64 = 300_000;
/// So many files are looked at, those that left last.
const FILES_MAX: usize = 256;

/// Files that left for the done folder, the earliest in front.
#[derive(Debug, Default)]
pub(super) struct Departed(VecDeque<Left>);

#[derive(Debug)]
struct Left {
    /// Where it was dropped, and where it lies now.
    path: PathBuf,
    target: PathBuf,
    /// What it looked like when it was read.
    stamp: Stamp,
    /// When it left, in milliseconds of uptime.
    at_ms: u64,
}

impl Departed {
    /// Notes a file that has left. One that was copied to another disk is no longer what its writer holds.
    pub(super) fn note(&mut self, path: &Path, target: &Path, stamp: Stamp, at_ms: u64) {
        if !fs::metadata(target).is_ok_and(|data| Stamp::new(&data).is_same_file(stamp)) {
            return;
        }
        if self.0.len() >= FILES_MAX {
            self.0.pop_front();
        }
        self.0.push_back(Left { path: path.to_owned(), target: target.to_owned(), stamp, at_ms });
    }

    /// Takes out those that have grown since, and forgets those that nobody will write to any more.
    fn grown(&mut self, now_ms: u64) -> Vec<Left> {
        while self.0.front().is_some_and(|left| now_ms.saturating_sub(left.at_ms) > LOOKED_AT_MS) {
            self.0.pop_front();
        }
        let has_grown = |left: &Left| {
            let now = fs::metadata(&left.target).map(|data| Stamp::new(&data));
            now.is_ok_and(|now| now.is_same_file(left.stamp) && now.length > left.stamp.length)
        };
        let (grown, rest) = self.0.drain(..).partition(has_grown);
        self.0 = rest;
        Vec::from(grown)
    }
}

impl<S: Sink> Worker<S> {
    /// Puts files back that have grown since they left: they are read from their start, and what is known of them is not
    /// sent again.
    pub(super) fn put_grown_back(&mut self) {
        for left in self.departed.grown(self.context.clock.uptime_ms()) {
            let file = naming::shown(self.config.shown(&left.path));
            match put_where_it_was(&left.target, &left.path) {
                Ok(()) => tracing::warn!(
                    file,
                    "the source file grew after it had left, and is read again: its writer pauses for longer than source.stable_ms"
                ),
                Err(error) => {
                    let lies = naming::shown(self.config.shown(&left.target));
                    tracing::error!(
                        file, lies, %error,
                        "the source file grew after it had left, and cannot be put back: drop it again"
                    );
                }
            }
        }
    }
}

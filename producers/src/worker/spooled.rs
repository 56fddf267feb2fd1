//! Reading the spool on: its files in order, as far as they are durable, and letting go of those that are settled.
//!
//! What the spool holds was looked at before it was accepted, so what is left to do is to publish it.

use std::path::{Path, PathBuf};

use sanchar_runtime::lifecycle::Failure;

use super::Worker;
use crate::checkpoint::Checkpoint;
use crate::config::ProducerConfig;
use crate::language::rows::SameRecord;
use crate::publish::Sink;
use crate::spool::{Segment, Spool};
use crate::store;

/// The spool that a worker reads.
#[derive(Debug)]
pub(super) struct Spooled {
    spool: Spool,
    /// Its end when it was last read.
    seen: Option<(Segment, u64)>,
    /// Whether a checkpoint or a row for the quarantine waits for room on the disk.
    put_off: bool,
}

impl<S: Sink> Worker<S> {
    /// The same worker, reading `spool` instead of files.
    pub(crate) fn fed_by(mut self, spool: Spool) -> Self {
        // Items come one after another, so the later one of a record is the newer. Two in one request were refused.
        self.config.rows.same_record = SameRecord::Update;
        self.spooled = Some(Spooled { spool, seen: None, put_off: false });
        self
    }

    /// Whether the spool has more than was read.
    pub(super) fn has_spooled(&self) -> bool {
        self.spooled.as_ref().is_some_and(Spooled::has_more)
    }

    /// Reads every file on, oldest first.
    pub(super) fn read_spool(&mut self) -> Result<(), Failure> {
        let Some(spooled) = &mut self.spooled else { return Ok(()) };
        for (path, durable) in spooled.look() {
            if self.is_stopping() {
                return Ok(());
            }
            if self.watched(&path).read_to >= durable {
                continue;
            }
            self.watched(&path).extend(durable);
            self.read_on(&path)?;
            if self.watched(&path).read_to < durable {
                // What cannot be read on holds up what is behind it: a case keeps its order.
                return Ok(());
            }
        }
        Ok(())
    }

    /// A checkpoint at `offset` of a file is written: what is older in the spool is settled, and goes.
    pub(super) fn let_go(&mut self, id: &Path, offset: u64) {
        let Some(spooled) = &mut self.spooled else { return };
        spooled.put_off = false;
        for gone in spooled.spool.settle(id, offset) {
            if let Some(file) = self.files.remove(&gone) {
                // One that stays is of no file: names of segments do not come again.
                drop(file.origin.checkpoint.map(std::fs::remove_file));
            }
        }
    }

    /// A checkpoint or a row for the quarantine cannot be written. Who takes items goes on and tries again, so that senders are
    /// told when the spool is full: it keeps what it would have let go. Whoever reads files ends instead.
    pub(super) fn put_off(&mut self, failure: Failure) -> Result<(), Failure> {
        let Some(spooled) = &mut self.spooled else { return Err(failure) };
        if !std::mem::replace(&mut spooled.put_off, true) {
            tracing::error!(%failure, "the disk refuses a checkpoint or a row for the quarantine; it is put off");
        }
        self.source.not_ready(failure.to_string());
        Ok(())
    }
}

impl Spooled {
    /// Whether something waits for room on the disk.
    pub(super) fn is_put_off(&self) -> bool {
        self.put_off
    }

    fn look(&mut self) -> Vec<(PathBuf, u64)> {
        self.seen = Some(self.spool.end());
        self.spool.durable()
    }

    fn has_more(&self) -> bool {
        self.seen != Some(self.spool.end())
    }
}

/// Tells a spool that was just opened what the checkpoints say, before anybody asks how much waits.
pub(crate) fn settle_saved(config: &ProducerConfig, spool: &Spool) -> Result<(), Failure> {
    for (path, _) in spool.durable() {
        if let Some(Checkpoint { offset, .. }) = saved(config, &path)? {
            for gone in spool.settle(&path, offset) {
                drop(std::fs::remove_file(checkpoint(config, &gone)));
            }
        }
    }
    Ok(())
}

fn saved(config: &ProducerConfig, path: &Path) -> Result<Option<Checkpoint>, Failure> {
    super::read_checkpoint(&checkpoint(config, path))
}

fn checkpoint(config: &ProducerConfig, path: &Path) -> PathBuf {
    store::checkpoint(&config.store_folder(), config.shown(path))
}

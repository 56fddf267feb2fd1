//! Rows of joined files that cannot be read: kept in quarantine like a source's own, and counted like them.
//!
//! They have no checkpoint. Each is kept once in a run of the process, however often its file is read again; after a restart it
//! may stand in quarantine a second time.

use std::collections::HashSet;

use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::digest::Sha256;

use super::Worker;
use super::settle::cannot_write;
use crate::mapping::joined::Damaged;
use crate::naming;
use crate::publish::Sink;
use crate::quarantine::Quarantine;

/// What is kept of the joined files as they were read last.
#[derive(Debug, Default)]
pub(super) struct KeptDamaged {
    stamp: Option<Sha256>,
    rows: HashSet<Sha256>,
}

impl<S: Sink> Worker<S> {
    /// Keeps the rows of joined files that could not be read, before any case is published without them.
    pub(super) fn keep_damaged_rows(&mut self) -> Result<(), Failure> {
        let stamp = self.config.joined_stamp();
        if stamp.is_none() || stamp == self.damaged.stamp {
            return Ok(());
        }
        let Ok(joined) = self.config.joined() else { return Ok(()) };
        let mut rows = HashSet::new();
        for damaged in joined.damaged() {
            let print = fingerprint(damaged);
            if !self.damaged.rows.contains(&print) && !rows.contains(&print) {
                self.keep_damaged(damaged)?;
            }
            rows.insert(print);
        }
        self.damaged = KeptDamaged { stamp, rows };
        Ok(())
    }

    fn keep_damaged(&mut self, damaged: &Damaged) -> Result<(), Failure> {
        let Damaged { file, row, rejection } = damaged;
        let shown = self.config.shown(file);
        let name = naming::shown(shown);
        let mut quarantine = Quarantine::new(self.store.quarantine(shown));
        quarantine
            .append(&name, row, rejection, self.context.clock.now_ms())
            .and_then(|()| quarantine.sync())
            .map_err(|error| cannot_write(quarantine.path(), &error))?;
        self.metrics.read.inc();
        self.metrics.quarantine(rejection.reason);
        self.summary.quarantine(rejection.reason, &name, row.line);
        Ok(())
    }
}

fn fingerprint(damaged: &Damaged) -> Sha256 {
    let mut bytes = format!("{:?} {} ", damaged.file, damaged.row.offset).into_bytes();
    bytes.extend(&damaged.row.bytes);
    Sha256::of(&bytes)
}

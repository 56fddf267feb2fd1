//! What the worker tells of its source: whether it is as it should be, how much of it is unread, which joined rows wait.

use super::{Spooled, Worker, as_gauge};
use crate::dry_run::Progress;
use crate::publish::Sink;
use crate::source::has_wildcard;

impl<S: Sink> Worker<S> {
    /// Says whether the source is as it should be, and how much of it is unread.
    pub(super) fn report_source(&mut self) {
        if self.spooled.as_ref().is_some_and(Spooled::is_put_off) {
            return;
        }
        let refused = self.files.values().filter(|file| file.is_refused()).count();
        let stays = !self.config.source.moves();
        let missing = stays
            && self
                .config
                .source
                .files
                .iter()
                .any(|pattern| !has_wildcard(pattern) && !self.config.base().join(pattern).exists());
        if refused > 0 {
            self.source.not_ready("a source file, or one that is joined to it, cannot be read by this configuration; see the log");
        } else if missing {
            self.source.not_ready("a source file is not there");
        } else {
            self.source.ready();
        }
        self.metrics.files_refused.set(as_gauge(u64::try_from(refused).unwrap_or(u64::MAX)));
    }

    /// Says which joined rows have no case so far. After a restart nobody knows: the cases before the checkpoint are not read
    /// again.
    pub(super) fn report_joins(&mut self) {
        let stamp = self.config.joined_stamp();
        if stamp.is_none() || self.files.values().any(|file| file.resumed || file.joined != stamp) {
            return;
        }
        let Ok(joined) = self.config.joined() else { return };
        let before = self.summary.without_case.clone();
        self.summary.join(&joined);
        let left = self.summary.without_case.iter().filter(|(join, rows)| before.get(*join) != Some(rows));
        for (join, rows) in left.filter(|(_, rows)| **rows > 0) {
            tracing::warn!(
                join,
                rows,
                "joined rows wait for their case: it is in no row of the source so far"
            );
        }
    }

    /// Shows how far reading has come.
    pub(super) fn report_progress(&self) {
        if let Some(polled) = &self.database {
            polled.report(self.context.clock.uptime_ms());
        }
        let unread = self.files.values().map(super::Watched::unread).sum();
        self.metrics.lag_bytes.set(as_gauge(unread));
        if let Some(progress) = &self.options.progress {
            let bytes_total =
                self.files.values().map(|file| file.stamp.map_or(0, |stamp| stamp.length)).sum();
            progress(Progress {
                bytes: bytes_total - unread.min(bytes_total),
                bytes_total,
                rows: self.summary.read,
                waits: self.waits_for_live,
            });
        }
    }
}

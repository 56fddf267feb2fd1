//! What a backfill does besides: it waits while the daemon has something to publish, and passes over rows of other days.

use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::CrimeEvent;

use super::{TICK, Worker};
use crate::language::rows::SameRecord;
use crate::publish::Sink;

/// How often it looks at the daemon, in milliseconds: what is read in between is a batch.
const LOOK_MS: u64 = 500;

impl<S: Sink> Worker<S> {
    /// Waits, before a batch, as long as live traffic is under way.
    pub(super) fn give_way(&mut self) -> Result<(), Failure> {
        if self.options.backfill.is_none() || self.context.clock.uptime_ms() < self.look_again_ms {
            return Ok(());
        }
        while !self.is_stopping() && self.is_live_busy() {
            if !self.waits_for_live {
                self.waits_for_live = true;
                tracing::info!("the running daemon has rows to publish; the backfill waits");
            }
            let until_ms = self.context.clock.uptime_ms() + LOOK_MS;
            while !self.is_stopping() && self.context.clock.uptime_ms() < until_ms {
                self.ledger.wait(TICK);
                self.service()?;
            }
        }
        if std::mem::take(&mut self.waits_for_live) {
            tracing::info!("the backfill goes on");
        }
        self.look_again_ms = self.context.clock.uptime_ms() + LOOK_MS;
        Ok(())
    }

    /// Under which name an event is left out, if it is.
    pub(super) fn leaves_out(&self, event: &CrimeEvent) -> Option<&'static str> {
        self.options.backfill.as_ref()?.days.leave_out(event)
    }

    /// Whether a file that was not read to its end is read from its start again. The revisions of a backfill count the updates of a
    /// record within its file, and nothing else remembers how many there were; what is published twice is dropped as a duplicate.
    pub(super) fn begins_files_anew(&self) -> bool {
        self.options.backfill.is_some()
            && !self.config.has_own_revision()
            && self.config.rows.same_record == SameRecord::Update
    }

    fn is_live_busy(&self) -> bool {
        self.options.backfill.as_ref().is_some_and(|backfill| (backfill.is_live_busy)())
    }
}

//! What has to be there before the first row is read: files that the mapping fits, a broker that answers, revisions that go on
//! growing. Reaching a database is in [`super::database`].

use std::time::Duration;

use sanchar_runtime::backoff::Backoff;
use sanchar_runtime::lifecycle::Failure;

use super::{REACH_BACKOFF_MS, Worker, read_checkpoint};
use crate::checkpoint::Saved;
use crate::dry_run::{fitting_files, source_files};
use crate::naming;
use crate::publish::{ReachError, Sink};
use crate::siblings::JoinError;
use crate::store::Store;

/// How long one attempt to reach the broker lasts.
const REACH_PATIENCE: Duration = Duration::from_secs(5);

impl<S: Sink> Worker<S> {
    /// Refuses to start with a mapping that does not fit the files that are there.
    pub(super) fn refuse_unfit_files(&self) -> Result<(), Failure> {
        if self.config.source.moves() || self.config.source.is_stdin() {
            // One bad file among those that are dropped must not stop the others: it goes to the failed folder.
            return Ok(());
        }
        if self.options.once {
            let missing = source_files(&self.config)?.into_iter().find(|path| !path.exists());
            if let Some(path) = missing {
                let shown = naming::shown(&path);
                return Err(Failure::config(format!(
                    "{shown}: is not there: correct source.files, or put the file there"
                )));
            }
        }
        if !self.options.once && matches!(self.config.joined(), Err(JoinError::Absent { .. })) {
            // It may be on its way: the source waits for it, as it does later on.
            return Ok(());
        }
        fitting_files(&self.config).map(drop)
    }

    /// Waits, for ever if need be, until a broker answers and the topic is there.
    pub(super) fn reach_broker(&mut self) -> Result<(), Failure> {
        let mut backoff = Backoff::new(REACH_BACKOFF_MS.0, REACH_BACKOFF_MS.1);
        let broker = self.context.health.component("broker", None);
        while !self.is_stopping() {
            self.source.beat();
            match self.sink.reach(REACH_PATIENCE) {
                Ok(()) => return Ok(()),
                Err(error @ ReachError::NoTopic(_)) => {
                    return Err(Failure::unavailable(format!(
                        "{error}: an operator creates it with `sanchar topics apply`"
                    )));
                }
                Err(error @ ReachError::Away(_)) => {
                    tracing::warn!(%error, "the broker is not reached; trying again");
                    broker.not_ready("no broker answers; nothing is read yet");
                }
            }
            self.wait(&mut backoff)?;
        }
        Ok(())
    }

    /// Waits before the next attempt.
    pub(super) fn wait(&mut self, backoff: &mut Backoff) -> Result<(), Failure> {
        let delay_ms = u64::try_from(backoff.next_delay().as_millis()).unwrap_or(0);
        let until_ms = self.context.clock.uptime_ms() + delay_ms;
        while !self.is_stopping() && self.context.clock.uptime_ms() < until_ms {
            let left_ms = until_ms.saturating_sub(self.context.clock.uptime_ms());
            self.ledger.wait(self.tick().min(Duration::from_millis(left_ms)));
            self.service()?;
        }
        self.service()
    }
}

/// The latest revision in any checkpoint, so that a clock that was set back gives out no older one.
pub(super) fn latest_revision(store: &Store) -> Result<i64, Failure> {
    let failed = |error| Failure::temporary(format!("cannot list the checkpoints ({error})"));
    let mut latest = 0;
    for path in store.checkpoints().map_err(failed)? {
        latest = latest.max(read_checkpoint(&path)?.map_or(0, |saved: Saved| saved.revision()));
    }
    Ok(latest)
}

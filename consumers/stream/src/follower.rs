//! Follows the changelog all the time, on a thread of its own, and hands it to the application's [`Standby`].
//!
//! So every instance knows what all others committed, and a partition that comes to it can go on within moments: a
//! worker asks for what is in the changelog by then and waits until that was read ([`Followed`]). What cannot be read or
//! kept is tried again for ever; the workers go on as long as they can without.

use crate::client::{Changelog, ChangelogConnector, ClientError, Read};
use crate::metrics::FollowerMetrics;
use crate::processor::{Reached, Standby};
use sanchar_runtime::backoff::Backoff;
use sanchar_runtime::health::Component;
use sanchar_runtime::lifecycle::{Context, Failure, Shutdown};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a read waits for the first entry: bounds how late a question and a stop are noticed.
const READ_WAIT: Duration = Duration::from_millis(20);
/// How long nothing may come of the changelog while more of it is known to be there.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// How long undecided transactions are left alone before they are asked about again.
const DECIDED_PULSE: Duration = Duration::from_millis(5);

/// The thread that follows.
#[derive(Debug)]
pub(crate) struct Follower {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

/// How far the changelog was read, for the workers. Clones tell the same.
#[derive(Debug, Clone)]
pub struct Followed(Arc<Shared>);

/// A question: "everything that is in the changelog now".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Ticket(u64);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    is_stopping: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    asked: Ticket,
    answered: Ticket,
    has_ended: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Followed {
    /// Asks for everything that is in the changelog now.
    pub(crate) fn ask(&self) -> Ticket {
        let mut state = self.0.state();
        state.asked = Ticket(state.asked.0 + 1);
        state.asked
    }

    /// Waits up to `limit` for the answer. Returns whether it has come.
    ///
    /// # Errors
    /// When nobody follows any more.
    pub(crate) fn wait(&self, ticket: Ticket, limit: Duration) -> Result<bool, ClientError> {
        let state = self.0.state();
        let waiting = |state: &mut State| state.answered < ticket && !state.has_ended;
        let (state, _) =
            self.0.changed.wait_timeout_while(state, limit, waiting).unwrap_or_else(PoisonError::into_inner);
        if state.answered < ticket && state.has_ended {
            return Err(ClientError::Retryable("nobody follows the changelog any more".to_owned()));
        }
        Ok(state.answered >= ticket)
    }

    /// What a changelog without anything in it looks like.
    pub(crate) fn nothing() -> Self {
        let followed = Self(Arc::default());
        followed.0.state().answered = Ticket(u64::MAX);
        followed
    }

    /// Answers as many questions when as many were asked, and none before.
    #[cfg(test)]
    pub(crate) fn after_questions(count: u64) -> Self {
        let followed = Self(Arc::default());
        let shared = Arc::clone(&followed.0);
        std::thread::spawn(move || {
            while shared.state().asked < Ticket(count) {
                std::thread::sleep(READ_WAIT);
            }
            shared.state().answered = Ticket(u64::MAX);
            shared.changed.notify_all();
        });
        followed
    }
}

impl Follower {
    /// Begins to follow.
    ///
    /// # Errors
    /// When no thread can be had.
    pub(crate) fn start<C>(
        connector: C,
        standby: impl Standby + 'static,
        backoff: Backoff,
        metrics: FollowerMetrics,
        context: &Context,
    ) -> Result<Self, Failure>
    where
        C: ChangelogConnector + Send + 'static,
    {
        let shared = Arc::<Shared>::default();
        let component = context.health.component("changelog", None);
        let (of_thread, shutdown) = (Arc::clone(&shared), context.shutdown.clone());
        let work = Work { connector, standby, backoff, metrics, component, shared: of_thread, shutdown };
        let thread = std::thread::Builder::new().name("changelog".to_owned()).spawn(move || work.run());
        let thread =
            thread.map_err(|error| Failure::temporary(format!("a thread cannot be started: {error}")))?;
        Ok(Self { shared, thread })
    }

    pub(crate) fn followed(&self) -> Followed {
        Followed(Arc::clone(&self.shared))
    }

    /// Stops, after everything that was read is kept.
    ///
    /// # Errors
    /// When the thread ended by itself.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        self.shared.is_stopping.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| Failure::internal("the thread that follows the changelog panicked"))
    }
}

struct Work<C, S> {
    connector: C,
    standby: S,
    backoff: Backoff,
    metrics: FollowerMetrics,
    component: Component,
    shared: Arc<Shared>,
    shutdown: Shutdown,
}

/// Why reading starts over.
enum End {
    Failed(String),
    Lost,
    Stopped,
}

impl From<ClientError> for End {
    fn from(error: ClientError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Tells the workers when the thread is gone, whatever ended it: they must not go on without it.
struct EndNotice(Arc<Shared>, Shutdown);

impl Drop for EndNotice {
    fn drop(&mut self) {
        self.0.state().has_ended = true;
        self.0.changed.notify_all();
        self.1.trigger("nobody follows the changelog any more");
    }
}

impl<C: ChangelogConnector, S: Standby> Work<C, S> {
    fn run(mut self) {
        let _notice = EndNotice(Arc::clone(&self.shared), self.shutdown.clone());
        while !self.is_stopping() {
            match self.follow() {
                End::Stopped => {}
                End::Lost => tracing::warn!(
                    "what was remembered of the changelog is lost: reading it from its beginning"
                ),
                End::Failed(error) => {
                    let delay = self.backoff.next_delay();
                    let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                    tracing::warn!(error, delay_ms, "following the changelog is interrupted");
                    self.component.not_ready(error);
                    self.sleep(delay);
                }
            }
        }
        self.standby.end();
    }

    /// Reads on until something is in the way.
    fn follow(&mut self) -> End {
        self.try_follow().unwrap_or_else(|end| end)
    }

    fn try_follow(&mut self) -> Result<End, End> {
        let changelog = self.connector.connect()?;
        let end_offset = changelog.end_offset()?;
        let mut next = self.standby.begin(changelog.identity(), end_offset).map_err(End::Failed)?;
        tracing::info!(next_offset = next, end_offset, "following the changelog");
        changelog.seek(next)?;
        let (mut asked, mut answered) = (Ticket::default(), self.shared.state().answered);
        let mut heard = Instant::now();
        while !self.is_stopping() {
            let newest = self.shared.state().asked;
            if newest > asked.max(answered) {
                self.wait_until_decided(&changelog)?;
                changelog.seek(next)?; // so that the end which is met is one of after the question
                asked = newest;
                heard = Instant::now();
            }
            let Read { next_offset, is_end } = self.read(&changelog)?;
            if is_end || next_offset.is_some() || asked <= answered {
                heard = Instant::now();
            } else if heard.elapsed() > SILENCE_MAX {
                // Workers wait for it. A reader that fell silent may stay so for good; a new one finds the brokers anew.
                return Err(End::Failed("the brokers send nothing of the changelog".to_owned()));
            }
            next = next_offset.unwrap_or(next);
            self.keep(&changelog, next)?;
            if is_end {
                self.standby.complete();
            }
            if is_end && asked > answered {
                answered = asked;
                self.shared.state().answered = answered;
                self.shared.changed.notify_all();
            }
            self.component.ready();
            self.backoff.reset();
        }
        Ok(End::Stopped)
    }

    fn read(&mut self, changelog: &C::Changelog) -> Result<Read, ClientError> {
        let (standby, mut entries) = (&mut self.standby, 0);
        let read = changelog.read(READ_WAIT, &mut |entry| {
            standby.take(entry);
            entries += 1;
        })?;
        self.metrics.entries.inc_by(entries);
        Ok(read)
    }

    /// Has everything before `next` kept, however long that takes.
    fn keep(&mut self, changelog: &C::Changelog, next: i64) -> Result<(), End> {
        let mut has_rested = false;
        loop {
            match self.standby.reached(next) {
                Ok(Reached::Kept) if has_rested => return Ok(changelog.seek(next)?),
                Ok(Reached::Kept) => return Ok(()),
                Ok(Reached::Lost) => return Err(End::Lost),
                Err(_) if self.is_stopping() => return Err(End::Stopped),
                Err(error) => {
                    let delay = self.backoff.next_delay();
                    tracing::warn!(error, "what was read of the changelog cannot be kept: trying again");
                    self.component.not_ready(error);
                    self.sleep(delay);
                    changelog.rest()?;
                    has_rested = true;
                }
            }
        }
    }

    /// Waits until all transactions that have written to the changelog by now are decided: one of them may be a
    /// predecessor's that is about to commit. To be sought anew afterwards.
    fn wait_until_decided(&self, changelog: &C::Changelog) -> Result<(), End> {
        let end = changelog.end_offset()?;
        while changelog.decided_offset()? < end {
            if self.is_stopping() {
                return Err(End::Stopped);
            }
            std::thread::sleep(DECIDED_PULSE);
            changelog.rest()?;
        }
        Ok(())
    }

    fn is_stopping(&self) -> bool {
        self.shared.is_stopping.load(Ordering::Relaxed)
    }

    fn sleep(&self, delay: Duration) {
        let started = Instant::now();
        while started.elapsed() < delay && !self.is_stopping() {
            std::thread::sleep(READ_WAIT.min(delay));
        }
    }
}

#[cfg(test)]
mod tests;

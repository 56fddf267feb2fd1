//! The loop: collect records, process them in one transaction, commit, begin again.
//!
//! A session is a transactional producer and a group member. While it works, each turn is
//! collect → (catch up with the changelog) → transact. When anything about Kafka fails, the session ends,
//! the processor forgets what was not committed, and after a delay a new session starts from what is.
//! There is no second way back.

mod early;
mod lag;
mod turn;

use crate::batch::{Batch, Reached};
use crate::breaker::Breaker;
use crate::client::{
    Client, ClientError, Committed, Connector, Gap, Message, Polled, Position, Rebalance, Settled,
};
use crate::config::{Job, StreamConfig};
use crate::follower::Followed;
use crate::lookahead::HandOver;
use crate::metrics::{self, EngineMetrics};
use crate::processor::Processor;
use lag::Progress;
use sanchar_runtime::backoff::Backoff;
use sanchar_runtime::health::Component;
use sanchar_runtime::lifecycle::{Context, Failure};
use std::time::Duration;
use turn::Turn;

/// How long a poll waits for the first record of a batch: bounds how late a stop is noticed.
const IDLE_WAIT: Duration = Duration::from_millis(100);
/// How long a poll waits when there were a few records at once: they came while the engine was busy, and so may more have that
/// the client fetches only now.
const NEXT_FETCH_WAIT: Duration = Duration::from_millis(3);
/// So many are worth a transaction.
const FEW_RECORDS: usize = 100;
/// How long reading the changelog may take before the group needs to be polled meanwhile.
const CATCH_UP_SOON: Duration = Duration::from_secs(1);
/// The engine counts as stalled when it does not come round for this long, in milliseconds.
const STALL_AFTER_MS: u64 = 60_000;
/// The same in time-outs of a transaction: a commit may wait for one three times, for records, offsets and its answer.
const STALL_AFTER_TIMEOUTS: u64 = 4;

/// Runs a processor over Kafka, exactly once.
pub struct Engine<C, P> {
    connector: C,
    processor: P,
    job: Job,
    config: StreamConfig,
    context: Context,
    component: Component,
    metrics: EngineMetrics,
    breaker: Breaker,
    followed: Followed,
    ahead: HandOver,
    progress: Progress,
}

/// Why a session ended before the service was asked to stop.
enum End {
    Lost(ClientError),
    Failed(Failure),
}

impl From<ClientError> for End {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Retryable(_) => Self::Lost(error),
            ClientError::Fenced(text) => Self::Failed(Failure::temporary(text)),
            ClientError::Refused(text) => Self::Failed(Failure::unavailable(text)),
            ClientError::Misconfigured(text) => Self::Failed(Failure::config(text)),
        }
    }
}

impl<C: Connector, P: Processor> Engine<C, P> {
    /// An engine that has not started. `followed` tells how far the processor's changelog was read.
    pub(crate) fn new(
        connector: C,
        processor: P,
        job: Job,
        config: StreamConfig,
        context: Context,
        metrics: EngineMetrics,
        followed: Followed,
    ) -> Self {
        let stall_ms = STALL_AFTER_MS.max(STALL_AFTER_TIMEOUTS * u64::from(config.transaction_timeout_ms));
        let component = context.health.component(job.worker_name(), Some(stall_ms));
        let breaker = Breaker::new(config.poison_window_records, config.poison_share_max);
        Self {
            connector,
            processor,
            job,
            config,
            context,
            component,
            metrics,
            breaker,
            followed,
            ahead: HandOver::off(),
            progress: Progress::default(),
        }
    }

    /// An engine over a client of whoever calls this, for a processor that has the only changelog there is: an application's
    /// tests run their processor the way that the service does.
    ///
    /// # Errors
    /// When the context's metrics have an engine already.
    pub fn alone(
        connector: C,
        processor: P,
        job: Job,
        config: StreamConfig,
        context: Context,
    ) -> Result<Self, Failure> {
        let metrics = EngineMetrics::new(&context.metrics)?;
        Ok(Self::new(connector, processor, job, config, context, metrics, Followed::nothing()))
    }

    /// The same, with urgent records brought to it.
    pub(crate) fn with_ahead(mut self, ahead: HandOver) -> Self {
        self.ahead = ahead;
        self
    }

    /// Works until the service is asked to stop. Blocks its thread.
    ///
    /// # Errors
    /// When going on would be wrong: fenced, refused, or most of the input is poison.
    pub fn run(mut self) -> Result<(), Failure> {
        let mut backoff = Backoff::new(self.config.retry_min_ms, self.config.retry_max_ms);
        while !self.context.shutdown.is_triggered() {
            match self.session(&mut backoff) {
                Ok(()) => break,
                Err(End::Failed(failure)) => return Err(failure),
                Err(End::Lost(error)) => {
                    self.processor.aborted();
                    self.metrics.sessions_lost.inc();
                    let delay = backoff.next_delay();
                    let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                    tracing::warn!(%error, delay_ms, "the session with kafka is lost: starting again from what is committed");
                    self.component.not_ready("the session with kafka is lost");
                    self.sleep(delay);
                }
            }
        }
        Ok(())
    }

    fn session(&mut self, backoff: &mut Backoff) -> Result<(), End> {
        self.component.beat();
        self.ahead.disown_all();
        let client = self.connector.connect()?;
        let mut batch = Batch::new(self.config.batch_records_max, self.config.batch_bytes_max);
        while !self.context.shutdown.is_triggered() {
            self.component.beat();
            self.collect(&client, &mut batch)?;
            self.observe_lag(&client, &batch);
            if !self.catch_up(&client, &mut batch)? {
                continue;
            }
            if !batch.is_empty() {
                if let Some(waiting) = self.transact(&client, &mut batch)? {
                    self.wait(&client, &mut batch, &waiting, backoff.next_delay())?;
                    continue;
                }
                backoff.reset();
            }
            self.report(&client, &batch);
        }
        Ok(())
    }

    /// Whether it does its work, after a turn in which nothing had to wait. While there is no work either, only the
    /// client knows whether the brokers are still there.
    fn report<M: Message>(&self, client: &C::Client, batch: &Batch<M>) {
        if !client.is_connected() {
            self.component.not_ready("no broker answers");
        } else if batch.has_joined() {
            self.component.ready();
        }
    }

    /// Polls until the input is drained or the batch is full. Rebalances happen here and nowhere else.
    fn collect<'c>(&self, client: &'c C::Client, batch: &mut Messages<'c, C>) -> Result<(), ClientError> {
        let Some(taken) = self.take(client, batch, Duration::ZERO)? else { return Ok(()) };
        match taken {
            0 if batch.is_empty() => self.take(client, batch, IDLE_WAIT)?,
            1..FEW_RECORDS => self.take(client, batch, NEXT_FETCH_WAIT)?,
            _ => None,
        };
        Ok(())
    }

    /// Polls as long as records come, and waits for the first. Returns how many came, or `None` when the group rebalanced.
    fn take<'c>(
        &self,
        client: &'c C::Client,
        batch: &mut Messages<'c, C>,
        mut wait: Duration,
    ) -> Result<Option<usize>, ClientError> {
        let mut taken = 0;
        while batch.has_room() {
            let Polled { rebalances, message } = client.poll(wait)?;
            let has_rebalanced = !rebalances.is_empty();
            self.note_rebalances(rebalances, batch);
            match message {
                Some(message) => batch.push(message),
                None if has_rebalanced => return Ok(None),
                None => break,
            }
            taken += 1;
            wait = Duration::ZERO;
        }
        Ok(Some(taken))
    }

    fn note_rebalances<M: Message>(&self, changes: Vec<Rebalance>, batch: &mut Batch<M>) {
        for change in changes {
            let (label, partitions) = match &change {
                Rebalance::Assigned(partitions) => (metrics::ASSIGNED, partitions),
                Rebalance::Revoked(partitions) => (metrics::REVOKED, partitions),
            };
            tracing::info!(change = label, partitions = partitions.len(), "the group rebalanced");
            self.metrics.rebalances.with_label_values(&[label]).inc_by(partitions.len() as u64);
            self.ahead.disown(partitions);
            batch.rebalance(change);
        }
    }

    /// Learns what other instances committed, before any record of partitions that were theirs. Returns false when it
    /// has to be asked again before anything is processed.
    fn catch_up<'c>(
        &mut self,
        client: &'c C::Client,
        batch: &mut Messages<'c, C>,
    ) -> Result<bool, ClientError> {
        let partitions = batch.unrestored();
        if partitions.is_empty() {
            return Ok(true);
        }
        self.component.not_ready("reading the changelog");
        let Settled { positions, gaps } = client.settle(&partitions)?;
        for Gap { partition, records } in gaps {
            tracing::error!(
                topic = partition.topic,
                partition = partition.partition,
                records,
                "records were removed before they were read: keep the input topics longer than the longest outage"
            );
            self.metrics.removed_unread.with_label_values(&[&partition.topic]).inc_by(records);
        }
        let ticket = self.followed.ask();
        if !self.followed.wait(ticket, CATCH_UP_SOON)? {
            client.pause()?;
            while !self.followed.wait(ticket, IDLE_WAIT)? {
                self.component.beat();
                if self.context.shutdown.is_triggered() || self.keep_alive(client, batch, Duration::ZERO)? {
                    client.resume()?;
                    return Ok(false); // there are other partitions now
                }
            }
            client.resume()?;
        }
        batch.restored(&partitions);
        self.progress.begin(&positions, self.context.clock.now_ms());
        self.ahead.own(positions);
        Ok(true)
    }

    /// Polls while no messages are wanted. Returns whether the group rebalanced.
    fn keep_alive<'c>(
        &self,
        client: &'c C::Client,
        batch: &mut Messages<'c, C>,
        wait: Duration,
    ) -> Result<bool, ClientError> {
        let polled = client.poll(wait)?;
        let has_rebalanced = !polled.rebalances.is_empty();
        self.note_rebalances(polled.rebalances, batch);
        batch.extend(polled.message); // from a partition assigned after the pause
        Ok(has_rebalanced)
    }

    /// Processes the batch in one transaction, and before it what is urgent of further on. Returns what the first
    /// unprocessed record waits for.
    fn transact<M: Message>(
        &mut self,
        client: &C::Client,
        batch: &mut Batch<M>,
    ) -> Result<Option<String>, End> {
        let began_ms = self.context.clock.uptime_ms();
        client.begin()?;
        let early = self.overtake(client)?;
        let turn = self.process(client, batch, &early, began_ms)?;
        if turn.done == 0 && early.is_empty() {
            client.abort()?;
            self.metrics.transactions.with_label_values(&[metrics::ABORTED]).inc();
            return Ok(turn.waiting);
        }
        let reached = batch.reached(turn.done);
        let mut positions: Vec<Position> = reached.iter().map(|reached| reached.position.clone()).collect();
        positions.extend(early.positions(&positions, &self.ahead));
        let processed_ms = self.context.clock.uptime_ms();
        let committed = client.commit(&positions)?;
        let since = |ms: u64| Duration::from_millis(self.context.clock.uptime_ms().saturating_sub(ms));
        self.metrics.transaction_seconds.observe(since(began_ms).as_secs_f64());
        self.metrics.commit_seconds.observe(since(processed_ms).as_secs_f64());
        self.processor.committed();
        self.ahead.passed(&positions);
        self.count(&turn, reached);
        early.count(&self.metrics);
        batch.drop_front(turn.done);
        self.judge(&turn)?;
        match committed {
            Committed::GoOn => Ok(turn.waiting),
            Committed::Last(why) => Err(End::Lost(ClientError::Retryable(why))),
        }
    }

    fn count(&mut self, turn: &Turn, reached: Vec<Reached>) {
        self.metrics.transactions.with_label_values(&[metrics::COMMITTED]).inc();
        for poison in &turn.dead {
            tracing::warn!(
                stage = poison.stage,
                reason = poison.reason,
                error = poison.message,
                "record dead-lettered"
            );
            self.metrics.dead_lettered.with_label_values(&[poison.stage, poison.reason]).inc();
        }
        for Reached { position, timestamp_ms, records } in reached {
            self.metrics.records_in.with_label_values(&[&position.partition.topic]).inc_by(records);
            let timestamp_ms = timestamp_ms.unwrap_or_else(|| self.context.clock.now_ms());
            self.progress.done.insert(position.partition, (position.next_offset, timestamp_ms));
        }
    }

    /// Opens the breaker when most of the recent input was poison.
    fn judge(&mut self, turn: &Turn) -> Result<(), End> {
        let clean = turn.done - turn.dead.len();
        let verdicts = std::iter::repeat_n(false, clean).chain(std::iter::repeat_n(true, turn.dead.len()));
        let share = verdicts.filter_map(|is_poison| self.breaker.note(is_poison)).last();
        let Some(share) = share else { return Ok(()) };
        let percent = share * 100.0;
        let window = self.config.poison_window_records;
        Err(End::Failed(Failure::internal(format!(
            "{percent:.0} % of the last {window} records were poison: read the newest records of {}, mend the source \
             or this service, then start again",
            self.job.dlq_topic
        ))))
    }

    /// Keeps the membership alive while a record waits for something.
    fn wait<'c>(
        &self,
        client: &'c C::Client,
        batch: &mut Messages<'c, C>,
        waiting: &str,
        delay: Duration,
    ) -> Result<(), ClientError> {
        self.metrics.retries.inc();
        self.component.not_ready(format!("waiting: {waiting}"));
        tracing::warn!(
            waiting,
            delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            "records wait"
        );
        client.pause()?;
        let until_ms = self.context.clock.uptime_ms() + u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        while self.context.clock.uptime_ms() < until_ms && !self.context.shutdown.is_triggered() {
            self.component.beat();
            // Partitions that came are not paused: the next turn reads of them what a batch has room for.
            if self.keep_alive(client, batch, IDLE_WAIT.min(delay))? {
                break;
            }
        }
        client.resume()
    }

    /// Sleeps in short steps, so that a stop is noticed.
    fn sleep(&self, delay: Duration) {
        let until_ms = self.context.clock.uptime_ms() + u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        while self.context.clock.uptime_ms() < until_ms && !self.context.shutdown.is_triggered() {
            self.component.beat();
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Nobody needs to read ahead any more, whatever ended the worker.
impl<C, P> Drop for Engine<C, P> {
    fn drop(&mut self) {
        self.ahead.end();
    }
}

/// The batch of a connector's client.
type Messages<'c, C> = Batch<<<C as Connector>::Client as Client>::Message<'c>>;

impl<C, P> std::fmt::Debug for Engine<C, P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("job", &self.job).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

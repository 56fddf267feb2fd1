//! The way into the spool: one thread that takes batches, drops what it has accepted before, and writes and syncs those that
//! came together in one go.
//!
//! A batch is answered after the sync, never before: accepted means that it survives SIGKILL and a loss of power.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use sanchar_runtime::clock::Clock;
use sanchar_runtime::lifecycle::{Context, Failure};
use sanchar_schemas::StateCode;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::condition::Condition;
use super::log::Log;
use super::memory::{Known, Memory};
use super::{Fingerprint, Refusal, Spool};

/// The most bytes that one sync waits for; one larger batch goes alone.
const GROUP_BYTES: usize = 4 << 20;
/// How often the thread looks at itself when nothing comes.
const TICK: Duration = Duration::from_secs(1);

/// Items that are accepted together or not at all.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// One line for each item, with its line break.
    pub(crate) lines: Vec<u8>,
    /// The items, in the order of their lines.
    pub(crate) items: Vec<Item>,
    /// Room that the batch takes up in memory, given back when it is done.
    pub(crate) held: Vec<OwnedSemaphorePermit>,
}

/// One item of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item {
    /// What it is known by.
    pub(crate) fingerprint: Fingerprint,
    /// Its position in what was sent.
    pub(crate) index: usize,
    /// Where its line ends in [`Batch::lines`].
    pub(crate) end: usize,
}

/// What became of a batch that was accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// Items that are in the spool now.
    pub(crate) accepted: u64,
    /// Items that were accepted before.
    pub(crate) duplicates: u64,
}

/// Why a batch was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CommitError {
    /// There is no room: later.
    Refused(Refusal),
    /// The record and revision of these items were accepted with other content: positions in what was sent.
    IdentityTaken(Vec<usize>),
    /// As many batches wait as may.
    Busy,
    /// The spool is closed.
    Closed,
}

/// What the intake needs besides the spool.
pub(crate) struct Surroundings {
    pub(crate) context: Context,
    pub(crate) state: StateCode,
    /// What was accepted before.
    pub(crate) memory: Memory,
    /// The most batches that may wait.
    pub(crate) batches_max: usize,
    /// Called after every commit.
    pub(crate) wake: Box<dyn Fn() + Send>,
}

/// Takes batches. When the last clone is dropped, the thread finishes what it has and ends.
#[derive(Debug, Clone)]
pub(crate) struct Intake {
    sender: SyncSender<Request>,
}

struct Request {
    batch: Batch,
    answer: Answer,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("items", &self.batch.items.len()).finish_non_exhaustive()
    }
}

impl Intake {
    /// Starts the thread that writes to `spool`.
    ///
    /// # Errors
    /// [`Failure`] when the thread or the metrics cannot be made.
    pub(crate) fn start(spool: Spool, around: Surroundings) -> Result<(Self, JoinHandle<()>), Failure> {
        let last = spool.lock().durable().last().map(|(segment, _)| segment);
        let log = Log::new(spool.0.folder.clone(), spool.0.config.segment_bytes, last);
        Self::writing_to(log, spool, around)
    }

    pub(super) fn writing_to(
        log: Log,
        spool: Spool,
        around: Surroundings,
    ) -> Result<(Self, JoinHandle<()>), Failure> {
        let Surroundings { context, state, memory, batches_max, wake } = around;
        let condition = Condition::register(&context.metrics, &context.health, state)?;
        let (sender, receiver) = sync_channel(batches_max.max(1));
        let mut writer =
            Writer { spool, log, memory, condition, clock: context.clock, wake, wanted_bytes: 0 };
        let thread =
            std::thread::Builder::new().name("spool".to_owned()).spawn(move || writer.run(&receiver));
        let thread = thread
            .map_err(|error| Failure::temporary(format!("cannot start the spool's thread ({error})")))?;
        Ok((Self { sender }, thread))
    }

    /// Hands a batch over and waits until it is safe.
    ///
    /// # Errors
    /// [`CommitError`]; then nothing of it is in the spool.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<Receipt, CommitError> {
        let (answer, answered) = oneshot::channel();
        self.sender.try_send(Request { batch, answer }).map_err(|error| match error {
            TrySendError::Full(_) => CommitError::Busy,
            TrySendError::Disconnected(_) => CommitError::Closed,
        })?;
        answered.await.unwrap_or(Err(CommitError::Closed))
    }
}

/// The thread's own.
struct Writer {
    spool: Spool,
    log: Log,
    memory: Memory,
    condition: Condition,
    clock: Arc<dyn Clock>,
    wake: Box<dyn Fn() + Send>,
    /// Bytes of the last batch that found no room.
    wanted_bytes: u64,
}

/// What one sync makes durable.
#[derive(Default)]
struct Group {
    lines: Vec<u8>,
    staged: HashMap<u64, u64>,
    fingerprints: Vec<Fingerprint>,
    waiting: Vec<Waiting>,
}

/// A batch that waits for the sync.
struct Waiting {
    answer: Answer,
    receipt: Receipt,
    held: Vec<OwnedSemaphorePermit>,
}

/// Where a batch's fate is told.
type Answer = oneshot::Sender<Result<Receipt, CommitError>>;

impl Writer {
    fn run(&mut self, receiver: &Receiver<Request>) {
        self.look();
        loop {
            match receiver.recv_timeout(TICK) {
                Ok(first) => self.take_group(first, receiver),
                Err(RecvTimeoutError::Timeout) => self.look(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Takes a batch and those that came meanwhile.
    fn take_group(&mut self, first: Request, receiver: &Receiver<Request>) {
        let mut group = Group::default();
        let mut next = Some(first);
        while let Some(Request { batch, answer }) = next {
            match self.stage(&mut group, &batch) {
                Ok(receipt) => group.waiting.push(Waiting { answer, receipt, held: batch.held }),
                // Whoever has gone away sends it again.
                Err(error) => drop(answer.send(Err(error))),
            }
            next = if group.lines.len() < GROUP_BYTES { receiver.try_recv().ok() } else { None };
        }
        let outcome = if group.lines.is_empty() { Ok(()) } else { self.write(&group) };
        self.show();
        for Waiting { answer, receipt, held } in group.waiting {
            drop(answer.send(outcome.map(|()| receipt).map_err(CommitError::Refused)));
            drop(held);
        }
    }

    /// Puts those items of a batch that are new into the group.
    fn stage(&mut self, group: &mut Group, batch: &Batch) -> Result<Receipt, CommitError> {
        let (mut own, mut fresh, mut taken) = (HashMap::new(), Vec::new(), Vec::new());
        let mut begin = 0;
        for item in &batch.items {
            let line = batch.lines.get(begin..item.end).unwrap_or_default();
            begin = item.end;
            match self.memory.look_up(item.fingerprint, &[&own, &group.staged]) {
                Known::Same => {}
                Known::Other => taken.push(item.index),
                Known::New => {
                    own.insert(item.fingerprint.identity, item.fingerprint.content);
                    fresh.push((item.fingerprint, line));
                }
            }
        }
        if !taken.is_empty() {
            return Err(CommitError::IdentityTaken(taken));
        }
        let bytes: u64 = fresh.iter().map(|(_, line)| to_u64(line.len())).sum();
        if bytes > 0 {
            self.admit(to_u64(group.lines.len()) + bytes)?;
        }
        for (fingerprint, line) in &fresh {
            group.lines.extend_from_slice(line);
            group.fingerprints.push(*fingerprint);
        }
        group.staged.extend(own);
        let accepted = to_u64(fresh.len());
        Ok(Receipt { accepted, duplicates: to_u64(batch.items.len()) - accepted })
    }

    fn admit(&mut self, bytes: u64) -> Result<(), CommitError> {
        // Asked anew for each batch: the worker makes room while a group is gathered.
        let refusal = match self.room() {
            Ok(room) if bytes <= room => return Ok(()),
            Ok(_) => Refusal::Bytes,
            Err(refusal) => refusal,
        };
        self.wanted_bytes = bytes;
        self.condition.refuse(refusal, self.clock.uptime_ms());
        Err(CommitError::Refused(refusal))
    }

    /// Makes a group durable, and only then known.
    fn write(&mut self, group: &Group) -> Result<(), Refusal> {
        let now_ms = self.clock.now_ms();
        match self.log.append(&group.lines, now_ms) {
            Ok(end) => {
                self.spool.lock().commit(end, now_ms);
                group.fingerprints.iter().for_each(|item| self.memory.remember(*item));
                if self.condition.refusal() == Some(Refusal::Disk) {
                    self.condition.has_room();
                }
                (self.wake)();
                Ok(())
            }
            Err(error) => {
                tracing::debug!(%error, "the spool could not be written");
                for _ in &group.waiting {
                    self.condition.refuse(Refusal::Disk, self.clock.uptime_ms());
                }
                Err(Refusal::Disk)
            }
        }
    }

    /// How many bytes there is room for.
    fn room(&self) -> Result<u64, Refusal> {
        let backlog = self.spool.lock();
        let config = &self.spool.0.config;
        if backlog.age_ms(self.clock.now_ms()) > config.age_max_ms() {
            return Err(Refusal::Age);
        }
        Ok(config.bytes_max.saturating_sub(backlog.bytes()))
    }

    /// Notices without being asked that the spool has become full or has room again.
    fn look(&mut self) {
        self.show();
        let refusal = match (self.room(), self.condition.refusal()) {
            (Err(refusal), _) => Some(refusal),
            (Ok(room), Some(Refusal::Bytes)) if room < self.wanted_bytes => Some(Refusal::Bytes),
            (Ok(0), _) => Some(Refusal::Bytes),
            (Ok(_), Some(Refusal::Disk)) if !self.log.probe() => Some(Refusal::Disk),
            (Ok(_), _) => None,
        };
        match refusal {
            Some(refusal) => self.condition.is_full(refusal, self.clock.uptime_ms()),
            None => self.condition.has_room(),
        }
    }

    fn show(&self) {
        let backlog = self.spool.lock();
        self.condition.show(backlog.bytes(), backlog.age_ms(self.clock.now_ms()));
    }
}

fn to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

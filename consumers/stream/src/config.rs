//! What an operator may tune in an engine, and what the application fixes.

use crate::client::Message;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The `[stream]` table: bounds of a transaction and of retries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamConfig {
    /// Threads that work, each with a session of its own. They are members of the group like other instances, so the
    /// group gives each its share of the partitions: their number divided by that of all workers of all instances.
    pub workers: usize,
    /// How the group shares out partitions.
    pub group_protocol: GroupProtocol,
    /// Most records of one transaction. A quiet service commits each record as it comes.
    pub batch_records_max: usize,
    /// Most input bytes of one transaction.
    pub batch_bytes_max: usize,
    /// The brokers abort a transaction that is open longer, in milliseconds. Bounds how long a killed
    /// instance can hold up readers.
    pub transaction_timeout_ms: u32,
    /// A member of the group that is silent longer loses its partitions, in milliseconds.
    pub session_timeout_ms: u32,
    /// First delay before something is tried again, in milliseconds.
    pub retry_min_ms: u64,
    /// Longest delay, in milliseconds.
    pub retry_max_ms: u64,
    /// The service stops when more than this share of recent records is poison. 1.0 never stops it.
    pub poison_share_max: f64,
    /// How many recent records the share is taken over; fewer never stop the service.
    pub poison_window_records: usize,
    /// Most records that are read ahead of a backlog for urgent ones, by the number of keys to be remembered, all workers
    /// together; 10 to 20 bytes of memory for each. 0 reads none ahead.
    pub lookahead_records_max: usize,
}

/// How members of the consumer group come to their partitions. All members of a group use the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupProtocol {
    /// All stop, the partitions are shared out anew, all go on. Members are static (KIP-345): one that is restarted
    /// within its session time-out gets its partitions back at once, and nobody else notices.
    Eager,
    /// Only partitions that move stop (KIP-429). Members are dynamic: after SIGKILL its partitions wait for the session
    /// time-out. (A static member that is killed between the two rounds of a rebalance would orphan partitions.)
    Cooperative,
    /// The broker shares out (KIP-848; Kafka 4.0 or newer), and decides the session time-out. Members are dynamic.
    Broker,
}

impl GroupProtocol {
    /// Whether members keep their identity across a restart.
    pub(crate) const fn is_static(self) -> bool {
        matches!(self, Self::Eager)
    }
}

/// Stands between the name of an instance and the number of its worker, so in no instance's name: two with one name would fence
/// each other for ever.
const WORKER_MARK: &str = ".worker-";

/// Whether an instance may be called so: no other instance's worker is.
#[must_use]
pub fn is_instance_name(name: &str) -> bool {
    !name.contains(WORKER_MARK)
}

/// Most workers of a process. More partitions than this are better read by more machines.
const WORKERS_MAX: usize = 64;
/// Shorter, and a commit has no time; longer, and brokers refuse it (`transaction.max.timeout.ms`).
const TRANSACTION_TIMEOUT_MS: RangeInclusive<u32> = 1_000..=900_000;
/// Shorter, and a member is lost at every pause; longer, and `max.poll.interval.ms` would have to be more than its default.
const SESSION_TIMEOUT_MS: RangeInclusive<u32> = 1_000..=300_000;
/// Most records to be read ahead: 2 GiB of memory.
const LOOKAHEAD_RECORDS_MAX: usize = 100_000_000;

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            workers: 1,
            group_protocol: GroupProtocol::Eager,
            batch_records_max: 4_000,
            batch_bytes_max: 8 << 20,
            transaction_timeout_ms: 10_000,
            session_timeout_ms: 6_000,
            retry_min_ms: 100,
            retry_max_ms: 5_000,
            poison_share_max: 0.5,
            poison_window_records: 1_000,
            lookahead_records_max: 1_000_000,
        }
    }
}

impl StreamConfig {
    /// Finds a value that cannot work.
    ///
    /// # Errors
    /// With the field and the remedy.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if !(1..=WORKERS_MAX).contains(&self.workers) {
            return Err((
                "workers",
                "must be from 1 to 64; more help only where there are cores and partitions for them",
            ));
        }
        if !TRANSACTION_TIMEOUT_MS.contains(&self.transaction_timeout_ms) {
            return Err((
                "transaction_timeout_ms",
                "must be from 1000 to 900000, which brokers allow by default",
            ));
        }
        if !SESSION_TIMEOUT_MS.contains(&self.session_timeout_ms) {
            return Err((
                "session_timeout_ms",
                "must be from 1000 to 300000; the brokers may ask for more than 6000",
            ));
        }
        if self.batch_records_max == 0 {
            return Err(("batch_records_max", "is 0, so nothing would ever be read: use 1 or more"));
        }
        if self.batch_bytes_max == 0 {
            return Err(("batch_bytes_max", "is 0, so nothing would ever be read: use 1 or more"));
        }
        if !(0.0..=1.0).contains(&self.poison_share_max) {
            return Err(("poison_share_max", "is a share: use a number from 0 to 1"));
        }
        if self.poison_window_records == 0 {
            return Err(("poison_window_records", "is 0, so no share can be taken: use 1 or more"));
        }
        if self.lookahead_records_max > LOOKAHEAD_RECORDS_MAX {
            return Err((
                "lookahead_records_max",
                "must be from 0 to 100000000; 1000000 take up to 20 MiB of memory",
            ));
        }
        Ok(())
    }

    /// Whether anything is read ahead.
    pub(crate) const fn looks_ahead(&self) -> bool {
        self.lookahead_records_max > 0
    }
}

/// What an application fixes: topics and identity.
#[derive(Debug, Clone)]
pub struct Job {
    /// Topics to read.
    pub input_topics: Vec<String>,
    /// Topics that the application may write to.
    pub output_topics: Vec<String>,
    /// Compacted topic of one partition that backs the application's memory.
    pub changelog_topic: String,
    /// Where poison goes.
    pub dlq_topic: String,
    /// Largest record that the output topics take: key, value and headers before compression, in bytes.
    pub output_bytes_max: usize,
    /// Largest record that is put aside whole: key, value and headers before compression, in bytes.
    pub letter_bytes_max: usize,
    /// Consumer group.
    pub group_id: String,
    /// Name of this instance, unique in the group and kept across restarts.
    pub instance_id: String,
    /// Number of this worker in its instance.
    pub worker: usize,
    /// Version of the program, for dead letters.
    pub version: &'static str,
    /// Whether a record may overtake those of other keys, where the order of its own key allows. Asked for every record that
    /// is read ahead, so it looks at no more than a header.
    pub is_urgent: fn(&dyn Message) -> bool,
}

impl Job {
    /// The same job for another worker of this instance.
    #[must_use]
    pub fn for_worker(&self, worker: usize) -> Self {
        Self { worker, ..self.clone() }
    }

    /// Name of this worker within the process.
    pub(crate) fn worker_name(&self) -> String {
        if self.worker == 0 { "engine".to_owned() } else { format!("engine-{}", self.worker + 1) }
    }

    /// Name of this worker within the group. That of the first is the instance's.
    pub(crate) fn member_id(&self) -> String {
        let Self { instance_id, worker, .. } = self;
        if *worker == 0 { instance_id.clone() } else { format!("{instance_id}{WORKER_MARK}{}", worker + 1) }
    }

    /// Transactional ids: the same after a restart, so that the new process fences the old one.
    #[must_use]
    pub fn transactional_ids(&self) -> [String; 2] {
        ["a", "b"].map(|turn| format!("{}-{}-{turn}", self.group_id, self.member_id()))
    }
}

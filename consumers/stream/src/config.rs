//! What an operator may tune in an engine, and what the application fixes.

use serde::{Deserialize, Serialize};

/// The `[stream]` table: bounds of a transaction and of retries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamConfig {
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
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            batch_records_max: 5_000,
            batch_bytes_max: 8 << 20,
            transaction_timeout_ms: 10_000,
            session_timeout_ms: 6_000,
            retry_min_ms: 100,
            retry_max_ms: 5_000,
            poison_share_max: 0.5,
            poison_window_records: 1_000,
        }
    }
}

impl StreamConfig {
    /// Finds a value that cannot work.
    ///
    /// # Errors
    /// With the field and the remedy.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
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
        Ok(())
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
    /// Largest record that the output topics take, key and value before compression, in bytes. Dead letters
    /// have no limit of ours: what was read must fit.
    pub output_bytes_max: usize,
    /// Consumer group.
    pub group_id: String,
    /// Name of this instance, unique in the group and kept across restarts (static membership, KIP-345).
    pub instance_id: String,
    /// Version of the program, for dead letters.
    pub version: &'static str,
}

impl Job {
    /// Transactional ids: the same after a restart, so that the new process fences the old one.
    #[must_use]
    pub fn transactional_ids(&self) -> [String; 2] {
        ["a", "b"].map(|turn| format!("{}-{}-{turn}", self.group_id, self.instance_id))
    }
}

//! The `[spool]` table: how much may wait for the broker, and for how long.

use sanchar_runtime::config::ConfigError;
use serde::{Deserialize, Serialize};

/// Bounds of the spool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpoolConfig {
    /// The most bytes that wait for the broker; beyond them new batches are refused. Default 10737418240. The files may
    /// hold two segments more.
    pub bytes_max: u64,
    /// How long the oldest item may wait before new batches are refused, in hours. Nothing is ever dropped. Default 168.
    pub age_max_hours: u64,
    /// Bytes after which a new file is begun. Default 67108864.
    pub segment_bytes: u64,
}

impl Default for SpoolConfig {
    fn default() -> Self {
        Self { bytes_max: 10 << 30, age_max_hours: 168, segment_bytes: 64 << 20 }
    }
}

/// The most hours that can be asked for: a hundred years.
const HOURS_MAX: u64 = 876_600;

impl SpoolConfig {
    /// Whether these bounds make sense for batches of at most `batch_bytes_max` bytes.
    ///
    /// # Errors
    /// [`ConfigError`] naming the field and the remedy.
    pub fn check(&self, batch_bytes_max: u64) -> Result<(), ConfigError> {
        let refuse = |field: &str, problem: &str| Err(ConfigError::field(format!("spool.{field}"), problem));
        if self.bytes_max < batch_bytes_max {
            return refuse("bytes_max", "is less than push.max_body_bytes: the largest batch has to fit");
        }
        if !(1..=HOURS_MAX).contains(&self.age_max_hours) {
            return refuse("age_max_hours", "has to lie between 1 and 876600");
        }
        if !(1024..=1 << 30).contains(&self.segment_bytes) {
            return refuse("segment_bytes", "has to lie between 1024 and 1073741824");
        }
        Ok(())
    }

    /// [`SpoolConfig::age_max_hours`] in milliseconds.
    pub(crate) fn age_max_ms(&self) -> u64 {
        self.age_max_hours.saturating_mul(3_600_000)
    }
}

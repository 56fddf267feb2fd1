//! The `[publish]` table.

use sanchar_runtime::config::ConfigError;
use serde::{Deserialize, Serialize};

/// How events are handed to the broker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PublishConfig {
    /// No more rows than this are read in a second. Default: as many as there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_per_second: Option<f64>,
    /// The most rows that are read and not yet acknowledged. Default 10000.
    pub in_flight_rows: usize,
    /// The most bytes that are sent and not yet acknowledged. Default 33554432.
    pub in_flight_bytes: usize,
    /// How many records are remembered at least, those seen last, so that an unchanged row is not sent again and two
    /// contents under one identity are noticed; about 130 bytes each. 0 remembers nothing. Default 65536.
    pub memory_records: usize,
    /// How often checkpoints are written, in milliseconds. Default 500.
    pub checkpoint_interval_ms: u64,
}

impl Default for PublishConfig {
    fn default() -> Self {
        Self {
            rate_per_second: None,
            in_flight_rows: 10_000,
            in_flight_bytes: 32 << 20,
            memory_records: 65_536,
            checkpoint_interval_ms: 500,
        }
    }
}

impl PublishConfig {
    /// Whether these settings can be used.
    ///
    /// # Errors
    /// [`ConfigError`] naming the field and the remedy.
    pub fn check(&self) -> Result<(), ConfigError> {
        let refuse =
            |field: &str, problem: &str| Err(ConfigError::field(format!("publish.{field}"), problem));
        if self.rate_per_second.is_some_and(|rate| !rate.is_finite() || rate <= 0.0) {
            return refuse("rate_per_second", "has to be more than 0: remove it to read without a limit");
        }
        if !(1..=1_000_000).contains(&self.in_flight_rows) {
            return refuse("in_flight_rows", "has to lie between 1 and 1000000");
        }
        if !(1 << 20..=1 << 30).contains(&self.in_flight_bytes) {
            return refuse("in_flight_bytes", "has to lie between 1048576 and 1073741824");
        }
        if self.memory_records > 10_000_000 {
            return refuse("memory_records", "has to be at most 10000000");
        }
        Ok(())
    }
}

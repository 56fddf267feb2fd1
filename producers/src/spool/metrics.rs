//! The numbers of the spool.

use prometheus::{Gauge, IntCounterVec};
use sanchar_runtime::lifecycle::Failure;
use sanchar_runtime::metrics::Metrics;
use sanchar_schemas::StateCode;

use super::Refusal;

/// What is shown of the spool.
#[derive(Debug, Clone)]
pub(crate) struct SpoolMetrics {
    state: &'static str,
    bytes: Gauge,
    age_seconds: Gauge,
    refused: IntCounterVec,
}

impl SpoolMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub(crate) fn register(metrics: &Metrics, state: StateCode) -> Result<Self, Failure> {
        let state = state.as_str();
        let gauge = |name: &str, help: &str| {
            metrics.gauge_vec(name, help, &["state"]).map(|gauge| gauge.with_label_values(&[state]))
        };
        let refused = metrics.counter_vec(
            "sanchar_spool_refused_total",
            "Batches that the spool had no place for, by reason.",
            &["state", "reason"],
        )?;
        for refusal in Refusal::ALL {
            refused.with_label_values(&[state, refusal.as_str()]);
        }
        Ok(Self {
            state,
            bytes: gauge("sanchar_spool_bytes", "Bytes that wait in the spool for the broker.")?,
            age_seconds: gauge("sanchar_spool_age_seconds", "How long the oldest item in the spool waits.")?,
            refused,
        })
    }

    /// Counts a batch that was refused.
    pub(super) fn refuse(&self, refusal: Refusal) {
        self.refused.with_label_values(&[self.state, refusal.as_str()]).inc();
    }

    /// Shows how much waits, and how long.
    #[expect(clippy::cast_precision_loss, reason = "bytes and milliseconds stay far below 2^53")]
    pub(super) fn show(&self, bytes: u64, age_ms: u64) {
        self.bytes.set(bytes as f64);
        self.age_seconds.set(age_ms as f64 / 1_000.0);
    }
}

//! How the spool is, for people: its metrics, its part in readiness, and the lines about refusals, of which a flood of
//! refused batches makes one a minute.

use prometheus::{Gauge, IntCounterVec};
use sanchar_runtime::health::{Component, Health};
use sanchar_runtime::lifecycle::Failure;
use sanchar_runtime::metrics::Metrics;
use sanchar_schemas::StateCode;

use super::Refusal;

/// How often a continuing refusal is logged, in milliseconds.
const REPEAT_MS: u64 = 60_000;

/// What is shown of the spool.
#[derive(Debug)]
pub(super) struct Condition {
    state: &'static str,
    component: Component,
    bytes: Gauge,
    age_seconds: Gauge,
    refused: IntCounterVec,
    refusing: Option<Refusing>,
}

/// A time of refusals.
#[derive(Debug)]
struct Refusing {
    refusal: Refusal,
    logged_ms: u64,
}

impl Condition {
    /// Registers its metrics and its component `spool`.
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub(super) fn register(metrics: &Metrics, health: &Health, state: StateCode) -> Result<Self, Failure> {
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
            component: health.component("spool", None),
            bytes: gauge("sanchar_spool_bytes", "Bytes that wait in the spool for the broker.")?,
            age_seconds: gauge("sanchar_spool_age_seconds", "How long the oldest item in the spool waits.")?,
            refused,
            refusing: None,
        })
    }

    /// A batch was refused.
    pub(super) fn refuse(&mut self, refusal: Refusal, uptime_ms: u64) {
        self.refused.with_label_values(&[self.state, refusal.as_str()]).inc();
        self.is_full(refusal, uptime_ms);
    }

    /// Batches are being refused, or would be.
    pub(super) fn is_full(&mut self, refusal: Refusal, uptime_ms: u64) {
        let logged = self.refusing.as_ref().filter(|refusing| refusing.refusal == refusal);
        if logged.is_some_and(|refusing| uptime_ms.saturating_sub(refusing.logged_ms) < REPEAT_MS) {
            return;
        }
        let why = match refusal {
            Refusal::Bytes => "spool.bytes_max is reached: see why the broker takes nothing, or raise it",
            Refusal::Age => {
                "the oldest item waits longer than spool.age_max_hours: see why the broker takes nothing"
            }
            Refusal::Disk => "the disk of store.folder refuses: make room on it",
        };
        self.component.not_ready(why);
        self.refusing = Some(Refusing { refusal, logged_ms: uptime_ms });
        tracing::error!(reason = refusal.as_str(), why, "the spool refuses new batches");
    }

    /// There is room.
    pub(super) fn has_room(&mut self) {
        self.component.ready();
        if self.refusing.take().is_some() {
            tracing::info!("the spool takes batches again");
        }
    }

    /// Why batches are being refused, if they are.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        self.refusing.as_ref().map(|refusing| refusing.refusal)
    }

    /// Shows how much waits, and how long.
    #[expect(clippy::cast_precision_loss, reason = "bytes and milliseconds stay far below 2^53")]
    pub(super) fn show(&self, bytes: u64, age_ms: u64) {
        self.bytes.set(bytes as f64);
        self.age_seconds.set(age_ms as f64 / 1_000.0);
    }
}

//! How the spool is, for people: its metrics, its part in readiness, and the lines about refusals, of which a flood of
//! refused batches makes one a minute.

use sanchar_runtime::health::{Component, Health};
use sanchar_runtime::lifecycle::Failure;
use sanchar_runtime::metrics::Metrics;
use sanchar_schemas::StateCode;

use super::Refusal;
use super::metrics::SpoolMetrics;

/// How often a continuing refusal is logged, in milliseconds.
const REPEAT_MS: u64 = 60_000;

/// What is shown of the spool.
#[derive(Debug)]
pub(super) struct Condition {
    component: Component,
    metrics: SpoolMetrics,
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
        Ok(Self {
            component: health.component("spool", None),
            metrics: SpoolMetrics::register(metrics, state)?,
            refusing: None,
        })
    }

    /// A batch was refused.
    pub(super) fn refuse(&mut self, refusal: Refusal, uptime_ms: u64) {
        self.metrics.refuse(refusal);
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
    pub(super) fn show(&self, bytes: u64, age_ms: u64) {
        self.metrics.show(bytes, age_ms);
    }
}

//! What the pipeline counts. Collected while a transaction is open and published when it commits, so that
//! the books balance with the engine's: in = forwarded + dropped + dead-lettered.
//!
//! How long the stages take is measured apart ([`stages`]): attempts count there, committed or not.

mod deliveries;
mod stages;

pub(crate) use deliveries::Delivered;
pub use deliveries::PRIORITIES;
pub(crate) use stages::Stages;

use crate::reasons::DropReason;
use crate::rules::RulesMetrics;
use deliveries::Deliveries;
use prometheus::{Gauge, GaugeVec, IntCounter, IntCounterVec};
use sanchar_runtime::certificates;
use sanchar_runtime::lifecycle::{self, Failure};
use sanchar_runtime::metrics::Metrics;
use sanchar_runtime::telemetry;
use sanchar_schemas::StateCode;
use std::collections::BTreeMap;

/// Everything that the service shows beside its engine.
#[derive(Clone)]
pub(crate) struct FanoutMetrics {
    pub(crate) rules: RulesMetrics,
    pub(crate) register: RegisterMetrics,
    pub(crate) pipeline: PipelineMetrics,
    pub(crate) stages: Stages,
    pub(crate) registry_errors: IntCounter,
}

impl FanoutMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Result<Self, Failure> {
        Ok(Self {
            rules: RulesMetrics::new(metrics)?,
            register: RegisterMetrics::new(metrics)?,
            pipeline: PipelineMetrics::new(metrics)?,
            stages: Stages::new(metrics)?,
            registry_errors: metrics.counter(
                "sanchar_registry_errors_total",
                "Times that the schema registry did not answer when a record needed it; the record waits.",
            )?,
        })
    }
}

/// Registers everything that the service shows: what the catalogue of metrics is made from.
///
/// # Errors
/// When a name is taken: a mistake in the program.
pub fn register_all(metrics: &Metrics) -> Result<(), Failure> {
    FanoutMetrics::new(metrics)?;
    certificates::register_all(metrics)?;
    lifecycle::register_stops(metrics)?;
    telemetry::register_all(metrics)?;
    sanchar_stream::metrics::register_all(metrics)
}

/// What one worker's pipeline counts. Workers that are cloned from one count together.
#[derive(Clone)]
pub(crate) struct PipelineMetrics {
    forwarded: IntCounter,
    dropped: IntCounterVec,
    withdrawals: IntCounter,
    re_encoded: IntCounter,
    deliveries: Deliveries,
    last_heard: GaugeVec,
    pending: Pending,
}

/// Counts of the open transaction. Bounded as its records are.
#[derive(Clone, Default)]
pub(crate) struct Pending {
    pub(crate) dropped: BTreeMap<&'static str, u64>,
    /// One for each record that was delivered to at least one state.
    pub(crate) delivered: Vec<Delivered>,
    pub(crate) withdrawals: u64,
    pub(crate) re_encoded: u64,
    /// When the last record of each state was published, in milliseconds since 1970.
    heard: BTreeMap<StateCode, i64>,
}

impl PipelineMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Result<Self, Failure> {
        let dropped = metrics.counter_vec(
            "sanchar_records_dropped_total",
            "Records that were not delivered although nothing is wrong with them, by reason.",
            &["reason"],
        )?;
        for reason in DropReason::ALL {
            dropped.with_label_values(&[reason.as_str()]).inc_by(0);
        }
        Ok(Self {
            forwarded: metrics
                .counter("sanchar_records_forwarded_total", "Records delivered to at least one state.")?,
            dropped,
            withdrawals: metrics.counter("sanchar_withdrawals_total", "Withdrawals written to inboxes.")?,
            re_encoded: metrics.counter(
                "sanchar_records_reencoded_total",
                "Records written with an older schema, which had to be resolved and encoded again.",
            )?,
            deliveries: Deliveries::new(metrics)?,
            last_heard: metrics.gauge_vec(
                "sanchar_last_heard_timestamp_seconds",
                "When the last record processed of each state was published, in seconds since 1970, by the clock that \
                 gave the record its time.",
                &["state"],
            )?,
            pending: Pending::default(),
        })
    }

    pub(crate) fn pending(&mut self) -> &mut Pending {
        &mut self.pending
    }

    pub(crate) fn dropped(&mut self, reason: DropReason) {
        *self.pending.dropped.entry(reason.as_str()).or_default() += 1;
    }

    /// A record of `state` was published at `timestamp_ms`.
    pub(crate) fn heard(&mut self, state: StateCode, timestamp_ms: i64) {
        self.pending.heard.insert(state, timestamp_ms);
    }

    /// What was counted is committed, at `now_ms`.
    pub(crate) fn committed(&mut self, now_ms: i64) {
        for (reason, records) in std::mem::take(&mut self.pending.dropped) {
            self.dropped.with_label_values(&[reason]).inc_by(records);
        }
        self.forwarded.inc_by(self.pending.delivered.len() as u64);
        self.withdrawals.inc_by(std::mem::take(&mut self.pending.withdrawals));
        self.re_encoded.inc_by(std::mem::take(&mut self.pending.re_encoded));
        self.deliveries.count(&self.pending.delivered, now_ms);
        self.pending.delivered.clear();
        for (state, timestamp_ms) in std::mem::take(&mut self.pending.heard) {
            #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double exactly")]
            let seconds = timestamp_ms as f64 / 1_000.0;
            self.last_heard.with_label_values(&[state.as_str()]).set(seconds);
        }
    }

    pub(crate) fn aborted(&mut self) {
        self.pending = Pending::default();
    }
}

/// What is shown of the register.
#[derive(Debug, Clone)]
pub struct RegisterMetrics {
    records: Gauge,
    rebuilt: IntCounter,
}

impl RegisterMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// When a name is taken: a mistake in the program.
    pub fn new(metrics: &Metrics) -> Result<Self, Failure> {
        Ok(Self {
            records: metrics.gauge(
                "sanchar_register_records",
                "Records in the deduplication register; those that changed lately may count twice.",
            )?,
            rebuilt: metrics.counter(
                "sanchar_register_rebuilt_total",
                "Times that the register on disk was of no use and was built anew from its changelog.",
            )?,
        })
    }

    pub(crate) fn rebuilt(&self) {
        self.rebuilt.inc();
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge; exact below 2^53")]
    pub(crate) fn records(&self, records: usize) {
        self.records.set(records as f64);
    }
}

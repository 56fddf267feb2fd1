//! What the pipeline counts. Collected while a transaction is open and published when it commits, so that
//! the books balance with the engine's: in = forwarded + dropped + dead-lettered.

use crate::reasons::DropReason;
use prometheus::{Gauge, IntCounter, IntCounterVec};
use sanchar_runtime::lifecycle::Failure;
use sanchar_runtime::metrics::Metrics;
use std::collections::BTreeMap;

/// What one worker's pipeline counts. Workers that are cloned from one count together.
#[derive(Clone)]
pub(crate) struct PipelineMetrics {
    forwarded: IntCounter,
    dropped: IntCounterVec,
    deliveries: IntCounter,
    withdrawals: IntCounter,
    re_encoded: IntCounter,
    pending: Pending,
}

/// Counts of the open transaction.
#[derive(Clone, Default)]
pub(crate) struct Pending {
    pub(crate) forwarded: u64,
    pub(crate) dropped: BTreeMap<&'static str, u64>,
    pub(crate) deliveries: u64,
    pub(crate) withdrawals: u64,
    pub(crate) re_encoded: u64,
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
            deliveries: metrics.counter("sanchar_deliveries_total", "Copies written to inboxes.")?,
            withdrawals: metrics.counter("sanchar_withdrawals_total", "Withdrawals written to inboxes.")?,
            re_encoded: metrics.counter(
                "sanchar_records_reencoded_total",
                "Records written with an older schema, which had to be resolved and encoded again.",
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

    pub(crate) fn committed(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        self.forwarded.inc_by(pending.forwarded);
        for (reason, records) in pending.dropped {
            self.dropped.with_label_values(&[reason]).inc_by(records);
        }
        self.deliveries.inc_by(pending.deliveries);
        self.withdrawals.inc_by(pending.withdrawals);
        self.re_encoded.inc_by(pending.re_encoded);
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

//! What the engine counts. Everything is counted after its transaction committed, so that the books balance:
//! records in = forwarded + dropped + dead-lettered (the application counts the first two).

mod lag;

pub(crate) use lag::{Lag, Waiting};

use prometheus::{Histogram, IntCounter, IntCounterVec};
use sanchar_runtime::lifecycle::Failure;
use sanchar_runtime::metrics::Metrics;

#[derive(Clone)]
pub(crate) struct EngineMetrics {
    pub(crate) records_in: IntCounterVec,
    pub(crate) overtaken: IntCounter,
    pub(crate) dead_lettered: IntCounterVec,
    pub(crate) removed_unread: IntCounterVec,
    pub(crate) transactions: IntCounterVec,
    pub(crate) transaction_seconds: Histogram,
    pub(crate) commit_seconds: Histogram,
    pub(crate) sessions_lost: IntCounter,
    pub(crate) retries: IntCounter,
    pub(crate) rebalances: IntCounterVec,
    pub(crate) lag: Lag,
}

/// Bounds of how long transactions and commits take, in seconds.
const BUCKETS: [f64; 13] = [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];

/// What becomes of a transaction, unless its session is lost.
pub const TRANSACTION_OUTCOMES: [&str; 2] = [COMMITTED, ABORTED];
pub(crate) const COMMITTED: &str = "committed";
pub(crate) const ABORTED: &str = "aborted";

/// How partitions come and go.
pub const PARTITION_CHANGES: [&str; 2] = [ASSIGNED, REVOKED];
pub(crate) const ASSIGNED: &str = "assigned";
pub(crate) const REVOKED: &str = "revoked";

/// Registers everything that an engine and its follower show: what the catalogue of metrics is made from.
///
/// # Errors
/// When a name is taken: a mistake in the program.
pub fn register_all(metrics: &Metrics) -> Result<(), Failure> {
    EngineMetrics::new(metrics)?;
    FollowerMetrics::new(metrics)?;
    Ok(())
}

impl EngineMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Result<Self, Failure> {
        let transactions = metrics.counter_vec(
            "sanchar_transactions_total",
            "Kafka transactions, by outcome.",
            &["outcome"],
        )?;
        let rebalances = metrics.counter_vec(
            "sanchar_rebalanced_partitions_total",
            "Partitions that came to and went from this instance.",
            &["change"],
        )?;
        // A rate needs a zero to begin at.
        TRANSACTION_OUTCOMES.iter().for_each(|outcome| transactions.with_label_values(&[outcome]).inc_by(0));
        PARTITION_CHANGES.iter().for_each(|change| rebalances.with_label_values(&[change]).inc_by(0));
        Ok(Self {
            records_in: metrics.counter_vec(
                "sanchar_records_in_total",
                "Records read and committed, by input topic.",
                &["topic"],
            )?,
            overtaken: metrics.counter(
                "sanchar_records_overtaken_total",
                "Urgent records that were delivered before older records of their partition.",
            )?,
            dead_lettered: metrics.counter_vec(
                "sanchar_records_dead_lettered_total",
                "Records sent to the dead-letter queue, by stage and reason.",
                &["stage", "reason"],
            )?,
            removed_unread: metrics.counter_vec(
                "sanchar_records_removed_unread_total",
                "Records that retention removed before they were read, found when partitions came, by input topic.",
                &["topic"],
            )?,
            transactions,
            transaction_seconds: metrics.histogram(
                "sanchar_transaction_duration_seconds",
                "Time from the begin of a transaction to its commit.",
                &BUCKETS,
            )?,
            commit_seconds: metrics.histogram(
                "sanchar_commit_duration_seconds",
                "Time that the brokers take to commit a transaction, of that duration.",
                &BUCKETS,
            )?,
            sessions_lost: metrics.counter(
                "sanchar_sessions_lost_total",
                "Sessions with Kafka that were thrown away after a failure.",
            )?,
            retries: metrics.counter(
                "sanchar_retries_total",
                "Times that a record had to wait because something it needs was not there.",
            )?,
            rebalances,
            lag: Lag::new(metrics)?,
        })
    }
}

pub(crate) struct FollowerMetrics {
    pub(crate) entries: IntCounter,
}

impl FollowerMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Result<Self, Failure> {
        Ok(Self {
            entries: metrics.counter(
                "sanchar_changelog_entries_total",
                "Entries of the changelog read, whichever instance wrote them.",
            )?,
        })
    }
}

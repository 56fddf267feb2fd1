//! The producer's numbers for Prometheus, all labelled with the state whose events it publishes.

use prometheus::{Gauge, IntCounter, IntCounterVec};
use sanchar_runtime::certificates;
use sanchar_runtime::lifecycle::{self, Failure};
use sanchar_runtime::metrics::Metrics;
use sanchar_runtime::telemetry;
use sanchar_schemas::StateCode;

use crate::database::DatabaseMetrics;
use crate::push::PushMetrics;
use crate::reason::Reason;
use crate::spool::SpoolMetrics;

/// Registers everything that the producer of a state shows: what the catalogue of metrics is made from.
///
/// # Errors
/// As [`Metrics::counter`].
pub fn register_all(metrics: &Metrics, state: StateCode) -> Result<(), Failure> {
    ProducerMetrics::register(metrics, state)?;
    DatabaseMetrics::register(metrics, state)?;
    PushMetrics::register(metrics, state)?;
    SpoolMetrics::register(metrics, state)?;
    certificates::register_all(metrics)?;
    lifecycle::register_stops(metrics)?;
    telemetry::register_all(metrics)?;
    Ok(())
}

/// Counters and gauges of one producer.
#[derive(Debug, Clone)]
pub(crate) struct ProducerMetrics {
    state: &'static str,
    /// Rows and empty lines read.
    pub(crate) read: IntCounter,
    /// Events handed to the client.
    pub(crate) sent: IntCounter,
    /// Events that the broker has acknowledged.
    pub(crate) published: IntCounter,
    quarantined: IntCounterVec,
    filtered: IntCounterVec,
    /// Rows that are with the broker.
    pub(crate) in_flight: Gauge,
    /// Bytes of source files not yet read.
    pub(crate) lag_bytes: Gauge,
    /// When the broker last acknowledged an event, in seconds since 1970.
    pub(crate) last_published: Gauge,
    /// Files that cannot be read by this configuration.
    pub(crate) files_refused: Gauge,
    /// Entries of drop folders that are never taken.
    pub(crate) files_passed_over: Gauge,
    moved: IntCounterVec,
}

impl ProducerMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub(crate) fn register(metrics: &Metrics, state: StateCode) -> Result<Self, Failure> {
        let state = state.as_str();
        let counter = |name: &str, help: &str| {
            metrics.counter_vec(name, help, &["state"]).map(|counter| counter.with_label_values(&[state]))
        };
        let gauge = |name: &str, help: &str| {
            metrics.gauge_vec(name, help, &["state"]).map(|gauge| gauge.with_label_values(&[state]))
        };
        let quarantined = metrics.counter_vec(
            "sanchar_rows_quarantined_total",
            "Rows that were put into quarantine, by reason code.",
            &["state", "reason"],
        )?;
        for reason in Reason::ALL {
            quarantined.with_label_values(&[state, reason.as_str()]);
        }
        let moved = metrics.counter_vec(
            "sanchar_source_files_moved_total",
            "Files that left a drop folder, by where they went: done or failed.",
            &["state", "folder"],
        )?;
        for folder in ["done", "failed"] {
            moved.with_label_values(&[state, folder]);
        }
        Ok(Self {
            state,
            moved,
            read: counter("sanchar_rows_read_total", "Rows and empty lines read from source files.")?,
            sent: counter("sanchar_rows_sent_total", "Events handed to the Kafka client.")?,
            published: counter("sanchar_rows_published_total", "Events that the broker has acknowledged.")?,
            quarantined,
            filtered: metrics.counter_vec(
                "sanchar_rows_filtered_total",
                "Rows that the mapping leaves out, by the name that it gives them.",
                &["state", "reason"],
            )?,
            in_flight: gauge("sanchar_rows_in_flight", "Rows sent and not yet acknowledged.")?,
            lag_bytes: gauge("sanchar_source_lag_bytes", "Bytes of source files not yet read.")?,
            last_published: gauge(
                "sanchar_last_published_timestamp_seconds",
                "When the broker last acknowledged an event, in seconds since 1970.",
            )?,
            files_passed_over: gauge(
                "sanchar_source_files_passed_over",
                "Entries of drop folders that fit no pattern or are no files, and so are never taken.",
            )?,
            files_refused: gauge(
                "sanchar_source_files_refused",
                "Source files that cannot be read by this configuration.",
            )?,
        })
    }

    /// Counts a row in quarantine.
    pub(crate) fn quarantine(&self, reason: Reason) {
        self.quarantined.with_label_values(&[self.state, reason.as_str()]).inc();
    }

    /// Counts a file that left a drop folder.
    pub(crate) fn moved(&self, is_whole: bool) {
        let folder = if is_whole { "done" } else { "failed" };
        self.moved.with_label_values(&[self.state, folder]).inc();
    }

    /// Counts a row that is left out. Names come from the configuration, which bounds their number.
    pub(crate) fn filter(&self, name: &str) {
        self.filtered.with_label_values(&[self.state, name]).inc();
    }
}

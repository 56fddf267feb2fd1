//! The numbers of a database as a source.

use prometheus::{Gauge, IntCounter};
use sanchar_runtime::lifecycle::Failure;
use sanchar_runtime::metrics::Metrics;
use sanchar_schemas::StateCode;

/// What is shown of the database.
#[derive(Debug, Clone)]
pub(crate) struct DatabaseMetrics {
    pub(crate) connected: Gauge,
    pub(crate) lag: Gauge,
    pub(crate) failures: IntCounter,
}

impl DatabaseMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// As [`Metrics::gauge_vec`].
    pub(crate) fn register(metrics: &Metrics, state: StateCode) -> Result<Self, Failure> {
        let (labels, state) = (["state"], [state.as_str()]);
        let gauge = |name: &str, help: &str| {
            metrics.gauge_vec(name, help, &labels).map(|gauge| gauge.with_label_values(&state))
        };
        let failures = metrics.counter_vec(
            "sanchar_source_failures_total",
            "How often the database did not answer, or refused.",
            &labels,
        )?;
        Ok(Self {
            connected: gauge("sanchar_source_connected", "1 while the database answers, else 0.")?,
            lag: gauge(
                "sanchar_source_lag_seconds",
                "Seconds since all rows that the database had were read, or since the start.",
            )?,
            failures: failures.with_label_values(&state),
        })
    }
}

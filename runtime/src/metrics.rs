//! The numbers that a daemon shows to Prometheus, all in one registry.
//!
//! Constructors take the full name, so that a search for a metric finds where it is made. It decides nothing about
//! what is counted; label values must come from closed sets, never from a record.

use std::sync::Arc;

use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry,
    TextEncoder,
};

use crate::VERSION;
use crate::clock;
use crate::lifecycle::Failure;

/// Bucket bounds for durations from a fast step to a missed deadline, in seconds.
pub const DURATION_SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// A daemon's metrics. Clones share one registry.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
}

impl Metrics {
    /// A registry that already holds `sanchar_build_info{daemon,version}` and the conventional
    /// `process_start_time_seconds`.
    ///
    /// # Errors
    /// [`Failure`] with exit code 70, as every constructor below: a metric that cannot be made is a mistake in the
    /// program.
    pub fn new(daemon: &'static str) -> Result<Self, Failure> {
        let metrics = Self { registry: Arc::new(Registry::new()) };
        let help = "Always 1; the labels tell which daemon this is and its release.";
        let build = metrics.gauge_vec("sanchar_build_info", help, &["daemon", "version"])?;
        build.with_label_values(&[daemon, VERSION]).set(1.0);
        let help = "When this process started, in seconds since 1970.";
        let start =
            metrics.add("process_start_time_seconds", Gauge::new("process_start_time_seconds", help))?;
        #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double exactly")]
        start.set(clock::now_ms() as f64 / 1_000.0);
        Ok(metrics)
    }

    /// A count that only grows; its name ends in `_total`.
    ///
    /// # Errors
    /// As [`Metrics::new`]: a name outside the convention, or one already taken.
    pub fn counter(&self, name: &str, help: &str) -> Result<IntCounter, Failure> {
        check_counter(name)?;
        self.add(name, IntCounter::new(name, help))
    }

    /// As [`Metrics::counter`], one count per set of label values.
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub fn counter_vec(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, Failure> {
        check_counter(name)?;
        self.add(name, IntCounterVec::new(Opts::new(name, help), labels))
    }

    /// A value that goes up and down.
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub fn gauge(&self, name: &str, help: &str) -> Result<Gauge, Failure> {
        check_prefix(name)?;
        self.add(name, Gauge::new(name, help))
    }

    /// As [`Metrics::gauge`], one value per set of label values.
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub fn gauge_vec(&self, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec, Failure> {
        check_prefix(name)?;
        self.add(name, GaugeVec::new(Opts::new(name, help), labels))
    }

    /// A distribution over `buckets` (upper bounds, ascending, in the unit that the name ends with).
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Result<Histogram, Failure> {
        check_prefix(name)?;
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.add(name, Histogram::with_opts(options))
    }

    /// As [`Metrics::histogram`], one distribution per set of label values.
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub fn histogram_vec(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> Result<HistogramVec, Failure> {
        check_prefix(name)?;
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.add(name, HistogramVec::new(options, labels))
    }

    /// Everything in Prometheus's text exposition format 0.0.4.
    pub fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_else(|error| {
            tracing::error!(%error, "metrics cannot be rendered");
            String::new()
        })
    }

    fn add<M: Collector + Clone + 'static>(
        &self,
        name: &str,
        made: prometheus::Result<M>,
    ) -> Result<M, Failure> {
        let refused = |error| Failure::internal(format!("metric {name} cannot be made: {error}"));
        let metric = made.map_err(refused)?;
        self.registry.register(Box::new(metric.clone())).map_err(refused)?;
        Ok(metric)
    }
}

fn check_prefix(name: &str) -> Result<(), Failure> {
    if name.starts_with("sanchar_") {
        return Ok(());
    }
    Err(Failure::internal(format!("metric {name} cannot be made: begin its name with sanchar_")))
}

fn check_counter(name: &str) -> Result<(), Failure> {
    if name.ends_with("_total") {
        return check_prefix(name);
    }
    Err(Failure::internal(format!("counter {name} cannot be made: end its name with _total")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::ExitCode;

    #[test]
    fn the_text_shows_the_build_the_start_and_what_was_counted() {
        let metrics = Metrics::new("sanchar-test").unwrap();
        metrics.counter("sanchar_read_total", "Records read.").unwrap().inc_by(3);
        let dropped = metrics.counter_vec("sanchar_dropped_total", "Records dropped.", &["reason"]).unwrap();
        dropped.with_label_values(&["duplicate"]).inc();
        metrics.gauge("sanchar_lag_seconds", "Age of the last record.").unwrap().set(1.5);
        let took = metrics.histogram("sanchar_step_seconds", "Time taken.", &DURATION_SECONDS).unwrap();
        took.observe(0.02);

        let text = metrics.clone().render();
        let build = format!(r#"sanchar_build_info{{daemon="sanchar-test",version="{VERSION}"}} 1"#);
        for line in [
            build.as_str(),
            "process_start_time_seconds 1",
            "sanchar_read_total 3",
            r#"sanchar_dropped_total{reason="duplicate"} 1"#,
            "sanchar_lag_seconds 1.5",
            r#"sanchar_step_seconds_bucket{le="0.025"} 1"#,
        ] {
            assert!(text.contains(line), "{line} is missing from\n{text}");
        }
    }

    #[test]
    fn names_outside_the_convention_are_refused() {
        let metrics = Metrics::new("sanchar-test").unwrap();
        let error = metrics.gauge("lag_seconds", "help").unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::Internal);
        assert!(error.to_string().contains("begin its name with sanchar_"));
        assert!(metrics.counter("sanchar_read", "help").unwrap_err().to_string().contains("_total"));
        assert!(metrics.histogram_vec("x_seconds", "help", &["stage"], &[1.0]).is_err());
    }

    #[test]
    fn a_name_is_taken_once() {
        let metrics = Metrics::new("sanchar-test").unwrap();
        metrics.gauge("sanchar_lag_seconds", "help").unwrap();
        let error = metrics.gauge("sanchar_lag_seconds", "help").unwrap_err().to_string();
        assert!(error.contains("sanchar_lag_seconds"), "{error}");
    }
}

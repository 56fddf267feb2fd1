//! The numbers that a daemon shows to Prometheus, all in one registry.
//!
//! Constructors take the full name, so that a search for a metric finds where it is made. It decides nothing about
//! what is counted; label values must come from closed sets, never from a record.

mod described;
mod snapshot;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry,
    TextEncoder,
};

pub use described::{Described, Kind};
pub use snapshot::Snapshot;

use crate::VERSION;
use crate::clock;
use crate::health::Health;
use crate::lifecycle::Failure;

/// Bucket bounds for durations from a fast step to a missed deadline, in seconds.
pub const DURATION_SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// A daemon's metrics. Clones share one registry.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    described: Arc<Mutex<Vec<Described>>>,
    snapshots: Arc<Mutex<Vec<Snapshot>>>,
    time: Gauge,
    components: GaugeVec,
    suppressed: IntCounterVec,
    /// Only where traces are sent.
    spans: Arc<OnceLock<IntCounterVec>>,
}

/// Values of the label `level`.
pub const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// What became of spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanOutcome {
    /// The collector has them.
    Sent,
    /// Too many waited for the collector.
    Dropped,
    /// The collector did not take them, or did not answer.
    Refused,
}

impl SpanOutcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sent, Self::Dropped, Self::Refused];

    /// The symbol in labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Dropped => "dropped",
            Self::Refused => "refused",
        }
    }
}

impl Metrics {
    /// A registry that already holds what every daemon shows: its build, its start, its clock and which of its parts
    /// are ready.
    ///
    /// # Errors
    /// [`Failure`] with exit code 70, as every constructor below: a metric that cannot be made is a mistake in the
    /// program.
    pub fn new(daemon: &'static str) -> Result<Self, Failure> {
        let registry = Arc::<Registry>::default();
        let described = Arc::<Mutex<Vec<Described>>>::default();
        let books = Books { registry: &registry, described: &described };
        let help = "Always 1; the labels tell which daemon this is and its release.";
        let build = gauge_vec("sanchar_build_info", help, &["daemon", "version"]);
        let build = books.add("sanchar_build_info", Kind::Gauge, build)?;
        build.with_label_values(&[daemon, VERSION]).set(1.0);
        let help = "When this process started, in seconds since 1970.";
        let start = Gauge::new("process_start_time_seconds", help);
        books.add("process_start_time_seconds", Kind::Gauge, start)?.set(now_seconds());
        let help = "This process's clock when it was asked, in seconds since 1970.";
        let time =
            books.add("sanchar_time_seconds", Kind::Gauge, Gauge::new("sanchar_time_seconds", help))?;
        let help = "1 for each part of the daemon that is ready, 0 for one that is not, as /readyz?verbose lists them.";
        let components = gauge_vec("sanchar_component_ready", help, &["component"]);
        let components = books.add("sanchar_component_ready", Kind::Gauge, components)?;
        let name = "sanchar_log_lines_suppressed_total";
        let help = "Lines left out of the log because one place in the code wrote too many, by their level.";
        let suppressed =
            books.add(name, Kind::Counter, IntCounterVec::new(Opts::new(name, help), &["level"]))?;
        for level in LEVELS {
            suppressed.with_label_values(&[level]).inc_by(0);
        }
        let (snapshots, spans) = (Arc::default(), Arc::default());
        Ok(Self { registry, described, snapshots, time, components, suppressed, spans })
    }

    /// A count that only grows; its name ends in `_total`.
    ///
    /// # Errors
    /// As [`Metrics::new`]: a name outside the convention, or one already taken.
    pub fn counter(&self, name: &str, help: &str) -> Result<IntCounter, Failure> {
        check_counter(name)?;
        self.add(name, Kind::Counter, IntCounter::new(name, help))
    }

    /// As [`Metrics::counter`], one count per set of label values.
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub fn counter_vec(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, Failure> {
        check_counter(name)?;
        self.add(name, Kind::Counter, IntCounterVec::new(Opts::new(name, help), labels))
    }

    /// A value that goes up and down.
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub fn gauge(&self, name: &str, help: &str) -> Result<Gauge, Failure> {
        check_prefix(name)?;
        self.add(name, Kind::Gauge, Gauge::new(name, help))
    }

    /// As [`Metrics::gauge`], one value per set of label values.
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub fn gauge_vec(&self, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec, Failure> {
        check_prefix(name)?;
        self.add(name, Kind::Gauge, gauge_vec(name, help, labels))
    }

    /// As [`Metrics::gauge_vec`], for series that are all replaced at once.
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub fn snapshot(&self, name: &str, help: &str, labels: &[&str]) -> Result<Snapshot, Failure> {
        check_prefix(name)?;
        self.add_snapshot(name, help, labels)
    }

    /// As [`Metrics::snapshot`], under one of kafka_exporter's names, which begin with `kafka_`: dashboards know them.
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub fn kafka_snapshot(&self, name: &str, help: &str, labels: &[&str]) -> Result<Snapshot, Failure> {
        check_begin(name, "kafka_")?;
        self.add_snapshot(name, help, labels)
    }

    /// A distribution over `buckets` (upper bounds, ascending, in the unit that the name ends with).
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Result<Histogram, Failure> {
        check_prefix(name)?;
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.add(name, Kind::Histogram { buckets: buckets.len() }, Histogram::with_opts(options))
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
        self.add(name, Kind::Histogram { buckets: buckets.len() }, HistogramVec::new(options, labels))
    }

    /// Lines of `level` were left out of the log.
    pub(crate) fn suppressed(&self, level: tracing::Level, lines: u64) {
        let label = LEVELS.iter().find(|label| level.as_str().eq_ignore_ascii_case(label));
        if let Some(label) = label {
            self.suppressed.with_label_values(&[label]).inc_by(lines);
        }
    }

    /// From now on spans are counted by what became of them.
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub(crate) fn register_spans(&self) -> Result<(), Failure> {
        let help = "Spans of traces that are kept, by outcome: dropped are those that found too many waiting for the collector, \
                    refused those that it did not take. Only where telemetry.otlp names a collector.";
        let spans = self.counter_vec("sanchar_trace_spans_total", help, &["outcome"])?;
        for outcome in SpanOutcome::ALL {
            spans.with_label_values(&[outcome.as_str()]).inc_by(0);
        }
        self.spans.get_or_init(|| spans);
        Ok(())
    }

    /// So many spans had this outcome.
    pub(crate) fn spans(&self, outcome: SpanOutcome, count: u64) {
        if let Some(spans) = self.spans.get() {
            spans.with_label_values(&[outcome.as_str()]).inc_by(count);
        }
    }

    /// Everything that was registered, whether it has a value yet or not, by name.
    pub fn described(&self) -> Vec<Described> {
        let mut described = self.described.lock().unwrap_or_else(PoisonError::into_inner).clone();
        described.sort();
        described
    }

    /// As [`Metrics::render`], with the clock and `health` as they are now.
    pub fn scrape(&self, health: &Health) -> String {
        self.time.set(now_seconds());
        for (component, is_ready) in health.readiness() {
            self.components.with_label_values(&[&*component]).set(f64::from(u8::from(is_ready)));
        }
        self.render()
    }

    /// Everything in Prometheus's text exposition format 0.0.4.
    pub fn render(&self) -> String {
        let encoded = TextEncoder::new().encode_to_string(&self.registry.gather());
        let mut page = encoded.unwrap_or_else(|error| {
            tracing::error!(%error, "metrics cannot be rendered");
            String::new()
        });
        for snapshot in &*self.snapshots.lock().unwrap_or_else(PoisonError::into_inner) {
            snapshot.write(&mut page);
        }
        page
    }

    fn add_snapshot(&self, name: &str, help: &str, labels: &[&str]) -> Result<Snapshot, Failure> {
        // The registry judges names and labels, and gives each name once; it shows nothing of one without a series.
        self.add(name, Kind::Gauge, gauge_vec(name, help, labels))?;
        let snapshot = Snapshot::new(name, help, labels);
        self.snapshots.lock().unwrap_or_else(PoisonError::into_inner).push(snapshot.clone());
        Ok(snapshot)
    }

    fn add<M: Collector + Clone + 'static>(
        &self,
        name: &str,
        kind: Kind,
        made: prometheus::Result<M>,
    ) -> Result<M, Failure> {
        Books { registry: &self.registry, described: &self.described }.add(name, kind, made)
    }
}

/// Where a metric is entered.
struct Books<'m> {
    registry: &'m Registry,
    described: &'m Mutex<Vec<Described>>,
}

impl Books<'_> {
    fn add<M: Collector + Clone + 'static>(
        &self,
        name: &str,
        kind: Kind,
        made: prometheus::Result<M>,
    ) -> Result<M, Failure> {
        let refused = |error| Failure::internal(format!("metric {name} cannot be made: {error}"));
        let metric = made.map_err(refused)?;
        self.registry.register(Box::new(metric.clone())).map_err(refused)?;
        let described = metric.desc().into_iter().map(|desc| Described::new(desc, kind));
        self.described.lock().unwrap_or_else(PoisonError::into_inner).extend(described);
        Ok(metric)
    }
}

fn gauge_vec(name: &str, help: &str, labels: &[&str]) -> prometheus::Result<GaugeVec> {
    GaugeVec::new(Opts::new(name, help), labels)
}

fn now_seconds() -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double exactly")]
    let now_ms = clock::now_ms() as f64;
    now_ms / 1_000.0
}

fn check_prefix(name: &str) -> Result<(), Failure> {
    check_begin(name, "sanchar_")
}

fn check_begin(name: &str, begin: &str) -> Result<(), Failure> {
    if name.starts_with(begin) {
        return Ok(());
    }
    Err(Failure::internal(format!("metric {name} cannot be made: begin its name with {begin}")))
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
    fn what_was_registered_is_described_before_it_has_a_value() {
        let metrics = Metrics::new("sanchar-test").unwrap();
        metrics.counter_vec("sanchar_dropped_total", "Records dropped.", &["stage", "reason"]).unwrap();
        metrics.histogram("sanchar_step_seconds", "Time taken.", &DURATION_SECONDS).unwrap();
        let described = metrics.described();
        let names: Vec<&str> = described.iter().map(|metric| metric.name.as_str()).collect();
        let common = [
            "process_start_time_seconds",
            "sanchar_build_info",
            "sanchar_component_ready",
            "sanchar_dropped_total",
            "sanchar_log_lines_suppressed_total",
            "sanchar_step_seconds",
            "sanchar_time_seconds",
        ];
        assert_eq!(names, common);
        let dropped = &described[3];
        assert_eq!((dropped.kind, dropped.help.as_str()), (Kind::Counter, "Records dropped."));
        assert_eq!(dropped.labels, ["stage", "reason"]);
        assert_eq!(described[5].kind, Kind::Histogram { buckets: 14 });
    }

    #[test]
    fn a_scrape_shows_the_clock_and_the_parts_as_they_are_then() {
        let clock = Arc::new(clock::ManualClock::new(0));
        let health = Health::new(clock, crate::lifecycle::Shutdown::new());
        let metrics = Metrics::new("sanchar-test").unwrap();
        let registry = health.component("registry", None);
        assert!(metrics.scrape(&health).contains("sanchar_component_ready{component=\"registry\"} 0\n"));
        registry.ready();
        let text = metrics.scrape(&health);
        assert!(text.contains("sanchar_component_ready{component=\"registry\"} 1\n"), "{text}");
        assert!(text.contains("sanchar_time_seconds 1"), "{text}");
    }

    #[test]
    fn lines_left_out_of_the_log_are_counted_by_level() {
        let metrics = Metrics::new("sanchar-test").unwrap();
        let line =
            |level: &str, lines| format!("sanchar_log_lines_suppressed_total{{level=\"{level}\"}} {lines}\n");
        metrics.suppressed(tracing::Level::WARN, 3);
        metrics.suppressed(tracing::Level::WARN, 4);
        assert!(metrics.render().contains(&line("warn", 7)) && metrics.render().contains(&line("error", 0)));
    }

    #[test]
    fn names_outside_the_convention_are_refused() {
        let metrics = Metrics::new("sanchar-test").unwrap();
        let error = metrics.gauge("lag_seconds", "help").unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::Internal);
        assert!(error.to_string().contains("begin its name with sanchar_"));
        assert!(metrics.counter("sanchar_read", "help").unwrap_err().to_string().contains("_total"));
        assert!(metrics.histogram_vec("x_seconds", "help", &["stage"], &[1.0]).is_err());
        assert!(metrics.kafka_snapshot("kafka_topic_partitions", "help", &["topic"]).is_ok());
        assert!(metrics.kafka_snapshot("sanchar_topic_partitions", "help", &["topic"]).is_err());
    }

    #[test]
    fn a_name_is_taken_once() {
        let metrics = Metrics::new("sanchar-test").unwrap();
        metrics.gauge("sanchar_lag_seconds", "help").unwrap();
        let error = metrics.gauge("sanchar_lag_seconds", "help").unwrap_err().to_string();
        assert!(error.contains("sanchar_lag_seconds"), "{error}");
    }
}

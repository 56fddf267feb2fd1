//! Every metric of every daemon, as its own code registers it, and those of others that rules and dashboards use.

use super::{labels, page};
use anyhow::Result;
use sanchar_runtime::metrics::{Described, Kind, Metrics};
use sanchar_schemas::StateCode;
use std::collections::BTreeSet;

/// What one daemon shows.
#[derive(Debug)]
pub struct Daemon {
    /// Its name.
    pub name: &'static str,
    /// Its metrics, by name.
    pub metrics: Vec<Described>,
}

/// A metric that somebody else shows.
#[derive(Debug, Clone, Copy)]
pub struct Foreign {
    /// Its name.
    pub name: &'static str,
    /// Its labels beside `job` and `instance`.
    pub labels: &'static [&'static str],
    /// Who shows it, and what it means.
    pub meaning: &'static str,
}

/// What rules and dashboards use of others.
pub const FOREIGN: [Foreign; 2] = [
    Foreign {
        name: "ALERTS",
        labels: &[
            "alertname",
            "alertstate",
            "severity",
            "state",
            "origin",
            "recipient",
            "topic",
            "component",
            "consumergroup",
        ],
        meaning: "Prometheus: 1 for each alert that is pending or firing.",
    },
    Foreign {
        name: "up",
        labels: &[],
        meaning: "Prometheus: 1 for each target whose metrics could be read, else 0.",
    },
];

/// All daemons, with everything registered that they may ever show.
///
/// # Errors
/// When a metric cannot be made.
pub fn daemons() -> Result<Vec<Daemon>> {
    let fanout = Metrics::new("sanchar-fanout")?;
    sanchar_fanout::metrics::register_all(&fanout)?;
    let producer = Metrics::new("sanchar-producer")?;
    for state in StateCode::all().take(1) {
        sanchar_producer::metrics::register_all(&producer, state)?;
    }
    let exporter = Metrics::new("sanchar-exporter")?;
    sanchar::exporter::metrics::register_all(&exporter)?;
    Ok(vec![
        Daemon { name: "sanchar-fanout", metrics: fanout.described() },
        Daemon { name: "sanchar-producer", metrics: producer.described() },
        Daemon { name: "sanchar-exporter", metrics: exporter.described() },
    ])
}

/// What is known of a name that stands in an expression.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Labels that it has.
    pub labels: BTreeSet<String>,
    /// The metric and the daemons that show it, where it is one of ours.
    pub metrics: Vec<(&'static str, Described)>,
}

/// Labels that every series gets when it is read.
const OF_SCRAPE: [&str; 2] = ["job", "instance"];

/// Looks a name up: a metric, or a histogram's `_bucket`, `_sum` or `_count`.
#[must_use]
pub fn find(daemons: &[Daemon], name: &str) -> Option<Known> {
    let foreign = FOREIGN.iter().find(|foreign| foreign.name == name);
    let mut known = Known::default();
    for daemon in daemons {
        let named = daemon.metrics.iter().filter(|metric| is_part_of(metric, name));
        known.metrics.extend(named.map(|metric| (daemon.name, metric.clone())));
    }
    if foreign.is_none() && known.metrics.is_empty() {
        return None;
    }
    known.labels.extend(OF_SCRAPE.map(str::to_owned));
    known.labels.extend(foreign.iter().flat_map(|foreign| foreign.labels).map(|label| (*label).to_owned()));
    known.labels.extend(known.metrics.iter().flat_map(|(_, metric)| metric.labels.clone()));
    known.labels.extend(name.ends_with("_bucket").then(|| "le".to_owned()));
    Some(known)
}

/// Whether a series called `name` belongs to a metric.
fn is_part_of(metric: &Described, name: &str) -> bool {
    match (name.strip_prefix(metric.name.as_str()), metric.kind) {
        (Some(part), Kind::Histogram { .. }) => ["_bucket", "_sum", "_count"].contains(&part),
        (Some(part), Kind::Counter | Kind::Gauge) => part.is_empty(),
        (None, _) => false,
    }
}

/// Registers a daemon's metrics in another registry with every set of label values that they may ever have, but for those
/// that are there from the beginning. Returns the number of series.
///
/// # Errors
/// When a metric cannot be made, or the values of a label are not known.
pub fn fill(daemon: &Daemon, metrics: &Metrics) -> Result<usize> {
    let mut series = 0;
    let there: BTreeSet<String> = metrics.described().into_iter().map(|metric| metric.name).collect();
    for metric in daemon.metrics.iter().filter(|metric| !there.contains(&metric.name)) {
        let Described { name, kind, help, labels } = metric;
        series += page::series(daemon.name, metric)?;
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let combinations = combinations(daemon.name, metric);
        let values = || combinations.iter().map(|set| set.iter().map(String::as_str).collect::<Vec<_>>());
        match kind {
            Kind::Counter => {
                let counter = metrics.counter_vec(name, help, &labels)?;
                values().for_each(|values| counter.with_label_values(&values).inc_by(1_234_567));
            }
            // As the exporter shows what it was told.
            Kind::Gauge if name.starts_with("kafka_") || name.starts_with("sanchar_consumergroup_") => {
                let make =
                    if name.starts_with("kafka_") { Metrics::kafka_snapshot } else { Metrics::snapshot };
                let snapshot = make(metrics, name, help, &labels)?;
                snapshot.show(combinations.iter().map(|set| (set, 1_768_000_000.123)));
            }
            Kind::Gauge => {
                let gauge = metrics.gauge_vec(name, help, &labels)?;
                values().for_each(|values| gauge.with_label_values(&values).set(1_768_000_000.123));
            }
            Kind::Histogram { buckets } => {
                let bounds: Vec<f64> = (1u32..).map(f64::from).take(*buckets).collect();
                let histogram = metrics.histogram_vec(name, help, &labels, &bounds)?;
                values().for_each(|values| histogram.with_label_values(&values).observe(2.5));
            }
        }
    }
    Ok(series)
}

/// Every set of values of a metric's labels.
fn combinations(daemon: &str, metric: &Described) -> Vec<Vec<String>> {
    let mut sets = vec![Vec::new()];
    for label in &metric.labels {
        let values =
            labels::of(daemon, &metric.name, label).map(|values| values.to_vec()).unwrap_or_default();
        let with = |set: &Vec<String>| {
            let set = set.clone();
            values.iter().map(move |value| set.iter().chain([value]).cloned().collect()).collect::<Vec<_>>()
        };
        sets = sets.iter().flat_map(with).collect();
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_known_by_its_parts_and_nothing_else_has_parts() {
        let daemons = daemons().unwrap();
        let bucket = find(&daemons, "sanchar_end_to_end_latency_seconds_bucket").unwrap();
        assert_eq!(bucket.labels.iter().collect::<Vec<_>>(), ["instance", "job", "le", "priority"]);
        assert!(find(&daemons, "sanchar_end_to_end_latency_seconds").is_none());
        assert!(find(&daemons, "sanchar_records_in_total_sum").is_none());
        assert!(find(&daemons, "sanchar_records_in_total").is_some());
        assert!(find(&daemons, "up").is_some() && find(&daemons, "down").is_none());
    }
}

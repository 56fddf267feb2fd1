//! Lag of a process by input topic: what each of its workers has of a topic, taken together.
//!
//! A topic that none of them reads any more is not shown: its last figure would stand for good and say that records wait.

use prometheus::GaugeVec;
use sanchar_runtime::lifecycle::Failure;
use sanchar_runtime::metrics::Metrics;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Records of a topic that a worker has still to process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) records: i64,
    /// How long they wait at most, in milliseconds.
    pub(crate) age_ms: i64,
}

/// Lag of all workers of a process. Clones are one.
#[derive(Clone)]
pub(crate) struct Lag {
    records: GaugeVec,
    seconds: GaugeVec,
    /// By topic and worker.
    shares: Arc<Mutex<BTreeMap<String, BTreeMap<usize, Waiting>>>>,
}

impl Lag {
    pub(super) fn new(metrics: &Metrics) -> Result<Self, Failure> {
        Ok(Self {
            records: metrics.gauge_vec(
                "sanchar_consumer_lag_records",
                "Records not processed yet, by input topic.",
                &["topic"],
            )?,
            seconds: metrics.gauge_vec(
                "sanchar_consumer_lag_seconds",
                "How long records wait at most: age of the last record processed where others wait, else 0, by input \
                 topic.",
                &["topic"],
            )?,
            shares: Arc::default(),
        })
    }

    /// Shows what a worker has, in the place of what it had.
    #[expect(clippy::cast_precision_loss, reason = "gauges; exact below 2^53")]
    pub(crate) fn show(&self, worker: usize, mut waiting: BTreeMap<String, Waiting>) {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        for (topic, of_workers) in shares.iter_mut() {
            match waiting.remove(topic) {
                Some(share) => of_workers.insert(worker, share),
                None => of_workers.remove(&worker),
            };
        }
        shares.extend(waiting.into_iter().map(|(topic, share)| (topic, BTreeMap::from([(worker, share)]))));
        shares.retain(|topic, of_workers| {
            if of_workers.is_empty() {
                // An error says that it was not there to be removed.
                let _gone =
                    (self.records.remove_label_values(&[topic]), self.seconds.remove_label_values(&[topic]));
                return false;
            }
            let records: i64 = of_workers.values().map(|share| share.records).sum();
            let age_ms = of_workers.values().map(|share| share.age_ms).max().unwrap_or_default();
            self.records.with_label_values(&[topic]).set(records as f64);
            self.seconds.with_label_values(&[topic]).set(age_ms as f64 / 1_000.0);
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(shares: &[(&str, i64, i64)]) -> BTreeMap<String, Waiting> {
        let share = |(topic, records, age_ms): &(&str, i64, i64)| {
            ((*topic).to_owned(), Waiting { records: *records, age_ms: *age_ms })
        };
        shares.iter().map(share).collect()
    }

    #[test]
    fn workers_add_up_and_the_slowest_tells_the_seconds() {
        let metrics = Metrics::new("sanchar-test").unwrap();
        let lag = Lag::new(&metrics).unwrap();
        lag.show(0, waiting(&[("a", 3, 2_500)]));
        lag.show(1, waiting(&[("a", 4, 1_000), ("b", 0, 0)]));
        lag.show(0, waiting(&[("a", 2, 2_000)]));
        let text = metrics.render();
        for line in [
            "sanchar_consumer_lag_records{topic=\"a\"} 6",
            "sanchar_consumer_lag_seconds{topic=\"a\"} 2",
            "sanchar_consumer_lag_records{topic=\"b\"} 0",
        ] {
            assert!(text.contains(line), "{line} is missing from\n{text}");
        }
    }

    #[test]
    fn what_went_to_another_instance_is_not_shown_as_it_was() {
        let metrics = Metrics::new("sanchar-test").unwrap();
        let lag = Lag::new(&metrics).unwrap();
        lag.show(0, waiting(&[("a", 3, 90_000)]));
        lag.show(1, waiting(&[("a", 1, 10)]));
        lag.show(0, BTreeMap::new());
        assert!(metrics.render().contains("sanchar_consumer_lag_seconds{topic=\"a\"} 0.01"));
        lag.show(1, BTreeMap::new());
        assert!(!metrics.render().contains("topic=\"a\""));
    }
}

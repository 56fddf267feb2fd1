//! The numbers of the listener.

use prometheus::IntCounterVec;
use sanchar_runtime::lifecycle::Failure;
use sanchar_runtime::metrics::Metrics;
use sanchar_schemas::StateCode;

use super::answer::Accepted;

/// Classes of status codes.
const CLASSES: [&str; 3] = ["2xx", "4xx", "5xx"];
/// What becomes of items.
const OUTCOMES: [&str; 3] = ["accepted", "duplicate", "skipped"];

/// Counters of what is pushed.
#[derive(Debug, Clone)]
pub(crate) struct PushMetrics {
    state: &'static str,
    requests: IntCounterVec,
    items: IntCounterVec,
}

impl PushMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// As [`Metrics::counter`].
    pub(crate) fn register(metrics: &Metrics, state: StateCode) -> Result<Self, Failure> {
        let state = state.as_str();
        let requests = metrics.counter_vec(
            "sanchar_push_requests_total",
            "Requests to the push listener, by class of the answer's status.",
            &["state", "status"],
        )?;
        let items = metrics.counter_vec(
            "sanchar_push_items_total",
            "Items of batches that were answered with 202, by what became of them.",
            &["state", "outcome"],
        )?;
        for class in CLASSES {
            requests.with_label_values(&[state, class]);
        }
        for outcome in OUTCOMES {
            items.with_label_values(&[state, outcome]);
        }
        Ok(Self { state, requests, items })
    }

    /// Counts an answer.
    pub(super) fn answered(&self, status: u16) {
        let class = match status {
            0..400 => "2xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        self.requests.with_label_values(&[self.state, class]).inc();
    }

    /// Counts the items of a batch that was accepted.
    pub(super) fn accepted(&self, counts: Accepted) {
        let Accepted { accepted, duplicates, skipped } = counts;
        for (outcome, count) in OUTCOMES.into_iter().zip([accepted, duplicates, skipped]) {
            self.items.with_label_values(&[self.state, outcome]).inc_by(count);
        }
    }
}

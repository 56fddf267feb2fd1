//! Deliveries as they commit: how many copies went from whom to whom, how long after publication, and how old the news was.

use prometheus::{Histogram, HistogramVec, IntCounterVec};
use sanchar_runtime::lifecycle::Failure;
use sanchar_runtime::metrics::Metrics;
use sanchar_schemas::{StateCode, StateSet};
use std::collections::HashMap;

/// Bounds of the time from publication to commit, in seconds: from what a quiet service takes to a backlog of a day.
const LATENCY: [f64; 16] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 21_600.0, 86_400.0];
/// Bounds of the time from registration to delivery, in seconds: from a minute to ten years.
const AGE: [f64; 12] = [
    60.0,
    600.0,
    3_600.0,
    21_600.0,
    86_400.0,
    172_800.0,
    259_200.0,
    604_800.0,
    2_592_000.0,
    7_776_000.0,
    31_536_000.0,
    315_360_000.0,
];

/// Values of the label `priority`: ordinary, urgent.
pub const PRIORITIES: [&str; 2] = ["ordinary", "urgent"];

/// A record that was delivered.
#[derive(Debug, Clone)]
pub(crate) struct Delivered {
    pub(crate) origin: StateCode,
    /// States that got a copy. None where all that was to be told is a withdrawal.
    pub(crate) recipients: StateSet,
    pub(crate) is_urgent: bool,
    /// Timestamp of the record in its input topic, in milliseconds since 1970.
    pub(crate) published_ms: Option<i64>,
    /// When the police registered it, in milliseconds since 1970.
    pub(crate) registered_ms: Option<i64>,
}

#[derive(Clone)]
pub(super) struct Deliveries {
    copies: IntCounterVec,
    /// By priority, as [`PRIORITIES`].
    latency: [Histogram; 2],
    age: Histogram,
}

impl Deliveries {
    pub(super) fn new(metrics: &Metrics) -> Result<Self, Failure> {
        let latency: HistogramVec = metrics.histogram_vec(
            "sanchar_end_to_end_latency_seconds",
            "Time from a record's timestamp, which its producer gave it, to the commit that made its copies readable.",
            &["priority"],
            &LATENCY,
        )?;
        Ok(Self {
            copies: metrics.counter_vec(
                "sanchar_deliveries_total",
                "Copies written to inboxes, by the state that published the event and the state that received it.",
                &["origin", "recipient"],
            )?,
            latency: PRIORITIES.map(|priority| latency.with_label_values(&[priority])),
            age: metrics.histogram(
                "sanchar_event_age_seconds",
                "Time from the registration of what an event tells to its delivery, where the event says when it was \
                 registered; sources that know the day alone count from its start.",
                &AGE,
            )?,
        })
    }

    /// Counts what was committed at `now_ms`. Local sums first: a drain commits thousands at a time.
    pub(super) fn count(&self, delivered: &[Delivered], now_ms: i64) {
        let mut copies: HashMap<(StateCode, StateSet), u64> = HashMap::new();
        let [ordinary, urgent] = &self.latency;
        let (ordinary, urgent, age) = (ordinary.local(), urgent.local(), self.age.local());
        for one in delivered {
            *copies.entry((one.origin, one.recipients)).or_default() += 1;
            let latency = if one.is_urgent { &urgent } else { &ordinary };
            one.published_ms.into_iter().for_each(|ms| latency.observe(seconds_since(ms, now_ms)));
            one.registered_ms.into_iter().for_each(|ms| age.observe(seconds_since(ms, now_ms)));
        }
        [ordinary, urgent, age].iter().for_each(prometheus::local::LocalHistogram::flush);
        for ((origin, recipients), records) in copies {
            for recipient in recipients.iter() {
                self.copies.with_label_values(&[origin.as_str(), recipient.as_str()]).inc_by(records);
            }
        }
    }
}

/// Not below 0, where the other clock is ahead of this one.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit a double exactly")]
fn seconds_since(ms: i64, now_ms: i64) -> f64 {
    now_ms.saturating_sub(ms).max(0) as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::super::PipelineMetrics;
    use super::*;
    use crate::examples::{state, states};

    const NOW_MS: i64 = 1_768_000_000_000;

    fn delivered(origin: &str, recipients: &str, is_urgent: bool) -> Delivered {
        Delivered {
            origin: state(origin),
            recipients: states(recipients),
            is_urgent,
            published_ms: Some(NOW_MS - 40),
            registered_ms: Some(NOW_MS - 7_200_000),
        }
    }

    #[test]
    fn copies_are_counted_by_origin_and_recipient_when_they_are_committed() {
        let metrics = Metrics::new("sanchar-test").unwrap();
        let mut counts = PipelineMetrics::new(&metrics).unwrap();
        for one in [
            delivered("IN-GA", "IN-KA IN-MH", false),
            delivered("IN-GA", "IN-KA IN-MH", false),
            delivered("IN-GA", "IN-MH", true),
        ] {
            counts.pending().delivered.push(one);
        }
        counts.heard(state("IN-GA"), NOW_MS - 500);
        assert!(!metrics.render().contains("sanchar_deliveries_total{"), "nothing is committed yet");
        counts.committed(NOW_MS);
        let text = metrics.render();
        for line in [
            "sanchar_records_forwarded_total 3",
            r#"sanchar_deliveries_total{origin="IN-GA",recipient="IN-KA"} 2"#,
            r#"sanchar_deliveries_total{origin="IN-GA",recipient="IN-MH"} 3"#,
            r#"sanchar_end_to_end_latency_seconds_bucket{priority="ordinary",le="0.025"} 0"#,
            r#"sanchar_end_to_end_latency_seconds_bucket{priority="ordinary",le="0.05"} 2"#,
            r#"sanchar_end_to_end_latency_seconds_count{priority="urgent"} 1"#,
            r#"sanchar_event_age_seconds_bucket{le="3600"} 0"#,
            r#"sanchar_event_age_seconds_bucket{le="21600"} 3"#,
            r#"sanchar_last_heard_timestamp_seconds{state="IN-GA"} 1767999999.5"#,
        ] {
            assert!(text.contains(line), "{line} is missing from\n{text}");
        }
    }

    #[test]
    fn what_is_aborted_is_not_counted() {
        let metrics = Metrics::new("sanchar-test").unwrap();
        let mut counts = PipelineMetrics::new(&metrics).unwrap();
        counts.pending().delivered.push(delivered("IN-GA", "IN-MH", false));
        counts.heard(state("IN-GA"), NOW_MS);
        counts.aborted();
        counts.committed(NOW_MS);
        let text = metrics.render();
        assert!(text.contains("sanchar_records_forwarded_total 0"), "{text}");
        assert!(!text.contains("IN-GA"), "{text}");
    }

    #[test]
    fn a_producer_whose_clock_is_ahead_is_at_no_distance() {
        assert!(seconds_since(NOW_MS + 5_000, NOW_MS).abs() < f64::EPSILON);
    }
}

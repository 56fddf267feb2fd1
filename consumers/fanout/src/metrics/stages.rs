//! How long the stages of the pipeline take for a record.
//!
//! A clock that is read six times for each record would show in a drain, so of the records of a transaction the first is
//! timed and one in sixteen after it. A quiet service commits each record by itself, so there every record is.

use crate::reasons::Stage;
use prometheus::Histogram;
use sanchar_runtime::lifecycle::Failure;
use sanchar_runtime::metrics::Metrics;
use std::time::Instant;

/// Of so many records of a transaction one is timed.
const TIMED_ONE_IN: u32 = 16;
/// Bounds of the time that a stage takes, in seconds: from a microsecond to a registry that is waited for.
const BUCKETS: [f64; 12] =
    [0.000_001, 0.000_002, 0.000_005, 0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.001, 0.01, 0.1, 1.0, 10.0];

/// The stages' times. Clones count together, each with its own records.
#[derive(Clone)]
pub(crate) struct Stages {
    /// In the order of [`Stage::ALL`].
    times: [Histogram; Stage::ALL.len()],
    /// Records of the open transaction.
    records: u32,
}

/// When the stage that a record is in began, if the record is timed.
pub(crate) struct Watch(Option<Instant>);

impl Stages {
    pub(crate) fn new(metrics: &Metrics) -> Result<Self, Failure> {
        let times = metrics.histogram_vec(
            "sanchar_stage_duration_seconds",
            "Time that a stage of the pipeline takes for a record, of a sample of records.",
            &["stage"],
            &BUCKETS,
        )?;
        Ok(Self { times: Stage::ALL.map(|stage| times.with_label_values(&[stage.as_str()])), records: 0 })
    }

    /// A record begins.
    pub(crate) fn watch(&mut self) -> Watch {
        let is_timed = self.records.is_multiple_of(TIMED_ONE_IN);
        self.records = self.records.wrapping_add(1);
        Watch(is_timed.then(Instant::now))
    }

    /// The record leaves this stage for the next.
    pub(crate) fn end(&self, stage: Stage, watch: &mut Watch) {
        let Watch(Some(began)) = watch else { return };
        let now = Instant::now();
        if let Some(time) = self.times.get(stage as usize) {
            time.observe(now.duration_since(*began).as_secs_f64());
        }
        *began = now;
    }

    /// The transaction ends.
    pub(crate) const fn ended(&mut self) {
        self.records = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_transaction_the_first_record_is_timed_and_one_in_sixteen() {
        let metrics = Metrics::new("sanchar-test").unwrap();
        let mut stages = Stages::new(&metrics).unwrap();
        let mut process = |records: u32| {
            for _ in 0..records {
                let mut watch = stages.watch();
                stages.end(Stage::Decode, &mut watch);
                stages.end(Stage::Publish, &mut watch);
            }
            stages.ended();
        };
        process(17);
        process(1);
        let text = metrics.render();
        for stage in ["decode", "publish"] {
            let line = format!("sanchar_stage_duration_seconds_count{{stage=\"{stage}\"}} 3");
            assert!(text.contains(&line), "{line} is missing from\n{text}");
        }
        assert!(text.contains("sanchar_stage_duration_seconds_count{stage=\"route\"} 0"), "{text}");
    }

    #[test]
    fn stages_stand_in_the_order_of_their_histograms() {
        assert!(Stage::ALL.iter().enumerate().all(|(place, stage)| place == *stage as usize));
    }
}

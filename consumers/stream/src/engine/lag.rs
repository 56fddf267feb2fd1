//! How far a worker is behind: for metrics, and for what reads ahead of it.

use super::Engine;
use crate::batch::Batch;
use crate::client::{Client, Connector, Message, Partition};
use crate::processor::Processor;
use std::collections::{BTreeMap, HashMap};

/// What was processed last, for lag.
#[derive(Default)]
pub(super) struct Progress {
    /// Next offset and timestamp of the last record, by partition.
    pub(super) done: HashMap<Partition, (i64, i64)>,
    observed_uptime_ms: u64,
}

impl<C: Connector, P: Processor> Engine<C, P> {
    /// Once a second: how many records wait, and how old the newest processed one is.
    pub(super) fn observe_lag<M: Message>(&mut self, client: &C::Client, batch: &Batch<M>) {
        let (uptime_ms, now_ms) = (self.context.clock.uptime_ms(), self.context.clock.now_ms());
        if uptime_ms.saturating_sub(self.progress.observed_uptime_ms) < 1_000 {
            return;
        }
        self.progress.observed_uptime_ms = uptime_ms; // a clock that steps back must not stop this
        let mut by_topic: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        let ends = client.end_offsets();
        self.ahead.observe(&ends);
        for end in ends.into_iter().filter(|end| batch.assigned().contains(&end.partition)) {
            let Some((next_offset, timestamp_ms)) = self.progress.done.get(&end.partition) else { continue };
            let records = (end.next_offset - next_offset).max(0);
            let age_ms = if records > 0 { (now_ms - timestamp_ms).max(0) } else { 0 };
            let worst = by_topic.entry(end.partition.topic).or_default();
            *worst = (worst.0 + records, worst.1.max(age_ms));
        }
        for (topic, (records, age_ms)) in by_topic {
            #[expect(clippy::cast_precision_loss, reason = "a gauge; exact below 2^53")]
            {
                self.metrics.lag_records.with_label_values(&[&topic]).set(records as f64);
                self.metrics.lag_seconds.with_label_values(&[&topic]).set(age_ms as f64 / 1_000.0);
            }
        }
    }
}

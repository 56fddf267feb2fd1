//! How far a worker is behind: for metrics, and for what reads ahead of it.

use super::Engine;
use crate::batch::Batch;
use crate::client::{Client, Connector, Message, Partition, Position};
use crate::metrics::Waiting;
use crate::processor::Processor;
use std::collections::{BTreeMap, HashMap};

/// What was processed last, for lag.
#[derive(Default)]
pub(super) struct Progress {
    /// Next offset and timestamp of the last record, by partition.
    pub(super) done: HashMap<Partition, (i64, i64)>,
    /// When nothing waited, by partition: uptime of the last time that it was looked at.
    drained: HashMap<Partition, u64>,
    observed_uptime_ms: u64,
}

impl Progress {
    /// Partitions came: what waits there counts as waiting from now on, whatever becomes of the first record.
    pub(super) fn begin(&mut self, positions: &[Position], now_ms: i64) {
        for Position { partition, next_offset } in positions {
            self.done.insert(partition.clone(), (*next_offset, now_ms));
            self.drained.remove(partition);
        }
    }
}

impl<C: Connector, P: Processor> Engine<C, P> {
    /// Once a second: how many records wait, and how old the newest processed one is.
    pub(super) fn observe_lag<M: Message>(&mut self, client: &C::Client, batch: &Batch<M>) {
        let (uptime_ms, now_ms) = (self.context.clock.uptime_ms(), self.context.clock.now_ms());
        if uptime_ms.saturating_sub(self.progress.observed_uptime_ms) < 1_000 {
            return;
        }
        self.progress.observed_uptime_ms = uptime_ms; // a clock that steps back must not stop this
        let mut by_topic: BTreeMap<String, Waiting> = BTreeMap::new();
        let ends = client.end_offsets();
        self.ahead.observe(&ends);
        for end in ends.into_iter().filter(|end| batch.assigned().contains(&end.partition)) {
            let Some((next_offset, timestamp_ms)) = self.progress.done.get(&end.partition) else { continue };
            let records = (end.next_offset - next_offset).max(0);
            let age_ms = if records > 0 {
                let drained_ms = self.progress.drained.get(&end.partition);
                waited_ms(
                    now_ms - timestamp_ms,
                    drained_ms.map(|since_ms| uptime_ms.saturating_sub(*since_ms)),
                )
            } else {
                self.progress.drained.insert(end.partition.clone(), uptime_ms);
                0
            };
            let share = by_topic.entry(end.partition.topic).or_default();
            *share = Waiting { records: share.records + records, age_ms: share.age_ms.max(age_ms) };
        }
        self.metrics.lag.show(self.job.worker, by_topic);
    }
}

/// How long the oldest waiting record waits at most: as long as the last processed one is old, and no longer than since
/// nothing waited. The second is for a quiet topic, whose last record may be days old when the next one comes.
fn waited_ms(age_ms: i64, since_drained_ms: Option<u64>) -> i64 {
    let bound_ms = since_drained_ms.map_or(i64::MAX, |ms| i64::try_from(ms).unwrap_or(i64::MAX));
    age_ms.clamp(0, bound_ms)
}

#[cfg(test)]
mod tests {
    use super::waited_ms;

    #[test]
    fn a_record_that_comes_to_a_quiet_topic_has_not_waited_since_the_one_before() {
        assert_eq!(waited_ms(36_000_000, Some(1_000)), 1_000);
        assert_eq!(waited_ms(36_000_000, None), 36_000_000, "a backlog that was there at the start");
        assert_eq!(waited_ms(400, Some(90_000)), 400);
        assert_eq!(waited_ms(-5, Some(90_000)), 0, "a clock ahead of ours");
    }
}

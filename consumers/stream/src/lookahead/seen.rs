//! The keys of records that were read ahead, each with the offset of its last one: whether an urgent record has an earlier
//! one of its key before it that is still to be processed.
//!
//! An entry takes 9 bytes in a table that is from 7/16 to 7/8 full, so a million of them 10 to 20 MiB. Keys are hashes of 32
//! bits, by partition: of a million keys, one that is not among them is taken for one of them with a chance of 1 in 4,000,
//! and such a record only waits for its turn.

use crate::client::Partition;
use std::collections::{BTreeMap, HashMap};

#[derive(Debug)]
pub(super) struct Seen {
    records_max: usize,
    entries: usize,
    topics: HashMap<String, HashMap<i32, Scan>>,
}

/// What was read of one partition, without a gap from where the worker was.
#[derive(Debug, Default)]
struct Scan {
    began_at: i64,
    /// Offsets, counted from there.
    last: HashMap<u32, u32>,
}

impl Seen {
    /// Nothing yet, of partitions that are read from these offsets on.
    pub(super) fn new(records_max: usize, positions: &BTreeMap<Partition, i64>) -> Self {
        let mut topics = HashMap::<String, HashMap<i32, Scan>>::new();
        for (Partition { topic, partition }, began_at) in positions {
            let scan = Scan { began_at: *began_at, ..Scan::default() };
            topics.entry(topic.clone()).or_default().insert(*partition, scan);
        }
        Self { records_max, entries: 0, topics }
    }

    pub(super) const fn is_full(&self) -> bool {
        self.entries >= self.records_max
    }

    /// Whether forgetting did not help much. More of it is worth nothing before the worker has got on.
    pub(super) const fn is_nearly_full(&self) -> bool {
        self.entries >= self.records_max - self.records_max / 16
    }

    /// Whether a record of there can be noted. Where it cannot, reading has to begin anew.
    pub(super) fn covers(&self, topic: &str, partition: i32, offset: i64) -> bool {
        let scan = self.topics.get(topic).and_then(|of_topic| of_topic.get(&partition));
        scan.is_some_and(|scan| u32::try_from(offset - scan.began_at).is_ok())
    }

    /// Notes a record. One from before the beginning has been passed.
    pub(super) fn note(&mut self, topic: &str, partition: i32, offset: i64, key: u32) {
        let scan = self.topics.get_mut(topic).and_then(|of_topic| of_topic.get_mut(&partition));
        let Some(scan) = scan else { return };
        let Ok(offset) = u32::try_from(offset - scan.began_at) else { return };
        let before = scan.last.len();
        let last = scan.last.entry(key).or_default();
        *last = offset.max(*last);
        self.entries += scan.last.len() - before;
    }

    /// Whether a record of this key was noted that a worker at `position` has not passed.
    pub(super) fn is_pending(&self, topic: &str, partition: i32, key: u32, position: i64) -> bool {
        // Of a partition that is not read ahead, anything may be pending.
        let Some(scan) = self.topics.get(topic).and_then(|of_topic| of_topic.get(&partition)) else {
            return true;
        };
        scan.last.get(&key).is_some_and(|last| scan.began_at + i64::from(*last) >= position)
    }

    /// Forgets keys whose last record the worker has passed.
    pub(super) fn prune(&mut self, positions: &BTreeMap<Partition, i64>) {
        self.entries = 0;
        for (topic, of_topic) in &mut self.topics {
            for (partition, scan) in of_topic {
                let place = Partition { topic: topic.clone(), partition: *partition };
                let passed = positions.get(&place).map_or(0, |position| position - scan.began_at);
                scan.last.retain(|_, last| i64::from(*last) >= passed);
                scan.last.shrink_to(scan.last.len() * 2);
                self.entries += scan.last.len();
            }
        }
    }

    #[cfg(test)]
    pub(super) const fn len(&self) -> usize {
        self.entries
    }
}

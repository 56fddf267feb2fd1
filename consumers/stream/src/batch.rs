//! The records of one transaction, collected before it begins.
//!
//! Since partitions are only taken away during a poll and a poll never happens inside a transaction, a
//! transaction never holds a record of a partition that belongs to somebody else by then: what was collected
//! from a revoked partition is dropped here before it is processed.

use crate::client::{Message, Partition, Position, Rebalance};
use std::collections::{BTreeSet, HashMap, VecDeque};

pub(crate) struct Batch<M> {
    messages: VecDeque<M>,
    bytes: usize,
    records_max: usize,
    bytes_max: usize,
    /// Partitions assigned since the changelog was last read to its end.
    unrestored: BTreeSet<Partition>,
    assigned: BTreeSet<Partition>,
    has_joined: bool,
}

/// How far records of one partition reach.
pub(crate) struct Reached {
    pub(crate) position: Position,
    /// Timestamp of the last of them.
    pub(crate) timestamp_ms: Option<i64>,
    pub(crate) records: u64,
}

impl<M: Message> Batch<M> {
    pub(crate) fn new(records_max: usize, bytes_max: usize) -> Self {
        Self {
            messages: VecDeque::with_capacity(records_max.min(1_024)),
            bytes: 0,
            records_max,
            bytes_max,
            unrestored: BTreeSet::new(),
            assigned: BTreeSet::new(),
            has_joined: false,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.messages.len() < self.records_max && self.bytes < self.bytes_max
    }

    pub(crate) fn messages(&self) -> impl Iterator<Item = &M> {
        self.messages.iter()
    }

    pub(crate) fn assigned(&self) -> &BTreeSet<Partition> {
        &self.assigned
    }

    /// Whether the group has ever told this member its partitions. They may be none.
    pub(crate) const fn has_joined(&self) -> bool {
        self.has_joined
    }

    pub(crate) fn push(&mut self, message: M) {
        self.bytes += size(&message);
        self.messages.push_back(message);
    }

    pub(crate) fn extend(&mut self, messages: impl IntoIterator<Item = M>) {
        messages.into_iter().for_each(|message| self.push(message));
    }

    pub(crate) fn rebalance(&mut self, change: Rebalance) {
        match change {
            Rebalance::Assigned(partitions) => {
                self.has_joined = true;
                self.unrestored.extend(partitions.iter().cloned());
                self.assigned.extend(partitions);
            }
            Rebalance::Revoked(partitions) => {
                let gone: BTreeSet<Partition> = partitions.into_iter().collect();
                self.messages.retain(|message| !gone.iter().any(|p| is_of(message, p)));
                self.bytes = self.messages.iter().map(size).sum();
                self.unrestored.retain(|partition| !gone.contains(partition));
                self.assigned.retain(|partition| !gone.contains(partition));
            }
        }
    }

    /// Partitions whose previous reader may have written changelog entries that were not read yet.
    pub(crate) fn unrestored(&self) -> Vec<Partition> {
        self.unrestored.iter().cloned().collect()
    }

    /// The changelog was read to its end for these partitions.
    pub(crate) fn restored(&mut self, partitions: &[Partition]) {
        self.unrestored.retain(|partition| !partitions.contains(partition));
    }

    /// What the first `count` records reach, by partition.
    pub(crate) fn reached(&self, count: usize) -> Vec<Reached> {
        let mut by_partition: HashMap<(&str, i32), (i64, Option<i64>, u64)> = HashMap::new();
        for message in self.messages.iter().take(count) {
            let entry = by_partition.entry((message.topic(), message.partition())).or_default();
            *entry = (message.offset() + 1, message.timestamp_ms(), entry.2 + 1);
        }
        by_partition
            .into_iter()
            .map(|((topic, partition), (next_offset, timestamp_ms, records))| Reached {
                position: Position {
                    partition: Partition { topic: topic.to_owned(), partition },
                    next_offset,
                },
                timestamp_ms,
                records,
            })
            .collect()
    }

    pub(crate) fn drop_front(&mut self, count: usize) {
        self.messages.drain(..count.min(self.messages.len()));
        self.bytes = self.messages.iter().map(size).sum();
    }
}

fn size<M: Message>(message: &M) -> usize {
    message.value().map_or(0, <[u8]>::len) + message.key().map_or(0, <[u8]>::len)
}

fn is_of<M: Message>(message: &M, partition: &Partition) -> bool {
    message.partition() == partition.partition && message.topic() == partition.topic
}

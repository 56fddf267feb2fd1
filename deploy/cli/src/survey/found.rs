//! What a survey found, as values: no client, no clock. Offsets count from 0; the newest is where the next record will stand.

use std::collections::BTreeMap;

use sanchar_schemas::topics::Topic;

/// Something of each partition, by topic and number.
pub(crate) type ByPartition<T> = BTreeMap<String, BTreeMap<i32, T>>;

/// What the brokers said.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Survey {
    pub(crate) brokers: Vec<Broker>,
    /// The installation's topics that the cluster has, by name, with their partitions.
    pub(crate) topics: ByPartition<Partition>,
    /// Groups that have committed offsets in these topics, by name.
    pub(crate) groups: BTreeMap<String, Group>,
    pub(crate) left_out: LeftOut,
}

/// A broker of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broker {
    pub(crate) id: i32,
    pub(crate) address: String,
}

/// A partition. What nobody could tell is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Partition {
    pub(crate) leader: Option<i32>,
    /// The broker that leads it where all is well.
    pub(crate) preferred: Option<i32>,
    pub(crate) replicas: usize,
    pub(crate) in_sync: usize,
    pub(crate) oldest: Option<i64>,
    pub(crate) newest: Option<i64>,
}

/// A consumer group.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Group {
    /// Its members; `None` where the group is of a kind that does not tell this client (KIP-848).
    pub(crate) members: Option<usize>,
    /// The topics that it reads, with all their partitions.
    pub(crate) topics: ByPartition<Position>,
    /// How long the oldest record that it has not committed has been there, in seconds, by topic. Where the brokers do not
    /// tell, the topic is missing.
    pub(crate) waiting_seconds: BTreeMap<String, f64>,
}

/// How far a group has got in a partition. `None` where it never committed, or the end is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// The next offset that it wants to read.
    pub(crate) offset: Option<i64>,
    /// Offsets between that and the end. The marker that ends a transaction is one of them.
    pub(crate) lag: Option<i64>,
}

/// What there is more than was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// Groups beyond the maximum, or not reached in time.
    pub(crate) groups: usize,
    /// Groups whose offsets this user may not see, or which did not answer.
    pub(crate) refused: usize,
    /// Partitions beyond the maximum.
    pub(crate) partitions: usize,
    /// Positions beyond the maximum.
    pub(crate) positions: usize,
}

impl Survey {
    /// Offsets between the oldest and the newest of a topic, over all its partitions; `None` where it does not exist.
    pub(crate) fn held(&self, topic: &str) -> Option<i64> {
        let partitions = self.topics.get(topic)?.values();
        Some(partitions.filter_map(|partition| Some(partition.newest? - partition.oldest?)).sum())
    }

    /// Whether fewer replicas than there should be have all records, or nobody leads.
    pub(crate) fn under_replicated(&self) -> usize {
        let partitions = self.topics.values().flat_map(BTreeMap::values);
        partitions.filter(|partition| !partition.is_whole()).count()
    }
}

impl Partition {
    pub(crate) fn is_whole(&self) -> bool {
        self.leader.is_some() && self.in_sync >= self.replicas
    }
}

impl Group {
    /// Offsets that it has not committed in a topic, over the partitions in which it ever committed any.
    pub(crate) fn lag(&self, topic: &str) -> i64 {
        self.lags(topic).sum()
    }

    /// The same without the last transaction's marker in each partition, which many clients never commit.
    pub(crate) fn unread(&self, name: &str, topic: Topic) -> i64 {
        self.lags(name).map(|lag| (lag - markers(topic)).max(0)).sum()
    }

    fn lags(&self, topic: &str) -> impl Iterator<Item = i64> {
        let positions = self.topics.get(topic).into_iter().flat_map(BTreeMap::values);
        positions.filter_map(|position| position.lag)
    }
}

/// Offsets at the end of a partition that are no record: the marker of a transaction, where all is written in some. Behind
/// the last record of each transaction stands one. A client that commits the offset after the last record that it was given
/// stands before a marker at rest; one that commits its position stands behind it.
pub(super) const fn markers(topic: Topic) -> i64 {
    match topic {
        Topic::Reported(_) => 0,
        Topic::Shared(_) | Topic::Dlq | Topic::Register | Topic::Redriven => 1,
    }
}

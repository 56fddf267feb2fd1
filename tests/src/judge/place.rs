//! Where a record stands. Nothing else.

use crate::inbox::Received;
use sanchar_schemas::topics::{Topic, TopicSpace};
use serde::{Serialize, Serializer};
use std::fmt;

/// Where a record stands: written `crime.reported.in-dl[1]@17`, without the installation's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Topic.
    pub topic: Topic,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
}

impl Place {
    /// The place of a record that was read from a topic.
    #[must_use]
    pub const fn of(topic: Topic, record: &Received) -> Self {
        Self { topic, partition: record.partition, offset: record.offset }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]@{}", TopicSpace::default().name(self.topic), self.partition, self.offset)
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

//! Kafka as one worker of a test sees it, in memory: records in the order of a list, and what was committed. It never
//! fails, and proves nothing about Kafka.

use sanchar_runtime::lifecycle::Shutdown;
use sanchar_stream::client::{
    Client, ClientError, Committed, Connector, Message, Partition, Polled, Position, Rebalance, Record,
    SendError, Settled,
};
use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// Headers in their order.
type Headers = Vec<(String, Option<Vec<u8>>)>;

/// A record of the input.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    pub(crate) topic: String,
    pub(crate) offset: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Headers,
}

impl Message for Input {
    fn topic(&self) -> &str {
        &self.topic
    }
    fn partition(&self) -> i32 {
        0
    }
    fn offset(&self) -> i64 {
        self.offset
    }
    fn timestamp_ms(&self) -> Option<i64> {
        Some(1_768_000_000_000 + self.offset)
    }
    fn key(&self) -> Option<&[u8]> {
        self.key.as_deref()
    }
    fn value(&self) -> Option<&[u8]> {
        self.value.as_deref()
    }
    fn headers(&self) -> Vec<(&str, Option<&[u8]>)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect()
    }
}

/// A record that was written.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) topic: String,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) headers: Headers,
}

/// The cluster, and the only session with it.
#[derive(Debug)]
pub(crate) struct Kafka {
    unread: RefCell<VecDeque<Input>>,
    is_assigned: RefCell<bool>,
    open: RefCell<Vec<Output>>,
    pub(crate) committed: RefCell<Vec<Output>>,
    /// Raised once everything is read.
    on_end: Shutdown,
}

impl Kafka {
    pub(crate) fn new(inputs: Vec<Input>, on_end: Shutdown) -> Self {
        let unread = RefCell::new(inputs.into());
        Self {
            unread,
            is_assigned: RefCell::default(),
            open: RefCell::default(),
            committed: RefCell::default(),
            on_end,
        }
    }
}

impl<'k> Connector for &'k Kafka {
    type Client = &'k Kafka;

    fn connect(&self) -> Result<&'k Kafka, ClientError> {
        Ok(self)
    }
}

impl Client for &Kafka {
    type Message<'c>
        = Input
    where
        Self: 'c;

    fn poll(&self, _wait: Duration) -> Result<Polled<Input>, ClientError> {
        if !self.is_assigned.replace(true) {
            let topics: BTreeSet<String> =
                self.unread.borrow().iter().map(|input| input.topic.clone()).collect();
            let partitions = topics.into_iter().map(|topic| Partition { topic, partition: 0 });
            return Ok(Polled { rebalances: vec![Rebalance::Assigned(partitions.collect())], message: None });
        }
        let message = self.unread.borrow_mut().pop_front();
        if message.is_none() {
            self.on_end.trigger("everything is read");
        }
        Ok(Polled { rebalances: Vec::new(), message })
    }

    fn pause(&self) -> Result<(), ClientError> {
        Ok(())
    }

    fn resume(&self) -> Result<(), ClientError> {
        Ok(())
    }

    fn begin(&self) -> Result<(), ClientError> {
        Ok(())
    }

    fn send(&self, record: Record<'_>) -> Result<(), SendError> {
        let headers = record.headers.iter();
        self.open.borrow_mut().push(Output {
            topic: record.topic.to_owned(),
            key: record.key.unwrap_or_default().to_vec(),
            value: record.value.unwrap_or_default().to_vec(),
            headers: headers.map(|(name, value)| ((*name).to_owned(), value.map(<[u8]>::to_vec))).collect(),
        });
        Ok(())
    }

    fn commit(&self, _positions: &[Position]) -> Result<Committed, ClientError> {
        self.committed.borrow_mut().append(&mut self.open.borrow_mut());
        Ok(Committed::GoOn)
    }

    fn abort(&self) -> Result<(), ClientError> {
        self.open.borrow_mut().clear();
        Ok(())
    }

    fn settle(&self, partitions: &[Partition]) -> Result<Settled, ClientError> {
        let begin = |partition: &Partition| Position { partition: partition.clone(), next_offset: 0 };
        Ok(Settled { positions: partitions.iter().map(begin).collect(), gaps: Vec::new() })
    }

    fn end_offsets(&self) -> Vec<Position> {
        Vec::new()
    }

    fn is_connected(&self) -> bool {
        true
    }
}

//! A Kafka client in memory, behind the same seam, for tests of the engine's own logic: the order of its steps,
//! what it does about each failure, where it resumes. It proves no guarantee; real brokers do that.

use crate::client::{
    Client, ClientError, Committed, Connector, Message, Partition, Polled, Position, Rebalance, Record,
    SendError, Settled,
};
use crate::lookahead::HandOver;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

/// A record of the input, or something that a poll brings instead.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Message(MemoryMessage),
    Rebalance(Rebalance),
    /// An urgent record is read ahead, in no time.
    Ahead(MemoryMessage),
    Fail(ClientError),
    /// What is fetched is taken.
    Drained,
}

#[derive(Debug, Clone)]
pub(crate) struct MemoryMessage {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) key: &'static str,
    pub(crate) value: Vec<u8>,
}

impl Message for MemoryMessage {
    fn topic(&self) -> &str {
        &self.topic
    }
    fn partition(&self) -> i32 {
        self.partition
    }
    fn offset(&self) -> i64 {
        self.offset
    }
    fn timestamp_ms(&self) -> Option<i64> {
        Some(self.offset)
    }
    fn key(&self) -> Option<&[u8]> {
        Some(self.key.as_bytes())
    }
    fn value(&self) -> Option<&[u8]> {
        Some(&self.value)
    }
    fn headers(&self) -> Vec<(&str, Option<&[u8]>)> {
        vec![("kept", Some(b"as it came"))]
    }
}

/// What a transaction left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) topic: String,
    pub(crate) value: Vec<u8>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

/// The cluster: what the tests script, and what they look at afterwards.
#[derive(Debug, Default)]
pub(crate) struct Cluster {
    /// What the polls of the sessions bring, in order; one list for each session.
    pub(crate) sessions: VecDeque<VecDeque<Step>>,
    /// Failures of the coming commits; `None` commits.
    pub(crate) commit_failures: VecDeque<Option<ClientError>>,
    /// Why the session ends with its next commit, which succeeds.
    pub(crate) is_last_commit: Option<String>,
    /// Largest value that is taken.
    pub(crate) value_bytes_max: usize,
    /// No broker answers, once everything is read.
    pub(crate) is_lost: bool,
    pub(crate) committed: Vec<Sent>,
    pub(crate) positions: BTreeMap<Partition, i64>,
    pub(crate) ahead: Option<HandOver>,
    /// Every call, by name.
    pub(crate) calls: Vec<&'static str>,
}

/// Shares a cluster between the engine and its test. One thread only.
#[derive(Debug, Clone)]
pub(crate) struct MemoryConnector(pub(crate) Rc<RefCell<Cluster>>);

#[derive(Debug)]
pub(crate) struct MemoryClient {
    cluster: Rc<RefCell<Cluster>>,
    steps: RefCell<VecDeque<Step>>,
    open: RefCell<Vec<Sent>>,
    /// Ends the engine when the script is over.
    on_end: sanchar_runtime::lifecycle::Shutdown,
}

/// Connects with a flag that is raised when the script of the last session is over.
#[derive(Debug, Clone)]
pub(crate) struct Scripted {
    pub(crate) connector: MemoryConnector,
    pub(crate) shutdown: sanchar_runtime::lifecycle::Shutdown,
}

impl Connector for Scripted {
    type Client = MemoryClient;

    fn connect(&self) -> Result<MemoryClient, ClientError> {
        let mut cluster = self.connector.0.borrow_mut();
        cluster.calls.push("connect");
        let steps = cluster.sessions.pop_front().unwrap_or_default();
        Ok(MemoryClient {
            cluster: Rc::clone(&self.connector.0),
            steps: RefCell::new(steps),
            open: RefCell::default(),
            on_end: self.shutdown.clone(),
        })
    }
}

impl MemoryClient {
    fn call(&self, name: &'static str) {
        self.cluster.borrow_mut().calls.push(name);
    }
}

impl Client for MemoryClient {
    type Message<'c> = MemoryMessage;

    fn poll(&self, _wait: Duration) -> Result<Polled<MemoryMessage>, ClientError> {
        let mut polled = Polled { rebalances: Vec::new(), message: None };
        let step = || self.steps.borrow_mut().pop_front();
        let mut next = step();
        while let Some(Step::Ahead(message)) = &next {
            self.cluster.borrow().ahead.iter().for_each(|ahead| ahead.hand(message));
            next = step();
        }
        match next {
            Some(Step::Message(message)) => polled.message = Some(message),
            Some(Step::Rebalance(change)) => polled.rebalances.push(change),
            Some(Step::Fail(error)) => return Err(error),
            Some(Step::Ahead(_) | Step::Drained) => {}
            None if self.cluster.borrow().sessions.is_empty() => self.on_end.trigger("the script is over"),
            None => {} // drained; the next session is for after a failure
        }
        Ok(polled)
    }

    fn pause(&self) -> Result<(), ClientError> {
        self.call("pause");
        Ok(())
    }

    fn resume(&self) -> Result<(), ClientError> {
        self.call("resume");
        Ok(())
    }

    fn begin(&self) -> Result<(), ClientError> {
        self.call("begin");
        self.open.borrow_mut().clear();
        Ok(())
    }

    fn send(&self, record: Record<'_>) -> Result<(), SendError> {
        let value = record.value.unwrap_or_default().to_vec();
        let max = self.cluster.borrow().value_bytes_max;
        if max > 0 && value.len() > max {
            return Err(SendError::TooLarge { bytes: value.len(), max });
        }
        let header =
            |(name, value): &(&str, Option<&[u8]>)| ((*name).to_owned(), value.unwrap_or_default().to_vec());
        let headers = record.headers.iter().map(header).collect();
        self.open.borrow_mut().push(Sent { topic: record.topic.to_owned(), value, headers });
        Ok(())
    }

    fn commit(&self, positions: &[Position]) -> Result<Committed, ClientError> {
        self.call("commit");
        let mut cluster = self.cluster.borrow_mut();
        if let Some(Some(error)) = cluster.commit_failures.pop_front() {
            return Err(error);
        }
        cluster.committed.append(&mut self.open.borrow_mut());
        for Position { partition, next_offset } in positions {
            cluster.positions.insert(partition.clone(), *next_offset);
        }
        Ok(cluster.is_last_commit.take().map_or(Committed::GoOn, Committed::Last))
    }

    fn abort(&self) -> Result<(), ClientError> {
        self.call("abort");
        self.open.borrow_mut().clear();
        Ok(())
    }

    fn settle(&self, partitions: &[Partition]) -> Result<Settled, ClientError> {
        self.call("settle");
        let committed = &self.cluster.borrow().positions;
        let position = |partition: &Partition| Position {
            partition: partition.clone(),
            next_offset: committed.get(partition).copied().unwrap_or_default(),
        };
        Ok(Settled { positions: partitions.iter().map(position).collect(), gaps: Vec::new() })
    }

    fn end_offsets(&self) -> Vec<Position> {
        Vec::new()
    }

    fn is_connected(&self) -> bool {
        !(self.cluster.borrow().is_lost && self.steps.borrow().is_empty())
    }
}

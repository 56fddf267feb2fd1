//! MirrorMaker 2 as a state runs it, with the settings of `deploy/mirror/inbox.properties` as they stand; and the copy of the
//! inbox on the state's own cluster, as a plain client reads it.

use crate::cluster::Cluster;
use crate::daemon::{Daemon, wait_for_up_to};
use crate::inbox::Received;
use anyhow::{Result, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long one question to the brokers may take.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a Java program of many parts may take on a busy machine to start, or to notice that its former self is gone.
const PATIENCE: Duration = Duration::from_secs(240);
/// An inbox has one.
const PARTITION: i32 = 0;

/// Starts MirrorMaker 2, which copies `topic` from one cluster to the other until it is stopped or killed.
///
/// # Errors
/// When it cannot be started.
pub fn start(central: &Cluster, own: &Cluster, topic: &str, folder: &Path) -> Result<Daemon> {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/mirror");
    let mut command = Command::new(deploy.join("mirror"));
    command
        .arg("run")
        .arg(deploy.join("inbox.properties"))
        .env("SANCHAR_MIRROR_CENTRAL", &central.kafka)
        .env("SANCHAR_MIRROR_OWN", &own.kafka)
        .env("SANCHAR_MIRROR_TOPIC", topic);
    Daemon::spawn("mirror", &mut command, folder)
}

/// The copy of an inbox.
pub struct Copy {
    topic: String,
    committed: BaseConsumer,
    any: BaseConsumer,
}

impl Copy {
    /// Connects to the cluster that has it, or will have it.
    ///
    /// # Errors
    /// When a client cannot be made.
    pub fn on(cluster: &Cluster, topic: &str) -> Result<Self> {
        let reader = |isolation: &str| {
            let mut config = cluster.client();
            config
                .set("group.id", "unused")
                .set("isolation.level", isolation)
                .set("enable.auto.commit", "false")
                .set("enable.partition.eof", "true");
            config.create()
        };
        Ok(Self {
            topic: topic.to_owned(),
            committed: reader("read_committed")?,
            any: reader("read_uncommitted")?,
        })
    }

    /// Everything that is committed to it, in its order; nothing while there is no such topic.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self) -> Result<Vec<Received>> {
        let mut received = Vec::new();
        if end(&self.committed, &self.topic)?.is_none() {
            return Ok(received);
        }
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, PARTITION, Offset::Beginning)?;
        self.committed.assign(&list)?;
        let started = Instant::now();
        loop {
            ensure!(started.elapsed() < PATIENCE, "the copy could not be read to its end");
            match self.committed.poll(Duration::from_millis(100)) {
                None => {}
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(received),
                Some(Err(error)) => return Err(error.into()),
                Some(Ok(message)) => received.push(Received::of(&message)),
            }
        }
    }

    /// Waits until more than `records` are committed, and gives how many are.
    ///
    /// # Errors
    /// When the mirror ends, or does not get that far.
    pub fn wait_for_more(&self, mirror: &mut Daemon, records: usize) -> Result<usize> {
        wait_for_up_to(PATIENCE, &format!("more than {records} records to be copied"), || {
            ensure!(mirror.ended()?.is_none(), "the mirror ended: {}", mirror.log()?);
            Ok(Some(self.read()?.len()).filter(|copied| *copied > records))
        })
    }

    /// Freezes the mirror at a moment when it has written records that it has not committed.
    ///
    /// # Errors
    /// When there is no such moment.
    pub fn freeze_in_a_transaction(&self, mirror: &Daemon) -> Result<()> {
        wait_for_up_to(PATIENCE, "a transaction of the mirror that has written", || {
            mirror.freeze()?;
            // Asked twice, because one whose end is on its way is open for a moment more.
            if self.has_open_transaction()? && self.has_open_transaction()? {
                return Ok(Some(()));
            }
            mirror.go_on()?;
            Ok(None)
        })
    }

    fn has_open_transaction(&self) -> Result<bool> {
        let (written, decided) = (end(&self.any, &self.topic)?, end(&self.committed, &self.topic)?);
        Ok(written > decided)
    }
}

/// The end of the copy as the reader's isolation sees it, while there is such a topic and somebody leads it.
fn end(reader: &BaseConsumer, topic: &str) -> Result<Option<i64>> {
    match reader.fetch_watermarks(topic, PARTITION, ANSWER) {
        Ok((_, end)) => Ok(Some(end)),
        Err(error) => match error.rdkafka_error_code() {
            Some(
                RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::UnknownTopic
                | RDKafkaErrorCode::UnknownPartition
                | RDKafkaErrorCode::LeaderNotAvailable
                | RDKafkaErrorCode::NotLeaderForPartition,
            ) => Ok(None),
            _ => Err(error.into()),
        },
    }
}

impl std::fmt::Debug for Copy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Copy").field("topic", &self.topic).finish_non_exhaustive()
    }
}

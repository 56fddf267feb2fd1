//! Reads topics as a recipient would: a plain client, `read_committed`, from the beginning to the end.
//! Decodes with the general codec. No code of the fan-out service is involved.
//!
//! The end is everything that was written before the call. A transaction that is still open is waited for, so that
//! what it commits is not missed.

use crate::daemon::{Daemon, wait_for};
use crate::installation::Installation;
use crate::progress::is_starting;
use crate::publisher::RawHeader;
use anyhow::{Context as _, Result, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use sanchar_schemas::codec::Decoder;
use sanchar_schemas::schema::Record;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::{CrimeEvent, SharedCrimeEvent, StateCode, wire};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long reading to the end may take.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long one question to the brokers may take.
const ANSWER: Duration = Duration::from_secs(10);

/// A record as a plain client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Name of the topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Timestamp, ms since 1970, UTC.
    pub timestamp_ms: i64,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value; `None` for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers in their order.
    pub headers: Vec<RawHeader>,
}

impl Received {
    /// The shared event in it.
    ///
    /// # Errors
    /// When the value is not one.
    pub fn shared(&self) -> Result<SharedCrimeEvent> {
        let value = self.value.as_deref().context("the record has no value")?;
        let (_schema_id, datum) = wire::parse(value)?;
        Ok(Decoder::current(Record::SharedCrimeEvent).decode(datum)?)
    }

    /// The reported event in it.
    ///
    /// # Errors
    /// When the value is not one.
    pub fn reported(&self) -> Result<CrimeEvent> {
        let value = self.value.as_deref().context("the record has no value")?;
        let (_schema_id, datum) = wire::parse(value)?;
        Ok(Decoder::current(Record::CrimeEvent).decode(datum)?)
    }

    /// Text of the last header of this name; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let header = self.headers.iter().rev().find(|(header, _)| header == name);
        let value = header.and_then(|(_, value)| value.as_deref()).unwrap_or_default();
        std::str::from_utf8(value).unwrap_or_default()
    }

    pub(crate) fn of(message: &BorrowedMessage<'_>) -> Self {
        let headers = message.headers().map(|headers| {
            headers.iter().map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
        });
        Self {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            timestamp_ms: message.timestamp().to_millis().unwrap_or_default(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: headers.unwrap_or_default(),
        }
    }
}

/// Everything committed to a topic.
///
/// # Errors
/// As [`scan`].
pub fn read(installation: &Installation, topic: Topic) -> Result<Vec<Received>> {
    let mut received = Vec::new();
    scan(installation, &[topic], |_, record| {
        received.push(record);
        Ok(())
    })?;
    Ok(received)
}

/// The inboxes of all states.
#[must_use]
pub fn all() -> Vec<Topic> {
    StateCode::all().map(Topic::Shared).collect()
}

/// Everything in a state's inbox.
///
/// # Errors
/// As [`scan`].
pub fn inbox(installation: &Installation, state: StateCode) -> Result<Vec<Received>> {
    read(installation, Topic::Shared(state))
}

/// Hands over everything committed to some topics, one record at a time; each partition in its order.
///
/// # Errors
/// When they cannot be read to their end, when somebody still writes to them, or when `each` fails.
pub fn scan(
    installation: &Installation,
    topics: &[Topic],
    each: impl FnMut(Topic, Received) -> Result<()>,
) -> Result<()> {
    scan_partitions(installation, &partitions(installation, topics), each)
}

/// All partitions of some topics.
#[must_use]
pub fn partitions(installation: &Installation, topics: &[Topic]) -> Vec<(Topic, i32)> {
    let of_topic =
        |topic: Topic| (0..installation.partitions(topic)).map(move |partition| (topic, partition));
    topics.iter().copied().flat_map(of_topic).collect()
}

/// As [`scan`], of some partitions alone.
///
/// # Errors
/// As [`scan`].
pub fn scan_partitions(
    installation: &Installation,
    partitions: &[(Topic, i32)],
    mut each: impl FnMut(Topic, Received) -> Result<()>,
) -> Result<()> {
    let any = reader(installation, "read_uncommitted")?;
    let committed = reader(installation, "read_committed")?;
    // A commit is answered before its markers stand in every partition, and a marker a moment before its
    // partition's high watermark counts it: the ends are final when they are decided and stay as they are.
    let mut before = Vec::new();
    let ends = wait_for("transactions to be decided", || {
        let Some(ends) = ends(installation, partitions, &any)? else { return Ok(None) };
        let are_final = ends == before
            && self::ends(installation, partitions, &committed)?.is_some_and(|decided| decided == ends);
        before.clone_from(&ends);
        Ok(are_final.then_some(ends))
    })?;
    let mut list = TopicPartitionList::new();
    for End { topic, partition, .. } in &ends {
        list.add_partition_offset(&installation.topic(*topic), *partition, Offset::Beginning)?;
    }
    committed.assign(&list)?;
    let known: HashMap<String, Topic> =
        partitions.iter().map(|(topic, _)| (installation.topic(*topic), *topic)).collect();
    let (mut ended, started) = (0, Instant::now());
    while ended < ends.len() {
        ensure!(started.elapsed() < PATIENCE, "{partitions:?} could not be read to their end");
        match committed.poll(Duration::from_millis(100)) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            Some(Err(error)) => return Err(error.into()),
            Some(Ok(message)) => {
                let topic = known.get(message.topic()).context("a topic that was asked for")?;
                each(*topic, Received::of(&message))?;
            }
        }
    }
    let now = wait_for("the ends of topics", || self::ends(installation, partitions, &any))?;
    ensure!(now == ends, "{partitions:?} are still being written to");
    Ok(())
}

/// Freezes a process at a moment when it has written to some of these topics in a transaction that is not decided, and
/// `holds` holds.
///
/// # Errors
/// When there is no such moment within a minute.
pub fn freeze_in_a_transaction(
    installation: &Installation,
    process: &Daemon,
    topics: &[Topic],
    holds: impl Fn() -> Result<bool>,
) -> Result<()> {
    wait_for("a transaction that has written", || {
        process.freeze()?;
        let is_open = || has_open_transaction(installation, topics);
        // Asked twice, because one whose end is on its way is open for a moment more.
        if holds()? && is_open()? && is_open()? {
            return Ok(Some(()));
        }
        process.go_on()?;
        Ok(None)
    })
}

/// Whether a transaction is open that has written to one of these topics.
///
/// # Errors
/// When the brokers do not answer.
pub fn has_open_transaction(installation: &Installation, topics: &[Topic]) -> Result<bool> {
    let committed = reader(installation, "read_committed")?;
    let any = reader(installation, "read_uncommitted")?;
    let partitions = partitions(installation, topics);
    let ends = |reader| wait_for("the ends of topics", || ends(installation, &partitions, reader));
    let (written, decided) = (ends(&any)?, ends(&committed)?);
    let decided: HashMap<_, _> = decided.iter().map(|end| ((end.topic, end.partition), end.end)).collect();
    let is_open =
        |end: &End| decided.get(&(end.topic, end.partition)).is_none_or(|decided| *decided < end.end);
    Ok(written.iter().any(is_open))
}

/// Offset up to which the transactions of a topic are decided, summed over its partitions.
///
/// # Errors
/// When the brokers do not answer.
pub fn decided(installation: &Installation, topic: Topic) -> Result<i64> {
    let committed = reader(installation, "read_committed")?;
    let partitions = partitions(installation, &[topic]);
    let ends = wait_for("the ends of a topic", || ends(installation, &partitions, &committed))?;
    Ok(ends.into_iter().map(|end| end.end).sum())
}

/// End of a partition that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    topic: Topic,
    partition: i32,
    end: i64,
}

/// Ends of all partitions that are not empty, as the reader's isolation sees them, in one request to each broker: a
/// timestamp of -1 stands for the end (KIP-79). `None` while a partition has no leader, or one that is new.
fn ends(
    installation: &Installation,
    partitions: &[(Topic, i32)],
    reader: &BaseConsumer,
) -> Result<Option<Vec<End>>> {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in partitions {
        list.add_partition_offset(&installation.topic(*topic), *partition, Offset::End)?;
    }
    let is_starting = |error: &KafkaError| error.rdkafka_error_code().is_some_and(is_starting);
    let list = match reader.offsets_for_times(list, ANSWER) {
        Err(error) if is_starting(&error) => return Ok(None),
        list => list?,
    };
    let mut ends = Vec::new();
    for (element, &(topic, partition)) in list.elements().iter().zip(partitions) {
        let of_partition = || format!("the end of {}/{partition}", element.topic());
        match element.error() {
            Err(error) if is_starting(&error) => return Ok(None),
            answered => answered.with_context(of_partition)?,
        }
        let end = element.offset().to_raw().filter(|end| *end >= 0).with_context(of_partition)?;
        if end > 0 {
            ends.push(End { topic, partition, end });
        }
    }
    Ok(Some(ends))
}

fn reader(installation: &Installation, isolation: &str) -> Result<BaseConsumer> {
    let mut config = installation.cluster.client();
    config
        .set("group.id", "unused")
        .set("isolation.level", isolation)
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "20");
    Ok(config.create()?)
}

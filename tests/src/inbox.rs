//! Reads topics as a recipient would: a plain client, `read_committed`, from the beginning to the end.
//! Decodes with the general codec. No code of the fan-out service is involved.

use crate::installation::Installation;
use anyhow::{Context as _, Result, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use sanchar_schemas::codec::Decoder;
use sanchar_schemas::schema::Record;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::{SharedCrimeEvent, StateCode, wire};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long reading a topic to its end may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A record as a plain client sees it.
#[derive(Debug, Clone)]
pub struct Received {
    /// Partition.
    pub partition: i32,
    /// Offset.
    pub offset: i64,
    /// Key.
    pub key: Vec<u8>,
    /// Value; `None` for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers, by name.
    pub headers: BTreeMap<String, String>,
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

    /// A header's value, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }
}

/// Everything committed to a topic.
///
/// # Errors
/// When it cannot be read to its end.
pub fn read(installation: &Installation, topic: Topic) -> Result<Vec<Received>> {
    let name = installation.topic(topic);
    let consumer: BaseConsumer = installation
        .cluster
        .client()
        .set("group.id", "unused")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .create()?;
    let mut list = TopicPartitionList::new();
    for partition in 0..topic.spec().partitions {
        list.add_partition_offset(&name, partition, Offset::Beginning)?;
    }
    consumer.assign(&list)?;
    let (mut received, mut ended, started) = (Vec::new(), 0, Instant::now());
    while ended < topic.spec().partitions {
        ensure!(started.elapsed() < PATIENCE, "{name} could not be read to its end");
        match consumer.poll(Duration::from_millis(200)) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(_))) => ended += 1,
            Some(Err(error)) => return Err(error.into()),
            Some(Ok(message)) => {
                let headers = message.headers().map(|headers| {
                    let value = |value: Option<&[u8]>| {
                        String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
                    };
                    headers.iter().map(|header| (header.key.to_owned(), value(header.value))).collect()
                });
                received.push(Received {
                    partition: message.partition(),
                    offset: message.offset(),
                    key: message.key().unwrap_or_default().to_vec(),
                    value: message.payload().map(<[u8]>::to_vec),
                    headers: headers.unwrap_or_default(),
                });
            }
        }
    }
    Ok(received)
}

/// Everything in a state's inbox.
///
/// # Errors
/// As [`read`].
pub fn inbox(installation: &Installation, state: StateCode) -> Result<Vec<Received>> {
    read(installation, Topic::Shared(state))
}

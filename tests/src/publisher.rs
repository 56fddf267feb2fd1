//! Publishes to topics as any program of a state could: a plain idempotent client, no code of the producer daemon.
//! What a test sends is what stands in the topic, well-formed or not.

use crate::daemon::wait_for;
use crate::installation::Installation;
use anyhow::{Result, ensure};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, DeliveryResult, Header, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientContext, Statistics};
use sanchar_runtime::kafka::Brokers;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::{CrimeEvent, codec, headers, wire};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long the brokers may take to acknowledge everything.
const PATIENCE: Duration = Duration::from_secs(60);
/// More than any record of a test: the brokers judge, not this client.
const MESSAGE_BYTES_MAX: &str = "100000000";

/// So many odd acknowledgements are shown.
const ODD_SHOWN: usize = 5;

/// A header as it stands on the wire.
pub type RawHeader = (String, Option<Vec<u8>>);

/// A record to be sent, as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to.
    pub topic: Topic,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value; `None` for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers in their order.
    pub headers: Vec<RawHeader>,
}

impl Outgoing {
    /// An event in the topic of its origin, under its case key; an urgent one says so, as a producer would.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn event(installation: &Installation, event: &CrimeEvent) -> Result<Self> {
        let urgent = || (headers::PRIORITY.to_owned(), Some(headers::PRIORITY_URGENT.as_bytes().to_vec()));
        Ok(Self {
            topic: Topic::Reported(event.origin),
            key: Some(event.record_id.case_key().as_bytes().to_vec()),
            value: Some(wire::frame(installation.event_schema.0, &codec::encode_event(event)?)),
            headers: event.handling.is_urgent().then(urgent).into_iter().collect(),
        })
    }

    /// The same with a header more.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: Option<&[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.map(<[u8]>::to_vec)));
        self
    }
}

/// A client that publishes.
pub struct Publisher<'i> {
    installation: &'i Installation,
    producer: ThreadedProducer<Acknowledgements>,
}

/// Counts the brokers' answers, and notes where they say that records are.
#[derive(Default)]
struct Acknowledgements {
    handed_over: AtomicUsize,
    taken: AtomicUsize,
    refused: AtomicUsize,
    odd: AtomicUsize,
    /// The last offset acknowledged, by topic and partition.
    reached: Mutex<HashMap<(String, i32), i64>>,
    brokers: Brokers,
}

#[expect(clippy::print_stderr, reason = "a failed test shows what its client was told")]
impl Acknowledgements {
    fn count(counter: &AtomicUsize) -> usize {
        counter.load(Ordering::Acquire)
    }

    /// Says, of the first few, which records have no offset behind the one before: what its client was told tells a test that
    /// finds a record missing where to look.
    fn acknowledged(&self, message: &BorrowedMessage<'_>) {
        let mut reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        let (topic, partition, offset) = (message.topic().to_owned(), message.partition(), message.offset());
        let last = reached.entry((topic, partition)).or_insert(-1);
        if offset <= *last && self.odd.fetch_add(1, Ordering::Release) < ODD_SHOWN {
            eprintln!("{}/{partition}: acknowledged at {offset} after {last}", message.topic());
        }
        *last = offset.max(*last);
        self.taken.fetch_add(1, Ordering::Release);
    }
}

impl ClientContext for Acknowledgements {
    fn stats(&self, statistics: Statistics) {
        self.brokers.note(&statistics);
    }
}

impl ProducerContext for Acknowledgements {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(message) => self.acknowledged(message),
            Err(_) => drop(self.refused.fetch_add(1, Ordering::Release)),
        }
    }
}

impl<'i> Publisher<'i> {
    /// Connects.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn new(installation: &'i Installation) -> Result<Self> {
        Self::packing(installation, "lz4")
    }

    /// One that packs by an algorithm of this name, which is the sender's choice.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub fn packing(installation: &'i Installation, algorithm: &str) -> Result<Self> {
        let mut config = installation.cluster.client();
        config
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            .set("batch.size", "1000000")
            .set("compression.type", algorithm)
            .set("message.max.bytes", MESSAGE_BYTES_MAX)
            .set("statistics.interval.ms", "1000")
            .set("partitioner", "murmur2_random");
        Ok(Self { installation, producer: config.create_with_context(Acknowledgements::default())? })
    }

    /// Hands an event over.
    ///
    /// # Errors
    /// As [`Publisher::send`].
    pub fn event(&self, event: &CrimeEvent) -> Result<()> {
        self.send(&Outgoing::event(self.installation, event)?)
    }

    /// Hands a record over; waits while the client's buffer is full.
    ///
    /// # Errors
    /// When the client refuses it.
    pub fn send(&self, outgoing: &Outgoing) -> Result<()> {
        self.send_to(None, outgoing)
    }

    /// The same to a partition by its number, which the key decides otherwise.
    ///
    /// # Errors
    /// As [`Publisher::send`].
    pub fn send_to(&self, partition: Option<i32>, outgoing: &Outgoing) -> Result<()> {
        let topic = self.installation.topic(outgoing.topic);
        let mut record = BaseRecord::<[u8], [u8]>::to(&topic);
        record.partition = partition;
        record.key = outgoing.key.as_deref();
        record.payload = outgoing.value.as_deref();
        if !outgoing.headers.is_empty() {
            let headers = OwnedHeaders::new_with_capacity(outgoing.headers.len());
            let insert = |headers: OwnedHeaders, (key, value): &RawHeader| {
                headers.insert(Header { key, value: value.as_deref() })
            };
            record.headers = Some(outgoing.headers.iter().fold(headers, insert));
        }
        loop {
            match self.producer.send(record) {
                Ok(()) => {
                    self.producer.context().handed_over.fetch_add(1, Ordering::Release);
                    return Ok(());
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), unsent)) => {
                    record = unsent;
                    self.producer.poll(Duration::from_millis(10));
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }

    /// Whether its client has forgotten all brokers and publishes nothing any more.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.producer.context().brokers.check().is_err()
    }

    /// Waits until the brokers have acknowledged everything.
    ///
    /// # Errors
    /// When they did not take every record.
    pub fn finish(self) -> Result<()> {
        self.finish_within(PATIENCE)
    }

    /// As [`Publisher::finish`], with another limit, for one that publishes while brokers are away.
    ///
    /// # Errors
    /// As [`Publisher::finish`].
    pub fn finish_within(self, limit: Duration) -> Result<()> {
        self.producer.flush(limit)?;
        let context = self.producer.context();
        let handed_over = Acknowledgements::count(&context.handed_over);
        // The client forgets a record before the thread that it tells of it has counted it.
        wait_for("an answer for each record", || {
            let answered =
                Acknowledgements::count(&context.taken) + Acknowledgements::count(&context.refused);
            Ok((answered == handed_over).then_some(()))
        })?;
        let refused = Acknowledgements::count(&context.refused);
        ensure!(refused == 0, "the brokers did not take {refused} records");
        Ok(())
    }
}

impl std::fmt::Debug for Publisher<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher").field("prefix", &self.installation.prefix).finish_non_exhaustive()
    }
}

/// Publishes events as they are and waits until the brokers have them.
///
/// # Errors
/// When they cannot be encoded or are not taken.
pub fn publish<'e>(
    installation: &Installation,
    events: impl IntoIterator<Item = &'e CrimeEvent>,
) -> Result<()> {
    let publisher = Publisher::new(installation)?;
    for event in events {
        publisher.event(event)?;
    }
    publisher.finish()
}

/// Publishes records as they are and waits until the brokers have them.
///
/// # Errors
/// As [`publish`].
pub fn publish_raw<'o>(
    installation: &Installation,
    records: impl IntoIterator<Item = &'o Outgoing>,
) -> Result<()> {
    let publisher = Publisher::new(installation)?;
    for record in records {
        publisher.send(record)?;
    }
    publisher.finish()
}

//! The workload: events of all states in turn, one in ten a repeat of an earlier one.

use anyhow::{Result, ensure};
use rdkafka::message::ToBytes;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use sanchar_fanout::route::day_in_india;
use sanchar_fanout::rules::Rules;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::{CrimeEvent, StateCode, StateSet, codec, wire};
use sanchar_tests::chance::Chance;
use sanchar_tests::{Installation, events};
use std::ops::Range;
use std::sync::LazyLock;
use std::time::Duration;

/// One record in this many repeats an earlier one.
pub(crate) const REPEAT_EVERY: u32 = 10;

/// Characters of an event that cannot be compressed.
const NOISE_CHARS: usize = 128;
const NOISE: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

/// Origin of the event of number `i`: all states, in turn.
pub(crate) fn origin(i: u32) -> StateCode {
    static ORIGINS: LazyLock<Vec<StateCode>> = LazyLock::new(|| StateCode::all().collect());
    ORIGINS[i as usize % ORIGINS.len()]
}

/// States that receive an event of `state`: its neighbours and partners.
pub(crate) fn recipients(state: StateCode) -> StateSet {
    let (rules, day) = (Rules::builtin(), day_in_india(events::PUBLISHED_AT_MS));
    rules.neighbours(state, day).union(rules.partners(state))
}

/// Number of the event that stands at place `i`: every tenth repeats an earlier one.
pub(crate) const fn number_at(i: u32) -> u32 {
    if i % REPEAT_EVERY == REPEAT_EVERY - 1 { i - 5 } else { i }
}

/// The event of a number. A part of it is noise, for otherwise the records of a batch would be so alike that
/// compression took most of them away, from this program and from the baseline.
pub(crate) fn event(number: u32) -> CrimeEvent {
    event_of(origin(number), number)
}

/// The same, of a state.
pub(crate) fn event_of(origin: StateCode, number: u32) -> CrimeEvent {
    let mut chance = Chance::seeded(u64::from(number));
    let noise: String = (0..NOISE_CHARS).map(|_| char::from(*chance.one_of(NOISE))).collect();
    events::theft(origin, number, 1, &noise)
}

/// Publishes the events that stand at these places of the workload.
pub(crate) fn preload(installation: &Installation, places: Range<u32>) -> Result<()> {
    load(installation, places.map(|i| event(number_at(i))))
}

/// Publishes events of one state, each another case.
pub(crate) fn preload_of(installation: &Installation, origin: StateCode, numbers: Range<u32>) -> Result<()> {
    load(installation, numbers.map(|number| event_of(origin, number)))
}

fn load(installation: &Installation, events: impl Iterator<Item = CrimeEvent>) -> Result<()> {
    let producer = producer(installation)?;
    for event in events {
        let topic = installation.topic(Topic::Reported(event.origin));
        let value = wire::frame(installation.event_schema.0, &codec::encode_event(&event)?);
        send(&producer, BaseRecord::to(&topic).key(event.record_id.case_key()).payload(&value))?;
    }
    producer.flush(Duration::from_secs(60))?;
    Ok(())
}

/// A producer that fills a topic fast.
pub(crate) fn producer(installation: &Installation) -> Result<ThreadedProducer<DefaultProducerContext>> {
    let mut config = installation.cluster.client();
    config
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("linger.ms", "20")
        .set("batch.size", "1000000")
        .set("compression.type", "lz4")
        .set("partitioner", "murmur2_random");
    Ok(config.create()?)
}

/// Hands a record to a producer, and waits while its buffer is full.
pub(crate) fn send<K: ToBytes + ?Sized, P: ToBytes + ?Sized>(
    producer: &ThreadedProducer<DefaultProducerContext>,
    mut record: BaseRecord<'_, K, P>,
) -> Result<()> {
    while let Err((error, unsent)) = producer.send(record) {
        ensure!(error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull), "{error}");
        record = unsent;
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

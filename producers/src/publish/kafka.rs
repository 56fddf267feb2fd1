//! The broker as a sink: an idempotent producer that never gives a message up.
//!
//! librdkafka retries for ever (`message.timeout.ms=0`), so a broker that is down delays rows and drops none. What it
//! reports as failed all the same is either too large, which goes to quarantine, or something that only a restart or
//! an operator can mend.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::{ClientContext, Statistics};
use sanchar_runtime::config::ConfigError;
use sanchar_runtime::health::Component;
use sanchar_runtime::kafka::{KafkaConfig, LogContext};
use sanchar_runtime::lifecycle::Failure;

use super::poller::Poller;
use super::{Fate, Ledger, Message, ReachError, SendError, Sink, Traces};

/// What an operator may change.
const DEFAULTS: [(&str, &str); 6] = [
    ("linger.ms", "20"),
    ("batch.size", "1000000"),
    ("batch.num.messages", "10000"),
    ("compression.type", "lz4"),
    // The ledger bounds what is in flight; the client's own bounds only have to be wider.
    ("queue.buffering.max.messages", "1000000"),
    ("queue.buffering.max.kbytes", "1048576"),
];

/// What nobody may change.
const FIXED: [(&str, &str); 5] = [
    ("statistics.interval.ms", "5000"),
    ("enable.idempotence", "true"),
    ("acks", "all"),
    ("partitioner", "murmur2_random"),
    ("message.timeout.ms", "0"),
];

/// Headers that a message has at most.
const HEADERS_MAX: usize = 8;

/// The broker, for one topic.
pub(crate) struct KafkaSink {
    /// Ends before the client does.
    poller: Poller,
    producer: Arc<BaseProducer<Deliveries>>,
    topic: String,
}

/// Takes up the client's answers.
struct Deliveries {
    ledger: Arc<Ledger>,
    broker: Component,
    away: AtomicBool,
    log: LogContext,
    traces: Traces,
}

impl KafkaSink {
    /// A client for `topic`, whose answers go to `ledger` and whose state goes to `broker`. Does not connect.
    pub(crate) fn new(
        config: &KafkaConfig,
        client_id: &str,
        topic: String,
        max_message_bytes: i64,
        ledger: Arc<Ledger>,
        broker: Component,
        traces: Traces,
    ) -> Result<Self, Failure> {
        let limit = max_message_bytes.to_string();
        let mut client = config
            .client_config_with(client_id, &[&DEFAULTS[..], &[("message.max.bytes", &limit)]].concat())?;
        // Another name of `message.timeout.ms`.
        client.remove("delivery.timeout.ms");
        for (key, value) in FIXED {
            client.set(key, value);
        }
        let context = Deliveries {
            ledger,
            broker,
            away: AtomicBool::new(true),
            log: LogContext::new(client_id),
            traces,
        };
        let producer: BaseProducer<Deliveries> = client.create_with_context(context).map_err(|error| {
            Failure::from(ConfigError::field("kafka", format!("cannot be used for a producer: {error}")))
        })?;
        let producer = Arc::new(producer);
        let poller = Poller::start(Arc::clone(&producer))
            .map_err(|error| Failure::temporary(format!("cannot start a thread: {error}")))?;
        Ok(Self { poller, producer, topic })
    }
}

impl Sink for KafkaSink {
    fn send(&self, message: &Message, ticket: u64) -> Result<(), SendError> {
        let room = OwnedHeaders::new_with_capacity(HEADERS_MAX);
        let headers = message
            .headers()
            .fold(room, |headers, (key, value)| headers.insert(Header { key, value: Some(value) }));
        let ticket = usize::try_from(ticket)
            .map_err(|_| SendError::Failed("the process has run out of tickets".into()))?;
        let record = BaseRecord::with_opaque_to(&self.topic, ticket)
            .key(message.key.as_str())
            .payload(message.payload.as_slice())
            .headers(headers);
        let traces = &self.producer.context().traces;
        // Before it is sent: the answer comes on another thread.
        traces.begin(ticket, message.trace);
        let Err((error, _)) = self.producer.send(record) else {
            self.poller.expect_answers();
            return Ok(());
        };
        traces.given_up(ticket);
        Err(match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::QueueFull) => SendError::Full,
            Some(RDKafkaErrorCode::MessageSizeTooLarge) => SendError::TooLarge,
            _ => SendError::Failed(error.to_string()),
        })
    }

    fn reach(&self, patience: Duration) -> Result<(), ReachError> {
        // Asking for all topics, because asking for one may create it.
        let metadata = self.producer.client().fetch_metadata(None, patience);
        let metadata = metadata.map_err(|error| ReachError::Away(error.to_string()))?;
        if metadata.topics().iter().any(|topic| topic.name() == self.topic && topic.error().is_none()) {
            self.producer.context().answered();
            return Ok(());
        }
        Err(ReachError::NoTopic(self.topic.clone()))
    }

    fn is_away(&self) -> bool {
        self.producer.context().away.load(Ordering::Relaxed)
    }
}

impl Deliveries {
    fn answered(&self) {
        self.away.store(false, Ordering::Relaxed);
        self.broker.ready();
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.log.log(level, facility, line);
    }

    fn stats(&self, statistics: Statistics) {
        self.log.brokers().note(&statistics);
        if let Err(error) = self.log.brokers().check() {
            // A new client would not have what this one was given; a new start reads it again.
            self.ledger.fail(error.to_string());
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            self.away.store(true, Ordering::Relaxed);
            self.broker.not_ready("no broker answers; rows wait");
        }
        self.log.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: usize) {
        match result {
            Ok(_) => self.traces.acknowledged(ticket),
            Err(_) => self.traces.given_up(ticket),
        }
        let ticket = u64::try_from(ticket).unwrap_or(u64::MAX);
        let Err((error, _)) = result else {
            if self.away.load(Ordering::Relaxed) {
                self.answered();
            }
            return self.ledger.settle(ticket, Fate::Settled);
        };
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::MessageSizeTooLarge) => self.ledger.settle(ticket, Fate::TooLarge),
            // The client is being put down; the row stays before the checkpoint.
            Some(RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight) => {}
            _ => self.ledger.fail(format!("the broker refuses a message ({error})")),
        }
    }
}

//! A transactional producer for one transaction (KIP-98), which tells where its records landed.
//!
//! librdkafka may ask for a commit twice, and a late second request could end the next transaction of the same epoch
//! (KAFKA-17754; ARCHITECTURE.md, "One way back"). So there is no next one: each transaction has a producer of its own,
//! whose `init_transactions` raises the epoch. That costs a fraction of a second for each batch, which a redrive can
//! spare, and fences every other redrive of the installation.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header as KafkaHeader, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use sanchar_runtime::kafka::{KafkaConfig, LogContext};
use sanchar_runtime::lifecycle::Failure;

use super::letter::Header;

/// The brokers abort a transaction that is open longer, in milliseconds: so long a killed redrive may hold up the readers
/// of the input topics.
const TRANSACTION_TIMEOUT_MS: u64 = 10_000;
const TRANSACTION_TIMEOUT: Duration = Duration::from_millis(TRANSACTION_TIMEOUT_MS);
/// How long the transaction coordinator is waited for: longer than it takes to end a predecessor's transaction.
const INIT_TIMEOUT: Duration = Duration::from_secs(30);
const ABORT_TIMEOUT: Duration = Duration::from_secs(5);
const POLL_WAIT: Duration = Duration::from_millis(20);
/// More than any record that can have been read; the topics' own limits count compressed bytes.
const MESSAGE_BYTES_MAX: &str = "100000000";

/// A record to be sent.
#[derive(Debug)]
pub(super) struct Outgoing<'a> {
    pub(super) topic: String,
    /// `None` lets the key decide, as it does for every producer.
    pub(super) partition: Option<i32>,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    pub(super) headers: Vec<&'a Header>,
    /// What messages call it.
    pub(super) name: String,
}

/// Where a record landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Landed {
    pub(super) partition: i32,
    pub(super) offset: i64,
}

type Report = (usize, Result<Landed, KafkaError>);

/// Keeps the delivery reports that came.
struct Reports {
    log: LogContext,
    came: Mutex<Vec<Report>>,
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.log.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.log.error(error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let landed = match result {
            Ok(message) => Ok(Landed { partition: message.partition(), offset: message.offset() }),
            Err((error, _)) => Err(error.clone()),
        };
        self.came.lock().unwrap_or_else(PoisonError::into_inner).push((number, landed));
    }
}

/// A producer whose transaction is its only one.
pub(super) struct TransactionalProducer(BaseProducer<Reports>);

impl TransactionalProducer {
    /// Fences every other producer with this transactional id, and ends what it left open.
    ///
    /// # Errors
    /// [`Failure`] (69) when this user may not, (75) when the coordinator does not answer.
    pub(super) fn fence(kafka: &KafkaConfig, transactional_id: &str) -> Result<Self, Failure> {
        // What the input topic took once, it takes again: no record grows by being compressed better than before.
        let tuning = [("compression.type", "zstd"), ("linger.ms", "5")];
        let mut config = kafka.client_config_with(transactional_id, &tuning)?;
        config
            .set("transactional.id", transactional_id)
            .set("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS.to_string())
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random") // as all producers: the key has one partition for all
            .set("message.max.bytes", MESSAGE_BYTES_MAX);
        let reports = Reports { log: LogContext::new(transactional_id), came: Mutex::default() };
        let producer: BaseProducer<Reports> = config
            .create_with_context(reports)
            .map_err(|error| Failure::internal(format!("cannot make a kafka client: {error}")))?;
        let started = Instant::now();
        loop {
            match producer.init_transactions(Duration::from_secs(1)) {
                Ok(()) => return Ok(Self(producer)),
                Err(error) if is_passing(&error) && started.elapsed() < INIT_TIMEOUT => {
                    std::thread::sleep(POLL_WAIT);
                }
                Err(error) => return Err(failure("the transaction coordinator", &error)),
            }
        }
    }

    /// Begins the transaction.
    ///
    /// # Errors
    /// As [`TransactionalProducer::send`].
    pub(super) fn begin(&self) -> Result<(), Failure> {
        self.0.begin_transaction().map_err(|error| failure("beginning a transaction", &error))
    }

    /// Sends records and waits until the brokers say where they landed, in the order of the records.
    ///
    /// # Errors
    /// [`Failure`] when one of them is not taken. Nothing of the transaction will be seen.
    pub(super) fn send(&self, records: &[Outgoing<'_>]) -> Result<Vec<Landed>, Failure> {
        let sent = self.try_send(records);
        if sent.is_err() {
            // Its only use is that readers need not wait for the time-out; the next redrive aborts it in any case.
            drop(self.0.abort_transaction(ABORT_TIMEOUT));
        }
        sent
    }

    fn try_send(&self, records: &[Outgoing<'_>]) -> Result<Vec<Landed>, Failure> {
        for (number, record) in records.iter().enumerate() {
            self.hand_over(number, record)?;
        }
        let started = Instant::now();
        let mut reports = Vec::with_capacity(records.len());
        while reports.len() < records.len() {
            self.0.poll(POLL_WAIT);
            reports.append(&mut self.0.context().came.lock().unwrap_or_else(PoisonError::into_inner));
            if started.elapsed() > TRANSACTION_TIMEOUT {
                return Err(Failure::temporary(
                    "the brokers did not acknowledge in time, so nothing of this transaction was sent: try again",
                ));
            }
        }
        reports.sort_by_key(|(number, _)| *number);
        let landed = reports.into_iter().zip(records).map(|((_, report), record)| landed(report, record));
        landed.collect()
    }

    fn hand_over(&self, number: usize, record: &Outgoing<'_>) -> Result<(), Failure> {
        let mut outgoing = BaseRecord::<[u8], [u8], usize>::with_opaque_to(&record.topic, number);
        outgoing.partition = record.partition;
        outgoing.key = record.key;
        outgoing.payload = record.value;
        if !record.headers.is_empty() {
            let headers = OwnedHeaders::new_with_capacity(record.headers.len());
            let insert = |headers: OwnedHeaders, (key, value): &&Header| {
                headers.insert(KafkaHeader { key, value: value.as_deref() })
            };
            outgoing.headers = Some(record.headers.iter().fold(headers, insert));
        }
        loop {
            match self.0.send(outgoing) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(Code::QueueFull), unsent)) => {
                    outgoing = unsent;
                    self.0.poll(POLL_WAIT);
                }
                Err((error, _)) => return Err(failure(&format!("sending {}", record.name), &error)),
            }
        }
    }

    /// Commits. The producer is of no more use afterwards, whatever came of it.
    ///
    /// # Errors
    /// [`Failure`] (75): it is not known whether the transaction counts.
    pub(super) fn commit(self) -> Result<(), Failure> {
        self.0.commit_transaction(2 * TRANSACTION_TIMEOUT).map_err(|error| {
            Failure::temporary(format!(
                "whether the last letters were sent is not known ({error}): run the same command again, the receipts \
                 tell it what was sent"
            ))
        })
    }
}

fn landed(report: Result<Landed, KafkaError>, record: &Outgoing<'_>) -> Result<Landed, Failure> {
    match report {
        Ok(landed) if landed.offset >= 0 => Ok(landed),
        Ok(_) => Err(Failure::temporary(format!(
            "the brokers took {} and did not say where it landed, so it was taken back: try again",
            record.name
        ))),
        Err(error) => Err(failure(&format!("sending {}", record.name), &error)),
    }
}

fn failure(doing: &str, error: &KafkaError) -> Failure {
    let text = format!("{doing}: {error}");
    match error.rdkafka_error_code() {
        Some(Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch) => {
            Failure::temporary(format!(
                "{text}; another `sanchar dlq redrive` took this one's place: run this again when it has ended"
            ))
        }
        Some(
            Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::TopicAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed,
        ) => Failure::unavailable(format!(
            "{text}; this user needs Write on the transactional id, the input topics and crime.dlq.redriven"
        )),
        Some(Code::MessageSizeTooLarge) => {
            Failure::unavailable(format!("{text}; raise max.message.bytes of its topic, or leave it out"))
        }
        _ => Failure::temporary(format!(
            "{text}; run the same command again, the receipts tell it what was sent"
        )),
    }
}

/// What a coordinator that is starting, or ending a predecessor's transaction, answers.
fn is_passing(error: &KafkaError) -> bool {
    let codes = [Code::OperationTimedOut, Code::CoordinatorLoadInProgress, Code::ConcurrentTransactions];
    error.rdkafka_error_code().is_some_and(|code| codes.contains(&code))
}

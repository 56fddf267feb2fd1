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
use rdkafka::producer::{
    BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext, PurgeConfig,
};
use sanchar_runtime::kafka::{KafkaConfig, LogContext};
use sanchar_runtime::lifecycle::Failure;
use sanchar_stream::kafka::fence;

use super::inputs::{no_partition, no_topic};
use super::letter::Header;

/// The brokers abort a transaction that is open longer, in milliseconds: so long a killed redrive may hold up the readers
/// of the input topics.
const TRANSACTION_TIMEOUT_MS: u64 = 10_000;
const TRANSACTION_TIMEOUT: Duration = Duration::from_millis(TRANSACTION_TIMEOUT_MS);
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

/// How records go to the brokers, which refuse those that travel together all for one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grouping {
    Together,
    /// Slower; whatever is refused was meant.
    Alone,
}

/// Why records were not sent. Nothing of their transaction will be seen.
#[derive(Debug)]
pub(super) enum Unsent {
    /// The brokers do not take these, by number, however often they are sent; and why.
    Refused(Vec<(usize, String)>),
    Failed(Failure),
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
    pub(super) fn fence(
        kafka: &KafkaConfig,
        transactional_id: &str,
        grouping: Grouping,
    ) -> Result<Self, Failure> {
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
        if grouping == Grouping::Alone {
            config.set("batch.num.messages", "1");
        }
        let reports = Reports { log: LogContext::new(transactional_id), came: Mutex::default() };
        let producer: BaseProducer<Reports> = config
            .create_with_context(reports)
            .map_err(|error| Failure::internal(format!("cannot make a kafka client: {error}")))?;
        // Ctrl-C ends the command at once, so nothing has to be noticed meanwhile.
        fence(&producer, || true).map_err(|error| failure("the transaction coordinator", &error))?;
        Ok(Self(producer))
    }

    /// Begins the transaction.
    ///
    /// # Errors
    /// [`Failure`] (75) when another redrive took this one's place.
    pub(super) fn begin(&self) -> Result<(), Failure> {
        self.0
            .begin_transaction()
            .map_err(|error| self.overtaken().unwrap_or_else(|| failure("beginning a transaction", &error)))
    }

    /// Sends records and waits until the brokers say where they landed, in the order of the records.
    ///
    /// # Errors
    /// [`Unsent`] when one of them is not taken.
    pub(super) fn send(&self, records: &[Outgoing<'_>]) -> Result<Vec<Landed>, Unsent> {
        let hand_over =
            |(number, record)| self.hand_over(number, record).err().map(|error| (number, Err(error)));
        let mut reports: Vec<Report> = records.iter().enumerate().find_map(hand_over).into_iter().collect();
        let started = Instant::now();
        // What comes after an error only follows from it.
        while reports.len() < records.len() && reports.iter().all(has_landed) {
            if started.elapsed() > TRANSACTION_TIMEOUT {
                break;
            }
            self.0.poll(POLL_WAIT);
            reports.append(&mut self.came());
        }
        reports.sort_by_key(|(number, _)| *number);
        if reports.len() < records.len() || !reports.iter().all(has_landed) {
            return Err(self.give_up(reports, records));
        }
        Ok(reports.into_iter().filter_map(|(_, report)| report.ok()).collect())
    }

    /// Aborts, and tells why.
    fn give_up(&self, mut reports: Vec<Report>, records: &[Outgoing<'_>]) -> Unsent {
        // Aborting would wait in vain for reports that nobody fetches.
        self.0.purge(PurgeConfig::default().queue());
        drop(self.0.flush(ABORT_TIMEOUT));
        reports.append(&mut self.came());
        reports.sort_by_key(|(number, _)| *number);
        // Its only use is that readers need not wait for the time-out; the next redrive aborts it in any case.
        drop(self.0.abort_transaction(ABORT_TIMEOUT));
        // The client is told of it no later than by aborting, whatever the records were purged for.
        self.overtaken().map_or_else(|| unsent(reports, records), Unsent::Failed)
    }

    fn came(&self) -> Vec<Report> {
        std::mem::take(&mut *self.0.context().came.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn hand_over(&self, number: usize, record: &Outgoing<'_>) -> Result<(), KafkaError> {
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
                Err((error, _)) => return Err(error),
            }
        }
    }

    /// Commits. The producer is of no more use afterwards, whatever came of it.
    ///
    /// # Errors
    /// [`Failure`] (75): it is not known whether the transaction counts.
    pub(super) fn commit(self) -> Result<(), Failure> {
        self.0.commit_transaction(2 * TRANSACTION_TIMEOUT).map_err(|error| {
            let why = self.overtaken().map_or_else(|| error.to_string(), |failure| failure.to_string());
            Failure::temporary(format!(
                "whether the last letters were sent is not known ({why}): run the same command again, the receipts \
                 tell it what was sent"
            ))
        })
    }

    /// Whether another redrive took this one's place. The client's fatal error tells; others only follow from it.
    fn overtaken(&self) -> Option<Failure> {
        let (code, _) = self.0.client().fatal_error()?;
        is_fenced(code).then(overtaken)
    }
}

fn has_landed((_, report): &Report) -> bool {
    matches!(report, Ok(landed) if landed.offset >= 0)
}

/// What the reports of a transaction come to that was given up.
fn unsent(reports: Vec<Report>, records: &[Outgoing<'_>]) -> Unsent {
    let troubled = reports.into_iter().filter(|report| !has_landed(report));
    let troubled: Vec<_> =
        troubled.filter_map(|(number, report)| Some((number, report, records.get(number)?))).collect();
    let code =
        |report: &Result<Landed, KafkaError>| report.as_ref().err().and_then(KafkaError::rdkafka_error_code);
    if troubled.iter().any(|(_, report, _)| code(report).is_some_and(is_fenced)) {
        return Unsent::Failed(overtaken());
    }
    let refused = troubled
        .iter()
        .filter_map(|(number, report, record)| Some((*number, refusal(code(report)?, record)?)));
    let refused: Vec<_> = refused.collect();
    if !refused.is_empty() {
        return Unsent::Refused(refused);
    }
    // What was purged was so because of another.
    let is_cause = |report: &Result<Landed, KafkaError>| {
        !matches!(code(report), Some(Code::PurgeQueue | Code::PurgeInflight | Code::State))
    };
    let first = troubled.iter().find(|(_, report, _)| is_cause(report)).or(troubled.first());
    Unsent::Failed(match first {
        Some((_, Err(error), record)) => failure(&format!("sending {}", record.name), error),
        Some((_, Ok(_), record)) => Failure::temporary(format!(
            "the brokers took {} and did not say where it landed, so it was taken back: try again",
            record.name
        )),
        None => Failure::temporary(
            "the brokers did not acknowledge in time, so nothing of this transaction was sent: try again",
        ),
    })
}

/// Why the brokers will not take a record as it is; `None` where the error says nothing of the record.
fn refusal(code: Code, record: &Outgoing<'_>) -> Option<String> {
    let topic = &record.topic;
    match code {
        Code::UnknownTopic | Code::UnknownTopicOrPartition => Some(no_topic(topic)),
        Code::UnknownPartition => Some(no_partition(topic, record.partition.unwrap_or_default())),
        Code::MessageSizeTooLarge | Code::MessageBatchTooLarge => {
            Some(format!("it is larger than {topic} takes: raise max.message.bytes of it"))
        }
        Code::InvalidRecord => Some(format!(
            "it is none that {topic} takes (invalid record): a compacted topic, for example, takes none without a key"
        )),
        _ => None,
    }
}

fn failure(doing: &str, error: &KafkaError) -> Failure {
    let text = format!("{doing}: {error}");
    match error.rdkafka_error_code() {
        Some(code) if is_fenced(code) => overtaken(),
        Some(
            Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::TopicAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed,
        ) => Failure::unavailable(format!(
            "{text}; this user needs Write on the transactional id, the input topics and crime.dlq.redriven"
        )),
        _ => Failure::temporary(format!(
            "{text}; run the same command again, the receipts tell it what was sent"
        )),
    }
}

const fn is_fenced(code: Code) -> bool {
    matches!(code, Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch)
}

fn overtaken() -> Failure {
    Failure::temporary(
        "another `sanchar dlq redrive` took this one's place: run this again when it has ended",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use sanchar_runtime::lifecycle::ExitCode;

    fn unsent(errors: &[(usize, Code)]) -> Unsent {
        let record = |number| Outgoing {
            topic: "crime.reported.in-dl".into(),
            partition: Some(7),
            key: None,
            value: None,
            headers: Vec::new(),
            name: format!("letter 0:{number}"),
        };
        let report = |(number, code): &(usize, Code)| (*number, Err(KafkaError::MessageProduction(*code)));
        let records: Vec<_> = (0..4).map(record).collect();
        super::unsent(errors.iter().map(report).collect(), &records)
    }

    #[test]
    fn what_the_brokers_refuse_is_told_from_what_follows_from_it() {
        let unsent =
            unsent(&[(0, Code::PurgeQueue), (1, Code::UnknownPartition), (2, Code::InvalidDifferentRecord)]);
        let Unsent::Refused(refused) = unsent else { panic!("{unsent:?}") };
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].0, 1);
        assert!(refused[0].1.contains("has no partition 7"), "{refused:?}");
        for code in [Code::UnknownTopic, Code::MessageSizeTooLarge, Code::InvalidRecord] {
            assert!(
                matches!(super::tests::unsent(&[(3, code)]), Unsent::Refused(refused) if refused[0].0 == 3)
            );
        }
    }

    #[test]
    fn that_another_redrive_took_over_matters_more_than_what_was_purged_or_refused() {
        for code in [Code::Fenced, Code::InvalidProducerEpoch] {
            let errors = [(0, Code::PurgeQueue), (1, Code::UnknownTopicOrPartition), (2, code)];
            let Unsent::Failed(failure) = unsent(&errors) else { panic!() };
            assert_eq!(failure.exit_code(), ExitCode::Temporary);
            assert!(failure.to_string().contains("took this one's place"), "{failure}");
        }
    }

    #[test]
    fn the_cause_is_named_and_not_what_was_purged_for_it() {
        for (code, exit) in [
            (Code::TopicAuthorizationFailed, ExitCode::Unavailable),
            (Code::MessageTimedOut, ExitCode::Temporary),
        ] {
            let Unsent::Failed(failure) = unsent(&[(0, Code::PurgeQueue), (2, code)]) else { panic!() };
            assert_eq!(failure.exit_code(), exit);
            assert!(failure.to_string().contains("letter 0:2"), "{failure}");
        }
        let Unsent::Failed(failure) = unsent(&[]) else { panic!() };
        assert!(failure.to_string().contains("did not acknowledge in time"), "{failure}");
    }
}

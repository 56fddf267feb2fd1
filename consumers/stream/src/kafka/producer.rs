//! A transactional producer of a session (KIP-98).
//!
//! librdkafka speaks EndTxn v1, without KIP-890: after a commit or abort of unknown outcome a delayed EndTxn
//! could end the next transaction (KAFKA-17754). So nothing is tried twice here: any failure ends the session,
//! and the next session's `init_transactions` raises the epoch before it begins anything.

use super::error::{sort, sort_of};
use crate::client::{ClientError, Committed, Position, Record, SendError};
use crate::config::StreamConfig;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, Message as _, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use sanchar_runtime::kafka::{KafkaConfig, LogContext};
use sanchar_runtime::lifecycle::Shutdown;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Largest record that the client takes, before compression, in bytes: more than any topic of ours takes. Less than
/// [`BUFFER_KIB_MAX`], or a record could find the empty buffer full.
const MESSAGE_BYTES_MAX: usize = 32 << 20;
/// Most memory for records that wait to be sent, in KiB.
const BUFFER_KIB_MAX: usize = 64 << 10;
/// How long a start waits for the transaction coordinator.
const INIT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one call waits for it.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// How long a coordinator that is busy is left alone before it is asked again.
const FENCE_PULSE: Duration = Duration::from_millis(20);
/// How long the client leaves a request alone before it sends it again, in milliseconds.
const RETRY_BACKOFF_MS: u64 = 1_000;
/// A commit that was answered sooner was asked for once: the client waits for its back-off first, less a fifth.
const ASKED_ONCE: Duration = Duration::from_millis(RETRY_BACKOFF_MS * 7 / 10);
/// How soon and how late a commit looks again whether all records are acknowledged.
const ACKNOWLEDGEMENT_PULSE: [Duration; 2] = [Duration::from_micros(200), Duration::from_millis(5)];
const TIMED_OUT: KafkaError = KafkaError::Global(RDKafkaErrorCode::OperationTimedOut);
/// How long a full send buffer is waited for at a time.
const DRAIN_WAIT: Duration = Duration::from_millis(10);

pub(super) struct TransactionalProducer {
    producer: Arc<ThreadedProducer<ProducerContext>>,
    timeout: Duration,
}

/// Logs, and passes over single delivery reports: a record that is not delivered fails its transaction's commit. Only that
/// cannot say which topic would not take a record for its size, and every session would fail alike.
struct ProducerContext {
    log: LogContext,
    too_large_for: OnceLock<String>,
}

impl ClientContext for ProducerContext {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, line: &str) {
        self.log.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.log.error(error, reason);
    }
}

impl rdkafka::producer::ProducerContext for ProducerContext {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &rdkafka::message::DeliveryResult<'_>, (): ()) {
        if let Err((error, message)) = result {
            if error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge) {
                // The first is as good as any.
                let _known = self.too_large_for.set(message.topic().to_owned());
            }
            tracing::debug!(%error, "a record was not delivered; its transaction will not commit");
        }
    }
}

impl TransactionalProducer {
    /// Fences the predecessor with the same transactional id and ends the transaction that it left open.
    pub(super) fn connect(
        kafka: &KafkaConfig,
        stream: &StreamConfig,
        transactional_id: &str,
        shutdown: &Shutdown,
    ) -> Result<Self, ClientError> {
        let tuning = [
            ("linger.ms", "1"), // the commit waits for what lingers
            ("batch.size", "1000000"),
            ("batch.num.messages", "100000"),
            ("compression.type", "lz4"),
        ];
        let mut config = kafka.client_config_with(transactional_id, &tuning)?;
        config
            .set("transactional.id", transactional_id)
            .set("transaction.timeout.ms", stream.transaction_timeout_ms.to_string())
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("retry.backoff.ms", RETRY_BACKOFF_MS.to_string())
            .set("retry.backoff.max.ms", RETRY_BACKOFF_MS.to_string())
            .set("partitioner", "murmur2_random") // as the Java client, so that a key has one partition for all
            .set("message.max.bytes", MESSAGE_BYTES_MAX.to_string())
            .set("queue.buffering.max.messages", "1000000")
            .set("queue.buffering.max.kbytes", BUFFER_KIB_MAX.to_string())
            .set("delivery.report.only.error", "true");
        let producer: ThreadedProducer<ProducerContext> = config
            .create_with_context(ProducerContext {
                log: LogContext::new(transactional_id),
                too_large_for: OnceLock::new(),
            })
            .map_err(|error| sort("creating the producer", &error))?;
        let timeout = Duration::from_millis(u64::from(stream.transaction_timeout_ms));
        let producer = Self { producer: Arc::new(producer), timeout };
        fence(&*producer.producer, || !shutdown.is_triggered())
            .map_err(|error| producer.failed("fencing the predecessor", &error))?;
        Ok(producer)
    }

    pub(super) fn begin(&self) -> Result<(), ClientError> {
        self.producer.begin_transaction().map_err(|error| self.failed("beginning a transaction", &error))
    }

    pub(super) fn send(&self, record: Record<'_>) -> Result<(), SendError> {
        let bytes = record.bytes();
        let mut outgoing = BaseRecord::<[u8], [u8]>::to(record.topic);
        outgoing.key = record.key;
        outgoing.payload = record.value;
        if !record.headers.is_empty() {
            let headers = OwnedHeaders::new_with_capacity(record.headers.len());
            let insert = |headers: OwnedHeaders, (key, value): &(&str, Option<&[u8]>)| {
                headers.insert(Header { key, value: *value })
            };
            outgoing.headers = Some(record.headers.iter().fold(headers, insert));
        }
        loop {
            match self.producer.send(outgoing) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), unsent)) => {
                    outgoing = unsent;
                    self.producer.poll(DRAIN_WAIT);
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge), _)) => {
                    return Err(SendError::TooLarge { bytes, max: MESSAGE_BYTES_MAX });
                }
                Err((error, _)) => return Err(self.failed("writing a record", &error).into()),
            }
        }
    }

    pub(super) fn commit(
        &self,
        positions: &[Position],
        group: ConsumerGroupMetadata,
    ) -> Result<Committed, ClientError> {
        let mut offsets = TopicPartitionList::with_capacity(positions.len());
        for Position { partition, next_offset } in positions {
            let offset = Offset::Offset(*next_offset);
            offsets
                .add_partition_offset(&partition.topic, partition.partition, offset)
                .map_err(|error| sort("naming the offsets", &error))?;
        }
        let handed_over = self.hand_over(offsets, group)?;
        self.drain()?; // the offsets are on their way meanwhile
        let handed_over = handed_over.recv_timeout(self.timeout).unwrap_or(Err(TIMED_OUT));
        handed_over.map_err(|error| self.failed("handing over the offsets", &error))?;
        let asked = Instant::now();
        self.producer.commit_transaction(self.timeout).map_err(|error| self.failed("committing", &error))?;
        Ok(if asked.elapsed() < ASKED_ONCE {
            Committed::GoOn
        } else {
            Committed::Last("the commit took so long that the client may have asked for it twice".to_owned())
        })
    }

    /// Hands the offsets over to the transaction, on a thread of its own: the client's call does not keep its
    /// time-out while the group's coordinator is away (librdkafka 5511). What is still held up when the session
    /// has ended belongs to an epoch that the next session fences.
    fn hand_over(
        &self,
        offsets: TopicPartitionList,
        group: ConsumerGroupMetadata,
    ) -> Result<Receiver<Result<(), KafkaError>>, ClientError> {
        let (sender, receiver) = sync_channel(1);
        let (producer, timeout) = (Arc::clone(&self.producer), self.timeout);
        let work = move || {
            let result = producer.send_offsets_to_transaction(&offsets, &group, timeout);
            drop(producer);
            // Nobody waits any more when the session has ended.
            drop(sender.send(result));
        };
        let started = std::thread::Builder::new().name("offsets".to_owned()).spawn(work);
        started.map_err(|error| ClientError::Retryable(format!("starting a thread: {error}")))?;
        Ok(receiver)
    }

    /// Waits until every record is acknowledged, and about a twentieth of that longer. The client's own flush looks only
    /// every 100 ms.
    fn drain(&self) -> Result<(), ClientError> {
        let (started, [soonest, latest]) = (Instant::now(), ACKNOWLEDGEMENT_PULSE);
        while self.producer.in_flight_count() > 0 {
            if started.elapsed() > self.timeout {
                return Err(self.failed("waiting for records to be acknowledged", &TIMED_OUT));
            }
            std::thread::sleep((started.elapsed() / 20).clamp(soonest, latest));
        }
        Ok(())
    }

    pub(super) fn abort(&self) -> Result<(), ClientError> {
        self.producer.abort_transaction(self.timeout).map_err(|error| self.failed("aborting", &error))
    }

    fn failed(&self, doing: &str, error: &KafkaError) -> ClientError {
        if let Some(topic) = self.producer.context().too_large_for.get() {
            return ClientError::Refused(format!(
                "{doing}: {topic} does not take a record for its size: raise its max.message.bytes to what \
                 `sanchar topics plan` says; {error}"
            ));
        }
        sort_of(self.producer.client(), doing, error)
    }
}

/// Raises the epoch of a producer's transactional id, and ends what its predecessor left open. A call that timed out is gone
/// on with by the next one, so that it is noticed between them whether it `may_wait` still.
///
/// # Errors
/// The client's, when the coordinator does not give in within half a minute.
pub fn fence<C: rdkafka::producer::ProducerContext>(
    producer: &impl Producer<C>,
    may_wait: impl Fn() -> bool,
) -> Result<(), KafkaError> {
    let started = Instant::now();
    loop {
        match producer.init_transactions(ASK_AGAIN) {
            Err(error) if is_passing(&error) && started.elapsed() < INIT_TIMEOUT && may_wait() => {
                std::thread::sleep(FENCE_PULSE);
            }
            ended => return ended,
        }
    }
}

/// What a coordinator that is starting, or ending the predecessor's transaction, answers.
fn is_passing(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::OperationTimedOut
                | RDKafkaErrorCode::CoordinatorLoadInProgress
                | RDKafkaErrorCode::ConcurrentTransactions
        )
    )
}

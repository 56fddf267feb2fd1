//! The consumer of a session: a member of the group.
//! It never commits an offset; the producer does, inside the transaction.

use super::error::{is_passing, sort, sort_of};
use crate::client::{ClientError, Gap, Partition, Position, Rebalance, Settled};
use crate::config::{GroupProtocol, Job, StreamConfig};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::statistics::Partition as PartitionStatistics;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{ClientConfig, ClientContext, Offset, Statistics, TopicPartitionList};
use sanchar_runtime::kafka::{KafkaConfig, LogContext};
use sanchar_runtime::lifecycle::Shutdown;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a start waits for the brokers to describe the topics.
const METADATA_TIMEOUT: Duration = Duration::from_secs(15);
/// How long committed offsets may be pending: longer than a transaction lives by default. A session that gives up on one that
/// may live longer is followed by another, which waits on.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one question for them may take, so that a stop is noticed.
const ASK_AGAIN: Duration = Duration::from_secs(3);
/// How long a consumer may take to leave its group.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);
/// Most bytes of one answer. Records of a usual size in it are fewer than a transaction takes, so that a drain's transactions
/// are as large as its fetches, and each goes on while the next is fetched.
const FETCH_BYTES_MAX: usize = 3 << 20;
/// Most memory for records fetched and not polled yet, in KiB.
const FETCHED_KIB_MAX: usize = 8 << 10;

pub(super) struct GroupMember {
    consumer: Arc<BaseConsumer<MemberContext>>,
    /// What was paused and not resumed yet.
    paused: RefCell<Vec<Partition>>,
    _closing: Closing,
}

/// Closes the consumer, for it is dropped after everything else that holds it.
///
/// On a thread of its own: librdkafka waits for ever when an assignment that nobody has polled stands in the queue of a
/// consumer that is closed (its issues 4041 and 4884), and neither a stop nor the next session may wait with it.
struct Closing(Option<Arc<BaseConsumer<MemberContext>>>);

impl Drop for Closing {
    fn drop(&mut self) {
        let (consumer, (done, closed)) = (self.0.take(), sync_channel(1));
        let close = move || {
            drop(consumer);
            let _nobody_waits = done.send(());
        };
        let started = std::thread::Builder::new().name("close".to_owned()).spawn(close);
        if started.is_err() || closed.recv_timeout(CLOSE_TIMEOUT).is_err() {
            tracing::warn!(
                "the consumer does not close; its group takes it for gone after the session time-out"
            );
        }
    }
}

/// Notes what happens inside a poll, for the engine to read after it.
struct MemberContext {
    log: LogContext,
    rebalances: Mutex<Vec<Rebalance>>,
    end_offsets: Mutex<Vec<Position>>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn partitions(list: &TopicPartitionList) -> Vec<Partition> {
    let elements = list.elements();
    elements.iter().map(|e| Partition { topic: e.topic().to_owned(), partition: e.partition() }).collect()
}

impl ClientContext for MemberContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.log.log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.log.error(error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        self.log.brokers().note(&statistics);
        let mut ends = Vec::new();
        for (topic, of_topic) in statistics.topics {
            for (partition, of_partition) in of_topic.partitions {
                if partition >= 0 && of_partition.hi_offset >= 0 {
                    let partition = Partition { topic: topic.clone(), partition };
                    ends.push(Position { partition, next_offset: end_of_records(&of_partition) });
                }
            }
        }
        *locked(&self.end_offsets) = ends;
    }
}

/// Where the records of a partition end. That is before its end offset when the last entries are the marks of transactions,
/// as after a redrive, which the client reads and gives to nobody.
fn end_of_records(partition: &PartitionStatistics) -> i64 {
    let is_read = partition.fetchq_cnt == 0 && partition.next_offset >= partition.hi_offset;
    if is_read && partition.app_offset >= 0 { partition.app_offset } else { partition.hi_offset }
}

impl ConsumerContext for MemberContext {
    fn pre_rebalance(&self, _consumer: &BaseConsumer<Self>, rebalance: &rdkafka::consumer::Rebalance<'_>) {
        let change = match rebalance {
            rdkafka::consumer::Rebalance::Assign(list) => Rebalance::Assigned(partitions(list)),
            rdkafka::consumer::Rebalance::Revoke(list) => Rebalance::Revoked(partitions(list)),
            rdkafka::consumer::Rebalance::Error(error) => {
                tracing::warn!(%error, "a rebalance failed; the group tries again");
                return;
            }
        };
        locked(&self.rebalances).push(change);
    }
}

impl GroupMember {
    pub(super) fn join(kafka: &KafkaConfig, stream: &StreamConfig, job: &Job) -> Result<Self, ClientError> {
        let client_id = format!("{}-consumer", job.member_id());
        let tuning = [
            // A request names all partitions, and a busy service would ask for each single record as it comes. So the client
            // asks again when what it fetched is taken, but for so few that a quiet service takes them sooner than that.
            ("queued.min.messages", "3"),
            ("fetch.queue.backoff.ms", "2"),
            // Now and then it asks for some of the partitions only, when the others became due a moment later. Those wait
            // until something comes of the first ones, and no longer than this.
            ("fetch.wait.max.ms", "100"),
        ];
        let mut config = kafka.client_config_with(&client_id, &tuning)?;
        config
            .set("group.id", &job.group_id)
            .set("isolation.level", "read_committed") // also makes the offset fetch wait for open transactions
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("queued.max.messages.kbytes", FETCHED_KIB_MAX.to_string())
            .set("fetch.max.bytes", FETCH_BYTES_MAX.to_string())
            .set("statistics.interval.ms", "1000");
        set_protocol(&mut config, stream, job);
        let context = MemberContext {
            log: LogContext::new(client_id),
            rebalances: Mutex::default(),
            end_offsets: Mutex::default(),
        };
        let consumer: BaseConsumer<MemberContext> =
            config.create_with_context(context).map_err(|error| sort("creating the consumer", &error))?;
        check_topics(&consumer, job)?;
        let topics: Vec<&str> = job.input_topics.iter().map(String::as_str).collect();
        consumer.subscribe(&topics).map_err(|error| sort("subscribing", &error))?;
        let consumer = Arc::new(consumer);
        Ok(Self { _closing: Closing(Some(Arc::clone(&consumer))), consumer, paused: RefCell::default() })
    }

    pub(super) fn poll(&self, wait: Duration) -> Result<Option<BorrowedMessage<'_>>, ClientError> {
        match self.consumer.poll(wait) {
            None => {
                let known = self.consumer.context().log.brokers().check();
                known.map(|()| None).map_err(|error| ClientError::Retryable(error.to_string()))
            }
            Some(Ok(message)) => Ok(Some(message)),
            Some(Err(error)) if is_passing(&error) => {
                tracing::warn!(%error, "reading is interrupted; the client tries again");
                Ok(None)
            }
            Some(Err(error)) => Err(self.failed("reading", &error)),
        }
    }

    pub(super) fn take_rebalances(&self) -> Vec<Rebalance> {
        std::mem::take(&mut *locked(&self.consumer.context().rebalances))
    }

    pub(super) fn end_offsets(&self) -> Vec<Position> {
        locked(&self.consumer.context().end_offsets).clone()
    }

    pub(super) fn is_connected(&self) -> bool {
        self.consumer.context().log.brokers().is_connected()
    }

    /// Waits until the committed offsets of `partitions` are final: the brokers give them out only when no
    /// transaction is left that has offsets of these partitions pending (KIP-447, `require_stable`). After
    /// that, whatever an earlier reader has not committed can no longer commit: its generation is over.
    pub(super) fn settle(
        &self,
        partitions: &[Partition],
        shutdown: &Shutdown,
    ) -> Result<Settled, ClientError> {
        let mut list = TopicPartitionList::with_capacity(partitions.len());
        for Partition { topic, partition } in partitions {
            list.add_partition(topic, *partition);
        }
        let started = Instant::now();
        loop {
            match self.committed(list.clone()) {
                Err(RDKafkaErrorCode::OperationTimedOut | RDKafkaErrorCode::UnstableOffsetCommit)
                    if started.elapsed() < SETTLE_TIMEOUT && !shutdown.is_triggered() => {}
                Err(RDKafkaErrorCode::OperationTimedOut | RDKafkaErrorCode::UnstableOffsetCommit) => {
                    return Err(ClientError::Retryable(
                        "a transaction of an earlier reader is undecided for longer than transactions live; if this \
                         stays, end it with kafka-transactions.sh, find-hanging and abort"
                            .to_owned(),
                    ));
                }
                Err(code) => {
                    return Err(self.failed("asking for the committed offsets", &KafkaError::Global(code)));
                }
                Ok(committed) => return Ok(self.settled(&committed)),
            }
        }
    }

    /// Where partitions are read on, and what was removed between committed offsets and what is left. Brokers that do not
    /// tell what is left are no reason to wait: the client goes on with the first record of it in any case.
    fn settled(&self, committed: &TopicPartitionList) -> Settled {
        let first = self.first_left(committed).unwrap_or_default();
        let mut settled = Settled::default();
        for element in committed.elements() {
            let partition = Partition { topic: element.topic().to_owned(), partition: element.partition() };
            let first = first.get(&partition).copied();
            let committed = element.offset().to_raw().filter(|offset| *offset >= 0);
            if let (Some(committed), Some(first)) = (committed, first)
                && let Ok(records @ 1..) = u64::try_from(first - committed)
            {
                settled.gaps.push(Gap { partition: partition.clone(), records });
            }
            if let Some(next_offset) = committed.max(first) {
                settled.positions.push(Position { partition, next_offset });
            }
        }
        settled
    }

    /// The first offset that is left of each partition.
    fn first_left(&self, of: &TopicPartitionList) -> Result<HashMap<Partition, i64>, KafkaError> {
        let mut list = TopicPartitionList::with_capacity(of.count());
        for element in of.elements() {
            // Stands for a time before all others (KIP-79).
            list.add_partition_offset(element.topic(), element.partition(), Offset::Beginning)?;
        }
        let answer = self.consumer.offsets_for_times(list, ASK_AGAIN)?;
        let first = |element: &TopicPartitionListElem<'_>| {
            let partition = Partition { topic: element.topic().to_owned(), partition: element.partition() };
            Some((partition, element.offset().to_raw().filter(|offset| *offset >= 0)?))
        };
        Ok(answer.elements().iter().filter_map(first).collect())
    }

    /// Asks once for the committed offsets. Errors may stand beside single partitions.
    fn committed(&self, list: TopicPartitionList) -> Result<TopicPartitionList, RDKafkaErrorCode> {
        let code = |error: &KafkaError| error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        let answer = self.consumer.committed_offsets(list, ASK_AGAIN).map_err(|error| code(&error))?;
        answer.elements().iter().try_for_each(|element| element.error().map_err(|error| code(&error)))?;
        Ok(answer)
    }

    pub(super) fn pause(&self) -> Result<(), ClientError> {
        let assignment = self.assignment()?;
        self.consumer.pause(&assignment).map_err(|error| self.failed("pausing", &error))?;
        self.paused.borrow_mut().extend(partitions(&assignment));
        Ok(())
    }

    /// Resumes what was paused, whoever has it now. A partition that is taken away stays paused in the client, and still is
    /// when it comes back: with the partitions that are assigned by now alone, it would never be read again.
    pub(super) fn resume(&self) -> Result<(), ClientError> {
        let mut list = TopicPartitionList::new();
        for Partition { topic, partition } in self.paused.borrow_mut().drain(..) {
            list.add_partition(&topic, partition);
        }
        self.consumer.resume(&list).map_err(|error| self.failed("resuming", &error))
    }

    pub(super) fn group_metadata(&self) -> Result<ConsumerGroupMetadata, ClientError> {
        if self.consumer.assignment_lost() {
            // A member that the group has forgotten may have no generation either, and nobody would refuse its offsets.
            return Err(ClientError::Retryable(
                "the group has given this member's partitions to others".to_owned(),
            ));
        }
        let metadata = self.consumer.group_metadata();
        metadata.ok_or_else(|| ClientError::Retryable("the consumer is not in its group".to_owned()))
    }

    fn failed(&self, doing: &str, error: &KafkaError) -> ClientError {
        sort_of(self.consumer.client(), doing, error)
    }

    fn assignment(&self) -> Result<TopicPartitionList, ClientError> {
        self.consumer.assignment().map_err(|error| self.failed("asking for the assignment", &error))
    }
}

/// How this member comes to its partitions.
fn set_protocol(config: &mut ClientConfig, stream: &StreamConfig, job: &Job) {
    if stream.group_protocol.is_static() {
        config.set("group.instance.id", job.member_id());
    }
    match stream.group_protocol {
        // One round gives every partition an owner. The cooperative protocol needs a second round, which a static
        // member that comes back in between does not start, and what it gave up stays with nobody.
        GroupProtocol::Eager => config.set("partition.assignment.strategy", "roundrobin"),
        GroupProtocol::Cooperative => config.set("partition.assignment.strategy", "cooperative-sticky"),
        GroupProtocol::Broker => config.set("group.protocol", "consumer"),
    };
    if stream.group_protocol != GroupProtocol::Broker {
        config.set("session.timeout.ms", stream.session_timeout_ms.to_string());
    }
}

/// Refuses to start on a cluster that lacks a topic: a missing inbox would otherwise fail the first
/// transaction that needs it, and every one after it.
fn check_topics(consumer: &BaseConsumer<MemberContext>, job: &Job) -> Result<(), ClientError> {
    let metadata = consumer
        .fetch_metadata(None, METADATA_TIMEOUT)
        .map_err(|error| sort("asking for the topics", &error))?;
    let known =
        |name: &str| metadata.topics().iter().any(|topic| topic.name() == name && topic.error().is_none());
    let needed =
        job.input_topics.iter().chain(&job.output_topics).chain([&job.changelog_topic, &job.dlq_topic]);
    let missing: Vec<&str> = needed.map(String::as_str).filter(|name| !known(name)).collect();
    if !missing.is_empty() {
        let names = missing.join(", ");
        return Err(ClientError::Refused(format!(
            "topics are missing: {names}; create them with `sanchar topics apply`"
        )));
    }
    let changelog = metadata.topics().iter().find(|topic| topic.name() == job.changelog_topic);
    match changelog.map(|topic| topic.partitions().len()) {
        Some(1) => Ok(()),
        _ => Err(ClientError::Refused(format!(
            "{} must have one partition; create it anew",
            job.changelog_topic
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::{PartitionStatistics, end_of_records};

    #[test]
    fn marks_of_transactions_at_the_end_are_no_records_that_wait() {
        let partition = |fetchq_cnt, next_offset, app_offset| {
            let all = PartitionStatistics { hi_offset: 12, ..PartitionStatistics::default() };
            end_of_records(&PartitionStatistics { fetchq_cnt, next_offset, app_offset, ..all })
        };
        assert_eq!(partition(0, 12, 11), 11, "offset 11 is a mark");
        assert_eq!(partition(1, 12, 10), 12, "a record is fetched and not handed on");
        assert_eq!(partition(0, 9, 9), 12, "records are to be fetched");
        assert_eq!(partition(0, 12, -1_001), 12, "nothing was handed on yet: there may be records");
    }
}

//! The engine's own logic, on the in-memory client: order of steps, the three kinds of failure, where it resumes.

use super::*;
use crate::client::{Partition, Rebalance, Record};
use crate::follower::Followed;
use crate::memory::{Cluster, MemoryConnector, MemoryMessage, Scripted, Sent, Step};
use crate::processor::{Outputs, Poison, Refusal};
use sanchar_runtime::clock::SystemClock;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// Copies each value to the topic `out`; refuses what the value says.
#[derive(Default)]
struct Copier {
    heard: Rc<RefCell<Vec<String>>>,
    /// How often a value that starts with `wait` still has to wait.
    waits: usize,
}

impl Processor for Copier {
    fn process(&mut self, message: &dyn Message, outputs: &mut Outputs<'_>) -> Result<(), Refusal> {
        let value = message.value().unwrap_or_default();
        let poison = |reason| Poison { stage: "test", reason, message: "as the test says".to_owned() };
        if value.starts_with(b"poison") {
            return Err(Refusal::Poison(poison("poison")));
        }
        if value.starts_with(b"fatal") {
            return Err(Refusal::Fatal(Failure::internal("as the test says")));
        }
        if value.starts_with(b"slow") {
            std::thread::sleep(Duration::from_millis(u64::from(SHORT_TRANSACTION_MS) / 2));
        }
        if value.starts_with(b"wait") && self.waits > 0 {
            self.waits -= 1;
            return Err(Refusal::Retryable("as the test says".to_owned()));
        }
        outputs.send(Record { topic: "out", key: message.key(), value: Some(value), headers: &[] })?;
        outputs.changelog(b"key", value)?;
        if value.starts_with(b"late") {
            return Err(Refusal::Poison(poison("too late to refuse")));
        }
        Ok(())
    }

    fn committed(&mut self) {
        self.heard.borrow_mut().push("committed".to_owned());
    }

    fn aborted(&mut self) {
        self.heard.borrow_mut().push("aborted".to_owned());
    }
}

/// A time-out of transactions, half of which a slow record takes.
const SHORT_TRANSACTION_MS: u32 = 30;

fn partition(partition: i32) -> Partition {
    Partition { topic: "in".to_owned(), partition }
}

fn message(number: i32, offset: i64, value: &str) -> Step {
    let value = value.as_bytes().to_vec();
    Step::Message(MemoryMessage { topic: "in".to_owned(), partition: number, offset, key: "key", value })
}

fn assigned(number: i32) -> Step {
    Step::Rebalance(Rebalance::Assigned(vec![partition(number)]))
}

fn revoked(number: i32) -> Step {
    Step::Rebalance(Rebalance::Revoked(vec![partition(number)]))
}

struct Outcome {
    result: Result<(), Failure>,
    cluster: Rc<RefCell<Cluster>>,
    heard: Vec<String>,
    /// What the health endpoint says at the end.
    health: String,
    /// Records read, and how many of them overtook others.
    counted: (u64, u64),
}

impl Outcome {
    fn values(&self, topic: &str) -> Vec<String> {
        let cluster = self.cluster.borrow();
        let of_topic = cluster.committed.iter().filter(|sent| sent.topic == topic);
        of_topic.map(|sent| String::from_utf8_lossy(&sent.value).into_owned()).collect()
    }

    fn calls(&self) -> Vec<&'static str> {
        self.cluster.borrow().calls.clone()
    }
}

fn run(cluster: Cluster, config: &StreamConfig, waits: usize) -> Outcome {
    run_beside(Followed::nothing(), cluster, config, waits)
}

fn run_beside(followed: Followed, cluster: Cluster, config: &StreamConfig, waits: usize) -> Outcome {
    let context = Context::new("sanchar-test", Arc::new(SystemClock)).unwrap();
    let cluster = Rc::new(RefCell::new(cluster));
    let connector =
        Scripted { connector: MemoryConnector(Rc::clone(&cluster)), shutdown: context.shutdown.clone() };
    let heard = Rc::new(RefCell::new(Vec::new()));
    let job = Job {
        input_topics: vec!["in".to_owned()],
        output_topics: vec!["out".to_owned()],
        changelog_topic: "changelog".to_owned(),
        dlq_topic: "dlq".to_owned(),
        output_bytes_max: 20,
        letter_bytes_max: 100,
        group_id: "group".to_owned(),
        instance_id: "one".to_owned(),
        worker: 0,
        version: "0",
        is_urgent: |_| false,
    };
    let copier = Copier { heard: Rc::clone(&heard), waits };
    let config = StreamConfig { retry_min_ms: 1, retry_max_ms: 2, ..config.clone() };
    let health = context.health.clone();
    let metrics = EngineMetrics::new(&context.metrics).unwrap();
    let counts = metrics.clone();
    let ahead = cluster.borrow().ahead.clone().unwrap_or_else(HandOver::off);
    let engine = Engine::new(connector, copier, job, config, context, metrics, followed).with_ahead(ahead);
    let result = engine.run();
    let counted = (counts.records_in.with_label_values(&["in"]).get(), counts.overtaken.get());
    let health = health.live(true).text;
    let heard = heard.borrow().clone();
    Outcome { result, cluster, heard, health, counted }
}

fn script(sessions: Vec<Vec<Step>>) -> Cluster {
    Cluster { sessions: sessions.into_iter().map(Into::into).collect(), ..Cluster::default() }
}

#[test]
fn a_drained_input_is_one_transaction_with_its_positions() {
    let steps = vec![assigned(0), message(0, 7, "a"), message(0, 8, "b")];
    let outcome = run(script(vec![steps]), &StreamConfig::default(), 0);
    assert!(outcome.result.is_ok());
    assert_eq!(outcome.values("out"), ["a", "b"]);
    assert_eq!(outcome.values("changelog"), ["a", "b"]);
    assert_eq!(outcome.cluster.borrow().positions, [(partition(0), 9)].into());
    assert_eq!(outcome.calls(), ["connect", "settle", "begin", "commit"]);
    assert_eq!(outcome.heard, ["committed"]);
}

#[test]
fn a_busy_turn_takes_what_is_fetched_a_moment_later_and_a_quiet_one_does_not_wait() {
    // What is there at once came during the transaction before.
    let busy = vec![assigned(0), message(0, 0, "a"), Step::Drained, message(0, 1, "b")];
    let outcome = run(script(vec![busy]), &StreamConfig::default(), 0);
    assert_eq!(outcome.calls(), ["connect", "settle", "begin", "commit"]);
    assert_eq!(outcome.values("out"), ["a", "b"]);

    let quiet = vec![
        assigned(0),
        Step::Drained,
        message(0, 0, "a"),
        Step::Drained,
        Step::Drained,
        message(0, 1, "b"),
    ];
    let outcome = run(script(vec![quiet]), &StreamConfig::default(), 0);
    assert_eq!(outcome.calls(), ["connect", "settle", "begin", "commit", "begin", "commit"]);
}

#[test]
fn a_full_batch_is_committed_before_more_is_read() {
    let steps = vec![assigned(0), message(0, 0, "a"), message(0, 1, "b"), message(0, 2, "c")];
    let config = StreamConfig { batch_records_max: 2, ..StreamConfig::default() };
    let outcome = run(script(vec![steps]), &config, 0);
    assert_eq!(outcome.values("out"), ["a", "b", "c"]);
    assert_eq!(outcome.calls().iter().filter(|call| **call == "commit").count(), 2);
}

#[test]
fn a_transaction_is_committed_before_the_brokers_would_end_it() {
    let steps = vec![assigned(0), message(0, 0, "slow a"), message(0, 1, "slow b"), message(0, 2, "c")];
    let config = StreamConfig {
        transaction_timeout_ms: SHORT_TRANSACTION_MS,
        batch_records_max: 3, // so that the script does not end with the first batch
        ..StreamConfig::default()
    };
    let outcome = run(script(vec![steps]), &config, 0);
    assert_eq!(outcome.values("out"), ["slow a", "slow b"], "the script ends before the third");
    let commits: Vec<_> = outcome.calls().into_iter().filter(|call| *call == "commit").collect();
    assert_eq!(commits.len(), 2, "one for each slow record");
}

#[test]
fn a_commit_that_ends_its_session_counts_like_any_other() {
    let first = vec![assigned(0), message(0, 0, "a"), message(0, 1, "poison")];
    let mut cluster = script(vec![first, vec![assigned(0), message(0, 2, "c")]]);
    cluster.is_last_commit = Some("as the test says".to_owned());
    let outcome = run(cluster, &StreamConfig::default(), 0);
    assert!(outcome.result.is_ok());
    assert_eq!((outcome.values("out"), outcome.counted.0), (vec!["a".to_owned(), "c".to_owned()], 3));
    assert_eq!(outcome.heard, ["committed", "aborted", "committed"]);

    let config = StreamConfig { poison_window_records: 2, ..StreamConfig::default() };
    let poison = vec![assigned(0), message(0, 0, "poison"), message(0, 1, "poison")];
    let mut cluster = script(vec![poison, Vec::new()]);
    cluster.is_last_commit = Some("as the test says".to_owned());
    let outcome = run(cluster, &config, 0);
    assert_eq!(outcome.result.unwrap_err().exit_code() as u8, 70, "the breaker sees it");
}

#[test]
fn no_more_than_a_batch_is_read_of_partitions_that_come_while_a_record_waits() {
    let mut steps = vec![assigned(0), message(0, 0, "wait"), Step::Drained, Step::Drained, assigned(1)];
    steps.extend((0..1_000).map(|offset| message(1, offset, "a")));
    let config = StreamConfig { batch_records_max: 2, ..StreamConfig::default() };
    let outcome = run(script(vec![steps]), &config, 1);
    let commits = outcome.calls().into_iter().filter(|call| *call == "commit").count();
    assert!(commits >= 300, "{commits} transactions for 1,001 records, of which three fit into one at most");
}

#[test]
fn of_poison_that_is_larger_than_a_letter_its_place_and_size_are_kept() {
    let large = format!("poison{}", "x".repeat(200));
    let outcome = run(script(vec![vec![assigned(0), message(0, 7, &large)]]), &StreamConfig::default(), 0);
    assert!(outcome.result.is_ok());
    let cluster = outcome.cluster.borrow();
    let [dead] = cluster.committed.as_slice() else { panic!("{:?}", cluster.committed) };
    assert_eq!((dead.topic.as_str(), dead.value.len()), ("dlq", 0));
    let header = |name: &str| {
        let found = dead.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    };
    assert!(header("sanchar-dlq-left-out").unwrap().starts_with("value bytes=206 sha256="));
    assert_eq!(header("__dlq.errors.offset").as_deref(), Some("7"));
    assert_eq!(header("kept"), None);
}

#[test]
fn poison_goes_to_the_dead_letter_queue_in_the_same_transaction() {
    let steps = vec![assigned(0), message(0, 0, "a"), message(0, 1, "poison"), message(0, 2, "c")];
    let outcome = run(script(vec![steps]), &StreamConfig::default(), 0);
    assert_eq!(
        (outcome.values("out"), outcome.values("dlq")),
        (vec!["a".into(), "c".into()], vec!["poison".into()])
    );
    assert_eq!(outcome.calls(), ["connect", "settle", "begin", "commit"]);
    let cluster = outcome.cluster.borrow();
    let dead: &Sent = cluster.committed.iter().find(|sent| sent.topic == "dlq").unwrap();
    let header = |name: &str| {
        let found = dead.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    };
    for (name, value) in [
        ("kept", "as it came"),
        ("__dlq.errors.topic", "in"),
        ("__dlq.errors.partition", "0"),
        ("__dlq.errors.offset", "1"),
        ("__dlq.errors.group", "group"),
        ("__dlq.errors.delivery.count", "1"),
        ("__dlq.errors.message", "as the test says"),
        ("sanchar-dlq-stage", "test"),
        ("sanchar-dlq-reason", "poison"),
    ] {
        assert_eq!(header(name), value, "{name}");
    }
}

#[test]
fn a_record_that_waits_holds_back_itself_and_nothing_before_it() {
    let steps = vec![assigned(0), message(0, 0, "a"), message(0, 1, "wait"), message(0, 2, "c")];
    let outcome = run(script(vec![steps]), &StreamConfig::default(), 1);
    assert_eq!(outcome.values("out"), ["a"], "the script ends while it waits");
    let calls = outcome.calls();
    assert_eq!(calls[..6], ["connect", "settle", "begin", "commit", "pause", "resume"]);
    assert!(outcome.values("dlq").is_empty());
}

#[test]
fn nothing_done_is_aborted() {
    let steps = vec![assigned(0), message(0, 1, "wait")];
    let outcome = run(script(vec![steps]), &StreamConfig::default(), 1);
    assert_eq!(outcome.calls()[..6], ["connect", "settle", "begin", "abort", "pause", "resume"]);
}

#[test]
fn a_failed_commit_ends_the_session_and_the_next_one_starts_afresh() {
    let first = vec![assigned(0), message(0, 0, "a")];
    let second = vec![assigned(0), message(0, 0, "a"), message(0, 1, "b")];
    let mut cluster = script(vec![first, second]);
    cluster.commit_failures.push_back(Some(ClientError::Retryable("as the test says".to_owned())));
    let outcome = run(cluster, &StreamConfig::default(), 0);
    assert!(outcome.result.is_ok());
    assert_eq!(outcome.values("out"), ["a", "b"], "what did not commit is not visible");
    assert_eq!(
        outcome.calls(),
        ["connect", "settle", "begin", "commit", "connect", "settle", "begin", "commit"]
    );
    assert_eq!(outcome.heard, ["aborted", "committed"]);
}

#[test]
fn fenced_refused_and_fatal_end_the_process_with_their_codes() {
    let ends =
        |error: ClientError| run(script(vec![vec![Step::Fail(error)]]), &StreamConfig::default(), 0).result;
    assert_eq!(ends(ClientError::Fenced("x".into())).unwrap_err().exit_code() as u8, 75);
    assert_eq!(ends(ClientError::Refused("x".into())).unwrap_err().exit_code() as u8, 69);
    assert_eq!(ends(ClientError::Misconfigured("x".into())).unwrap_err().exit_code() as u8, 78);
    let outcome = run(script(vec![vec![assigned(0), message(0, 0, "fatal")]]), &StreamConfig::default(), 0);
    assert_eq!(outcome.result.as_ref().unwrap_err().exit_code() as u8, 70);
}

#[test]
fn what_was_read_from_a_revoked_partition_is_not_processed() {
    let steps = vec![
        assigned(0),
        message(0, 0, "mine"),
        message(1, 0, "theirs"),
        revoked(1),
        message(0, 1, "mine too"),
    ];
    let outcome = run(script(vec![steps]), &StreamConfig::default(), 0);
    // The rebalance ends the collection of the first batch.
    assert_eq!(outcome.values("out"), ["mine", "mine too"]);
}

#[test]
fn the_changelog_is_read_before_the_first_record_of_a_new_partition() {
    let steps = vec![assigned(0), message(0, 0, "a"), assigned(1), message(1, 0, "b")];
    let outcome = run(script(vec![steps]), &StreamConfig::default(), 0);
    assert_eq!(
        outcome.calls().iter().filter(|call| **call == "settle").count(),
        2,
        "once for each new partition"
    );
}

#[test]
fn nothing_is_processed_when_the_group_changes_while_the_changelog_is_read() {
    let steps = vec![assigned(0), message(0, 0, "a"), assigned(1), message(1, 0, "b")];
    let followed = Followed::after_questions(2);
    let outcome = run_beside(followed, script(vec![steps]), &StreamConfig::default(), 0);
    assert_eq!(outcome.values("out"), ["a", "b"]);
    let expected = ["connect", "settle", "pause", "resume", "settle", "begin", "commit"];
    assert_eq!(outcome.calls(), expected, "the question is asked again before the first record");
}

#[test]
fn a_record_too_large_for_its_topic_is_poison() {
    let steps = vec![assigned(0), message(0, 0, "larger than any output"), message(0, 1, "ok")];
    let outcome = run(script(vec![steps]), &StreamConfig::default(), 0);
    assert_eq!((outcome.values("out"), outcome.values("dlq").len()), (vec!["ok".to_owned()], 1));
}

#[test]
fn a_dead_letter_that_does_not_fit_is_for_an_operator() {
    let mut cluster = script(vec![vec![assigned(0), message(0, 0, "poison, and large")]]);
    cluster.value_bytes_max = 5;
    let outcome = run(cluster, &StreamConfig::default(), 0);
    assert_eq!(outcome.result.as_ref().unwrap_err().exit_code() as u8, 78);
}

#[test]
fn mostly_poison_stops_the_service_after_committing_what_it_judged() {
    let config = StreamConfig { poison_window_records: 4, batch_records_max: 2, ..StreamConfig::default() };
    let mut steps = vec![assigned(0)];
    steps.extend((0..20).map(|offset| message(0, offset, "poison")));
    let outcome = run(script(vec![steps]), &config, 0);
    assert_eq!(outcome.result.as_ref().unwrap_err().exit_code() as u8, 70);
    assert_eq!(
        outcome.cluster.borrow().positions,
        [(partition(0), 4)].into(),
        "the rest is left where it is"
    );
}

#[test]
fn a_processor_that_refuses_after_writing_is_a_mistake_in_the_program() {
    let outcome = run(script(vec![vec![assigned(0), message(0, 0, "late")]]), &StreamConfig::default(), 0);
    assert_eq!(outcome.result.as_ref().unwrap_err().exit_code() as u8, 70);
    assert!(outcome.values("out").is_empty());
}

#[test]
fn brokers_that_go_while_nothing_is_to_be_done_are_noticed() {
    let steps = || vec![assigned(0), message(0, 0, "a")];
    let connected = run(script(vec![steps()]), &StreamConfig::default(), 0);
    assert!(connected.health.contains("engine: ready"), "{}", connected.health);
    let lost = run(Cluster { is_lost: true, ..script(vec![steps()]) }, &StreamConfig::default(), 0);
    assert!(lost.health.contains("no broker answers"), "{}", lost.health);
}

#[test]
fn a_spare_member_is_ready_and_one_that_waits_for_its_group_is_not() {
    let none = Step::Rebalance(Rebalance::Assigned(Vec::new()));
    let spare = run(script(vec![vec![none]]), &StreamConfig::default(), 0);
    assert!(spare.health.contains("engine: ready"), "{}", spare.health);
    let waiting = run(script(vec![Vec::new()]), &StreamConfig::default(), 0);
    assert!(waiting.health.contains("not ready"), "{}", waiting.health);
}

fn ahead(number: i32, offset: i64, value: &str) -> Step {
    let Step::Message(message) = message(number, offset, value) else { unreachable!("it is one") };
    Step::Ahead(message)
}

/// As [`script`], for an engine that urgent records are handed over to.
fn script_ahead(sessions: Vec<Vec<Step>>) -> Cluster {
    Cluster { ahead: Some(HandOver::new(5_000)), ..script(sessions) }
}

#[test]
fn an_urgent_record_of_further_on_is_processed_before_the_batch_and_has_no_offset() {
    let steps = vec![assigned(0), ahead(0, 9, "urgent"), message(0, 0, "a"), message(0, 1, "b")];
    let outcome = run(script_ahead(vec![steps]), &StreamConfig::default(), 0);
    assert_eq!(outcome.values("out"), ["urgent", "a", "b"]);
    assert_eq!(outcome.cluster.borrow().positions, [(partition(0), 2)].into());
    assert_eq!(outcome.calls(), ["connect", "settle", "begin", "commit"], "all in one transaction");
    assert_eq!(outcome.counted, (3, 1));
}

#[test]
fn the_offset_of_an_urgent_records_partition_is_committed_where_it_stands() {
    let steps =
        vec![assigned(0), assigned(1), message(1, 0, "before"), ahead(1, 9, "urgent"), message(0, 0, "a")];
    let config = StreamConfig { batch_records_max: 1, ..StreamConfig::default() };
    let outcome = run(script_ahead(vec![steps]), &config, 0);
    assert_eq!(outcome.values("out"), ["before", "urgent", "a"]);
    assert_eq!(outcome.cluster.borrow().positions, [(partition(0), 1), (partition(1), 1)].into());
    let none_before = vec![assigned(0), assigned(1), ahead(1, 9, "urgent"), message(0, 0, "a")];
    let outcome = run(script_ahead(vec![none_before]), &config, 0);
    assert_eq!(outcome.cluster.borrow().positions, [(partition(0), 1), (partition(1), 0)].into());
}

#[test]
fn an_urgent_record_does_not_wait_for_one_that_waits() {
    let steps = vec![assigned(0), ahead(0, 9, "urgent"), message(0, 5, "wait")];
    let outcome = run(script_ahead(vec![steps]), &StreamConfig::default(), 1);
    assert_eq!(outcome.values("out"), ["urgent"]);
    let calls = outcome.calls();
    assert_eq!(calls[..5], ["connect", "settle", "begin", "commit", "pause"]);
    assert_eq!(outcome.cluster.borrow().positions, [(partition(0), 0)].into(), "it is not moved on");
}

#[test]
fn an_urgent_record_that_is_refused_waits_for_its_turn() {
    let early = vec![
        assigned(0),
        ahead(0, 7, "poison"),
        ahead(0, 8, "of the same key"),
        message(0, 5, "a"),
        message(0, 6, "b"),
    ];
    let outcome = run(script_ahead(vec![early]), &StreamConfig::default(), 0);
    assert_eq!(outcome.values("out"), ["a", "b"], "nothing overtakes a record of its own key");
    assert!(outcome.values("dlq").is_empty(), "nothing is dead-lettered before its turn");
    assert_eq!(outcome.counted, (2, 0));
}

#[test]
fn what_is_handed_over_goes_with_its_partition_and_with_its_session() {
    let revoked_in_time = vec![
        assigned(0),
        assigned(1),
        ahead(1, 9, "theirs"),
        message(0, 0, "a"),
        revoked(1),
        message(0, 1, "b"),
    ];
    let outcome = run(script_ahead(vec![revoked_in_time]), &StreamConfig::default(), 0);
    assert_eq!(outcome.values("out"), ["a", "b"]);

    let first = vec![assigned(0), ahead(0, 9, "urgent"), message(0, 0, "a")];
    let second = vec![assigned(0), message(0, 0, "a")];
    let mut cluster = script_ahead(vec![first, second]);
    cluster.commit_failures.push_back(Some(ClientError::Retryable("as the test says".to_owned())));
    let outcome = run(cluster, &StreamConfig::default(), 0);
    assert_eq!(outcome.values("out"), ["a"], "it is to be read ahead again");
}

#[test]
fn a_transaction_is_cut_short_for_urgent_records_and_not_for_a_flood_of_them() {
    let reached = |urgent: i64| {
        let mut steps = vec![assigned(0)];
        steps.extend((0..urgent).map(|number| ahead(0, 9_000 + number, "b")));
        steps.extend((0..4_000).map(|offset| message(0, offset, "a")));
        // The script ends with the first batch, and with it the engine.
        let config = StreamConfig { batch_records_max: 5_000, ..StreamConfig::default() };
        let outcome = run(script_ahead(vec![steps]), &config, 0);
        assert_eq!(outcome.calls().iter().filter(|call| **call == "commit").count(), 1);
        outcome.cluster.borrow().positions[&partition(0)]
    };
    assert_eq!([0, 1, 250, 500].map(reached), [4_000, 1_000, 2_500, 4_000]);
}

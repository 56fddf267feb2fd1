//! What may overtake and what may not, on records in memory; and that no interleaving breaks the order of a key.

use super::urgent::Taken;
use super::*;
use crate::client::{Partition, Position};
use crate::memory::MemoryMessage;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

mod any;

/// Input partitions in memory, read one after the other.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    records: Vec<MemoryMessage>,
    /// How often a read still fails.
    failures: usize,
    /// Where each reader began.
    began: Vec<i64>,
}

struct Reader {
    log: Log,
    left: Mutex<Vec<MemoryMessage>>,
}

impl ScannerConnector for Log {
    type Scanner = Reader;

    fn connect(&self, positions: &BTreeMap<Partition, i64>) -> Result<Reader, ClientError> {
        let mut contents = self.0.lock().unwrap();
        contents.began.extend(positions.values());
        let place =
            |record: &MemoryMessage| Partition { topic: record.topic.clone(), partition: record.partition };
        let is_ahead =
            |record: &&MemoryMessage| positions.get(&place(record)).is_some_and(|at| record.offset >= *at);
        let left = contents.records.iter().rev().filter(is_ahead).cloned().collect();
        Ok(Reader { log: self.clone(), left: Mutex::new(left) })
    }
}

impl Scanner for Reader {
    type Message<'s> = MemoryMessage;

    fn poll(&self, _wait: Duration) -> Result<Option<MemoryMessage>, ClientError> {
        let mut contents = self.log.0.lock().unwrap();
        if contents.failures > 0 {
            contents.failures -= 1;
            return Err(ClientError::Retryable("as the test says".to_owned()));
        }
        Ok(self.left.lock().unwrap().pop())
    }

    fn rest(&self) -> Result<(), ClientError> {
        Ok(())
    }
}

fn partition(partition: i32) -> Partition {
    Partition { topic: "in".to_owned(), partition }
}

fn position(number: i32, next_offset: i64) -> Position {
    Position { partition: partition(number), next_offset }
}

fn record(number: i32, offset: i64, key: &'static str, value: &str) -> MemoryMessage {
    let value = value.as_bytes().to_vec();
    MemoryMessage { topic: "in".to_owned(), partition: number, offset, key, value }
}

fn ordinary(offset: i64, key: &'static str) -> MemoryMessage {
    record(0, offset, key, "ordinary")
}

fn urgent(offset: i64, key: &'static str) -> MemoryMessage {
    record(0, offset, key, "urgent")
}

fn lookahead(log: &Log, ahead: &HandOver, records_max: usize) -> Lookahead<Log> {
    let is_urgent = |message: &dyn Message| message.value() == Some(b"urgent");
    Lookahead::new(log.clone(), ahead.clone(), is_urgent, records_max, Backoff::new(1, 2))
}

/// A worker that owns partition 0 from offset 0 on and has a backlog, and what is read ahead of it.
struct Trial {
    ahead: HandOver,
    lookahead: Lookahead<Log>,
    start: Start,
    seen: Seen,
}

impl Trial {
    fn new() -> Self {
        Self::of(vec![position(0, 0)])
    }

    fn of(positions: Vec<Position>) -> Self {
        let ahead = HandOver::new(5);
        let ends: Vec<Position> =
            positions.iter().map(|of| position(of.partition.partition, 1_000)).collect();
        ahead.own(positions);
        ahead.observe(&ends);
        let start = ahead.wait_for_backlog().unwrap();
        let lookahead = lookahead(&Log::default(), &ahead, 4);
        let seen = Seen::new(4, &start.positions);
        Self { ahead, lookahead, start, seen }
    }

    fn read(&mut self, records: &[MemoryMessage]) {
        for record in records {
            self.lookahead.note(self.start.generation, &mut self.seen, record).unwrap();
        }
    }

    fn taken(&self) -> Vec<i64> {
        offsets(&mut self.ahead.take())
    }

    fn passed(&self, next_offset: i64) {
        self.ahead.passed(&[position(0, next_offset)]);
    }
}

fn offsets(taken: &mut Taken) -> Vec<i64> {
    std::iter::from_fn(|| taken.next()).map(|urgent| urgent.message.offset).collect()
}

#[test]
fn urgent_records_of_keys_without_a_pending_one_go_ahead_in_their_order() {
    let mut trial = Trial::new();
    trial.read(&[ordinary(0, "a"), urgent(1, "b"), ordinary(2, "c"), urgent(3, "d"), urgent(4, "b")]);
    assert_eq!(trial.taken(), [1, 3, 4]);
    assert_eq!(trial.taken(), [0; 0]);
}

#[test]
fn an_urgent_record_waits_for_its_key_until_the_worker_has_committed_what_is_before_it() {
    let mut trial = Trial::new();
    trial.read(&[ordinary(0, "a"), urgent(1, "a"), urgent(2, "a")]);
    assert_eq!(trial.taken(), [0; 0], "those of its key wait, urgent or not");
    trial.passed(2);
    trial.read(&[urgent(3, "a")]);
    assert_eq!(trial.taken(), [0; 0], "the one before it has not been passed");
    trial.passed(4);
    trial.read(&[urgent(4, "a")]);
    assert_eq!(trial.taken(), [4]);
}

#[test]
fn an_ordinary_record_that_follows_an_urgent_one_holds_up_the_next() {
    let mut trial = Trial::new();
    trial.read(&[urgent(0, "a"), ordinary(1, "a"), urgent(2, "a")]);
    assert_eq!(trial.taken(), [0]);
}

#[test]
fn keys_of_two_partitions_have_nothing_to_do_with_each_other() {
    let mut trial = Trial::of(vec![position(0, 0), position(1, 0)]);
    trial.read(&[ordinary(0, "a"), record(1, 1, "a", "urgent")]);
    assert_eq!(trial.taken(), [1]);
}

#[test]
fn what_the_worker_has_come_to_meanwhile_is_not_taken() {
    let mut trial = Trial::new();
    trial.read(&[urgent(0, "a"), urgent(1, "b")]);
    trial.passed(1);
    assert_eq!(trial.taken(), [1]);
    trial.read(&[urgent(0, "c")]);
    assert_eq!(trial.taken(), [0; 0], "nor handed over");
}

#[test]
fn a_refused_record_holds_up_all_of_its_key_whether_taken_handed_over_or_unread() {
    let mut trial = Trial::new();
    trial.read(&[urgent(0, "a"), urgent(1, "b"), urgent(2, "a")]);
    let mut taken = trial.ahead.take();
    let first = taken.next().unwrap();
    trial.read(&[urgent(3, "a")]); // while the worker works
    taken.refuse(first);
    assert_eq!(offsets(&mut taken), [1]);
    trial.ahead.give_back(taken);
    trial.read(&[urgent(4, "a"), urgent(5, "b")]);
    assert_eq!(trial.taken(), [5]);
    trial.passed(1);
    trial.read(&[urgent(6, "a")]);
    assert_eq!(trial.taken(), [0; 0], "the refused one was passed, the others were not");
    trial.passed(7);
    trial.read(&[urgent(7, "a")]);
    assert_eq!(trial.taken(), [7]);
}

#[test]
fn what_was_taken_and_not_tried_comes_first_again() {
    let mut trial = Trial::new();
    trial.read(&[urgent(0, "a"), urgent(1, "b"), urgent(2, "c")]);
    let mut taken = trial.ahead.take();
    let first = taken.next().unwrap();
    taken.refuse(first);
    trial.read(&[urgent(3, "b")]);
    trial.ahead.give_back(taken);
    assert_eq!(trial.taken(), [1, 2, 3]);
}

#[test]
fn nothing_of_an_earlier_generation_counts() {
    let mut trial = Trial::of(vec![position(0, 0), position(1, 0)]);
    trial.read(&[urgent(0, "a"), record(1, 0, "b", "urgent")]);
    trial.ahead.disown(&[partition(1)]);
    assert_eq!(trial.taken(), [0; 0], "it is read again, without the partition that went");
    trial.read(&[urgent(1, "c")]);
    assert_eq!(trial.taken(), [0; 0], "what was noted before may have been noted of other offsets");
    assert!(!trial.ahead.is_current(trial.start.generation));
    assert_eq!(trial.ahead.wait_for_backlog().unwrap().positions, [(partition(0), 0)].into());
}

#[test]
fn a_full_table_makes_room_when_the_worker_has_passed_something() {
    let mut trial = Trial::new();
    trial.read(&[ordinary(0, "a"), ordinary(1, "b"), ordinary(2, "c"), ordinary(3, "d")]);
    assert!(trial.seen.is_full() && trial.lookahead.is_full_still(&mut trial.seen));
    trial.read(&[ordinary(4, "a")]);
    trial.passed(3);
    assert!(!trial.lookahead.is_full_still(&mut trial.seen));
    assert_eq!(trial.seen.len(), 2);
    trial.read(&[urgent(5, "a"), urgent(6, "b")]);
    assert_eq!(trial.taken(), [6]);
}

#[test]
fn a_full_queue_stops_reading_until_the_worker_has_taken_some() {
    let mut trial = Trial::new();
    for offset in 0..1_000 {
        assert!(!trial.ahead.is_full());
        trial.read(&[urgent(offset, "a")]);
    }
    assert!(trial.ahead.is_full());
    assert_eq!(trial.taken().len(), 10);
    assert!(!trial.ahead.is_full());
}

#[test]
fn a_record_from_elsewhere_means_to_begin_anew() {
    let Trial { lookahead, start, mut seen, .. } = Trial::new();
    for stranger in [record(1, 0, "a", "ordinary"), ordinary(i64::from(u32::MAX) + 1, "a")] {
        assert!(lookahead.note(start.generation, &mut seen, &stranger).is_err());
    }
}

#[test]
fn nothing_is_read_ahead_without_a_backlog_and_all_of_it_again_after_a_failure() {
    let log = Log::default();
    log.0.lock().unwrap().records = vec![ordinary(3, "a"), urgent(4, "a"), urgent(5, "b")];
    log.0.lock().unwrap().failures = 1;
    let ahead = HandOver::new(5);
    let thread = std::thread::spawn({
        let lookahead = lookahead(&log, &ahead, 4);
        move || lookahead.run()
    });
    ahead.own(vec![position(0, 3)]);
    ahead.observe(&[position(0, 13), position(1, 1_000)]);
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(
        log.0.lock().unwrap().began,
        [0; 0],
        "ten records are no backlog, and others' partitions none of its own"
    );
    ahead.observe(&[position(0, 14)]);
    let taken = loop {
        let taken = offsets(&mut ahead.take());
        if !taken.is_empty() {
            break taken;
        }
    };
    assert_eq!(taken, [5]);
    assert_eq!(log.0.lock().unwrap().began, [3, 3]);
    ahead.observe(&[position(0, 5)]);
    let idle = ahead.wait_for_backlog_now();
    assert!(idle.is_none(), "nothing is read any more when hardly anything is left");
    ahead.end();
    thread.join().unwrap();
}

#[test]
fn one_that_is_off_does_nothing() {
    let ahead = HandOver::off();
    ahead.own(vec![position(0, 0)]);
    ahead.passed(&[position(0, 1)]);
    ahead.observe(&[position(0, 1_000_000)]);
    assert!(ahead.take().next().is_none() && ahead.positions(&[partition(0)]).is_empty());
    assert!(ahead.wait_for_backlog().is_none());
}

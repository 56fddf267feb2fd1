//! The follower's own logic, on a changelog in memory: what it answers and when, and what it does about failures.

use super::*;
use crate::client::ChangelogEntry;
use sanchar_runtime::clock::SystemClock;

/// A changelog that tests write to. Entries from `decided` on are of transactions that are not decided yet.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    entries: Vec<String>,
    decided: usize,
    read: usize,
    /// How often a connection still fails.
    failures: usize,
    connections: usize,
    /// Nothing comes on the first so many connections.
    silent: usize,
    rests: usize,
}

impl Log {
    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap()
    }

    fn write(&self, entry: &str) {
        self.contents().entries.push(entry.to_owned());
    }

    fn decide(&self) {
        let mut contents = self.contents();
        contents.decided = contents.entries.len();
    }
}

impl ChangelogConnector for Log {
    type Changelog = Self;

    fn connect(&self) -> Result<Self, ClientError> {
        let mut contents = self.contents();
        if contents.failures > 0 {
            contents.failures -= 1;
            return Err(ClientError::Retryable("as the test says".to_owned()));
        }
        contents.connections += 1;
        drop(contents);
        Ok(self.clone())
    }
}

impl Changelog for Log {
    fn identity(&self) -> &str {
        "cluster/topic"
    }

    fn seek(&self, offset: i64) -> Result<(), ClientError> {
        self.contents().read = offset.try_into().unwrap();
        Ok(())
    }

    fn end_offset(&self) -> Result<i64, ClientError> {
        Ok(self.contents().entries.len().try_into().unwrap())
    }

    fn decided_offset(&self) -> Result<i64, ClientError> {
        Ok(self.contents().decided.try_into().unwrap())
    }

    fn rest(&self) -> Result<(), ClientError> {
        self.contents().rests += 1;
        Ok(())
    }

    fn read(&self, _wait: Duration, entry: &mut dyn FnMut(ChangelogEntry<'_>)) -> Result<Read, ClientError> {
        let mut contents = self.contents();
        if contents.connections <= contents.silent {
            return Ok(Read::default());
        }
        if contents.read == contents.decided {
            return Ok(Read { next_offset: None, is_end: true });
        }
        let next = contents.read + 1;
        let key = contents.entries[contents.read].as_bytes();
        entry(ChangelogEntry { offset: 0, key, value: None });
        contents.read = next;
        Ok(Read { next_offset: Some(next.try_into().unwrap()), is_end: false })
    }
}

/// What a standby remembers, and what happens to it.
#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Remembered>>);

#[derive(Debug, Default)]
struct Remembered {
    next_offset: i64,
    entries: Vec<String>,
    /// Failures of the coming calls of `reached`.
    failures: Vec<Result<Reached, String>>,
    begun: usize,
    is_complete: bool,
    has_ended: bool,
}

impl Memory {
    fn now(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap()
    }
}

impl Standby for Memory {
    fn begin(&mut self, identity: &str, _end_offset: i64) -> Result<i64, String> {
        assert_eq!(identity, "cluster/topic");
        let mut now = self.now();
        now.begun += 1;
        Ok(now.next_offset)
    }

    fn take(&mut self, entry: ChangelogEntry<'_>) {
        self.now().entries.push(String::from_utf8_lossy(entry.key).into_owned());
    }

    fn reached(&mut self, next_offset: i64) -> Result<Reached, String> {
        let mut now = self.now();
        let outcome = now.failures.pop().unwrap_or(Ok(Reached::Kept));
        match outcome {
            Ok(Reached::Kept) => now.next_offset = next_offset,
            Ok(Reached::Lost) => *now = Remembered { begun: now.begun, ..Remembered::default() },
            Err(_) => {}
        }
        outcome
    }

    fn complete(&mut self) {
        self.now().is_complete = true;
    }

    fn end(&mut self) {
        self.now().has_ended = true;
    }
}

fn follow(log: &Log, memory: &Memory) -> Follower {
    let context = Context::new("sanchar-test", Arc::new(SystemClock)).unwrap();
    let metrics = FollowerMetrics::new(&context.metrics).unwrap();
    Follower::start(log.clone(), memory.clone(), Backoff::new(1, 2), metrics, &context).unwrap()
}

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(50);

#[test]
fn a_question_is_answered_when_all_that_was_there_is_decided_and_taken() {
    let (log, memory) = (Log::default(), Memory::default());
    log.write("a");
    log.decide();
    log.write("open");
    let follower = follow(&log, &memory);
    let followed = follower.followed();
    let ticket = followed.ask();
    assert!(!followed.wait(ticket, SHORT).unwrap(), "a transaction is open");
    log.decide();
    assert!(followed.wait(ticket, LONG).unwrap());
    assert_eq!(memory.now().entries, ["a", "open"]);
    assert!(memory.now().is_complete);
    follower.stop().unwrap();
    assert!(memory.now().has_ended);
}

#[test]
fn it_goes_on_from_what_is_remembered() {
    let (log, memory) = (Log::default(), Memory::default());
    ["a", "b", "c"].iter().for_each(|entry| log.write(entry));
    log.decide();
    memory.now().next_offset = 2;
    let follower = follow(&log, &memory);
    let followed = follower.followed();
    assert!(followed.wait(followed.ask(), LONG).unwrap());
    follower.stop().unwrap();
    assert_eq!(memory.now().entries, ["c"]);
}

#[test]
fn what_cannot_be_kept_is_tried_again_and_what_is_lost_is_read_again() {
    let (log, memory) = (Log::default(), Memory::default());
    ["a", "b"].iter().for_each(|entry| log.write(entry));
    log.decide();
    log.contents().failures = 2;
    let full = || Err("the disk is full".to_owned());
    memory.now().failures = vec![Ok(Reached::Lost), full(), full()];
    let follower = follow(&log, &memory);
    let followed = follower.followed();
    assert!(followed.wait(followed.ask(), LONG).unwrap());
    follower.stop().unwrap();
    assert_eq!(memory.now().entries, ["a", "b"]);
    assert_eq!(memory.now().begun, 2);
    assert!(log.contents().rests >= 2, "the client is served meanwhile");
}

#[test]
fn whoever_waits_hears_that_nobody_follows_any_more() {
    let (log, memory) = (Log::default(), Memory::default());
    log.write("open");
    let follower = follow(&log, &memory);
    let followed = follower.followed();
    let ticket = followed.ask();
    follower.stop().unwrap();
    assert!(followed.wait(ticket, LONG).is_err());
}

#[test]
fn what_is_lost_is_complete_again_without_being_asked_for() {
    let (log, memory) = (Log::default(), Memory::default());
    log.write("a");
    log.decide();
    let follower = follow(&log, &memory);
    let followed = follower.followed();
    assert!(followed.wait(followed.ask(), LONG).unwrap());
    memory.now().failures = vec![Ok(Reached::Lost)];
    wait_until(|| memory.now().begun == 2 && memory.now().is_complete);
    assert_eq!(memory.now().entries, ["a"]);
    follower.stop().unwrap();
}

fn wait_until(condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < LONG, "it does not come true");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn it_stops_while_nothing_can_be_reached() {
    let (log, memory) = (Log::default(), Memory::default());
    log.contents().failures = usize::MAX;
    let follower = follow(&log, &memory);
    follower.stop().unwrap();
    assert!(memory.now().has_ended);
}

#[test]
fn a_reader_that_falls_silent_while_workers_wait_is_replaced() {
    let (log, memory) = (Log::default(), Memory::default());
    log.write("a");
    log.decide();
    log.contents().silent = 1;
    let follower = follow(&log, &memory);
    let followed = follower.followed();
    assert!(followed.wait(followed.ask(), LONG).unwrap());
    follower.stop().unwrap();
    assert_eq!(memory.now().entries, ["a"]);
    assert_eq!(log.contents().connections, 2);
}

//! A folder with a source, a sink that a test steers, and a worker between them.

use std::fs;
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Instant;

use sanchar_runtime::clock::{Clock, SystemClock};
use sanchar_schemas::CrimeEvent;
use sanchar_schemas::codec::Decoder;
use sanchar_schemas::schema::Record;
use sanchar_schemas::wire;

use super::super::*;
use crate::publish::{Fate, ReachError, SendError};
use crate::spool::Spool;

/// How the sink treats messages.
#[derive(Debug, Clone, Default)]
pub(super) struct Script {
    /// How many messages are acknowledged before the test releases the others, if it does.
    pub(super) acknowledges: Option<usize>,
    /// Acknowledge in reverse, once so many are there.
    pub(super) reversed_in: Option<usize>,
    /// Every message is refused so often before it is taken.
    pub(super) full_times: usize,
    /// The FIR number whose message is too large, told at once or by the broker.
    pub(super) too_large: Option<(&'static str, bool)>,
    /// So many attempts to reach the broker fail.
    pub(super) away_times: usize,
    pub(super) has_no_topic: bool,
}

#[derive(Default)]
pub(super) struct Inner {
    pub(super) sent: Vec<CrimeEvent>,
    pub(super) held: Vec<u64>,
    pub(super) refusals: usize,
    pub(super) away: usize,
    pub(super) is_released: bool,
}

#[derive(Clone)]
pub(super) struct FakeSink {
    pub(super) script: Script,
    pub(super) ledger: Arc<Ledger>,
    pub(super) inner: Arc<Mutex<Inner>>,
}

impl Sink for FakeSink {
    fn send(&self, message: &Message, ticket: u64) -> Result<(), SendError> {
        let mut inner = self.inner.lock().unwrap();
        if inner.refusals < self.script.full_times {
            inner.refusals += 1;
            return Err(SendError::Full);
        }
        inner.refusals = 0;
        let (_, datum) = wire::parse(&message.payload).unwrap();
        let event: CrimeEvent = Decoder::current(Record::CrimeEvent).decode(datum).unwrap();
        let number = event.fir.as_ref().unwrap().number.clone();
        match self.script.too_large {
            Some((large, true)) if large == number => return Err(SendError::TooLarge),
            Some((large, false)) if large == number => {
                self.ledger.settle(ticket, Fate::TooLarge);
                return Ok(());
            }
            _ => {}
        }
        inner.sent.push(event);
        if !inner.is_released && self.script.acknowledges.is_some_and(|most| inner.sent.len() > most) {
            inner.held.push(ticket);
            return Ok(());
        }
        match self.script.reversed_in {
            None => self.ledger.settle(ticket, Fate::Settled),
            Some(count) => {
                inner.held.push(ticket);
                if inner.held.len() == count {
                    inner.held.drain(..).rev().for_each(|ticket| self.ledger.settle(ticket, Fate::Settled));
                }
            }
        }
        Ok(())
    }

    fn reach(&self, _: Duration) -> Result<(), ReachError> {
        let mut inner = self.inner.lock().unwrap();
        inner.away += 1;
        if self.script.has_no_topic {
            return Err(ReachError::NoTopic("crime.reported.in-ga".into()));
        }
        if inner.away <= self.script.away_times {
            Err(ReachError::Away("connection refused".into()))
        } else {
            Ok(())
        }
    }

    fn is_away(&self) -> bool {
        false
    }
}

pub(super) const SETTINGS: &str = r#"
[state]
code = "IN-GA"
[source]
files = ["*.csv"]
format = "csv"
poll_interval_ms = 2
hold_ms = 0
[publish]
checkpoint_interval_ms = 1
[rows]
skip = [{ reason = "total", when = { column = "No", one_of = ["Total"] } }]
[mapping]
kind = { constant = "FIR" }
[mapping.police_station]
name = "Station"
[mapping.fir]
number = "No"
year = "Year"
[kafka]
bootstrap = "localhost:9092"
[lifecycle]
shutdown_grace_ms = 0
"#;

/// A folder with a source, and what is needed to run a producer on it.
pub(super) struct Place {
    pub(super) folder: tempfile::TempDir,
    pub(super) settings: String,
    pub(super) clock: Arc<dyn Clock>,
}

/// A producer that runs, or has run.
pub(super) struct Running {
    pub(super) context: Context,
    pub(super) sink: FakeSink,
    pub(super) thread: JoinHandle<Result<Summary, Failure>>,
}

impl Place {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, settings: SETTINGS.to_owned(), clock: Arc::new(SystemClock) }
    }

    pub(super) fn write(&self, name: &str, rows: &str) {
        fs::write(self.folder.path().join(name), format!("Station,No,Year\n{rows}")).unwrap();
    }

    pub(super) fn append(&self, name: &str, text: &str) {
        use std::io::Write as _;
        let mut file = fs::OpenOptions::new().append(true).open(self.folder.path().join(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    pub(super) fn start(&self, once: bool, script: Script) -> Running {
        self.start_with(Options { once, ..Options::default() }, script)
    }

    pub(super) fn start_with(&self, options: Options, script: Script) -> Running {
        self.start_on(options, script, None)
    }

    /// A producer that a test drives step by step.
    pub(super) fn worker(&self) -> (Worker<FakeSink>, FakeSink) {
        let config: ProducerConfig = toml::from_str(&self.settings).unwrap();
        let config = config.in_folder_of(&self.folder.path().join("goa.toml"));
        let context = Context::new("sanchar-producer", Arc::clone(&self.clock)).unwrap();
        let ledger = Arc::new(Ledger::new(config.publish.in_flight_rows, config.publish.in_flight_bytes));
        let sink = FakeSink { script: Script::default(), ledger: Arc::clone(&ledger), inner: Arc::default() };
        let worker = Worker::new(config, Options::default(), context, SchemaId(1), sink.clone(), ledger);
        (worker.unwrap(), sink)
    }

    /// The same, reading `spool` instead of files.
    pub(super) fn start_on(&self, options: Options, script: Script, spool: Option<Spool>) -> Running {
        let path = self.folder.path().join("goa.toml");
        let config: ProducerConfig = toml::from_str(&self.settings).unwrap();
        let config = config.in_folder_of(&path);
        let context = Context::new("sanchar-producer", Arc::clone(&self.clock)).unwrap();
        let ledger = Arc::new(Ledger::new(config.publish.in_flight_rows, config.publish.in_flight_bytes));
        let sink = FakeSink { script, ledger: Arc::clone(&ledger), inner: Arc::default() };
        let thread = std::thread::spawn({
            let (context, sink) = (context.clone(), sink.clone());
            move || {
                let worker = Worker::new(config, options, context, SchemaId(1), sink, ledger)?;
                match spool {
                    Some(spool) => worker.fed_by(spool).run(),
                    None => worker.run(),
                }
            }
        });
        Running { context, sink, thread }
    }

    pub(super) fn once(&self) -> (Summary, Vec<String>) {
        self.start(true, Script::default()).end()
    }

    /// Runs once; the revision of what was sent last.
    pub(super) fn last_revision(&self) -> i64 {
        let running = self.start(true, Script::default());
        let sink = running.sink.clone();
        running.end();
        let inner = sink.inner.lock().unwrap();
        inner.sent.last().unwrap().revision
    }

    pub(super) fn quarantined(&self) -> Vec<(String, String)> {
        let folder = self.folder.path().join("producer-store/quarantine");
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            for line in fs::read_to_string(entry.unwrap().path()).unwrap().lines() {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
                found.push((text("reason"), text("row")));
            }
        }
        found
    }
}

impl Running {
    /// Waits for the end; the summary and the FIR numbers that were sent.
    pub(super) fn end(self) -> (Summary, Vec<String>) {
        let summary = self.thread.join().unwrap().unwrap();
        assert!(summary.adds_up(), "{summary}");
        (summary, numbers(&self.sink))
    }

    pub(super) fn stop(self) -> (Summary, Vec<String>) {
        self.context.shutdown.trigger("the test is over");
        self.end()
    }

    /// Acknowledges what was held back, and whatever comes.
    pub(super) fn release(&self) {
        let mut inner = self.sink.inner.lock().unwrap();
        inner.is_released = true;
        inner.held.drain(..).for_each(|ticket| self.sink.ledger.settle(ticket, Fate::Settled));
    }

    pub(super) fn failure(self) -> Failure {
        self.thread.join().unwrap().unwrap_err()
    }

    /// Waits until so many messages were sent.
    pub(super) fn await_sent(&self, count: usize) {
        self.await_that(|running| numbers(&running.sink).len() >= count);
    }

    pub(super) fn await_that(&self, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            assert!(begun.elapsed() < Duration::from_secs(20), "{}", self.context.metrics.render());
            assert!(!self.thread.is_finished(), "the producer has ended");
            std::thread::yield_now();
        }
    }

    pub(super) fn shows(&self, metric: &str) -> bool {
        self.context.metrics.render().contains(metric)
    }
}

pub(super) fn numbers(sink: &FakeSink) -> Vec<String> {
    sink.inner.lock().unwrap().sent.iter().map(|event| event.fir.as_ref().unwrap().number.clone()).collect()
}

pub(super) fn rows(numbers: std::ops::RangeInclusive<u32>) -> String {
    numbers.map(|number| format!("Panaji,{number},2024\n")).collect()
}

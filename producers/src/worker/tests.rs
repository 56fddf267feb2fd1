//! The worker with a sink that a test steers: what is published, what is kept, and where a restart goes on.

mod again;

use std::fs;
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Instant;

use sanchar_runtime::clock::{Clock, ManualClock, SystemClock};
use sanchar_runtime::lifecycle::ExitCode;
use sanchar_schemas::CrimeEvent;
use sanchar_schemas::codec::Decoder;
use sanchar_schemas::schema::Record;
use sanchar_schemas::wire;

mod backfill;

use super::*;
use crate::publish::{Fate, Message, SendError};
use crate::reason::Reason;
use crate::spool::Spool;

mod changes;
mod documents;
mod drop_folder;
mod first_rows;
mod pushed;
mod stdin;

/// How the sink treats messages.
#[derive(Debug, Clone, Default)]
struct Script {
    /// How many messages are acknowledged before the test releases the others, if it does.
    acknowledges: Option<usize>,
    /// Acknowledge in reverse, once so many are there.
    reversed_in: Option<usize>,
    /// Every message is refused so often before it is taken.
    full_times: usize,
    /// The FIR number whose message is too large, told at once or by the broker.
    too_large: Option<(&'static str, bool)>,
    /// So many attempts to reach the broker fail.
    away_times: usize,
    has_no_topic: bool,
}

#[derive(Default)]
struct Inner {
    sent: Vec<CrimeEvent>,
    held: Vec<u64>,
    refusals: usize,
    away: usize,
    is_released: bool,
}

#[derive(Clone)]
struct FakeSink {
    script: Script,
    ledger: Arc<Ledger>,
    inner: Arc<Mutex<Inner>>,
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

const SETTINGS: &str = r#"
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
struct Place {
    folder: tempfile::TempDir,
    settings: String,
    clock: Arc<dyn Clock>,
}

/// A producer that runs, or has run.
struct Running {
    context: Context,
    sink: FakeSink,
    thread: JoinHandle<Result<Summary, Failure>>,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, settings: SETTINGS.to_owned(), clock: Arc::new(SystemClock) }
    }

    fn write(&self, name: &str, rows: &str) {
        fs::write(self.folder.path().join(name), format!("Station,No,Year\n{rows}")).unwrap();
    }

    fn append(&self, name: &str, text: &str) {
        use std::io::Write as _;
        let mut file = fs::OpenOptions::new().append(true).open(self.folder.path().join(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn start(&self, once: bool, script: Script) -> Running {
        self.start_with(Options { once, ..Options::default() }, script)
    }

    fn start_with(&self, options: Options, script: Script) -> Running {
        self.start_on(options, script, None)
    }

    /// The same, reading `spool` instead of files.
    fn start_on(&self, options: Options, script: Script, spool: Option<Spool>) -> Running {
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

    fn once(&self) -> (Summary, Vec<String>) {
        self.start(true, Script::default()).end()
    }

    fn quarantined(&self) -> Vec<(String, String)> {
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
    fn end(self) -> (Summary, Vec<String>) {
        let summary = self.thread.join().unwrap().unwrap();
        assert!(summary.adds_up(), "{summary}");
        (summary, numbers(&self.sink))
    }

    fn stop(self) -> (Summary, Vec<String>) {
        self.context.shutdown.trigger("the test is over");
        self.end()
    }

    /// Acknowledges what was held back, and whatever comes.
    fn release(&self) {
        let mut inner = self.sink.inner.lock().unwrap();
        inner.is_released = true;
        inner.held.drain(..).for_each(|ticket| self.sink.ledger.settle(ticket, Fate::Settled));
    }

    fn failure(self) -> Failure {
        self.thread.join().unwrap().unwrap_err()
    }

    /// Waits until so many messages were sent.
    fn await_sent(&self, count: usize) {
        self.await_that(|running| numbers(&running.sink).len() >= count);
    }

    fn await_that(&self, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            assert!(begun.elapsed() < Duration::from_secs(20), "{}", self.context.metrics.render());
            assert!(!self.thread.is_finished(), "the producer has ended");
            std::thread::yield_now();
        }
    }

    fn shows(&self, metric: &str) -> bool {
        self.context.metrics.render().contains(metric)
    }
}

fn numbers(sink: &FakeSink) -> Vec<String> {
    sink.inner.lock().unwrap().sent.iter().map(|event| event.fir.as_ref().unwrap().number.clone()).collect()
}

fn rows(numbers: std::ops::RangeInclusive<u32>) -> String {
    numbers.map(|number| format!("Panaji,{number},2024\n")).collect()
}

#[test]
fn everything_is_published_once_and_a_second_run_finds_nothing_new() {
    let place = Place::new();
    place.write("a.csv", "Panaji,1,2024\nPanaji,,2024\n\nTotal,Total,\nPanaji,2,2024\nPanaji,3\n");
    place.write("b.csv", "Panaji,4,2024\n");
    let (summary, sent) = place.once();
    assert_eq!(sent, ["1", "2", "4"]);
    assert_eq!(
        (summary.read, summary.published, summary.quarantined_count(), summary.filtered_count()),
        (7, 3, 2, 2)
    );
    assert_eq!(summary.quarantined[&Reason::MissingValue].examples, ["a.csv:3"]);
    let mut quarantined = place.quarantined();
    quarantined.sort();
    assert_eq!(quarantined[0], ("column_count".into(), "Panaji,3".into()));
    assert_eq!(quarantined[1], ("missing_value".into(), "Panaji,,2024".into()));

    let (summary, sent) = place.once();
    assert_eq!((summary.read, sent.len()), (0, 0));
}

#[test]
fn joined_rows_whose_case_is_nowhere_are_counted_where_all_cases_were_read() {
    const JOIN: &str = r#"
[[rows.join]]
name = "accused"
source = { files = ["accused.txt"], format = "csv" }
key = ["No"]
[[mapping.persons]]
each = "accused"
role = { constant = "ACCUSED" }
code = "Code"
"#;
    let mut place = Place::new();
    place.settings.push_str(JOIN);
    fs::write(place.folder.path().join("accused.txt"), "No,Code\n1,A1\n7,A1\n7,A2\n").unwrap();
    place.write("a.csv", &rows(1..=2));
    let (summary, _) = place.once();
    assert_eq!(summary.without_case["accused"], 2);
    assert!(summary.to_string().contains("joined rows of accused"), "{summary}");
    place.append("a.csv", "Panaji,7,2024\n");
    let (summary, sent) = place.once();
    assert_eq!(sent, ["7"]);
    assert!(summary.without_case.is_empty(), "case 1 was not read again");
}

#[test]
fn a_restart_goes_on_behind_the_last_row_that_was_acknowledged() {
    let place = Place::new();
    place.write("a.csv", &format!("{}Panaji,,2024\n{}", rows(1..=5), rows(6..=9)));
    let crashed = place.start(true, Script { acknowledges: Some(3), ..Script::default() });
    crashed.await_sent(9);
    crashed.stop();
    assert_eq!(place.quarantined().len(), 1, "kept although the checkpoint is before it");

    let (summary, sent) = place.once();
    assert_eq!(sent, ["4", "5", "6", "7", "8", "9"]);
    assert_eq!(summary.quarantined_count(), 1);
    assert_eq!(place.quarantined().len(), 2, "a row may stand twice, and never not at all");
    assert_eq!(place.once().1, [""; 0]);
}

#[test]
fn answers_in_any_order_move_the_checkpoint_in_order() {
    let place = Place::new();
    place.write("a.csv", &rows(1..=8));
    let (summary, _) = place.start(true, Script { reversed_in: Some(4), ..Script::default() }).end();
    assert_eq!(summary.published, 8);
    assert_eq!(place.once().0.read, 0);
}

#[test]
fn a_full_queue_is_waited_for() {
    let place = Place::new();
    place.write("a.csv", &rows(1..=3));
    let (_, sent) = place.start(true, Script { full_times: 2, ..Script::default() }).end();
    assert_eq!(sent, ["1", "2", "3"]);
}

#[test]
fn few_rows_are_in_flight_at_a_time() {
    let mut place = Place::new();
    place.settings = SETTINGS.replace("[publish]", "[publish]\nin_flight_rows = 3");
    place.write("a.csv", &rows(1..=50));
    let running = place.start(true, Script { acknowledges: Some(0), ..Script::default() });
    running.await_that(|running| running.shows("sanchar_rows_in_flight{state=\"IN-GA\"} 3"));
    assert_eq!(running.stop().1.len(), 3);
}

#[test]
fn what_the_broker_finds_too_large_goes_to_quarantine() {
    for at_once in [true, false] {
        let place = Place::new();
        place.write("a.csv", &rows(1..=3));
        let (summary, sent) =
            place.start(true, Script { too_large: Some(("2", at_once)), ..Script::default() }).end();
        assert_eq!(sent, ["1", "3"]);
        assert_eq!((summary.published, summary.quarantined[&Reason::MessageTooLarge].count), (2, 1));
        assert_eq!(place.quarantined(), [("message_too_large".into(), "Panaji,2,2024".into())]);
        assert_eq!(place.once().0.read, 0);
    }
}

#[test]
fn rows_that_are_added_are_published_and_a_replaced_file_is_read_anew() {
    let place = Place::new();
    place.write("a.csv", &rows(1..=2));
    place.once();
    place.append("a.csv", &rows(3..=3));
    assert_eq!(place.once().1, ["3"]);
    place.write("a.csv", &rows(7..=9));
    assert_eq!(place.once().1, ["7", "8", "9"]);
}

#[test]
fn a_running_daemon_takes_up_rows_and_files_as_they_come() {
    let place = Place::new();
    place.write("a.csv", &rows(1..=2));
    let running = place.start(false, Script::default());
    running.await_sent(2);
    place.append("a.csv", "Panaji,3,2024\nPanaji,4,");
    running.await_sent(3);
    place.append("a.csv", "2024\n");
    running.await_sent(4);
    place.write("b.csv", &rows(5..=5));
    running.await_sent(5);
    assert_eq!(running.stop().1, ["1", "2", "3", "4", "5"]);
    assert_eq!(place.once().0.read, 0);
}

#[test]
fn a_file_overwritten_in_place_is_read_anew_by_a_running_daemon() {
    let place = Place::new();
    place.write("a.csv", &rows(1..=2));
    let running = place.start(false, Script::default());
    running.await_sent(2);
    place.write("a.csv", &rows(11..=14));
    running.await_sent(6);
    assert_eq!(running.stop().1, ["1", "2", "11", "12", "13", "14"]);
}

#[test]
fn a_half_written_last_line_is_kept_and_read_again_when_it_is_whole() {
    let place = Place::new();
    place.write("a.csv", "Panaji,1,2024\nPanaji,2,20");
    let (summary, sent) = place.once();
    assert_eq!((sent, summary.quarantined[&Reason::Unterminated].count), (vec!["1".to_owned()], 1));
    assert_eq!(place.quarantined(), [("unterminated".into(), "Panaji,2,20".into())]);
    place.append("a.csv", "24\n");
    assert_eq!(place.once().1, ["2"]);

    let mut place = Place::new();
    place.settings = SETTINGS.replace("hold_ms = 0", "hold_ms = 0\nunterminated_line = 'accept'");
    place.write("a.csv", "Panaji,1,2024\nPanaji,2,2024");
    assert_eq!(place.once().1, ["1", "2"]);
    place.append("a.csv", "\nPanaji,3,2024\n");
    assert_eq!(place.once().1, ["3"]);
}

#[test]
fn a_daemon_holds_a_half_written_line_back() {
    let mut place = Place::new();
    place.settings = SETTINGS.replace("hold_ms = 0", "hold_ms = 1000000");
    place.write("a.csv", "Panaji,1,2024\nPanaji,2,20");
    let running = place.start(false, Script::default());
    running.await_that(|running| running.shows("sanchar_source_lag_bytes{state=\"IN-GA\"} 11"));
    let (summary, sent) = running.stop();
    assert_eq!((sent, summary.quarantined_count()), (vec!["1".to_owned()], 0));
}

#[test]
fn an_open_quote_in_the_last_rows_costs_its_own_line() {
    let place = Place::new();
    place.write("a.csv", "Panaji,1,2024\nPanaji,\"2,2024\nPanaji,3,2024\n");
    let (summary, sent) = place.once();
    assert_eq!(sent, ["1", "3"]);
    assert_eq!(summary.quarantined[&Reason::BadQuotes].count, 1);
}

#[test]
fn a_file_that_does_not_fit_stops_the_start_and_is_set_aside_later() {
    let place = Place::new();
    fs::write(place.folder.path().join("a.csv"), "Station,Number,Year\nPanaji,1,2024\n").unwrap();
    for once in [true, false] {
        let failure = place.start(once, Script::default()).failure();
        assert_eq!(failure.exit_code(), ExitCode::Config);
        let message = failure.to_string();
        assert!(message.contains("names the column `No`, which a.csv does not have"), "{message}");
    }

    place.write("a.csv", &rows(1..=1));
    let running = place.start(false, Script::default());
    running.await_sent(1);
    fs::write(place.folder.path().join("b.csv"), "Station,Number,Year\nPanaji,2,2024\n").unwrap();
    running.await_that(|running| {
        running.context.health.ready(true).text.contains("cannot be read by this configuration")
    });
    place.append("a.csv", &rows(3..=3));
    running.await_sent(2);
    place.write("b.csv", &rows(2..=2));
    running.await_that(|running| running.context.health.ready(true).text.contains("source: ready"));
    assert_eq!(running.stop().1, ["1", "3", "2"]);
}

#[test]
fn empty_and_title_only_files_are_no_failure() {
    let place = Place::new();
    fs::write(place.folder.path().join("empty.csv"), "").unwrap();
    place.write("titles.csv", "");
    assert_eq!(place.once().0, Summary::default());
}

#[test]
fn a_broker_that_is_away_is_waited_for_and_a_missing_topic_is_not() {
    let place = Place::new();
    place.write("a.csv", &rows(1..=1));
    let running = place.start(true, Script { away_times: 3, ..Script::default() });
    assert_eq!(running.end().1, ["1"]);

    let failure = place.start(true, Script { has_no_topic: true, ..Script::default() }).failure();
    assert_eq!(failure.exit_code(), ExitCode::Unavailable);
    assert!(failure.to_string().contains("`sanchar topics apply`"), "{failure}");

    let running = place.start(false, Script { away_times: usize::MAX, ..Script::default() });
    running.await_that(|running| {
        running.context.health.ready(true).text.contains("no broker answers; nothing is read yet")
    });
    running.stop();
}

#[test]
fn a_source_that_is_not_there_is_an_error_once_and_waited_for_by_a_daemon() {
    let mut place = Place::new();
    place.settings = SETTINGS.replace("\"*.csv\"", "\"a.csv\"");
    let failure = place.start(true, Script::default()).failure();
    assert!(failure.to_string().contains("a.csv: is not there"), "{failure}");
    let running = place.start(false, Script::default());
    running
        .await_that(|running| running.context.health.ready(true).text.contains("a source file is not there"));
    place.write("a.csv", &rows(1..=1));
    running.await_sent(1);
    running.stop();
}

#[test]
fn revisions_grow_although_the_clock_is_set_back() {
    let mut place = Place::new();
    let clock = Arc::new(ManualClock::new(1_800_000_000_000));
    place.clock = Arc::<ManualClock>::clone(&clock);
    place.write("a.csv", &rows(1..=1));
    let revision = |place: &Place| {
        let running = place.start(true, Script::default());
        let sink = running.sink.clone();
        running.end();
        let inner = sink.inner.lock().unwrap();
        inner.sent.last().unwrap().revision
    };
    let before = revision(&place);
    clock.set(1_760_000_000_000);
    place.append("a.csv", &rows(2..=2));
    assert!(revision(&place) > before);
}

#[test]
fn a_damaged_checkpoint_is_not_taken_for_a_beginning() {
    let place = Place::new();
    place.write("a.csv", &rows(1..=1));
    place.once();
    let checkpoints = place.folder.path().join("producer-store/checkpoints");
    let path = fs::read_dir(checkpoints).unwrap().next().unwrap().unwrap().path();
    fs::write(&path, "{").unwrap();
    let failure = place.start(true, Script::default()).failure();
    assert_eq!(failure.exit_code(), ExitCode::Config);
    assert!(
        failure.to_string().contains("delete it to publish its source from the start again"),
        "{failure}"
    );
}

//! One run over a file of rows, with everything that it lets out: messages, log, metrics, health, summary, quarantine's reasons.

use std::fs;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sanchar_runtime::clock::SystemClock;
use sanchar_runtime::lifecycle::Context;
use sanchar_runtime::registry::SchemaId;
use sanchar_schemas::codec::Decoder;
use sanchar_schemas::schema::Record;
use sanchar_schemas::{CrimeEvent, wire};

use super::FILE;
use super::faults::Fault;
use super::rows::{COLUMNS, Row};
use crate::config::ProducerConfig;
use crate::dry_run::{Shown, dry_run};
use crate::publish::{Fate, Ledger, Message, ReachError, SendError, Sink};
use crate::run::Options;
use crate::summary::Summary;
use crate::worker::Worker;

/// The state's file, but for its format and its columns.
pub(super) const SETTINGS: &str = r#"
[state]
code = "IN-GA"
[source]
files = ["rows.txt"]
format = "FORMAT"
max_row_bytes = 8192
columns = COLUMNS
header = false
[publish]
checkpoint_interval_ms = 1
[rows]
skip = [{ reason = "total", when = { column = "Station", one_of = ["Total"] } }]
parts = [{ column = "Ref", patterns = ["{ref_number:digits}/{ref_year:digits}"] }]
checks = [{ column = "Check", one_of = ["ok"] }]
not_carried = [{ column = "Phone", path = "escape_direction" }]
[mapping]
kind = { constant = "FIR" }
reported_at = { column = "Day", formats = ["%Y-%m-%d"] }
investigation_stage = "Stage"
narrative = { text = "Facts", cleared = { column = "Cleared", one_of = ["Y"] } }
[mapping.record]
part = "Part"
[mapping.police_station]
name = "Station"
[mapping.fir]
number = "No"
year = "Year"
[mapping.place]
text = "Place"
[mapping.gang]
name = { constant = "Gang" }
note = "GangNote"
[mapping.reported_head]
minor = "Head"
[mapping.handling]
classification = "Class"
[mapping.sections]
column = "Section"
order = "sections_only"
act = "Act"
[[mapping.persons]]
role = { constant = "VICTIM" }
name = "Victim"
age_years = "VictimAge"
address = "VictimHome"
gender = { column = "Sex", map = { F = "FEMALE" }, unknown = "quarantine" }
[[mapping.persons]]
role = { constant = "COMPLAINANT" }
name = "Informant"
address = "InformantHome"
[[mapping.persons]]
role = { constant = "ACCUSED" }
name = "Accused"
age_years = "AccusedAge"
aliases = { column = "Alias", split = [";"] }
relative = "Relative"
address = "AccusedHome"
description = "Looks"
[[mapping.property]]
role = { constant = "USED" }
description = "Goods"
[[mapping.links]]
record_id = "Link"
[[mapping.vehicles]]
role = { constant = "STOLEN" }
model = { constant = "i20" }
chassis = "Car"
[kafka]
bootstrap = "localhost:9092"
"#;

/// Keeps what would go to the broker, and refuses the rows that are to be too large.
#[derive(Clone)]
struct Broker {
    ledger: Arc<Ledger>,
    too_large: Arc<Vec<String>>,
    sent: Arc<Mutex<Vec<Message>>>,
}

impl Sink for Broker {
    fn send(&self, message: &Message, ticket: u64) -> Result<(), SendError> {
        if self.too_large.contains(&event(message).fir.unwrap().number) {
            return Err(SendError::TooLarge);
        }
        self.sent.lock().unwrap().push(message.clone());
        self.ledger.settle(ticket, Fate::Settled);
        Ok(())
    }

    fn reach(&self, _: Duration) -> Result<(), ReachError> {
        Ok(())
    }

    fn is_away(&self) -> bool {
        false
    }
}

pub(super) fn event(message: &Message) -> CrimeEvent {
    let (_, datum) = wire::parse(&message.payload).unwrap();
    Decoder::current(Record::CrimeEvent).decode(datum).unwrap()
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Everything that a run lets out.
pub(super) struct Out {
    pub(super) messages: Vec<Message>,
    pub(super) summary: Summary,
    /// Name and text of what is for people and machines beside it.
    pub(super) texts: Vec<(&'static str, String)>,
}

pub(super) fn run(rows: &[Row], is_json: bool) -> Out {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<u8> =
        rows.iter().enumerate().flat_map(|(i, row)| if is_json { row.json(i) } else { row.csv(i) }).collect();
    fs::write(folder.path().join(FILE), lines).unwrap();
    let settings = SETTINGS
        .replace("rows.txt", FILE)
        .replace("FORMAT", if is_json { "jsonl" } else { "csv" })
        .replace("COLUMNS", &serde_json::to_string(&COLUMNS[..]).unwrap());
    let config: ProducerConfig = toml::from_str(&settings).unwrap();
    let config = config.in_folder_of(&folder.path().join("goa.toml"));

    let mut errors = String::new();
    let mut show = |shown: Shown<'_>| {
        if let Shown::Rejected { file, line, rejection } = shown {
            errors.push_str(&format!("{file} {line} {rejection:?} {}\n", rejection.message));
        }
        Ok(())
    };
    dry_run(&config, sanchar_runtime::clock::now_ms(), &mut show, &mut |_| {}).unwrap();

    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let context = Context::new(crate::NAME, Arc::new(SystemClock)).unwrap();
    let ledger = Arc::new(Ledger::new(1_000, 32 << 20));
    let is_too_large = |row: &&Row| row.fault == Some(Fault::TooLarge);
    let numbers = rows
        .iter()
        .zip(1..)
        .filter(|(row, _)| is_too_large(row))
        .map(|(_, number): (_, i32)| number.to_string());
    let broker =
        Broker { ledger: Arc::clone(&ledger), too_large: Arc::new(numbers.collect()), sent: Arc::default() };
    let (sink, observed) = (broker.clone(), context.clone());
    let summary = tracing::subscriber::with_default(subscriber, || {
        let options = Options { once: true, ..Options::default() };
        Worker::new(config, options, context, SchemaId(1), sink, ledger).unwrap().run().unwrap()
    });
    let texts = vec![
        ("log", String::from_utf8(captured.0.lock().unwrap().clone()).unwrap()),
        ("metrics", observed.metrics.render()),
        ("health", observed.health.ready(true).text),
        ("summary", format!("{summary}{summary:?}{}", serde_json::to_string(&summary).unwrap())),
        ("quarantine", reasons(&folder.path().join("producer-store/quarantine"))),
        ("errors", errors),
        ("names of the store's files", names(&folder.path().join("producer-store"))),
    ];
    let messages = broker.sent.lock().unwrap().clone();
    Out { messages, summary, texts }
}

fn names(folder: &std::path::Path) -> String {
    let folders = ["quarantine", "checkpoints"].map(|part| fs::read_dir(folder.join(part)).unwrap());
    folders.into_iter().flatten().map(|entry| format!("{:?}\n", entry.unwrap().file_name())).collect()
}

/// Every line of quarantine without its row.
fn reasons(folder: &std::path::Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        for line in fs::read_to_string(entry.unwrap().path()).unwrap().lines() {
            let mut entry: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
            let row = entry.remove("row").or_else(|| entry.remove("row_hex")).unwrap();
            assert!(row.as_str().is_some_and(|row| !row.is_empty()), "the row itself is kept");
            text.push_str(&format!("{}\n", serde_json::to_string(&entry).unwrap()));
        }
    }
    text
}

//! Rows made at random, whole files of them through the whole worker: no value that has to stay is in what is published, and no value
//! of a row at all is in logs, metrics, health, summary, the reasons in quarantine or the text of errors. The row itself is in
//! quarantine on purpose.

use std::fs;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sanchar_runtime::clock::SystemClock;
use sanchar_runtime::lifecycle::Context;
use sanchar_runtime::registry::SchemaId;
use sanchar_schemas::codec::Decoder;
use sanchar_schemas::schema::Record;
use sanchar_schemas::{CrimeEvent, wire};

use crate::config::ProducerConfig;
use crate::dry_run::{Shown, dry_run};
use crate::publish::{Fate, Ledger, Message, ReachError, SendError, Sink};
use crate::run::Options;
use crate::summary::Summary;
use crate::worker::Worker;

/// Files, each of [`ROWS`] rows; every second of JSON Lines.
const FILES: u32 = 50;
const ROWS: usize = 50;
/// The file of the rows, named after somebody's telephone number.
const FILE: &str = "rows 9000000001.txt";
/// What every value of a row begins with, and nothing else in the world.
const MARK: &str = "zqx";

/// One in four is a fault, and of a kind of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Date,
    Year,
    Age,
    Section,
    Act,
    Pattern,
    Check,
    Value,
    Shape,
    Quotes,
    Utf8,
    Nul,
    TwiceEncoded,
    TooLong,
    TooLarge,
    Secret,
    Restricted,
    Skipped,
    FutureDay,
    SameRecord,
}

const FAULTS: [Fault; 20] = [
    Fault::Date,
    Fault::Year,
    Fault::Age,
    Fault::Section,
    Fault::Act,
    Fault::Pattern,
    Fault::Check,
    Fault::Value,
    Fault::Shape,
    Fault::Quotes,
    Fault::Utf8,
    Fault::Nul,
    Fault::TwiceEncoded,
    Fault::TooLong,
    Fault::TooLarge,
    Fault::Secret,
    Fault::Restricted,
    Fault::Skipped,
    Fault::FutureDay,
    Fault::SameRecord,
];

/// Act, section, whether it is a sexual offence, whether it is about children.
const OFFENCES: [(&str, &str, bool, bool); 6] = [
    ("IPC", "379", false, false),
    ("BNS", "303(2)", false, false),
    ("BNS", "64", true, false),
    ("IPC", "376", true, false),
    ("POCSO", "8", true, true),
    ("JJ", "75", false, true),
];

#[derive(Debug, Clone)]
struct Row {
    offence: usize,
    victim_age: Option<i32>,
    accused_age: i32,
    cleared: bool,
    fault: Option<Fault>,
}

fn any_row() -> impl Strategy<Value = Row> {
    let fault = prop::option::weighted(0.25, prop::sample::select(FAULTS.to_vec()));
    (0..OFFENCES.len(), prop::option::of(1..60), 12..60, any::<bool>(), fault).prop_map(
        |(offence, victim_age, accused_age, cleared, fault)| Row {
            offence,
            victim_age,
            accused_age,
            cleared,
            fault,
        },
    )
}

const COLUMNS: [&str; 26] = [
    "Station",
    "No",
    "Year",
    "Day",
    "Act",
    "Section",
    "Facts",
    "Cleared",
    "Victim",
    "VictimAge",
    "VictimHome",
    "Informant",
    "InformantHome",
    "Accused",
    "AccusedAge",
    "Place",
    "Car",
    "Phone",
    "Caste",
    "Aadhaar",
    "Ref",
    "Check",
    "Class",
    "Sex",
    "Head",
    "Stage",
];

impl Row {
    fn value(&self, i: usize, field: &str) -> String {
        format!("{MARK}{i}{field}")
    }

    fn number(&self, i: usize) -> String {
        if self.fault == Some(Fault::SameRecord) { "9999".to_owned() } else { (i + 1).to_string() }
    }

    /// A head that names the victim, with the offence as it is misspelt where the section says it too.
    fn head(&self, i: usize) -> String {
        let offence = match OFFENCES[self.offence] {
            (_, _, true, true) => ["POSCO", "पास्को", "ಪೋಕ್ಸೋ", "P.O.C.S.O."][i % 4],
            (_, _, true, false) => ["Ｒａｐｅ", "बलत्कार", "ಅತ್ಯಾಚಾರ", "rapist"][i % 4],
            _ => "Case",
        };
        format!("{offence} of {}", self.value(i, "victim").to_uppercase())
    }

    /// The cells of row `i`, in the order of [`COLUMNS`].
    fn cells(&self, i: usize) -> Vec<String> {
        let (act, section, ..) = OFFENCES[self.offence];
        let fault = |fault: Fault, field: &str, text: &str| {
            if self.fault == Some(fault) { self.value(i, field) } else { text.to_owned() }
        };
        let (act, section) =
            if self.fault == Some(Fault::Restricted) { ("UAPA", "17") } else { (act, section) };
        let facts = match self.fault {
            Some(Fault::TwiceEncoded) => format!("à¤¥à¤¾à¤¨à¤¾ {}", self.value(i, "facts")),
            Some(Fault::TooLong) => self.value(i, "facts").repeat(2_000),
            _ => format!("{} and more", self.value(i, "facts")),
        };
        let day = if self.fault == Some(Fault::FutureDay) { "2190-01-01" } else { "2024-03-01" };
        let station = if self.fault == Some(Fault::Skipped) { "Total" } else { "Panaji" };
        let class = if self.fault == Some(Fault::Secret) { "SECRET" } else { "UNCLASSIFIED" };
        let age = self.victim_age.map(|age| age.to_string()).unwrap_or_default();
        vec![
            station.to_owned(),
            self.number(i),
            fault(Fault::Year, "year", "2024"),
            fault(Fault::Date, "day", day),
            fault(Fault::Act, "act", act),
            fault(Fault::Section, "section", section),
            facts,
            if self.cleared { "Y".to_owned() } else { String::new() },
            self.value(i, "victim"),
            fault(Fault::Age, "age", &age),
            self.value(i, "victimhome"),
            self.value(i, "informant"),
            self.value(i, "informanthome"),
            self.value(i, "accused"),
            self.accused_age.to_string(),
            self.value(i, "place"),
            self.value(i, "car"),
            self.value(i, "phone"),
            self.value(i, "caste"),
            self.value(i, "aadhaar"),
            fault(Fault::Pattern, "ref", "7/2024"),
            fault(Fault::Check, "check", "ok"),
            class.to_owned(),
            fault(Fault::Value, "sex", "F"),
            self.head(i),
            telephone(i),
        ]
    }

    fn csv(&self, i: usize) -> Vec<u8> {
        let quoted = |cell: &String| format!("\"{cell}\"");
        let mut line = self.cells(i).iter().map(quoted).collect::<Vec<_>>().join(",");
        match self.fault {
            Some(Fault::Shape) => line.push_str(&format!(",{}", self.value(i, "more"))),
            Some(Fault::Quotes) => line.push_str(&format!("{}\"", self.value(i, "quote"))),
            _ => {}
        }
        self.bytes(line)
    }

    fn json(&self, i: usize) -> Vec<u8> {
        let cells = COLUMNS.iter().zip(self.cells(i)).map(|(name, cell)| format!("\"{name}\":\"{cell}\""));
        let mut line = format!("{{{}}}", cells.collect::<Vec<_>>().join(","));
        match self.fault {
            Some(Fault::Shape) => line.truncate(line.len() - 2),
            Some(Fault::Quotes) => {
                let twice = format!(",\"Victim\":\"{}\"}}", self.value(i, "twice"));
                line.replace_range(line.len() - 1.., &twice);
            }
            _ => {}
        }
        self.bytes(line)
    }

    fn bytes(&self, line: String) -> Vec<u8> {
        let mut bytes = line.into_bytes();
        match self.fault {
            Some(Fault::Utf8) => bytes.insert(3, 0xff),
            Some(Fault::Nul) => bytes.insert(3, 0),
            _ => {}
        }
        bytes.push(b'\n');
        bytes
    }

    /// What must stay, as the law puts it and not as the rules do.
    fn secrets(&self, i: usize) -> Vec<String> {
        let (_, _, is_sexual, is_about_children) = OFFENCES[self.offence];
        let is_minor = |age: i32| age < 18;
        let victim_is_child = is_about_children || self.victim_age.is_some_and(is_minor);
        let has_child = victim_is_child || is_minor(self.accused_age);
        let mut fields = vec!["informant", "informanthome", "phone", "caste", "aadhaar"];
        let mut secrets = vec![telephone(i)];
        if is_sexual || victim_is_child {
            fields.extend(["victim", "victimhome", "car"]);
            secrets.push(self.value(i, "victim").to_uppercase());
        }
        if is_sexual || has_child {
            fields.extend(["place", "facts"]);
        }
        if !self.cleared {
            fields.push("facts");
        }
        if is_minor(self.accused_age) {
            fields.push("accused");
        }
        secrets.extend(fields.into_iter().map(|field| self.value(i, field)));
        secrets
    }
}

/// A telephone number in one of the scripts of digits.
fn telephone(i: usize) -> String {
    let zero = ['0', '٠', '۰', '०', '೦', '᱐', '꯰', '０', '𝟎', '₀'][i % 10];
    let digits = format!("9{i:09}");
    digits
        .chars()
        .map(|digit| char::from_u32(u32::from(zero) + digit.to_digit(10).unwrap()).unwrap())
        .collect()
}

const SETTINGS: &str = r#"
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
[mapping.police_station]
name = "Station"
[mapping.fir]
number = "No"
year = "Year"
[mapping.place]
text = "Place"
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

fn event(message: &Message) -> CrimeEvent {
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
struct Out {
    messages: Vec<Message>,
    summary: Summary,
    /// Name and text of what is for people and machines beside it.
    texts: Vec<(&'static str, String)>,
}

fn run(rows: &[Row], is_json: bool) -> Out {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<u8> =
        rows.iter().enumerate().flat_map(|(i, row)| if is_json { row.json(i) } else { row.csv(i) }).collect();
    fs::write(folder.path().join(FILE), lines).unwrap();
    let settings = SETTINGS
        .replace("rows.txt", FILE)
        .replace("FORMAT", if is_json { "jsonl" } else { "csv" })
        .replace("COLUMNS", &serde_json::to_string(&COLUMNS).unwrap());
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

/// How many rows were published, filtered and put into quarantine.
type Counts = (u64, u64, u64);

fn check(rows: &[Row], is_json: bool) -> Result<Counts, TestCaseError> {
    let Out { messages, summary, texts } = run(rows, is_json);
    for (name, text) in &texts {
        let found =
            text.to_lowercase().find(MARK).map(|at| text.chars().skip(at.saturating_sub(80)).take(200));
        prop_assert!(found.is_none(), "{name}: {}", found.unwrap().collect::<String>());
    }
    for (name, text) in &texts {
        prop_assert!(!text.contains("9000000001"), "{name}: {text}");
    }
    let [(_, log), ..] = &texts[..] else { panic!() };
    let quarantined = summary.quarantined_count();
    prop_assert!(quarantined == 0 || log.contains("row put into quarantine"), "the log was not seen: {log}");
    for message in &messages {
        let whole = format!(
            "{} {:?} {}",
            message.key,
            message.headers().collect::<Vec<_>>(),
            String::from_utf8_lossy(&message.payload)
        );
        let number = event(message).fir.unwrap().number;
        let of: Vec<_> = rows.iter().enumerate().filter(|(i, row)| row.number(*i) == number).collect();
        for (i, row) in &of {
            for secret in row.secrets(*i) {
                prop_assert!(!whole.contains(&secret), "{secret} of {row:?}");
            }
        }
        if let [(i, row)] = of[..] {
            let accused = row.value(i, "accused");
            prop_assert_eq!(whole.contains(&accused), row.accused_age >= 18, "a grown-up is looked for");
        }
    }
    prop_assert!(summary.adds_up());
    Ok((summary.published, summary.filtered_count(), quarantined))
}

#[test]
fn no_value_of_a_row_is_where_it_must_not_be() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(FILES) };
    let total = std::cell::Cell::new((0, 0, 0));
    let files = (prop::collection::vec(any_row(), ROWS), any::<bool>());
    let outcome = TestRunner::new(config).run(&files, |(rows, is_json)| {
        let (published, filtered, quarantined) = check(&rows, is_json)?;
        let (p, f, q) = total.get();
        total.set((p + published, f + filtered, q + quarantined));
        Ok(())
    });
    outcome.unwrap();
    let (published, filtered, quarantined) = total.get();
    println!(
        "no value leaks in {} rows: {published} published, {filtered} left out, {quarantined} in quarantine",
        published + filtered + quarantined
    );
    assert_eq!(published + filtered + quarantined, u64::from(FILES) * 50);
}

/// Each fault ends where it should, or the test above would not see what it is for.
#[test]
fn every_fault_is_one() {
    for is_json in [false, true] {
        for fault in FAULTS {
            let good = Row { offence: 0, victim_age: Some(30), accused_age: 30, cleared: true, fault: None };
            // The first row has the number that `SameRecord` takes.
            let rows =
                [Row { fault: Some(Fault::SameRecord), ..good.clone() }, Row { fault: Some(fault), ..good }];
            let (published, filtered, quarantined) = check(&rows, is_json).unwrap();
            let expected = if fault == Fault::Skipped { (1, 1, 0) } else { (1, 0, 1) };
            assert_eq!((published, filtered, quarantined), expected, "{fault:?} json: {is_json}");
        }
    }
}

/// A file without the header that its configuration says it has: its first row is taken for names.
#[test]
fn a_row_that_is_taken_for_a_header_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let row = Row { offence: 0, victim_age: None, accused_age: 30, cleared: true, fault: None };
    fs::write(folder.path().join("rows.txt"), [row.csv(0), row.csv(1)].concat()).unwrap();
    let settings =
        SETTINGS.replace("FORMAT", "csv").replace("COLUMNS", "[]").replace("header = false", "header = true");
    let config: ProducerConfig = toml::from_str(&settings).unwrap();
    let config = config.in_folder_of(&folder.path().join("goa.toml"));
    let failure = dry_run(&config, 0, &mut |_| Ok(()), &mut |_| {}).unwrap_err();
    let text = format!("{failure} {failure:?}");
    assert!(text.contains("which rows.txt does not have, nor any other") && !text.contains(MARK), "{text}");
}

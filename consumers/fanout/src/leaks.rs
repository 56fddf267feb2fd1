//! Records made at random, good ones and poison of every reason, through the pipeline and the engine: nothing of what they hold
//! is in logs, metrics, traces, health, failures or what is added to dead letters. Copies and the dead letters themselves hold it on
//! purpose.
//!
//! Every text of every event, keys and headers begin with a mark that is nowhere else.

mod cases;
mod events;

use crate::reasons::PoisonReason;
use crate::rehearsal::{Input, Kafka, Output, configuration, registry, serve};
use cases::{Case, FAULTS, Fault, any_case};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use sanchar_runtime::clock::SystemClock;
use sanchar_runtime::lifecycle::Context;
use sanchar_runtime::telemetry::Tracer;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::wire;
use sanchar_stream::StreamConfig;
use sanchar_stream::processor::REASON_TOO_LARGE;
use std::io;
use std::sync::{Arc, Mutex};

/// What every text begins with, and nothing else in the world.
const MARK: &str = "zqx";
/// How often records are made, and how many records at a time.
const BATCHES: u32 = 25;
const RECORDS: usize = 40;

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
    /// Name and text of what is for people and machines beside the records.
    texts: Vec<(&'static str, String)>,
    committed: Vec<Output>,
}

impl Out {
    fn text(&self, name: &str) -> &str {
        &self.texts.iter().find(|(known, _)| *known == name).unwrap().1
    }

    fn letters(&self) -> impl Iterator<Item = &Output> {
        self.committed.iter().filter(|output| output.topic == "crime.dlq")
    }

    fn reasons(&self) -> Vec<String> {
        let reason =
            |letter: &Output| letter.headers.iter().find(|(name, _)| name == "sanchar-dlq-reason").cloned();
        self.letters()
            .filter_map(reason)
            .map(|(_, value)| String::from_utf8(value.unwrap()).unwrap())
            .collect()
    }
}

/// Lets the service of one worker process `inputs`, with everything logged.
fn run(mut inputs: Vec<Input>, stream: &StreamConfig) -> Out {
    for (offset, input) in (0..).zip(&mut inputs) {
        input.offset = offset;
    }
    let sources: Vec<Input> = inputs.clone();
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let mut context = Context::new("sanchar-fanout", Arc::new(SystemClock)).unwrap();
    let (tracer, mut spans) = Tracer::new(1.0, &context.metrics);
    context.tracer = tracer;
    let kafka = Kafka::new(inputs, context.shutdown.clone());
    let outcome = tracing::subscriber::with_default(subscriber, || serve(&kafka, stream, &context));
    let committed = kafka.committed.take();
    let letters = committed.iter().filter(|output| output.topic == "crime.dlq");
    let added: String = letters.map(|letter| added(letter, &sources)).collect();
    let texts = vec![
        ("log", String::from_utf8(captured.0.lock().unwrap().clone()).unwrap()),
        ("metrics", context.metrics.scrape(&context.health)),
        ("health", context.health.ready(true).text + &context.health.live(true).text),
        ("failure", outcome.err().map(|failure| format!("{failure} {failure:?}")).unwrap_or_default()),
        ("dead letters", added),
        ("traces", std::iter::from_fn(|| spans.try_recv().ok()).map(|span| format!("{span:?}\n")).collect()),
    ];
    Out { texts, committed }
}

/// What a dead letter has beside what was read.
fn added(letter: &Output, sources: &[Input]) -> String {
    let header = |wanted: &str| {
        let found = letter.headers.iter().find(|(name, _)| name == wanted);
        String::from_utf8(found.unwrap().1.clone().unwrap()).unwrap()
    };
    let offset: i64 = header("__dlq.errors.offset").parse().unwrap();
    let source = sources.iter().find(|source| source.offset == offset).unwrap();
    let kept = (source.key.clone().unwrap_or_default(), source.value.clone().unwrap_or_default());
    assert_eq!((&letter.key, &letter.value), (&kept.0, &kept.1), "key and value as they came");
    let (came, added) = letter.headers.split_at(source.headers.len());
    assert_eq!(came, source.headers, "headers as they came");
    let text =
        |value: &Option<Vec<u8>>| String::from_utf8_lossy(value.as_deref().unwrap_or_default()).into_owned();
    added.iter().map(|(name, value)| format!("{name}: {}\n", text(value))).collect()
}

fn check(cases: &[Case], stream: &StreamConfig) -> Result<Out, TestCaseError> {
    let inputs = cases.iter().enumerate().flat_map(|(number, case)| case.inputs(number)).collect();
    let out = run(inputs, stream);
    for (name, text) in &out.texts {
        let found = text.to_lowercase().find(MARK);
        let around = found.map(|at| text.chars().skip(at.saturating_sub(200)).take(400).collect::<String>());
        prop_assert!(around.is_none(), "{name}: {}", around.unwrap());
    }
    let dead = out.letters().count();
    prop_assert_eq!(out.text("log").matches("record dead-lettered").count(), dead, "the log is seen");
    Ok(out)
}

/// A service that never stops for poison.
fn patient() -> StreamConfig {
    StreamConfig { poison_share_max: 1.0, ..StreamConfig::default() }
}

#[test]
fn no_value_of_a_record_is_where_it_must_not_be() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(BATCHES) };
    let total = std::cell::Cell::new((0, 0));
    let batches = prop::collection::vec(any_case(), RECORDS);
    let outcome = TestRunner::new(config).run(&batches, |cases| {
        let out = check(&cases, &patient())?;
        let dead = out.letters().count();
        let copies = out.committed.iter().filter(|output| output.topic.starts_with("crime.shared.")).count();
        prop_assert!(copies > 0 && dead > 0, "{copies} copies, {dead} dead letters");
        prop_assert!(out.text("traces").contains("forwarded"), "the traces are seen");
        total.set((total.get().0 + copies, total.get().1 + dead));
        Ok(())
    });
    outcome.unwrap();
    let (copies, dead) = total.get();
    println!("no value leaks of {copies} copies and {dead} dead letters");
}

/// Each fault has the reason that it is for, or the test above would not see what it should.
#[test]
fn every_fault_is_one() {
    let mut runner = TestRunner::deterministic();
    for fault in FAULTS {
        for is_later in [false, true] {
            let drawn = any_case().new_tree(&mut runner).unwrap().current();
            let case = Case { fault: Some(fault), is_later, ..drawn };
            let out = check(&[case], &patient()).unwrap();
            if fault != Fault::OneByteElse {
                let expected: Vec<&str> = fault.reason().into_iter().collect();
                assert_eq!(out.reasons(), expected, "{fault:?}, later schema: {is_later}");
            }
        }
    }
    let covered: Vec<&str> = FAULTS.iter().filter_map(|fault| fault.reason()).collect();
    let all = PoisonReason::ALL.map(PoisonReason::as_str).into_iter().chain([REASON_TOO_LARGE]);
    let missing: Vec<&str> = all.filter(|reason| !covered.contains(reason)).collect();
    assert!(missing.is_empty(), "no record here is dead-lettered for {missing:?}");
}

#[test]
fn records_that_wait_and_a_service_that_stops_for_poison_say_nothing_of_them() {
    let mut runner = TestRunner::deterministic();
    let mut drawn = |fault| {
        let drawn = any_case().new_tree(&mut runner).unwrap().current();
        Case { fault, is_later: false, ..drawn }
    };
    let mut waiting = drawn(None).inputs(0);
    let value = waiting[0].value.take().unwrap();
    waiting[0].value = Some(wire::frame(registry::FAILING, &value[wire::HEADER_BYTES..]));
    let out = run(waiting, &patient());
    assert!(out.text("log").contains("records wait"), "{}", out.text("log"));
    assert!(out.texts.iter().all(|(_, text)| !text.to_lowercase().contains(MARK)), "{:?}", out.texts);

    let strict = StreamConfig { poison_window_records: 5, ..StreamConfig::default() };
    let cases: Vec<Case> = (0..10).map(|_| drawn(Some(Fault::OtherKey))).collect();
    let out = check(&cases, &strict).unwrap();
    assert!(out.text("failure").contains("were poison"), "{}", out.text("failure"));
}

/// The topics above are those of the contract.
#[test]
fn the_topics_are_the_contracts() {
    let topics = configuration().topics();
    assert_eq!(topics.name(Topic::Reported("IN-DL".parse().unwrap())), "crime.reported.in-dl");
    assert_eq!(topics.name(Topic::Dlq), "crime.dlq");
}

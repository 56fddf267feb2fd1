//! Records with and without a trace through the whole worker: what their copies carry, and what is told of them.

use super::*;
use crate::examples::event;
use crate::rehearsal::{Input, Kafka, Output, registry, serve};
use sanchar_runtime::clock::SystemClock;
use sanchar_runtime::lifecycle::Context;
use sanchar_schemas::{CrimeEvent, codec, wire};
use sanchar_stream::StreamConfig;
use std::sync::Arc;

const HEADER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

fn input(event: &CrimeEvent, offset: i64, traceparent: Option<&str>) -> Input {
    let headers = traceparent.map(|header| ("traceparent".to_owned(), Some(header.as_bytes().to_vec())));
    Input {
        topic: "crime.reported.in-dl".to_owned(),
        offset,
        key: Some(event.record_id.case_key().as_bytes().to_vec()),
        value: Some(wire::frame(registry::EVENT, &codec::encode_event(event).unwrap())),
        headers: headers.into_iter().collect(),
    }
}

/// Processes them; `share` is that of the traces to be kept, where any are.
fn run(inputs: Vec<Input>, share: Option<f64>) -> (Vec<Output>, Vec<Span>) {
    let mut context = Context::new("sanchar-fanout", Arc::new(SystemClock)).unwrap();
    let mut queue = share.map(|share| {
        let (tracer, queue) = Tracer::new(share, &context.metrics);
        context.tracer = tracer;
        queue
    });
    let kafka = Kafka::new(inputs, context.shutdown.clone());
    serve(&kafka, &StreamConfig::default(), &context).unwrap();
    let taken = || queue.as_mut().and_then(|queue| queue.try_recv().ok());
    (kafka.committed.take(), std::iter::from_fn(taken).collect())
}

/// The headers of the copies, each once.
fn carried(outputs: &[Output]) -> Vec<Option<String>> {
    let copies = outputs.iter().filter(|output| output.topic.starts_with("crime.shared."));
    let mut all: Vec<Option<String>> = copies
        .map(|copy| {
            let header = copy.headers.iter().find(|(name, _)| name == "traceparent");
            header.map(|(_, value)| String::from_utf8(value.clone().unwrap()).unwrap())
        })
        .collect();
    assert!(all.len() > 1, "Delhi has two neighbours");
    all.dedup();
    all
}

fn outcome(span: &Span) -> Option<&Attribute> {
    span.attributes.iter().find(|(name, _)| *name == "sanchar.outcome").map(|(_, value)| value)
}

#[test]
fn without_tracing_a_valid_trace_is_passed_on_and_nothing_else() {
    let event = event("IN-DL");
    for (header, expected) in [
        (Some(HEADER), Some(HEADER)),
        (Some("a person, and where they live, in fifty-five characters"), None),
        (Some("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"), None),
        (None, None),
    ] {
        let (outputs, spans) = run(vec![input(&event, 0, header)], None);
        assert_eq!(carried(&outputs), [expected.map(str::to_owned)], "{header:?}");
        assert!(spans.is_empty());
    }
}

#[test]
fn a_trace_that_is_kept_goes_on_to_the_copies() {
    let (outputs, spans) = run(vec![input(&event("IN-DL"), 0, Some(HEADER))], Some(1.0));
    let [process, deliver] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!((process.name, deliver.name), ("process", "deliver"));
    assert_eq!(process.parent, TraceContext::parse(HEADER.as_bytes()));
    assert_eq!(deliver.parent, Some(process.context));
    assert_eq!(carried(&outputs), [Some(deliver.context.to_string())]);
    assert_eq!(Some(deliver.context.trace_id().as_str()), HEADER.split('-').nth(1));
    assert!(deliver.context.is_recorded(), "whoever reads a copy is told");
    assert_eq!(outcome(process), Some(&Attribute::Name("forwarded".to_owned())));
    let recipients = ("sanchar.recipients", Attribute::Name("IN-HR IN-UP".to_owned()));
    assert!(deliver.attributes.contains(&recipients), "{deliver:?}");
    assert!(process.started_ms <= deliver.started_ms && deliver.started_ms <= deliver.ended_ms);
}

#[test]
fn a_trace_that_is_not_kept_is_passed_on_as_it_is() {
    let (outputs, spans) = run(vec![input(&event("IN-DL"), 0, Some(HEADER))], Some(0.0));
    assert_eq!((carried(&outputs), spans.len()), (vec![Some(HEADER.to_owned())], 0));
}

#[test]
fn a_record_without_a_trace_begins_one() {
    let (outputs, spans) = run(vec![input(&event("IN-DL"), 0, Some("nonsense"))], Some(1.0));
    assert_eq!(spans[0].parent, None);
    assert_eq!(carried(&outputs), [Some(spans[1].context.to_string())]);
}

#[test]
fn a_repeat_is_told_and_a_dead_letter_is_not() {
    let event = event("IN-DL");
    let mut dead = input(&event, 2, Some(HEADER));
    dead.value = None;
    let inputs = vec![input(&event, 0, Some(HEADER)), input(&event, 1, Some(HEADER)), dead];
    let (outputs, spans) = run(inputs, Some(1.0));
    let outcomes: Vec<_> = spans.iter().filter_map(outcome).cloned().collect();
    assert_eq!(outcomes, ["forwarded", "duplicate"].map(|name| Attribute::Name(name.to_owned())));
    let letter = outputs.iter().find(|output| output.topic == "crime.dlq").unwrap();
    assert_eq!(letter.headers[0], ("traceparent".to_owned(), Some(HEADER.as_bytes().to_vec())), "as it came");
}

//! A span: what was done for a record, from when to when, as OpenTelemetry's data model has it.
//!
//! What it tells is about the work and never about the record: state, topic, outcome, numbers. No personal data, and no
//! names of records, since a collector is read by more people than an inbox.

use serde_json::{Value, json};

use super::TraceContext;

/// Which side of a queue the work is on (OpenTelemetry's `SpanKind`, by its number in the protocol).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Writes to a topic.
    Producer = 4,
    /// Takes from a topic.
    Consumer = 5,
}

/// A value that a span tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// A name: of a state, a topic, an outcome.
    Name(String),
    /// A number of things.
    Number(u64),
}

/// Work on a record that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// What was done: a verb.
    pub name: &'static str,
    /// Which side of a queue it was on.
    pub kind: SpanKind,
    /// The trace, and the span itself.
    pub context: TraceContext,
    /// The span that led to it; `None` for the first of a trace.
    pub parent: Option<TraceContext>,
    /// When it began, in milliseconds since 1970, UTC.
    pub started_ms: i64,
    /// When it ended.
    pub ended_ms: i64,
    /// What is to be told of it, by name.
    pub attributes: Vec<(&'static str, Attribute)>,
}

impl Span {
    /// The span in OTLP's JSON encoding: ids in hexadecimal digits, numbers of 64 bits as texts.
    pub(super) fn to_json(&self) -> Value {
        let nanoseconds = |ms: i64| (i128::from(ms) * 1_000_000).to_string();
        let attributes = self.attributes.iter().map(|(key, value)| attribute(key, value));
        json!({
            "traceId": self.context.trace_id(),
            "spanId": self.context.span_id(),
            "parentSpanId": self.parent.map(TraceContext::span_id).unwrap_or_default(),
            "name": self.name,
            "kind": self.kind as u8,
            "startTimeUnixNano": nanoseconds(self.started_ms),
            "endTimeUnixNano": nanoseconds(self.ended_ms.max(self.started_ms)),
            "attributes": attributes.collect::<Vec<_>>(),
        })
    }
}

pub(super) fn attribute(key: &str, value: &Attribute) -> Value {
    let value = match value {
        Attribute::Name(name) => json!({ "stringValue": name }),
        Attribute::Number(number) => json!({ "intValue": number.to_string() }),
    };
    json!({ "key": key, "value": value })
}

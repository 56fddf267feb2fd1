//! What the fan-out tells of traces that are kept: that it took up a record, what came of it, and that copies of it were
//! delivered.
//!
//! Spans wait for the transaction's commit, as counts do: before it nothing has happened. A dead letter has no span; it
//! carries its trace in its headers, as it came.

use crate::reasons::DropReason;
use crate::route::Route;
use sanchar_runtime::telemetry::{Attribute, Span, SpanKind, TraceContext, Tracer};
use sanchar_schemas::{StateCode, StateSet, headers};
use sanchar_stream::client::Message;

/// The trace that a record came with. What is no valid header counts as none, and is not passed on.
pub(crate) fn received(message: &dyn Message) -> Option<TraceContext> {
    message.header(headers::TRACEPARENT).and_then(TraceContext::parse)
}

/// A record's part of a trace that is kept.
pub(crate) struct Trace {
    received: Option<TraceContext>,
    process: TraceContext,
    deliver: TraceContext,
    topic: String,
    began_ms: i64,
}

impl Trace {
    /// What copies carry: whoever reads one goes on from its delivery.
    pub(crate) const fn of_copies(&self) -> TraceContext {
        self.deliver
    }

    fn processed(self, outcome: &'static str) -> Span {
        let attributes = vec![
            ("messaging.system", Attribute::Name("kafka".to_owned())),
            ("messaging.destination.name", Attribute::Name(self.topic)),
            ("sanchar.outcome", Attribute::Name(outcome.to_owned())),
        ];
        let (started_ms, ended_ms) = (self.began_ms, self.began_ms);
        let (context, parent) = (self.process, self.received);
        Span { name: "process", kind: SpanKind::Consumer, context, parent, started_ms, ended_ms, attributes }
    }
}

/// One worker's spans of the open transaction. Bounded as its records are: two for each.
pub(crate) struct Traces {
    tracer: Tracer,
    pending: Vec<Span>,
}

impl Traces {
    pub(crate) const fn new(tracer: Tracer) -> Self {
        Self { tracer, pending: Vec::new() }
    }

    /// A record is taken up at `now_ms`. `None` where its trace is not kept; one without a trace begins one.
    pub(crate) fn begin(&self, message: &dyn Message, now_ms: i64) -> Option<Trace> {
        if !self.tracer.is_on() {
            return None;
        }
        let received = received(message);
        let process = received.unwrap_or_default().child();
        let trace = || Trace {
            received,
            process,
            deliver: process.child(),
            topic: message.topic().to_owned(),
            began_ms: now_ms,
        };
        self.tracer.keeps(process).then(trace)
    }

    /// The record is not delivered, although nothing is wrong with it.
    pub(crate) fn dropped(&mut self, trace: Option<Trace>, reason: DropReason) {
        self.pending.extend(trace.map(|trace| trace.processed(reason.as_str())));
    }

    /// Its copies were handed over at `now_ms`.
    pub(crate) fn delivered(&mut self, trace: Trace, route: &Route<'_>, now_ms: i64) {
        let (context, parent) = (trace.deliver, Some(trace.process));
        let attributes = vec![
            ("messaging.system", Attribute::Name("kafka".to_owned())),
            ("sanchar.recipients", Attribute::Name(names(route.deliveries))),
            ("sanchar.withdrawals", Attribute::Name(names(route.withdrawals))),
        ];
        let (kind, started_ms, ended_ms) = (SpanKind::Producer, now_ms, now_ms);
        self.pending.push(trace.processed("forwarded"));
        self.pending.push(Span { name: "deliver", kind, context, parent, started_ms, ended_ms, attributes });
    }

    /// What was processed is readable, since `now_ms`.
    pub(crate) fn committed(&mut self, now_ms: i64) {
        for span in self.pending.drain(..) {
            self.tracer.send(Span { ended_ms: now_ms, ..span });
        }
    }

    pub(crate) fn aborted(&mut self) {
        self.pending.clear();
    }
}

fn names(states: StateSet) -> String {
    states.iter().map(StateCode::as_str).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;

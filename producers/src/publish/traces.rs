//! Publications that are traced: from the hand-over to the client until the broker's acknowledgement.
//!
//! Only those of traces that are kept are remembered, by ticket, so there are never more than rows in flight.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sanchar_runtime::clock::Clock;
use sanchar_runtime::lifecycle::Context;
use sanchar_runtime::telemetry::{Attribute, Span, SpanKind, TraceContext, Tracer};

/// What is to be told of publications under way.
pub(crate) struct Traces {
    tracer: Tracer,
    clock: Arc<dyn Clock>,
    topic: String,
    /// The trace of each, and when it began.
    open: Mutex<HashMap<usize, (TraceContext, i64)>>,
}

impl Traces {
    pub(crate) fn new(context: &Context, topic: String) -> Self {
        let (tracer, clock) = (context.tracer.clone(), Arc::clone(&context.clock));
        Self { tracer, clock, topic, open: Mutex::default() }
    }

    /// A message of this trace is handed over under `ticket`.
    pub(super) fn begin(&self, ticket: usize, trace: TraceContext) {
        if self.tracer.keeps(trace) {
            self.open().insert(ticket, (trace, self.clock.now_ms()));
        }
    }

    /// The broker has acknowledged it.
    pub(super) fn acknowledged(&self, ticket: usize) {
        if !self.tracer.is_on() {
            return;
        }
        let begun = self.open().remove(&ticket);
        let Some((context, started_ms)) = begun else { return };
        self.tracer.send(Span {
            name: "publish",
            kind: SpanKind::Producer,
            context,
            parent: None,
            started_ms,
            ended_ms: self.clock.now_ms(),
            attributes: vec![
                ("messaging.system", Attribute::Name("kafka".to_owned())),
                ("messaging.destination.name", Attribute::Name(self.topic.clone())),
            ],
        });
    }

    /// It was not taken, or comes to nothing.
    pub(super) fn given_up(&self, ticket: usize) {
        if self.tracer.is_on() {
            self.open().remove(&ticket);
        }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<usize, (TraceContext, i64)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sanchar_runtime::clock::ManualClock;

    #[test]
    fn a_publication_is_told_once_it_is_acknowledged() {
        let clock = Arc::new(ManualClock::new(1_000));
        let mut context = Context::new("sanchar-test", Arc::<ManualClock>::clone(&clock)).unwrap();
        let (tracer, mut spans) = Tracer::new(1.0, &context.metrics);
        context.tracer = tracer.clone();
        let traces = Traces::new(&context, "crime.reported.in-dl".to_owned());
        let (first, second) = (tracer.begin(), tracer.begin());
        traces.begin(7, first);
        traces.begin(8, second);
        clock.advance(25);
        traces.given_up(8);
        traces.acknowledged(8);
        traces.acknowledged(7);
        traces.acknowledged(7);
        let span = spans.try_recv().unwrap();
        assert_eq!((span.name, span.context, span.parent), ("publish", first, None));
        assert_eq!((span.started_ms, span.ended_ms), (1_000, 1_025));
        assert!(spans.try_recv().is_err() && traces.open().is_empty());
    }

    #[test]
    fn nothing_is_remembered_where_nothing_is_traced() {
        let context = Context::new("sanchar-test", Arc::new(ManualClock::new(0))).unwrap();
        let traces = Traces::new(&context, "crime.reported.in-dl".to_owned());
        traces.begin(7, context.tracer.begin());
        assert!(traces.open().is_empty());
    }
}

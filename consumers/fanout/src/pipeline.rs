//! The product in one sentence: decode a reported event, authorise it, deduplicate it, route it, enrich it
//! and publish it to every state that must know.

use crate::authorise::authorise;
use crate::decode::EventDecoder;
use crate::enrich::enrich;
use crate::meaning::Meaning;
use crate::metrics::{Delivered, PipelineMetrics, Stages};
use crate::publish::{Attributes, Publisher};
use crate::reasons::{DropReason, PoisonReason, Stage};
use crate::register::{Entry, Register, Verdict};
use crate::route::{Route, route};
use crate::rules::CurrentRules;
use crate::traces::{self, Trace, Traces};
use sanchar_runtime::clock::Clock;
use sanchar_schemas::{Outline, StateCode};
use sanchar_stream::client::Message;
use sanchar_stream::{Outputs, Processor, Refusal};
use std::collections::HashMap;
use std::sync::Arc;

/// The fan-out of one worker.
pub struct Pipeline {
    pub(crate) owners: HashMap<String, StateCode>,
    pub(crate) decoder: EventDecoder,
    pub(crate) register: Register,
    pub(crate) rules: CurrentRules,
    pub(crate) publisher: Publisher,
    pub(crate) metrics: PipelineMetrics,
    pub(crate) stages: Stages,
    pub(crate) traces: Traces,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Processor for Pipeline {
    fn process(&mut self, message: &dyn Message, outputs: &mut Outputs<'_>) -> Result<(), Refusal> {
        let now_ms = self.clock.now_ms();
        let trace = self.traces.begin(message, now_ms);
        let watch = &mut self.stages.watch();
        let datum = self.decoder.decode(message, now_ms)?;
        let event = &datum.outline()?;
        self.stages.end(Stage::Decode, watch);
        authorise(event, self.owner(message.topic())?, message.key()).map_err(Refusal::Poison)?;
        self.metrics.heard(event.origin, message.timestamp_ms().unwrap_or(now_ms));
        self.stages.end(Stage::Authorise, watch);
        let key = self.register.key(&event.record_id).map_err(Refusal::Retryable)?;
        let verdict = self.register.judge(key, event.revision, event.content_hash, now_ms);
        self.stages.end(Stage::Deduplicate, watch);
        let earlier = match verdict.map_err(Refusal::Retryable)? {
            Verdict::Forward(earlier) => earlier,
            Verdict::Drop(reason) => {
                self.dropped(reason, trace);
                return Ok(());
            }
            Verdict::Remember(entry, reason) => {
                outputs.changelog(event.record_id.as_str().as_bytes(), &entry.to_bytes())?;
                self.register.stage(key, entry);
                self.dropped(reason, trace);
                return Ok(());
            }
            Verdict::Conflict => {
                let text =
                    "this revision was delivered with other content; publish the change as a newer revision";
                return Err(Refusal::Poison(PoisonReason::Conflict.poison(text)));
            }
        };
        let (meaning, rules) = (Meaning::of(event), self.rules.get());
        let route = route(event, &meaning, &rules, earlier);
        self.stages.end(Stage::Route, watch);
        let enrichment = enrich(event, &meaning, &rules, &route, now_ms);
        self.stages.end(Stage::Enrich, watch);
        let copied = trace.as_ref().map(Trace::of_copies).or_else(|| traces::received(message));
        let attributes = Attributes::of(message, event, copied);
        self.publisher.publish(&attributes, &datum.bytes, &enrichment, &route, outputs)?;
        let entry = Entry {
            revision: event.revision,
            content_hash: event.content_hash,
            recipients: route.deliveries,
            last_seen_ms: now_ms,
        };
        outputs.changelog(event.record_id.as_str().as_bytes(), &entry.to_bytes())?;
        self.register.stage(key, entry);
        self.stages.end(Stage::Publish, watch);
        self.count(message, event, &route, datum.is_re_encoded, trace);
        Ok(())
    }

    fn committed(&mut self) {
        let now_ms = self.clock.now_ms();
        self.metrics.committed(now_ms);
        self.traces.committed(now_ms);
        self.stages.ended();
    }

    fn aborted(&mut self) {
        self.register.aborted();
        self.metrics.aborted();
        self.traces.aborted();
        self.stages.ended();
    }
}

impl Pipeline {
    fn owner(&self, topic: &str) -> Result<StateCode, Refusal> {
        let text = || PoisonReason::OriginMismatch.poison("the topic belongs to no state");
        self.owners.get(topic).copied().ok_or_else(|| Refusal::Poison(text()))
    }

    fn dropped(&mut self, reason: DropReason, trace: Option<Trace>) {
        self.metrics.dropped(reason);
        self.traces.dropped(trace, reason);
    }

    fn count(
        &mut self,
        message: &dyn Message,
        event: &Outline<'_>,
        route: &Route<'_>,
        is_re_encoded: bool,
        trace: Option<Trace>,
    ) {
        if route.is_empty() {
            return self.dropped(DropReason::NoRecipient, trace);
        }
        if let Some(trace) = trace {
            self.traces.delivered(trace, route, self.clock.now_ms());
        }
        let pending = self.metrics.pending();
        pending.delivered.push(Delivered {
            origin: event.origin,
            recipients: route.deliveries,
            is_urgent: event.is_urgent,
            published_ms: message.timestamp_ms(),
            registered_ms: event.reported_at.map(|moment| moment.at),
        });
        pending.withdrawals += route.withdrawals.len() as u64;
        pending.re_encoded += u64::from(is_re_encoded);
    }
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipeline").finish_non_exhaustive()
    }
}

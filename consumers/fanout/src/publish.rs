//! Event to outputs: the spliced record, its headers, one copy for each recipient's inbox.
//! The bytes are made once and shared by all copies; only the `sanchar-route` header differs.

use crate::route::Route;
use jiff::Timestamp;
use sanchar_runtime::registry::SchemaId;
use sanchar_runtime::telemetry::TraceContext;
use sanchar_schemas::enrichment::Enrichment;
use sanchar_schemas::shared::{splice_delivery, splice_withdrawal};
use sanchar_schemas::topics::{Topic, TopicSpace};
use sanchar_schemas::{Outline, StateCode, codec, headers, wire};
use sanchar_stream::client::{Message, Record};
use sanchar_stream::{Outputs, Refusal};
use std::collections::HashMap;

/// Value of the route header of a withdrawal.
const ROUTE_WITHDRAWAL: &str = "withdrawal";

/// Writes copies to inboxes.
pub(crate) struct Publisher {
    schema_id: SchemaId,
    inboxes: HashMap<StateCode, String>,
}

impl Publisher {
    pub(crate) fn new(schema_id: SchemaId, topics: &TopicSpace) -> Self {
        let inboxes = StateCode::all().map(|state| (state, topics.name(Topic::Shared(state)))).collect();
        Self { schema_id, inboxes }
    }

    /// Writes one copy for each recipient and a withdrawal for each state that should forget the record.
    pub(crate) fn publish(
        &self,
        attributes: &Attributes<'_>,
        datum: &[u8],
        enrichment: &Enrichment<'_>,
        route: &Route<'_>,
        outputs: &mut Outputs<'_>,
    ) -> Result<(), Refusal> {
        if !route.deliveries.is_empty() {
            let enrichment = encoded(enrichment)?;
            let value = self.framed(|value| splice_delivery(datum, &enrichment, value));
            for state in route.deliveries.iter() {
                let reasons =
                    route.reasons(state).map(|reason| reason.to_string()).collect::<Vec<_>>().join(",");
                self.copy(state, attributes.key, &value, &attributes.with_route(&reasons), outputs)?;
            }
        }
        if !route.withdrawals.is_empty() {
            let identity = encoded(&enrichment.identity_only())?;
            let value = self.framed(|value| splice_withdrawal(&identity, value));
            for state in route.withdrawals.iter() {
                self.copy(state, attributes.key, &value, &attributes.with_route(ROUTE_WITHDRAWAL), outputs)?;
            }
        }
        Ok(())
    }

    fn framed(&self, splice: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut value = Vec::new();
        wire::write_header(self.schema_id.0, &mut value);
        splice(&mut value);
        value
    }

    fn copy(
        &self,
        state: StateCode,
        key: Option<&[u8]>,
        value: &[u8],
        headers: &[(&str, Option<&[u8]>)],
        outputs: &mut Outputs<'_>,
    ) -> Result<(), Refusal> {
        let Some(topic) = self.inboxes.get(&state) else { return Ok(()) };
        outputs.send(Record { topic, key, value: Some(value), headers })?;
        Ok(())
    }
}

fn encoded(enrichment: &Enrichment<'_>) -> Result<Vec<u8>, Refusal> {
    codec::encode_enrichment(enrichment).map_err(|error| {
        let text = format!("an enrichment cannot be encoded: {error}");
        Refusal::Fatal(sanchar_runtime::lifecycle::Failure::internal(text))
    })
}

/// Key, CloudEvents attributes and trace context of the copies.
pub(crate) struct Attributes<'a> {
    key: Option<&'a [u8]>,
    id: &'a str,
    source: String,
    time: String,
    traceparent: Option<String>,
    is_urgent: bool,
}

/// Whether a reported event may overtake those of other cases, as its header says.
pub(crate) fn is_urgent(message: &dyn Message) -> bool {
    message.header(headers::PRIORITY) == Some(headers::PRIORITY_URGENT.as_bytes())
}

impl<'a> Attributes<'a> {
    /// Of the copies of `event`, which came as `message`.
    pub(crate) fn of(message: &'a dyn Message, event: &Outline<'a>, trace: Option<TraceContext>) -> Self {
        let published = Timestamp::from_millisecond(event.published_at).unwrap_or(Timestamp::UNIX_EPOCH);
        Self {
            key: message.key(),
            id: event.event_id,
            source: format!("/{}", event.origin.to_topic_part()),
            time: published.to_string(),
            traceparent: trace.map(|trace| trace.to_string()),
            is_urgent: is_urgent(message),
        }
    }

    fn with_route<'h>(&'h self, route: &'h str) -> Vec<(&'h str, Option<&'h [u8]>)> {
        let mut all: Vec<(&str, Option<&[u8]>)> = vec![
            (headers::CE_SPECVERSION, Some(headers::CE_SPECVERSION_VALUE.as_bytes())),
            (headers::CE_ID, Some(self.id.as_bytes())),
            (headers::CE_SOURCE, Some(self.source.as_bytes())),
            (headers::CE_TYPE, Some(headers::CE_TYPE_SHARED.as_bytes())),
            (headers::CE_TIME, Some(self.time.as_bytes())),
            (headers::CONTENT_TYPE, Some(headers::CONTENT_TYPE_AVRO.as_bytes())),
            (headers::ROUTE, Some(route.as_bytes())),
        ];
        all.extend(self.is_urgent.then_some((headers::PRIORITY, Some(headers::PRIORITY_URGENT.as_bytes()))));
        all.extend(self.traceparent.as_deref().map(|value| (headers::TRACEPARENT, Some(value.as_bytes()))));
        all
    }
}

//! An event as a Kafka message: key, Avro in the Confluent wire format, CloudEvents headers and a trace context.

use jiff::Timestamp;
use sanchar_runtime::registry::SchemaId;
use sanchar_runtime::telemetry::TraceContext;
use sanchar_schemas::codec::{CodecError, encode_event};
use sanchar_schemas::{CrimeEvent, headers, wire};

/// A message for the topic of its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    /// The case key, so that a case keeps its order.
    pub(crate) key: String,
    /// Five bytes of wire format and the Avro datum.
    pub(crate) payload: Vec<u8>,
    /// Names and values.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// The trace that begins with it.
    pub(crate) trace: TraceContext,
}

impl Message {
    /// The message of an event that was sealed and found valid, as the first of `trace`.
    pub(crate) fn new(event: &CrimeEvent, schema: SchemaId, trace: TraceContext) -> Result<Self, CodecError> {
        let mut headers = vec![
            (headers::CE_SPECVERSION, headers::CE_SPECVERSION_VALUE.to_owned()),
            (headers::CE_ID, event.event_id.clone()),
            (headers::CE_SOURCE, source(event)),
            (headers::CE_TYPE, headers::CE_TYPE_REPORTED.to_owned()),
            (
                headers::CE_TIME,
                Timestamp::from_millisecond(event.published_at).unwrap_or_default().to_string(),
            ),
            (headers::CONTENT_TYPE, headers::CONTENT_TYPE_AVRO.to_owned()),
            (headers::TRACEPARENT, trace.to_string()),
        ];
        if event.handling.is_urgent() {
            headers.push((headers::PRIORITY, headers::PRIORITY_URGENT.to_owned()));
        }
        let payload = wire::frame(schema.0, &encode_event(event)?);
        Ok(Self { key: event.record_id.case_key().to_owned(), payload, headers, trace })
    }

    /// What it costs in memory and on the wire, in bytes.
    pub(crate) fn cost(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.key.len() + self.payload.len() + headers
    }
}

/// `/in-dl/<police station>`: the station as it stands in the record id, percent-encoded (RFC 3986).
fn source(event: &CrimeEvent) -> String {
    let station = event.record_id.as_str().split('/').nth(1).unwrap_or_default();
    let mut source = format!("/{}/", event.origin.to_topic_part());
    for byte in station.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                source.push(char::from(byte));
            }
            _ => source.push_str(&format!("%{byte:02X}")),
        }
    }
    source
}

#[cfg(test)]
mod tests {
    use super::*;
    use sanchar_schemas::codec::Decoder;
    use sanchar_schemas::event::Priority;
    use sanchar_schemas::schema::Record;

    fn event() -> CrimeEvent {
        let file = include_str!("../../../schemas/examples/vehicle-stolen.json");
        serde_json::from_str(file).unwrap()
    }

    #[test]
    fn a_message_can_be_read_without_knowing_this_program() {
        let event = event();
        let trace = TraceContext::new();
        let message = Message::new(&event, SchemaId(7), trace).unwrap();
        assert_eq!(message.key, event.record_id.case_key());
        let (id, datum) = wire::parse(&message.payload).unwrap();
        assert_eq!(id, 7);
        assert_eq!(Decoder::current(Record::CrimeEvent).decode::<CrimeEvent>(datum).unwrap(), event);
        let header = |wanted| message.headers.iter().find(|(name, _)| *name == wanted).unwrap().1.as_str();
        assert_eq!(header("ce_id"), event.event_id);
        assert_eq!(header("ce_type"), "sanchar.crime.reported.v1");
        assert!(header("ce_source").starts_with("/in-"), "{}", header("ce_source"));
        assert!(header("ce_time").ends_with('Z'));
        assert_eq!(header("content-type"), "application/avro");
        assert_eq!(TraceContext::parse(header("traceparent").as_bytes()), Some(trace));
    }

    #[test]
    fn what_is_urgent_can_be_seen_without_decoding() {
        for (priority, officer_safety, expected) in [
            (Priority::Routine, false, None),
            (Priority::Priority, false, None),
            (Priority::Urgent, false, Some("urgent")),
            (Priority::Routine, true, Some("urgent")),
        ] {
            let mut event = event();
            event.handling.priority = priority;
            event.handling.officer_safety = officer_safety;
            let message = Message::new(&event.sealed(), SchemaId(7), TraceContext::new()).unwrap();
            let header = message.headers.iter().find(|(name, _)| *name == "sanchar-priority");
            assert_eq!(header.map(|(_, value)| value.as_str()), expected, "{priority:?} {officer_safety}");
        }
    }

    #[test]
    fn a_source_is_a_uri_reference() {
        let mut event = event();
        event.record_id = sanchar_schemas::RecordId::new(event.origin, "थाना A", 2018, "97", "fir").unwrap();
        assert!(source(&event).ends_with("/%E0%A4%A5%E0%A4%BE%E0%A4%A8%E0%A4%BE%20A"));
    }
}

//! An event as a Kafka message: key, Avro in the Confluent wire format, CloudEvents headers and a trace context.

use jiff::Timestamp;
use sanchar_runtime::registry::SchemaId;
use sanchar_runtime::telemetry::TraceContext;
use sanchar_schemas::codec::{CodecError, append_event};
use sanchar_schemas::{CrimeEvent, headers, wire};

/// A message for the topic of its state. One is written over the other, so that its buffers are made once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// The case key, so that a case keeps its order.
    pub(crate) key: String,
    /// Five bytes of wire format and the Avro datum.
    pub(crate) payload: Vec<u8>,
    /// The trace that begins with it.
    pub(crate) trace: TraceContext,
    id: String,
    source: String,
    time: String,
    /// The moment that `time` says.
    time_ms: i64,
    traceparent: String,
    is_urgent: bool,
}

impl Message {
    /// The message of an event that was sealed and found valid, as the first of `trace`.
    #[cfg(test)]
    pub(crate) fn new(event: &CrimeEvent, schema: SchemaId, trace: TraceContext) -> Result<Self, CodecError> {
        let mut message = Self::default();
        message.write(event, schema, trace)?;
        Ok(message)
    }

    /// Becomes that of an event that was sealed and found valid, as the first of `trace`.
    pub(crate) fn write(
        &mut self,
        event: &CrimeEvent,
        schema: SchemaId,
        trace: TraceContext,
    ) -> Result<(), CodecError> {
        event.record_id.case_key().clone_into(&mut self.key);
        event.event_id.clone_into(&mut self.id);
        write_source(event, &mut self.source);
        // Many rows are read within one millisecond.
        if self.time.is_empty() || self.time_ms != event.published_at {
            self.time = Timestamp::from_millisecond(event.published_at).unwrap_or_default().to_string();
            self.time_ms = event.published_at;
        }
        self.traceparent = trace.to_string();
        self.trace = trace;
        self.is_urgent = event.handling.is_urgent();
        self.payload.clear();
        wire::write_header(schema.0, &mut self.payload);
        append_event(event, &mut self.payload)
    }

    /// Names and values of its headers.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let urgent = self.is_urgent.then_some((headers::PRIORITY, headers::PRIORITY_URGENT));
        let always = [
            (headers::CE_SPECVERSION, headers::CE_SPECVERSION_VALUE),
            (headers::CE_ID, &self.id),
            (headers::CE_SOURCE, &self.source),
            (headers::CE_TYPE, headers::CE_TYPE_REPORTED),
            (headers::CE_TIME, &self.time),
            (headers::CONTENT_TYPE, headers::CONTENT_TYPE_AVRO),
            (headers::TRACEPARENT, &self.traceparent),
        ];
        always.into_iter().chain(urgent)
    }

    /// What it costs in memory and on the wire, in bytes.
    pub(crate) fn cost(&self) -> usize {
        let headers: usize = self.headers().map(|(name, value)| name.len() + value.len()).sum();
        self.key.len() + self.payload.len() + headers
    }
}

/// `/in-dl/<police station>`: the station as it stands in the record id, percent-encoded (RFC 3986).
fn write_source(event: &CrimeEvent, source: &mut String) {
    let station = event.record_id.as_str().split('/').nth(1).unwrap_or_default();
    source.clear();
    source.push('/');
    source.extend(event.origin.as_str().chars().map(|c| c.to_ascii_lowercase()));
    source.push('/');
    for byte in station.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                source.push(char::from(byte));
            }
            _ => source.push_str(&format!("%{byte:02X}")),
        }
    }
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
        let header = |wanted| message.headers().find(|(name, _)| *name == wanted).unwrap().1;
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
            let header = message.headers().find(|(name, _)| *name == "sanchar-priority");
            assert_eq!(header.map(|(_, value)| value), expected, "{priority:?} {officer_safety}");
        }
    }

    #[test]
    fn a_source_is_a_uri_reference() {
        let mut event = event();
        event.record_id = sanchar_schemas::RecordId::new(event.origin, "थाना A", 2018, "97", "fir").unwrap();
        let mut source = "what stood here".to_owned();
        write_source(&event, &mut source);
        assert_eq!(
            source,
            format!("/{}/%E0%A4%A5%E0%A4%BE%E0%A4%A8%E0%A4%BE%20A", event.origin.to_topic_part())
        );
    }

    #[test]
    fn one_message_written_over_another_is_the_same_as_a_new_one() {
        let (first, mut second) = (event(), event());
        second.handling.priority = Priority::Urgent;
        second.published_at += 1;
        second.narrative = None;
        let trace = TraceContext::new();
        let mut message = Message::default();
        for event in [&first, &second.sealed(), &first, &first] {
            message.write(event, SchemaId(7), trace).unwrap();
            assert_eq!(message, Message::new(event, SchemaId(7), trace).unwrap());
        }
    }
}

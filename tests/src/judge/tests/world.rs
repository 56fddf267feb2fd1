//! A world in memory: what states published, and topics as a fan-out without fault would fill them, made from the
//! rules' own answers with the general encoder.

use super::super::compare::Comparison;
use super::super::fate::Fate;
use super::super::rules::Input;
use super::super::schemas::{Answer, Notice, Schemas};
use super::super::verdict::Verdict;
use crate::events::theft;
use crate::inbox::Received;
use crate::publisher::RawHeader;
use apache_avro::Schema;
use apache_avro::types::Value;
use apache_avro::writer::datum::GenericDatumWriter;
use sanchar_schemas::schema::Record;
use sanchar_schemas::topics::{Topic, TopicSpace};
use sanchar_schemas::{CrimeEvent, StateCode, codec, wire};
use std::collections::{BTreeMap, HashMap};

/// Ids under which the registry of these worlds knows its schemas.
pub(super) const EVENT_ID: u32 = 1;
pub(super) const SHARED_ID: u32 = 2;
pub(super) const TEXT_ID: u32 = 3;
pub(super) const UNKNOWN_ID: u32 = 9;

/// Everything that the judge reads.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    pub(super) inputs: Vec<(Topic, Received)>,
    pub(super) inboxes: BTreeMap<StateCode, Vec<Received>>,
    pub(super) letters: Vec<Received>,
}

/// A record that is to be published, and the state to whose topic it goes.
pub(super) type Publication = (StateCode, Option<Vec<u8>>, Option<Vec<u8>>);

pub(super) fn state(code: &str) -> StateCode {
    code.parse().unwrap()
}

/// A revision of a case, with a change.
pub(super) fn event(
    origin: &str,
    case: u32,
    revision: i64,
    change: impl FnOnce(&mut CrimeEvent),
) -> CrimeEvent {
    let mut event = theft(state(origin), case, revision, &format!("revision {revision}"));
    change(&mut event);
    event.sealed()
}

/// Published as a producer does.
pub(super) fn published(event: &CrimeEvent) -> Publication {
    let value = wire::frame(EVENT_ID, &codec::encode_event(event).unwrap());
    (event.origin, Some(event.record_id.case_key().as_bytes().to_vec()), Some(value))
}

/// Deliveries without these states.
pub(super) fn excluding(codes: &[&str]) -> impl FnOnce(&mut CrimeEvent) + use<> {
    let states = codes.iter().map(|code| state(code)).collect();
    move |event| event.handling.excluded_states = states
}

pub(super) fn schemas() -> Schemas<'static> {
    let text = |record: Record| Answer::Avro(record.latest().text.clone());
    Schemas::of(move |id| {
        Ok(match id {
            EVENT_ID => text(Record::CrimeEvent),
            SHARED_ID => text(Record::SharedCrimeEvent),
            TEXT_ID => Answer::Avro("\"string\"".to_owned()),
            _ => Answer::Unknown,
        })
    })
}

impl World {
    /// The world after a fan-out without fault. Each topic has one partition.
    pub(super) fn of(publications: impl IntoIterator<Item = Publication>) -> Self {
        let mut world = Self::default();
        let mut ends: HashMap<StateCode, i64> = HashMap::new();
        for (owner, key, value) in publications {
            let end = ends.entry(owner).or_default();
            let headers = vec![("trace".to_owned(), Some(end.to_be_bytes().to_vec()))];
            let topic = Topic::Reported(owner);
            world.inputs.push((topic, received(topic, *end, key, value, headers)));
            *end += 1;
        }
        let mut comparison = Comparison::new(TopicSpace::default(), schemas());
        for (topic, record) in &world.inputs {
            comparison.input(*topic, record).unwrap();
        }
        let inputs = comparison.rules().inputs().to_vec();
        for (number, input) in inputs.iter().enumerate() {
            match input.fate {
                Fate::DeadLettered(poison) => world.bury(number, poison.as_str()),
                Fate::Dropped(_) => {}
                Fate::Forwarded => {
                    input.deliveries.iter().for_each(|to| world.send(number, input, to, Notice::Delivery));
                    input.withdrawals.iter().for_each(|to| world.send(number, input, to, Notice::Withdrawal));
                }
            }
        }
        world
    }

    /// Puts a copy of an input record into an inbox.
    pub(super) fn send(&mut self, number: usize, input: &Input, to: StateCode, notice: Notice) {
        let source = self.inputs[number].1.clone();
        let datum = &source.value.as_deref().unwrap()[wire::HEADER_BYTES..];
        let event: CrimeEvent = codec::Decoder::current(Record::CrimeEvent).decode(datum).unwrap();
        let mut value = wire::frame(SHARED_ID, &[]);
        match notice {
            Notice::Delivery => value.extend([&[2, 2], datum].concat()),
            Notice::Withdrawal => value.extend([4, 0]),
        }
        value.extend(enrichment(&event, input, notice));
        let headers = vec![("ce_id".to_owned(), Some(event.event_id.into_bytes()))];
        let inbox = self.inboxes.entry(to).or_default();
        let end = inbox.len().try_into().unwrap();
        inbox.push(received(Topic::Shared(to), end, source.key, Some(value), headers));
    }

    /// Puts an input record into the dead-letter queue.
    pub(super) fn bury(&mut self, number: usize, reason: &str) {
        let source = self.inputs[number].1.clone();
        let added = [
            ("__dlq.errors.topic", source.topic.clone()),
            ("__dlq.errors.partition", source.partition.to_string()),
            ("__dlq.errors.offset", source.offset.to_string()),
            ("sanchar-dlq-reason", reason.to_owned()),
        ];
        let added = added.map(|(name, value)| (name.to_owned(), Some(value.into_bytes())));
        let headers = source.headers.into_iter().chain(added).collect();
        let end = self.letters.len().try_into().unwrap();
        self.letters.push(received(Topic::Dlq, end, source.key, source.value, headers));
    }

    pub(super) fn inbox(&mut self, code: &str) -> &mut Vec<Received> {
        self.inboxes.get_mut(&state(code)).expect("an inbox that is not empty")
    }

    pub(super) fn judged(&self) -> Verdict {
        let mut comparison = Comparison::new(TopicSpace::default(), schemas());
        self.letters.iter().for_each(|letter| comparison.letter(letter));
        for (topic, record) in &self.inputs {
            comparison.input(*topic, record).unwrap();
        }
        for (recipient, records) in &self.inboxes {
            for record in records {
                comparison.copy(*recipient, record).unwrap();
            }
        }
        comparison.close()
    }

    /// What the rules say of each input record.
    pub(super) fn decided(&self) -> Vec<Input> {
        let mut comparison = Comparison::new(TopicSpace::default(), schemas());
        for (topic, record) in &self.inputs {
            comparison.input(*topic, record).unwrap();
        }
        comparison.rules().inputs().to_vec()
    }
}

fn received(
    topic: Topic,
    offset: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<RawHeader>,
) -> Received {
    let topic = TopicSpace::default().name(topic);
    Received { topic, partition: 0, offset, timestamp_ms: 0, key, value, headers }
}

/// The enrichment by the general encoder. What it means is not judged, so it says little.
fn enrichment(event: &CrimeEvent, input: &Input, notice: Notice) -> Vec<u8> {
    let Schema::Record(shared) = &Record::SharedCrimeEvent.latest().schema else { panic!("a record") };
    let schema = &shared.fields.iter().find(|field| field.name == "enrichment").unwrap().schema;
    let text = |text: &str| Value::String(text.to_owned());
    let recipients = match notice {
        Notice::Delivery => input.deliveries.iter().map(|state| text(state.as_str())).collect(),
        Notice::Withdrawal => Vec::new(),
    };
    let fields = [
        ("event_id", text(&event.event_id)),
        ("record_id", text(event.record_id.as_str())),
        ("revision", Value::Long(event.revision)),
        ("origin", text(event.origin.as_str())),
        ("origin_lgd_code", Value::Int(7)),
        ("origin_name_en", text("Delhi")),
        ("origin_name_hi", text("दिल्ली")),
        ("primary_head", Value::Union(0, Box::new(Value::Null))),
        ("severity", Value::Int(0)),
        ("heads", Value::Array(Vec::new())),
        ("unknown_sections", Value::Array(Vec::new())),
        ("recipients", Value::Array(recipients)),
        ("rules_version", text("2026-11")),
        ("enriched_at", Value::TimestampMillis(7)),
    ];
    let mut fields: Vec<(String, Value)> = fields.map(|(name, value)| (name.to_owned(), value)).into();
    // The rest may be absent.
    let Schema::Record(enrichment) = schema else { panic!("a record") };
    fields.extend(enrichment.fields.iter().skip(fields.len()).map(|field| {
        let absent = if matches!(field.schema, Schema::Array(_)) {
            Value::Array(Vec::new())
        } else {
            Value::Union(0, Box::new(Value::Null))
        };
        (field.name.clone(), absent)
    }));
    let record = Value::Record(fields);
    let writer = GenericDatumWriter::builder(schema).build().unwrap();
    writer.write_value_to_vec(record).unwrap()
}

//! What decisions need of an event, read from its bytes without building the rest of it.
//!
//! The fan-out service reads nothing else: the bytes go on as they came. What is left out is checked as strictly as the
//! general codec does ([`crate::codec`]), so that every recipient can read what passes; a property test holds the two
//! together. What an event means is the business of [`crate::validate`].

use crate::codec::CodecError;
use crate::digest::Sha256;
use crate::event::{Classification, CrimeEvent, ObjectRole};
use crate::identity::RecordId;
use crate::schema::Record;
use crate::skim::{Cursor, Flaw, Shape, Walk};
use crate::state::{StateCode, StateSet};
use std::sync::LazyLock;

/// The outline of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline<'e> {
    /// The event's `event_id`.
    pub event_id: &'e str,
    /// Its record.
    pub record_id: RecordId,
    /// Its revision.
    pub revision: i64,
    /// Hash of its content.
    pub content_hash: Sha256,
    /// The state that published it.
    pub origin: StateCode,
    /// When: ms since 1970, UTC.
    pub published_at: i64,
    /// Act and section of each of its sections.
    pub sections: Vec<(&'e str, &'e str)>,
    /// Whether a vehicle of it was stolen.
    pub has_stolen_vehicle: bool,
    /// How far it may go.
    pub classification: Classification,
    /// States that must not receive it.
    pub excluded_states: StateSet,
    /// States that its origin names as recipients.
    pub addressed_states: StateSet,
}

impl<'e> Outline<'e> {
    /// The outline of an event at hand.
    #[must_use]
    pub fn of(event: &'e CrimeEvent) -> Self {
        let sections = event.sections.iter();
        Self {
            event_id: &event.event_id,
            record_id: event.record_id.clone(),
            revision: event.revision,
            content_hash: event.content_hash,
            origin: event.origin,
            published_at: event.published_at,
            sections: sections.map(|of| (of.act.as_str(), of.section.as_str())).collect(),
            has_stolen_vehicle: event.vehicles.iter().any(|vehicle| vehicle.role == ObjectRole::Stolen),
            classification: event.handling.classification,
            excluded_states: event.handling.excluded_states.iter().copied().collect(),
            addressed_states: event.addressing.states.iter().copied().collect(),
        }
    }

    /// Reads the outline of an event from its Avro datum in the newest version.
    ///
    /// # Errors
    /// When the bytes do not follow the schema or are more than one datum.
    pub fn read(datum: &'e [u8]) -> Result<Self, CodecError> {
        let mut cursor = Cursor::new(datum);
        let mut event = Walk::through(&EVENT, &mut cursor)?;
        // In the order of the schema.
        let event_id = event.text("event_id")?;
        let record_id = RecordId::parse(event.text("record_id")?.to_owned())
            .map_err(|error| CodecError::Malformed(format!("field record_id: {error}")))?;
        let revision = event.long("revision")?;
        let content_hash = Sha256(event.fixed("content_hash")?);
        let origin = state(event.text("origin")?)?;
        let published_at = event.long("published_at")?;
        let sections = sections(&mut event)?;
        check_persons(&mut event)?;
        let has_stolen_vehicle = has_stolen_vehicle(&mut event)?;
        let (classification, excluded_states) = event.inside("handling", |handling| {
            let classification = handling.symbol("classification")?;
            let classification = Classification::ALL.get(classification).copied().unwrap_or_default();
            Ok::<_, CodecError>((classification, states(handling, "excluded_states")?))
        })?;
        let addressed_states = event.inside("addressing", |addressing| states(addressing, "states"))?;
        event.end()?;
        if !cursor.rest().is_empty() {
            return Err(CodecError::Trailing(cursor.rest().len()));
        }
        Ok(Self {
            event_id,
            record_id,
            revision,
            content_hash,
            origin,
            published_at,
            sections,
            has_stolen_vehicle,
            classification,
            excluded_states,
            addressed_states,
        })
    }
}

fn sections<'e>(event: &mut Walk<'_, '_, 'e>) -> Result<Vec<(&'e str, &'e str)>, Flaw> {
    let mut sections = Vec::new();
    event.each("sections", |section| {
        sections.push((section.text("act")?, section.text("section")?));
        Ok::<_, Flaw>(())
    })?;
    Ok(sections)
}

/// No decision rests on a person, but a code that is no state would not be read by a recipient.
fn check_persons(event: &mut Walk<'_, '_, '_>) -> Result<(), CodecError> {
    event
        .each("persons", |person| person.optional_text("state")?.map_or(Ok(()), |code| state(code).map(drop)))
}

fn has_stolen_vehicle(event: &mut Walk<'_, '_, '_>) -> Result<bool, Flaw> {
    let mut found = false;
    event.each("vehicles", |vehicle| {
        let role = ObjectRole::ALL.get(vehicle.symbol("role")?);
        found |= role == Some(&ObjectRole::Stolen);
        Ok::<_, Flaw>(())
    })?;
    Ok(found)
}

fn states(record: &mut Walk<'_, '_, '_>, field: &str) -> Result<StateSet, CodecError> {
    let mut states = Vec::new();
    record.texts(field, |code| {
        states.push(state(code)?);
        Ok::<_, CodecError>(())
    })?;
    Ok(states.into_iter().collect())
}

/// The text is not repeated: in a damaged datum anything can stand where a code is expected.
fn state(code: &str) -> Result<StateCode, CodecError> {
    let text = "expected the ISO 3166-2 code of a state, such as IN-DL";
    code.parse().map_err(|_| CodecError::Malformed(text.to_owned()))
}

#[expect(clippy::expect_used, reason = "the schema is compiled in and a test reads with it")]
static EVENT: LazyLock<Shape> = LazyLock::new(|| {
    Shape::of(&Record::CrimeEvent.latest().schema).expect("a released schema has types that can be skipped")
});

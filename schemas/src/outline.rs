//! What decisions need of an event, read from its bytes without building the rest of it.
//!
//! The fan-out service reads nothing else: the bytes go on as they came. What is left out is checked as strictly as the
//! general codec does ([`crate::codec`]), so that every recipient can read what passes; a property test holds the two
//! together. What an event means is the business of [`crate::validate`].

use crate::codec::CodecError;
use crate::digest::Sha256;
use crate::event::{Classification, CrimeEvent, EventKind, Moment, ObjectRole, Priority, TimePrecision};
use crate::identity::RecordId;
use crate::schema::Record;
use crate::skim::{Cursor, Flaw, Shape, Walk};
use crate::state::{StateCode, StateSet};
use std::sync::LazyLock;

/// What is known of a person's age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age {
    /// In completed years.
    pub years: Option<i32>,
    /// Whether it is a child.
    pub is_child: Option<bool>,
}

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
    /// What happened.
    pub kind: EventKind,
    /// The state that published it.
    pub origin: StateCode,
    /// Name of its district, as the source writes it.
    pub district: Option<&'e str>,
    /// Start and end of the occurrence.
    pub occurred: [Option<Moment>; 2],
    /// When the police registered it.
    pub reported_at: Option<Moment>,
    /// When it was published: ms since 1970, UTC.
    pub published_at: i64,
    /// Act and section of each of its sections.
    pub sections: Vec<(&'e str, &'e str)>,
    /// Age of each person.
    pub ages: Vec<Age>,
    /// Registration mark of each vehicle.
    pub vehicles: Vec<Option<&'e str>>,
    /// Whether a vehicle of it was stolen.
    pub has_stolen_vehicle: bool,
    /// Whether it names a gang.
    pub has_gang: bool,
    /// How far it may go.
    pub classification: Classification,
    /// Whether it cannot wait: urgent, or a danger to officers.
    pub is_urgent: bool,
    /// States that must not receive it.
    pub excluded_states: StateSet,
    /// States that its origin names as recipients.
    pub addressed_states: StateSet,
    /// Coordination groups that its origin names as recipients.
    pub addressed_groups: Vec<&'e str>,
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
            kind: event.kind,
            origin: event.origin,
            district: event.district.as_ref().map(|district| district.name.as_str()),
            occurred: [event.occurred_from, event.occurred_to],
            reported_at: event.reported_at,
            published_at: event.published_at,
            sections: sections.map(|of| (of.act.as_str(), of.section.as_str())).collect(),
            ages: event.persons.iter().map(|of| Age { years: of.age_years, is_child: of.is_child }).collect(),
            vehicles: event.vehicles.iter().map(|vehicle| vehicle.registration.as_deref()).collect(),
            has_gang: event.gang.is_some(),
            has_stolen_vehicle: event.vehicles.iter().any(|vehicle| vehicle.role == ObjectRole::Stolen),
            classification: event.handling.classification,
            is_urgent: event.handling.priority == Priority::Urgent || event.handling.officer_safety,
            excluded_states: event.handling.excluded_states.iter().copied().collect(),
            addressed_states: event.addressing.states.iter().copied().collect(),
            addressed_groups: event.addressing.groups.iter().map(String::as_str).collect(),
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
        let kind = EventKind::ALL.get(event.symbol("kind")?).copied().unwrap_or_default();
        let origin = state(event.text("origin")?)?;
        let district = event.optional_inside("district", |district| district.text("name"))?;
        let occurred = [moment(&mut event, "occurred_from")?, moment(&mut event, "occurred_to")?];
        let reported_at = moment(&mut event, "reported_at")?;
        let published_at = event.long("published_at")?;
        let sections = sections(&mut event)?;
        let ages = ages(&mut event)?;
        let (vehicles, has_stolen_vehicle) = vehicles(&mut event)?;
        let has_gang = event.optional_inside("gang", |_| Ok::<_, Flaw>(()))?.is_some();
        let (classification, is_urgent, excluded_states) = event.inside("handling", |handling| {
            let classification = handling.symbol("classification")?;
            let classification = Classification::ALL.get(classification).copied().unwrap_or_default();
            let priority = Priority::ALL.get(handling.symbol("priority")?);
            let is_danger = handling.boolean("officer_safety")?;
            let is_urgent = is_danger || priority == Some(&Priority::Urgent);
            Ok::<_, CodecError>((classification, is_urgent, states(handling, "excluded_states")?))
        })?;
        let (addressed_states, addressed_groups) = event.inside("addressing", |addressing| {
            let (states, mut groups) = (states(addressing, "states")?, Vec::new());
            addressing.texts("groups", |group| {
                groups.push(group);
                Ok::<_, Flaw>(())
            })?;
            Ok::<_, CodecError>((states, groups))
        })?;
        event.end()?;
        if !cursor.rest().is_empty() {
            return Err(CodecError::Trailing(cursor.rest().len()));
        }
        Ok(Self {
            event_id,
            record_id,
            revision,
            content_hash,
            kind,
            origin,
            district,
            occurred,
            reported_at,
            published_at,
            sections,
            ages,
            vehicles,
            has_stolen_vehicle,
            has_gang,
            classification,
            is_urgent,
            excluded_states,
            addressed_states,
            addressed_groups,
        })
    }
}

fn moment(event: &mut Walk<'_, '_, '_>, field: &str) -> Result<Option<Moment>, Flaw> {
    event.optional_inside(field, |moment| {
        let at = moment.long("at")?;
        let precision = TimePrecision::ALL.get(moment.symbol("precision")?).copied().unwrap_or_default();
        Ok(Moment { at, precision })
    })
}

fn sections<'e>(event: &mut Walk<'_, '_, 'e>) -> Result<Vec<(&'e str, &'e str)>, Flaw> {
    let mut sections = Vec::new();
    event.each("sections", |section| {
        sections.push((section.text("act")?, section.text("section")?));
        Ok::<_, Flaw>(())
    })?;
    Ok(sections)
}

/// A code that is no state would not be read by a recipient, so it is checked.
fn ages(event: &mut Walk<'_, '_, '_>) -> Result<Vec<Age>, CodecError> {
    let mut ages = Vec::new();
    event.each("persons", |person| {
        let years = person.optional_int("age_years")?;
        ages.push(Age { years, is_child: person.optional_boolean("is_child")? });
        person.optional_text("state")?.map_or(Ok(()), |code| state(code).map(drop))
    })?;
    Ok(ages)
}

fn vehicles<'e>(event: &mut Walk<'_, '_, 'e>) -> Result<(Vec<Option<&'e str>>, bool), Flaw> {
    let (mut registrations, mut is_any_stolen) = (Vec::new(), false);
    event.each("vehicles", |vehicle| {
        let role = ObjectRole::ALL.get(vehicle.symbol("role")?);
        is_any_stolen |= role == Some(&ObjectRole::Stolen);
        registrations.push(vehicle.optional_text("registration")?);
        Ok::<_, Flaw>(())
    })?;
    Ok((registrations, is_any_stolen))
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

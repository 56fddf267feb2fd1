//! Builds an event from a row by the mapping's tables, field by field in the order of the contract.
//!
//! It fills in what a mapping may leave away; sealing and validation come after it.

use std::borrow::Cow;

use sanchar_schemas::digest::Sha256;
use sanchar_schemas::event::{
    Addressing, CrimeEvent, Custody, District, EventAction, EventStatus, FirReference, Gang, Handling, Link,
    Moment, Person, PersonCounts, Place, PoliceStation, Property, RegisterKind, ReportedHead, Vehicle,
    Warrant, Weapon,
};
use sanchar_schemas::identity::RecordIdError;
use sanchar_schemas::{RecordId, StateCode};

use super::joined::OfTheCase;
use super::{Reading, coordinates, identity, plausible, sections};
use crate::language::condition::When;
use crate::language::field::{Field, List, Source};
use crate::language::join::Each;
use crate::language::leaf::{Leaf, Revision};
use crate::language::targets::{self, Mapping};
use crate::reason::{At as _, Problem, Reason, Rejection, Within as _};
use crate::text::{folded_name, one_spelling, says_nothing};

/// Nobody is older. What is taken for a grown-up's age may be a child's year of birth.
const AGE_YEARS_MAX: i32 = 120;

type Read<T> = Result<T, Rejection>;

/// The event of a row, not yet sealed.
pub(super) fn build(
    state: StateCode,
    mapping: &Mapping,
    source: Source<'_>,
    joined: &OfTheCase<'_>,
    reading: Reading,
    known: &sections::Known,
) -> Read<CrimeEvent> {
    let police_station = police_station(mapping, source)?;
    let fir = fir(mapping, source)?;
    let (part, revision) = match &mapping.record {
        Some(record) => (optional(&record.part, source, "record.part")?, revision(record, source, reading)?),
        None => (None, None),
    };
    let part = part.as_deref().map_or(Cow::Borrowed("fir"), one_spelling);
    identity::check(&police_station, &fir.number, &part).map_err(|(field, problem)| problem.at(field))?;
    let station = police_station.code.clone().unwrap_or_else(|| folded_name(&police_station.name));
    let record_id = RecordId::new(state, &station, fir.year, &fir.number, &part)
        .map_err(|error| without_identity(&error, &station, &fir.number, &part))?;
    let from = From { source, joined };
    let kind = mapping.kind.as_ref().ok_or_else(|| not_given("kind"))?.of(source).at("kind")?;
    Ok(CrimeEvent {
        event_id: String::new(),
        record_id,
        revision: revision.map_or(reading.revision, |revision| revision.0),
        content_hash: Sha256::default(),
        kind,
        action: optional(&mapping.action, source, "action")?.unwrap_or(EventAction::Report),
        status: optional(&mapping.status, source, "status")?.unwrap_or(EventStatus::Actual),
        origin: state,
        district: district(mapping, source)?,
        police_station: Some(police_station),
        fir: Some(fir),
        occurred_from: optional(&mapping.occurred_from, source, "occurred_from")?,
        occurred_to: optional(&mapping.occurred_to, source, "occurred_to")?,
        reported_at: optional(&mapping.reported_at, source, "reported_at")?,
        published_at: reading.now_ms,
        expires_at: optional(&mapping.expires_at, source, "expires_at")?.map(|moment: Moment| moment.at),
        place: place(mapping, source)?,
        sections: match &mapping.sections {
            Some(rules) => sections::read(rules, source, known).at("sections")?,
            None => Vec::new(),
        },
        reported_head: reported_head(mapping, source)?,
        investigation_stage: optional(&mapping.investigation_stage, source, "investigation_stage")?,
        counts: counts(mapping, source)?,
        persons: items(&mapping.persons, from, "persons", |person| (&person.each, &person.when), person)?,
        vehicles: items(
            &mapping.vehicles,
            from,
            "vehicles",
            |vehicle| (&vehicle.each, &vehicle.when),
            vehicle,
        )?,
        property: items(
            &mapping.property,
            from,
            "property",
            |property| (&property.each, &property.when),
            property,
        )?,
        weapons: items(&mapping.weapons, from, "weapons", |weapon| (&weapon.each, &weapon.when), weapon)?,
        gang: gang(mapping, source)?,
        custody: custody(mapping, source)?,
        warrant: warrant(mapping, source)?,
        escape_direction: optional(&mapping.escape_direction, source, "escape_direction")?,
        narrative: match &mapping.narrative {
            Some(rules) => optional(&rules.text, source, "narrative.text")?,
            None => None,
        },
        handling: handling(mapping, source).within("handling")?,
        addressing: addressing(mapping, source).within("addressing")?,
        links: items(&mapping.links, from, "links", |link| (&link.each, &link.when), link)?,
        withheld: Vec::new(),
        source_sha256: Sha256::default(),
    })
}

fn optional<T: Leaf>(field: &Option<Field<T>>, source: Source<'_>, name: &str) -> Read<Option<T>> {
    field.as_ref().map_or(Ok(None), |field| field.value(source)).at(name)
}

/// What somebody is called. What is written where that is not known is no name, and would be looked for as one.
fn called(field: &Option<Field<String>>, source: Source<'_>, name: &str) -> Read<Option<String>> {
    Ok(optional(field, source, name)?.filter(|text| !says_nothing(text)))
}

fn required<T: Leaf>(field: &Option<Field<T>>, source: Source<'_>, name: &str) -> Read<T> {
    field.as_ref().ok_or_else(|| not_given(name))?.required(source).at(name)
}

fn list<T: Leaf>(list: &Option<List<T>>, source: Source<'_>, name: &str) -> Read<Vec<T>> {
    list.as_ref().map_or(Ok(Vec::new()), |list| list.items(source)).at(name)
}

/// A mapping without a field that every event has; the configuration's check finds it before any row.
fn not_given(name: &str) -> Rejection {
    Problem::new(Reason::MissingValue, "has no entry in the mapping").at(name)
}

/// A row and the rows that are joined to it.
#[derive(Clone, Copy)]
struct From<'a> {
    source: Source<'a>,
    joined: &'a OfTheCase<'a>,
}

/// The items of a list whose conditions hold and which have something to say: one for each table, or for each row that
/// a table's join has of the case.
fn items<R, T>(
    rules: &Option<Vec<R>>,
    from: From<'_>,
    name: &str,
    conditions: impl Fn(&R) -> (&Option<Each>, &Option<When>),
    read: impl Fn(&R, Source<'_>) -> Read<Option<T>>,
) -> Read<Vec<T>> {
    let mut items = Vec::new();
    for (i, rule) in rules.iter().flatten().enumerate() {
        let (each, when) = conditions(rule);
        let mut add = |source: Source<'_>| {
            if when.as_ref().is_none_or(|when| when.holds(source)) {
                items.extend(read(rule, source).within(format_args!("{name}[{i}]"))?);
            }
            Ok::<_, Rejection>(())
        };
        match each {
            None => add(from.source)?,
            Some(Each(join)) => {
                for (cells, place) in from.joined.each(join, from.source.cells) {
                    add(Source { cells: &cells, ..from.source })
                        .map_err(|rejection| rejection.of_row(place))?;
                }
            }
        }
    }
    Ok(items)
}

/// The source's version of the record. Where the mapping names a column it must have a value: a time of reading among
/// version numbers would never be outdated again.
fn revision(record: &targets::Record, source: Source<'_>, reading: Reading) -> Read<Option<Revision>> {
    let Some(field) = &record.revision else { return Ok(None) };
    let read = field.required(source);
    read.and_then(|read| plausible::revision(read, field.is_time(), reading.now_ms))
        .map(Some)
        .at("record.revision")
}

/// Why the parts of a record's name make none.
fn without_identity(error: &RecordIdError, station: &str, number: &str, part: &str) -> Rejection {
    match error {
        RecordIdError::Part(name) => {
            let text = match *name {
                "police station" => station,
                "FIR number" => number,
                _ => part,
            };
            let problem = match text {
                "" => "is empty: correct the column",
                text if text.contains('/') => {
                    "holds a slash, which parts a record's name: write another mark"
                }
                _ => "holds a control character or one that nobody sees: remove it",
            };
            Problem::new(Reason::BadIdentity, format!("the {name} {problem}")).at("record_id")
        }
        RecordIdError::Year => {
            let message = "has no four digits: correct the year, or say in mapping.fir.year of which century years of two \
                           digits are, as in { column = \"Year\", century = 2000 }";
            Problem::new(Reason::BadIdentity, message).at("fir.year")
        }
        error => Problem::new(Reason::BadIdentity, error.to_string()).at("record_id"),
    }
}

fn police_station(mapping: &Mapping, source: Source<'_>) -> Read<PoliceStation> {
    let rules = mapping.police_station.as_ref().ok_or_else(|| not_given("police_station"))?;
    let code = optional(&rules.code, source, "police_station.code")?.map(identity::code);
    let name = optional(&rules.name, source, "police_station.name")?;
    match name.or_else(|| code.clone()) {
        Some(name) => {
            identity::check_name(&name).at("police_station.name")?;
            Ok(PoliceStation { name, code })
        }
        None => {
            Err(Problem::new(Reason::MissingValue, "is empty, and the record needs it").at("police_station"))
        }
    }
}

fn fir(mapping: &Mapping, source: Source<'_>) -> Read<FirReference> {
    let rules = mapping.fir.as_ref().ok_or_else(|| not_given("fir"))?;
    Ok(FirReference {
        number: identity::code(required(&rules.number, source, "fir.number")?),
        year: required(&rules.year, source, "fir.year")?,
        kind: optional(&rules.kind, source, "fir.kind")?.unwrap_or(RegisterKind::Fir),
    })
}

fn district(mapping: &Mapping, source: Source<'_>) -> Read<Option<District>> {
    let Some(rules) = &mapping.district else { return Ok(None) };
    let code = optional(&rules.code, source, "district.code")?;
    let name = optional(&rules.name, source, "district.name")?;
    name.as_deref().map_or(Ok(()), identity::check_name).at("district.name")?;
    Ok(name.or_else(|| code.clone()).map(|name| District { name, code }))
}

fn place(mapping: &Mapping, source: Source<'_>) -> Read<Option<Place>> {
    let Some(rules) = &mapping.place else { return Ok(None) };
    let latitude = optional(&rules.latitude, source, "place.latitude")?;
    let longitude = optional(&rules.longitude, source, "place.longitude")?;
    let point = coordinates::point(latitude, longitude).at("place")?;
    let place = Place {
        text: optional(&rules.text, source, "place.text")?,
        locality: optional(&rules.locality, source, "place.locality")?,
        beat: optional(&rules.beat, source, "place.beat")?,
        from_station: optional(&rules.from_station, source, "place.from_station")?,
        pin_code: optional(&rules.pin_code, source, "place.pin_code")?.map(identity::code),
        latitude: point.map(|(latitude, _)| latitude),
        longitude: point.map(|(_, longitude)| longitude),
    };
    Ok((place != Place::default()).then_some(place))
}

fn reported_head(mapping: &Mapping, source: Source<'_>) -> Read<Option<ReportedHead>> {
    let Some(rules) = &mapping.reported_head else { return Ok(None) };
    let head = ReportedHead {
        major: optional(&rules.major, source, "reported_head.major")?,
        minor: optional(&rules.minor, source, "reported_head.minor")?,
    };
    Ok((head != ReportedHead::default()).then_some(head))
}

fn counts(mapping: &Mapping, source: Source<'_>) -> Read<Option<PersonCounts>> {
    let Some(rules) = &mapping.counts else { return Ok(None) };
    let count = |field: &Option<Field<i32>>, name: &str| {
        let count = optional(field, source, name)?;
        match count {
            Some(count) if count < 0 => {
                Err(Problem::new(Reason::BadNumber, "is a negative number of persons").at(name))
            }
            _ => Ok(count),
        }
    };
    let counts = PersonCounts {
        victims_male: count(&rules.victims_male, "counts.victims_male")?,
        victims_female: count(&rules.victims_female, "counts.victims_female")?,
        victims_boy: count(&rules.victims_boy, "counts.victims_boy")?,
        victims_girl: count(&rules.victims_girl, "counts.victims_girl")?,
        accused: count(&rules.accused, "counts.accused")?,
        arrested: count(&rules.arrested, "counts.arrested")?,
        charge_sheeted: count(&rules.charge_sheeted, "counts.charge_sheeted")?,
        convicted: count(&rules.convicted, "counts.convicted")?,
    };
    Ok((counts != PersonCounts::default()).then_some(counts))
}

fn person(rules: &targets::Person, source: Source<'_>) -> Read<Option<Person>> {
    let role = required(&rules.role, source, "role")?;
    let age_years = optional(&rules.age_years, source, "age_years")?;
    if age_years.is_some_and(|age| !(0..=AGE_YEARS_MAX).contains(&age)) {
        let message = "is no age in years: is it a year of birth, or in months?";
        return Err(Problem::new(Reason::BadNumber, message).at("age_years"));
    }
    let aliases = list(&rules.aliases, source, "aliases")?;
    let person = Person {
        role,
        code: optional(&rules.code, source, "code")?,
        name: called(&rules.name, source, "name")?,
        aliases: aliases.into_iter().filter(|alias: &String| !says_nothing(alias)).collect(),
        relative: called(&rules.relative, source, "relative")?,
        gender: optional(&rules.gender, source, "gender")?.unwrap_or_default(),
        age_years,
        is_child: optional(&rules.is_child, source, "is_child")?,
        address: optional(&rules.address, source, "address")?,
        state: optional(&rules.state, source, "state")?,
        nationality: optional(&rules.nationality, source, "nationality")?,
        nfn: optional(&rules.nfn, source, "nfn")?,
        description: optional(&rules.description, source, "description")?,
    };
    let empty = Person { role, ..Person::default() };
    Ok((person != empty).then_some(person))
}

fn vehicle(rules: &targets::Vehicle, source: Source<'_>) -> Read<Option<Vehicle>> {
    let role = required(&rules.role, source, "role")?;
    let vehicle = Vehicle {
        role,
        registration: optional(&rules.registration, source, "registration")?,
        chassis: optional(&rules.chassis, source, "chassis")?,
        engine: optional(&rules.engine, source, "engine")?,
        vehicle_type: optional(&rules.vehicle_type, source, "vehicle_type")?,
        make: optional(&rules.make, source, "make")?,
        model: optional(&rules.model, source, "model")?,
        colour: optional(&rules.colour, source, "colour")?,
        model_year: optional(&rules.model_year, source, "model_year")?,
    };
    let empty = Vehicle { role, ..Vehicle::default() };
    Ok((vehicle != empty).then_some(vehicle))
}

fn property(rules: &targets::Property, source: Source<'_>) -> Read<Option<Property>> {
    let property = Property {
        role: required(&rules.role, source, "role")?,
        category: optional(&rules.category, source, "category")?.unwrap_or_default(),
        description: optional(&rules.description, source, "description")?,
        identifier: optional(&rules.identifier, source, "identifier")?,
        quantity: optional(&rules.quantity, source, "quantity")?,
        unit: optional(&rules.unit, source, "unit")?,
        value_inr: optional(&rules.value_inr, source, "value_inr")?,
    };
    let says_something = property.description.is_some()
        || property.identifier.is_some()
        || property.quantity.is_some()
        || property.value_inr.is_some();
    Ok(says_something.then_some(property))
}

fn weapon(rules: &targets::Weapon, source: Source<'_>) -> Read<Option<Weapon>> {
    let Some(weapon_type) = optional(&rules.weapon_type, source, "weapon_type")? else { return Ok(None) };
    Ok(Some(Weapon {
        role: required(&rules.role, source, "role")?,
        weapon_type,
        calibre: optional(&rules.calibre, source, "calibre")?,
        identifier: optional(&rules.identifier, source, "identifier")?,
        count: optional(&rules.count, source, "count")?.unwrap_or(1),
    }))
}

fn gang(mapping: &Mapping, source: Source<'_>) -> Read<Option<Gang>> {
    let Some(rules) = &mapping.gang else { return Ok(None) };
    let Some(name) = optional(&rules.name, source, "gang.name")? else { return Ok(None) };
    Ok(Some(Gang {
        name,
        leader: called(&rules.leader, source, "gang.leader")?,
        note: optional(&rules.note, source, "gang.note")?,
    }))
}

fn custody(mapping: &Mapping, source: Source<'_>) -> Read<Option<Custody>> {
    let Some(rules) = &mapping.custody else { return Ok(None) };
    let Some(change) = optional(&rules.change, source, "custody.change")? else { return Ok(None) };
    Ok(Some(Custody {
        change,
        at: optional(&rules.at, source, "custody.at")?,
        until: optional(&rules.until, source, "custody.until")?,
        institution: optional(&rules.institution, source, "custody.institution")?,
    }))
}

fn warrant(mapping: &Mapping, source: Source<'_>) -> Read<Option<Warrant>> {
    let Some(rules) = &mapping.warrant else { return Ok(None) };
    let Some(number) = optional(&rules.number, source, "warrant.number")? else { return Ok(None) };
    Ok(Some(Warrant {
        number,
        court: optional(&rules.court, source, "warrant.court")?,
        issued_at: optional(&rules.issued_at, source, "warrant.issued_at")?,
        executed: optional(&rules.executed, source, "warrant.executed")?.unwrap_or(false),
    }))
}

fn handling(mapping: &Mapping, source: Source<'_>) -> Read<Handling> {
    let Some(rules) = &mapping.handling else { return Ok(Handling::default()) };
    let default = Handling::default();
    Ok(Handling {
        code: optional(&rules.code, source, "code")?.unwrap_or(default.code),
        classification: optional(&rules.classification, source, "classification")?
            .unwrap_or(default.classification),
        priority: optional(&rules.priority, source, "priority")?.unwrap_or(default.priority),
        officer_safety: optional(&rules.officer_safety, source, "officer_safety")?
            .unwrap_or(default.officer_safety),
        source_grade: optional(&rules.source_grade, source, "source_grade")?,
        information_grade: optional(&rules.information_grade, source, "information_grade")?,
        excluded_states: list(&rules.excluded_states, source, "excluded_states")?,
        caveat: optional(&rules.caveat, source, "caveat")?,
    })
}

fn addressing(mapping: &Mapping, source: Source<'_>) -> Read<Addressing> {
    let Some(rules) = &mapping.addressing else { return Ok(Addressing::default()) };
    Ok(Addressing {
        states: list(&rules.states, source, "states")?,
        groups: list(&rules.groups, source, "groups")?,
    })
}

fn link(rules: &targets::Link, source: Source<'_>) -> Read<Option<Link>> {
    let Some(record_id) = optional(&rules.record_id, source, "record_id")? else { return Ok(None) };
    Ok(Some(Link { relation: optional(&rules.relation, source, "relation")?.unwrap_or_default(), record_id }))
}

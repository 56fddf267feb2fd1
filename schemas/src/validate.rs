//! What makes an event acceptable beyond its schema. Pure checks over one event.
//!
//! The producer refuses to publish what fails here; the fan-out service repeats the checks that guard an
//! invariant. Nothing is repaired here. The event is written out once, to take its hash; the texts are walked
//! one by one only where that shows that something is wrong with one.

use crate::digest::Sha256;
use crate::event::{
    Classification, CrimeEvent, EventAction, EventKind, EventStatus, HandlingCode, Moment, Place,
};
use crate::identity::{canonical_content, event_id};
use serde_json::Value;

/// The longest text of a field, in bytes.
pub const TEXT_BYTES_MAX: usize = 64 << 10;
/// The largest number of persons, vehicles or the like in one event.
pub const ITEMS_MAX: usize = 1_000;
/// Milliseconds since 1970 of the years that every language's calendar holds: 0001 to 9999.
const TIMES_MS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;
/// Whole numbers that a JSON number holds exactly in every language.
const EXACT: std::ops::RangeInclusive<i64> = -9_007_199_254_740_991..=9_007_199_254_740_991;

/// A rule that an event breaks: the field and the remedy, never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct Violation {
    /// Path of the field.
    pub field: String,
    /// What is wrong and what would be right.
    pub problem: &'static str,
}

/// Checks an event. An empty list means that it may be published.
#[must_use]
pub fn violations(event: &CrimeEvent) -> Vec<Violation> {
    let content = canonical_content(event);
    let mut found = Found(Vec::new());
    is_sealed(event, &content, &mut found);
    all_but_seal(event, &content, found)
}

/// Seals an event and checks it, as [`CrimeEvent::sealed`] and [`violations`] would, but writes it out once for both.
///
/// # Errors
/// The first rule that it breaks.
pub fn seal(event: &mut CrimeEvent) -> Result<(), Violation> {
    let content = canonical_content(event);
    event.content_hash = Sha256::of(content.as_bytes());
    event.event_id = event_id(&event.record_id, event.revision, &event.content_hash);
    all_but_seal(event, &content, Found(Vec::new())).into_iter().next().map_or(Ok(()), Err)
}

fn all_but_seal(event: &CrimeEvent, content: &str, mut found: Found) -> Vec<Violation> {
    identity(event, &mut found);
    symbols(event, &mut found);
    values(event, &mut found);
    event.place.iter().for_each(|place| place_of(place, &mut found));
    lists(event, &mut found);
    if content.len() > TEXT_BYTES_MAX || content.contains("\\u0000") {
        texts(event, &mut found);
    }
    found.0
}

struct Found(Vec<Violation>);

impl Found {
    fn check(&mut self, ok: bool, field: &str, problem: &'static str) {
        if !ok {
            self.0.push(Violation { field: field.to_owned(), problem });
        }
    }
}

fn identity(event: &CrimeEvent, found: &mut Found) {
    found.check(
        event.record_id.state() == event.origin,
        "record_id",
        "must start with the code of the origin",
    );
    found.check(event.revision > 0, "revision", "must be positive");
}

/// That nothing was changed since it was sealed.
fn is_sealed(event: &CrimeEvent, content: &str, found: &mut Found) {
    found.check(
        event.content_hash == Sha256::of(content.as_bytes()),
        "content_hash",
        "does not match the content",
    );
    let id = event_id(&event.record_id, event.revision, &event.content_hash);
    found.check(event.event_id == id, "event_id", "does not match record_id, revision and content_hash");
}

/// Symbols that stand for what a reader does not know, and classes that this system does not carry.
fn symbols(event: &CrimeEvent, found: &mut Found) {
    found.check(event.kind != EventKind::Unknown, "kind", "must be named");
    found.check(event.action != EventAction::Unknown, "action", "must be named");
    found.check(event.status != EventStatus::Unknown, "status", "must be named");
    found.check(event.handling.code != HandlingCode::Unknown, "handling.code", "must be named");
    let is_carried = match event.handling.classification {
        Classification::Unclassified | Classification::Restricted | Classification::Confidential => true,
        Classification::Unknown | Classification::Secret | Classification::TopSecret => false,
    };
    let problem = "is not carried by this system; at most CONFIDENTIAL is";
    found.check(is_carried, "handling.classification", problem);
}

fn values(event: &CrimeEvent, found: &mut Found) {
    let moment = |moment: &Option<Moment>| moment.map(|moment| moment.at);
    let custody = event.custody.as_ref();
    for (field, at) in [
        ("occurred_from", moment(&event.occurred_from)),
        ("occurred_to", moment(&event.occurred_to)),
        ("reported_at", moment(&event.reported_at)),
        ("published_at", Some(event.published_at)),
        ("expires_at", event.expires_at),
        ("custody.at", custody.and_then(|custody| moment(&custody.at))),
        ("custody.until", custody.and_then(|custody| moment(&custody.until))),
        ("warrant.issued_at", event.warrant.as_ref().and_then(|warrant| moment(&warrant.issued_at))),
    ] {
        let ok = at.is_none_or(|at| TIMES_MS.contains(&at));
        found.check(ok, field, "must lie in the years 0001 to 9999; is it in milliseconds?");
    }
    if let (Some(from), Some(to)) = (&event.occurred_from, &event.occurred_to) {
        found.check(from.at <= to.at, "occurred_to", "is before occurred_from");
    }
    if let Some(fir) = &event.fir {
        found.check((1861..=2200).contains(&fir.year), "fir.year", "must have four digits");
    }
    for property in &event.property {
        found.check(
            property.quantity.is_none_or(f64::is_finite),
            "property.quantity",
            "must be a finite number",
        );
        let value = property.value_inr.is_none_or(|value| EXACT.contains(&value));
        found.check(value, "property.value_inr", "must have at most 15 digits");
    }
}

fn place_of(place: &Place, found: &mut Found) {
    let whole = place.latitude.is_some() == place.longitude.is_some();
    found.check(whole, "place", "latitude and longitude come together or not at all");
    // Mainland and islands with a margin; 0,0 and swapped pairs fall outside.
    let latitude = place.latitude.is_none_or(|degrees| (5.0..=38.0).contains(&degrees));
    let problem = "is outside India; is it swapped with the longitude or 0?";
    found.check(latitude, "place.latitude", problem);
    let longitude = place.longitude.is_none_or(|degrees| (67.0..=98.0).contains(&degrees));
    let problem = "is outside India; is it swapped with the latitude or 0?";
    found.check(longitude, "place.longitude", problem);
    let is_pin = |pin: &str| pin.len() == 6 && pin.bytes().all(|digit| digit.is_ascii_digit());
    found.check(place.pin_code.as_deref().is_none_or(is_pin), "place.pin_code", "must have six digits");
}

fn lists(event: &CrimeEvent, found: &mut Found) {
    for (field, items) in [
        ("sections", event.sections.len()),
        ("persons", event.persons.len()),
        ("vehicles", event.vehicles.len()),
        ("property", event.property.len()),
        ("weapons", event.weapons.len()),
        ("links", event.links.len()),
        ("withheld", event.withheld.len()),
        ("addressing.states", event.addressing.states.len()),
        ("addressing.groups", event.addressing.groups.len()),
        ("handling.excluded_states", event.handling.excluded_states.len()),
        ("persons.aliases", event.persons.iter().map(|person| person.aliases.len()).max().unwrap_or(0)),
    ] {
        found.check(items <= ITEMS_MAX, field, "has more than 1000 items");
    }
}

/// Finds texts that are too long or hold a NUL, wherever they are.
fn texts(event: &CrimeEvent, found: &mut Found) {
    if let Ok(value) = serde_json::to_value(event) {
        walk(&value, "", found);
    }
}

fn walk(value: &Value, path: &str, found: &mut Found) {
    match value {
        Value::String(text) => {
            found.check(text.len() <= TEXT_BYTES_MAX, path, "is longer than 65536 bytes");
            found.check(!text.contains('\0'), path, "holds a NUL character");
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| walk(item, &format!("{path}[{i}]"), found));
        }
        Value::Object(fields) => {
            let separator = if path.is_empty() { "" } else { "." };
            fields.iter().for_each(|(name, field)| walk(field, &format!("{path}{separator}{name}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Person, Property};

    fn event() -> CrimeEvent {
        serde_json::from_str(include_str!("../examples/seizure.json")).unwrap()
    }

    /// The fields that a change makes wrong, the event being sealed after it.
    fn fields(change: impl FnOnce(&mut CrimeEvent)) -> Vec<String> {
        let mut event = event();
        change(&mut event);
        violations(&event.sealed()).into_iter().map(|violation| violation.field).collect()
    }

    #[test]
    fn sealing_and_checking_at_once_is_the_same() {
        let mut changed = event();
        changed.investigation_stage = Some("closed".into());
        let mut sealed = changed.clone();
        seal(&mut sealed).unwrap();
        assert_eq!(sealed, changed.clone().sealed());
        assert!(violations(&sealed).is_empty());
        changed.revision = 0;
        assert_eq!(seal(&mut changed.clone()).unwrap_err(), violations(&changed.sealed())[0]);
    }

    #[test]
    fn an_event_may_be_changed_only_with_its_seal() {
        assert_eq!(fields(|event| event.investigation_stage = Some("closed".into())), [""; 0]);
        let mut changed = event();
        changed.investigation_stage = Some("closed".into());
        let found: Vec<String> = violations(&changed).into_iter().map(|violation| violation.field).collect();
        assert_eq!(found, ["content_hash"]);
        changed = event();
        changed.revision += 1;
        let found: Vec<String> = violations(&changed).into_iter().map(|violation| violation.field).collect();
        assert_eq!(found, ["event_id"]);
    }

    fn place(event: &mut CrimeEvent) -> &mut Place {
        event.place.get_or_insert_default()
    }

    #[test]
    fn each_rule_names_its_field() {
        type Change = fn(&mut CrimeEvent);
        let cases: [(&str, Change); 20] = [
            ("record_id", |e| e.origin = "IN-DL".parse().unwrap()),
            ("revision", |e| e.revision = 0),
            ("kind", |e| e.kind = EventKind::Unknown),
            ("action", |e| e.action = EventAction::Unknown),
            ("status", |e| e.status = EventStatus::Unknown),
            ("handling.code", |e| e.handling.code = HandlingCode::Unknown),
            ("handling.classification", |e| e.handling.classification = Classification::Secret),
            ("handling.classification", |e| e.handling.classification = Classification::Unknown),
            ("published_at", |e| e.published_at = i64::MAX),
            ("occurred_to", |e| std::mem::swap(&mut e.occurred_from, &mut e.occurred_to)),
            ("fir.year", |e| e.fir.iter_mut().for_each(|fir| fir.year = 26)),
            ("property.quantity", |e| e.property[0].quantity = Some(f64::NAN)),
            ("property.value_inr", |e| e.property[0].value_inr = Some(i64::MAX)),
            ("place", |e| place(e).latitude = None),
            ("place.latitude", |e| place(e).latitude = Some(74.0)),
            ("place.longitude", |e| place(e).longitude = Some(f64::NAN)),
            ("place.pin_code", |e| place(e).pin_code = Some("१२".into())),
            ("persons", |e| e.persons = vec![Person::default(); ITEMS_MAX + 1]),
            ("persons[0].name", |e| e.persons[0].name = Some("क\0".into())),
            ("narrative", |e| e.narrative = Some("क".repeat(TEXT_BYTES_MAX / 3 + 1))),
        ];
        for (field, change) in cases {
            assert_eq!(fields(change), [field]);
        }
    }

    #[test]
    fn a_long_event_of_short_texts_is_fine() {
        let text = Some("क".repeat(10_000));
        assert_eq!(
            fields(|e| e.property = vec![Property { description: text, ..e.property[0].clone() }; 10]),
            [""; 0]
        );
    }
}

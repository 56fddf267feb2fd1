//! What makes an event acceptable beyond its schema. Pure checks over one event.
//!
//! The producer refuses to publish what fails here; the fan-out service repeats the checks that guard an
//! invariant. Nothing is repaired here.

use crate::event::CrimeEvent;

/// The longest text of a field, in bytes.
pub const TEXT_BYTES_MAX: usize = 64 << 10;
/// The largest number of persons, vehicles or the like in one event.
pub const ITEMS_MAX: usize = 1_000;

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
    let mut found = Vec::new();
    let mut check = |ok: bool, field: &str, problem: &'static str| {
        if !ok {
            found.push(Violation { field: field.to_owned(), problem });
        }
    };
    check(event.record_id.state() == event.origin, "record_id", "must start with the code of the origin");
    check(event.revision > 0, "revision", "must be positive");
    let hash = crate::identity::content_hash(event);
    check(event.content_hash == hash, "content_hash", "does not match the content");
    let id = crate::identity::event_id(&event.record_id, event.revision, &event.content_hash);
    check(event.event_id == id, "event_id", "does not match record_id, revision and content_hash");
    check(event.kind != crate::event::EventKind::Unknown, "kind", "must be named");
    check(event.action != crate::event::EventAction::Unknown, "action", "must be named");
    if let Some(fir) = &event.fir {
        check((1861..=2200).contains(&fir.year), "fir.year", "must have four digits");
    }
    if let Some(place) = &event.place {
        let whole = place.latitude.is_some() == place.longitude.is_some();
        check(whole, "place", "latitude and longitude come together or not at all");
        let (lat, lon) = (place.latitude.unwrap_or(20.0), place.longitude.unwrap_or(78.0));
        // Mainland and islands with a margin; 0,0 and swapped pairs fall outside.
        check(
            (5.0..=38.0).contains(&lat),
            "place.latitude",
            "is outside India; is it swapped with the longitude or 0?",
        );
        check(
            (67.0..=98.0).contains(&lon),
            "place.longitude",
            "is outside India; is it swapped with the latitude or 0?",
        );
        let pin = place
            .pin_code
            .as_deref()
            .is_none_or(|pin| pin.len() == 6 && pin.bytes().all(|b| b.is_ascii_digit()));
        check(pin, "place.pin_code", "must have six digits");
    }
    if let (Some(from), Some(to)) = (&event.occurred_from, &event.occurred_to) {
        check(from.at <= to.at, "occurred_to", "is before occurred_from");
    }
    let items = [
        event.persons.len(),
        event.vehicles.len(),
        event.property.len(),
        event.sections.len(),
        event.links.len(),
    ];
    check(items.iter().all(|n| *n <= ITEMS_MAX), "event", "has a list of more than 1000 items");
    texts(event, &mut found);
    found
}

/// Finds texts that are too long or hold a NUL, wherever they are.
fn texts(event: &CrimeEvent, found: &mut Vec<Violation>) {
    if let Ok(value) = serde_json::to_value(event) {
        walk(&value, &mut String::new(), found);
    }
}

fn walk(value: &serde_json::Value, path: &mut String, found: &mut Vec<Violation>) {
    use serde_json::Value;
    let depth = path.len();
    match value {
        Value::String(text) if text.len() > TEXT_BYTES_MAX => {
            found.push(Violation { field: path.clone(), problem: "is longer than 65536 bytes" });
        }
        Value::String(text) if text.contains('\0') => {
            found.push(Violation { field: path.clone(), problem: "holds a NUL character" });
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                path.push_str(&format!("[{i}]"));
                walk(item, path, found);
                path.truncate(depth);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                if depth > 0 {
                    path.push('.');
                }
                path.push_str(name);
                walk(field, path, found);
                path.truncate(depth);
            }
        }
        _ => {}
    }
}

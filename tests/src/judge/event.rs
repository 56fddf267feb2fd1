//! An event as the judge reads it: a generic Avro value by the writer's schema, and the few facts that the rules need.
//!
//! Neither the product's types nor its reader of outlines are used. What an event means is not checked, only what a
//! recipient could not read: bytes that do not follow their schema, codes that are no state's, record ids of no shape.

use super::borders::States;
use apache_avro::types::Value;
use sanchar_schemas::StateCode;
use std::hash::{DefaultHasher, Hash, Hasher as _};

/// The longest record id, in bytes.
const RECORD_ID_BYTES_MAX: usize = 256;
/// Classifications that the system carries.
const CARRIED: [&str; 3] = ["UNCLASSIFIED", "RESTRICTED", "CONFIDENTIAL"];

/// What the rules need of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its `event_id`.
    pub event_id: String,
    /// Its `record_id`, which has the right shape.
    pub record_id: String,
    /// The state that the record id begins with.
    pub record_of: StateCode,
    /// Its revision.
    pub revision: i64,
    /// Its `content_hash`.
    pub content: [u8; 32],
    /// What happened: the symbol of its kind.
    pub kind: String,
    /// The state that it says it is from.
    pub origin: StateCode,
    /// When it was published: ms since 1970, UTC.
    pub published_at_ms: i64,
    /// Whether its classification is one that the system carries.
    pub is_carried: bool,
    /// States that must not have it.
    pub excluded: States,
    /// States that the origin asks for.
    pub addressed: States,
    /// Coordination groups that the origin asks for.
    pub groups: Vec<String>,
    /// Act and section of each of its sections.
    pub sections: Vec<(String, String)>,
    /// Whether a vehicle of it was stolen.
    pub has_stolen_vehicle: bool,
    /// Whether it names a gang.
    pub has_gang: bool,
    /// The most that the enrichment may take to repeat what stands in the event, in bytes.
    pub repeated_bytes: usize,
}

impl Event {
    /// The facts of an event; `None` where a recipient could not read it.
    #[must_use]
    pub fn of(value: &Value) -> Option<Self> {
        let record_id = text(value, "record_id")?;
        let handling = field(value, "handling")?;
        let Value::Enum(_, classification) = field(handling, "classification")? else { return None };
        let (Value::Long(revision), Value::TimestampMillis(published_at_ms), Value::Fixed(_, content)) =
            (field(value, "revision")?, field(value, "published_at")?, field(value, "content_hash")?)
        else {
            return None;
        };
        let Value::Enum(_, kind) = field(value, "kind")? else { return None };
        let addressing = field(value, "addressing")?;
        for person in items(value, "persons")? {
            optional_state(field(person, "state")?)?;
        }
        let section =
            |section| Some((text(section, "act")?.to_owned(), text(section, "section")?.to_owned()));
        let is_stolen =
            |vehicle| matches!(field(vehicle, "role"), Some(Value::Enum(_, role)) if role == "STOLEN");
        let groups = items(addressing, "groups")?.iter().map(plain).collect::<Option<Vec<String>>>()?;
        let sections = items(value, "sections")?.iter().map(section).collect::<Option<Vec<_>>>()?;
        Some(Self {
            event_id: text(value, "event_id")?.to_owned(),
            record_id: record_id.to_owned(),
            record_of: owner_of_record(record_id)?,
            revision: *revision,
            content: content.as_slice().try_into().ok()?,
            kind: kind.clone(),
            origin: text(value, "origin")?.parse().ok()?,
            published_at_ms: *published_at_ms,
            is_carried: CARRIED.contains(&classification.as_str()),
            excluded: states(items(handling, "excluded_states")?)?,
            addressed: states(items(addressing, "states")?)?,
            repeated_bytes: repeated_bytes(value, &sections, &groups)?,
            groups,
            sections,
            has_stolen_vehicle: items(value, "vehicles")?.iter().any(is_stolen),
            has_gang: !matches!(field(value, "gang")?, Value::Union(_, gang) if **gang == Value::Null),
        })
    }

    /// The record id without its last part.
    #[must_use]
    pub fn case_key(&self) -> &str {
        self.record_id.rsplit_once('/').map_or("", |(case, _)| case)
    }
}

/// `state/police station/year/FIR number/part`, each written in the one way that its name has.
fn owner_of_record(record_id: &str) -> Option<StateCode> {
    let parts: Vec<&str> = record_id.split('/').collect();
    let [code, station, year, number, part] = parts[..] else { return None };
    let state: StateCode = code.parse().ok()?;
    let is_year = year.len() == 4 && year.chars().all(|digit| digit.is_ascii_digit());
    let is_shaped = state.as_str() == code
        && is_year
        && record_id.len() <= RECORD_ID_BYTES_MAX
        && [station, number, part].into_iter().all(is_plain);
    is_shaped.then_some(state)
}

/// Words of visible characters with one blank between them.
fn is_plain(text: &str) -> bool {
    let is_visible = |c: char| match c {
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => false,
        '\u{958}'..='\u{95f}' => false, // letters that NFC writes as two
        c => !c.is_control() && !c.is_whitespace(),
    };
    text.split(' ').all(|word| !word.is_empty() && word.chars().all(is_visible))
}

/// Each section and group may be repeated once; a registration mark in up to seventeen readings of at most 64 characters.
fn repeated_bytes(event: &Value, sections: &[(String, String)], groups: &[String]) -> Option<usize> {
    let sections: usize = sections.iter().map(|(act, section)| act.len() + section.len() + 4).sum();
    let groups: usize = groups.iter().map(|group| group.len() + 4).sum();
    Some(sections + groups + items(event, "vehicles")?.len() * 17 * 80 + items(event, "persons")?.len() * 8)
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// A field of a record; `None` where it has none of that name.
pub(super) fn field<'v>(record: &'v Value, name: &str) -> Option<&'v Value> {
    let Value::Record(fields) = record else { return None };
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// A text in a field.
pub(super) fn text<'v>(record: &'v Value, name: &str) -> Option<&'v str> {
    match field(record, name)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// The list in a field.
pub(super) fn items<'v>(record: &'v Value, name: &str) -> Option<&'v [Value]> {
    match field(record, name)? {
        Value::Array(items) => Some(items),
        _ => None,
    }
}

/// States by their codes; `None` where one is no state's.
pub(super) fn states(codes: &[Value]) -> Option<States> {
    let code = |value: &Value| match value {
        Value::String(code) => code.parse().ok(),
        _ => None,
    };
    codes.iter().map(code).collect()
}

fn optional_state(value: &Value) -> Option<()> {
    match value {
        Value::Union(_, inner) => optional_state(inner),
        Value::Null => Some(()),
        Value::String(code) => code.parse::<StateCode>().ok().map(drop),
        _ => None,
    }
}

/// A fingerprint of 64 bits, the same in every process. That two of a million differ and share it has a chance of 10⁻⁸.
pub(super) fn fingerprint(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_ids_have_five_parts_in_one_spelling() {
        let delhi = "IN-DL".parse().ok();
        assert_eq!(owner_of_record("IN-DL/1001/2026/000001/fir"), delhi);
        assert_eq!(owner_of_record("IN-DL/थाना खजराना/2026/1/fir"), delhi);
        for bad in [
            "",
            "IN-DL/1001/2026/000001",
            "IN-DL/1001/2026/000001/fir/2",
            "IN-OR/1001/2026/1/fir", // written as it was once
            "in-dl/1001/2026/1/fir",
            "IN-XX/1001/2026/1/fir",
            "IN-DL//2026/1/fir",
            "IN-DL/1001/26/1/fir",
            "IN-DL/1001/२०२६/1/fir",
            "IN-DL/ 1001/2026/1/fir",
            "IN-DL/10  01/2026/1/fir",
            "IN-DL/10\t01/2026/1/fir",
            "IN-DL/10\u{200d}01/2026/1/fir",
            "IN-DL/आ\u{95b}ाद/2026/1/fir",
        ] {
            assert_eq!(owner_of_record(bad), None, "{bad:?}");
        }
        assert_eq!(owner_of_record(&format!("IN-DL/{}/2026/1/fir", "x".repeat(240))), None);
    }
}

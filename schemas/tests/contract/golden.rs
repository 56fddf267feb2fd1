//! The golden records of `examples/`: the JSON is valid, sealed and encodes to exactly the bytes beside it.
//! `tools/seal_examples.rs` writes them; these tests only compare.

use sanchar_schemas::codec::{Decoder, encode_event, encode_shared};
use sanchar_schemas::event::{EventAction, EventKind, EventStatus};
use sanchar_schemas::offence::Head;
use sanchar_schemas::schema::Record;
use sanchar_schemas::shared::{Notice, SharedCrimeEvent};
use sanchar_schemas::{CrimeEvent, validate};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

/// A golden record: its name, the JSON text and the datum.
pub(crate) struct Golden {
    pub(crate) name: String,
    pub(crate) json: String,
    pub(crate) datum: Vec<u8>,
}

impl Golden {
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.json).unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }

    fn is_shared(&self) -> bool {
        self.name.starts_with("shared-")
    }
}

fn all() -> Vec<Golden> {
    let mut found: Vec<Golden> = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
        .map(|path| Golden {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            json: fs::read_to_string(&path).unwrap(),
            datum: fs::read(path.with_extension("avro")).unwrap(),
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

pub(crate) fn events() -> Vec<Golden> {
    all().into_iter().filter(|golden| !golden.is_shared()).collect()
}

pub(crate) fn shared() -> Vec<Golden> {
    all().into_iter().filter(Golden::is_shared).collect()
}

/// Whether the JSON stands in the file exactly as serde writes it.
fn assert_full_json<T: Serialize>(golden: &Golden, value: &T) {
    let text = serde_json::to_string_pretty(value).unwrap() + "\n";
    assert_eq!(text, golden.json, "{}: run the example seal-examples", golden.name);
}

#[test]
fn events_are_their_bytes_and_their_bytes_are_them() {
    let decoder = Decoder::current(Record::CrimeEvent);
    for golden in events() {
        let event: CrimeEvent = golden.parse();
        assert_full_json(&golden, &event);
        assert_eq!(encode_event(&event).unwrap(), golden.datum, "{}", golden.name);
        assert_eq!(decoder.decode::<CrimeEvent>(&golden.datum).unwrap(), event, "{}", golden.name);
    }
}

#[test]
fn shared_events_are_their_bytes_and_their_bytes_are_them() {
    let decoder = Decoder::current(Record::SharedCrimeEvent);
    for golden in shared() {
        let value: SharedCrimeEvent = golden.parse();
        assert_full_json(&golden, &value);
        assert_eq!(encode_shared(&value).unwrap(), golden.datum, "{}", golden.name);
        assert_eq!(decoder.decode::<SharedCrimeEvent>(&golden.datum).unwrap(), value, "{}", golden.name);
    }
}

#[test]
fn events_are_sealed_and_acceptable() {
    for golden in events() {
        let event: CrimeEvent = golden.parse();
        assert_eq!(validate::violations(&event), [], "{}", golden.name);
        assert_eq!(event.clone().sealed(), event, "{}", golden.name);
    }
}

#[test]
fn every_kind_action_and_status_has_an_example() {
    let events: Vec<CrimeEvent> = events().iter().map(Golden::parse).collect();
    for kind in EventKind::ALL.iter().filter(|kind| **kind != EventKind::Unknown) {
        assert!(events.iter().any(|event| event.kind == *kind), "no example of {kind}");
    }
    for action in EventAction::ALL.iter().filter(|action| **action != EventAction::Unknown) {
        assert!(events.iter().any(|event| event.action == *action), "no example of {action}");
    }
    for status in EventStatus::ALL.iter().filter(|status| **status != EventStatus::Unknown) {
        assert!(events.iter().any(|event| event.status == *status), "no example of {status}");
    }
}

#[test]
fn every_field_is_filled_somewhere_and_every_optional_one_is_empty_somewhere() {
    let (mut filled, mut empty) = (BTreeSet::new(), BTreeSet::new());
    events().iter().for_each(|golden| collect(&golden.parse(), "", &mut filled, &mut empty));
    for golden in shared() {
        let shared: SharedCrimeEvent = golden.parse();
        collect(&serde_json::to_value(shared.enrichment).unwrap(), "enrichment", &mut filled, &mut empty);
    }
    let never_filled: Vec<_> = empty.difference(&filled).collect();
    assert!(never_filled.is_empty(), "no example fills {never_filled:?}");
    for optional in [
        "district",
        "place",
        "persons",
        "gang",
        "warrant",
        "fir",
        "handling.caveat",
        "vehicles[].registration",
    ] {
        assert!(empty.contains(optional), "every example fills {optional}");
    }
}

/// Paths with a value and paths without one (null or an empty list), list positions left out.
fn collect(value: &Value, path: &str, filled: &mut BTreeSet<String>, empty: &mut BTreeSet<String>) {
    match value {
        Value::Null => _ = empty.insert(path.to_owned()),
        Value::Array(items) if items.is_empty() => _ = empty.insert(path.to_owned()),
        Value::Array(items) => {
            filled.insert(path.to_owned());
            items.iter().for_each(|item| collect(item, &format!("{path}[]"), filled, empty));
        }
        Value::Object(fields) => {
            filled.insert(path.to_owned());
            for (name, field) in fields {
                let separator = if path.is_empty() { "" } else { "." };
                collect(field, &format!("{path}{separator}{name}"), filled, empty);
            }
        }
        _ => _ = filled.insert(path.to_owned()),
    }
}

#[test]
fn a_zero_fir_and_its_case_are_tied_across_two_states() {
    let events: Vec<CrimeEvent> = events().iter().map(Golden::parse).collect();
    let zero = events.iter().find(|event| event.kind == EventKind::ZeroFir).unwrap();
    let target = &zero.links[0].record_id;
    let case = events.iter().find(|event| event.record_id.as_str() == target).unwrap();
    assert_ne!(case.origin, zero.origin);
    assert_eq!(case.links[0].record_id, zero.record_id.as_str());
}

#[test]
fn shared_events_repeat_the_identity_of_a_golden_event() {
    let events: Vec<CrimeEvent> = events().iter().map(Golden::parse).collect();
    let mut notices = BTreeSet::new();
    for shared in shared().iter().map(Golden::parse::<SharedCrimeEvent>) {
        let identity = &shared.enrichment;
        let event = events.iter().find(|event| event.event_id == identity.event_id).unwrap();
        assert_eq!(identity.record_id, event.record_id.as_str());
        assert_eq!(identity.revision, event.revision);
        assert_eq!(identity.origin, event.origin.as_str());
        assert_eq!(shared.event.as_ref(), (shared.notice == Notice::Delivery).then_some(event));
        for head in &identity.heads {
            let row = Head::by_code(&head.head).unwrap();
            assert_eq!(
                (&head.label_en, &head.label_hi, head.severity),
                (&row.label_en.as_str().into(), &row.label_hi.as_str().into(), row.severity)
            );
            assert_eq!((&*head.ipc, &*head.bns), (&*row.ipc, &*row.bns));
        }
        notices.insert(shared.notice);
    }
    assert_eq!(notices, BTreeSet::from([Notice::Delivery, Notice::Withdrawal]));
}

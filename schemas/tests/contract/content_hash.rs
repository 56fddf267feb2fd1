//! What the content hash covers, against a second implementation of the rule that README.md states.

use crate::{any, golden};
use proptest::prelude::*;
use sanchar_schemas::CrimeEvent;
use sanchar_schemas::digest::Sha256;
use sanchar_schemas::identity::{canonical_content, content_hash, event_id};
use serde_json::Value;

const NOT_CONTENT: [&str; 5] = ["event_id", "revision", "content_hash", "source_sha256", "published_at"];

/// The rule as README.md has it: leave out the five fields and what is absent, then RFC 8785.
fn reference(event: &CrimeEvent) -> String {
    let Value::Object(mut fields) = serde_json::to_value(event).unwrap() else {
        panic!("an event is an object")
    };
    fields.retain(|name, _| !NOT_CONTENT.contains(&name.as_str()));
    canonical(&Value::Object(fields)).unwrap_or_default()
}

/// Canonical JSON; `None` for what is absent.
fn canonical(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => {
            let items: Vec<_> =
                items.iter().map(|item| canonical(item).unwrap_or_else(|| "{}".to_owned())).collect();
            Some(format!("[{}]", items.join(",")))
        }
        Value::Object(fields) => {
            let mut present: Vec<_> = fields
                .iter()
                .filter_map(|(name, value)| Some(format!("\"{name}\":{}", canonical(value)?)))
                .collect();
            present.sort();
            (!present.is_empty()).then(|| format!("{{{}}}", present.join(",")))
        }
        Value::Number(number) if number.is_f64() => Some(ecmascript(number.as_f64().unwrap())),
        scalar => Some(scalar.to_string()),
    }
}

/// ECMA-262, Number::toString(x, 10), step by step: k digits, the point after the n-th.
fn ecmascript(x: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{:e}", x.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap();
    let digits = mantissa.replace('.', "");
    let (k, n) = (i32::try_from(digits.len()).unwrap(), exponent.parse::<i32>().unwrap() + 1);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap());
    let (first, others) = digits.split_at(1);
    let point = if others.is_empty() { "" } else { "." };
    let text = if k <= n && n <= 21 {
        format!("{digits}{}", zeros(n - k))
    } else if 0 < n && n <= 21 {
        let (whole, rest) = digits.split_at(usize::try_from(n).unwrap());
        format!("{whole}.{rest}")
    } else if -6 < n && n <= 0 {
        format!("0.{}{digits}", zeros(-n))
    } else {
        format!("{first}{point}{others}e{:+}", n - 1)
    };
    if x < 0.0 { format!("-{text}") } else { text }
}

proptest! {
    #![proptest_config(any::config())]

    #[test]
    fn the_hash_is_that_of_the_rule(event in any::event()) {
        prop_assert_eq!(canonical_content(&event), reference(&event));
        prop_assert_eq!(content_hash(&event), Sha256::of(reference(&event).as_bytes()));
    }

    #[test]
    fn names_and_times_of_reading_are_no_content(event in any::event(), other in any::event()) {
        let renamed = CrimeEvent {
            event_id: other.event_id,
            revision: other.revision,
            content_hash: other.content_hash,
            published_at: other.published_at,
            source_sha256: other.source_sha256,
            ..event.clone()
        };
        prop_assert_eq!(content_hash(&renamed), content_hash(&event));
    }

    #[test]
    fn a_field_from_another_event_changes_the_hash_or_is_the_same(event in any::event(), other in any::event()) {
        let (json, mut donor) = (serde_json::to_value(&event).unwrap(), serde_json::to_value(&other).unwrap());
        for name in json.as_object().unwrap().keys().filter(|name| !NOT_CONTENT.contains(&name.as_str())) {
            let mut grafted = json.clone();
            grafted[name] = donor[name].take();
            let is_same = canonical(&grafted[name]) == canonical(&json[name]);
            let grafted: CrimeEvent = serde_json::from_value(grafted).unwrap();
            prop_assert_eq!(content_hash(&grafted) == content_hash(&event), is_same, "{}", name);
        }
    }

    #[test]
    fn absent_is_null_and_the_order_of_keys_is_nothing(event in any::event()) {
        let json = serde_json::to_value(&event).unwrap();
        let text = without_null_and_backwards(&json);
        let read: CrimeEvent = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(content_hash(&read), content_hash(&event));
    }
}

/// JSON text with the keys in falling order and nothing for null.
fn without_null_and_backwards(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut present: Vec<_> = fields.iter().filter(|(_, value)| !value.is_null()).collect();
            present.sort_by(|a, b| b.0.cmp(a.0));
            let present: Vec<_> = present
                .iter()
                .map(|(name, value)| format!("\"{name}\": {}", without_null_and_backwards(value)))
                .collect();
            format!("{{{}}}", present.join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(without_null_and_backwards).collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}

#[test]
fn every_leaf_of_the_content_counts() {
    for golden in golden::events() {
        let event: CrimeEvent = golden.parse();
        let json = serde_json::to_value(&event).unwrap();
        for pointer in leaves(&json, "") {
            let is_content = !NOT_CONTENT.iter().any(|name| pointer == format!("/{name}"));
            let changed = changed(&json, &pointer);
            assert_eq!(content_hash(&changed) != event.content_hash, is_content, "{}{pointer}", golden.name);
        }
    }
}

/// JSON pointers of every value that is neither null, list nor object.
fn leaves(value: &Value, at: &str) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            fields.iter().flat_map(|(name, value)| leaves(value, &format!("{at}/{name}"))).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(i, item)| leaves(item, &format!("{at}/{i}"))).collect()
        }
        Value::Null => vec![],
        _ => vec![at.to_owned()],
    }
}

/// The event with another value at `pointer`, the first of some that its type accepts.
fn changed(json: &Value, pointer: &str) -> CrimeEvent {
    let old = json.pointer(pointer).unwrap();
    let candidates: Vec<Value> = match old {
        Value::Bool(flag) => vec![(!flag).into()],
        Value::Number(number) if number.is_f64() => vec![(number.as_f64().unwrap() + 0.001).into()],
        Value::Number(number) => vec![(number.as_i64().unwrap() + 1).into()],
        text => {
            let text = text.as_str().unwrap();
            let others = [
                &format!("{text}x"),
                "UNKNOWN",
                "OTHER",
                "RELATED",
                "SAME_INCIDENT",
                "PRIORITY",
                "URGENT",
                "C",
                "GRADE_3",
                "IN-MZ",
            ];
            let digest = "0".repeat(64);
            let others = others.into_iter().chain([digest.as_str(), "B", "GRADE_1", "CHILD", "MALE"]);
            others.filter(|other| *other != text).map(Value::from).collect()
        }
    };
    let with = |value: Value| {
        let mut json = json.clone();
        *json.pointer_mut(pointer).unwrap() = value;
        serde_json::from_value(json).ok()
    };
    candidates.into_iter().find_map(with).unwrap_or_else(|| panic!("no other value for {pointer}"))
}

/// Computed with the Python program of README.md, so that the rule cannot move unnoticed.
#[test]
fn known_events_have_known_names() {
    let smallest: CrimeEvent =
        golden::events().into_iter().find(|golden| golden.name == "smallest").unwrap().parse();
    let content = concat!(
        r#"{"action":"REPORT","handling":{"classification":"UNCLASSIFIED","code":"POLICE_USE","#,
        r#""officer_safety":false,"priority":"ROUTINE"},"kind":"FIR","origin":"IN-LD","#,
        r#""record_id":"IN-LD/01/2026/1/test","status":"TEST"}"#
    );
    assert_eq!(canonical_content(&smallest), content);
    let hash = content_hash(&smallest);
    assert_eq!(hash.to_string(), "80294581d3abdbdb91715b6add5a3a8c2f85ac72aa9f4dd7527c66747eaec41f");
    assert_eq!(event_id(&smallest.record_id, 1, &hash), "50915106-d99f-847a-8955-0838fcd9ac2b");
}

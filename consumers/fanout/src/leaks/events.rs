//! Events drawn from their schema at random, with the mark in every text: a field that a later version adds is covered by
//! itself.

use super::MARK;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sanchar_schemas::event::Classification;
use sanchar_schemas::schema::Record;
use sanchar_schemas::{CrimeEvent, StateCode};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// An event of Delhi, under a record of its own.
pub(super) fn any_event() -> impl Strategy<Value = CrimeEvent> {
    let schema: Value = serde_json::from_str(&Record::CrimeEvent.latest().text).unwrap();
    any_value(&schema, "", &mut HashMap::new()).prop_map(|json| {
        let mut event: CrimeEvent = serde_json::from_value(json).unwrap();
        event.origin = "IN-DL".parse().unwrap();
        event.handling.classification = Classification::Unclassified;
        event
    })
}

fn any_value(schema: &Value, field: &str, named: &mut HashMap<String, Value>) -> BoxedStrategy<Value> {
    match schema {
        Value::String(name) => match named.get(name).cloned() {
            Some(known) => any_value(&known, field, named),
            None => any_primitive(name, field),
        },
        Value::Array(branches) => {
            let branches: Vec<_> = branches.iter().map(|branch| any_value(branch, field, named)).collect();
            proptest::strategy::Union::new(branches).boxed()
        }
        _ => any_complex(schema, field, named),
    }
}

fn any_complex(schema: &Value, field: &str, named: &mut HashMap<String, Value>) -> BoxedStrategy<Value> {
    if let Some(name) = schema["name"].as_str() {
        named.insert(name.to_owned(), schema.clone());
    }
    match schema["type"].as_str().unwrap() {
        "record" => {
            let fields = schema["fields"].as_array().unwrap();
            let names: Vec<String> =
                fields.iter().map(|field| field["name"].as_str().unwrap().to_owned()).collect();
            let values: Vec<_> = fields
                .iter()
                .zip(&names)
                .map(|(field, name)| any_value(&field["type"], name, named))
                .collect();
            values
                .prop_map(move |values| Map::from_iter(names.clone().into_iter().zip(values)).into())
                .boxed()
        }
        "enum" => select(schema["symbols"].as_array().unwrap().clone()).boxed(),
        "fixed" => "[0-9a-f]{64}".prop_map(Value::from).boxed(),
        "array" => vec(any_value(&schema["items"], field, named), 0..3).prop_map(Value::from).boxed(),
        primitive => any_primitive(primitive, field),
    }
}

fn any_primitive(name: &str, field: &str) -> BoxedStrategy<Value> {
    let mark = || "[a-z]{0,6}".prop_map(|rest| Value::from(format!("{MARK}{rest}")));
    match (name, field) {
        ("null", _) => Just(Value::Null).boxed(),
        ("boolean", _) => any::<bool>().prop_map(Value::from).boxed(),
        ("int", _) => (1..2_100).prop_map(Value::from).boxed(),
        ("long", _) => (1_i64..1_800_000_000_000).prop_map(Value::from).boxed(),
        ("double", _) => (6.0..37.0).prop_map(Value::from).boxed(),
        ("string", "origin" | "state" | "states" | "excluded_states") => {
            select(StateCode::all().map(|state| Value::from(state.as_str())).collect::<Vec<_>>()).boxed()
        }
        ("string", "record_id") => {
            ("[a-z]{1,6}", 1..100_000).prop_map(|(station, number)| record_id(&station, number)).boxed()
        }
        ("string", "act") => {
            prop_oneof![select(vec!["BNS", "IPC", "UAPA"]).prop_map(Value::from), mark()].boxed()
        }
        ("string", _) => mark().boxed(),
        (other, _) => panic!("the contract has no {other}"),
    }
}

fn record_id(station: &str, number: i32) -> Value {
    format!("IN-DL/{MARK}{station}/2024/{number}/fir").into()
}

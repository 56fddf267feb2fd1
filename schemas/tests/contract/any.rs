//! Arbitrary records, drawn from the schema itself: a field that a later version adds is covered by itself.
//! A record is drawn as JSON and read as the Rust type, which thereby proves to accept all that the schema allows.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use sanchar_schemas::schema::Record;
use sanchar_schemas::{CrimeEvent, SharedCrimeEvent, StateCode};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// What fails is printed and not kept in files beside the tests.
pub(crate) fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

pub(crate) fn event() -> impl Strategy<Value = CrimeEvent> {
    json(Record::CrimeEvent).prop_map(|json| serde_json::from_value(json).unwrap())
}

pub(crate) fn shared() -> impl Strategy<Value = SharedCrimeEvent> {
    json(Record::SharedCrimeEvent).prop_map(|json| serde_json::from_value(json).unwrap())
}

fn json(record: Record) -> BoxedStrategy<Value> {
    let schema: Value = serde_json::from_str(&record.latest().text).unwrap();
    any_value(&schema, "", &mut HashMap::new())
}

/// A value of a schema in the field `field`. `named` holds the types met so far, by name.
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
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    match name {
        "null" => Just(Value::Null).boxed(),
        "boolean" => any::<bool>().prop_map(Value::from).boxed(),
        "int" => prop_oneof![any::<i32>(), select(vec![0, i32::MIN, i32::MAX])].prop_map(Value::from).boxed(),
        "long" => {
            prop_oneof![any::<i64>(), select(vec![0, i64::MIN, i64::MAX])].prop_map(Value::from).boxed()
        }
        "double" => (POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO).prop_map(Value::from).boxed(),
        "string" => match field {
            "origin" | "state" | "states" | "excluded_states" => any_state().prop_map(Value::from).boxed(),
            "record_id" => any_record_id().prop_map(Value::from).boxed(),
            _ => any_text().prop_map(Value::from).boxed(),
        },
        other => panic!("the contract has no {other}"),
    }
}

fn any_state() -> impl Strategy<Value = &'static str> {
    select(StateCode::all().map(StateCode::as_str).collect::<Vec<_>>())
}

fn any_record_id() -> impl Strategy<Value = String> {
    (any_state(), "[0-9]{1,6}|थाना [क-ह]{1,9}", 1861..2200, "[0-9]{1,5}", "fir|arrest-A[1-9]")
        .prop_map(|(state, station, year, number, part)| format!("{state}/{station}/{year}/{number}/{part}"))
}

pub(crate) fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ -~]{0,12}",
        4 => "[\u{900}-\u{97f}\u{200c}\u{200d} ]{0,12}",
        2 => any::<String>(),
        1 => select(vec!["", "\0", "\"\\/\u{8}\u{c}\n\r\t\u{1f}\u{7f}", "\u{feff}\u{2028}\u{10ffff}"]).prop_map(str::to_owned),
        1 => (100_usize..5_000).prop_map(|n| "आ".repeat(n)),
    ]
}

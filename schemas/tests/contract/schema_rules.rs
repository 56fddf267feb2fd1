//! Rules that every released schema keeps, and that the Rust types are what the schemas say.

use sanchar_schemas::enrichment::*;
use sanchar_schemas::event::*;
use sanchar_schemas::schema::Record;
use sanchar_schemas::shared::{Notice, SharedCrimeEvent};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Named types of a schema (records, enums, fixed), each once, in the order of the text.
fn named_types(schema: &Value) -> Vec<&Value> {
    let inner: Vec<&Value> = match schema {
        Value::Array(branches) => branches.iter().collect(),
        Value::Object(_) => {
            let fields = schema["fields"].as_array().into_iter().flatten();
            fields.map(|field| &field["type"]).chain(schema.get("items")).collect()
        }
        _ => vec![],
    };
    schema.get("name").map(|_| schema).into_iter().chain(inner.into_iter().flat_map(named_types)).collect()
}

fn texts(record: Record) -> Vec<Value> {
    record.releases().iter().map(|release| serde_json::from_str(&release.text).unwrap()).collect()
}

fn all_texts() -> Vec<Value> {
    Record::ALL.into_iter().flat_map(texts).collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[test]
fn everything_is_explained() {
    for schema in all_texts() {
        for named in named_types(&schema) {
            let name = text(named, "name");
            assert!(text(named, "doc").ends_with('.'), "{name} has no doc");
            for field in named["fields"].as_array().into_iter().flatten() {
                assert!(text(field, "doc").ends_with('.'), "{name}.{} has no doc", field["name"]);
            }
            for symbol in
                named["symbols"].as_array().into_iter().flatten().map(|symbol| symbol.as_str().unwrap())
            {
                let doc = format!(" {}", text(named, "doc"));
                assert!(doc.contains(&format!(" {symbol}: ")), "{name} does not explain {symbol}");
            }
        }
    }
}

#[test]
fn names_are_in_one_namespace_and_used_once() {
    for schema in all_texts() {
        assert_eq!(schema["namespace"], "sanchar");
        let names: Vec<&str> = named_types(&schema).into_iter().map(|named| text(named, "name")).collect();
        assert!(names.iter().all(|name| !name.contains('.')), "{names:?}");
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        let elsewhere = named_types(&schema)
            .into_iter()
            .filter(|named| named.get("namespace").is_some_and(|n| n != "sanchar"));
        assert_eq!(elsewhere.count(), 0);
    }
}

#[test]
fn every_enum_has_a_default_for_symbols_to_come() {
    for schema in all_texts() {
        for named in named_types(&schema).into_iter().filter(|named| named["type"] == "enum") {
            let symbols = named["symbols"].as_array().unwrap();
            assert!(symbols.contains(&named["default"]), "{} has no default", named["name"]);
        }
    }
}

#[test]
fn optional_means_null_first_and_by_default_and_lists_are_empty_by_default() {
    for schema in all_texts() {
        for named in named_types(&schema) {
            for field in named["fields"].as_array().into_iter().flatten() {
                let (at, default) = (format!("{}.{}", named["name"], field["name"]), field.get("default"));
                if let Some(branches) = field["type"].as_array() {
                    assert_eq!(
                        (branches.len(), &branches[0], default),
                        (2, &json!("null"), Some(&Value::Null)),
                        "{at}"
                    );
                }
                if field["type"]["type"] == "array" {
                    assert_eq!(default, Some(&json!([])), "{at}");
                }
            }
        }
    }
}

/// Anything else would change the hash of events that lack the field.
#[test]
fn a_field_that_a_version_adds_is_absent_by_default() {
    for record in Record::ALL {
        for pair in texts(record).windows(2) {
            let older: BTreeMap<&str, &Value> = named_types(&pair[0])
                .into_iter()
                .map(|named| (text(named, "name"), &named["fields"]))
                .collect();
            for named in named_types(&pair[1]) {
                let Some(Value::Array(known)) = older.get(text(named, "name")) else { continue };
                for field in named["fields"].as_array().unwrap() {
                    let is_known = known.iter().any(|other| other["name"] == field["name"]);
                    let is_absent =
                        matches!(field.get("default"), Some(Value::Null)) || field["default"] == json!([]);
                    assert!(
                        is_known || is_absent,
                        "{}.{} must default to null or []",
                        named["name"],
                        field["name"]
                    );
                }
            }
        }
    }
}

macro_rules! symbols_of {
    ($($name:ident)+) => {
        BTreeMap::from([$((stringify!($name), $name::ALL.iter().map(|symbol| symbol.as_str()).collect::<Vec<_>>()),)+])
    };
}

#[test]
fn rust_enums_are_the_schemas_enums() {
    let rust = symbols_of! {
        EventKind EventAction EventStatus RegisterKind TimePrecision PersonRole Gender ObjectRole PropertyCategory
        CustodyChange HandlingCode Classification Priority SourceGrade InformationGrade LinkRelation WithholdingReason Notice
        PenalCode DistrictKind AgeBand TimeOfDay
    };
    let schema: Value = serde_json::from_str(&Record::SharedCrimeEvent.latest().text).unwrap();
    let enums = named_types(&schema).into_iter().filter(|named| named["type"] == "enum");
    let avro: BTreeMap<&str, Vec<&str>> = enums
        .map(|named| {
            (
                text(named, "name"),
                named["symbols"].as_array().unwrap().iter().filter_map(Value::as_str).collect(),
            )
        })
        .collect();
    assert_eq!(rust, avro);
}

#[test]
fn rust_defaults_are_the_schemas_defaults() {
    let schema: Value = serde_json::from_str(&Record::SharedCrimeEvent.latest().text).unwrap();
    let types: BTreeMap<&str, &Value> =
        named_types(&schema).into_iter().map(|named| (text(named, "name"), named)).collect();
    let mut checked = BTreeSet::new();
    macro_rules! check {
        ($($name:ident $(<$life:lifetime>)?)+) => {
            $(checked.insert(stringify!($name)); check_defaults::<$name$(<$life>)?>(stringify!($name), &types);)+
        };
    }
    check! {
        SharedCrimeEvent Enrichment<'static> OffenceHead<'static> KnownDistrict<'static> TouchingDistricts<'static>
        RegistrationReading PersonReading CrimeEvent District PoliceStation FirReference Moment Place Section
        ReportedHead PersonCounts Person Vehicle Property Weapon Gang Custody Warrant Handling Addressing Link Withheld
    }
    let records = types.iter().filter(|(_, named)| named["type"] == "record").map(|(name, _)| *name);
    assert_eq!(checked, records.collect());
}

/// A record of which only the fields without a default are given has the schema's defaults in all others.
fn check_defaults<T: Serialize + DeserializeOwned>(name: &str, types: &BTreeMap<&str, &Value>) {
    let fields = types[name]["fields"].as_array().unwrap();
    let read: T =
        serde_json::from_value(required(types[name], types)).unwrap_or_else(|e| panic!("{name}: {e}"));
    let written = serde_json::to_value(&read).unwrap();
    for field in fields {
        let field_name = text(field, "name");
        assert!(written.get(field_name).is_some(), "{name} lacks {field_name}");
        if let Some(default) = field.get("default") {
            assert_eq!(&written[field_name], default, "{name}.{field_name}");
        }
    }
    assert_eq!(written.as_object().unwrap().len(), fields.len(), "{name} has more fields than its schema");
}

/// The smallest value of a type.
fn required(schema: &Value, types: &BTreeMap<&str, &Value>) -> Value {
    match schema.as_str().or(schema["type"].as_str()) {
        Some("record") => {
            let fields =
                schema["fields"].as_array().unwrap().iter().filter(|field| field.get("default").is_none());
            fields
                .map(|field| (text(field, "name").to_owned(), required_field(field, types)))
                .collect::<Map<_, _>>()
                .into()
        }
        Some("enum") => schema["symbols"][0].clone(),
        Some("fixed") => "00".repeat(32).into(),
        Some("int" | "long") => 0.into(),
        Some("boolean") => false.into(),
        Some("string") => "".into(),
        Some(name) => required(types[name], types),
        None => panic!("{schema} has no smallest value"),
    }
}

fn required_field(field: &Value, types: &BTreeMap<&str, &Value>) -> Value {
    match text(field, "name") {
        "record_id" => "IN-DL/1/2026/1/fir".into(),
        "origin" => "IN-DL".into(),
        _ => required(&field["type"], types),
    }
}

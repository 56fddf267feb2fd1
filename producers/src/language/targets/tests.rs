//! The language has every field of the contract, and no other.

use apache_avro::Schema;
use sanchar_schemas::schema::Record as SchemaRecord;

use super::*;

fn record_fields(path: &[&str]) -> Vec<String> {
    let mut schema = &SchemaRecord::CrimeEvent.latest().schema;
    for name in path {
        let Schema::Record(record) = schema else { panic!("{name} is in no record") };
        schema = &record.fields.iter().find(|field| field.name == *name).unwrap().schema;
        if let Schema::Union(union) = schema {
            schema = &union.variants()[1];
        }
        if let Schema::Array(array) = schema {
            schema = &array.items;
        }
    }
    let Schema::Record(record) = schema else { panic!("{path:?} is no record") };
    record.fields.iter().map(|field| field.name.clone()).collect()
}

#[test]
fn the_language_mirrors_the_contract() {
    // What the producer makes itself.
    let made = [
        "event_id",
        "record_id",
        "revision",
        "content_hash",
        "origin",
        "published_at",
        "withheld",
        "source_sha256",
    ];
    let contract: Vec<String> =
        record_fields(&[]).into_iter().filter(|name| !made.contains(&name.as_str())).collect();
    let language: Vec<&str> = Mapping::FIELDS.iter().copied().filter(|name| *name != "record").collect();
    assert_eq!(language, contract);
    assert_eq!(Record::FIELDS, ["part", "revision"]);
    assert_eq!(Narrative::FIELDS, ["text", "cleared"]);

    for (path, fields) in [
        ("district", District::FIELDS),
        ("police_station", PoliceStation::FIELDS),
        ("fir", Fir::FIELDS),
        ("place", Place::FIELDS),
        ("reported_head", ReportedHead::FIELDS),
        ("counts", Counts::FIELDS),
        ("persons", Person::FIELDS),
        ("vehicles", Vehicle::FIELDS),
        ("property", Property::FIELDS),
        ("weapons", Weapon::FIELDS),
        ("gang", Gang::FIELDS),
        ("custody", Custody::FIELDS),
        ("warrant", Warrant::FIELDS),
        ("handling", Handling::FIELDS),
        ("addressing", Addressing::FIELDS),
        ("links", Link::FIELDS),
    ] {
        let language: Vec<&str> =
            fields.iter().copied().filter(|name| !matches!(*name, "each" | "when")).collect();
        assert_eq!(language, record_fields(&[path]), "{path}");
    }
}

#[test]
fn an_unknown_target_lists_the_known_ones() {
    let error = toml::from_str::<Mapping>("[fir]\nnumbr = 'FIRNo'").unwrap_err();
    assert!(
        error.message().starts_with("unknown field `numbr`, expected one of `number`, `year`, `kind`"),
        "{error}"
    );
}

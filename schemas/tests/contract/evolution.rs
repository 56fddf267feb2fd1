//! What happens when writer and reader are of different versions. The other version is made here by editing the
//! newest schema, so that this holds before there is a second one.

use crate::golden::{self, Golden};
use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;
use sanchar_schemas::CrimeEvent;
use sanchar_schemas::codec::{CodecError, Decoder, encode_event};
use sanchar_schemas::event::{EventKind, HandlingCode};
use sanchar_schemas::schema::{Record, check_full_compatibility, writes_same_bytes};
use serde_json::{Value, json};
use std::sync::Arc;

/// The newest schema of the event after a change to its JSON.
fn edited(change: impl FnOnce(&mut Value)) -> Arc<Schema> {
    let mut text: Value = serde_json::from_str(&Record::CrimeEvent.latest().text).unwrap();
    change(&mut text);
    Arc::new(Schema::parse_str(&text.to_string()).unwrap())
}

fn fields(record: &mut Value) -> &mut Vec<Value> {
    record["fields"].as_array_mut().unwrap()
}

fn field<'a>(record: &'a mut Value, name: &str) -> &'a mut Value {
    fields(record).iter_mut().find(|field| field["name"] == name).unwrap()
}

/// A golden event as a producer of the other version writes it, after a change to the value.
fn written(golden: &Golden, writer: &Schema, change: impl FnOnce(&mut Vec<(String, Avro)>)) -> Vec<u8> {
    let latest = GenericDatumReader::builder(&Record::CrimeEvent.latest().schema).build().unwrap();
    let value = latest.read_value(&mut golden.datum.as_slice()).unwrap();
    let Avro::Record(mut fields) = value.resolve(writer).unwrap() else { panic!("an event is a record") };
    change(&mut fields);
    let mut datum = Vec::new();
    GenericDatumWriter::builder(writer)
        .build()
        .unwrap()
        .write_value(&mut datum, Avro::Record(fields))
        .unwrap();
    datum
}

/// Every golden event, written with `writer` and read with the newest version, is what `expected` makes of it.
fn assert_read(writer: &Arc<Schema>, expected: impl Fn(&mut CrimeEvent)) {
    check_full_compatibility(writer, &Record::CrimeEvent.latest().schema).unwrap();
    let decoder = Decoder::new(Record::CrimeEvent, Arc::clone(writer));
    assert!(!decoder.is_current());
    for golden in golden::events() {
        let mut event: CrimeEvent = golden.parse();
        expected(&mut event);
        let datum = written(&golden, writer, |_| {});
        assert_eq!(decoder.decode::<CrimeEvent>(&datum).unwrap(), event, "{}", golden.name);
    }
}

#[test]
fn an_optional_field_that_the_writer_lacks_is_absent() {
    let older = edited(|event| fields(event).retain(|field| field["name"] != "narrative"));
    assert_read(&older, |event| event.narrative = None);
}

#[test]
fn a_nested_field_that_the_writer_lacks_has_its_default() {
    let older =
        edited(|event| fields(&mut field(event, "handling")["type"]).retain(|field| field["name"] != "code"));
    assert_read(&older, |event| event.handling.code = HandlingCode::PoliceUse);
}

#[test]
fn a_list_that_the_writer_lacks_is_empty() {
    let older = edited(|event| fields(event).retain(|field| field["name"] != "withheld"));
    assert_read(&older, |event| event.withheld.clear());
}

fn with_field_at_the_end() -> Arc<Schema> {
    let added = json!({"name": "case_diary", "type": ["null", "string"], "default": null, "doc": "Added."});
    edited(|event| fields(event).push(added))
}

#[test]
fn a_field_that_the_reader_lacks_is_passed_over() {
    let newer = with_field_at_the_end();
    assert_read(&newer, |_| {});
    let golden = &golden::events()[0];
    let datum = written(golden, &newer, |fields| {
        let value = Avro::Union(1, Box::new(Avro::String("दैनिकी".into())));
        fields
            .iter_mut()
            .filter(|(name, _)| name == "case_diary")
            .for_each(|(_, field)| *field = value.clone());
    });
    let decoder = Decoder::new(Record::CrimeEvent, newer);
    assert_eq!(decoder.decode::<CrimeEvent>(&datum).unwrap(), golden.parse());
    for cut in 0..datum.len() {
        let result = decoder.decode::<CrimeEvent>(&datum[..cut]);
        assert!(matches!(result, Err(CodecError::Malformed(_))), "cut at {cut}: {result:?}");
        let error = result.unwrap_err().to_string();
        assert!(error.is_ascii() && error.len() < 250, "repeats the datum: {error}");
    }
    let longer = [datum.as_slice(), &[0]].concat();
    assert!(matches!(decoder.decode::<CrimeEvent>(&longer), Err(CodecError::Trailing(1))));
}

#[test]
fn a_symbol_that_the_reader_lacks_is_unknown() {
    let newer = edited(|event| {
        field(event, "kind")["type"]["symbols"].as_array_mut().unwrap().push("CYBER_ALERT".into());
    });
    assert_read(&newer, |_| {});
    let golden = &golden::events()[0];
    let new_kind = u32::try_from(EventKind::ALL.len()).unwrap();
    let datum = written(golden, &newer, |fields| {
        let value = Avro::Enum(new_kind, "CYBER_ALERT".into());
        fields.iter_mut().filter(|(name, _)| name == "kind").for_each(|(_, field)| *field = value.clone());
    });
    let event: CrimeEvent = Decoder::new(Record::CrimeEvent, newer).decode(&datum).unwrap();
    assert_eq!(event, CrimeEvent { kind: EventKind::Unknown, ..golden.parse() });
}

#[test]
fn another_wording_of_the_docs_is_the_same_schema() {
    let reworded = edited(|event| event["doc"] = "Reworded.".into());
    assert!(writes_same_bytes(&reworded, &Record::CrimeEvent.latest().schema));
    assert!(Decoder::new(Record::CrimeEvent, reworded).is_current());
}

#[test]
fn what_cannot_be_read_by_the_other_side_is_incompatible() {
    let latest = &Record::CrimeEvent.latest().schema;
    let without_default = edited(|event| {
        fields(event).push(json!({"name": "case_diary", "type": "string", "doc": "Added."}));
    });
    assert!(check_full_compatibility(&without_default, latest).is_err());
    let another_type = edited(|event| field(event, "revision")["type"] = "string".into());
    assert!(check_full_compatibility(&another_type, latest).is_err());
}

#[test]
fn a_schema_of_another_shape_is_an_error_without_values() {
    let foreign = edited(|event| field(event, "revision")["type"] = "string".into());
    let golden = &golden::events()[0];
    let event: CrimeEvent = golden.parse();
    let latest = GenericDatumReader::builder(&Record::CrimeEvent.latest().schema).build().unwrap();
    let Avro::Record(mut fields) = latest.read_value(&mut golden.datum.as_slice()).unwrap() else { panic!() };
    fields[2].1 = Avro::String("विक्रम कल्पित".into());
    let mut datum = Vec::new();
    GenericDatumWriter::builder(&foreign)
        .build()
        .unwrap()
        .write_value(&mut datum, Avro::Record(fields))
        .unwrap();
    assert_ne!(datum, encode_event(&event).unwrap());
    let error =
        Decoder::new(Record::CrimeEvent, foreign).decode::<CrimeEvent>(&datum).unwrap_err().to_string();
    assert_eq!(
        error,
        "the datum does not follow its schema: a value of it does not have the type of its field"
    );
}

#[test]
fn a_shared_event_embeds_the_event_that_is_spliced_into_it() {
    let embedded =
        |text: &str| serde_json::from_str::<Value>(text).unwrap()["fields"][1]["type"][1].to_string();
    for release in Record::SharedCrimeEvent.releases() {
        let event = embedded(&release.text);
        assert!(
            Record::CrimeEvent.releases().iter().any(|known| known.text == event),
            "v{}",
            release.version
        );
    }
    assert_eq!(embedded(&Record::SharedCrimeEvent.latest().text), Record::CrimeEvent.latest().text);
}

//! Lines as plain expected strings, from the contract's golden records.

use super::*;
use crate::dlq::receipts::Copied;
use sanchar_schemas::StateSet;
use serde_json::{Value, json as value};

fn event() -> CrimeEvent {
    serde_json::from_str(include_str!("../../../../../schemas/examples/vehicle-stolen.json")).unwrap()
}

fn shared(golden: &str) -> Content {
    Content::Shared(serde_json::from_str(golden).unwrap())
}

fn record(topic: &str, headers: &[(&str, &str)]) -> Record {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), Some(value.as_bytes().to_vec())));
    Record {
        topic: topic.into(),
        offset: 17,
        timestamp_ms: Some(0),
        key: Some(b"IN-DL/0764/2026/1187".to_vec()),
        headers: headers.collect(),
        value: Some(vec![0; 6]),
        ..Record::default()
    }
}

fn plain(line: &str) -> String {
    console::strip_ansi_codes(line).into_owned()
}

#[test]
fn a_published_event_has_its_head_worked_out() {
    let line = plain(&text(&record("crime.reported.in-dl", &[]), &Content::Reported(Box::new(event()))));
    assert_eq!(
        line,
        "2026-11-05 08:26:00 +05:30  IN-DL  VEHICLE_STOLEN     REPORT   THEFT_MOTOR_VEHICLE 3     थाना सरोवर विहार          1187/2026"
    );
}

#[test]
fn a_delivery_says_why_it_came_and_what_must_not_be_overlooked() {
    let mut event = event();
    event.handling.officer_safety = true;
    event.status = EventStatus::Exercise;
    event.police_station.as_mut().unwrap().name = "evil\u{1b}[2Jname".into();
    let golden = include_str!("../../../../../schemas/examples/shared-delivery.json");
    let mut delivery: SharedCrimeEvent = serde_json::from_str(golden).unwrap();
    delivery.event = Some(event);
    let record = record("crime.shared.in-hr", &[(headers::ROUTE, "neighbour")]);
    let line = plain(&text(&record, &Content::Shared(Box::new(delivery))));
    assert!(line.ends_with("1187/2026     neighbour  OFFICER SAFETY  EXERCISE"), "{line}");
    assert!(line.contains("NARCOTICS 4") && line.contains("evil [2Jname"), "{line}");
}

#[test]
fn a_withdrawal_says_what_to_forget() {
    let golden = include_str!("../../../../../schemas/examples/shared-withdrawal.json");
    let line = plain(&text(&record("crime.shared.in-hr", &[]), &shared(golden)));
    assert!(line.contains("WITHDRAWAL  forget IN-"), "{line}");
    assert!(line.contains(" up to revision "), "{line}");
}

#[test]
fn a_dead_letter_shows_reason_place_and_message() {
    let headers = [
        (headers::DLQ_REASON, "origin-mismatch"),
        (headers::DLQ_STAGE, "authorise"),
        (headers::DLQ_TOPIC, "crime.reported.in-hr"),
        (headers::DLQ_PARTITION, "1"),
        (headers::DLQ_OFFSET, "41"),
        (headers::DLQ_MESSAGE, "the event claims to be from IN-DL"),
        (headers::DLQ_FAILED_AT, "1000"),
    ];
    let record = record("crime.dlq", &headers);
    let line = plain(&text(&record, &Content::Reported(Box::new(event()))));
    assert_eq!(
        line,
        "1970-01-01 05:30:01 +05:30  authorise/origin-mismatch  crime.reported.in-hr[1]@41  \
         the event claims to be from IN-DL  IN-DL VEHICLE_STOLEN IN-DL/0764/2026/1187/fir"
    );
    let line = plain(&text(&record, &Content::Undecodable("too short".into())));
    assert!(line.ends_with("  6 bytes"), "{line}");
}

#[test]
fn what_cannot_be_decoded_is_printed_as_such() {
    let content = Content::Undecodable("the message is shorter than the five bytes of a schema id".into());
    assert_eq!(
        plain(&text(&record("crime.shared.in-hr", &[]), &content)),
        "1970-01-01 05:30:00 +05:30  UNDECODABLE  crime.shared.in-hr[0]@17  \
         the message is shorter than the five bytes of a schema id  6 bytes"
    );
    let line: Value =
        serde_json::from_str(&json(&record("crime.shared.in-hr", &[]), &content).unwrap()).unwrap();
    assert_eq!(line["value"], Value::Null);
    assert_eq!(line["error"]["bytes"], 6);
}

#[test]
fn the_register_shows_who_holds_a_record() {
    let recipients: StateSet = ["IN-HR", "IN-UP"].iter().map(|code| code.parse().unwrap()).collect();
    let entry = Entry { revision: 7, content_hash: event().content_hash, recipients, last_seen_ms: 0 };
    let line = text(&record("crime.register", &[]), &Content::Register(entry));
    assert!(line.contains("IN-DL/0764/2026/1187  ") && line.ends_with("held by HR UP"), "{line}");
    let line: Value =
        serde_json::from_str(&json(&record("r", &[]), &Content::Register(entry)).unwrap()).unwrap();
    assert_eq!(line["value"]["recipients"], value!(["IN-HR", "IN-UP"]));
}

#[test]
fn a_receipt_says_where_each_copy_stands() {
    let copy = |attempt, offset| Copied {
        attempt,
        at_ms: 0,
        topic: "crime.reported.in-dl".to_owned(),
        partition: 1,
        offset,
    };
    let receipt = Receipt { letter_at_ms: None, copies: vec![copy(2, 7), copy(3, 9)] };
    let line = text(&record("crime.dlq.redriven", &[]), &Content::Receipt(receipt.clone()));
    let copies = "attempt 2 at crime.reported.in-dl[1]@7, attempt 3 at crime.reported.in-dl[1]@9";
    assert!(line.ends_with(&format!("was sent back: {copies}")), "{line}");
    let line: Value =
        serde_json::from_str(&json(&record("r", &[]), &Content::Receipt(receipt)).unwrap()).unwrap();
    assert_eq!(line["value"]["copies"][1]["offset"], 9);
}

#[test]
fn json_carries_everything_and_the_event_unchanged() {
    let record = record("crime.reported.in-dl", &[(headers::CE_ID, "x")]);
    let line: Value =
        serde_json::from_str(&json(&record, &Content::Reported(Box::new(event()))).unwrap()).unwrap();
    for (field, value) in [
        ("topic", value!("crime.reported.in-dl")),
        ("partition", value!(0)),
        ("offset", value!(17)),
        ("timestamp", value!(0)),
        ("headers", value!({ "ce_id": "x" })),
        ("key", value!("IN-DL/0764/2026/1187")),
    ] {
        assert_eq!(line[field], value, "{field}");
    }
    assert!(line.get("error").is_none());
    let back: CrimeEvent = serde_json::from_value(line["value"].clone()).unwrap();
    assert_eq!(back, event());
}

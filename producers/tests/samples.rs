//! Shapes of files that other countries' police publish, in short invented excerpts: every row accounted for by reason.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails right there")]

use std::path::PathBuf;

use sanchar_producer::{ProducerConfig, Shown, Summary, dry_run};
use sanchar_schemas::CrimeEvent;
use sanchar_schemas::event::{EventAction, EventKind, TimePrecision};

const NOW_MS: i64 = 1_730_419_200_000;

fn run(file: &str) -> (Summary, Vec<CrimeEvent>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(file);
    let config = ProducerConfig::load(&path).unwrap();
    let mut events = Vec::new();
    let mut keep = |shown: Shown<'_>| {
        if let Shown::Event(event) = shown {
            events.push(event.clone());
        }
        Ok(())
    };
    let summary = dry_run(&config, NOW_MS, &mut keep, &mut |_| {}).unwrap();
    assert!(summary.adds_up(), "{summary}");
    (summary, events)
}

type Named<'a> = Vec<(&'a str, u64)>;

/// Published, and what was quarantined and filtered by name.
fn counts(summary: &Summary) -> (u64, Named<'_>, Named<'_>) {
    let quarantined =
        summary.quarantined.iter().map(|(reason, tally)| (reason.as_str(), tally.count)).collect();
    let filtered = summary.filtered.iter().map(|(name, tally)| (name.as_str(), tally.count)).collect();
    (summary.published, quarantined, filtered)
}

fn moment(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).unwrap().to_string()
}

#[test]
fn a_truncated_upload_and_a_12_hour_clock() {
    let (summary, events) = run("chicago.toml");
    assert_eq!(counts(&summary), (12, vec![("unterminated", 1)], vec![("unchanged", 1)]), "{summary}");
    // 02/11/2021 02:04 in the morning, read as Indian time for want of another.
    assert_eq!(moment(events[0].occurred_from.unwrap().at), "2021-02-10T20:34:00Z");
    assert_eq!(moment(events[1].occurred_from.unwrap().at), "2021-03-12T09:38:00Z");
    let versions: Vec<_> = events
        .iter()
        .filter(|event| event.record_id == events[3].record_id)
        .map(|event| event.revision)
        .collect();
    assert!(versions.len() == 2 && versions[0] < versions[1], "{versions:?}");
}

#[test]
fn supplements_are_newer_versions_of_the_offences_of_a_case() {
    let (summary, events) = run("san-francisco.toml");
    assert_eq!(counts(&summary), (14, vec![], vec![]), "{summary}");
    let case: Vec<_> =
        events.iter().filter(|event| event.record_id.case_key().ends_with("/990000001")).collect();
    let [first, other, again] = case[..] else { panic!("{} rows", case.len()) };
    assert_eq!(first.record_id, again.record_id);
    assert_ne!(first.record_id, other.record_id);
    assert!(again.revision > first.revision && again.action == EventAction::Update);
    assert_ne!(again.investigation_stage, first.investigation_stage);
    assert!(first.record_id.as_str().ends_with("/07020"), "leading zeros matter: {}", first.record_id);
}

#[test]
fn vehicles_without_a_case_number_are_told_apart_by_plate_and_date() {
    let (summary, events) = run("new-zealand.toml");
    assert_eq!(counts(&summary), (10, vec![("identity_taken", 1)], vec![("unchanged", 1)]), "{summary}");
    assert!(events.iter().all(|event| event.kind == EventKind::VehicleStolen));
    let vehicle = |position: usize| &events[position].vehicles[0];
    assert_eq!(vehicle(1).registration.as_deref(), Some("0ZZ2"), "a text, not a number");
    assert_eq!((vehicle(1).model_year, vehicle(3).vehicle_type.as_deref()), (None, None));
    assert_eq!(events.iter().filter(|event| event.vehicles[0].registration.is_none()).count(), 1, "BIKE");
}

#[test]
fn rows_without_an_identity_and_dates_of_a_month() {
    let (summary, events) = run("london.toml");
    assert_eq!(counts(&summary), (9, vec![("missing_value", 4), ("identity_taken", 1)], vec![]), "{summary}");
    assert!(events.iter().all(|event| event.reported_at.unwrap().precision == TimePrecision::Month));
    assert_eq!(events.iter().filter(|event| event.place.is_none()).count(), 2);
}

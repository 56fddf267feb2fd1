//! What is derived of an event, and what is left unknown. That the tables are right is tested where they are, in the contract.

use super::*;
use crate::examples::event;
use crate::meaning::Meaning;
use crate::route::route;
use sanchar_schemas::CrimeEvent;
use sanchar_schemas::enrichment::{PenalCode, TimeOfDay};
use sanchar_schemas::event::{District, Moment, ObjectRole, Person, Section, TimePrecision, Vehicle};
use sanchar_schemas::{SharedCrimeEvent, StateSet};

fn with_sections(sections: &[(&str, &str)]) -> CrimeEvent {
    let mut event = event("IN-DL");
    let section = |(act, section): &(&str, &str)| Section { act: (*act).into(), section: (*section).into() };
    event.sections = sections.iter().map(section).collect();
    event
}

fn enriched(event: &CrimeEvent) -> Enrichment<'static> {
    let (outline, rules) = (Outline::of(event), Rules::builtin());
    let meaning = Meaning::of(&outline);
    let enrichment =
        enrich(&outline, &meaning, &rules, &route(&outline, &meaning, &rules, StateSet::EMPTY), 7);
    // As a recipient reads it.
    serde_json::from_value(serde_json::to_value(enrichment).unwrap()).unwrap()
}

#[test]
fn the_origin_is_named_in_english_and_hindi() {
    let event = with_sections(&[]);
    let enrichment = enriched(&event);
    assert_eq!((&*enrichment.origin, enrichment.origin_lgd_code), ("IN-DL", 7));
    assert_eq!((&*enrichment.origin_name_en, &*enrichment.origin_name_hi), ("Delhi", "दिल्ली"));
    assert_eq!(enrichment.recipients, ["IN-HR", "IN-UP"]);
    assert_eq!((enrichment.primary_head, enrichment.severity), (None, 0), "unknown is not guessed");
}

#[test]
fn the_gravest_head_comes_first_and_both_codes_are_named() {
    let event = with_sections(&[("IPC", "420"), ("IPC", "302"), ("IPC", "506"), ("IPC", "420")]);
    let enrichment = enriched(&event);
    assert_eq!(enrichment.primary_head.as_deref(), Some("MURDER"));
    assert_eq!(enrichment.severity, 5);
    let heads: Vec<&str> = enrichment.heads.iter().map(|head| &*head.head).collect();
    assert_eq!(heads, ["MURDER", "CHEATING", "CRIMINAL_INTIMIDATION"]);
    assert_eq!(
        (&enrichment.heads[0].ipc[0], &enrichment.heads[0].bns[0]),
        (&"302".to_owned(), &"103(1)".to_owned())
    );
}

#[test]
fn a_theft_with_a_stolen_vehicle_is_a_vehicle_theft() {
    let mut event = with_sections(&[("BNS", "303(2)")]);
    assert_eq!(enriched(&event).primary_head.as_deref(), Some("THEFT"));
    event.vehicles = vec![Vehicle { role: ObjectRole::Stolen, ..Vehicle::default() }];
    assert_eq!(enriched(&event).primary_head.as_deref(), Some("THEFT_MOTOR_VEHICLE"));
    event.sections.push(Section { act: "BNS".into(), section: "305(b)".into() });
    assert_eq!(enriched(&event).heads.len(), 1, "both sections lead to one head");
}

#[test]
fn a_section_that_no_table_knows_is_listed() {
    let event = with_sections(&[("KARNATAKA POLICE ACT", "96"), ("BNS", "304(2)")]);
    let enrichment = enriched(&event);
    assert_eq!(enrichment.unknown_sections, ["KARNATAKA POLICE ACT 96"]);
    assert_eq!(enrichment.primary_head.as_deref(), Some("SNATCHING"));
}

#[test]
fn severity_names_the_section_that_it_comes_from() {
    let event = with_sections(&[("IPC", "420"), ("IPC", "302")]);
    assert_eq!(enriched(&event).severity_source.as_deref(), Some("IPC 302"));
    assert_eq!(enriched(&with_sections(&[("NO ACT", "1")])).severity_source, None);
}

/// 2024-07-01 00:00 in India, ms since 1970, UTC.
const BNS_MS: i64 = 1_719_772_200_000;
const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

fn moment(at: i64, precision: TimePrecision) -> Option<Moment> {
    Some(Moment { at, precision })
}

#[test]
fn the_code_in_force_is_that_of_the_time_of_the_offence() {
    use TimePrecision::{Day, Minute, Month, Unknown, Year};
    let year_ms = BNS_MS - 182 * DAY_MS; // 1 January 2024
    for (from, to, reported, expected) in [
        (moment(BNS_MS, Minute), None, None, Some(PenalCode::Bns)),
        (moment(BNS_MS - 60_000, Minute), None, None, Some(PenalCode::Ipc)),
        (moment(BNS_MS - DAY_MS, Day), None, moment(BNS_MS + DAY_MS, Day), Some(PenalCode::Ipc)),
        (moment(BNS_MS - DAY_MS, Day), moment(BNS_MS, Day), None, None), // begun under one, ended under the other
        (moment(BNS_MS, Month), None, None, Some(PenalCode::Bns)),
        (moment(year_ms, Year), None, None, None),
        (moment(year_ms, Year), None, moment(BNS_MS - DAY_MS, Day), Some(PenalCode::Ipc)),
        (moment(BNS_MS, Unknown), None, None, None),
        (None, None, moment(BNS_MS + DAY_MS, Day), None), // registered later, committed who knows when
        (None, None, moment(BNS_MS - DAY_MS, Day), Some(PenalCode::Ipc)),
        (None, moment(BNS_MS - DAY_MS, Day), None, Some(PenalCode::Ipc)),
        (None, None, None, None),
    ] {
        let mut event = event("IN-DL");
        (event.occurred_from, event.occurred_to, event.reported_at) = (from, to, reported);
        assert_eq!(enriched(&event).code_in_force, expected, "{from:?} {to:?} {reported:?}");
    }
    let of = |origin: &str, from, reported| {
        let mut event = event(origin);
        (event.occurred_from, event.reported_at) = (from, reported);
        enriched(&event).code_in_force
    };
    let kashmir_ms = 1_572_460_200_000; // 31 October 2019
    assert_eq!(of("IN-LA", moment(kashmir_ms, Day), None), Some(PenalCode::Ipc));
    assert_eq!(of("IN-JK", moment(kashmir_ms - DAY_MS, Day), None), None, "it had a code of its own");
    assert_eq!(of("IN-JK", None, moment(kashmir_ms + DAY_MS, Day)), None, "committed who knows when");
    assert_eq!(of("IN-DL", moment(-3_500_000_000_000, Day), None), None, "before the code");
    assert_eq!(
        of("IN-DL", moment(BNS_MS + DAY_MS, Day), moment(BNS_MS - 2 * DAY_MS, Day)),
        None,
        "contradictory"
    );
}

#[test]
fn the_time_of_day_is_by_the_clock_in_india_and_only_where_it_is_certain() {
    use TimePrecision::{Day, Minute};
    let midnight = BNS_MS;
    for (from_h, to_h, expected) in [
        (0, None, Some(TimeOfDay::Night)),
        (5, Some(5), Some(TimeOfDay::Night)),
        (6, Some(11), Some(TimeOfDay::Morning)),
        (12, None, Some(TimeOfDay::Afternoon)),
        (18, Some(23), Some(TimeOfDay::Evening)),
        (11, Some(12), None),
        (13, Some(12), None), // ends before it begins
        (13, Some(24 + 13), None),
    ] {
        let mut event = event("IN-DL");
        event.occurred_from = moment(midnight + from_h * HOUR_MS, Minute);
        event.occurred_to = to_h.and_then(|hour| moment(midnight + hour * HOUR_MS, Minute));
        assert_eq!(enriched(&event).time_of_day, expected, "{from_h} to {to_h:?}");
    }
    let mut event = event("IN-DL");
    event.occurred_from = moment(midnight, Day);
    assert_eq!(enriched(&event).time_of_day, None);
}

#[test]
fn the_age_of_an_event_is_its_age_at_publication() {
    let mut event = event("IN-DL");
    let at = event.published_at;
    event.occurred_from = moment(at - 90_500, TimePrecision::Minute);
    assert_eq!(enriched(&event).age_seconds, Some(90));
    for (at, precision) in
        [(at + 1, TimePrecision::Minute), (at - 9, TimePrecision::Month), (i64::MIN, TimePrecision::Day)]
    {
        event.occurred_from = moment(at, precision);
        assert_eq!(enriched(&event).age_seconds, None, "{at} {precision}");
    }
}

#[test]
fn ages_become_bands_and_contradictions_become_nothing() {
    let person = |age_years, is_child| Person { age_years, is_child, ..Person::default() };
    let mut event = event("IN-DL");
    event.persons = vec![
        person(Some(17), None),
        person(None, Some(true)),
        person(Some(18), Some(false)),
        person(Some(30), None),
        person(Some(59), None),
        person(Some(60), None),
        person(Some(40), Some(true)),
        person(Some(-1), None),
        person(Some(300), None),
        person(None, Some(false)),
    ];
    let read = enriched(&event).persons;
    let bands: Vec<(i32, &str)> = read.iter().map(|read| (read.person, read.age_band.as_str())).collect();
    let expected =
        ["UNDER_18", "UNDER_18", "AGE_18_TO_29", "AGE_30_TO_44", "AGE_45_TO_59", "AGE_60_AND_OVER"];
    assert_eq!(bands, (0..).zip(expected).collect::<Vec<_>>());
}

#[test]
fn registration_marks_are_read_and_their_doubts_named() {
    let vehicle =
        |mark: Option<&str>| Vehicle { registration: mark.map(str::to_owned), ..Vehicle::default() };
    let mut event = event("IN-DL");
    event.vehicles = vec![vehicle(None), vehicle(Some("dl-3c ab O234")), vehicle(Some(" - "))];
    let read = enriched(&event).vehicles;
    assert_eq!(read.len(), 1, "{read:?}");
    assert_eq!((read[0].vehicle, &*read[0].registration), (1, "DL3CABO234"));
    assert!(read[0].candidates.contains(&"DL3CAB0234".to_owned()), "{read:?}");
}

#[test]
fn the_district_and_what_touches_it_are_named() {
    let mut event = event("IN-HR");
    event.district = Some(District { name: "GURGAON".into(), code: None });
    event.handling.excluded_states = vec!["IN-RJ".parse().unwrap()];
    let read = enriched(&event);
    let district = read.district.unwrap();
    assert_eq!((&*district.name, district.is_border), ("Gurugram", Some(true)));
    let touching: Vec<_> = read.touching.iter().map(|of| (&*of.state, of.districts.join(" "))).collect();
    assert_eq!(touching, [("IN-DL", "Delhi".to_owned())], "of recipients alone");
    event.district = Some(District { name: "Atlantis".into(), code: None });
    assert_eq!(
        (enriched(&event).district, enriched(&event).touching),
        (None, Vec::new()),
        "unknown is not guessed"
    );
}

#[test]
fn the_golden_delivery_is_what_the_service_adds_to_its_event() {
    let golden = include_str!("../../../../schemas/examples/shared-delivery.json");
    let golden: SharedCrimeEvent = serde_json::from_str(golden).unwrap();
    let ours = enriched(&golden.event.unwrap());
    let expected =
        Enrichment { enriched_at: 7, rules_digest: ours.rules_digest.clone(), ..golden.enrichment };
    assert_eq!(serde_json::to_value(ours).unwrap(), serde_json::to_value(expected).unwrap());
}

#[test]
fn a_withdrawal_tells_no_more_than_the_identity() {
    let golden = include_str!("../../../../schemas/examples/shared-delivery.json");
    let golden: SharedCrimeEvent = serde_json::from_str(golden).unwrap();
    let told = serde_json::to_value(golden.enrichment.identity_only()).unwrap();
    let is_told =
        |value: &serde_json::Value| !(value.is_null() || *value == 0 || *value == serde_json::json!([]));
    let told: Vec<&str> =
        told.as_object().unwrap().iter().filter(|(_, v)| is_told(v)).map(|(k, _)| k.as_str()).collect();
    let identity = [
        "enriched_at",
        "enrichment_version",
        "event_id",
        "origin",
        "origin_lgd_code",
        "origin_name_en",
        "origin_name_hi",
        "record_id",
        "revision",
        "rules_digest",
        "rules_version",
    ];
    assert_eq!(told.into_iter().collect::<std::collections::BTreeSet<_>>(), identity.into());
}

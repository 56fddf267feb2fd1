//! Tests: names of protected persons in what names a place, a law or the record itself.

use sanchar_schemas::RecordId;
use sanchar_schemas::event::{District, Link};

use super::*;
use crate::reason::Reason;

/// A sexual offence against Sitaxyz Devixyz.
fn offence(change: impl FnOnce(&mut CrimeEvent)) -> CrimeEvent {
    let mut event = full(&[PersonRole::Victim]);
    event.sections = vec![section("BNS", "64")];
    event.persons[0].name = Some("Sitaxyz Devixyz".into());
    event.persons[0].aliases = vec!["Gudiyaxyz".into()];
    event.persons[0].relative = None;
    event.district = None;
    change(&mut event);
    event
}

fn refused(event: CrimeEvent) -> (Reason, String) {
    let mut event = event;
    let rejection = Withholding::default().apply(&mut event, Clearance::Cleared).unwrap_err();
    assert!(!rejection.message.to_lowercase().contains("xyz"), "{}", rejection.message);
    (rejection.reason, rejection.field)
}

#[test]
fn a_district_that_no_table_knows_does_not_carry_the_name() {
    let district = |name: &str, victim: &str| {
        let event = by_law(offence(|event| {
            event.district = Some(District { name: name.into(), code: Some("DL-17".into()) });
            event.persons[0].name = Some(victim.into());
        }));
        let taken = reason(&event, "district.name");
        assert_eq!(taken.is_some(), event.district.as_ref().unwrap().name.is_empty());
        (event.district.unwrap().name, taken)
    };
    let by_law = Some(WithholdingReason::SexualOffenceVictim);
    assert_eq!(district("house of SITAXYZ", "Sitaxyz Devixyz"), (String::new(), by_law));
    assert_eq!(district("Gudiyaxyz", "Devixyz"), (String::new(), by_law), "an alias");
    assert_eq!(district("Central Delhi", "Delhi Devixyz").0, "Central Delhi", "a place that is called so");
    assert_eq!(district("Shahdara", "Sitaxyz Shahdara").0, "Shahdara");
    assert_eq!(district("Nowhere", "Sitaxyz").0, "Nowhere");
}

#[test]
fn a_station_with_the_whole_name_is_known_by_its_code_and_without_one_refused() {
    let station = |name: &'static str, code: Option<&'static str>| {
        offence(|event| {
            let station = event.police_station.as_mut().unwrap();
            (station.name, station.code) = (name.into(), code.map(str::to_owned));
        })
    };
    for name in ["Thana devixyz, SITAXYZ", "Gudiyaxyz"] {
        let event = by_law(station(name, Some("0764")));
        assert_eq!(event.police_station.as_ref().unwrap().name, "0764");
        assert_eq!(reason(&event, "police_station.name"), Some(WithholdingReason::SexualOffenceVictim));
        assert_eq!(refused(station(name, None)), (Reason::Restricted, "police_station.name".into()));
    }
    assert_eq!(
        refused(station("Sadar", Some("SITAXYZ DEVIXYZ"))),
        (Reason::Restricted, "police_station.code".into())
    );
    for code in [Some("0764"), None] {
        let event = by_law(station("Sitaxyz Nagar", code));
        assert_eq!(event.police_station.unwrap().name, "Sitaxyz Nagar", "places are called after persons");
    }
}

#[test]
fn an_act_that_no_table_knows_a_number_and_a_part_do_not_carry_it() {
    let with = |act: &str, number: &str| {
        let (act, number) = (act.to_owned(), number.to_owned());
        offence(|event| event.sections.push(Section { act, section: number }))
    };
    assert_eq!(refused(with("Devixyz Act", "4")), (Reason::Restricted, "sections".into()));
    assert_eq!(refused(with("BNS", "4 (of Sitaxyz)")), (Reason::Restricted, "sections".into()));
    by_law(with("Some Act", "4"));
    let named = |number: &str, part: &str| {
        let id = RecordId::new("IN-DL".parse().unwrap(), "0764", 2026, number, part).unwrap();
        offence(|event| {
            event.record_id = id;
            event.fir.as_mut().unwrap().number = number.into();
        })
    };
    assert_eq!(refused(named("1187", "Devixyz")), (Reason::Restricted, "record.part".into()));
    assert_eq!(refused(named("1187 Sitaxyz", "fir")), (Reason::Restricted, "fir.number".into()));
    by_law(named("1187", "A1"));
}

#[test]
fn a_reference_in_words_does_not_carry_it() {
    let event = by_law(offence(|event| {
        let link = |record_id: &str| Link { relation: Default::default(), record_id: record_id.into() };
        event.links = vec![link("zero FIR of Sitaxyz"), link("IN-DL/0764/2026/1187/fir")];
    }));
    assert_eq!((event.links[0].record_id.as_str(), event.links[1].record_id.len()), ("", 24));
    assert_eq!(reason(&event, "links[0].record_id"), Some(WithholdingReason::SexualOffenceVictim));
}

#[test]
fn a_theft_keeps_them_all() {
    let event = by_law(offence(|event| {
        event.sections = vec![section("BNS", "303(2)")];
        event.police_station.as_mut().unwrap().name = "Sitaxyz Devixyz".into();
        event.district = Some(District { name: "Sitaxyz".into(), code: None });
    }));
    assert_eq!(event.police_station.unwrap().name, "Sitaxyz Devixyz");
    assert_eq!(event.district.unwrap().name, "Sitaxyz");
}

//! Tests: what was taken does not leave in another field either: names of informants, addresses, telephone numbers in what names a record.

use sanchar_schemas::RecordId;
use sanchar_schemas::event::{Link, PoliceStation};

use super::*;

/// A theft that Mohanxyz Lalxyz Vermaxyz of 12 Civilxyz Lines reported.
fn reported(change: impl FnOnce(&mut CrimeEvent)) -> CrimeEvent {
    let mut event = full(&[PersonRole::Complainant, PersonRole::Accused]);
    event.persons[0].name = Some("Mohanxyz Lalxyz Vermaxyz".into());
    event.persons[0].address = Some("12 Civilxyz Lines, Rohtak".into());
    event.persons[0].relative = None;
    change(&mut event);
    event
}

fn text(event: &CrimeEvent) -> String {
    serde_json::to_string(event).unwrap()
}

#[test]
fn an_informant_is_named_in_no_other_text() {
    let event = by_law(reported(|event| {
        let text = |text: &str| Some(text.to_owned());
        event.narrative = text("MOHANXYZ came to the station");
        event.gang.as_mut().unwrap().note = text("tip by Mohanxyz Lalxyz");
        event.property[0].description = text("bag of Vermaxyz");
        event.persons[1].description = text("told by Mohanxyz");
        event.persons[1].relative = text("Mohanxyz Lalxyz Vermaxyz");
        event.escape_direction = text("towards the house of Mohanxyz Vermaxyz");
    }));
    assert!(!text(&event).to_lowercase().contains("xyz"), "{}", text(&event));
    for path in
        ["narrative", "gang.note", "property[0].description", "persons[1].description", "escape_direction"]
    {
        assert_eq!(reason(&event, path), Some(WithholdingReason::Informant), "{path}");
    }
}

#[test]
fn an_informants_surname_says_nothing_of_a_place_and_of_others() {
    let event = by_law(reported(|event| {
        event.place.as_mut().unwrap().text = Some("Vermaxyz Colony".into());
        event.persons[1].name = Some("Ramxyz Vermaxyz".into());
        event.persons[1].relative = Some("Gopalxyz Vermaxyz".into());
    }));
    assert_eq!(event.place.unwrap().text.as_deref(), Some("Vermaxyz Colony"));
    assert_eq!(event.persons[1].name.as_deref(), Some("Ramxyz Vermaxyz"));
    assert_eq!(event.persons[1].relative.as_deref(), Some("Gopalxyz Vermaxyz"));
}

#[test]
fn a_victim_who_informs_is_an_informant() {
    let event = by_law(reported(|event| {
        event.persons.push(Person { role: PersonRole::Victim, ..event.persons[0].clone() });
    }));
    assert_eq!(reason(&event, "persons[2].name"), Some(WithholdingReason::Informant));
    assert_eq!(reason(&event, "persons[2].address"), Some(WithholdingReason::Informant));
}

#[test]
fn an_address_or_a_place_that_was_taken_stands_nowhere_else() {
    let mut event = full(&[PersonRole::Victim, PersonRole::Accused]);
    event.sections = vec![section("BNS", "64")];
    event.persons[0].address = Some("House 12, Gali 4 Rohinixyz".into());
    event.persons[1].address = Some("HOUSE 12 gali 4, rohinixyz, Delhi".into());
    event.place.as_mut().unwrap().text = Some("Flat 3 Shantixyz".into());
    event.persons[1].description = Some("lives at flat 3, Shantixyz".into());
    event.gang.as_mut().unwrap().name = "boys of localityxyz".into();
    event.place.as_mut().unwrap().locality = Some("Localityxyz".into());
    event.vehicles[0].chassis = Some("MA3xyz0001".into());
    event.property[0].role = ObjectRole::Used;
    event.property[0].description = Some("plate of MA3XYZ 0001".into());
    let event = by_law(event);
    assert!(!text(&event).to_lowercase().contains("xyz"), "{}", text(&event));
    assert_eq!(reason(&event, "persons[1].address"), Some(WithholdingReason::SexualOffenceVictim));
    assert_eq!(reason(&event, "persons[1].description"), Some(WithholdingReason::PlaceIdentifies));
    assert!(event.persons[1].name.is_some());
}

#[test]
fn a_town_that_an_informant_gives_makes_nobody_known() {
    let event = by_law(reported(|event| {
        event.persons[0].address = Some("Rohtakxyz".into());
        event.persons[1].address = Some("Village Kheri, Rohtakxyz".into());
    }));
    assert!(event.persons[1].address.is_some());
}

#[test]
fn what_names_a_record_holds_no_number_that_is_never_carried() {
    let refused = |number: &str, part: &str, code: &str| {
        let mut event = full(&[]);
        event.record_id = RecordId::new("IN-DL".parse().unwrap(), "0764", 2026, number, part).unwrap();
        (event.fir.as_mut().unwrap().number, event.fir.as_mut().unwrap().year) = (number.into(), 2026);
        event.police_station = Some(PoliceStation { name: "Sadar".into(), code: Some(code.into()) });
        Withholding::default().apply(&mut event, Clearance::Cleared).err().map(|rejection| rejection.field)
    };
    assert_eq!(refused("1187", "9000000001", "0764").as_deref(), Some("record.part"));
    assert_eq!(refused("1187", "caste Jatav", "0764").as_deref(), Some("record.part"));
    assert_eq!(refused("9000000001", "fir", "0764").as_deref(), Some("fir.number"));
    assert_eq!(refused("200000000001", "fir", "0764").as_deref(), Some("fir.number"));
    assert_eq!(refused("1187", "fir", "9000000001").as_deref(), Some("police_station.code"));
    assert_eq!(refused("1187", "A1", "0764"), None);
    assert_eq!(refused("202600001187", "fir", "0764"), None, "a state's own number begins with the year");
}

#[test]
fn a_reference_that_is_no_record_or_names_somebody_is_taken() {
    let mut event = full(&[PersonRole::Victim]);
    event.sections = vec![section("BNS", "64")];
    event.persons[0].name = Some("Sitaxyz Devixyz".into());
    let links = [
        "Sitaxyz w/o Ram",
        "IN-DL/0764/2026/1187/Sitaxyz",
        "IN-DL/0764/2026/1187/9000000001",
        "caste Jatavxyz",
        "IN-DL/0764/2026/1187/A1",
    ];
    let link = |record_id: &str| Link { relation: Default::default(), record_id: record_id.into() };
    event.links = links.map(link).to_vec();
    let event = by_law(event);
    let left: Vec<_> = event.links.iter().map(|link| link.record_id.as_str()).collect();
    assert_eq!(left, ["", "", "", "", "IN-DL/0764/2026/1187/A1"]);
}

//! What the tests of the rules share: a case with something in every field, and the rules put to it. The tests themselves stand in the
//! files below, by what they are about.

mod doubts;
mod elsewhere;
mod law;
mod places;
mod random;
mod state;

use sanchar_schemas::event::{
    Custody, CustodyChange, Gang, ObjectRole, Person, PersonCounts, PersonRole, Property, Section, Vehicle,
    Weapon,
};

use super::rule::{CaseField, ObjectField, PersonField};
use super::*;

/// A text that tells where it stood, in one word of its own, so that it has no part of a name in common with another.
fn marked(path: &str) -> String {
    format!("«{}»", path.replace('[', "ǁ").replace(']', "ǂ").replace('.', "ǀ"))
}

/// Where a text of [`marked`] stood.
fn unmarked(text: &str) -> String {
    text.replace('ǁ', "[").replace('ǂ', "]").replace('ǀ', ".")
}

/// A case with something in every field that a rule can name, each text telling where it stood.
fn full(roles: &[PersonRole]) -> CrimeEvent {
    let mut event: CrimeEvent =
        serde_json::from_str(include_str!("../../../schemas/examples/vehicle-stolen.json")).unwrap();
    let text = |path: String| Some(marked(&path));
    event.sections = vec![section("IPC", "379")];
    event.counts = None;
    event.withheld = Vec::new();
    event.narrative = text("narrative".into());
    event.place = Some(Place {
        text: text("place.text".into()),
        locality: text("place.locality".into()),
        ..Place::default()
    });
    event.gang =
        Some(Gang { name: "g".into(), leader: text("gang.leader".into()), note: text("gang.note".into()) });
    event.escape_direction = text("escape_direction".into());
    event.investigation_stage = text("investigation_stage".into());
    event.handling.caveat = text("handling.caveat".into());
    event.custody = Some(Custody {
        change: CustodyChange::Arrested,
        at: None,
        until: None,
        institution: text("custody.institution".into()),
    });
    let person = |(i, role): (usize, &PersonRole)| {
        let text = |field: &str| text(format!("persons[{i}].{field}"));
        Person {
            role: *role,
            code: text("code"),
            name: text("name"),
            aliases: text("aliases").into_iter().collect(),
            relative: text("relative"),
            age_years: Some(40),
            address: text("address"),
            nationality: text("nationality"),
            nfn: text("nfn"),
            description: text("description"),
            ..Person::default()
        }
    };
    event.persons = roles.iter().enumerate().map(person).collect();
    let role = [ObjectRole::Stolen, ObjectRole::Used];
    event.vehicles = (0..).zip(role).map(|(i, role)| vehicle(i, role)).collect();
    event.property = vec![Property {
        role: ObjectRole::Stolen,
        category: sanchar_schemas::event::PropertyCategory::Other,
        description: text("property[0].description".into()),
        identifier: text("property[0].identifier".into()),
        quantity: None,
        unit: None,
        value_inr: Some(5_000),
    }];
    event.weapons = vec![Weapon {
        role: ObjectRole::Used,
        weapon_type: "pistol".into(),
        calibre: None,
        identifier: text("weapons[0].identifier".into()),
        count: 1,
    }];
    event
}

fn vehicle(i: usize, role: ObjectRole) -> Vehicle {
    let text = |field: &str| Some(marked(&format!("vehicles[{i}].{field}")));
    Vehicle {
        role,
        registration: text("registration"),
        chassis: text("chassis"),
        engine: text("engine"),
        make: Some("make".into()),
        ..Vehicle { role, ..serde_json::from_str("{\"role\":\"USED\"}").unwrap() }
    }
}

fn section(act: &str, section: &str) -> Section {
    Section { act: act.into(), section: section.into() }
}

fn applied(withholding: &Withholding, mut event: CrimeEvent, narrative: Clearance) -> CrimeEvent {
    let taken = withholding.apply(&mut event, narrative).unwrap();
    assert_eq!(taken.len(), event.withheld.len(), "each is listed once: {taken:?}");
    event
}

fn by_law(event: CrimeEvent) -> CrimeEvent {
    applied(&Withholding::default(), event, Clearance::Cleared)
}

fn reason(event: &CrimeEvent, path: &str) -> Option<WithholdingReason> {
    event.withheld.iter().find(|withheld| withheld.path == path).map(|withheld| withheld.reason)
}

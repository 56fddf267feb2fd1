//! The law on single cases; and on cases made at random, that nothing withheld is anywhere in what is published.

mod doubts;

use proptest::prelude::*;
use sanchar_schemas::codec;
use sanchar_schemas::event::{
    Custody, CustodyChange, Gang, ObjectRole, Person, PersonCounts, PersonRole, Property, Section, Vehicle,
    Weapon,
};

use super::rule::{CaseField, ObjectField, PersonField};
use super::*;

/// A case with something in every field that a rule can name, each text telling where it stood.
fn full(roles: &[PersonRole]) -> CrimeEvent {
    let mut event: CrimeEvent =
        serde_json::from_str(include_str!("../../../schemas/examples/vehicle-stolen.json")).unwrap();
    let text = |path: String| Some(format!("«{path}»"));
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
    let text = |field: &str| Some(format!("«vehicles[{i}].{field}»"));
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

#[test]
fn the_law_can_be_read_and_every_rule_says_what_it_takes() {
    let law = Withholding { rules: law().to_vec(), lifted: Vec::new(), ..Withholding::default() };
    let names: std::collections::BTreeSet<_> = law.rules.iter().map(|rule| &rule.name).collect();
    assert_eq!(names.len(), 11);
    // As rules of a state under other names they pass its checks.
    let renamed = |rule: &Rule| Rule { name: format!("x-{}", rule.name), ..rule.clone() };
    let state = Withholding {
        rules: law.rules.iter().map(renamed).collect(),
        lifted: Vec::new(),
        ..Withholding::default()
    };
    state.check().unwrap();
}

#[test]
fn a_theft_leaves_with_everything_but_its_informant() {
    let event = by_law(full(&[PersonRole::Accused, PersonRole::Complainant, PersonRole::Victim]));
    assert_eq!(event.persons[0].name.as_deref(), Some("«persons[0].name»"));
    assert_eq!(event.persons[1], Person { role: PersonRole::Complainant, ..Person::default() });
    assert_eq!(event.persons[2].name.as_deref(), Some("«persons[2].name»"));
    assert!(event.withheld.iter().all(|withheld| withheld.reason == WithholdingReason::Informant));
    assert_eq!(event.withheld.len(), 9, "{:?}", event.withheld);
    assert!(event.narrative.is_some() && event.place.is_some());
    assert_eq!(event.vehicles[0].registration.as_deref(), Some("«vehicles[0].registration»"));
}

#[test]
fn a_narrative_stays_until_it_is_cleared() {
    let event = applied(&Withholding::default(), full(&[]), Clearance::Uncleared);
    assert_eq!(event.narrative, None);
    assert_eq!(reason(&event, "narrative"), Some(WithholdingReason::FreeTextNotCleared));
}

#[test]
fn nothing_of_a_sexual_offence_makes_the_victim_known() {
    for (act, number) in [("BNS", "64"), ("BNS", "71"), ("IPC", "376(2)(n)"), ("IPC", "376D"), ("POCSO", "6")]
    {
        let mut event = full(&[PersonRole::Victim, PersonRole::Accused, PersonRole::Deceased]);
        event.sections = vec![section("IPC", "379"), section(act, number)];
        let event = by_law(event);
        assert_eq!(
            event.persons[0],
            Person { role: PersonRole::Victim, ..Person::default() },
            "{act} {number}"
        );
        assert_eq!(event.persons[2], Person { role: PersonRole::Deceased, ..Person::default() });
        assert!(event.persons[1].name.is_some(), "the accused is looked for");
        assert!(event.place.is_none() && event.narrative.is_none());
        assert_eq!(reason(&event, "place"), Some(WithholdingReason::PlaceIdentifies));
        assert_eq!(reason(&event, "persons[0].name"), Some(WithholdingReason::SexualOffenceVictim));
        assert!(event.vehicles[0].registration.is_none(), "a stolen car leads to its owner");
        assert!(event.vehicles[1].registration.is_some(), "the car that was used is looked for");
        assert!(event.property[0].identifier.is_none() && event.weapons[0].identifier.is_some());
    }
}

#[test]
fn a_child_is_not_made_known_in_any_role() {
    for role in PersonRole::ALL.iter().copied() {
        for (age_years, is_child) in [(Some(17), None), (None, Some(true)), (Some(3), Some(false))] {
            let mut event = full(&[role, PersonRole::Accused]);
            event.persons[0].age_years = age_years;
            event.persons[0].is_child = is_child;
            let event = by_law(event);
            let person = &event.persons[0];
            assert!(
                person.name.is_none() && person.relative.is_none() && person.age_years.is_none(),
                "{role}"
            );
            assert!(event.place.is_none() && event.narrative.is_none(), "{role}");
            assert!(event.persons[1].name.is_some(), "{role}");
        }
    }
    let mut event = full(&[PersonRole::Accused]);
    event.persons[0].age_years = Some(18);
    assert!(by_law(event).persons[0].name.is_some());
}

#[test]
fn a_victim_of_unknown_age_may_be_the_child_that_the_case_is_about() {
    for change in [
        |event: &mut CrimeEvent| {
            event.counts = Some(PersonCounts { victims_girl: Some(1), ..PersonCounts::default() });
        },
        |event: &mut CrimeEvent| {
            event.sections = vec![section("Prohibition of Child Marriage Act 2006", "9")];
        },
        |event: &mut CrimeEvent| event.sections = vec![section("JJ", "75")],
    ] {
        let mut event = full(&[PersonRole::Victim, PersonRole::Accused]);
        event.persons.iter_mut().for_each(|person| person.age_years = None);
        change(&mut event);
        let event = by_law(event);
        assert_eq!(reason(&event, "persons[0].name"), Some(WithholdingReason::Child));
        assert!(event.persons[1].name.is_some());
        assert!(event.vehicles[0].registration.is_none());
    }
}

#[test]
fn a_number_that_is_never_carried_keeps_its_text_back() {
    let mut event = full(&[PersonRole::Accused]);
    event.narrative = Some("reach him at 90000 00001".into());
    event.persons[0].aliases = vec!["Kalu".into(), "9000000001".into()];
    event.persons[0].address = Some("आधार 2000 0000 0001".into());
    let event = by_law(event);
    for path in ["narrative", "persons[0].aliases", "persons[0].address"] {
        assert_eq!(reason(&event, path), Some(WithholdingReason::PersonalIdentifier), "{path}");
    }
    assert!(event.persons[0].aliases.is_empty() && event.persons[0].name.is_some());
}

const STATE: &str = r#"
[[rules]]
name = "no-gang-notes"
because = "order 12 of 2026"
reason = "OTHER"
fields = ["gang.note"]

[[lifted]]
rules = ["child", "child-place"]
kinds = ["MISSING_PERSON"]
order = "order 4 of 2026 by the Inspector General, Crime"
"#;

#[test]
fn a_state_adds_rules_and_lifts_what_it_may() {
    let state: Withholding = toml::from_str(STATE).unwrap();
    state.check().unwrap();
    let missing = |kind| {
        let mut event = full(&[PersonRole::Missing]);
        event.persons[0].age_years = Some(9);
        event.kind = kind;
        applied(&state, event, Clearance::Cleared)
    };
    let notice = missing(EventKind::MissingPerson);
    assert!(notice.persons[0].name.is_some() && notice.place.is_some());
    assert!(notice.narrative.is_none(), "that rule was not lifted");
    assert!(notice.gang.unwrap().note.is_none());
    assert!(missing(EventKind::Fir).persons[0].name.is_none());
}

#[test]
fn a_lifted_rule_still_holds_for_whoever_else_is_in_the_case() {
    let state: Withholding = toml::from_str(STATE).unwrap();
    let mut event = full(&[PersonRole::Missing, PersonRole::Accused, PersonRole::Victim]);
    event.kind = EventKind::MissingPerson;
    event.persons.iter_mut().for_each(|person| person.age_years = Some(12));
    let event = applied(&state, event, Clearance::Cleared);
    assert!(event.persons[0].name.is_some(), "the notice is about this one");
    assert!(event.persons[1].name.is_none() && event.persons[2].name.is_none());
    assert!(event.place.is_none(), "it may be where the others live");
}

#[test]
fn whose_part_in_the_case_is_unknown_may_be_anybody() {
    let event = by_law(full(&[PersonRole::Unknown]));
    assert_eq!(event.persons[0], Person::default());
    let mut event = full(&[PersonRole::Victim, PersonRole::Missing, PersonRole::Accused]);
    event.sections = Vec::new();
    let event = by_law(event);
    assert_eq!(
        reason(&event, "persons[0].name"),
        Some(WithholdingReason::Other),
        "BNS s.72 is not ruled out"
    );
    assert!(event.persons[1].name.is_some() && event.persons[2].name.is_some());
}

#[test]
fn a_box_that_was_not_ticked_makes_no_grown_up() {
    let mut event = full(&[PersonRole::Victim, PersonRole::Victim]);
    event.sections = vec![section("JJ", "75")];
    (event.persons[0].age_years, event.persons[0].is_child) = (None, Some(false));
    let event = by_law(event);
    assert!(event.persons[0].name.is_none());
    assert!(event.persons[1].name.is_none(), "of its family");
}

#[test]
fn the_laws_reason_stands_before_that_of_a_column_not_carried() {
    let mut event = full(&[PersonRole::Victim]);
    event.sections = vec![section("BNS", "64")];
    for path in ["narrative", "place.text"] {
        list(&mut event, path, WithholdingReason::NotMapped);
    }
    let event = by_law(event);
    assert_eq!(reason(&event, "narrative"), Some(WithholdingReason::SexualOffenceVictim));
    assert_eq!(reason(&event, "place.text"), None, "the place is listed as a whole");
}

#[test]
fn what_a_state_may_not_say_is_named_with_the_remedy() {
    for (from, to, message) in [
        (
            "\"child\", ",
            "\"informant\", ",
            "withholding.lifted[0].rules name `informant`, which may not be lifted",
        ),
        ("\"child\", ", "\"chld\", ", "withholding.lifted[0].rules name `chld`, which is no rule"),
        ("order 4 of 2026 by the Inspector General, Crime", " ", "withholding.lifted[0].order is empty"),
        (
            "\"MISSING_PERSON\"",
            "\"FIR\"",
            "withholding.lifted[0].kinds name FIR, and rules are lifted for notices alone",
        ),
        ("kinds = [\"MISSING_PERSON\"]", "kinds = []", "withholding.lifted[0].kinds or its rules are none"),
        ("no-gang-notes", "child", "withholding.rules[0].name is the name of another rule"),
        ("no-gang-notes", "No Notes", "withholding.rules[0].name is not a name"),
        ("order 12 of 2026", "", "withholding.rules[0].because is empty"),
        ("[\"gang.note\"]", "[]", "withholding.rules[0].fields are none"),
    ] {
        let state: Withholding = toml::from_str(&STATE.replace(from, to)).unwrap();
        let error = state.check().unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn secrets_and_offences_for_few_do_not_leave_at_all() {
    let mut event = full(&[]);
    event.handling.classification = sanchar_schemas::event::Classification::Secret;
    let rejection = Withholding::default().apply(&mut event, Clearance::Cleared).unwrap_err();
    assert_eq!(rejection.field, "handling.classification");
    let mut event = full(&[]);
    event.sections.push(section("UAPA", "17"));
    let rejection = Withholding::default().apply(&mut event, Clearance::Cleared).unwrap_err();
    assert_eq!(rejection.field, "sections");
    let state: Withholding = toml::from_str("restricted = \"publish\"").unwrap();
    assert!(state.apply(&mut event, Clearance::Cleared).is_ok(), "for the restricted groups of the state");
    event.handling.classification = sanchar_schemas::event::Classification::TopSecret;
    assert!(state.apply(&mut event, Clearance::Cleared).is_err(), "but nothing secret");
}

/// Offences of every class, with and without children.
fn offence() -> impl Strategy<Value = Section> {
    prop::sample::select(vec![
        section("IPC", "379"),
        section("BNS", "303(2)"),
        section("BNS", "64"),
        section("IPC", "376"),
        section("POCSO", "8"),
        section("JJ", "75"),
        section("ARMS", "25"),
    ])
}

fn any_case() -> impl Strategy<Value = CrimeEvent> {
    let person = (
        prop::sample::select(PersonRole::ALL.to_vec()),
        prop::option::of(0..60),
        prop::option::of(any::<bool>()),
    );
    let objects = prop::sample::select(ObjectRole::ALL.to_vec());
    (
        prop::collection::vec(offence(), 0..3),
        prop::collection::vec(person, 0..4),
        prop::option::of(0..2),
        objects,
        prop::sample::select(EventKind::ALL.to_vec()),
    )
        .prop_map(|(sections, persons, girls, role, kind)| {
            let roles: Vec<_> = persons.iter().map(|(role, ..)| *role).collect();
            let mut event = full(&roles);
            for (person, (_, age_years, is_child)) in event.persons.iter_mut().zip(persons) {
                (person.age_years, person.is_child) = (age_years, is_child);
            }
            (event.sections, event.kind) = (sections, kind);
            event.vehicles[0].role = role;
            event.property[0].role = role;
            event.counts = Some(PersonCounts { victims_girl: girls, ..PersonCounts::default() });
            event
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Every text of [`full`] tells where it stood: none that is listed as withheld is in the published bytes, and none
    /// that is missing from them is unlisted.
    #[test]
    fn no_withheld_value_is_anywhere_in_the_published_bytes(case in any_case(), cleared in any::<bool>()) {
        let clearance = if cleared { Clearance::Cleared } else { Clearance::Uncleared };
        let before = serde_json::to_string(&case).unwrap();
        let event = applied(&Withholding::default(), case, clearance);
        let bytes = codec::encode_event(&event.clone().sealed()).unwrap();
        let is_in = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        let is_listed = |path: &str| event.withheld.iter().any(|withheld| is_under(path, &withheld.path));
        for text in before.split('«').skip(1) {
            let path = text.split('»').next().unwrap();
            prop_assert_eq!(is_listed(path), !is_in(&format!("«{path}»")), "{}", path);
        }
    }

    /// Stated once more, without the rules' own machinery: who must not be known is not.
    #[test]
    fn whom_the_law_protects_has_no_name(case in any_case()) {
        let is_sexual = case.sections.iter().any(|s| matches!(s.act.as_str(), "POCSO") || s.section.starts_with("376") || s.section == "64");
        let event = by_law(case.clone());
        for (before, person) in case.persons.iter().zip(&event.persons) {
            let informs = matches!(before.role, PersonRole::Complainant | PersonRole::Witness);
            let is_child = before.is_child == Some(true) || before.age_years.is_some_and(|age| age < 18);
            let is_victim = is_sexual && matches!(before.role, PersonRole::Victim | PersonRole::Deceased | PersonRole::Missing);
            if informs || is_child || is_victim {
                prop_assert!(person.name.is_none() && person.address.is_none() && person.nfn.is_none());
            } else if before.role == PersonRole::Accused {
                prop_assert_eq!(&before.name, &person.name);
            }
        }
    }
}

/// A field that a rule can name and that its code leaves in place would be a leak.
#[test]
fn every_field_that_can_be_named_can_be_taken() {
    let mut event = full(&[PersonRole::Accused]);
    event.persons[0].gender = sanchar_schemas::event::Gender::Male;
    event.persons[0].is_child = Some(false);
    event.persons[0].state = Some("IN-DL".parse().unwrap());
    for field in CaseField::ALL.iter().rev() {
        assert!(field.take(&mut event) && !field.take(&mut event), "{field:?}");
    }
    for field in PersonField::ALL {
        assert!(field.take(&mut event.persons[0]) && !field.take(&mut event.persons[0]), "{field:?}");
    }
    assert_eq!(event.persons[0], Person { role: PersonRole::Accused, ..Person::default() });
    for field in ObjectField::ALL {
        let taken = objects(&mut event)
            .filter_map(|(_, _, mut object)| field.take(&mut object).then_some(()))
            .count();
        assert!(taken > 0, "{field:?}");
    }
}

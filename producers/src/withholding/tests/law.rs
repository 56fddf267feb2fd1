//! Tests: the law on single cases, and that it can be read whole.

use super::*;

#[test]
fn the_law_can_be_read_and_every_rule_says_what_it_takes() {
    let law = Withholding { rules: law().to_vec(), lifted: Vec::new(), ..Withholding::default() };
    let names: std::collections::BTreeSet<_> = law.rules.iter().map(|rule| &rule.name).collect();
    assert_eq!(names.len(), 13);
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
    assert_eq!(event.persons[0].name.as_deref(), Some(marked("persons[0].name").as_str()));
    assert_eq!(event.persons[1], Person { role: PersonRole::Complainant, ..Person::default() });
    assert_eq!(event.persons[2].name.as_deref(), Some(marked("persons[2].name").as_str()));
    assert!(event.withheld.iter().all(|withheld| withheld.reason == WithholdingReason::Informant));
    assert_eq!(event.withheld.len(), 9, "{:?}", event.withheld);
    assert!(event.narrative.is_some() && event.place.is_some());
    assert_eq!(event.vehicles[0].registration.as_deref(), Some(marked("vehicles[0].registration").as_str()));
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
    assert!(event.persons[1].name.is_none() && event.persons[2].name.is_some());
}

#[test]
fn the_dead_and_the_missing_are_victims_but_in_a_notice() {
    for role in [PersonRole::Deceased, PersonRole::Missing, PersonRole::Found] {
        let mut event = full(&[role]);
        (event.sections, event.kind) = (Vec::new(), EventKind::Fir);
        let event = by_law(event);
        assert!(event.persons[0].name.is_none() && event.persons[0].address.is_none(), "{role}");
        let mut event = full(&[role, PersonRole::Victim]);
        (event.persons[1].age_years, event.persons[0].age_years) = (Some(12), Some(40));
        assert!(by_law(event).persons[0].name.is_none(), "{role}: of the child's family");
        for kind in [EventKind::MissingPerson, EventKind::PersonFound, EventKind::UnidentifiedBody] {
            let mut event = full(&[role]);
            (event.sections, event.kind) = (Vec::new(), kind);
            assert!(by_law(event).persons[0].name.is_some(), "{role} {kind}");
        }
    }
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

//! Tests: what nothing says for certain, in a case without an offence, in words for a child, in a narrative.

use super::*;

#[test]
fn a_case_of_which_nothing_says_what_it_is_keeps_its_place() {
    let untold = |change: fn(&mut CrimeEvent)| {
        let mut event = full(&[PersonRole::Victim, PersonRole::Accused]);
        (event.sections, event.reported_head, event.kind) = (Vec::new(), None, EventKind::Fir);
        change(&mut event);
        by_law(event)
    };
    let event = untold(|_| {});
    assert!(event.place.is_none() && event.narrative.is_none() && event.persons[0].name.is_none());
    assert_eq!(reason(&event, "place"), Some(WithholdingReason::Other));
    assert!(event.persons[1].name.is_some(), "the accused is looked for");
    assert!(untold(|event| event.kind = EventKind::VehicleStolen).place.is_some(), "the kind says it");
    assert!(untold(|event| event.sections = vec![section("IPC", "379")]).place.is_some());
    let head = |event: &mut CrimeEvent| {
        event.reported_head =
            Some(sanchar_schemas::event::ReportedHead { major: Some("Theft".into()), minor: None });
    };
    assert!(untold(head).place.is_some());
}

#[test]
fn a_child_that_is_named_in_words_alone_is_one() {
    for name in [
        "Juvenile Ramxyz",
        "CCL Ramxyz",
        "Ramxyz (minor)",
        "Ramxyz aged 14 years",
        "विधि विवादित बालक रामxyz",
        "बाल अपचारी रामxyz",
    ] {
        let mut event = full(&[PersonRole::Accused]);
        (event.persons[0].name, event.persons[0].age_years) = (Some(name.into()), None);
        let event = by_law(event);
        assert_eq!(reason(&event, "persons[0].name"), Some(WithholdingReason::Child), "{name}");
        assert!(event.place.is_none() && event.narrative.is_none(), "{name}");
    }
}

#[test]
fn a_narrative_that_tells_of_it_makes_its_case_one() {
    for (narrative, child) in
        [("of the POCSO case", true), ("she was raped", false), ("a girl aged 12", true)]
    {
        let mut event = full(&[PersonRole::Victim]);
        event.narrative = Some(narrative.into());
        let event = by_law(event);
        assert!(event.narrative.is_none() && event.place.is_none(), "{narrative}");
        assert!(child || event.persons[0].name.is_none(), "{narrative}");
    }
}

#[test]
fn persons_that_may_be_missing_may_be_children() {
    let mut event = full(&[PersonRole::Victim, PersonRole::Accused]);
    let told = Told { narrative: Clearance::Cleared, may_lack_persons: true };
    Withholding::default().apply(&mut event, told).unwrap();
    assert!(event.place.is_none() && event.narrative.is_none() && event.persons[1].name.is_some());
    assert_eq!(reason(&event, "place"), Some(WithholdingReason::PlaceIdentifies));
}

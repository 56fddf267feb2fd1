//! Tests: what a state adds to the law, what it lifts, and what it may not say.

use super::*;

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
    let published = |mut event: CrimeEvent| state.apply(&mut event, Clearance::Cleared);
    assert!(published(event.clone()).is_ok(), "for the restricted groups of the state");
    for (act, head) in
        [("IPC", "UAPA"), ("IPC", "Sedition"), ("Offical Secrets Act", "Theft"), ("IPC", "113 BNS")]
    {
        let mut hidden = full(&[]);
        hidden.sections = vec![section(act, "3")];
        hidden.reported_head =
            Some(sanchar_schemas::event::ReportedHead { major: Some(head.into()), minor: None });
        let refused = published(hidden.clone()).unwrap_err();
        assert_eq!(refused.field, "sections", "{act} {head}: the fan-out service cannot tell");
        hidden.sections.push(section("UAPA", "17"));
        assert!(published(hidden).is_ok(), "{act} {head}: now it can");
    }
    event.handling.classification = sanchar_schemas::event::Classification::TopSecret;
    assert!(state.apply(&mut event, Clearance::Cleared).is_err(), "but nothing secret");
}

//! Who receives what and why: each rule by example, and what holds of any event under any rules by property. Not how rules are
//! read and checked; that is in `rules/tests.rs`.

use super::*;
use crate::examples::{event, state, states};
use jiff::civil::date;
use proptest::prelude::*;
use sanchar_schemas::CrimeEvent;
use sanchar_schemas::event::{District, EventKind, Gang, Section};
use sanchar_schemas::jurisdictions::{ADJACENCY, COORDINATION};
use std::sync::Arc;

/// Rules with these lines in the place of the built-in coordination.
fn rules(coordination: &str) -> Arc<Rules> {
    let partners = r#"partners = [["IN-AN","IN-AP"],["IN-AN","IN-TN"],["IN-KL","IN-LD"]]"#;
    let text = format!("version = \"test\"\n{partners}\n{coordination}");
    Arc::new(Rules::parse(ADJACENCY.text, &text, date(2026, 11, 1)).unwrap())
}

/// What becomes of an event: its recipients with their reasons, and the withdrawals.
fn decided(event: &CrimeEvent, rules: &Rules, earlier: StateSet) -> (StateSet, StateSet) {
    let outline = Outline::of(event);
    let route = route(&outline, &Meaning::of(&outline), rules, earlier);
    (route.deliveries, route.withdrawals)
}

fn reasons(event: &CrimeEvent, rules: &Rules, earlier: &str, to: &str) -> String {
    let outline = Outline::of(event);
    let earlier = if earlier.is_empty() { StateSet::EMPTY } else { states(earlier) };
    let route = route(&outline, &Meaning::of(&outline), rules, earlier);
    let to = state(to);
    let reasons: Vec<String> = route.reasons(to).map(|reason| reason.to_string()).collect();
    if route.deliveries.contains(to) { reasons.join(",") } else { String::new() }
}

fn recipients(event: &CrimeEvent, rules: &Rules) -> StateSet {
    decided(event, rules, StateSet::EMPTY).0
}

fn with_section(origin: &str, act: &str, section: &str) -> CrimeEvent {
    let mut event = event(origin);
    event.sections = vec![Section { act: act.into(), section: section.into() }];
    event
}

fn of_gang(mut event: CrimeEvent) -> CrimeEvent {
    event.gang = Some(Gang { name: "Kala Ghera".into(), leader: None, note: None });
    event
}

#[test]
fn every_land_neighbour_and_nobody_else() {
    let builtin = Rules::builtin();
    assert_eq!(recipients(&event("IN-KA"), &builtin), states("IN-AP IN-GA IN-KL IN-MH IN-TN IN-TS"));
    assert_eq!(reasons(&event("IN-KA"), &builtin, "", "IN-GA"), "neighbour");
}

#[test]
fn islands_have_partners_in_both_directions() {
    let builtin = Rules::builtin();
    assert_eq!(recipients(&event("IN-LD"), &builtin), states("IN-KL"));
    assert_eq!(recipients(&event("IN-AN"), &builtin), states("IN-AP IN-TN IN-WB"));
    assert_eq!(reasons(&event("IN-WB"), &builtin, "", "IN-AN"), "partner");
}

/// The states that met in January 2024: none but Haryana and Uttar Pradesh borders Delhi.
#[test]
fn all_nine_states_of_the_meeting_hear_of_delhis_gangs() {
    let (builtin, event) = (Rules::builtin(), of_gang(event("IN-DL")));
    let nine = states("IN-BR IN-HP IN-HR IN-JH IN-JK IN-PB IN-RJ IN-UK IN-UP");
    assert_eq!(nine.minus(recipients(&event, &builtin)), StateSet::EMPTY);
    assert_eq!(
        reasons(&event, &builtin, "", "IN-HR"),
        "neighbour,group:NCR,group:NRPCC,group:DELHI-INTERSTATE"
    );
    assert_eq!(reasons(&event, &builtin, "", "IN-BR"), "group:DELHI-INTERSTATE");
    assert_eq!(reasons(&event, &builtin, "", "IN-CH"), "group:NRPCC");
}

#[test]
fn the_origin_addresses_states_and_groups() {
    let mut addressed = event("IN-KL");
    addressed.addressing.states = vec![state("IN-MN"), state("IN-KL"), state("IN-KA")];
    addressed.addressing.groups = vec!["ncr".into(), "UNHEARD-OF".into()];
    let builtin = Rules::builtin();
    let expected = states("IN-KA IN-PY IN-TN IN-LD IN-MN IN-DL IN-HR IN-RJ IN-UP");
    assert_eq!(
        recipients(&addressed, &builtin),
        expected,
        "itself is passed over, an unknown group is nobody"
    );
    assert_eq!(reasons(&addressed, &builtin, "", "IN-KA"), "neighbour,addressed");
    assert_eq!(reasons(&addressed, &builtin, "", "IN-DL"), "group:NCR");
}

#[test]
fn an_event_for_all_states_reaches_all_others() {
    let mut event = event("IN-DL");
    event.addressing.states = StateCode::all().collect();
    let all: StateSet = StateCode::all().collect();
    assert_eq!(recipients(&event, &Rules::builtin()), all.minus(states("IN-DL")));
}

#[test]
fn a_condition_fits_when_all_of_its_parts_do() {
    let rules = rules(
        r#"
        [[groups]]
        name = "WEST"
        members = ["IN-GJ", "IN-KL"]
        [[groups.when]]
        kinds = ["ARREST"]
        severity_min = 4
        [[groups.when]]
        heads = ["CHEATING"]"#,
    );
    let is_told = |kind, act: &str, section: &str| {
        let mut event = with_section("IN-GJ", act, section);
        event.kind = kind;
        recipients(&event, &rules).contains(state("IN-KL"))
    };
    assert!(is_told(EventKind::Arrest, "BNS", "103(1)"), "an arrest for murder");
    assert!(!is_told(EventKind::Arrest, "BNS", "303(2)") && !is_told(EventKind::Fir, "BNS", "103(1)"));
    assert!(is_told(EventKind::Fir, "IPC", "420"));
    assert!(!is_told(EventKind::Arrest, "HOME RULES", "1"), "unknown severity is not taken for a high one");
    let outsider = with_section("IN-MH", "IPC", "420");
    assert!(!recipients(&outsider, &rules).contains(state("IN-KL")), "a condition is for events of members");
}

#[test]
fn near_states_count_where_the_rules_say_so() {
    let near = rules(r#"near = [["IN-HR", "IN-UK"]]"#);
    assert_eq!(reasons(&event("IN-UK"), &near, "", "IN-HR"), "near");
    assert_eq!(reasons(&event("IN-HR"), &near, "", "IN-UK"), "near");
    assert!(!recipients(&event("IN-HR"), &Rules::builtin()).contains(state("IN-UK")));
}

#[test]
fn an_earlier_recipient_hears_of_the_change() {
    let (event, builtin) = (event("IN-DL"), Rules::builtin());
    assert_eq!(reasons(&event, &builtin, "IN-HR IN-GA", "IN-UP"), "neighbour");
    assert_eq!(reasons(&event, &builtin, "IN-HR IN-GA", "IN-HR"), "neighbour,earlier-recipient");
    assert_eq!(reasons(&event, &builtin, "IN-HR IN-GA", "IN-GA"), "earlier-recipient");
}

#[test]
fn an_excluded_state_gets_a_withdrawal_only_if_it_had_something() {
    let mut event = event("IN-DL");
    event.handling.excluded_states = vec![state("IN-HR"), state("IN-UP")];
    let (deliveries, withdrawals) = decided(&event, &Rules::builtin(), states("IN-HR"));
    assert_eq!((deliveries, withdrawals), (StateSet::EMPTY, states("IN-HR")));
}

const CLEARED: &str = r#"
    [[groups]]
    name = "ATS"
    restricted = true
    members = ["IN-DL", "IN-UP", "IN-MH"]
    [[groups.when]]
    severity_min = 5
    [[groups]]
    name = "OPEN"
    members = ["IN-DL", "IN-GA"]
    [[groups.when]]
    severity_min = 1"#;

#[test]
fn what_only_some_may_see_reaches_a_restricted_group_and_nobody_else() {
    let rules = rules(CLEARED);
    let mut event = with_section("IN-DL", "UAPA", "16");
    event.addressing.states = vec![state("IN-HR"), state("IN-MH")];
    let (deliveries, withdrawals) = decided(&event, &rules, states("IN-HR IN-UP"));
    assert_eq!(
        deliveries,
        states("IN-MH IN-UP"),
        "neither the neighbour Haryana, though addressed, nor the open group"
    );
    assert_eq!(withdrawals, states("IN-HR"), "which had a revision that was not restricted yet");
    assert_eq!(reasons(&event, &rules, "", "IN-UP"), "group:ATS");
    let elsewhere = with_section("IN-KA", "BNS", "113(2)");
    assert!(recipients(&elsewhere, &rules).is_empty(), "no restricted group of Karnataka");
    let plain = with_section("IN-DL", "BNS", "103(1)");
    assert_eq!(recipients(&plain, &rules), states("IN-GA IN-HR IN-MH IN-UP"));
}

#[test]
fn low_severity_can_be_narrowed_to_the_districts_border() {
    let narrow = rules("narrow_severity_max = 2");
    let theft_in = |district: &str| {
        let mut event = with_section("IN-HR", "BNS", "303(2)");
        event.district = Some(District { name: district.into(), code: None });
        event
    };
    let neighbours = states("IN-CH IN-DL IN-HP IN-PB IN-RJ IN-UP");
    assert_eq!(recipients(&theft_in("Sonipat"), &narrow), states("IN-DL IN-UP"));
    assert_eq!(recipients(&theft_in("Gurgaon"), &rules("")), neighbours, "off by default");
    assert_eq!(recipients(&theft_in("Nowhere"), &narrow), neighbours, "an unknown district is not narrowed");
    assert_eq!(recipients(&of_gang(theft_in("Gurgaon")), &narrow), neighbours);
    let mut urgent = theft_in("Gurgaon");
    urgent.handling.officer_safety = true;
    assert_eq!(recipients(&urgent, &narrow), neighbours);
    let mut unclear = theft_in("Gurgaon");
    unclear.sections.push(Section { act: "NO ACT".into(), section: "1".into() });
    assert_eq!(recipients(&unclear, &narrow), neighbours, "a section that no table knows may be grave");
    for kind in EventKind::ALL.iter().filter(|kind| **kind != EventKind::Fir) {
        let mut other = theft_in("Gurgaon");
        other.kind = *kind;
        assert_eq!(recipients(&other, &narrow), neighbours, "{kind}");
    }
    let mut grave = theft_in("Gurgaon");
    grave.sections[0].section = "103(1)".into();
    assert_eq!(recipients(&grave, &narrow), neighbours);
    let mut delhi = with_section("IN-DL", "BNS", "303(2)");
    delhi.district = Some(District { name: "Central".into(), code: None });
    assert_eq!(
        recipients(&delhi, &narrow),
        states("IN-HR IN-UP"),
        "a police district whose borders are not known"
    );
}

#[test]
fn a_day_in_india_begins_at_half_past_six_in_the_evening_of_the_day_before() {
    assert_eq!(day_in_india(1_767_205_799_999), date(2025, 12, 31)); // 18:29:59.999 UTC
    assert_eq!(day_in_india(1_767_205_800_000), date(2026, 1, 1));
    assert_eq!(day_in_india(i64::MAX), date(1970, 1, 1));
}

/// Sections of every class of severity and restriction.
const SECTIONS: [(&str, &str); 6] =
    [("BNS", "303(2)"), ("BNS", "103(1)"), ("ARMS", "25"), ("UAPA", "16"), ("BNS", "281"), ("NO ACT", "1")];

fn any_event() -> impl Strategy<Value = CrimeEvent> {
    let choice = (0..36usize, 0..SECTIONS.len(), 0..EventKind::ALL.len());
    (choice, any::<u64>(), any::<u64>(), any::<[bool; 3]>()).prop_map(
        |((origin, section, kind), excluded, addressed, [gang, urgent, asks])| {
            let (act, section) = SECTIONS[section];
            let mut event = with_section(StateCode::all().nth(origin).unwrap().as_str(), act, section);
            event.kind = EventKind::ALL[kind];
            // Few of each: with half of all states excluded hardly anything would be left to decide.
            event.handling.excluded_states =
                StateSet::from_bits(excluded & (excluded >> 7) & (excluded >> 13)).iter().collect();
            event.addressing.states =
                StateSet::from_bits(addressed & (addressed >> 5) & (addressed >> 11)).iter().collect();
            event.addressing.groups = if asks { vec!["NCR".into(), "ATS".into()] } else { Vec::new() };
            event.handling.officer_safety = urgent;
            if gang { of_gang(event) } else { event }
        },
    )
}

fn any_rules() -> impl Strategy<Value = Arc<Rules>> {
    prop_oneof![
        Just(Rules::builtin()),
        Just(rules(CLEARED)),
        Just(rules("narrow_severity_max = 5")),
        Just(rules(r#"near = [["IN-HR", "IN-UK"], ["IN-OD", "IN-TS"]]"#)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn never_to_the_origin_never_to_a_forbidden_state_and_never_silent(
        event in any_event(),
        rules in any_rules(),
        earlier in any::<u64>(),
    ) {
        let outline = Outline::of(&event);
        let meaning = Meaning::of(&outline);
        let earlier = StateSet::from_bits(earlier).minus(StateSet::of(event.origin)); // nobody ever delivered to the origin
        let route = route(&outline, &meaning, &rules, earlier);
        prop_assert!(!route.deliveries.contains(event.origin));
        prop_assert!(!event.handling.excluded_states.iter().any(|state| route.deliveries.contains(*state)));
        if meaning.is_restricted {
            prop_assert_eq!(route.deliveries.minus(rules.cleared(event.origin)), StateSet::EMPTY);
        }
        prop_assert!(route.deliveries.iter().all(|state| route.reasons(state).count() > 0));
        // Everyone who had an earlier revision hears of this one, in one way or the other: across any change of rules.
        prop_assert_eq!(earlier.minus(route.deliveries).minus(route.withdrawals), StateSet::EMPTY);
        prop_assert_eq!(route.withdrawals.minus(earlier), StateSet::EMPTY);
        prop_assert!(route.withdrawals.iter().all(|state| !route.deliveries.contains(state)));
        let neighbours = rules.neighbours(event.origin, day_in_india(event.published_at));
        if rules.narrow_severity_max() == 0 && !meaning.is_restricted {
            let forbidden = forbidden(&outline, &meaning, &rules);
            prop_assert_eq!(neighbours.minus(forbidden).minus(route.deliveries), StateSet::EMPTY);
        }
    }

    /// A cancellation under other rules than those of the report reaches everybody whom the report reached.
    #[test]
    fn a_change_of_rules_leaves_nobody_uninformed(event in any_event(), before in any_rules(), after in any_rules()) {
        let reported = recipients(&event, &before);
        let (told, withdrawn) = decided(&event, &after, reported);
        prop_assert_eq!(reported.minus(told).minus(withdrawn), StateSet::EMPTY);
    }

    #[test]
    fn a_rule_that_is_added_takes_nobody_away(event in any_event()) {
        let few = rules("");
        let more = rules(r#"
            near = [["IN-HR", "IN-UK"]]
            [[groups]]
            name = "NCR"
            members = ["IN-DL", "IN-HR", "IN-RJ", "IN-UP"]
            [[groups.when]]
            requested = true
            [[groups.when]]
            severity_min = 3"#);
        prop_assert_eq!(recipients(&event, &few).minus(recipients(&event, &more)), StateSet::EMPTY);
    }

    #[test]
    fn borders_partners_and_near_states_have_two_sides(a in 0..36usize, b in 0..36usize, day in 0..20_000i32) {
        let [a, b] = [a, b].map(|i| StateCode::all().nth(i).unwrap());
        let on = date(1970, 1, 1).saturating_add(jiff::Span::new().days(day));
        let near = rules(r#"near = [["IN-HR", "IN-UK"]]"#);
        for rules in [&Rules::builtin(), &near] {
            prop_assert_eq!(rules.neighbours(a, on).contains(b), rules.neighbours(b, on).contains(a));
            prop_assert_eq!(rules.partners(a).contains(b), rules.partners(b).contains(a));
            prop_assert_eq!(rules.near(a).contains(b), rules.near(b).contains(a));
        }
    }
}

#[test]
fn the_built_in_rules_are_those_of_the_files() {
    let read = Rules::parse(ADJACENCY.text, COORDINATION.text, date(2026, 11, 28)).unwrap();
    assert_eq!(read.digest(), Rules::builtin().digest());
    assert_eq!(read.version(), "2026-11");
}

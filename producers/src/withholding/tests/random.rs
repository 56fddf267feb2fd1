//! Tests: of cases made at random nothing that is withheld is anywhere in what is published.

use proptest::prelude::*;
use sanchar_schemas::codec;

use super::*;

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
            let path = unmarked(text.split('»').next().unwrap());
            prop_assert_eq!(is_listed(&path), !is_in(&marked(&path)), "{}", path);
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

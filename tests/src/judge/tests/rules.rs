//! What the rules say, case by case.

use super::super::borders::States;
use super::super::compare::Comparison;
use super::super::fate::{Dropped, Fate, Poison};
use super::world::state;
use super::world::{
    EVENT_ID, Publication, SHARED_ID, TEXT_ID, UNKNOWN_ID, World, event, excluding, published, schemas,
};
use sanchar_schemas::event::{Classification, EventKind, Gang, ObjectRole, Section};
use sanchar_schemas::topics::TopicSpace;
use sanchar_schemas::{CrimeEvent, StateCode, codec, wire};

const DELHI: &str = "IN-DL";

fn fates(publications: impl IntoIterator<Item = Publication>) -> Vec<Fate> {
    World::of(publications).decided().iter().map(|input| input.fate).collect()
}

/// Fate, recipients and states that must forget, for each publication.
fn routes(publications: impl IntoIterator<Item = Publication>) -> Vec<(String, String)> {
    let names = |states: States| states.iter().map(StateCode::as_str).collect::<Vec<_>>().join(" ");
    let decided = World::of(publications).decided();
    decided.iter().map(|input| (names(input.deliveries), names(input.withdrawals))).collect()
}

fn route(deliveries: &str, withdrawals: &str) -> (String, String) {
    (deliveries.to_owned(), withdrawals.to_owned())
}

#[test]
fn revisions_are_judged_against_the_newest() {
    let as_revision_3 = |event: &mut CrimeEvent| {
        event.investigation_stage = Some("Under investigation revision 3".to_owned());
    };
    let plain = |revision| published(&event(DELHI, 1, revision, |_| {}));
    let fates = fates([
        plain(2),
        plain(1),
        plain(2),
        published(&event(DELHI, 1, 2, |event| event.narrative = Some("other".to_owned()))),
        plain(3),
        published(&event(DELHI, 1, 5, as_revision_3)),
        plain(4), // other content, and older than what changed nothing
        plain(6),
    ]);
    assert_eq!(
        fates,
        [
            Fate::Forwarded,
            Fate::Dropped(Dropped::Stale),
            Fate::Dropped(Dropped::Duplicate),
            Fate::DeadLettered(Poison::Conflict),
            Fate::Forwarded,
            Fate::Dropped(Dropped::Unchanged),
            Fate::Dropped(Dropped::Stale),
            Fate::Forwarded,
        ]
    );
}

#[test]
fn who_had_it_hears_of_it_and_who_is_excluded_is_told_to_forget() {
    let revision = |revision, codes| published(&event(DELHI, 1, revision, excluding(codes)));
    let all = ["IN-HR", "IN-UP"];
    let found = routes([
        revision(1, &[]),
        revision(2, &["IN-HR"]),
        revision(3, &["IN-HR"]),
        revision(4, &[]),
        revision(5, &all),
        revision(6, &all),
    ]);
    let expected = [
        route("IN-HR IN-UP", ""),
        route("IN-UP", "IN-HR"),
        route("IN-UP", ""),
        route("IN-HR IN-UP", ""),
        route("", "IN-HR IN-UP"),
        route("", ""),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_state_that_is_no_neighbour_any_more_still_hears_of_what_it_had() {
    let before = |event: &mut CrimeEvent| event.published_at = 1_572_417_000_000;
    let found = routes([
        published(&event("IN-LA", 1, 1, |_| {})),
        published(&event("IN-LA", 1, 2, before)),
        published(&event("IN-LA", 2, 1, before)),
    ]);
    assert_eq!(found, [route("IN-HP IN-JK", ""), route("IN-HP IN-JK", ""), route("", "")]);
}

#[test]
fn nobody_must_know_of_what_is_kept_from_all_neighbours() {
    let kept = event("IN-SK", 1, 1, excluding(&["IN-WB"]));
    assert_eq!(fates([published(&kept)]), [Fate::Dropped(Dropped::NoRecipient)]);
}

#[test]
fn partners_groups_and_addressees_must_know() {
    let gang = |event: &mut CrimeEvent| {
        event.gang = Some(Gang { name: "Kala Ghera".to_owned(), leader: None, note: None });
    };
    let of = |act: &str, section: &str| Section { act: act.to_owned(), section: section.to_owned() };
    let section = |act, number| move |event: &mut CrimeEvent| event.sections = vec![of(act, number)];
    let asks = |event: &mut CrimeEvent| {
        event.addressing.states = vec![state("IN-MN"), state("IN-KA")];
        event.addressing.groups = vec!["ncr".to_owned(), "NOBODY".to_owned()];
    };
    let found = routes([
        published(&event("IN-LD", 1, 1, |_| {})),
        published(&event("IN-TN", 1, 1, |_| {})),
        published(&event(DELHI, 1, 1, gang)),
        published(&event(DELHI, 2, 1, |event| event.kind = EventKind::Release)),
        published(&event(DELHI, 3, 1, section("NDPS", "21"))),
        published(&event(DELHI, 4, 1, section("BNS", "111(3)"))),
        published(&event(DELHI, 5, 1, |event| event.vehicles[0].role = ObjectRole::Stolen)),
        published(&event("IN-GA", 1, 1, asks)),
        published(&event("IN-GA", 2, 1, gang)),
    ]);
    let meeting = "IN-BR IN-HR IN-HP IN-JK IN-JH IN-PB IN-RJ IN-UP IN-UK";
    let committee = "IN-CH IN-HR IN-HP IN-JK IN-PB IN-RJ IN-UP IN-UK";
    let both = "IN-BR IN-CH IN-HR IN-HP IN-JK IN-JH IN-PB IN-RJ IN-UP IN-UK";
    let expected = [
        route("IN-KL", ""),
        route("IN-AN IN-AP IN-KA IN-KL IN-PY", ""),
        route(both, ""),
        route(meeting, ""),
        route(committee, ""),
        route(both, ""),
        route("IN-HR IN-RJ IN-UP", ""),
        route("IN-DL IN-HR IN-KA IN-MH IN-MN IN-RJ IN-UP", ""),
        route("IN-KA IN-MH", ""),
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_only_some_may_see_goes_to_nobody_and_is_taken_back() {
    let restricted = |event: &mut CrimeEvent| {
        event.sections.push(Section { act: "UAPA".to_owned(), section: "16".to_owned() });
        event.addressing.states = vec![state("IN-HR")];
    };
    let found = routes([published(&event(DELHI, 1, 1, |_| {})), published(&event(DELHI, 1, 2, restricted))]);
    assert_eq!(found, [route("IN-HR IN-UP", ""), route("", "IN-HR IN-UP")]);
}

#[test]
fn every_poison_has_its_reason() {
    let sound = event(DELHI, 1, 1, |_| {});
    let (owner, key, value) = published(&sound);
    let datum = codec::encode_event(&sound).unwrap();
    let with = |value: Option<Vec<u8>>| (owner, key.clone(), value);
    let framed = |id| with(Some(wire::frame(id, &datum)));
    let mut magic = value.clone().unwrap();
    magic[0] = 1;
    let foreign = event("IN-HR", 2, 1, |_| {});
    let (_, foreign_key, foreign_value) = published(&foreign);
    let claimed = CrimeEvent { origin: owner, ..foreign }.sealed();
    let (_, _, other_key) = published(&event(DELHI, 3, 1, |_| {}));
    let secret = |classification| {
        published(&event(DELHI, 4, 1, |event| event.handling.classification = classification))
    };
    let whole = value.clone().unwrap();
    let position = whole.windows(5).position(|part| part == b"IN-DL").unwrap();
    let mut no_state = whole.clone();
    no_state[position..position + 5].copy_from_slice(b"IN-XX");
    let cases = [
        (with(None), Poison::NoValue),
        (with(Some(Vec::new())), Poison::WireFormat),
        (with(Some(magic)), Poison::WireFormat),
        (framed(UNKNOWN_ID), Poison::UnknownSchema),
        (framed(SHARED_ID), Poison::WrongSchema),
        (framed(TEXT_ID), Poison::WrongSchema),
        (with(Some(whole[..whole.len() / 2].to_vec())), Poison::Malformed),
        (with(Some([&whole[..], &[0]].concat())), Poison::Malformed),
        (
            with(Some([&wire::frame(EVENT_ID, &[])[..], &[0xfe, 0xff, 0xff, 0xff, 0x1f]].concat())),
            Poison::Malformed,
        ),
        (with(Some(no_state)), Poison::Malformed),
        ((owner, foreign_key, foreign_value), Poison::OriginMismatch),
        (published(&claimed), Poison::ForeignRecord),
        ((owner, other_key, value.clone()), Poison::Key),
        ((owner, None, value.clone()), Poison::Key),
        (secret(Classification::Secret), Poison::Classification),
        (secret(Classification::TopSecret), Poison::Classification),
        (secret(Classification::Unknown), Poison::Classification),
        (
            published(&event(DELHI, 5, 1, |event| event.narrative = Some("x".repeat(1_500_000)))),
            Poison::TooLarge,
        ),
    ];
    let (publications, expected): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let expected: Vec<Fate> = expected.into_iter().map(Fate::DeadLettered).collect();
    assert_eq!(fates(publications), expected);
}

#[test]
fn what_is_poison_for_its_size_was_never_there() {
    let large = |event: &mut CrimeEvent| event.narrative = Some("x".repeat(1_500_000));
    let for_nobody = |event: &mut CrimeEvent| {
        large(event);
        excluding(&["IN-HR", "IN-UP"])(event);
    };
    let found = fates([
        published(&event(DELHI, 1, 2, large)),
        published(&event(DELHI, 1, 1, |_| {})),
        published(&event(DELHI, 1, 3, for_nobody)), // two withdrawals, which are small
    ]);
    assert_eq!(found, [Fate::DeadLettered(Poison::TooLarge), Fate::Forwarded, Fate::Forwarded]);
}

/// Whether the copy of an event just below the limit fits is decided by its enrichment.
#[test]
fn close_to_the_limit_either_end_is_right() {
    let close = published(&event(DELHI, 1, 1, |event| event.narrative = Some("x".repeat(1_290_000))));
    let delivered = World::of([close]);
    assert!(delivered.judged().is_clean());
    let mut dead = delivered.clone();
    dead.inboxes.clear();
    assert!(!dead.judged().is_clean());
    dead.bury(0, "too-large");
    assert!(dead.judged().is_clean());
    assert_eq!(dead.judged().dead_lettered["too-large"], 1);
    let sections = |event: &mut CrimeEvent| {
        event.sections = vec![Section { act: "x".repeat(600_000), section: "1".to_owned() }];
    };
    let mut dead = World::of([published(&event(DELHI, 1, 1, sections))]);
    dead.inboxes.clear();
    dead.bury(0, "too-large");
    assert!(!dead.judged().is_clean(), "twice the section still fits");
}

#[test]
fn a_case_in_two_partitions_is_not_judged() {
    let mut world = World::of([1, 2].map(|revision| published(&event(DELHI, 1, revision, |_| {}))));
    world.inputs[1].1.partition = 1;
    let mut comparison = Comparison::new(TopicSpace::default(), schemas());
    assert!(comparison.input(world.inputs[0].0, &world.inputs[0].1).is_ok());
    let error = comparison.input(world.inputs[1].0, &world.inputs[1].1).unwrap_err();
    assert!(error.to_string().contains("crime.reported.in-dl[1]@1"), "{error}");
}

#[test]
fn the_books_of_a_mixed_world_balance() {
    let verdict = super::planted::world().judged();
    assert!(verdict.is_clean(), "{verdict}");
    let dropped: u64 = verdict.dropped.values().sum();
    let dead: u64 = verdict.dead_lettered.values().sum();
    assert_eq!(verdict.records_read, verdict.forwarded + dropped + dead);
    assert!(verdict.deliveries > 0 && verdict.withdrawals > 0 && dead > 0, "{verdict}");
}

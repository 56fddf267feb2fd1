//! One error of each kind in a world that is right: exactly that is found.

use super::super::schemas::Notice;
use super::super::verdict::{Counts, Kind, Verdict};
use super::world::{Publication, World, event, excluding, published, state};
use crate::inbox::Received;
use sanchar_schemas::event::{Classification, EventAction};
use sanchar_schemas::{CrimeEvent, RecordId};

/// Numbers of input records in [`world`].
const FIRST: usize = 0;
const DUPLICATE: usize = 2;
const STALE: usize = 3;
const UNCHANGED: usize = 4;
const SECRET: usize = 5;
const CONFLICT: usize = 6;
const PART: usize = 7;
const WITHDRAWN: usize = 8;
const FOR_NOBODY: usize = 9;
const TOMBSTONE: usize = 10;

/// Everything that a fan-out does, once each.
pub(super) fn world() -> World {
    let delhi = |revision| event("IN-DL", 1, revision, |_| {});
    let unchanged = |event: &mut CrimeEvent| {
        event.investigation_stage = Some("Under investigation revision 3".to_owned());
        event.action = EventAction::Update;
    };
    let secret = |event: &mut CrimeEvent| event.handling.classification = Classification::Secret;
    let part = |event: &mut CrimeEvent| {
        event.record_id = RecordId::parse(event.record_id.as_str().replace("/fir", "/vehicle-1")).unwrap();
    };
    let publications: [Publication; 11] = [
        published(&delhi(2)),
        published(&delhi(3)),
        published(&CrimeEvent { published_at: 1_768_000_000_001, ..delhi(3) }),
        published(&delhi(1)),
        published(&event("IN-DL", 1, 4, unchanged)),
        published(&event("IN-DL", 2, 1, secret)),
        published(&event("IN-DL", 1, 4, |event| event.narrative = Some("other".to_owned()))),
        published(&event("IN-DL", 1, 1, part)),
        published(&event("IN-DL", 1, 5, excluding(&["IN-HR"]))),
        published(&event("IN-SK", 1, 1, excluding(&["IN-WB"]))),
        (state("IN-DL"), Some(b"IN-DL/1001/2026/000001".to_vec()), None),
    ];
    World::of(publications)
}

/// The kinds found after a change to the world.
fn found(change: impl FnOnce(&mut World)) -> Vec<Kind> {
    let mut world = world();
    change(&mut world);
    kinds(&world.judged())
}

fn kinds(verdict: &Verdict) -> Vec<Kind> {
    verdict.findings.iter().map(|finding| finding.kind).collect()
}

/// Sends an input record to a state that must not have it.
fn sent(number: usize, to: &'static str, notice: Notice) -> impl FnOnce(&mut World) {
    move |world| {
        let input = world.decided()[number].clone();
        world.send(number, &input, state(to), notice);
    }
}

#[test]
fn the_world_is_right_and_has_what_is_planted_upon() {
    let mut world = world();
    let verdict = world.judged();
    assert!(verdict.is_clean(), "{verdict}");
    assert_eq!((verdict.records_read, verdict.forwarded), (11, 4));
    assert_eq!((verdict.deliveries, verdict.withdrawals), (7, 1));
    let reasons = |counts: &Counts| counts.keys().copied().collect::<Vec<_>>();
    assert_eq!(reasons(&verdict.dropped), ["duplicate", "no-recipient", "stale", "unchanged"]);
    assert_eq!(reasons(&verdict.dead_lettered), ["classification", "conflict", "no-value"]);
    assert_eq!((world.inbox("IN-HR").len(), world.inbox("IN-UP").len()), (4, 4));
}

#[test]
fn a_missing_copy_is_lost() {
    assert_eq!(found(|world| drop(world.inbox("IN-UP").remove(1))), [Kind::Lost]);
    assert_eq!(found(|world| drop(world.inbox("IN-UP").pop())), [Kind::Lost]);
    let withdrawal = found(|world| drop(world.inbox("IN-HR").pop()));
    assert_eq!(withdrawal, [Kind::Lost]);
    assert_eq!(found(|world| world.inbox("IN-HR").clear()), [Kind::Lost; 4]);
}

#[test]
fn a_second_copy_is_repeated() {
    for number in 0..4 {
        let again = found(|world| {
            let copy = world.inbox("IN-HR")[number].clone();
            world.inbox("IN-HR").push(copy);
        });
        assert_eq!(again, [Kind::Repeated], "{number}");
    }
    assert_eq!(found(sent(DUPLICATE, "IN-HR", Notice::Delivery)), [Kind::Repeated]);
    assert_eq!(found(sent(UNCHANGED, "IN-HR", Notice::Delivery)), [Kind::Repeated]);
}

#[test]
fn a_case_in_another_order_is_out_of_order() {
    assert_eq!(found(|world| world.inbox("IN-UP").swap(0, 1)), [Kind::OutOfOrder]);
    assert_eq!(found(|world| world.inbox("IN-UP").swap(1, 2)), [Kind::OutOfOrder], "two records of one case");
    assert_eq!(found(|world| world.inbox("IN-HR").swap(2, 3)), [Kind::OutOfOrder], "a withdrawal too early");
    assert_eq!(found(sent(STALE, "IN-UP", Notice::Delivery)), [Kind::OutOfOrder]);
}

#[test]
fn what_the_origin_or_an_excluded_state_gets_is_leaked() {
    assert_eq!(found(sent(FIRST, "IN-DL", Notice::Delivery)), [Kind::Leaked]);
    assert_eq!(found(sent(PART, "IN-DL", Notice::Withdrawal)), [Kind::Leaked]);
    assert_eq!(found(sent(WITHDRAWN, "IN-HR", Notice::Delivery)), [Kind::Leaked]);
    assert_eq!(found(sent(FOR_NOBODY, "IN-SK", Notice::Delivery)), [Kind::Leaked]);
}

#[test]
fn poison_that_is_sent_is_leaked() {
    assert_eq!(found(sent(SECRET, "IN-UP", Notice::Delivery)), [Kind::Leaked]);
    assert_eq!(found(sent(CONFLICT, "IN-UP", Notice::Delivery)), [Kind::Leaked]);
}

#[test]
fn what_a_stranger_gets_is_misrouted() {
    assert_eq!(found(sent(FIRST, "IN-KL", Notice::Delivery)), [Kind::Misrouted]);
    assert_eq!(found(sent(WITHDRAWN, "IN-KL", Notice::Withdrawal)), [Kind::Misrouted]);
    assert_eq!(found(sent(FIRST, "IN-UP", Notice::Withdrawal)), [Kind::Misrouted], "it must keep it");
    assert_eq!(found(sent(FOR_NOBODY, "IN-KL", Notice::Delivery)), [Kind::Misrouted]);
}

/// Replaces bytes of a copy by others of the same length.
fn replaced(number: usize, old: &'static str, new: &'static str, place: usize) -> impl FnOnce(&mut World) {
    move |world| {
        let value = world.inbox("IN-UP")[number].value.as_mut().unwrap();
        let places: Vec<usize> =
            (0..value.len()).filter(|at| value[*at..].starts_with(old.as_bytes())).collect();
        value[places[place]..][..new.len()].copy_from_slice(new.as_bytes());
    }
}

#[test]
fn what_is_not_as_it_was_sent_is_altered() {
    let record = "IN-DL/1001/2026/000001/fir";
    assert_eq!(found(replaced(1, "Market", "Narket", 0)), [Kind::Altered], "a byte of the event");
    assert_eq!(
        found(replaced(1, record, "IN-DL/1001/2026/000002/fir", 0)),
        [Kind::Altered],
        "its own record id"
    );
    assert_eq!(
        found(replaced(1, record, "IN-DL/1001/2026/000002/fir", 1)),
        [Kind::Altered],
        "the one beside it"
    );
    assert_eq!(found(replaced(1, "IN-HR", "IN-KL", 0)), [Kind::Altered], "another recipient named");
    let key = found(|world| world.inbox("IN-UP")[1].key = Some(b"IN-DL/1001/2026/000009".to_vec()));
    assert_eq!(key, [Kind::Altered]);
    assert_eq!(found(|world| world.inbox("IN-UP")[1].headers.clear()), [Kind::Altered]);
    let cut = found(|world| {
        world.inbox("IN-UP")[1].value.as_mut().unwrap().pop();
    });
    assert_eq!(cut, [Kind::Altered, Kind::Lost], "nobody can read it, so nobody was told");
    assert_eq!(found(|world| world.inbox("IN-UP")[1].value = None), [Kind::Altered, Kind::Lost]);
}

#[test]
fn a_withdrawal_that_tells_more_is_leaked() {
    let told = found(|world| {
        let inbox = world.inbox("IN-HR");
        let value = inbox[3].value.as_mut().unwrap();
        // The last fields: no recipients, the version, the time. One recipient instead of none.
        let version = value.windows(7).position(|part| part == b"2026-11").unwrap();
        value.splice(version - 2..version - 1, [&[2, 10], &b"IN-UP"[..], &[0][..]].concat());
    });
    assert_eq!(told, [Kind::Leaked]);
}

#[test]
fn what_comes_from_nowhere_is_unaccounted_for() {
    let mut invented = world();
    let mut other = World::of([published(&event("IN-DL", 7, 1, |_| {}))]);
    let copy = other.inbox("IN-UP").remove(0);
    invented.inbox("IN-UP").push(copy);
    assert_eq!(kinds(&invented.judged()), [Kind::Unaccounted]);
}

#[test]
fn dead_letters_are_accounted_for() {
    assert_eq!(found(|world| drop(world.letters.remove(0))), [Kind::Unaccounted]);
    let again = found(|world| world.letters.push(world.letters[1].clone()));
    assert_eq!(again, [Kind::Unaccounted]);
    for good in [FIRST, DUPLICATE, FOR_NOBODY] {
        assert_eq!(found(|world| world.bury(good, "key")), [Kind::Unaccounted], "{good}");
    }
    let header = |name: &'static str, text: &'static str| {
        move |world: &mut World| {
            let header = world.letters[0].headers.iter_mut().find(|(known, _)| known == name).unwrap();
            header.1 = Some(text.into());
        }
    };
    assert_eq!(found(header("sanchar-dlq-reason", "key")), [Kind::Unaccounted]);
    assert_eq!(found(header("sanchar-dlq-reason", "because")), [Kind::Unaccounted]);
    assert_eq!(found(header("__dlq.errors.topic", "elsewhere")), [Kind::Unaccounted; 2]);
    assert_eq!(found(header("__dlq.errors.offset", "99")), [Kind::Unaccounted; 2]);
    assert_eq!(found(header("trace", "lost")), [Kind::Altered]);
    assert_eq!(found(|world| world.letters[0].key = None), [Kind::Altered]);
    assert_eq!(found(|world| world.letters[0].value = None), [Kind::Altered]);
    let tombstone = found(|world| {
        let offset = world.inputs[TOMBSTONE].1.offset.to_string();
        let is_its = |letter: &Received| letter.header("__dlq.errors.offset") == offset;
        world.letters.retain(|letter| !is_its(letter));
    });
    assert_eq!(tombstone, [Kind::Unaccounted]);
}

/// A finding says where, whom and what.
#[test]
fn a_finding_names_its_place() {
    let mut world = world();
    world.inbox("IN-UP").remove(1);
    let verdict = world.judged();
    let text = verdict.findings[0].to_string();
    let expected =
        "lost         IN-UP crime.reported.in-dl[0]@1 IN-DL/1001/2026/000001/fir: it did not get the event";
    assert_eq!(text, expected);
}

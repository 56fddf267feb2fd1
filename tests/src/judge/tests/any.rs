//! Any world that is right is found right, and any single removal, repetition or swap is found.

use super::world::{Publication, World, event, published};
use crate::inbox::Received;
use proptest::prelude::*;
use proptest::sample::Index;
use sanchar_schemas::event::{Classification, EventAction};
use sanchar_schemas::{RecordId, StateCode};

const ORIGINS: [&str; 4] = ["IN-DL", "IN-GA", "IN-LD", "IN-SK"];

prop_compose! {
    fn publication()(
        origin in 0..4usize,
        case in 0..3u32,
        part in 0..2,
        revision in 1..5i64,
        content in 0..3u32,
        excluded in any::<u64>(),
        excludes in any::<bool>(),
        flaw in 0..12,
    ) -> Publication {
        let origin = ORIGINS[origin];
        let event = event(origin, case, revision, |event| {
            event.investigation_stage = Some(content.to_string());
            event.action = EventAction::Update;
            let record_id = event.record_id.as_str().replace("fir", &format!("part-{part}"));
            event.record_id = RecordId::parse(record_id).unwrap();
            let is_excluded = |number: usize| excludes && excluded >> number & 1 == 1;
            let states = StateCode::all().enumerate().filter(|(number, _)| is_excluded(*number));
            event.handling.excluded_states = states.map(|(_, state)| state).collect();
            if flaw == 0 {
                event.handling.classification = Classification::Secret;
            }
        });
        let (owner, key, mut value) = published(&event);
        match flaw {
            1 => (owner, None, value),
            2 => (owner, key, None),
            3 => {
                value.as_mut().unwrap().pop();
                (owner, key, value)
            }
            4 => ("IN-KA".parse().unwrap(), key, value),
            _ => (owner, key, value),
        }
    }
}

fn world() -> impl Strategy<Value = World> {
    prop::collection::vec(publication(), 1..40).prop_map(World::of)
}

/// Every record of the inboxes and the dead-letter queue: the inbox, none for the queue, and the number in it.
fn records(world: &World) -> Vec<(Option<StateCode>, usize)> {
    let inboxes = world.inboxes.iter();
    let copies = inboxes.flat_map(|(state, inbox)| (0..inbox.len()).map(|number| (Some(*state), number)));
    copies.chain((0..world.letters.len()).map(|number| (None, number))).collect()
}

fn topic(world: &mut World, state: Option<StateCode>) -> &mut Vec<Received> {
    match state {
        Some(state) => world.inboxes.get_mut(&state).unwrap(),
        None => &mut world.letters,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_world_that_is_right_is_found_right(world in world()) {
        let verdict = world.judged();
        prop_assert!(verdict.is_clean(), "{verdict}");
        let dropped: u64 = verdict.dropped.values().sum();
        let dead: u64 = verdict.dead_lettered.values().sum();
        prop_assert_eq!(verdict.records_read, verdict.forwarded + dropped + dead);
        prop_assert_eq!(verdict.deliveries + verdict.withdrawals + dead, records(&world).len() as u64);
    }

    #[test]
    fn any_removal_is_found(mut world in world(), which in any::<Index>()) {
        let records = records(&world);
        prop_assume!(!records.is_empty());
        let (state, number) = records[which.index(records.len())];
        topic(&mut world, state).remove(number);
        let verdict = world.judged();
        prop_assert_eq!(verdict.findings.len(), 1, "{}", verdict);
    }

    #[test]
    fn any_repetition_is_found(mut world in world(), which in any::<Index>(), place in any::<Index>()) {
        let records = records(&world);
        prop_assume!(!records.is_empty());
        let (state, number) = records[which.index(records.len())];
        let topic = topic(&mut world, state);
        let again = topic[number].clone();
        topic.insert(place.index(topic.len() + 1), again);
        let verdict = world.judged();
        prop_assert!(!verdict.is_clean());
    }

    #[test]
    fn any_swap_within_a_case_is_found(mut world in world(), which in any::<Index>()) {
        let mut pairs = Vec::new();
        for (state, inbox) in &world.inboxes {
            for (later, record) in inbox.iter().enumerate() {
                let earlier = inbox[..later].iter().enumerate().filter(|(_, other)| other.key == record.key);
                pairs.extend(earlier.map(|(earlier, _)| (*state, earlier, later)));
            }
        }
        prop_assume!(!pairs.is_empty());
        let (state, earlier, later) = pairs[which.index(pairs.len())];
        topic(&mut world, Some(state)).swap(earlier, later);
        let verdict = world.judged();
        prop_assert!(!verdict.is_clean());
    }

    /// Whatever byte of a copy changes, it is found, unless it is one that is not judged: what an enrichment means.
    #[test]
    fn any_byte_of_an_event_that_changes_is_found(
        mut world in world(),
        which in any::<Index>(),
        byte in any::<Index>(),
        flip in 1..=255u8,
    ) {
        let copies: Vec<_> = records(&world).into_iter().filter(|(state, _)| state.is_some()).collect();
        prop_assume!(!copies.is_empty());
        let (state, number) = copies[which.index(copies.len())];
        let value = topic(&mut world, state)[number].value.as_mut().unwrap();
        let name = value.windows(5).rposition(|part| part == b"Delhi").unwrap();
        let end = name - 2; // before the number of the origin, and the length of its name
        value[byte.index(end)] ^= flip;
        prop_assert!(!world.judged().is_clean());
    }
}

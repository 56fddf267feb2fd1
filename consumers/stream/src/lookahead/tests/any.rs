//! Any records, any urgency, any progress of worker and reader, any failure: records of a key are processed in their order,
//! whoever overtakes, and none is left out.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

const KEYS: [&str; 3] = ["a", "b", "c"];
const PARTITIONS: usize = 2;

#[derive(Debug, Clone, Copy)]
struct Draw {
    partition: usize,
    key: usize,
    is_urgent: bool,
    /// It is processed in its turn alone.
    is_refused: bool,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// The reader reads some more of a partition.
    Read { partition: usize, records: usize },
    /// The reader notes that it is full, or not.
    Prune,
    /// The reader begins anew, where the worker is.
    Reread,
    /// The worker processes what was handed over, some records of each partition, and commits or does not. While it is at
    /// it, the reader reads some more.
    Turn { records: [usize; PARTITIONS], commits: bool, meanwhile: usize },
    /// A partition goes, or comes back.
    Rebalance { partition: usize },
}

fn draw() -> impl Strategy<Value = Draw> {
    (0..PARTITIONS, 0..KEYS.len(), any::<bool>(), prop::bool::weighted(0.15))
        .prop_map(|(partition, key, is_urgent, is_refused)| Draw { partition, key, is_urgent, is_refused })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..PARTITIONS, 1..6_usize).prop_map(|(partition, records)| Step::Read { partition, records }),
        1 => Just(Step::Prune),
        1 => Just(Step::Reread),
        5 => ([0..4_usize, 0..4_usize], prop::bool::weighted(0.8), 0..4_usize)
            .prop_map(|(records, commits, meanwhile)| Step::Turn { records, commits, meanwhile }),
        1 => (0..PARTITIONS).prop_map(|partition| Step::Rebalance { partition }),
    ]
}

/// A place: partition and offset.
type Place = (usize, usize);

struct World {
    input: [Vec<Draw>; PARTITIONS],
    ahead: HandOver,
    lookahead: Lookahead<Log>,
    seen: Option<(Start, Seen)>,
    read: [usize; PARTITIONS],
    owned: [bool; PARTITIONS],
    committed: [usize; PARTITIONS],
    /// What is processed and committed.
    done: BTreeSet<Place>,
    overtaken: usize,
}

impl World {
    fn new(draws: &[Draw]) -> Self {
        let mut input: [Vec<Draw>; PARTITIONS] = Default::default();
        for draw in draws {
            input[draw.partition].push(*draw);
        }
        let ahead = HandOver::new(1);
        let lookahead = lookahead(&Log::default(), &ahead, 1_000);
        let mut world = Self {
            input,
            ahead,
            lookahead,
            seen: None,
            read: [0; PARTITIONS],
            owned: [true; PARTITIONS],
            committed: [0; PARTITIONS],
            done: BTreeSet::new(),
            overtaken: 0,
        };
        world.begin_session();
        let ends: Vec<Position> = (0..PARTITIONS).map(|number| world.position(number, 1_000_000)).collect();
        world.ahead.observe(&ends);
        world
    }

    fn position(&self, number: usize, next_offset: usize) -> Position {
        position(number.try_into().unwrap(), next_offset.try_into().unwrap())
    }

    fn own(&self, wanted: impl Fn(usize) -> bool) {
        let owned = (0..PARTITIONS).filter(|number| self.owned[*number] && wanted(*number));
        self.ahead.own(owned.map(|number| self.position(number, self.committed[number])).collect());
    }

    fn begin_session(&mut self) {
        self.ahead.disown_all();
        self.own(|_| true);
    }

    /// What the thread does between two records.
    fn follow(&mut self) -> bool {
        if self.seen.as_ref().is_some_and(|(start, _)| self.ahead.is_current(start.generation)) {
            return true;
        }
        self.seen = None;
        self.owned.contains(&true) && {
            self.reread();
            true
        }
    }

    fn reread(&mut self) {
        let Some(start) = self.ahead.wait_for_backlog_now() else { return };
        for (partition, next_offset) in &start.positions {
            self.read[usize::try_from(partition.partition).unwrap()] = (*next_offset).try_into().unwrap();
        }
        let seen = Seen::new(1_000, &start.positions);
        self.seen = Some((start, seen));
    }

    fn read(&mut self, number: usize, records: usize) {
        for _ in 0..records {
            if !self.follow() || !self.owned[number] {
                return;
            }
            let offset = self.read[number];
            let Some(draw) = self.input[number].get(offset) else { return };
            let value = if draw.is_urgent { "urgent" } else { "ordinary" };
            let message =
                record(number.try_into().unwrap(), offset.try_into().unwrap(), KEYS[draw.key], value);
            let Some((start, seen)) = &mut self.seen else { return };
            self.lookahead.note(start.generation, seen, &message).unwrap();
            self.read[number] += 1;
        }
    }

    /// Everything of its key that stands before a record must have been processed.
    fn process(&self, staged: &mut BTreeSet<Place>, (number, offset): Place) {
        let is_done = |place: &Place| self.done.contains(place) || staged.contains(place);
        if is_done(&(number, offset)) {
            return; // what the register drops
        }
        let key = self.input[number][offset].key;
        let earlier = (0..offset).filter(|earlier| self.input[number][*earlier].key == key);
        for earlier in earlier {
            assert!(is_done(&(number, earlier)), "{offset} of {number} overtook {earlier} of its key");
        }
        staged.insert((number, offset));
    }

    fn turn(&mut self, records: [usize; PARTITIONS], commits: bool, meanwhile: usize) {
        let mut staged = BTreeSet::new();
        let mut taken = self.ahead.take();
        self.read(0, meanwhile);
        while let Some(urgent) = taken.next() {
            let at = &urgent.message;
            let place = (usize::try_from(at.place.partition).unwrap(), usize::try_from(at.offset).unwrap());
            assert!(self.owned[place.0], "of a partition that is somebody else's");
            if self.input[place.0][place.1].is_refused {
                taken.refuse(urgent);
                continue;
            }
            self.process(&mut staged, place);
            self.overtaken += 1;
        }
        self.read(1, meanwhile);
        self.ahead.give_back(taken);
        let mut positions = Vec::new();
        for number in (0..PARTITIONS).filter(|number| self.owned[*number]) {
            let from = self.committed[number];
            let to = (from + records[number]).min(self.input[number].len());
            (from..to).for_each(|offset| self.process(&mut staged, (number, offset)));
            if to > from {
                positions.push((number, to));
            }
        }
        self.read(0, meanwhile);
        if !commits {
            self.begin_session();
            return;
        }
        self.done.append(&mut staged);
        positions.iter().for_each(|(number, to)| self.committed[*number] = *to);
        let positions: Vec<Position> =
            positions.iter().map(|(number, to)| self.position(*number, *to)).collect();
        self.ahead.passed(&positions);
    }

    /// What goes comes back later, and somebody else has got on with it by then.
    fn rebalance(&mut self, number: usize) {
        self.owned[number] = !self.owned[number];
        self.ahead.disown(&[partition(number.try_into().unwrap())]);
        if self.owned[number] {
            let next = self.committed[number];
            if next < self.input[number].len() {
                let mut staged = BTreeSet::new();
                self.process(&mut staged, (number, next));
                self.done.append(&mut staged);
                self.committed[number] += 1;
            }
            self.own(|of| of == number);
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Read { partition, records } => self.read(partition, records),
            Step::Prune => {
                if let Some((_, seen)) = &mut self.seen {
                    self.ahead.prune(seen);
                }
            }
            Step::Reread => self.reread(),
            Step::Turn { records, commits, meanwhile } => self.turn(records, commits, meanwhile),
            Step::Rebalance { partition } => self.rebalance(partition),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn no_interleaving_breaks_the_order_of_a_key_or_leaves_a_record_out(
        draws in prop::collection::vec(draw(), 1..40),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new(&draws);
        steps.into_iter().for_each(|step| world.take(step));
        for number in 0..PARTITIONS {
            if !world.owned[number] {
                world.rebalance(number);
            }
        }
        while world.done.len() < draws.len() {
            let before = world.committed;
            world.turn([3; PARTITIONS], true, 2);
            prop_assert!(world.committed != before, "records are left out");
        }
    }
}

#[test]
fn urgent_records_do_overtake_in_this_world() {
    let draw = |key, is_urgent| Draw { partition: 0, key, is_urgent, is_refused: false };
    let mut world =
        World::new(&[draw(0, false), draw(0, false), draw(1, true), draw(0, true), draw(1, true)]);
    world.read(0, 5);
    world.turn([0, 0], true, 0);
    assert_eq!(world.overtaken, 2);
    assert_eq!(world.done, [(0, 2), (0, 4)].into());
}

//! Passes over a database in memory whose transactions commit late, at equal times and in the middle of a pass, and which
//! goes away between two pages: nothing is lost, and nothing is given out twice that need not be.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;

use super::super::{Page, Scan};
use super::*;
use crate::language::column::Columns;

/// The longest time between a transaction's beginning, which is the row's time, and its commit.
const OVERLAP: i64 = 5;

/// What happens in the database.
#[derive(Debug, Clone)]
enum Step {
    /// A transaction begins that changes a row.
    Begin(u8),
    /// It commits.
    Commit(u8),
    /// Time passes; who has waited for too long commits.
    Tick(u8),
}

#[derive(Debug, Clone)]
enum Op {
    Step(Step),
    Pass {
        /// Happens between its pages, one each.
        between: Vec<Step>,
        /// The database goes away before this page.
        fails_at: Option<usize>,
        /// The process ends afterwards, and goes on from its cursor.
        restarts: bool,
    },
}

#[derive(Debug, Default)]
struct Memory {
    clock: i64,
    /// By id: time of modification and version.
    rows: BTreeMap<u8, (i64, u32)>,
    open: BTreeMap<u8, (i64, u32)>,
    versions: u32,
    page_rows: usize,
    between: VecDeque<Step>,
    pages_left: Option<usize>,
    /// Somebody's clock is wrong: rows with this id are modified in the future.
    ahead: Option<u8>,
}

impl Memory {
    fn step(&mut self, step: &Step) {
        match *step {
            Step::Begin(id) => {
                self.versions += 1;
                let skew = if self.ahead == Some(id) { 1_000 } else { 0 };
                // Whoever changes a row waits for the one before, and keeps the time of its own beginning.
                self.open.entry(id).or_insert((self.clock + skew, self.versions));
            }
            Step::Commit(id) => self.rows.extend(self.open.remove(&id).map(|row| (id, row))),
            Step::Tick(times) => {
                for _ in 0..times {
                    self.clock += 1;
                    let due: Vec<u8> = self
                        .open
                        .iter()
                        .filter(|(_, (modified, _))| self.clock - modified >= OVERLAP)
                        .map(|(id, _)| *id)
                        .collect();
                    due.iter().for_each(|id| self.step(&Step::Commit(*id)));
                }
            }
        }
    }
}

fn number(key: &str) -> i64 {
    key.parse().unwrap()
}

fn row(modified: i64, id: u8, version: u32) -> DatabaseRow {
    let keys = vec![modified.to_string(), id.to_string()];
    DatabaseRow { keys, bytes: version.to_string().into_bytes(), length: 0, is_too_long: false }
}

impl Database for Memory {
    fn columns(&mut self) -> Result<Columns, DatabaseError> {
        Ok(Columns::default())
    }

    fn begin(&mut self, cursor: Option<&Cursor>) -> Result<Scan, DatabaseError> {
        let start = cursor.map_or(Start::Beginning, |cursor| {
            cursor.start(number(&cursor.keys[0]) < number(cursor.horizon.as_ref().unwrap()))
        });
        let horizon = Some((self.clock - OVERLAP).to_string());
        Ok(Scan { start, horizon, end: None, holds_back: false, has_keyless: false })
    }

    fn page(&mut self, _: &Scan, start: &Start) -> Result<Page, DatabaseError> {
        if let Some(left) = &mut self.pages_left {
            *left = left.checked_sub(1).ok_or_else(|| DatabaseError::Away("gone".into()))?;
        }
        let mut found: Vec<(i64, u8, u32)> =
            self.rows.iter().map(|(id, (modified, version))| (*modified, *id, *version)).collect();
        found.sort_unstable();
        found.retain(|(modified, id, _)| match start {
            Start::Beginning => true,
            Start::From(first) => *modified >= number(first),
            Start::After(keys) => (*modified, i64::from(*id)) > (number(&keys[0]), number(&keys[1])),
        });
        let is_last = found.len() < self.page_rows;
        let rows =
            found.iter().take(self.page_rows).map(|(modified, id, version)| row(*modified, *id, *version));
        let page = Page { rows: rows.collect(), is_last };
        if let Some(step) = self.between.pop_front() {
            self.step(&step);
        }
        Ok(page)
    }

    fn find(&mut self, id: &[&str]) -> Result<Vec<DatabaseRow>, DatabaseError> {
        let found = self.rows.iter().filter(|(key, _)| key.to_string() == id[0]);
        Ok(found.map(|(key, (modified, version))| row(*modified, *key, *version)).collect())
    }

    fn delete_through(&mut self, _: &Cursor) -> Result<(), DatabaseError> {
        Ok(())
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..6_u8).prop_map(Step::Begin),
        3 => (0..6_u8).prop_map(Step::Commit),
        3 => (0..4_u8).prop_map(Step::Tick),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => step().prop_map(Op::Step),
        1 => (prop::collection::vec(step(), 0..4), prop::option::weighted(0.2, 0..3_usize), prop::bool::weighted(0.1))
            .prop_map(|(between, fails_at, restarts)| Op::Pass { between, fails_at, restarts }),
    ]
}

/// Ids with their versions.
type Versions = Vec<(u8, u32)>;

/// Every version that was given out, in order, whether the pass came to its end or not.
fn pass(poll: &mut Poll, memory: &mut Memory) -> Result<Versions, Versions> {
    let mut given = Vec::new();
    let outcome = poll.pass(memory, &mut |cursor, row| {
        assert_eq!(cursor.keys, row.keys);
        let version: u32 = String::from_utf8(row.bytes).unwrap().parse().unwrap();
        given.push((u8::try_from(number(&row.keys[1])).unwrap(), version));
        Ok::<_, DatabaseError>(ControlFlow::Continue(()))
    });
    if outcome.is_ok() { Ok(given) } else { Err(given) }
}

fn check(ops: &[Op], page_rows: usize, memory_rows: usize, ahead: Option<u8>) -> Result<(), TestCaseError> {
    let mut memory = Memory { page_rows, ahead, ..Memory::default() };
    let mut poll = Poll::with_memory(None, memory_rows);
    let mut given: BTreeMap<(u8, u32), u32> = BTreeMap::new();
    let mut restarted = false;
    let last = Op::Pass { between: Vec::new(), fails_at: None, restarts: false };
    let ends = [Op::Step(Step::Tick(10)), last];
    for op in ops.iter().chain(&ends) {
        match op {
            Op::Step(step) => memory.step(step),
            Op::Pass { between, fails_at, restarts } => {
                let there = memory.rows.clone();
                memory.between = between.iter().cloned().collect();
                memory.pages_left = *fails_at;
                let outcome = pass(&mut poll, &mut memory);
                memory.pages_left = None;
                let ended = outcome.is_ok();
                for version in outcome.unwrap_or_else(|given| given) {
                    *given.entry(version).or_default() += 1;
                }
                if ended {
                    for (id, (modified, version)) in there {
                        let is_still_there = memory.rows.get(&id) == Some(&(modified, version));
                        prop_assert!(
                            !is_still_there || given.contains_key(&(id, version)),
                            "lost {id} {version}"
                        );
                    }
                }
                if *restarts {
                    restarted = true;
                    poll = Poll::with_memory(poll.cursor().cloned(), memory_rows);
                }
            }
        }
    }
    let repeats_are_needed = restarted || memory_rows < 6;
    prop_assert!(repeats_are_needed || given.values().all(|times| *times == 1), "{given:?}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_is_lost_and_nothing_is_given_out_twice(
        ops in prop::collection::vec(op(), 0..60),
        page_rows in 1..5_usize,
    ) {
        check(&ops, page_rows, 1_000, None)?;
    }

    #[test]
    fn a_clock_that_is_ahead_hides_nobody_elses_rows(
        ops in prop::collection::vec(op(), 0..60),
        page_rows in 1..5_usize,
    ) {
        check(&ops, page_rows, 1_000, Some(3))?;
    }

    #[test]
    fn a_memory_that_is_too_small_costs_repeats_and_no_row(
        ops in prop::collection::vec(op(), 0..60),
        page_rows in 1..5_usize,
    ) {
        check(&ops, page_rows, 2, None)?;
    }
}

#[test]
fn a_quiet_database_is_not_read_again() {
    let mut memory = Memory { page_rows: 2, ..Memory::default() };
    for id in 0..5 {
        memory.step(&Step::Begin(id));
        memory.step(&Step::Commit(id));
    }
    let mut poll = Poll::new(None);
    assert_eq!(pass(&mut poll, &mut memory).unwrap().len(), 5);
    memory.step(&Step::Tick(20));
    assert_eq!(pass(&mut poll, &mut memory).unwrap(), []);
    let cursor = poll.cursor().unwrap();
    assert_eq!(cursor.start(true), Start::After(vec!["0".into(), "4".into()]));
}

//! Which rows of the window that is read again and again are published already, as they are now.
//!
//! A bounded memory in fingerprints. A row that it has forgotten is sent again, and dropped as a repeat downstream; a row
//! that has changed is never taken for a known one.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};

use super::DatabaseRow;

/// How many rows of a pass are remembered: two passes take about 10 MiB.
pub(super) const ROWS_MAX: usize = 131_072;

/// The rows of this pass and of the one before.
#[derive(Debug)]
pub(super) struct Window {
    before: HashMap<u64, u64>,
    now: HashMap<u64, u64>,
    /// Rows of `now`, the oldest first. Rows come in the order of their time, so the oldest leaves the window first.
    order: VecDeque<u64>,
    rows_max: usize,
    hasher: RandomState,
}

impl Window {
    /// A memory of so many rows per pass.
    pub(super) fn new(rows_max: usize) -> Self {
        Self {
            before: HashMap::new(),
            now: HashMap::new(),
            order: VecDeque::new(),
            rows_max,
            hasher: RandomState::new(),
        }
    }

    /// Remembers a row. Whether it was known, just as it is.
    pub(super) fn knows(&mut self, row: &DatabaseRow) -> bool {
        let name = self.hasher.hash_one(row.keys.get(1..));
        let content = self.hasher.hash_one((row.keys.first(), &row.bytes));
        // What was seen in this pass is newer than what was seen in the last.
        let known = self.now.get(&name).or_else(|| self.before.get(&name)) == Some(&content);
        if self.now.insert(name, content).is_none() {
            self.order.push_back(name);
        }
        if self.order.len() > self.rows_max
            && let Some(oldest) = self.order.pop_front()
        {
            self.now.remove(&oldest);
        }
        known
    }

    /// A pass has come to its end: what it did not see has left the window.
    pub(super) fn turn(&mut self) {
        self.before = std::mem::take(&mut self.now);
        self.order.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, modified: &str, content: &str) -> DatabaseRow {
        let bytes = content.as_bytes().to_vec();
        DatabaseRow { keys: vec![modified.into(), id.into()], length: 0, is_too_long: false, bytes }
    }

    #[test]
    fn a_row_is_known_for_as_long_as_passes_see_it() {
        let mut window = Window::new(10);
        assert!(!window.knows(&row("1", "9:00", "a")));
        assert!(window.knows(&row("1", "9:00", "a")), "a pass that was interrupted reads it again");
        window.turn();
        assert!(window.knows(&row("1", "9:00", "a")));
        window.turn();
        assert!(!window.knows(&row("1", "9:00", "b")), "other content");
        assert!(!window.knows(&row("1", "9:00", "a")), "the content before is not taken for the present one");
        window.turn();
        window.turn();
        assert!(!window.knows(&row("1", "9:00", "a")));
    }

    #[test]
    fn the_memory_is_bounded_and_keeps_the_latest() {
        let mut window = Window::new(2);
        for id in ["1", "2", "3"] {
            assert!(!window.knows(&row(id, "9:00", "a")));
        }
        window.turn();
        let known: Vec<bool> = ["3", "2", "1"].map(|id| window.knows(&row(id, "9:00", "a"))).into();
        assert_eq!(known, [true, true, false]);
    }
}

//! Which items were accepted lately, in fingerprints, so that an item that is sent again is not spooled again.
//!
//! A bounded convenience: whatever it has forgotten is published twice and dropped downstream as a duplicate.

use std::collections::{HashMap, VecDeque};

/// How many items are remembered; about 6 MiB.
pub(crate) const ITEMS_MAX: usize = 131_072;

/// What an item is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    /// Of its record and revision; of its record alone where revisions follow from the time of reading.
    pub(crate) identity: u64,
    /// Of its content.
    pub(crate) content: u64,
}

/// How an item stands to those that were accepted before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// Not known.
    New,
    /// The same was accepted.
    Same,
    /// The same record and revision was accepted with other content.
    Other,
}

/// The items that were accepted last.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    content: HashMap<u64, u64>,
    order: VecDeque<u64>,
    newest_wins: bool,
}

impl Memory {
    /// An empty one. Where `newest_wins`, other content under a known identity is its next version.
    pub(crate) fn new(newest_wins: bool) -> Self {
        Self { newest_wins, ..Self::default() }
    }

    /// How an item stands to those before it: first those of `staged`, then those that are remembered.
    pub(super) fn look_up(&self, item: Fingerprint, staged: &[&HashMap<u64, u64>]) -> Known {
        let maps = staged.iter().copied().chain([&self.content]);
        match maps.into_iter().find_map(|map| map.get(&item.identity)) {
            None => Known::New,
            Some(content) if *content == item.content => Known::Same,
            Some(_) if self.newest_wins => Known::New,
            Some(_) => Known::Other,
        }
    }

    /// Remembers an accepted item.
    pub(crate) fn remember(&mut self, item: Fingerprint) {
        if self.content.insert(item.identity, item.content).is_some() {
            return;
        }
        self.order.push_back(item.identity);
        if self.order.len() > ITEMS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.content.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(identity: u64, content: u64) -> Fingerprint {
        Fingerprint { identity, content }
    }

    #[test]
    fn repeats_and_contradictions_are_known_and_the_oldest_is_forgotten() {
        let mut memory = Memory::new(false);
        memory.remember(item(1, 7));
        assert_eq!(memory.look_up(item(1, 7), &[]), Known::Same);
        assert_eq!(memory.look_up(item(1, 8), &[]), Known::Other);
        let staged = HashMap::from([(2, 5)]);
        assert_eq!(memory.look_up(item(2, 5), &[&staged]), Known::Same);
        assert_eq!(memory.look_up(item(2, 5), &[]), Known::New);
        for i in 10..10 + u64::try_from(ITEMS_MAX).unwrap() {
            memory.remember(item(i, 0));
        }
        assert_eq!(memory.look_up(item(1, 7), &[]), Known::New);
        assert_eq!((memory.order.len(), memory.content.len()), (ITEMS_MAX, ITEMS_MAX));
    }

    #[test]
    fn where_the_newest_wins_only_the_last_content_is_a_repeat() {
        let mut memory = Memory::new(true);
        memory.remember(item(1, 7));
        assert_eq!(memory.look_up(item(1, 8), &[]), Known::New);
        memory.remember(item(1, 8));
        assert_eq!(memory.look_up(item(1, 7), &[]), Known::New, "it has changed back");
        assert_eq!(memory.look_up(item(1, 8), &[]), Known::Same);
    }
}

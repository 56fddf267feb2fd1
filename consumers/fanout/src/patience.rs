//! How long records wait for a schema id that the registry does not know.
//!
//! A producer may be faster than the registry's replication, so such a record waits a little before it is poison. A wait
//! holds up every state's records, so no publisher may prolong or repeat it at will: it counts from when the service
//! first met the id, whatever the record's timestamp says, and after one in vain there is none for a while.

use std::collections::BTreeMap;

/// After a wait in vain, ids that are not known are poison at once for so many times the grace.
const PAUSE_GRACES: u64 = 60;

/// Most ids that are waited for at a time. More than these count from when the first of them was met.
const WAITING_MAX: usize = 64;

/// Patience with schema ids that the registry does not know.
#[derive(Debug)]
pub(crate) struct Patience {
    grace_ms: u64,
    /// The ids that are waited for, and since when. More than one where an urgent record of another id came in between.
    waiting: BTreeMap<u32, u64>,
    none_until_ms: u64,
}

impl Patience {
    pub(crate) const fn new(grace_ms: u64) -> Self {
        Self { grace_ms, waiting: BTreeMap::new(), none_until_ms: 0 }
    }

    /// Whether a record of this age is not to wait any longer for `id`. `uptime_ms` is this process's own clock.
    pub(crate) fn is_over(&mut self, id: u32, age_ms: u64, uptime_ms: u64) -> bool {
        let since_ms = self.since_ms(id, uptime_ms);
        let waited_ms = uptime_ms.saturating_sub(since_ms);
        let is_over = uptime_ms < self.none_until_ms || age_ms.max(waited_ms) >= self.grace_ms;
        if is_over {
            self.waiting.remove(&id);
        } else if self.waiting.len() < WAITING_MAX {
            self.waiting.entry(id).or_insert(uptime_ms);
        }
        if is_over && waited_ms > 0 {
            self.none_until_ms = uptime_ms.saturating_add(PAUSE_GRACES * self.grace_ms);
        }
        is_over
    }

    fn since_ms(&mut self, id: u32, uptime_ms: u64) -> u64 {
        // What nobody has asked about for so long was found, or has gone with its partition.
        let grace_ms = self.grace_ms;
        self.waiting
            .retain(|known, since_ms| *known == id || uptime_ms.saturating_sub(*since_ms) < 2 * grace_ms);
        let first = || self.waiting.values().min().filter(|_| self.waiting.len() >= WAITING_MAX);
        self.waiting.get(&id).or_else(first).copied().unwrap_or(uptime_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE_MS: u64 = 10_000;

    #[test]
    fn a_young_record_waits_until_it_is_old_enough() {
        let mut patience = Patience::new(GRACE_MS);
        assert!(!patience.is_over(7, 4_000, 0));
        assert!(!patience.is_over(7, 9_999, 5_999));
        assert!(patience.is_over(7, 10_000, 6_000));
    }

    #[test]
    fn a_timestamp_in_the_future_buys_no_time() {
        let mut patience = Patience::new(GRACE_MS);
        assert!(!patience.is_over(7, 0, 1_000));
        assert!(!patience.is_over(7, 0, 10_999));
        assert!(patience.is_over(7, 0, 11_000));
    }

    #[test]
    fn after_a_wait_in_vain_there_is_none_for_a_while() {
        let mut patience = Patience::new(GRACE_MS);
        assert!(!patience.is_over(7, 0, 0));
        assert!(patience.is_over(7, 0, GRACE_MS));
        assert!(patience.is_over(8, 0, GRACE_MS + 1));
        assert!(patience.is_over(9, 0, 61 * GRACE_MS - 1));
        assert!(!patience.is_over(9, 0, 61 * GRACE_MS));
    }

    #[test]
    fn an_old_record_does_not_wait_and_costs_nobody_the_grace() {
        let mut patience = Patience::new(GRACE_MS);
        assert!(patience.is_over(7, GRACE_MS, 0));
        assert!(!patience.is_over(8, 0, 1));
    }

    #[test]
    fn another_id_in_between_buys_no_time() {
        let mut patience = Patience::new(GRACE_MS);
        assert!(!patience.is_over(7, 0, 0));
        assert!(!patience.is_over(8, 0, 5_000));
        assert!(patience.is_over(7, 0, GRACE_MS));
    }

    #[test]
    fn neither_do_many_ids() {
        let mut patience = Patience::new(GRACE_MS);
        assert!((0..2_000).all(|id| !patience.is_over(id, 0, u64::from(id))));
        assert!(patience.is_over(9_999, 0, GRACE_MS + 1));
    }
}

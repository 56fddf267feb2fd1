//! How long records wait for a schema id that the registry does not know.
//!
//! A producer may be faster than the registry's replication, so such a record waits a little before it is poison. A wait
//! holds up every state's records, so no publisher may prolong or repeat it at will: it counts from when the service
//! first met the id, whatever the record's timestamp says, and after one in vain there is none for a while.

/// After a wait in vain, ids that are not known are poison at once for so many times the grace.
const PAUSE_GRACES: u64 = 60;

/// Patience with schema ids that the registry does not know.
#[derive(Debug)]
pub(crate) struct Patience {
    grace_ms: u64,
    /// The id that is waited for, and since when.
    waiting: Option<(u32, u64)>,
    none_until_ms: u64,
}

impl Patience {
    pub(crate) const fn new(grace_ms: u64) -> Self {
        Self { grace_ms, waiting: None, none_until_ms: 0 }
    }

    /// Whether a record of this age is not to wait any longer for `id`. `uptime_ms` is this process's own clock.
    pub(crate) fn is_over(&mut self, id: u32, age_ms: u64, uptime_ms: u64) -> bool {
        let since_ms = self.waiting.filter(|(known, _)| *known == id).map_or(uptime_ms, |(_, since)| since);
        let waited_ms = uptime_ms.saturating_sub(since_ms);
        let is_over = uptime_ms < self.none_until_ms || age_ms.max(waited_ms) >= self.grace_ms;
        self.waiting = (!is_over).then_some((id, since_ms));
        if is_over && waited_ms > 0 {
            self.none_until_ms = uptime_ms.saturating_add(PAUSE_GRACES * self.grace_ms);
        }
        is_over
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
}

//! How long to wait before trying again.
//!
//! Exponential backoff with full jitter (Marc Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog,
//! 2015): clients that failed together do not come back together. It only computes delays; the caller sleeps.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// A growing, randomised delay. One per thing that is retried.
#[derive(Debug, Clone)]
pub struct Backoff {
    min_ms: u64,
    max_ms: u64,
    ceiling_ms: u64,
}

impl Backoff {
    /// The first delay is at most `min_ms`; the ceiling then doubles until it is `max_ms`. Zero counts as 1.
    pub fn new(min_ms: u64, max_ms: u64) -> Self {
        let min_ms = min_ms.max(1);
        Self { min_ms, max_ms: max_ms.max(min_ms), ceiling_ms: min_ms }
    }

    /// The next delay: uniform between 1 ms and the present ceiling.
    pub fn next_delay(&mut self) -> Duration {
        let delay_ms = 1 + random() % self.ceiling_ms;
        self.ceiling_ms = self.ceiling_ms.saturating_mul(2).min(self.max_ms);
        Duration::from_millis(delay_ms)
    }

    /// Starts over; call it after a success.
    pub fn reset(&mut self) {
        self.ceiling_ms = self.min_ms;
    }
}

/// The standard library keys every `RandomState` differently, from the system's randomness: enough to spread retries.
fn random() -> u64 {
    RandomState::new().hash_one(0_u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_delay_lies_between_one_millisecond_and_its_ceiling() {
        for _ in 0..200 {
            let mut backoff = Backoff::new(100, 1_000);
            for ceiling in [100, 200, 400, 800, 1_000, 1_000, 1_000] {
                let delay = backoff.next_delay().as_millis();
                assert!((1..=ceiling).contains(&delay), "{delay} is outside 1..={ceiling}");
            }
        }
    }

    #[test]
    fn delays_differ_so_that_clients_spread() {
        let mut backoff = Backoff::new(60_000, 60_000);
        let delays: std::collections::BTreeSet<_> = (0..20).map(|_| backoff.next_delay()).collect();
        assert!(delays.len() > 10);
    }

    #[test]
    fn reset_goes_back_to_the_first_ceiling() {
        let mut backoff = Backoff::new(5, 10_000);
        for _ in 0..20 {
            backoff.next_delay();
        }
        backoff.reset();
        assert!(backoff.next_delay().as_millis() <= 5);
    }

    #[test]
    fn zero_and_reversed_limits_are_made_sane() {
        assert_eq!(Backoff::new(0, 0).next_delay(), Duration::from_millis(1));
        let mut reversed = Backoff::new(50, 10);
        assert!((0..10).all(|_| reversed.next_delay().as_millis() <= 50));
    }
}

//! Stops the service when most of what it reads is poison, rather than draining the topic into the DLQ.
//! It judges shares over recent records; what is poison is decided elsewhere.

use std::collections::VecDeque;

pub(crate) struct Breaker {
    recent: VecDeque<bool>,
    poison: usize,
    window: usize,
    share_max: f64,
}

impl Breaker {
    pub(crate) fn new(window: usize, share_max: f64) -> Self {
        Self { recent: VecDeque::with_capacity(window.min(65_536)), poison: 0, window, share_max }
    }

    /// Notes one record. Returns the share of poison when it is over the limit.
    pub(crate) fn note(&mut self, is_poison: bool) -> Option<f64> {
        self.recent.push_back(is_poison);
        self.poison += usize::from(is_poison);
        if self.recent.len() > self.window && self.recent.pop_front() == Some(true) {
            self.poison -= 1;
        }
        #[expect(clippy::cast_precision_loss, reason = "windows are far below 2^52")]
        let share = self.poison as f64 / self.window as f64;
        (self.recent.len() >= self.window && share > self.share_max).then_some(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_when_the_window_is_full_and_the_share_is_exceeded() {
        let mut breaker = Breaker::new(10, 0.5);
        assert!((0..9).all(|_| breaker.note(true).is_none()));
        assert_eq!(breaker.note(true), Some(1.0));
        let mut breaker = Breaker::new(10, 0.5);
        assert!((0..1_000).all(|i| breaker.note(i % 2 == 0).is_none()));
        assert!((0..10).any(|_| breaker.note(true).is_some()));
    }

    #[test]
    fn a_share_of_one_never_opens() {
        let mut breaker = Breaker::new(5, 1.0);
        assert!((0..100).all(|_| breaker.note(true).is_none()));
    }
}

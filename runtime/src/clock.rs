//! The time, as a value that a test can set.
//!
//! This is the only place that reads the system's clock: `clippy.toml` bans it everywhere else. Calendar
//! arithmetic and formatting do not belong here.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A source of time. Implementations must be cheap: it is read for every record.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01T00:00:00Z. May step when the machine's clock is corrected.
    fn now_ms(&self) -> i64;

    /// Milliseconds since about the start of the process. Never set back, so stall limits are measured with it.
    fn uptime_ms(&self) -> u64 {
        saturating_u64(STARTED.elapsed().as_millis())
    }
}

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place where the system time is read")]
    fn now_ms(&self) -> i64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
    }
}

/// A clock that stands still until a test moves it.
#[derive(Debug, Default)]
pub struct ManualClock {
    now_ms: AtomicI64,
    uptime_ms: AtomicI64,
}

impl ManualClock {
    /// A clock that shows `now_ms` (milliseconds since 1970) and an uptime of zero.
    pub fn new(now_ms: i64) -> Self {
        Self { now_ms: AtomicI64::new(now_ms), uptime_ms: AtomicI64::new(0) }
    }

    /// Lets `by_ms` milliseconds pass.
    pub fn advance(&self, by_ms: i64) {
        self.now_ms.fetch_add(by_ms, Ordering::SeqCst);
        self.uptime_ms.fetch_add(by_ms, Ordering::SeqCst);
    }

    /// Corrects the wall clock, as a time server would; the uptime is untouched.
    pub fn set(&self, now_ms: i64) {
        self.now_ms.store(now_ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn uptime_ms(&self) -> u64 {
        u64::try_from(self.uptime_ms.load(Ordering::SeqCst)).unwrap_or(0)
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z by the machine's clock, for code that no test needs to steer.
pub fn now_ms() -> i64 {
    SystemClock.now_ms()
}

fn saturating_u64(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_shows_this_century_and_its_uptime_does_not_go_back() {
        assert!(now_ms() > 1_700_000_000_000);
        let before = SystemClock.uptime_ms();
        assert!(SystemClock.uptime_ms() >= before);
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::new(1_000);
        clock.advance(250);
        assert_eq!((clock.now_ms(), clock.uptime_ms()), (1_250, 250));
        clock.set(500);
        assert_eq!((clock.now_ms(), clock.uptime_ms()), (500, 250));
    }
}

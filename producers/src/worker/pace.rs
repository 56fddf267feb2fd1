//! A limit on rows per second. It computes waits; the worker waits.

/// A source that was idle for so long does not make up for it, in milliseconds.
const CATCH_UP_MS: f64 = 1_000.0;

/// At which pace rows are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    row_ms: Option<f64>,
    /// When the next row is due, in milliseconds of uptime.
    due_ms: f64,
}

impl Pace {
    /// At most so many rows per second; no limit where there is none.
    pub(super) fn new(per_second: Option<f64>) -> Self {
        Self { row_ms: per_second.map(|rate| 1_000.0 / rate), due_ms: 0.0 }
    }

    /// Whether there is a limit at all.
    pub(super) fn is_limited(&self) -> bool {
        self.row_ms.is_some()
    }

    /// How long the next row has to wait, in milliseconds.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a wait is positive and short"
    )]
    pub(super) fn wait_ms(&self, uptime_ms: u64) -> u64 {
        self.row_ms.map_or(0, |_| (self.due_ms - super::as_gauge(uptime_ms)).max(0.0).ceil() as u64)
    }

    /// Counts a row.
    pub(super) fn take(&mut self, uptime_ms: u64) {
        if let Some(row_ms) = self.row_ms {
            self.due_ms = self.due_ms.max(super::as_gauge(uptime_ms) - CATCH_UP_MS) + row_ms;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_at_the_pace_and_idleness_is_not_made_up_for() {
        let mut pace = Pace::new(Some(10.0));
        let mut now_ms = 100_000;
        let begun_ms = now_ms;
        for _ in 0..30 {
            now_ms += pace.wait_ms(now_ms);
            pace.take(now_ms);
        }
        assert!((1_800..=2_000).contains(&(now_ms - begun_ms)), "{}", now_ms - begun_ms);
        assert_eq!(Pace::new(None).wait_ms(5), 0);
    }
}

//! Whether the running daemon has something to publish, so that a backfill waits. It decides; the worker waits.

use std::sync::{Arc, Mutex, PoisonError};

use sanchar_runtime::clock::Clock;
use sanchar_runtime::config::ConfigError;

use super::neighbour::{Neighbour, Seen, Work};
use crate::config::ProducerConfig;

/// Unread bytes that have been the same for so long are not waited for, in milliseconds: a half-written last line, or a file that the
/// daemon has set aside, would hold a backfill up for ever.
const STUCK_MS: u64 = 30_000;

/// The daemon's traffic.
pub(super) struct LiveTraffic {
    neighbour: Neighbour,
    clock: Arc<dyn Clock>,
    last: Mutex<Option<Look>>,
}

/// What was seen, and since when it is the same.
#[derive(Debug, Clone, Copy)]
struct Look {
    seen: Seen,
    since_ms: u64,
}

impl LiveTraffic {
    /// The traffic of the daemon that runs with this configuration.
    pub(super) fn of(config: &ProducerConfig, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        let neighbour = Neighbour::new(config.http.listen, config.state.code)?;
        Ok(Self { neighbour, clock, last: Mutex::default() })
    }

    /// Whether the daemon has something to publish now.
    pub(super) async fn is_busy(&self) -> bool {
        let seen = self.neighbour.look().await;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        judge(&mut last, seen, self.clock.uptime_ms())
    }
}

fn judge(last: &mut Option<Look>, seen: Seen, now_ms: u64) -> bool {
    let look = last.filter(|last| last.seen == seen).unwrap_or(Look { seen, since_ms: now_ms });
    *last = Some(look);
    match seen {
        Seen::Nobody | Seen::Stranger => false,
        // These are under way, however long the broker takes.
        Seen::Daemon(Work { rows_in_flight: 1.., .. }) => true,
        Seen::Daemon(Work { unread_bytes: 0, .. }) => false,
        Seen::Daemon(_) | Seen::Silent => now_ms.saturating_sub(look.since_ms) < STUCK_MS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_rows_are_waited_for_and_what_the_daemon_leaves_lying_is_not() {
        let daemon = |unread_bytes, rows_in_flight| Seen::Daemon(Work { unread_bytes, rows_in_flight });
        let mut last = None;
        for (now_ms, seen, is_busy) in [
            (0, Seen::Nobody, false),
            (1, daemon(0, 0), false),
            (2, daemon(500, 0), true),
            (20_000, daemon(400, 0), true),
            (49_999, daemon(400, 0), true),
            (50_000, daemon(400, 0), false),
            (50_001, daemon(900, 0), true),
            (50_002, daemon(0, 7), true),
            (900_000, daemon(0, 7), true),
            (900_001, Seen::Silent, true),
            (930_001, Seen::Silent, false),
            (930_002, Seen::Stranger, false),
        ] {
            assert_eq!(judge(&mut last, seen, now_ms), is_busy, "{seen:?} at {now_ms}");
        }
    }
}

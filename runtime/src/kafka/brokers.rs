//! Whether a client still knows its brokers. For: noticing one that will never connect again. Not for: connecting.
//!
//! A broker that its controller took for dead answers a question for metadata with an empty list of brokers. librdkafka since
//! 2.10 (its issue 5301) then forgets every broker that it knew, those that it was configured with too, and asks nobody any
//! more, for ever. Only a new client helps, and only the statistics tell.

use std::sync::atomic::{AtomicU8, Ordering};

use rdkafka::Statistics;

/// What the last statistics said.
#[derive(Debug, Default)]
pub struct Brokers(AtomicU8);

const UNKNOWN: u8 = 0;
const CONNECTED: u8 = 1;
const AWAY: u8 = 2;
const FORGOTTEN: u8 = 3;

/// The client has forgotten all brokers and has to be made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the client has forgotten all brokers, as it does for good when one of them answers that there are none \
     (librdkafka issue 5301)"
)]
pub struct BrokersForgotten;

impl Brokers {
    /// Takes up statistics. They come while the client is polled, where `statistics.interval.ms` is set.
    pub fn note(&self, statistics: &Statistics) {
        // There are brokers of librdkafka's own too, which are no places to connect to.
        let is_real = |source: &str| matches!(source, "learned" | "configured");
        let states = statistics
            .brokers
            .values()
            .filter(|broker| is_real(&broker.source))
            .map(|broker| broker.state.as_str());
        let state = states
            .fold(FORGOTTEN, |seen, state| if seen == CONNECTED || state == "UP" { CONNECTED } else { AWAY });
        self.0.store(state, Ordering::Relaxed);
    }

    /// Whether the client is of any more use.
    ///
    /// # Errors
    /// [`BrokersForgotten`] where it is not.
    pub fn check(&self) -> Result<(), BrokersForgotten> {
        if self.0.load(Ordering::Relaxed) == FORGOTTEN { Err(BrokersForgotten) } else { Ok(()) }
    }

    /// Whether any broker was connected when last seen; before the first statistics, as if one were.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(self.0.load(Ordering::Relaxed), UNKNOWN | CONNECTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::statistics::Broker;

    fn after(brokers: &[(&str, &str)]) -> Brokers {
        let broker = |(source, state): &(&str, &str)| {
            let broker = Broker { source: (*source).into(), state: (*state).into(), ..Broker::default() };
            (format!("{source}{state}"), broker)
        };
        let noted = Brokers::default();
        noted.note(&Statistics { brokers: brokers.iter().map(broker).collect(), ..Statistics::default() });
        noted
    }

    #[test]
    fn brokers_that_are_away_are_not_forgotten() {
        for (brokers, connected, forgotten) in [
            (&[("learned", "UP"), ("logical", "UP")][..], true, false),
            (&[("configured", "DOWN")], false, false),
            (&[("learned", "DOWN"), ("logical", "UP")], false, false),
            (&[("logical", "INIT"), ("internal", "UP")], false, true),
            (&[], false, true),
        ] {
            let noted = after(brokers);
            assert_eq!(noted.is_connected(), connected, "{brokers:?}");
            assert_eq!(noted.check().is_err(), forgotten, "{brokers:?}");
        }
        assert!(Brokers::default().is_connected() && Brokers::default().check().is_ok());
    }
}

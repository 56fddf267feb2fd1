//! What the states publish during a drill: events of all states in turn, at a steady rate, a little poison among them while
//! it is asked for, and now and then a record whose schema only the registry can tell.

use anyhow::Result;
use sanchar_runtime::clock;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::{StateCode, wire};
use sanchar_tests::publisher::{Outgoing, Publisher};
use sanchar_tests::{Installation, events};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// From one record to the next: 20 in a second.
const PACE: Duration = Duration::from_millis(50);
/// One record in so many is poison, while there is to be some: more than the rule allows, far less than stops a fan-out.
const POISON_EVERY: u32 = 40;
/// The state whose topic is poisoned.
pub(crate) const POISONED: &str = "IN-UP";
/// A schema id that no registry gives out.
const UNKNOWN_ID: u32 = 1_999_999_999;

/// What is to flow.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    is_over: AtomicBool,
    is_poisoned: AtomicBool,
    must_ask: AtomicBool,
}

impl Flow {
    /// Publishes until it is over.
    pub(crate) fn run(&self, installation: &Installation) -> Result<()> {
        let publisher = Publisher::new(installation)?;
        let origins: Vec<StateCode> = StateCode::all().collect();
        for (number, origin) in (1_u32..).zip(origins.iter().copied().cycle()) {
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
            let mut event = events::theft(origin, number, 1, "drill");
            event.published_at = clock::now_ms();
            event.reported_at = None;
            publisher.event(&event.sealed())?;
            if self.is_poisoned.load(Ordering::Relaxed) && number % POISON_EVERY == 0 {
                publisher.send(&record(wire::frame(installation.event_schema.0, b"no event"))?)?;
            }
            if self.must_ask.swap(false, Ordering::Relaxed) {
                publisher.send(&record(wire::frame(UNKNOWN_ID, b"no event"))?)?;
            }
            std::thread::sleep(PACE);
        }
        publisher.finish()
    }

    /// Whether some of it is poison from now on.
    pub(crate) fn poison(&self, is_poisoned: bool) {
        self.is_poisoned.store(is_poisoned, Ordering::Relaxed);
    }

    /// Sends one record of a schema that the fan-out has to ask for.
    pub(crate) fn ask_registry(&self) {
        self.must_ask.store(true, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

fn record(value: Vec<u8>) -> Result<Outgoing> {
    let topic = Topic::Reported(POISONED.parse()?);
    Ok(Outgoing { topic, key: Some(b"poison".to_vec()), value: Some(value), headers: Vec::new() })
}

//! Whether the process is alive and whether it is ready, as its parts report it.
//!
//! Alive: every part with a stall limit has shown progress lately. That never depends on Kafka, so a broker that is
//! down does not make a supervisor kill healthy daemons. Ready: every part says so and no stop is under way. It
//! restarts nothing; it only answers.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;
use crate::lifecycle::Shutdown;

/// The health of one process. Clones share their state.
#[derive(Clone)]
pub struct Health {
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
    components: Arc<Mutex<Vec<Component>>>,
}

/// An answer to a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// True answers 200, false 503.
    pub ok: bool,
    /// One line that says why, and one line per component where more was asked for.
    pub text: String,
}

/// A part of the daemon that reports on itself. Clones report as the same part.
#[derive(Clone)]
pub struct Component {
    clock: Arc<dyn Clock>,
    state: Arc<State>,
}

struct State {
    name: Cow<'static, str>,
    stall_after_ms: Option<u64>,
    beat_ms: AtomicU64,
    readiness: Mutex<Readiness>,
}

/// `reason` is `None` when ready.
struct Readiness {
    reason: Option<Cow<'static, str>>,
    since_ms: u64,
}

impl Health {
    /// Health without components yet, hence not ready.
    pub fn new(clock: Arc<dyn Clock>, shutdown: Shutdown) -> Self {
        Self { clock, shutdown, components: Arc::default() }
    }

    /// Adds a component, not ready for the reason "starting". A name already known gives that component again.
    ///
    /// With `stall_after_ms` the component must [`beat`](Component::beat) at least that often, from now on.
    pub fn component(&self, name: impl Into<Cow<'static, str>>, stall_after_ms: Option<u64>) -> Component {
        let name = name.into();
        let mut components = lock(&self.components);
        if let Some(known) = components.iter().find(|known| known.state.name == name) {
            return known.clone();
        }
        let now_ms = self.clock.uptime_ms();
        let readiness = Mutex::new(Readiness { reason: Some("starting".into()), since_ms: now_ms });
        let state = State { name, stall_after_ms, beat_ms: AtomicU64::new(now_ms), readiness };
        let component = Component { clock: Arc::clone(&self.clock), state: Arc::new(state) };
        components.push(component.clone());
        component
    }

    /// Each component's name and whether it is ready.
    pub(crate) fn readiness(&self) -> Vec<(Cow<'static, str>, bool)> {
        let components = lock(&self.components);
        components.iter().map(|known| (known.state.name.clone(), known.reason().is_none())).collect()
    }

    /// Whether every component with a stall limit has beaten within it.
    pub fn live(&self, verbose: bool) -> Report {
        let components = lock(&self.components).clone();
        let stalled = components.iter().find(|component| component.is_stalled());
        let verdict = stalled.map(|component| format!("{} has stalled", component.state.name));
        report("alive", verdict, verbose, &components)
    }

    /// Whether every component is ready, there is at least one, and no stop is under way.
    pub fn ready(&self, verbose: bool) -> Report {
        let components = lock(&self.components).clone();
        let verdict = if let Some(reason) = self.shutdown.reason() {
            Some(format!("stopping: {reason}"))
        } else if components.is_empty() {
            Some("starting".to_owned())
        } else {
            components.iter().find_map(|component| {
                let reason = component.reason()?;
                Some(format!("{} is not ready: {reason}", component.state.name))
            })
        };
        report("ready", verdict, verbose, &components)
    }
}

impl Component {
    /// Reports that this component does its work.
    pub fn ready(&self) {
        self.set(None);
    }

    /// Reports that it does not, and why: lower case, no personal data, shown to whoever probes.
    pub fn not_ready(&self, reason: impl Into<Cow<'static, str>>) {
        self.set(Some(reason.into()));
    }

    /// Shows progress. Cheap enough for every turn of a loop.
    pub fn beat(&self) {
        self.state.beat_ms.store(self.clock.uptime_ms(), Ordering::Relaxed);
    }

    fn set(&self, reason: Option<Cow<'static, str>>) {
        let mut readiness = lock(&self.state.readiness);
        if readiness.reason != reason {
            *readiness = Readiness { reason, since_ms: self.clock.uptime_ms() };
        }
    }

    fn reason(&self) -> Option<Cow<'static, str>> {
        lock(&self.state.readiness).reason.clone()
    }

    fn since_beat_ms(&self) -> u64 {
        self.clock.uptime_ms().saturating_sub(self.state.beat_ms.load(Ordering::Relaxed))
    }

    fn is_stalled(&self) -> bool {
        self.state.stall_after_ms.is_some_and(|limit_ms| self.since_beat_ms() > limit_ms)
    }

    /// `consumer: ready for 12 s; last beat 0 s ago, limit 30 s`
    fn line(&self) -> String {
        let readiness = lock(&self.state.readiness);
        let for_s = self.clock.uptime_ms().saturating_sub(readiness.since_ms) / 1_000;
        let mut line = match &readiness.reason {
            None => format!("{}: ready for {for_s} s", self.state.name),
            Some(reason) => format!("{}: not ready for {for_s} s: {reason}", self.state.name),
        };
        if let Some(limit_ms) = self.state.stall_after_ms {
            let ago_s = self.since_beat_ms() / 1_000;
            let stalled = if self.is_stalled() { ", stalled" } else { "" };
            line.push_str(&format!("; last beat {ago_s} s ago, limit {} s{stalled}", limit_ms / 1_000));
        }
        line
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").field("components", &*lock(&self.components)).finish_non_exhaustive()
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Component").field(&self.line()).finish()
    }
}

/// `wrong` is what speaks against `word`, if anything does.
fn report(word: &str, wrong: Option<String>, verbose: bool, components: &[Component]) -> Report {
    let ok = wrong.is_none();
    let mut text = wrong.unwrap_or_else(|| word.to_owned());
    text.push('\n');
    if verbose {
        text.extend(components.iter().map(|component| component.line() + "\n"));
    }
    Report { ok, text }
}

/// What these locks hold is whole after every statement, so a thread that panicked holding one has spoiled nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn health() -> (Health, Arc<ManualClock>, Shutdown) {
        let clock = Arc::new(ManualClock::new(1_700_000_000_000));
        let shutdown = Shutdown::new();
        (Health::new(clock.clone(), shutdown.clone()), clock, shutdown)
    }

    #[test]
    fn ready_when_every_component_is_and_there_is_one() {
        let (health, _, _) = health();
        assert_eq!(health.ready(false), Report { ok: false, text: "starting\n".into() });
        let consumer = health.component("consumer", None);
        let registry = health.component("registry", None);
        consumer.ready();
        assert_eq!(health.ready(false).text, "registry is not ready: starting\n");
        registry.ready();
        assert_eq!(health.ready(false), Report { ok: true, text: "ready\n".into() });
        consumer.not_ready("no partition assigned");
        assert_eq!(health.ready(false).text, "consumer is not ready: no partition assigned\n");
    }

    #[test]
    fn a_stop_makes_it_not_ready_and_leaves_it_alive() {
        let (health, _, shutdown) = health();
        health.component("consumer", Some(1_000)).ready();
        shutdown.trigger("SIGTERM");
        assert_eq!(health.ready(false), Report { ok: false, text: "stopping: SIGTERM\n".into() });
        assert!(health.live(false).ok);
    }

    #[test]
    fn a_component_that_stops_beating_is_not_alive_until_it_beats_again() {
        let (health, clock, _) = health();
        let consumer = health.component("consumer", Some(1_000));
        health.component("registry", None);
        clock.advance(1_000);
        assert!(health.live(false).ok);
        clock.advance(1);
        assert_eq!(health.live(false), Report { ok: false, text: "consumer has stalled\n".into() });
        consumer.beat();
        assert!(health.live(false).ok);
    }

    #[test]
    fn a_corrected_wall_clock_is_not_a_stall() {
        let (health, clock, _) = health();
        health.component("consumer", Some(1_000));
        clock.set(1_800_000_000_000);
        assert!(health.live(false).ok);
    }

    #[test]
    fn verbose_lists_state_reason_and_seconds() {
        let (health, clock, _) = health();
        let consumer = health.component("consumer", Some(30_000));
        let registry = health.component("registry", None);
        consumer.ready();
        registry.not_ready("unreachable");
        clock.advance(31_000);
        registry.not_ready("unreachable");
        assert_eq!(
            health.live(true).text,
            "consumer has stalled\n\
             consumer: ready for 31 s; last beat 31 s ago, limit 30 s, stalled\n\
             registry: not ready for 31 s: unreachable\n"
        );
    }

    #[test]
    fn a_name_registered_twice_is_one_component() {
        let (health, _, _) = health();
        health.component("worker", None).ready();
        health.component("worker", None);
        assert_eq!(health.ready(true).text, "ready\nworker: ready for 0 s\n");
    }
}

//! Keeps one place in the code from flooding the log: within ten seconds it gets so many lines; those beyond are left
//! out, counted, and told of.
//!
//! All levels are limited alike, and the first lines of each ten seconds always pass, so that no error goes unheard. One
//! small entry is kept for each place that has logged, so their number is that of such places in the program. What a
//! line says plays no part.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::callsite::Identifier;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::clock::Clock;

/// Within how long lines are counted together, in milliseconds.
pub(crate) const WINDOW_MS: u64 = 10_000;
/// Target of the lines that tell of others; they are not limited, since there is one at most for each place and window.
const TOLD: &str = "sanchar_runtime::logs::suppressed";

/// Counts the lines of each place in the code. Clones count together.
#[derive(Clone)]
pub struct LineLimit {
    lines_max: u32,
    clock: Arc<dyn Clock>,
    sites: Arc<Mutex<HashMap<Identifier, Site>>>,
}

/// A place in the code, and what it logged of late.
struct Site {
    metadata: &'static Metadata<'static>,
    began_ms: u64,
    lines: u32,
    suppressed: u64,
}

impl LineLimit {
    /// Lets `lines_max` lines of one place pass within ten seconds.
    pub(super) fn new(lines_max: u32, clock: Arc<dyn Clock>) -> Self {
        Self { lines_max, clock, sites: Arc::default() }
    }

    /// Logs for each place how many of its lines were left out since the last call, and gives the same to `count`: the
    /// lines' level and their number. Call it every now and then, and at the end.
    pub fn tell(&self, mut count: impl FnMut(Level, u64)) {
        for (metadata, suppressed) in self.take_suppressed() {
            count(*metadata.level(), suppressed);
            let site = format!("{}:{}", metadata.file().unwrap_or("?"), metadata.line().unwrap_or_default());
            let level = metadata.level().as_str();
            tracing::warn!(target: TOLD, site, of_level = level, suppressed, "lines were left out of the log: they came too often");
        }
    }

    fn admits(&self, metadata: &'static Metadata<'static>) -> bool {
        if metadata.target() == TOLD {
            return true;
        }
        let now_ms = self.clock.uptime_ms();
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        let site = sites.entry(metadata.callsite()).or_insert(Site {
            metadata,
            began_ms: now_ms,
            lines: 0,
            suppressed: 0,
        });
        if now_ms.saturating_sub(site.began_ms) >= WINDOW_MS {
            (site.began_ms, site.lines) = (now_ms, 0);
        }
        let passes = site.lines < self.lines_max;
        if passes {
            site.lines += 1;
        } else {
            site.suppressed += 1;
        }
        passes
    }

    /// Taken before anything is logged of it, since every line asks for the lock.
    fn take_suppressed(&self) -> Vec<(&'static Metadata<'static>, u64)> {
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = sites.values_mut().map(|site| (site.metadata, std::mem::take(&mut site.suppressed)));
        taken.filter(|(_, suppressed)| *suppressed > 0).collect()
    }
}

impl<S: Subscriber> Layer<S> for LineLimit {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        self.admits(event.metadata())
    }
}

impl fmt::Debug for LineLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineLimit").field("lines_max", &self.lines_max).finish_non_exhaustive()
    }
}

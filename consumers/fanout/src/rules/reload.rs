//! The rules in force, and their replacement while the service runs: on SIGHUP the folder is read again, and new rules take the
//! place of the old ones in one step, or not at all.

use super::{Rules, RulesError, read_folder};
use prometheus::{GaugeVec, IntCounterVec};
use sanchar_runtime::lifecycle::{Context, Failure};
use sanchar_runtime::metrics::Metrics;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

/// The rules in force. Clones see the same.
#[derive(Debug, Clone)]
pub struct CurrentRules(Arc<RwLock<Arc<Rules>>>);

impl CurrentRules {
    /// These rules, until others take their place.
    #[must_use]
    pub fn new(rules: Arc<Rules>) -> Self {
        Self(Arc::new(RwLock::new(rules)))
    }

    /// The rules in force now. Whoever decides about a record takes them once, so that no record sees two.
    #[must_use]
    pub fn get(&self) -> Arc<Rules> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, rules: Arc<Rules>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }
}

/// What is shown of the rules.
#[derive(Debug, Clone)]
pub struct RulesMetrics {
    info: GaugeVec,
    reloads: IntCounterVec,
}

/// Outcomes of reading the rules again.
pub const RELOAD_OUTCOMES: [&str; 2] = [TAKEN, REFUSED];
const TAKEN: &str = "taken";
const REFUSED: &str = "refused";

impl RulesMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// When a name is taken: a mistake in the program.
    pub fn new(metrics: &Metrics) -> Result<Self, Failure> {
        let reloads = metrics.counter_vec(
            "sanchar_rules_reloads_total",
            "Times that the routing rules were read again (SIGHUP), by outcome; refused rules leave the old ones in force.",
            &["outcome"],
        )?;
        for outcome in RELOAD_OUTCOMES {
            reloads.with_label_values(&[outcome]).inc_by(0);
        }
        let about = "1 for the routing rules in force, with their version and digest.";
        Ok(Self { info: metrics.gauge_vec("sanchar_rules_info", about, &["version", "digest"])?, reloads })
    }

    /// Shows the rules in force.
    pub fn show(&self, rules: &Rules) {
        self.info.reset();
        self.info.with_label_values(&[rules.version(), rules.digest()]).set(1.0);
    }
}

/// Reads the rules again whenever that is asked for. Without a folder the built-in rules stay. Never ends.
pub async fn reload_on(
    current: CurrentRules,
    folder: Option<&Path>,
    metrics: RulesMetrics,
    context: Context,
) {
    let mut reload = context.reload.listen();
    loop {
        reload.asked().await;
        let Some(folder) = folder.map(Path::to_owned) else {
            tracing::info!(
                "asked to read the rules again, and they are built in: name a folder in rules.folder"
            );
            continue;
        };
        let now_ms = context.clock.now_ms();
        let read = tokio::task::spawn_blocking(move || read_folder(&folder, now_ms)).await;
        let read = read
            .unwrap_or_else(|error| Err(RulesError::new("rules", format!("reading them failed: {error}"))));
        match read {
            Ok(rules) => {
                let before = current.get();
                tracing::info!(
                    version = rules.version(),
                    digest = rules.digest(),
                    before = before.digest(),
                    "the routing rules were read again"
                );
                metrics.show(&rules);
                current.replace(Arc::new(rules));
                metrics.reloads.with_label_values(&[TAKEN]).inc();
            }
            Err(error) => {
                tracing::error!(%error, "the routing rules cannot be used; those before stay in force");
                metrics.reloads.with_label_values(&[REFUSED]).inc();
            }
        }
    }
}

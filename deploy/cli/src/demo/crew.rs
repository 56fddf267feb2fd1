//! The daemons of a demonstration: one producer per state and the fan-out service, each with a context of its own, all
//! in this process.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sanchar_fanout::FanoutConfig;
use sanchar_producer::{Options, ProducerConfig};
use sanchar_runtime::clock::SystemClock;
use sanchar_runtime::lifecycle::{Context, Failure};
use sanchar_schemas::StateCode;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::examples;
use super::ledger::{Fanout, Found, Ledger, Source};
use crate::connection::Cluster;
use crate::scrape::Scrape;

/// How fast the producers publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Events per second, all producers together.
    PerSecond(u32),
    /// As fast as it goes.
    Unbounded,
}

impl Pace {
    /// Events per second of each of `producers`.
    fn share_of(self, producers: usize) -> Option<f64> {
        match self {
            Self::Unbounded => None,
            #[expect(clippy::cast_precision_loss, reason = "a handful of producers")]
            Self::PerSecond(rate) => Some(f64::from(rate) / producers as f64),
        }
    }
}

/// A daemon that runs in this process.
struct Daemon {
    context: Context,
    /// Until its end was taken up.
    task: Option<JoinHandle<Result<(), Failure>>>,
}

/// All daemons.
pub(super) struct Crew {
    fanout: Daemon,
    producers: BTreeMap<StateCode, Daemon>,
    /// Holds the states' files, checkpoints and quarantine until the end.
    folder: TempDir,
}

impl Crew {
    /// Starts the fan-out service, waits until it is ready, and starts the producers.
    ///
    /// # Errors
    /// When a daemon cannot start.
    pub(super) async fn start(cluster: &Cluster, pace: Pace) -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(|error| {
            Failure::temporary(format!("cannot make a folder for the states' files: {error}"))
        })?;
        let fanout = Daemon::fanout(cluster, folder.path())?;
        let mut crew = Self { fanout, producers: BTreeMap::new(), folder };
        crew.await_fanout().await?;
        let configs = examples::write(crew.folder.path())?;
        let share = pace.share_of(configs.len());
        for path in configs {
            let config = ProducerConfig::load(&path)?;
            crew.producers.insert(config.state.code, Daemon::producer(cluster, config, share)?);
        }
        Ok(crew)
    }

    async fn await_fanout(&mut self) -> Result<(), Failure> {
        for _ in 0..600 {
            if self.fanout.context.health.ready(false).ok {
                return Ok(());
            }
            self.check().await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let report = self.fanout.context.health.ready(true).text;
        Err(Failure::unavailable(format!("the fan-out service does not get ready: {report}")))
    }

    /// Whether a daemon has failed.
    ///
    /// # Errors
    /// With its own failure.
    pub(super) async fn check(&mut self) -> Result<(), Failure> {
        self.fanout.check().await?;
        for producer in self.producers.values_mut() {
            producer.check().await?;
        }
        Ok(())
    }

    pub(super) fn stop_producers(&self) {
        for producer in self.producers.values() {
            producer.context.shutdown.trigger("the demonstration ends");
        }
    }

    pub(super) fn producers_have_ended(&self) -> bool {
        self.producers.values().all(Daemon::has_ended)
    }

    /// Stops everybody.
    ///
    /// # Errors
    /// When a daemon fails, or does not stop.
    pub(super) async fn stop(&mut self) -> Result<(), Failure> {
        self.stop_producers();
        for producer in self.producers.values_mut() {
            producer.stop().await?;
        }
        self.fanout.stop().await
    }

    /// What the daemons counted, beside what was found.
    pub(super) fn ledger(&self, found: &Found) -> Ledger {
        let sources = self.producers.iter().map(|(state, producer)| (*state, producer.source())).collect();
        Ledger { sources, fanout: self.fanout.fanout_counts(), found: found.clone() }
    }
}

impl Daemon {
    fn fanout(cluster: &Cluster, folder: &Path) -> Result<Self, Failure> {
        let context = Context::new("sanchar-fanout", Arc::new(SystemClock))?;
        let mut config = FanoutConfig::new(cluster.kafka.clone(), cluster.registry.clone());
        config.register.folder = folder.join("register");
        let task = tokio::spawn(sanchar_fanout::run(config, context.clone()));
        Ok(Self { context, task: Some(task) })
    }

    /// A producer that publishes a state's file once. `pace` is its share of the demonstration's.
    fn producer(cluster: &Cluster, mut config: ProducerConfig, pace: Option<f64>) -> Result<Self, Failure> {
        let context = Context::new("sanchar-producer", Arc::new(SystemClock))?;
        config.kafka = cluster.kafka.clone();
        config.registry = cluster.registry.clone();
        config.publish.rate_per_second = pace;
        // Repeated rows are left to the fan-out service, to be seen in its books.
        config.publish.memory_records = 0;
        let options = Options { once: true, ..Options::default() };
        let work = sanchar_producer::run(config, options, context.clone());
        let task = tokio::spawn(async move { work.await.map(drop) });
        Ok(Self { context, task: Some(task) })
    }

    fn scrape(&self) -> Scrape {
        Scrape::parse(&self.context.metrics.render())
    }

    fn source(&self) -> Source {
        let scrape = self.scrape();
        Source {
            rows: scrape.sum("sanchar_rows_read_total"),
            quarantined: scrape.by("sanchar_rows_quarantined_total", "reason"),
            filtered: scrape.by("sanchar_rows_filtered_total", "reason"),
            published: scrape.sum("sanchar_rows_published_total"),
        }
    }

    fn fanout_counts(&self) -> Fanout {
        let scrape = self.scrape();
        Fanout {
            records_in: scrape.sum("sanchar_records_in_total"),
            forwarded: scrape.sum("sanchar_records_forwarded_total"),
            dropped: scrape.by("sanchar_records_dropped_total", "reason"),
            dead_lettered: scrape.by("sanchar_records_dead_lettered_total", "reason"),
            deliveries: scrape.sum("sanchar_deliveries_total"),
            withdrawals: scrape.sum("sanchar_withdrawals_total"),
        }
    }

    fn has_ended(&self) -> bool {
        self.task.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Takes up how a daemon ended, if it did by itself.
    async fn check(&mut self) -> Result<(), Failure> {
        if self.has_ended() { self.join().await } else { Ok(()) }
    }

    async fn stop(&mut self) -> Result<(), Failure> {
        self.context.shutdown.trigger("the demonstration ends");
        let limit = Duration::from_secs(15);
        let name = self.context.name;
        match tokio::time::timeout(limit, self.join()).await {
            Ok(ended) => ended,
            Err(_) => Err(Failure::temporary(format!("{name} did not stop within {} s", limit.as_secs()))),
        }
    }

    /// Waits for the end. A daemon whose end was taken up before has nothing more to say.
    async fn join(&mut self) -> Result<(), Failure> {
        let Some(task) = self.task.take() else { return Ok(()) };
        let name = self.context.name;
        task.await.map_err(|error| Failure::internal(format!("{name} has ended: {error}")))?
    }
}

//! The daemons of a demonstration: one producer per state and the fan-out service, each with a context of its own, all
//! in this process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sanchar_fanout::FanoutConfig;
use sanchar_runtime::clock::SystemClock;
use sanchar_runtime::lifecycle::{Context, Failure};
use sanchar_schemas::StateCode;
use tokio::task::JoinHandle;

use super::ledger::{Fanout, Found, Ledger, Source};
use super::scrape::Scrape;
use crate::connection::Cluster;

/// How fast the producers publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// Events per second, all producers together.
    PerSecond(u32),
    /// As fast as it goes.
    Unbounded,
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
}

impl Crew {
    /// Starts the fan-out service, waits until it is ready, and starts the producers.
    ///
    /// # Errors
    /// When a daemon cannot start.
    pub(super) async fn start(cluster: &Cluster, pace: Pace) -> Result<Self, Failure> {
        let fanout = Daemon::fanout(cluster)?;
        let mut crew = Self { fanout, producers: BTreeMap::new() };
        crew.await_fanout().await?;
        for (n, state) in ["IN-DL", "IN-HR"].iter().enumerate() {
            let state: StateCode = state.parse().map_err(|_| Failure::internal("x"))?;
            crew.producers.insert(state, Daemon::temp(cluster, state, pace, n)?);
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
    fn fanout(cluster: &Cluster) -> Result<Self, Failure> {
        let context = Context::new("sanchar-fanout", Arc::new(SystemClock))?;
        let config = FanoutConfig::new(cluster.kafka.clone(), cluster.registry.clone());
        let task = tokio::spawn(sanchar_fanout::run(config, context.clone()));
        Ok(Self { context, task: Some(task) })
    }

    fn temp(cluster: &Cluster, state: StateCode, pace: Pace, n: usize) -> Result<Self, Failure> {
        use rdkafka::producer::{FutureProducer, FutureRecord};
        let context = Context::new("sanchar-producer", Arc::new(SystemClock))?;
        let read = context.metrics.counter("sanchar_rows_read_total", "x")?;
        let published = context.metrics.counter("sanchar_rows_published_total", "x")?;
        let producer: FutureProducer = cluster
            .kafka
            .client_config("x")?
            .set("linger.ms", "5")
            .create()
            .map_err(|e| Failure::internal(e.to_string()))?;
        let space = cluster.space();
        let task = tokio::spawn(async move {
            for i in 0..100 {
                let mut event: sanchar_schemas::CrimeEvent =
                    serde_json::from_str(include_str!("../../../../schemas/examples/vehicle-stolen.json"))
                        .unwrap();
                event.origin = state;
                event.record_id =
                    sanchar_schemas::RecordId::new(state, "0764", 2026, &format!("{}", i - i % 10), "fir")
                        .unwrap();
                let event = event.sealed();
                read.inc();
                let value =
                    sanchar_schemas::wire::frame(1, &sanchar_schemas::codec::encode_event(&event).unwrap());
                let topic = space.name(sanchar_schemas::topics::Topic::Reported(state));
                let record = FutureRecord::to(&topic).key(event.record_id.case_key()).payload(&value);
                producer.send(record, Duration::from_secs(5)).await.unwrap();
                published.inc();
                if let Pace::PerSecond(rate) = pace {
                    tokio::time::sleep(Duration::from_millis(2000 / u64::from(rate))).await;
                }
            }
            let _ = n;
            Ok(())
        });
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
            filtered: scrape.by("sanchar_rows_filtered_total", "name"),
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

//! The workers of a process and the follower of their changelog: started together, stopped together.

use crate::client::Connector;
use crate::config::{Job, StreamConfig};
use crate::engine::Engine;
use crate::follower::Follower;
use crate::kafka::{KafkaChangelog, KafkaConnector};
use crate::metrics::{EngineMetrics, FollowerMetrics};
use crate::processor::{Processor, Standby};
use sanchar_runtime::backoff::Backoff;
use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::lifecycle::{Context, Failure};
use std::thread::ScopedJoinHandle;

/// Runs one worker for each of `processors` until the service is asked to stop, and then stops them all. Blocks.
///
/// # Errors
/// The first failure of a worker, which stops the others.
pub fn run<P: Processor + Send>(
    kafka: &KafkaConfig,
    job: &Job,
    config: &StreamConfig,
    processors: Vec<P>,
    standby: impl Standby + 'static,
    context: &Context,
) -> Result<(), Failure> {
    let metrics = EngineMetrics::new(&context.metrics)?;
    let follower = Follower::start(
        KafkaChangelog::new(kafka.clone(), job.changelog_topic.clone()),
        standby,
        Backoff::new(config.retry_min_ms, config.retry_max_ms),
        FollowerMetrics::new(&context.metrics)?,
        context,
    )?;
    let engines = processors.into_iter().enumerate().map(|(worker, processor)| {
        let job = job.for_worker(worker);
        let (kafka, config) = (kafka.clone(), config.clone());
        let connector = KafkaConnector::new(kafka, config.clone(), job.clone(), context.shutdown.clone());
        Engine::new(connector, processor, job, config, context.clone(), metrics.clone(), follower.followed())
    });
    let result = work(engines.collect(), context);
    result.and(follower.stop())
}

fn work<C, P>(engines: Vec<Engine<C, P>>, context: &Context) -> Result<(), Failure>
where
    C: Connector + Send,
    P: Processor + Send,
{
    std::thread::scope(|scope| {
        let start = |(worker, engine): (usize, Engine<C, P>)| {
            let name = format!("worker-{}", worker + 1);
            std::thread::Builder::new().name(name).spawn_scoped(scope, move || {
                let _others = StopOthers(context);
                engine.run()
            })
        };
        let started: Vec<_> = engines.into_iter().enumerate().map(start).collect();
        let ends = started.into_iter().map(|worker| match worker {
            Ok(worker) => end_of(worker),
            Err(error) => {
                context.shutdown.trigger("a worker cannot be started");
                Err(Failure::temporary(format!("a thread cannot be started: {error}")))
            }
        });
        ends.collect::<Vec<_>>().into_iter().collect()
    })
}

/// Stops the other workers when one has ended, whatever ended it.
struct StopOthers<'a>(&'a Context);

impl Drop for StopOthers<'_> {
    fn drop(&mut self) {
        self.0.shutdown.trigger("a worker has ended");
    }
}

fn end_of(worker: ScopedJoinHandle<'_, Result<(), Failure>>) -> Result<(), Failure> {
    worker.join().unwrap_or_else(|_| Err(Failure::internal("a worker panicked")))
}

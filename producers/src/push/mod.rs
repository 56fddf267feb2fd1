//! Items that are sent to this daemon: `POST /v1/events`, answered with 202 once they are safe in the spool.
//!
//! [`open`] puts the parts together. The broker has no part in it: items are taken while it is away.

mod answer;
mod body;
mod caller;
mod config;
mod items;
mod judge;
mod metrics;
mod routes;
mod server;
mod tls;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use openssl::ssl::SslAcceptor;
use sanchar_runtime::lifecycle::{Context, Failure};
use sanchar_runtime::secret::Secret;
use tokio::sync::Semaphore;

use crate::config::ProducerConfig;
use crate::publish::Ledger;
use crate::spool::{Intake, Spool, Surroundings};
use crate::worker::settle_saved;
use body::BodyLimits;
use caller::Callers;
pub use config::{PushConfig, TlsConfig};
use judge::Judge;
pub(crate) use metrics::PushMetrics;
use routes::{Door, router};
use server::{Server, bind};

/// The open door.
#[derive(Debug)]
pub(crate) struct Push {
    /// What was accepted.
    pub(crate) spool: Spool,
    /// Where items are taken.
    pub(crate) address: SocketAddr,
    serving: tokio::task::JoinHandle<()>,
    writing: JoinHandle<()>,
}

/// What the files say that `[push]` names: who may send, and by which certificate this daemon is known.
pub(crate) struct Credentials {
    tokens: Vec<Secret>,
    acceptor: Option<SslAcceptor>,
}

impl Credentials {
    /// Reads them, relative to `base`: the same for the daemon and for whoever looks whether it could start.
    ///
    /// # Errors
    /// [`Failure`] with exit code 78, naming the file that cannot be used.
    pub(crate) fn read(push: &PushConfig, base: &Path) -> Result<Self, Failure> {
        let tokens = push.all_tokens(base)?;
        let acceptor = push.tls.as_ref().map(|tls| tls::acceptor(tls, base)).transpose()?;
        Ok(Self { tokens, acceptor })
    }
}

/// Opens the spool under `config` and the listener before it. `ledger` is nudged when there is something to read.
///
/// # Errors
/// [`Failure`], with what cannot be used and the remedy.
pub(crate) async fn open(
    config: &ProducerConfig,
    push: &PushConfig,
    context: &Context,
    ledger: &Arc<Ledger>,
) -> Result<Push, Failure> {
    let component = context.health.component("push", None);
    let Credentials { tokens, acceptor } = Credentials::read(push, config.base())?;
    let judge = Judge::new(config, push.max_items, Arc::clone(&context.clock));
    let judge = Arc::new(judge.map_err(|error| Failure::config(error.to_string()))?);
    let listener = bind(push.listen).await?;
    let address =
        listener.local_addr().map_err(|error| Failure::temporary(format!("push.listen: {error}")))?;

    let (spool, memory) = {
        let (config, judge) = (config.clone(), Arc::clone(&judge));
        let opening = tokio::task::spawn_blocking(move || {
            let spool = open_spool(&config)?;
            let memory = judge.recall(&spool);
            let failed = |error| Failure::temporary(format!("a file of the spool cannot be read ({error})"));
            memory.map(|memory| (spool, memory)).map_err(failed)
        });
        opening.await.map_err(|error| Failure::internal(format!("the spool cannot be opened: {error}")))??
    };
    let nudged = Arc::clone(ledger);
    let around = Surroundings {
        context: context.clone(),
        state: config.state.code,
        memory,
        batches_max: push.max_requests_in_flight,
        wake: Box::new(move || nudged.nudge()),
    };
    let (intake, writing) = Intake::start(spool.clone(), around)?;
    let door = Door {
        callers: Callers::new(&tokens),
        limits: BodyLimits::new(push.max_body_bytes, push.body_timeout(), push.max_bytes_in_flight),
        places: Arc::new(Semaphore::new(push.max_requests_in_flight)),
        judge,
        intake,
        metrics: PushMetrics::register(&context.metrics, config.state.code)?,
        stop: context.shutdown.clone(),
    };
    let server = Server {
        listener,
        acceptor,
        router: router(Arc::new(door)),
        header_timeout: push.header_timeout(),
        connections_max: u32::try_from(push.max_connections).unwrap_or(u32::MAX),
    };
    let grace = Duration::from_millis(config.lifecycle.shutdown_grace_ms / 10 * 8);
    let serving = tokio::spawn(server.serve(context.shutdown.clone(), grace));
    component.ready();
    tracing::info!(%address, tls = push.tls.is_some(), "items are taken");
    Ok(Push { spool, address, serving, writing })
}

/// The spool of `config`, with what its checkpoints say.
///
/// # Errors
/// [`Failure`], when it cannot be used.
pub(crate) fn open_spool(config: &ProducerConfig) -> Result<Spool, Failure> {
    let spool = Spool::open(&config.store_folder(), &config.spool)?;
    settle_saved(config, &spool)?;
    Ok(spool)
}

impl Push {
    /// Waits until the last request is answered and the spool is closed. Begins when the context's shutdown is triggered.
    pub(crate) async fn closed(self) {
        let Self { serving, writing, .. } = self;
        let ended = serving.await;
        // The spool's thread ends with the last connection; one that outlasts the grace is not waited for.
        let joined = tokio::task::spawn_blocking(move || writing.join());
        drop(tokio::time::timeout(Duration::from_secs(1), joined).await);
        if let Err(error) = ended {
            tracing::error!(%error, "the push listener has ended early");
        }
    }
}

//! What the listener answers: the way of one request from its headers to 202.
//!
//! Who sends, what and how much is decided before the body is read; the body is judged as a whole; only then is it spooled.

use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use sanchar_runtime::lifecycle::Shutdown;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::{Accepted, Problem, Refused};
use super::body::{BodyLimits, Held, pass_over, shape};
use super::caller::{Callers, Peer};
use super::items::Shape;
use super::judge::{Judge, Judged};
use super::metrics::PushMetrics;
use crate::spool::{CommitError, Intake, Refusal};

/// What senders can know of this server.
const OPENAPI: &str = include_str!("openapi.json");

/// What all requests share.
pub(super) struct Door {
    pub(super) callers: Callers,
    pub(super) limits: BodyLimits,
    /// A permit for each request that may be worked on.
    pub(super) places: Arc<Semaphore>,
    pub(super) judge: Arc<Judge>,
    pub(super) intake: Intake,
    pub(super) metrics: PushMetrics,
    pub(super) stop: Shutdown,
}

/// The server's paths.
pub(super) fn router(door: Arc<Door>) -> Router {
    Router::new()
        .route("/v1/events", post(events))
        .route("/v1/openapi.json", get(openapi))
        .fallback(|| async { Problem::from(Refused::NotFound) })
        .method_not_allowed_fallback(|| async { Problem::from(Refused::MethodNotAllowed) })
        .layer(from_fn_with_state(Arc::clone(&door), count))
        .with_state(door)
}

async fn count(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    door.metrics.answered(response.status().as_u16());
    response
}

async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI)
}

async fn events(
    State(door): State<Arc<Door>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Result<Accepted, Problem> {
    let (shape, place) = match door.admit(peer, &headers) {
        Ok(admitted) => admitted,
        Err(refused) => {
            pass_over(body).await;
            return Err(refused.into());
        }
    };
    let read = door.limits.read(body).await;
    let mut held = read.map_err(|refused| match refused {
        Refused::TooLarge => Problem::beyond(refused, door.limits.bytes_max),
        _ => refused.into(),
    })?;
    held.permits.push(place);
    let (held, judged) = door.judge(held, shape).await?;
    let Judged { mut batch, skipped } = judged;
    // Should the sender go away, what its request takes up is still counted until the batch is done.
    batch.held = held.permits;
    let receipt = door.intake.commit(batch).await;
    let receipt = receipt.map_err(|error| match error {
        CommitError::Refused(Refusal::Bytes) => Refused::SpoolFull.into(),
        CommitError::Refused(Refusal::Age) => Refused::SpoolOld.into(),
        CommitError::Refused(Refusal::Disk) => Refused::Disk.into(),
        CommitError::Busy => Refused::Busy.into(),
        CommitError::Closed => Refused::Stopping.into(),
        CommitError::IdentityTaken(indices) => door.judge.taken(&held.bytes, shape, &indices),
    })?;
    let counts = Accepted { accepted: receipt.accepted, duplicates: receipt.duplicates, skipped };
    door.metrics.accepted(counts);
    Ok(counts)
}

impl Door {
    /// What is decided before the body is read.
    fn admit(&self, peer: Peer, headers: &HeaderMap) -> Result<(Shape, OwnedSemaphorePermit), Refused> {
        if !self.callers.may_send(peer, headers) {
            return Err(Refused::Unauthorized);
        }
        if self.stop.is_triggered() {
            return Err(Refused::Stopping);
        }
        let shape = shape(headers)?;
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Refused::Busy)?;
        Ok((shape, place))
    }

    /// Judges a body on a thread for such work: ten thousand items take longer than other requests should wait.
    async fn judge(&self, held: Held, shape: Shape) -> Result<(Held, Judged), Problem> {
        let judge = Arc::clone(&self.judge);
        let work = tokio::task::spawn_blocking(move || {
            let judged = judge.judge(&held.bytes, shape);
            (held, judged)
        });
        let (held, judged) = work.await.map_err(|_| Refused::Stopping)?;
        Ok((held, judged?))
    }
}

//! A schema registry in memory: the endpoints of Confluent's API that our own clients use, and no more.
//!
//! It knows Avro without references and the rules `NONE` and `FULL_TRANSITIVE`; a request for anything else is refused
//! in the API's own form. Paths and error codes follow
//! <https://docs.confluent.io/platform/current/schema-registry/develop/api.html>.

mod store;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use sanchar_runtime::lifecycle::Failure;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use store::{Refusal, Store, Version};

type Shared = State<Arc<Mutex<Store>>>;
type Answer = Result<Json<Value>, Refusal>;

/// A registry that answers as long as this value lives.
#[derive(Debug)]
pub struct EmbeddedRegistry {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl EmbeddedRegistry {
    /// Starts a registry on a free loopback port.
    ///
    /// # Errors
    /// [`Failure`] when no port can be had.
    pub async fn start() -> Result<Self, Failure> {
        let refused = |error| Failure::temporary(format!("cannot start the embedded registry: {error}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router()).await {
                tracing::error!(%error, "the embedded registry has ended");
            }
        });
        Ok(Self { address, server })
    }

    /// Where its API begins.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for EmbeddedRegistry {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn router() -> Router {
    Router::new()
        .route("/subjects", get(subjects))
        .route("/subjects/{subject}", post(look_up))
        .route("/subjects/{subject}/versions", get(versions).post(register))
        .route("/subjects/{subject}/versions/{version}", get(version))
        .route("/schemas/ids/{id}", get(schema))
        .route("/compatibility/subjects/{subject}/versions", post(compatible_with_all))
        .route("/compatibility/subjects/{subject}/versions/{version}", post(compatible_with_one))
        .route("/config", get(rule).put(set_rule))
        .route("/config/{subject}", get(rule_of).put(set_rule_of))
        .fallback(|| async { Refusal::no_such_path() })
        .with_state(Arc::default())
}

async fn subjects(State(store): Shared) -> Answer {
    Ok(Json(json!(lock(&store).subjects())))
}

async fn versions(State(store): Shared, Path(subject): Path<String>) -> Answer {
    Ok(Json(json!(lock(&store).versions(&subject)?)))
}

async fn version(State(store): Shared, Path((subject, version)): Path<(String, Version)>) -> Answer {
    Ok(Json(lock(&store).version(&subject, version)?))
}

async fn schema(State(store): Shared, Path(id): Path<u32>) -> Answer {
    Ok(Json(json!({ "schema": lock(&store).schema(id)? })))
}

async fn look_up(State(store): Shared, Path(subject): Path<String>, body: Bytes) -> Answer {
    Ok(Json(lock(&store).look_up(&subject, &schema_of(&body)?)?))
}

async fn register(State(store): Shared, Path(subject): Path<String>, body: Bytes) -> Answer {
    Ok(Json(json!({ "id": lock(&store).register(&subject, &schema_of(&body)?)? })))
}

async fn compatible_with_all(State(store): Shared, Path(subject): Path<String>, body: Bytes) -> Answer {
    lock(&store).compatible(&subject, None, &schema_of(&body)?).map(verdict)
}

async fn compatible_with_one(
    State(store): Shared,
    Path((subject, version)): Path<(String, Version)>,
    body: Bytes,
) -> Answer {
    lock(&store).compatible(&subject, Some(version), &schema_of(&body)?).map(verdict)
}

async fn rule(State(store): Shared) -> Answer {
    Ok(Json(json!({ "compatibilityLevel": lock(&store).rule(None) })))
}

async fn rule_of(State(store): Shared, Path(subject): Path<String>) -> Answer {
    Ok(Json(json!({ "compatibilityLevel": lock(&store).rule(Some(&subject)) })))
}

async fn set_rule(State(store): Shared, body: Bytes) -> Answer {
    Ok(Json(json!({ "compatibility": lock(&store).set_rule(None, &rule_in(&body)?)? })))
}

async fn set_rule_of(State(store): Shared, Path(subject): Path<String>, body: Bytes) -> Answer {
    Ok(Json(json!({ "compatibility": lock(&store).set_rule(Some(&subject), &rule_in(&body)?)? })))
}

fn verdict(incompatibility: Option<String>) -> Json<Value> {
    Json(json!({ "is_compatible": incompatibility.is_none(), "messages": Vec::from_iter(incompatibility) }))
}

/// The schema in a request's body, whatever media type its client claims.
fn schema_of(body: &[u8]) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Request {
        schema: String,
        #[serde(default)]
        schema_type: Option<String>,
        #[serde(default)]
        references: Vec<Value>,
    }
    let request: Request = serde_json::from_slice(body).map_err(|error| Refusal::bad_request(&error))?;
    let is_avro = request.schema_type.is_none_or(|kind| kind == "AVRO");
    if is_avro && request.references.is_empty() {
        Ok(request.schema)
    } else {
        Err(Refusal::invalid_schema("the embedded registry takes Avro schemas without references"))
    }
}

fn rule_in(body: &[u8]) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Request {
        compatibility: String,
    }
    let request: Request = serde_json::from_slice(body).map_err(|error| Refusal::bad_request(&error))?;
    Ok(request.compatibility)
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(json!({ "error_code": self.code, "message": self.message }))).into_response()
    }
}

/// What the store holds is whole after every call, so a handler that panicked has spoiled nothing.
fn lock(store: &Mutex<Store>) -> std::sync::MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

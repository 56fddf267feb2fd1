//! A schema registry for tests: a few ids, and one that it cannot answer for.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use sanchar_schemas::schema::Record;
use serde_json::{Value, json};

/// The newest schema of events.
pub(crate) const EVENT: u32 = 1;
/// A schema of events with a text more at its end, as a later version could have.
pub(crate) const LATER_EVENT: u32 = 2;
/// The schema of what inboxes hold.
pub(crate) const SHARED: u32 = 3;
/// Not a schema at all.
pub(crate) const INVALID: u32 = 4;
/// The registry fails at it.
pub(crate) const FAILING: u32 = 5;
/// The registry does not know it.
pub(crate) const UNKNOWN: u32 = 6;

/// Serves it on a port of its own; gives the address.
pub(crate) async fn serve() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let router = Router::new().route("/schemas/ids/{id}", get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn answer(Path(id): Path<u32>) -> (StatusCode, String) {
    let schema = match id {
        EVENT => Record::CrimeEvent.latest().text.clone(),
        LATER_EVENT => later_event(),
        SHARED => Record::SharedCrimeEvent.latest().text.clone(),
        INVALID => "{}".to_owned(),
        FAILING => return (StatusCode::SERVICE_UNAVAILABLE, String::new()),
        _ => return (StatusCode::NOT_FOUND, json!({"error_code": 40403, "message": "no"}).to_string()),
    };
    (StatusCode::OK, json!({ "schema": schema }).to_string())
}

fn later_event() -> String {
    let mut schema: Value = serde_json::from_str(&Record::CrimeEvent.latest().text).unwrap();
    schema["fields"].as_array_mut().unwrap().push(json!({"name": "later", "type": "string", "default": ""}));
    schema.to_string()
}

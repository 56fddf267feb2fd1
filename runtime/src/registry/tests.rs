//! Against a small registry of our own that answers what it is told to.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use tokio::net::TcpListener;

use super::*;
use crate::config::effective;

const RECORD: &str = r#"{"type":"record","name":"sanchar.Probe","fields":[{"name":"a","type":"long"}]}"#;

/// Answers by method and path; anything else is a 404 in a registry's form.
#[derive(Clone, Default)]
struct Fake {
    answers: Arc<Mutex<HashMap<String, (u16, String)>>>,
    asked: Arc<AtomicUsize>,
    login: Arc<Mutex<Option<String>>>,
}

impl Fake {
    fn answer(&self, request: &str, status: u16, body: impl Into<String>) {
        self.answers.lock().unwrap().insert(request.to_owned(), (status, body.into()));
    }

    fn knows(&self, id: u32) {
        let body = serde_json::json!({ "schema": RECORD }).to_string();
        self.answer(&format!("GET /schemas/ids/{id}"), 200, body);
    }

    async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(respond).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }
}

async fn respond(State(fake): State<Fake>, request: Request) -> Response {
    fake.asked.fetch_add(1, Ordering::SeqCst);
    let login = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
    *fake.login.lock().unwrap() = login;
    let key = format!("{} {}", request.method(), request.uri().path());
    let unknown = (404, r#"{"error_code":40403,"message":"Schema not found"}"#.to_owned());
    let (status, body) = fake.answers.lock().unwrap().get(&key).cloned().unwrap_or(unknown);
    Response::builder().status(StatusCode::from_u16(status).unwrap()).body(Body::from(body)).unwrap()
}

fn config(address: SocketAddr) -> RegistryConfig {
    RegistryConfig { url: format!("http://{address}/"), timeout_ms: 500, ..RegistryConfig::default() }
}

async fn started() -> (Fake, RegistryClient) {
    let fake = Fake::default();
    let client = RegistryClient::new(&config(fake.start().await)).unwrap();
    (fake, client)
}

#[tokio::test]
async fn a_found_schema_is_fetched_once() {
    let (fake, client) = started().await;
    fake.knows(7);
    for _ in 0..3 {
        let schema = client.clone().schema_by_id(SchemaId(7)).await.unwrap();
        assert_eq!(schema.name().unwrap().to_string(), "sanchar.Probe");
    }
    assert_eq!(fake.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_unknown_id_is_asked_for_again() {
    let (fake, client) = started().await;
    let error = client.schema_by_id(SchemaId(7)).await.unwrap_err();
    assert_eq!(error, RegistryError::NotFound { what: "schema id 7".into() });
    assert!(!error.is_retryable());
    fake.knows(7);
    assert!(client.schema_by_id(SchemaId(7)).await.is_ok());
}

#[tokio::test]
async fn only_a_registrys_own_404_means_unknown() {
    let (fake, client) = started().await;
    for body in ["<html>not here</html>", r#"{"error_code":404,"message":"HTTP 404 Not Found"}"#, ""] {
        fake.answer("GET /schemas/ids/7", 404, body);
        assert!(client.schema_by_id(SchemaId(7)).await.unwrap_err().is_retryable(), "{body}");
    }
}

#[tokio::test]
async fn a_registry_in_trouble_is_retryable() {
    let (fake, client) = started().await;
    for status in [401, 403, 408, 429, 500, 502, 503, 504] {
        fake.answer("GET /schemas/ids/7", status, r#"{"error_code":50001,"message":"backend"}"#);
        let error = client.schema_by_id(SchemaId(7)).await.unwrap_err();
        assert!(error.is_retryable() && error.to_string().contains(&status.to_string()), "{status}: {error}");
    }
    fake.answer("GET /schemas/ids/7", 200, "<html>maintenance</html>");
    assert!(client.schema_by_id(SchemaId(7)).await.unwrap_err().is_retryable());
    fake.knows(7);
    assert!(client.schema_by_id(SchemaId(7)).await.is_ok());
}

#[tokio::test]
async fn a_registry_that_is_down_or_silent_is_retryable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = RegistryClient::new(&config(listener.local_addr().unwrap())).unwrap();
    let error = silent.schema_by_id(SchemaId(1)).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    drop(listener);
    let error = silent.id_of("sanchar.Probe", RECORD).await.unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("check registry.url"), "{error}");
    assert!(silent.set_compatibility("sanchar.Probe", "FULL_TRANSITIVE").await.unwrap_err().is_retryable());
}

#[tokio::test]
async fn what_is_no_avro_schema_is_invalid() {
    let (fake, client) = started().await;
    let bodies = [
        serde_json::json!({ "schema": "{\"type\":\"rekord\"}" }),
        serde_json::json!({ "schema": "{}", "schemaType": "JSON" }),
    ];
    for body in bodies {
        fake.answer("GET /schemas/ids/7", 200, body.to_string());
        let error = client.schema_by_id(SchemaId(7)).await.unwrap_err();
        assert!(matches!(error, RegistryError::Invalid { .. }), "{error}");
    }
}

#[tokio::test]
async fn looking_up_an_id_never_registers() {
    let (fake, client) = started().await;
    let error = client.id_of("sanchar.Probe", RECORD).await.unwrap_err();
    assert!(matches!(error, RegistryError::NotFound { .. }), "{error}");
    fake.answer("POST /subjects/sanchar.Probe", 200, r#"{"subject":"sanchar.Probe","version":1,"id":9}"#);
    assert_eq!(client.id_of("sanchar.Probe", RECORD).await, Ok(SchemaId(9)));
}

#[tokio::test]
async fn the_operators_calls() {
    let (fake, client) = started().await;
    let versions = "POST /subjects/sanchar.Probe/versions";
    fake.answer(versions, 200, r#"{"id":3}"#);
    assert_eq!(client.register("sanchar.Probe", RECORD).await, Ok(SchemaId(3)));
    fake.answer(versions, 409, r#"{"error_code":409,"message":"field removed"}"#);
    let error = client.register("sanchar.Probe", RECORD).await.unwrap_err();
    assert!(
        matches!(&error, RegistryError::Incompatible { reason, .. } if reason == "field removed"),
        "{error}"
    );
    fake.answer(versions, 422, r#"{"error_code":42201,"message":"not avro"}"#);
    assert!(matches!(client.register("sanchar.Probe", "{").await, Err(RegistryError::Invalid { .. })));

    assert_eq!(client.check_compatible("sanchar.Probe", RECORD).await, Ok(true), "a new subject");
    fake.answer("POST /compatibility/subjects/sanchar.Probe/versions", 200, r#"{"is_compatible":false}"#);
    assert_eq!(client.check_compatible("sanchar.Probe", RECORD).await, Ok(false));

    fake.answer("PUT /config/sanchar.Probe", 200, r#"{"compatibility":"FULL_TRANSITIVE"}"#);
    assert_eq!(client.set_compatibility("sanchar.Probe", "FULL_TRANSITIVE").await, Ok(()));
    fake.answer("PUT /config/sanchar.Probe", 422, r#"{"error_code":42203,"message":"no such level"}"#);
    let error = client.set_compatibility("sanchar.Probe", "FULL").await.unwrap_err();
    assert!(matches!(error, RegistryError::Invalid { .. }), "{error}");

    fake.answer("GET /subjects", 200, r#"["sanchar.Probe"]"#);
    assert_eq!(client.subjects().await, Ok(vec!["sanchar.Probe".to_owned()]));
}

#[tokio::test]
async fn both_ways_to_log_in_reach_the_registry() {
    let fake = Fake::default();
    fake.knows(7);
    fake.answer("PUT /config/s", 200, "{}");
    let plain = config(fake.start().await);
    let token = RegistryConfig { token: Some(Secret::new("t0ken")), ..plain.clone() };
    let basic =
        RegistryConfig { username: Some("fanout".into()), password: Some(Secret::new("pw")), ..plain };
    for (config, header) in [(token, "Bearer t0ken"), (basic, "Basic ZmFub3V0OnB3")] {
        let client = RegistryClient::new(&config).unwrap();
        client.schema_by_id(SchemaId(7)).await.unwrap();
        assert_eq!(fake.login.lock().unwrap().take().as_deref(), Some(header));
        client.set_compatibility("s", "FULL").await.unwrap();
        assert_eq!(fake.login.lock().unwrap().take().as_deref(), Some(header));
        let shown = format!("{client:?} {config:?} {}", effective(&config).unwrap());
        assert!(!shown.contains("t0ken") && !shown.contains("pw"), "{shown}");
    }
}

#[test]
fn a_worker_thread_can_wait_for_a_schema() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (fake, client) = runtime.block_on(started());
    fake.knows(7);
    let handle = runtime.handle().clone();
    let worker = std::thread::spawn(move || client.schema_by_id_blocking(&handle, SchemaId(7)).is_ok());
    assert!(worker.join().unwrap());
}

#[test]
fn settings_that_cannot_be_used_name_the_field() {
    let with = |change: fn(&mut RegistryConfig)| {
        let mut config = RegistryConfig { url: "http://registry:8081".into(), ..RegistryConfig::default() };
        change(&mut config);
        config.check().unwrap_err().to_string()
    };
    for (error, part) in [
        (with(|c| c.url.clear()), "registry.url is not a url"),
        (with(|c| c.url = "ftp://x".into()), "http:// or https://"),
        (with(|c| c.url = "http://u:hunter2@x".into()), "registry.username"),
        (with(|c| c.password = Some(Secret::new("hunter2"))), "set both"),
        (with(|c| c.ca_file = Some("/nonexistent/ca.pem".into())), "registry.ca_file cannot use"),
        (with(|c| c.token_file = Some("/nonexistent/t".into())), "registry.token_file cannot read"),
    ] {
        assert!(error.contains(part) && !error.contains("hunter2"), "{error}");
    }
    let both = RegistryConfig {
        url: "http://registry".into(),
        username: Some("u".into()),
        token: Some(Secret::new("t")),
        ..RegistryConfig::default()
    };
    assert!(both.check().unwrap_err().to_string().contains("keep one way"));
}

#[tokio::test]
async fn a_registry_that_refuses_the_log_in_has_answered_all_the_same() {
    let (fake, client) = started().await;
    fake.answer("GET /subjects", 401, "no");
    let greeting = client.greet().await.unwrap();
    assert_eq!(greeting.status, 401);
    let date = greeting.date.unwrap();
    assert!(date.ends_with(" GMT"), "{date}");
    let nobody = RegistryClient::new(&config("127.0.0.1:1".parse().unwrap())).unwrap();
    let error = nobody.greet().await.unwrap_err().to_string();
    assert!(error.contains("onnection refused"), "{error}");
}

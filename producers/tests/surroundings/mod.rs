//! What a producer has around it, small: librdkafka's mock broker, a registry that answers what it is told to, and Goa's example in a
//! folder of its own.

#[path = "../../../tests/src/address.rs"]
#[expect(unreachable_pub, reason = "the same file is public in the tests of the whole")]
mod address;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use tokio::net::TcpListener;

pub(crate) use address::own_address;

/// A mock broker.
pub(crate) type Cluster = MockCluster<'static, DefaultProducerContext>;

/// A broker with these topics, of two partitions as the contract has them.
pub(crate) fn cluster(topics: &[&str]) -> Cluster {
    let cluster = MockCluster::new(1).unwrap();
    for topic in topics {
        cluster.create_topic(topic, 2, 1).unwrap();
    }
    cluster
}

/// What the registry answers.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    /// Status of the list of subjects.
    pub(crate) subjects: u16,
    /// Whether it knows the schema.
    pub(crate) knows: bool,
    /// The `Date` header, instead of the true one.
    pub(crate) date: Option<String>,
    /// The text of `/metrics`.
    pub(crate) metrics: String,
    /// How often that was asked for.
    pub(crate) looks: usize,
}

impl Default for Answers {
    fn default() -> Self {
        Self { subjects: 200, knows: true, date: None, metrics: String::new(), looks: 0 }
    }
}

/// Answers that a test may change while they are given.
pub(crate) type Shared = Arc<Mutex<Answers>>;

/// Serves them. Gives the address.
pub(crate) async fn serve(answers: Answers) -> (SocketAddr, Shared) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shared: Shared = Arc::new(Mutex::new(answers));
    let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, shared)
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let mut answers = shared.lock().unwrap();
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => {
            answers.looks += 1;
            (200, answers.metrics.clone())
        }
        (&Method::GET, _) => (answers.subjects, "[]".to_owned()),
        _ if answers.knows => {
            (200, r#"{"subject":"sanchar.CrimeEvent","id":41,"version":1,"schema":"{}"}"#.to_owned())
        }
        _ => (404, r#"{"error_code":40403,"message":"Schema not found"}"#.to_owned()),
    };
    let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
    if let Some(date) = &answers.date {
        response = response.header("date", date);
    }
    response.body(Body::from(body)).unwrap()
}

/// Goa's example with its data in `folder`, for this broker, registry and port; `change` is applied to its text.
pub(crate) fn goa(
    folder: &Path,
    bootstrap: &str,
    registry: SocketAddr,
    listen: SocketAddr,
    change: impl Fn(String) -> String,
) -> PathBuf {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples");
    std::fs::create_dir_all(folder.join("data")).unwrap();
    std::fs::copy(examples.join("data/goa-firs.csv"), folder.join("data/goa-firs.csv")).unwrap();
    let text = std::fs::read_to_string(examples.join("goa.toml")).unwrap();
    let text = text
        .replace("127.0.0.1:9092", bootstrap)
        .replace("127.0.0.1:8081/apis/ccompat/v7\"", &format!("{registry}\"\ntimeout_ms = 60000"))
        .replace("127.0.0.1:9476", &listen.to_string());
    let path = folder.join("goa.toml");
    std::fs::write(&path, change(text)).unwrap();
    path
}

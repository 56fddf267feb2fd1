//! An OpenTelemetry collector for tests: it takes spans as OTLP over HTTP in JSON, and keeps them. One request for each
//! connection.

use anyhow::Result;
use serde_json::Value;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// A collector; it serves until the process ends.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    spans: Arc<Mutex<Vec<Collected>>>,
}

/// A span as it arrived.
#[derive(Debug, Clone)]
pub struct Collected {
    /// The daemon that sent it.
    pub service: String,
    /// The span itself, in OTLP's JSON.
    pub span: Value,
}

impl Collected {
    /// A text of the span, such as `traceId`; empty where it has none.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.span.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// Names of what it tells.
    #[must_use]
    pub fn attributes(&self) -> Vec<&str> {
        let attributes = self.span.get("attributes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        attributes.iter().filter_map(|attribute| attribute.get("key")?.as_str()).collect()
    }
}

impl Collector {
    /// Starts one on a free port.
    ///
    /// # Errors
    /// When there is none.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let spans = Arc::<Mutex<Vec<Collected>>>::default();
        let kept = Arc::clone(&spans);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that fails is the sender's to notice.
                drop(take(&client, &kept));
            }
        });
        Ok(Self { address, spans })
    }

    /// The `[telemetry]` table that sends all traces here.
    #[must_use]
    pub fn telemetry_toml(&self) -> String {
        format!("[telemetry]\notlp = \"http://{}\"\nshare = 1.0\n", self.address)
    }

    /// Everything so far.
    #[must_use]
    pub fn spans(&self) -> Vec<Collected> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn take(client: &TcpStream, kept: &Mutex<Vec<Collected>>) -> io::Result<()> {
    let mut reader = BufReader::new(client);
    let (mut request, mut length) = (String::new(), 0);
    reader.read_line(&mut request)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().map_err(|_| io::ErrorKind::InvalidData)?;
        }
        if line.trim_end().is_empty() {
            break;
        }
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    let taken = request.starts_with("POST /v1/traces ").then(|| serde_json::from_slice(&body));
    let status = match taken {
        Some(Ok(body)) => {
            kept.lock().unwrap_or_else(PoisonError::into_inner).extend(collected(&body));
            "200 OK"
        }
        _ => "400 Bad Request",
    };
    let mut client = client;
    write!(
        client,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
    )
}

fn collected(body: &Value) -> Vec<Collected> {
    let list =
        |value: &Value, field: &str| value.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut all = Vec::new();
    for resource in list(body, "resourceSpans") {
        let attributes =
            resource.get("resource").map(|resource| list(resource, "attributes")).unwrap_or_default();
        let name =
            attributes.iter().find(|attribute| attribute.get("key").is_some_and(|key| key == "service.name"));
        let service = name.and_then(|name| name.pointer("/value/stringValue")?.as_str()).unwrap_or_default();
        for scope in list(&resource, "scopeSpans") {
            let spans = list(&scope, "spans").into_iter();
            all.extend(spans.map(|span| Collected { service: service.to_owned(), span }));
        }
    }
    all
}

//! Sends spans to a collector: OTLP 1 over HTTP, in its JSON encoding, which every collector takes.
//!
//! It is written by hand because the OpenTelemetry crates would bring a dozen others, read settings from the environment past
//! the configuration file, and tell nobody how many spans they dropped; what is needed of the protocol is one message. Nothing
//! is tried again: a collector that is away costs spans, which are counted, and never a record.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinHandle;

use super::span::{Attribute, Span, attribute};
use crate::VERSION;
use crate::lifecycle::Shutdown;
use crate::metrics::{Metrics, SpanOutcome};
use crate::unanswered::Unanswered;

/// Most spans of one request: less than 500 KiB.
const BATCH_SPANS_MAX: usize = 512;
/// How long the end of the daemon waits for what is left.
const LAST_WITHIN: Duration = Duration::from_secs(2);

/// The task that sends.
#[derive(Debug)]
pub(crate) struct Exporter {
    task: JoinHandle<()>,
    stop: Shutdown,
}

impl Exporter {
    /// Sends what comes out of `spans` as those of the daemon `name`, until [`Exporter::finish`].
    pub(super) fn start(
        url: String,
        client: Client,
        name: &'static str,
        spans: Receiver<Span>,
        metrics: Metrics,
    ) -> Self {
        let stop = Shutdown::new();
        let sender = Sender { url, client, name, metrics };
        let task = tokio::spawn(sender.send_all(spans, stop.clone()));
        Self { task, stop }
    }

    /// Sends what is left, for a moment.
    pub(crate) async fn finish(self) {
        self.stop.trigger("the daemon ends");
        if tokio::time::timeout(LAST_WITHIN, self.task).await.is_err() {
            tracing::warn!("the collector takes too long; the last spans are lost");
        }
    }
}

struct Sender {
    url: String,
    client: Client,
    name: &'static str,
    metrics: Metrics,
}

impl Sender {
    /// While one request is under way, the spans of the next gather.
    async fn send_all(self, mut spans: Receiver<Span>, stop: Shutdown) {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                taken = spans.recv_many(&mut batch, BATCH_SPANS_MAX) => {
                    if taken == 0 {
                        return;
                    }
                    self.send(&batch).await;
                    batch.clear();
                }
                () = stop.triggered(), if !spans.is_closed() => spans.close(),
            }
        }
    }

    async fn send(&self, batch: &[Span]) {
        let body = request(self.name, batch).to_string();
        let sent =
            self.client.post(&self.url).header(CONTENT_TYPE, "application/json").body(body).send().await;
        let outcome = match refusal(&sent) {
            None => SpanOutcome::Sent,
            Some(cause) => {
                let spans = batch.len();
                tracing::warn!(
                    cause,
                    spans,
                    "the collector does not take spans, so they are dropped: check telemetry.otlp, and that the collector is up and takes OTLP as JSON"
                );
                SpanOutcome::Refused
            }
        };
        self.metrics.spans(outcome, batch.len() as u64);
    }
}

/// Why a batch was not taken; `None` where it was.
fn refusal(sent: &reqwest::Result<Response>) -> Option<String> {
    match sent {
        Ok(response) if response.status().is_success() => None,
        Ok(response) => Some(format!("it answers with http status {}", response.status().as_u16())),
        Err(error) => Some(Unanswered::of(error).to_string()),
    }
}

/// An `ExportTraceServiceRequest`.
fn request(name: &str, batch: &[Span]) -> Value {
    let resource = [("service.namespace", "sanchar"), ("service.name", name), ("service.version", VERSION)]
        .map(|(key, value)| attribute(key, &Attribute::Name(value.to_owned())));
    let spans: Vec<Value> = batch.iter().map(Span::to_json).collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": { "name": "sanchar", "version": VERSION }, "spans": spans }],
    }] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refusal_says_why() {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap();
        // Port 1 is never served on loopback.
        let refused = refusal(&client.post("http://127.0.0.1:1/v1/traces").send().await);
        assert_eq!(refused.as_deref(), Some("nothing listens there"));
        let unknown = refusal(&client.post("http://nobody.invalid/v1/traces").send().await);
        assert_eq!(unknown.as_deref(), Some("no host has that name"));
        let answered = |status| {
            let answer = axum::http::Response::builder().status(status).body("").unwrap();
            refusal(&Ok(Response::from(answer)))
        };
        assert_eq!(answered(415).as_deref(), Some("it answers with http status 415"));
        assert_eq!(answered(200), None);
    }
}

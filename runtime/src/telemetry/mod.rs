//! Traces of records for an OpenTelemetry collector, where the operator names one; off otherwise, at no cost for a record.
//!
//! A record's trace begins where it is published and goes on where it is delivered; its id travels in a header
//! ([`TraceContext`]). Whether a trace is kept depends on its id alone, so that daemons with the same share keep the same
//! ones, whoever runs them. Nothing here ever waits for the collector.

mod context;
mod export;
mod span;

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Url};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{self, Receiver, Sender};

pub use context::TraceContext;
pub(crate) use export::Exporter;
pub use span::{Attribute, Span, SpanKind};

use crate::config::ConfigError;
use crate::lifecycle::Failure;
use crate::metrics::{Metrics, SpanOutcome};

/// Spans that wait for the collector: about a megabyte. What comes when it is full is dropped and counted.
const QUEUE_SPANS_MAX: usize = 4_096;

/// How long the collector may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The `[telemetry]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetryConfig {
    /// Where a collector takes OTLP over HTTP, for example `http://127.0.0.1:4318`; `/v1/traces` is put behind it. Without
    /// it nothing is traced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp: Option<String>,
    /// Share of all traces that is kept, from 0 to 1. Daemons with the same share keep the same traces. Default 0.01.
    pub share: f64,
}

impl TelemetryConfig {
    /// Nothing is traced.
    pub const OFF: Self = Self { otlp: None, share: 0.01 };

    /// Whether it can be used. Does not connect.
    ///
    /// # Errors
    /// [`ConfigError`] naming the field and the remedy.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(0.0..=1.0).contains(&self.share) {
            return Err(ConfigError::field("telemetry.share", "is a share: use a number from 0 to 1"));
        }
        self.traces_url().map(drop)
    }

    fn traces_url(&self) -> Result<Option<String>, ConfigError> {
        let Some(otlp) = &self.otlp else { return Ok(None) };
        let refuse = |problem: &str| Err(ConfigError::field("telemetry.otlp", problem));
        let Ok(url) = Url::parse(otlp) else {
            return refuse("is not a url: write it like http://host:4318");
        };
        if !matches!(url.scheme(), "http" | "https") {
            return refuse("has to begin with http:// or https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse(
                "holds a log-in, which would be shown: let a collector on this machine log in further on",
            );
        }
        Ok(Some(format!("{}/v1/traces", url.as_str().trim_end_matches('/'))))
    }
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self::OFF
    }
}

/// Registers what is shown of traces: what the catalogue of metrics is made from. Only a daemon with a collector shows it.
///
/// # Errors
/// When the name is taken: a mistake in the program.
pub fn register_all(metrics: &Metrics) -> Result<(), Failure> {
    metrics.register_spans()
}

/// Takes spans of the traces that are kept. Clones share one queue; the default keeps none.
#[derive(Debug, Clone, Default)]
pub struct Tracer(Option<Arc<Queue>>);

#[derive(Debug)]
struct Queue {
    /// Traces whose dice show less are kept.
    kept_below: u64,
    spans: Sender<Span>,
    metrics: Metrics,
}

impl Tracer {
    /// A tracer that keeps this share of all traces, and where its spans come out.
    #[must_use]
    pub fn new(share: f64, metrics: &Metrics) -> (Self, Receiver<Span>) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 2^56")]
        let kept_below = (share.clamp(0.0, 1.0) * f64::from(2_u32).powi(56)) as u64;
        let (spans, receiver) = mpsc::channel(QUEUE_SPANS_MAX);
        (Self(Some(Arc::new(Queue { kept_below, spans, metrics: metrics.clone() }))), receiver)
    }

    /// The tracer of the daemon `name`, and the task that sends what it takes; neither where it is off.
    pub(crate) fn start(
        config: &TelemetryConfig,
        name: &'static str,
        metrics: &Metrics,
    ) -> Result<(Self, Option<Exporter>), Failure> {
        let Some(url) = config.traces_url()? else { return Ok((Self::default(), None)) };
        // A daemon goes where its configuration says, whatever proxies the environment names.
        let client = Client::builder().no_proxy().timeout(ANSWER_WITHIN).build();
        let client = client.map_err(|error| {
            Failure::from(ConfigError::field("telemetry.otlp", format!("cannot be used: {error}")))
        })?;
        register_all(metrics)?;
        let (tracer, spans) = Self::new(config.share, metrics);
        tracing::info!(share = config.share, "traces are sent to a collector");
        Ok((tracer, Some(Exporter::start(url, client, name, spans, metrics.clone()))))
    }

    /// Whether any trace is kept. Ask before anything is done for one.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Whether this trace is kept.
    #[must_use]
    pub fn keeps(&self, context: TraceContext) -> bool {
        self.0.as_ref().is_some_and(|queue| context.dice() < queue.kept_below)
    }

    /// A new trace, which says whether it is kept.
    #[must_use]
    pub fn begin(&self) -> TraceContext {
        let context = TraceContext::new();
        if self.keeps(context) { context.recorded() } else { context }
    }

    /// Takes a span of a trace that is kept. Where the queue is full, it is dropped and counted.
    pub fn send(&self, span: Span) {
        if let Some(queue) = &self.0
            && queue.spans.try_send(span).is_err()
        {
            queue.metrics.spans(SpanOutcome::Dropped, 1);
        }
    }
}

#[cfg(test)]
mod tests;

//! What is kept, what a collector of our own gets, and what becomes of spans that nobody takes.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::config::effective;

/// Takes what is posted to `/v1/traces`, or refuses it.
#[derive(Clone)]
struct Collector {
    got: Arc<Mutex<Vec<(String, Value)>>>,
    status: StatusCode,
}

impl Collector {
    async fn start(status: StatusCode) -> (Self, SocketAddr) {
        let collector = Self { got: Arc::default(), status };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/v1/traces", post(take)).with_state(collector.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (collector, address)
    }

    fn spans(&self) -> Vec<Value> {
        let got = self.got.lock().unwrap();
        let of =
            |body: &Value| body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone();
        got.iter().flat_map(|(_, body)| of(body)).collect()
    }
}

async fn take(
    State(collector): State<Collector>,
    headers: axum::http::HeaderMap,
    body: String,
) -> (StatusCode, &'static str) {
    let kind = headers["content-type"].to_str().unwrap().to_owned();
    collector.got.lock().unwrap().push((kind, serde_json::from_str(&body).unwrap()));
    (collector.status, "{}")
}

fn config(address: SocketAddr, share: f64) -> TelemetryConfig {
    TelemetryConfig { otlp: Some(format!("http://{address}/")), share }
}

fn span(name: &'static str, context: TraceContext, parent: Option<TraceContext>) -> Span {
    let attributes = vec![
        ("sanchar.origin", Attribute::Name("IN-DL".to_owned())),
        ("sanchar.copies", Attribute::Number(3)),
    ];
    let (started_ms, ended_ms) = (1_768_000_000_000, 1_768_000_000_025);
    Span { name, kind: SpanKind::Consumer, context, parent, started_ms, ended_ms, attributes }
}

fn counted(metrics: &Metrics, outcome: &str) -> String {
    let text = metrics.render();
    let prefix = format!("sanchar_trace_spans_total{{outcome=\"{outcome}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap().to_owned()
}

#[tokio::test]
async fn a_collector_gets_spans_as_the_protocol_has_them() {
    let (collector, address) = Collector::start(StatusCode::OK).await;
    let metrics = Metrics::new("sanchar-test").unwrap();
    let (tracer, exporter) = Tracer::start(&config(address, 1.0), "sanchar-test", &metrics).unwrap();
    let first = TraceContext::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
    let second = first.child();
    tracer.send(span("publish", first, None));
    tracer.send(span("process", second, Some(first)));
    exporter.unwrap().finish().await;

    let spans = collector.spans();
    let expected = json!({
        "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "parentSpanId": "",
        "name": "publish", "kind": 5,
        "startTimeUnixNano": "1768000000000000000", "endTimeUnixNano": "1768000000025000000",
        "attributes": [
            {"key": "sanchar.origin", "value": {"stringValue": "IN-DL"}},
            {"key": "sanchar.copies", "value": {"intValue": "3"}},
        ],
    });
    assert_eq!(spans[0], expected);
    assert_eq!(
        (&spans[1]["parentSpanId"], &spans[1]["traceId"]),
        (&expected["spanId"], &expected["traceId"])
    );
    assert_eq!(spans[1]["spanId"], second.span_id());
    let (kind, body) = collector.got.lock().unwrap()[0].clone();
    assert_eq!(kind, "application/json");
    let resource = body["resourceSpans"][0]["resource"]["attributes"].to_string();
    assert!(resource.contains(r#""service.name","value":{"stringValue":"sanchar-test"}"#), "{resource}");
    assert_eq!((counted(&metrics, "sent"), counted(&metrics, "dropped")), ("2".to_owned(), "0".to_owned()));
}

#[tokio::test]
async fn spans_that_are_not_taken_are_counted_and_nobody_waits() {
    let (_, address) = Collector::start(StatusCode::SERVICE_UNAVAILABLE).await;
    // Port 1 is never served on loopback.
    let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
    for address in [address, nobody] {
        let metrics = Metrics::new("sanchar-test").unwrap();
        let (tracer, exporter) = Tracer::start(&config(address, 1.0), "sanchar-test", &metrics).unwrap();
        tracer.send(span("publish", tracer.begin(), None));
        exporter.unwrap().finish().await;
        assert_eq!(
            (counted(&metrics, "refused"), counted(&metrics, "sent")),
            ("1".to_owned(), "0".to_owned())
        );
    }
}

#[test]
fn a_full_queue_drops_and_counts() {
    let metrics = Metrics::new("sanchar-test").unwrap();
    register_all(&metrics).unwrap();
    let (tracer, queue) = Tracer::new(1.0, &metrics);
    for _ in 0..QUEUE_SPANS_MAX + 7 {
        tracer.send(span("publish", tracer.begin(), None));
    }
    assert_eq!((queue.len(), counted(&metrics, "dropped")), (QUEUE_SPANS_MAX, "7".to_owned()));
}

#[test]
fn a_share_of_the_traces_is_kept_and_everybody_keeps_the_same() {
    let metrics = Metrics::new("sanchar-test").unwrap();
    let [none, few, half, all] = [0.0, 0.1, 0.5, 1.0].map(|share| Tracer::new(share, &metrics).0);
    let traces: Vec<TraceContext> = (0..10_000).map(|_| TraceContext::new()).collect();
    let kept = |tracer: &Tracer| traces.iter().filter(|trace| tracer.keeps(**trace)).count();
    assert_eq!((kept(&none), kept(&all)), (0, traces.len()));
    // Six standard deviations to either side.
    assert!((820..1_180).contains(&kept(&few)) && (4_700..5_300).contains(&kept(&half)));
    assert!(traces.iter().all(|trace| half.keeps(*trace) || !few.keeps(*trace)));
    let other = Tracer::new(0.1, &metrics).0;
    assert!(traces.iter().all(|trace| other.keeps(trace.child()) == few.keeps(*trace)));
    assert!(all.begin().is_recorded() && !none.begin().is_recorded());
}

#[tokio::test]
async fn without_a_collector_nothing_is_traced() {
    let metrics = Metrics::new("sanchar-test").unwrap();
    let (tracer, exporter) = Tracer::start(&TelemetryConfig::OFF, "sanchar-test", &metrics).unwrap();
    assert!(exporter.is_none() && !tracer.is_on());
    assert!(!tracer.keeps(TraceContext::new()) && !tracer.begin().is_recorded());
    tracer.send(span("publish", tracer.begin(), None));
    assert!(!metrics.render().contains("sanchar_trace_spans_total"), "nothing is counted that cannot happen");
}

#[test]
fn what_cannot_be_used_is_refused_with_the_field() {
    for (otlp, share, field) in [
        (Some("collector:4318"), 0.5, "telemetry.otlp"),
        (Some("grpc://collector"), 0.5, "telemetry.otlp"),
        (Some("http://user:secret@collector"), 0.5, "telemetry.otlp"),
        (None, 1.5, "telemetry.share"),
        (None, f64::NAN, "telemetry.share"),
    ] {
        let config = TelemetryConfig { otlp: otlp.map(str::to_owned), share };
        let error = config.check().unwrap_err().to_string();
        assert!(error.starts_with(field) && !error.contains("secret"), "{error}");
    }
    let config = TelemetryConfig { otlp: Some("http://collector:4318/".to_owned()), ..TelemetryConfig::OFF };
    assert_eq!(config.traces_url().unwrap().unwrap(), "http://collector:4318/v1/traces");
    assert_eq!(effective(&TelemetryConfig::OFF).unwrap().trim(), "share = 0.01");
}

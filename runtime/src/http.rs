//! The HTTP server of a daemon: two probes and the metrics.
//!
//! It listens on the loopback address unless told otherwise, needs no credentials and shows neither configuration
//! nor records. Events never travel through it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::health::{Health, Report};
use crate::lifecycle::{Failure, Shutdown};
use crate::metrics::Metrics;

/// The `[http]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Address and port of `/livez`, `/readyz` and `/metrics`. Default `127.0.0.1:9464`; port 0 takes a free one.
    pub listen: SocketAddr,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)) }
    }
}

const NOT_FOUND: &str = "not found; this server answers /livez, /readyz (both with ?verbose) and /metrics\n";

/// Binds now, then serves until `stop` is triggered. Returns the bound address.
///
/// # Errors
/// [`Failure`]: configuration (78) when the address is not this machine's or not permitted, unavailable (69) when
/// it is in use.
pub async fn serve(
    config: &HttpConfig,
    metrics: Metrics,
    health: Health,
    stop: Shutdown,
) -> Result<SocketAddr, Failure> {
    let listen = config.listen;
    let listener = TcpListener::bind(listen).await.map_err(|error| cannot_bind(listen, &error))?;
    let address = listener.local_addr().map_err(|error| cannot_bind(listen, &error))?;
    let server = axum::serve(listener, router(metrics, health))
        .with_graceful_shutdown(async move { stop.triggered().await });
    tokio::spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the http server has ended");
        }
    });
    Ok(address)
}

fn router(metrics: Metrics, health: Health) -> Router {
    let live = |State(health): State<Health>, RawQuery(query): RawQuery| async move {
        answer(health.live(is_verbose(query.as_deref())))
    };
    let ready = |State(health): State<Health>, RawQuery(query): RawQuery| async move {
        answer(health.ready(is_verbose(query.as_deref())))
    };
    let exposition = move |State(health): State<Health>| async move {
        ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], metrics.scrape(&health))
    };
    Router::new()
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(exposition))
        .fallback(|| async { (StatusCode::NOT_FOUND, NOT_FOUND) })
        .with_state(health)
}

fn answer(report: Report) -> Response {
    let status = if report.ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, report.text).into_response()
}

/// As Kubernetes' own probes take it: `?verbose`, with or without a value.
fn is_verbose(query: Option<&str>) -> bool {
    query.unwrap_or_default().split('&').any(|pair| pair.split('=').next() == Some("verbose"))
}

fn cannot_bind(listen: SocketAddr, error: &io::Error) -> Failure {
    let message = format!("http.listen: cannot listen on {listen} ({error})");
    match error.kind() {
        io::ErrorKind::AddrInUse => Failure::unavailable(format!(
            "{message}: stop what uses the port, or choose another with http.listen"
        )),
        _ => Failure::config(format!("{message}: choose an address of this machine and a port above 1023")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::ManualClock;
    use crate::lifecycle::ExitCode;

    struct Served {
        address: SocketAddr,
        health: Health,
        shutdown: Shutdown,
        stop: Shutdown,
    }

    async fn served() -> Served {
        let (shutdown, stop) = (Shutdown::new(), Shutdown::new());
        let health = Health::new(Arc::new(ManualClock::new(0)), shutdown.clone());
        let config = HttpConfig { listen: "127.0.0.1:0".parse().unwrap() };
        let metrics = Metrics::new("sanchar-test").unwrap();
        let address = serve(&config, metrics, health.clone(), stop.clone()).await.unwrap();
        Served { address, health, shutdown, stop }
    }

    async fn get(address: SocketAddr, path: &str) -> (u16, String) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let response = client.get(format!("http://{address}{path}")).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    #[tokio::test]
    async fn probes_metrics_and_a_helpful_404() {
        let Served { address, health, .. } = served().await;
        assert_ne!(address.port(), 0);
        assert_eq!(get(address, "/readyz").await, (503, "starting\n".to_owned()));
        health.component("consumer", None).ready();
        assert_eq!(get(address, "/readyz").await, (200, "ready\n".to_owned()));
        assert_eq!(get(address, "/readyz?verbose").await.1, "ready\nconsumer: ready for 0 s\n");
        assert_eq!(get(address, "/livez").await, (200, "alive\n".to_owned()));
        let metrics = get(address, "/metrics").await.1;
        assert!(metrics.contains("sanchar_build_info"), "{metrics}");
        assert!(metrics.contains("sanchar_component_ready{component=\"consumer\"} 1"), "{metrics}");
        let (status, text) = get(address, "/").await;
        assert!(status == 404 && text.contains("/livez, /readyz") && text.contains("/metrics"));
    }

    #[tokio::test]
    async fn a_stop_is_visible_before_the_server_ends() {
        let Served { address, health, shutdown, stop } = served().await;
        health.component("consumer", None).ready();
        shutdown.trigger("SIGTERM");
        assert_eq!(get(address, "/readyz").await.0, 503);
        assert_eq!(get(address, "/livez").await.0, 200);
        stop.trigger("drained");
        for _ in 0..100 {
            if TcpListener::bind(address).await.is_ok() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("the port is still taken");
    }

    #[tokio::test]
    async fn a_port_in_use_and_a_foreign_address_fail_early() {
        let Served { address, health, stop, .. } = served().await;
        let metrics = Metrics::new("sanchar-test").unwrap();
        let taken = HttpConfig { listen: address };
        let error = serve(&taken, metrics.clone(), health.clone(), stop.clone()).await.unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::Unavailable);
        assert!(error.to_string().contains("choose another with http.listen"), "{error}");

        let foreign = HttpConfig { listen: "192.0.2.1:9464".parse().unwrap() };
        let error = serve(&foreign, metrics, health, stop).await.unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::Config);
    }

    #[test]
    fn verbose_is_a_flag() {
        for (query, verbose) in [
            (None, false),
            (Some("verbose"), true),
            (Some("a=1&verbose=1"), true),
            (Some("verbosely"), false),
        ] {
            assert_eq!(is_verbose(query), verbose, "{query:?}");
        }
    }
}

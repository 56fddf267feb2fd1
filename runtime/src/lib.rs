//! The chassis of every Sanchar daemon: what a long-running process needs before it does any work.
//!
//! Configuration, secrets, logs, metrics, traces, health, a small HTTP server, an orderly start and stop with documented
//! exit codes, Kafka client settings and a schema registry client. It knows no crime: nothing here reads a record
//! or decides where one goes. A daemon's `main` is `cli::parse` followed by `lifecycle::run_daemon`.

pub mod backoff;
pub mod certificates;
pub mod cli;
pub mod clock;
pub mod config;
pub mod health;
pub mod http;
pub mod kafka;
pub mod lifecycle;
pub mod logs;
pub mod metrics;
pub mod registry;
pub mod secret;
mod systemd;
pub mod telemetry;
pub mod unanswered;

/// The release this process was built from; every crate of the workspace carries the same one.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

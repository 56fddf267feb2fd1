//! What is watched, and whether those who watch it agree: the metrics that the code registers, the page that lists them
//! (`deploy/monitoring/METRICS.md`), alert rules and dashboards.
//!
//! Read [`catalogue`] for what there is, [`labels`] for the values that labels take, and [`expressions`] for what a query
//! names. It talks to no server.

pub mod catalogue;
pub mod dashboards;
pub mod expressions;
pub mod labels;
pub mod page;
pub mod rules;

use std::path::{Path, PathBuf};

/// The folder with everything about monitoring.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/monitoring")
}

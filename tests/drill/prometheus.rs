//! A Prometheus of the drill's own: the real program, with the rules of `deploy/monitoring/alerts` as they are, on a port of
//! the loopback. The job names are those of the example, for the rules go by them.

use anyhow::{Context as _, Result, ensure};
use sanchar_tests::address::own_address;
use sanchar_tests::daemon::{get, wait_for};
use sanchar_tests::monitoring::folder;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running Prometheus; killed when dropped.
#[derive(Debug)]
pub(crate) struct Prometheus {
    child: Child,
    address: String,
}

/// An alert that is pending or fires.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Alert {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) state: String,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Alerts {
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
struct Samples {
    result: Vec<Sample>,
}

/// Labels, and a moment with the value at it.
#[derive(Deserialize)]
struct Sample {
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

impl Alert {
    pub(crate) fn name(&self) -> &str {
        self.labels.get("alertname").map_or("", String::as_str)
    }

    pub(crate) fn fires(&self) -> bool {
        self.state == "firing"
    }
}

impl Prometheus {
    /// Starts it; `jobs` are names and addresses to be scraped.
    pub(crate) fn start(program: &Path, in_folder: &Path, jobs: &[(&str, String)]) -> Result<Self> {
        let config = in_folder.join("prometheus.yml");
        fs::write(&config, configuration(jobs))?;
        let address = own_address().to_string();
        let log = File::create(in_folder.join("prometheus.log"))?;
        let child = Command::new(program)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", in_folder.join("prometheus").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let mut prometheus = Self { child, address };
        wait_for("Prometheus to be ready", || {
            if let Some(status) = prometheus.child.try_wait()? {
                anyhow::bail!(
                    "Prometheus ended with {status}; see {}",
                    in_folder.join("prometheus.log").display()
                );
            }
            Ok(get(&prometheus.address, "/-/ready")
                .is_ok_and(|answer| answer.starts_with("200"))
                .then_some(()))
        })?;
        Ok(prometheus)
    }

    /// Every alert that is pending or fires.
    pub(crate) fn alerts(&self) -> Result<Vec<Alert>> {
        let alerts: Alerts = self.ask("/api/v1/alerts")?;
        Ok(alerts.alerts)
    }

    /// The newest values of a metric, by job.
    pub(crate) fn values(&self, metric: &str) -> Result<BTreeMap<String, f64>> {
        let samples: Samples = self.ask(&format!("/api/v1/query?query={metric}"))?;
        let value = |sample: Sample| Some((sample.metric.get("job")?.clone(), sample.value.1.parse().ok()?));
        Ok(samples.result.into_iter().filter_map(value).collect())
    }

    fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let answer = get(&self.address, path)?;
        let (status, body) = answer.split_once(' ').context("an answer")?;
        ensure!(status == "200", "Prometheus answers {answer}");
        let answer: Answer<T> = serde_json::from_str(body).with_context(|| body.to_owned())?;
        Ok(answer.data)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The example's intervals and jobs, with the drill's own addresses.
fn configuration(jobs: &[(&str, String)]) -> String {
    let rules = folder().join("alerts/*.yml");
    let mut text = format!(
        "global:\n  scrape_interval: 15s\n  evaluation_interval: 15s\nrule_files:\n  - {}\nscrape_configs:\n",
        rules.display()
    );
    for (job, address) in jobs {
        text += &format!("  - job_name: {job}\n    static_configs:\n      - targets: [\"{address}\"]\n");
    }
    text
}

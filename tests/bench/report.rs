//! The figures: a table for people, JSON for programs.

use anyhow::Result;
use serde_json::{Map, Value, json};
use std::path::Path;

pub(crate) struct Report {
    drain: Map<String, Value>,
    restart: Map<String, Value>,
    latency: Map<String, Value>,
}

const COLUMNS: [(&str, &str); 4] = [
    ("events_per_s", "events/s"),
    ("deliveries_per_s", "deliveries/s"),
    ("cpu_us_per_event", "CPU µs/event"),
    ("peak_rss_mib", "peak RSS MiB"),
];

impl Report {
    pub(crate) fn new() -> Self {
        Self { drain: Map::new(), restart: Map::new(), latency: Map::new() }
    }

    pub(crate) fn drain(&mut self, engine: &str, figures: &[(&str, f64)]) {
        let figures = figures.iter().map(|(name, figure)| ((*name).to_owned(), json!(round(*figure))));
        self.drain.insert(engine.to_owned(), Value::Object(figures.collect()));
    }

    pub(crate) fn restart(&mut self, figures: &[(&str, f64)]) {
        self.restart.extend(figures.iter().map(|(name, figure)| ((*name).to_owned(), json!(round(*figure)))));
    }

    pub(crate) fn latency(&mut self, rate: u32, mut latencies_ms: Vec<f64>) {
        latencies_ms.sort_by(f64::total_cmp);
        let percentile = |percent: usize| {
            let rank = (latencies_ms.len() * percent / 100).min(latencies_ms.len().saturating_sub(1));
            round(latencies_ms.get(rank).copied().unwrap_or(f64::NAN))
        };
        let figures = json!({
            "deliveries": latencies_ms.len(),
            "p50_ms": percentile(50),
            "p99_ms": percentile(99),
            "max_ms": percentile(100),
        });
        self.latency.insert(rate.to_string(), figures);
    }

    pub(crate) fn print(&self) {
        if !self.drain.is_empty() {
            println!(
                "\n{:<34}{}",
                "drain (medians)",
                COLUMNS.map(|(_, title)| format!("{title:>14}")).concat()
            );
            for (engine, figures) in &self.drain {
                let cells = COLUMNS
                    .map(|(name, _)| format!("{:>14}", figures.get(name).map_or_else(String::new, cell)));
                println!("{engine:<34}{}", cells.concat());
            }
        }
        if !self.restart.is_empty() {
            println!("\n{:<34}{:>14}{:>14}", "restart after SIGKILL", "records known", "s to delivery");
            let cells = ["register_records", "first_delivery_s"]
                .map(|name| format!("{:>14}", self.restart.get(name).map_or_else(String::new, cell)));
            println!("{:<34}{}", "", cells.concat());
        }
        if !self.latency.is_empty() {
            println!(
                "\n{:<34}{:>14}{:>14}{:>14}{:>14}",
                "latency at events/s", "deliveries", "p50 ms", "p99 ms", "max ms"
            );
            for (rate, figures) in &self.latency {
                let cells = ["deliveries", "p50_ms", "p99_ms", "max_ms"];
                let cells =
                    cells.map(|name| format!("{:>14}", figures.get(name).map_or_else(String::new, cell)));
                println!("{rate:<34}{}", cells.concat());
            }
        }
        println!("\n{}", machine());
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let all = json!({ "machine": machine(), "drain": self.drain, "restart": self.restart, "latency": self.latency });
        std::fs::write(path, serde_json::to_string_pretty(&all)? + "\n")?;
        println!("written to {}", path.display());
        Ok(())
    }
}

fn cell(figure: &Value) -> String {
    figure
        .as_f64()
        .map_or_else(String::new, |f| if f < 100.0 { format!("{f:.2}") } else { format!("{f:.0}") })
}

fn round(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}

/// What it was measured on.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let (_, librdkafka) = rdkafka::util::get_rdkafka_version();
    format!(
        "{cores} cores shared by broker and programs, sanchar {}, librdkafka {librdkafka}",
        sanchar_runtime::VERSION
    )
}

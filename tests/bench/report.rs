//! The figures: a table for people, JSON for programs.

use anyhow::Result;
use serde_json::{Map, Value, json};
use std::path::Path;

#[derive(Default)]
pub(crate) struct Report {
    drain: Map<String, Value>,
    instances: Map<String, Value>,
    register: Map<String, Value>,
    recovery: Map<String, Value>,
    latency: Map<String, Value>,
    urgent: Map<String, Value>,
    decisions: Map<String, Value>,
    feed: Map<String, Value>,
    push: Map<String, Value>,
    scrape: Map<String, Value>,
}

/// Names of the figures of a row, and their titles.
type Columns = [(&'static str, &'static str)];

const DRAIN: [(&str, &str); 4] = [
    ("events_per_s", "events/s"),
    ("deliveries_per_s", "deliveries/s"),
    ("cpu_us_per_event", "CPU µs/event"),
    ("peak_rss_mib", "peak RSS MiB"),
];
const REGISTER: [(&str, &str); 5] = [
    ("rebuild_s", "rebuild s"),
    ("rebuild_records_per_s", "records/s"),
    ("rebuild_peak_rss_mib", "its RSS MiB"),
    ("drain_peak_rss_mib", "drain RSS MiB"),
    ("restart_s", "restart s"),
];
const RECOVERY: [(&str, &str); 2] = [("median_s", "median s"), ("max_s", "max s")];
const DECISIONS: [(&str, &str); 4] = [
    ("read_ns", "read ns"),
    ("meaning_ns", "meaning ns"),
    ("route_ns", "route ns"),
    ("enrich_ns", "enrich ns"),
];
const FEED: [(&str, &str); 5] = [
    ("rows_per_s", "rows/s"),
    ("cpu_us_per_row", "CPU µs/row"),
    ("peak_rss_mib", "peak RSS MiB"),
    ("rss_mib", "RSS MiB"),
    ("cpu_percent", "CPU %"),
];
const PUSH: [(&str, &str); 7] = [
    ("events_per_s", "events/s"),
    ("cpu_us_per_event", "CPU µs/event"),
    ("peak_rss_mib", "peak RSS MiB"),
    ("answers", "answers"),
    ("p50_ms", "p50 ms"),
    ("p99_ms", "p99 ms"),
    ("max_ms", "max ms"),
];
const SCRAPE: [(&str, &str); 4] =
    [("series", "series"), ("kib", "KiB"), ("median_ms", "median ms"), ("max_ms", "max ms")];
const LATENCY: [(&str, &str); 4] =
    [("deliveries", "deliveries"), ("p50_ms", "p50 ms"), ("p99_ms", "p99 ms"), ("max_ms", "max ms")];

/// Prints rows under their titles; nothing where there are none.
fn table(title: &str, columns: &Columns, rows: &Map<String, Value>) {
    if rows.is_empty() {
        return;
    }
    let titles: String = columns.iter().map(|(_, title)| format!("{title:>14}")).collect();
    println!("\n{title:<34}{titles}");
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by_key(|(name, _)| name.parse::<u64>().unwrap_or(0)); // numbers as numbers, all else as it is
    for (name, figures) in rows {
        let figure = |name: &str| figures.get(name).map_or_else(String::new, cell);
        let cells: String = columns.iter().map(|(name, _)| format!("{:>14}", figure(name))).collect();
        println!("{name:<34}{cells}");
    }
}

impl Report {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn drain(&mut self, engine: &str, figures: &[(&str, f64)]) {
        let figures = figures.iter().map(|(name, figure)| ((*name).to_owned(), json!(round(*figure))));
        self.drain.insert(engine.to_owned(), Value::Object(figures.collect()));
    }

    pub(crate) fn instances(&mut self, instances: u32, figures: &[(&str, f64)]) {
        let figures = figures.iter().map(|(name, figure)| ((*name).to_owned(), json!(round(*figure))));
        self.instances.insert(instances.to_string(), Value::Object(figures.collect()));
    }

    pub(crate) fn register(&mut self, records: u32, figures: &[(&str, f64)]) {
        let figures = figures.iter().map(|(name, figure)| ((*name).to_owned(), json!(round(*figure))));
        self.register.insert(records.to_string(), Value::Object(figures.collect()));
    }

    pub(crate) fn recovery(&mut self, figures: &[(&str, f64)]) {
        self.recovery
            .extend(figures.iter().map(|(name, figure)| ((*name).to_owned(), json!(round(*figure)))));
    }

    pub(crate) fn latency(&mut self, rate: u32, latencies_ms: Vec<f64>) {
        self.latency.insert(rate.to_string(), Value::Object(distribution("deliveries", latencies_ms)));
    }

    pub(crate) fn urgent(&mut self, kind: &str, latencies_ms: Vec<f64>) {
        self.urgent.insert(kind.to_owned(), Value::Object(distribution("deliveries", latencies_ms)));
    }

    pub(crate) fn decisions(&mut self, figures: &[(&str, f64)]) {
        self.decisions
            .extend(figures.iter().map(|(name, figure)| ((*name).to_owned(), json!(round(*figure)))));
    }

    pub(crate) fn feed(&mut self, what: &str, figures: &[(&str, f64)]) {
        let figures = figures.iter().map(|(name, figure)| ((*name).to_owned(), json!(round(*figure))));
        self.feed.insert(what.to_owned(), Value::Object(figures.collect()));
    }

    pub(crate) fn push(&mut self, batch: u32, figures: &[(&str, f64)], latencies_ms: Vec<f64>) {
        let mut row = distribution("answers", latencies_ms);
        row.extend(figures.iter().map(|(name, figure)| ((*name).to_owned(), json!(round(*figure)))));
        self.push.insert(batch.to_string(), Value::Object(row));
    }

    pub(crate) fn scrape(&mut self, daemon: &str, figures: &[(&str, f64)]) {
        let figures = figures.iter().map(|(name, figure)| ((*name).to_owned(), json!(round(*figure))));
        self.scrape.insert(daemon.to_owned(), Value::Object(figures.collect()));
    }

    pub(crate) fn print(&self) {
        table("drain (medians)", &DRAIN, &self.drain);
        table("drain by so many fan-outs", &DRAIN, &self.instances);
        table("register, records", &REGISTER, &self.register);
        if !self.recovery.is_empty() {
            let row = Map::from_iter([(String::new(), Value::Object(self.recovery.clone()))]);
            table("broker killed and started again", &RECOVERY, &row);
        }
        table("latency at events/s", &LATENCY, &self.latency);
        table("latency under a backlog", &LATENCY, &self.urgent);
        if !self.decisions.is_empty() {
            let row = Map::from_iter([(String::new(), Value::Object(self.decisions.clone()))]);
            table("deciding about an event", &DECISIONS, &row);
        }
        table("a state's producer (medians)", &FEED, &self.feed);
        table("HTTP push, batches of", &PUSH, &self.push);
        table("all that a scrape can show", &SCRAPE, &self.scrape);
        println!("\n{}", machine());
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let all = json!({ "machine": machine(), "drain": self.drain, "instances": self.instances, "register": self.register, "recovery": self.recovery, "latency": self.latency, "urgent": self.urgent, "decisions": self.decisions, "feed": self.feed, "push": self.push, "scrape": self.scrape });
        std::fs::write(path, serde_json::to_string_pretty(&all)? + "\n")?;
        println!("written to {}", path.display());
        Ok(())
    }
}

/// Figures of latencies, and how many there are.
fn distribution(count: &str, mut latencies_ms: Vec<f64>) -> Map<String, Value> {
    latencies_ms.sort_by(f64::total_cmp);
    let percentile = |percent: usize| {
        let rank = (latencies_ms.len() * percent / 100).min(latencies_ms.len().saturating_sub(1));
        round(latencies_ms.get(rank).copied().unwrap_or(f64::NAN))
    };
    Map::from_iter([
        (count.to_owned(), json!(latencies_ms.len())),
        ("p50_ms".to_owned(), json!(percentile(50))),
        ("p99_ms".to_owned(), json!(percentile(99))),
        ("max_ms".to_owned(), json!(percentile(100))),
    ])
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

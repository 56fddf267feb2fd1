//! The catalogue as a page for people: a table for each daemon.

use super::catalogue::{Daemon, FOREIGN};
use super::labels::{self, Values};
use anyhow::{Context as _, Result};
use sanchar_runtime::metrics::Described;
use std::fmt::Write as _;

const HEAD: &str = "\
# Metrics

What each daemon shows at `/metrics`. This page is generated from the code; to write it anew:
`cargo test -p sanchar-tests --test monitoring -- --ignored write_the_page`.

Times are seconds, sizes are bytes, and counters count since the process started, unless they say otherwise. Labels take values from
closed sets, or as many as the installation has; none is ever taken from a record. \"Series\" is the most that a metric can make in one process: a
histogram has one for each of its buckets, and three more. The exporter's names that begin with `kafka_` are those of
[kafka_exporter](https://github.com/danielqsj/kafka_exporter), with its labels, for dashboards that know them.
";

/// Values of a set that are written out; of longer ones the first and the last.
const WRITTEN_OUT: usize = 12;

/// The page.
///
/// # Errors
/// When the values of a label are not known: with the place to say them.
pub fn render(daemons: &[Daemon]) -> Result<String> {
    let mut page = HEAD.to_owned();
    for daemon in daemons {
        write!(page, "\n## {}\n\n", daemon.name)?;
        page.push_str("| metric | type | unit | labels | series | meaning |\n|---|---|---|---|---|---|\n");
        let mut total = 0;
        for metric in &daemon.metrics {
            let (labels, series) = labels_of(daemon.name, metric)?;
            total += series;
            let Described { name, kind, help, .. } = metric;
            let (kind, unit) = (kind.as_str(), unit(name));
            writeln!(page, "| `{name}` | {kind} | {unit} | {labels} | {series} | {help} |")?;
        }
        write!(page, "\nAt most {total} series in all.\n")?;
    }
    page.push_str("\n## Of others\n\nRules and dashboards use these as well.\n\n| metric | labels | meaning |\n|---|---|---|\n");
    for foreign in FOREIGN {
        let labels: Vec<String> = foreign.labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(", ") };
        writeln!(page, "| `{}` | {labels} | {} |", foreign.name, foreign.meaning)?;
    }
    Ok(page)
}

/// Most series of a metric.
///
/// # Errors
/// As [`render`].
pub fn series(daemon: &str, metric: &Described) -> Result<usize> {
    Ok(labels_of(daemon, metric)?.1)
}

fn labels_of(daemon: &str, metric: &Described) -> Result<(String, usize)> {
    let (mut texts, mut series) = (Vec::new(), metric.kind.series());
    for label in &metric.labels {
        let values = labels::of(daemon, &metric.name, label).with_context(|| {
            format!(
                "say in tests/src/monitoring/labels.rs which values label {label} of {} takes",
                metric.name
            )
        })?;
        series *= values.at_most();
        texts.push(format!("`{label}`: {}", written(&values)));
    }
    let text = if texts.is_empty() { "–".to_owned() } else { texts.join("; ") };
    Ok((text, series))
}

fn written(values: &Values) -> String {
    let quoted =
        |values: &[String]| values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
    match values {
        Values::Open { what, .. } => (*what).to_owned(),
        Values::Closed(values) => match values.as_slice() {
            [first, second, .., last] if values.len() > WRITTEN_OUT => {
                format!("`{first}`, `{second}` … `{last}` ({})", values.len())
            }
            values => quoted(values),
        },
    }
}

/// The unit that a name ends with, before `_total`.
fn unit(name: &str) -> &'static str {
    let base = name.strip_suffix("_total").unwrap_or(name);
    match base.rsplit('_').next() {
        Some("seconds") => "seconds",
        Some("bytes") => "bytes",
        Some("info" | "ready" | "connected") => "–",
        _ => "number",
    }
}

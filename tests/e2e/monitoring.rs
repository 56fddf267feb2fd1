//! A live fan-out, a live producer and a live exporter show what rules and dashboards ask for, and nothing that the catalogue does not know.
//!
//! Series that tell of what did not happen here (a rebalance away, a record that retention removed) are not there to be
//! seen; that their metrics exist is known from `tests/contract/monitoring.rs`.

use crate::exporter;
use anyhow::{Context as _, Result};
use sanchar_runtime::metrics::{Described, Kind};
use sanchar_tests::daemon::wait_for;
use sanchar_tests::monitoring::{catalogue, dashboards, expressions, folder, rules};
use sanchar_tests::{Daemon, Installation};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;

/// Metrics that show only what went wrong or was made to happen, need TLS or a collector, or are of another source than files.
const OF_EVENTS: [&str; 13] = [
    "sanchar_certificate_expiry_timestamp_seconds",
    "sanchar_push_items_total",
    "sanchar_push_requests_total",
    "sanchar_records_dead_lettered_total",
    "sanchar_records_removed_unread_total",
    "sanchar_rows_filtered_total",
    "sanchar_source_connected",
    "sanchar_source_failures_total",
    "sanchar_source_lag_seconds",
    "sanchar_spool_age_seconds",
    "sanchar_spool_bytes",
    "sanchar_spool_refused_total",
    "sanchar_trace_spans_total",
];

fn scraped(daemon: &mut Daemon) -> Result<String> {
    let answer = daemon.get("/metrics")?;
    Ok(answer.strip_prefix("200 ").context("the metrics")?.to_owned())
}

/// Label names of each sample in a scrape, by the sample's name.
fn samples(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut samples: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines().filter(|line| line.contains(' ') && !line.starts_with('#')) {
        let (name, labels) = line.split_once('{').unwrap_or((line.split(' ').next().unwrap_or_default(), ""));
        let pairs = labels.split_once('}').map_or("", |(labels, _)| labels).split("\",");
        let labels = pairs.filter_map(|pair| pair.split_once('=')).map(|(label, _)| label.to_owned());
        samples.entry(name.to_owned()).or_default().extend(labels);
    }
    samples
}

/// What is wrong with a scrape, measured by the catalogue.
fn differences(metrics: &[Described], text: &str) -> Vec<String> {
    let shown = samples(text);
    let mut differences = Vec::new();
    let mut known = BTreeSet::new();
    for metric in metrics {
        let parts: &[&str] = if matches!(metric.kind, Kind::Histogram { .. }) {
            &["_bucket", "_sum", "_count"]
        } else {
            &[""]
        };
        for part in parts {
            let name = format!("{}{part}", metric.name);
            let mut labels: BTreeSet<String> = metric.labels.iter().cloned().collect();
            labels.extend((*part == "_bucket").then(|| "le".to_owned()));
            match shown.get(&name) {
                None if OF_EVENTS.contains(&metric.name.as_str()) => {}
                None => differences.push(format!("{name} is not shown")),
                Some(found) if *found != labels => differences.push(format!("{name} has labels {found:?}")),
                Some(_) => {}
            }
            known.insert(name);
        }
    }
    differences.extend(
        shown.keys().filter(|name| !known.contains(*name)).map(|name| format!("{name} is not known")),
    );
    differences
}

/// Every metric of ours that a rule or a dashboard names.
fn asked_for() -> Result<BTreeSet<String>> {
    let mut texts: Vec<String> = Vec::new();
    texts.extend(
        rules::read_folder(&folder().join("alerts"))?.iter().map(|rule| rule.field("expr").to_owned()),
    );
    for entry in std::fs::read_dir(folder().join("dashboards"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            texts.extend(dashboards::read(&path)?.expressions().into_iter().map(|(_, text)| text));
        }
    }
    let named = texts.iter().flat_map(|text| expressions::read(text).selectors).map(|(metric, _)| metric);
    let is_ours =
        |metric: &String| ["sanchar_", "process_", "kafka_"].iter().any(|begin| metric.starts_with(begin));
    Ok(named.filter(is_ours).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_scrape_shows_the_catalogue_and_whatever_is_asked_for() -> Result<()> {
    let installation = Installation::new("monitoring").await?;
    let config = installation.example("karnataka.toml", |_| {})?;
    let args = [OsStr::new("-c"), config.as_os_str()];
    let mut producer = Daemon::start("sanchar-producer", &args, installation.folder())?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    let mut exporter = exporter::start(&installation, "")?;
    let mut scrapes = Vec::new();
    for (daemon, metrics) in
        [&mut fanout, &mut producer, &mut exporter].into_iter().zip(catalogue::daemons()?)
    {
        // Lag is shown a second after the first record, copies after the first commit.
        let scrape = wait_for(&format!("all that {} shows", metrics.name), || {
            let scrape = scraped(daemon)?;
            let is_whole = differences(&metrics.metrics, &scrape).is_empty();
            Ok(is_whole.then_some(scrape))
        });
        let scrape = scrape.or_else(|_| scraped(daemon))?;
        assert_eq!(differences(&metrics.metrics, &scrape), Vec::<String>::new(), "{}", metrics.name);
        scrapes.push(scrape);
    }
    let shown: BTreeSet<String> = scrapes.iter().flat_map(|scrape| samples(scrape).into_keys()).collect();
    let missing: Vec<String> = asked_for()?
        .into_iter()
        .filter(|name| !shown.contains(name) && !OF_EVENTS.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), "asked for and not shown: {missing:?}");
    assert_eq!((producer.stop()?, fanout.stop()?, exporter.stop()?), (0, 0, 0));
    Ok(())
}

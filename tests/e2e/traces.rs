//! A record's trace from the producer to the inbox, in headers and at a collector.

use anyhow::{Context as _, Result};
use sanchar_runtime::telemetry::TraceContext;
use sanchar_schemas::topics::Topic;
use sanchar_tests::collector::{Collected, Collector};
use sanchar_tests::daemon::{Daemon, wait_for};
use sanchar_tests::events::state;
use sanchar_tests::inbox::{self, Received};
use sanchar_tests::{Accounts, Installation};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;

/// What spans may tell: of the work, never of a record.
const TOLD: [&str; 5] = [
    "messaging.system",
    "messaging.destination.name",
    "sanchar.outcome",
    "sanchar.recipients",
    "sanchar.withdrawals",
];

fn trace_of(record: &Received) -> Result<TraceContext> {
    TraceContext::parse(record.header("traceparent").as_bytes()).context("a valid traceparent")
}

/// Spans of one name, by their trace.
fn named<'c>(spans: &'c [Collected], name: &str) -> BTreeMap<&'c str, &'c Collected> {
    let of_name = spans.iter().filter(|span| span.text("name") == name);
    of_name.map(|span| (span.text("traceId"), span)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_goes_from_the_producer_to_the_inbox_and_a_collector_sees_all_of_it() -> Result<()> {
    let installation = Installation::new("traces").await?;
    let collector = Collector::start()?;
    let telemetry: toml::Table = toml::from_str(&collector.telemetry_toml())?;
    let config = installation.example("karnataka.toml", |config| config.extend(telemetry))?;
    let args = [OsStr::new("-c"), config.as_os_str()];
    let producer = Daemon::start("sanchar-producer", &args, installation.folder())?;
    let config = installation.fanout_config(&installation.cluster.kafka, "fanout-1", "")?;
    let text = std::fs::read_to_string(&config)? + &collector.telemetry_toml();
    std::fs::write(&config, text)?;
    let mut fanout =
        Daemon::start("sanchar-fanout", &[OsStr::new("-c"), config.as_os_str()], installation.folder())?;

    let reported = wait_for("events of Karnataka", || {
        let records = inbox::read(&installation, Topic::Reported(state("IN-KA")))?;
        Ok((!records.is_empty()).then_some(records))
    })?;
    Accounts::after(&mut fanout, reported.len() as u64)?;
    // Each daemon sends what it has before it ends.
    assert_eq!((producer.stop()?, fanout.stop()?), (0, 0));

    let reported = inbox::read(&installation, Topic::Reported(state("IN-KA")))?;
    let published: BTreeMap<String, TraceContext> = reported
        .iter()
        .map(|record| trace_of(record).map(|trace| (trace.trace_id(), trace)))
        .collect::<Result<_>>()?;
    assert_eq!(published.len(), reported.len(), "each event has a trace of its own");
    let spans = collector.spans();
    let (publish, process, deliver) =
        (named(&spans, "publish"), named(&spans, "process"), named(&spans, "deliver"));
    let mut copies = 0;
    inbox::scan(&installation, &inbox::all(), |_, copy| {
        let trace = trace_of(&copy)?;
        let (id, origin) =
            (trace.trace_id(), published.get(&trace.trace_id()).context("the trace of an event")?);
        let (publish, process, deliver) = (publish[&*id], process[&*id], deliver[&*id]);
        assert_eq!(publish.text("spanId"), origin.span_id());
        assert_eq!(process.text("parentSpanId"), publish.text("spanId"));
        assert_eq!(deliver.text("parentSpanId"), process.text("spanId"));
        assert_eq!(trace.span_id(), deliver.text("spanId"), "a reader goes on from its delivery");
        assert_eq!(
            (publish.service.as_str(), process.service.as_str()),
            ("sanchar-producer", "sanchar-fanout")
        );
        copies += 1;
        Ok(())
    })?;
    assert!(copies > published.len(), "{copies} copies of {} events", published.len());
    assert_eq!(publish.len(), published.len());
    let told: BTreeSet<&str> = spans.iter().flat_map(Collected::attributes).collect();
    assert!(told.iter().all(|name| TOLD.contains(name)), "{told:?}");
    Ok(())
}

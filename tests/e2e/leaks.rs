//! What a real fan-out says while it processes good records and poison, with everything logged: nothing of the records.
//!
//! `consumers/fanout/src/leaks.rs` does the same for a thousand records made at random, without Kafka's own client and
//! without the command line.

use crate::poison::{good, poisons};
use anyhow::Result;
use sanchar_schemas::topics::Topic;
use sanchar_tests::daemon::{Daemon, run};
use sanchar_tests::publisher::{Outgoing, publish_raw};
use sanchar_tests::{Accounts, Installation, inbox};
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::OsStr;

/// Parts of an event whose texts tell of persons, places and records.
const PARTS: [&str; 7] =
    ["record_id", "district", "police_station", "place", "persons", "vehicles", "narrative"];
/// Shorter texts are found in anything.
const CHARS_MIN: usize = 6;

fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.chars().count() >= CHARS_MIN => _ = found.insert(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_record_is_logged_counted_or_said_of_a_dead_letter() -> Result<()> {
    let installation = Installation::new("leaks").await?;
    let poisons = poisons(&installation).await?;
    let mut secrets = BTreeSet::new();
    let mut records: Vec<Outgoing> = poisons.iter().map(|poison| poison.record.clone()).collect();
    for number in 1..=poisons.len() {
        let event = good(u32::try_from(number)?);
        let json = serde_json::to_value(&event)?;
        PARTS.iter().for_each(|part| texts(&json[part], &mut secrets));
        records.push(Outgoing::event(&installation, &event)?);
    }
    assert!(secrets.contains("Market road near the bus stand") && secrets.len() > 10, "{secrets:?}");
    publish_raw(&installation, &records)?;

    let settings = "unknown_schema_grace_ms = 1000\nstream = { poison_share_max = 1.0, retry_max_ms = 200 }";
    let config = installation.fanout_config(&installation.cluster.kafka, "fanout-1", settings)?;
    let text = std::fs::read_to_string(&config)?;
    let verbose = text.replacen("[logs]\n", "[logs]\nlevel = \"trace\"\nsite_lines_max = 1000000\n", 1);
    assert_ne!(text, verbose);
    std::fs::write(&config, verbose)?;
    let args = [OsStr::new("-c"), config.as_os_str()];
    let mut fanout = Daemon::start("sanchar-fanout", &args, installation.folder())?;
    Accounts::after(&mut fanout, records.len() as u64)?;
    let said = [fanout.get("/metrics")?, fanout.get("/readyz?verbose")?, fanout.get("/livez?verbose")?];
    fanout.signal("TERM")?;
    assert_eq!(fanout.wait()?, 0);
    let log = fanout.log()?;
    assert!(log.contains("record dead-lettered") && log.contains("\"level\":\"DEBUG\""), "{log}");

    let letters = inbox::read(&installation, Topic::Dlq)?;
    assert!(letters.len() >= poisons.len());
    let headers = letters.iter().flat_map(|letter| &letter.headers);
    let added =
        headers.filter(|(name, _)| name.starts_with("__dlq.errors.") || name.starts_with("sanchar-dlq-"));
    let added: String = added
        .map(|(_, value)| String::from_utf8_lossy(value.as_deref().unwrap_or_default()) + "\n")
        .collect();

    let cluster = &installation.cluster;
    let connection =
        ["--kafka", &cluster.kafka, "--registry", &cluster.registry, "--prefix", &installation.prefix];
    let words = ["--verbose", "dlq", "redrive", "--all", "--yes"].into_iter().chain(connection);
    let redrive = run("sanchar", &words.map(OsStr::new).collect::<Vec<_>>(), installation.folder())?;
    let redrive = String::from_utf8_lossy(&redrive.stderr).into_owned();

    let said = said.concat() + &log + &added + &redrive;
    let leaked: Vec<&String> = secrets.iter().filter(|secret| said.contains(secret.as_str())).collect();
    assert!(leaked.is_empty(), "said of records: {leaked:?}");
    Ok(())
}

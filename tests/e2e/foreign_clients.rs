//! A recipient needs none of our code: Confluent's Python client decodes an inbox by the registry's schemas, and
//! `kcat` reads it too.

use crate::workload;
use anyhow::Result;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::{CrimeEvent, StateCode};
use sanchar_tests::events::{self, state};
use sanchar_tests::publisher::publish;
use sanchar_tests::{Accounts, Installation, foreign, inbox};
use serde_json::Value;

/// Every golden record of the contract, as if published by its origin.
fn golden_records() -> Result<Vec<CrimeEvent>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/examples");
    let mut events = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_shared = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("shared-"));
        if path.extension().is_some_and(|ending| ending == "json") && !is_shared {
            events.push(serde_json::from_str(&std::fs::read_to_string(path)?)?);
        }
    }
    Ok(events)
}

#[tokio::test(flavor = "multi_thread")]
async fn confluents_python_client_decodes_every_golden_record() -> Result<()> {
    let installation = Installation::new("python").await?;
    let published = golden_records()?;
    assert!(published.len() > 15, "the golden records are found");
    publish(&installation, &published)?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    let accounts = Accounts::after(&mut fanout, published.len() as u64)?;
    assert!(accounts.dead_lettered.is_empty(), "{accounts:?}");

    let (mut decoded, cluster) = (0, &installation.cluster);
    let topics: Vec<String> =
        StateCode::all().map(|state| installation.topic(Topic::Shared(state))).collect();
    let services = [cluster.kafka.as_str(), cluster.registry.as_str()];
    let args: Vec<&str> = services.into_iter().chain(topics.iter().map(String::as_str)).collect();
    let printed = foreign::python("read_inbox.py", &args)?;
    let lines: Vec<Value> = printed.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    for (recipient, topic) in StateCode::all().zip(&topics) {
        let received = inbox::inbox(&installation, recipient)?;
        let lines: Vec<&Value> = lines.iter().filter(|line| line["topic"] == *topic).collect();
        assert_eq!(lines.len(), received.len(), "{recipient}");
        for (line, record) in lines.iter().zip(&received) {
            assert_eq!(line["value"], serde_json::to_value(record.shared()?)?, "{recipient}");
            let event = published.iter().find(|event| event.event_id == line["headers"]["ce_id"]);
            let event = event.expect("one of those that were published");
            if line["value"]["notice"] == "DELIVERY" {
                assert_eq!(line["value"]["event"], serde_json::to_value(event)?, "{recipient}");
            }
            assert_eq!(line["key"], event.record_id.case_key());
            decoded += 1;
        }
    }
    assert_eq!(decoded, accounts.deliveries + accounts.withdrawals);
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn kcat_sees_what_is_committed_and_nothing_else() -> Result<()> {
    let installation = Installation::new("kcat").await?;
    let publications = workload::publications(2_000, 10);
    workload::publish(&installation, &publications)?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    Accounts::after(&mut fanout, 2_000)?;
    publish(&installation, [&events::theft(state("IN-DL"), 9_000_000, 1, "हिन्दी")])?;
    Accounts::after(&mut fanout, 2_001)?;

    let topic = installation.topic(Topic::Shared(state("IN-HR")));
    let printed = foreign::kcat(&[
        "-b",
        &installation.cluster.kafka,
        "-C",
        "-t",
        &topic,
        "-o",
        "beginning",
        "-e",
        "-q",
        "-X",
        "isolation.level=read_committed",
        "-f",
        "%k %h\n",
    ])?;
    let received = inbox::inbox(&installation, state("IN-HR"))?;
    assert_eq!(printed.lines().count(), received.len());
    assert!(!received.is_empty());
    for (line, record) in printed.lines().zip(&received) {
        let key = String::from_utf8(record.key.clone().unwrap_or_default())?;
        assert!(line.starts_with(&format!("{key} ce_specversion=1.0,ce_id=")), "{line}");
    }
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

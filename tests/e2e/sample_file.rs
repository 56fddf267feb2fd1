//! From a state's file to its neighbours' inboxes, with the real producer and its example mapping.

use anyhow::{Context as _, Result};
use sanchar_schemas::StateCode;
use sanchar_schemas::topics::Topic;
use sanchar_tests::daemon::{run, wait_for};
use sanchar_tests::events::state;
use sanchar_tests::{Accounts, Daemon, Installation, Progress, inbox};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;

/// Rows by what became of them, from the summary that a producer prints at its end.
type Summary = BTreeMap<String, u64>;

/// Publishes what is there and ends.
fn publish_once(installation: &Installation, config: &Path) -> Result<Summary> {
    let args = [OsStr::new("-c"), config.as_os_str(), OsStr::new("run"), OsStr::new("--once")];
    let output = run("sanchar-producer", &args, installation.folder())?;
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{log}");
    let summary = String::from_utf8(output.stdout)?;
    let words = summary.lines().map(|line| line.trim().split("  ").filter(|part| !part.is_empty()));
    let entries =
        words.filter_map(|mut words| Some((words.next()?.to_owned(), words.next()?.trim().parse().ok()?)));
    Ok(entries.collect())
}

/// Names of the events in a state's topic, as published; a name that was published twice stands twice.
pub(crate) fn published(installation: &Installation, origin: &str) -> Result<Vec<String>> {
    let records = inbox::read(installation, Topic::Reported(state(origin)))?;
    records.iter().map(|record| Ok(record.reported()?.record_id.to_string())).collect()
}

/// Checks that each of the states holds each name once, and every other state nothing.
fn check_inboxes(installation: &Installation, names: &BTreeSet<String>, recipients: &[&str]) -> Result<()> {
    let mut found: BTreeMap<StateCode, Vec<String>> = BTreeMap::new();
    inbox::scan(installation, &inbox::all(), |topic, record| {
        let Topic::Shared(recipient) = topic else { unreachable!("only inboxes are read") };
        found.entry(recipient).or_default().push(record.shared()?.enrichment.record_id.into_owned());
        Ok(())
    })?;
    let holders: BTreeSet<&str> = found.keys().map(|recipient| recipient.as_str()).collect();
    assert_eq!(holders, recipients.iter().copied().collect());
    for (recipient, mut received) in found {
        received.sort();
        assert!(received.iter().eq(names), "{recipient} must hold each record once");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_repeated_rows_reaches_each_neighbour_once_however_often_it_is_read() -> Result<()> {
    let installation = Installation::new("sample").await?;
    // Repeats are left to the fan-out service here: the producer itself remembers nothing.
    let forgetful = || toml::Value::Table([("memory_records".to_owned(), 0.into())].into_iter().collect());
    let config = installation.example("karnataka.toml", |config| {
        config.insert("publish".to_owned(), forgetful());
    })?;
    // The excerpt, then a third of its rows once more, then a row whose second half is not there yet.
    let file = installation.folder().join("data/karnataka-fir-excerpt.csv");
    let excerpt = std::fs::read_to_string(&file)?;
    let rows: Vec<&str> = excerpt.lines().skip(1).collect();
    let repeated: Vec<&str> = rows.iter().step_by(3).copied().collect();
    let half: String = rows[0].chars().take(60).collect();
    std::fs::write(&file, format!("{}\n{}\n{half}", excerpt.trim_end(), repeated.join("\n")))?;

    let summary = publish_once(&installation, &config)?;
    assert_eq!(summary["rows read"], (rows.len() + repeated.len() + 1) as u64);
    assert_eq!(summary["rows read"], summary["published"] + summary["quarantined"] + summary["filtered"]);
    assert_eq!(summary["unterminated"], 1, "{summary:?}");
    check_quarantine(installation.folder(), summary["quarantined"], &half)?;
    let sent = published(&installation, "IN-KA")?;
    assert_eq!(sent.len() as u64, summary["published"]);
    let names: BTreeSet<String> = sent.iter().cloned().collect();
    assert!(names.len() < sent.len(), "rows are repeated");

    let mut fanout = installation.fanout("fanout-1", "")?;
    let neighbours = ["IN-AP", "IN-GA", "IN-KL", "IN-MH", "IN-TN", "IN-TS"];
    let accounts = Accounts::after(&mut fanout, summary["published"])?;
    assert_eq!((accounts.read, accounts.forwarded), (summary["published"], names.len() as u64));
    assert_eq!(accounts.deliveries, 6 * accounts.forwarded);
    assert!(accounts.dead_lettered.is_empty());
    check_inboxes(&installation, &names, &neighbours)?;

    let again = publish_once(&installation, &config)?;
    assert_eq!(again["published"], 0, "the checkpoint says that it was read");
    let config = installation.example("karnataka.toml", |config| {
        config.insert("publish".to_owned(), forgetful());
        config["store"] =
            toml::Value::Table([("folder".to_owned(), "store/lost".into())].into_iter().collect());
    })?;
    let anew = publish_once(&installation, &config)?;
    assert_eq!(anew["published"], summary["published"], "without its checkpoint it is all published again");
    let accounts = Accounts::after(&mut fanout, 2 * summary["published"])?;
    assert_eq!(accounts.forwarded, names.len() as u64, "and nothing of it is new");
    check_inboxes(&installation, &names, &neighbours)?;
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

/// Every row in quarantine stands in its file, with its place, its reason and the row itself.
fn check_quarantine(folder: &Path, rows: u64, half: &str) -> Result<()> {
    let mut lines: Vec<serde_json::Value> = Vec::new();
    for entry in std::fs::read_dir(folder.join("store/karnataka/quarantine"))? {
        for line in std::fs::read_to_string(entry?.path())?.lines() {
            lines.push(serde_json::from_str(line)?);
        }
    }
    assert_eq!(lines.len() as u64, rows);
    let is_told = |line: &serde_json::Value| {
        let is_text = |name: &str| line[name].as_str().is_some_and(|text| !text.is_empty());
        line["line"].is_u64() && ["file", "reason", "message", "row"].into_iter().all(is_text)
    };
    assert!(lines.iter().all(is_told), "{lines:?}");
    let last = lines.iter().find(|line| line["reason"] == "unterminated").context("the half row")?;
    assert_eq!(last["row"], half);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_producer_killed_in_the_middle_loses_nothing_and_inboxes_hold_nothing_twice() -> Result<()> {
    const ROWS: u64 = 40_000;
    let installation = Installation::new("producer-killed").await?;
    let mut file = String::new();
    for number in 1..=ROWS {
        // Every tenth row stands there twice.
        for _ in 0..=u64::from(number % 10 == 0) {
            writeln!(
                file,
                "North Goa,Calangute Tinto,9101,{number:06},2024,FIR,2024-09-02,2024-09-01,303(2),BNS,,,,,"
            )?;
        }
    }
    let rows = ROWS + ROWS / 10;
    let config = installation.example("goa.toml", |config| {
        let often = [("checkpoint_interval_ms".to_owned(), 10.into())].into_iter().collect();
        config.insert("publish".to_owned(), toml::Value::Table(often));
    })?;
    installation.write("data/goa-firs.csv", &file)?;

    let args = [OsStr::new("-c"), config.as_os_str()];
    let mut producer = Daemon::start("sanchar-producer", &args, installation.folder())?;
    let acknowledged = wait_for("part of the file to be published", || {
        let rows = producer.metric("sanchar_rows_published_total")?;
        Ok((rows > 8_000.0).then_some(rows))
    })?;
    producer.kill()?;
    let before = published(&installation, "IN-GA")?;
    assert!(before.len() as f64 >= acknowledged, "what was acknowledged is there");
    assert!((before.len() as u64) < rows, "the kill came in the middle");
    let summary = publish_once(&installation, &config)?;
    assert!(summary["rows read"] < rows, "it goes on from its checkpoint: {summary:?}");

    let sent = published(&installation, "IN-GA")?;
    let names: BTreeSet<String> = sent.iter().cloned().collect();
    let expected: BTreeSet<String> = (1..=ROWS).map(|n| format!("IN-GA/9101/2024/{n:06}/fir")).collect();
    assert_eq!(names, expected, "no row is lost");
    let fanout = installation.fanout("fanout-1", "")?;
    Progress::of(&installation)?.wait_done(i64::try_from(sent.len())?)?;
    check_inboxes(&installation, &expected, &["IN-KA", "IN-MH"])?;
    assert!(inbox::read(&installation, Topic::Dlq)?.is_empty());
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

//! `sanchar status` of a real line: the figures are those of the daemons and of the brokers, and the exit code tells whether
//! anything needs attention.

use crate::exporter::read_some;
use anyhow::{Context as _, Result};
use sanchar_schemas::topics::Topic;
use sanchar_schemas::wire;
use sanchar_tests::daemon::{run, wait_for};
use sanchar_tests::events::{self, state};
use sanchar_tests::publisher::{Outgoing, publish, publish_raw};
use sanchar_tests::{Accounts, Daemon, Installation};
use serde_json::Value;
use std::ffi::OsStr;

/// Asks once; gives the exit code and the answer.
fn status(installation: &Installation, daemons: &[&str], more: &[&str]) -> Result<(i32, String)> {
    let kafka = installation.cluster.kafka.as_str();
    let mut args = vec!["status", "--kafka", kafka, "--prefix", &installation.prefix, "--over", "1"];
    for daemon in daemons {
        args.extend(["--daemon", daemon]);
    }
    args.extend(more);
    let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
    let output = run("sanchar", &args, installation.folder())?;
    let code = output.status.code().context("it ended by itself")?;
    Ok((code, String::from_utf8(output.stdout)? + &String::from_utf8_lossy(&output.stderr)))
}

fn json(installation: &Installation, daemons: &[&str], more: &[&str]) -> Result<(i32, Value)> {
    let (code, text) = status(installation, daemons, &[&["--json"], more].concat())?;
    Ok((code, serde_json::from_str(&text).with_context(|| text.clone())?))
}

/// The row of a list whose field has this value.
fn row<'v>(answer: &'v Value, list: &str, field: &str, value: &str) -> &'v Value {
    let rows = answer[list].as_array().unwrap_or_else(|| panic!("{list} of {answer}"));
    rows.iter().find(|row| row[field] == value).unwrap_or_else(|| panic!("{value} in {list} of {answer}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_what_daemons_and_brokers_know_and_what_needs_attention() -> Result<()> {
    let installation = Installation::new("status").await?;
    let events: Vec<_> = (1..=10).map(|case| events::theft(state("IN-DL"), case, 1, "status")).collect();
    publish(&installation, &events)?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    Accounts::after(&mut fanout, 10)?;
    let config = installation.example("karnataka.toml", |_| {})?;
    let args = ["-c".as_ref(), config.as_os_str()];
    let mut producer = Daemon::start("sanchar-producer", &args, installation.folder())?;
    producer.wait_ready()?;
    wait_for("what Karnataka's file holds", || {
        Ok((fanout.metric("sanchar_records_in_total")? >= 64.0).then_some(()))
    })?;
    let inbox = installation.topic(Topic::Shared(state("IN-HR")));
    let group = format!("{}.haryana", installation.prefix);
    read_some(&installation, &group, &inbox, 10)?;
    let addresses = [fanout.address()?, producer.address()?];
    let daemons: Vec<&str> = addresses.iter().map(String::as_str).collect();

    let (code, answer) = json(&installation, &daemons, &[])?;
    assert_eq!((code, &answer["attention"]), (0, &serde_json::json!([])), "{answer}");
    let running = row(&answer, "daemons", "address", daemons[0]);
    assert_eq!((&running["daemon"], &running["ready"]), (&"sanchar-fanout".into(), &true.into()));
    let delhi = row(&answer, "states", "state", "IN-DL");
    assert_eq!(
        (delhi["records_in"].as_f64(), delhi["lag_records"].as_f64()),
        (Some(10.0), Some(0.0)),
        "{delhi}"
    );
    assert!(delhi["last_heard_seconds"].as_f64().is_some_and(|seconds| seconds < 600.0), "{delhi}");
    assert_eq!(row(&answer, "states", "state", "IN-HR")["copies"].as_f64(), Some(10.0));
    let karnataka = row(&answer, "producers", "state", "IN-KA");
    assert_eq!((karnataka["published"].as_f64(), karnataka["quarantined"].as_f64()), (Some(54.0), Some(7.0)));
    let reader = row(&answer, "readers", "group", &group);
    assert_eq!((&reader["state"], &reader["unread"]), (&"IN-HR".into(), &0.into()), "{reader}");
    assert_eq!(answer["brokers"]["topics_missing"], 0);
    assert_eq!(answer["dead_letters"]["held"], 0);

    // A reader that stops, a record that nobody can read, and a daemon that is gone.
    let more: Vec<_> = (11..=12).map(|case| events::theft(state("IN-DL"), case, 1, "status")).collect();
    publish(&installation, &more)?;
    let mut poison = Outgoing::event(&installation, &more[0])?;
    poison.value = Some(wire::frame(installation.event_schema.0, b"no event"));
    publish_raw(&installation, &[poison])?;
    wait_for("the dead letter", || {
        Ok((fanout.metric("sanchar_records_dead_lettered_total")? >= 1.0).then_some(()))
    })?;
    assert_eq!(producer.stop()?, 0);
    wait_for("the reader to be late", || {
        let (code, answer) = json(&installation, &daemons, &["--late", "2s"])?;
        let concerns: Vec<&str> = answer["attention"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one["concern"].as_str())
            .collect();
        let is_late = row(&answer, "readers", "group", &group)["late"] == true;
        assert!(code == 2 && concerns.contains(&"daemon-down"), "{answer}");
        Ok((is_late && concerns.contains(&"read-late")).then_some(()))
    })?;
    let (code, text) = status(&installation, &daemons, &["--late", "2s"])?;
    assert_eq!(code, 2, "{text}");
    for part in ["does not answer (nothing listens there)", "has not read", "IN-DL", "DOWN", "malformed"] {
        assert!(text.contains(part), "{part} is missing from\n{text}");
    }
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

#[test]
fn where_nobody_answers_it_fails_and_top_wants_a_terminal() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let args = ["status", "--kafka", "127.0.0.1:1", "--daemon", "127.0.0.1:1", "--over", "1"].map(OsStr::new);
    let output = run("sanchar", &args, folder.path())?;
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(69), "{error}");
    assert!(
        error.contains("no answer from kafka at 127.0.0.1:1") && error.contains("no daemon answers"),
        "{error}"
    );

    let output = run("sanchar", &["top".as_ref()], folder.path())?;
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{error}");
    assert!(error.contains("use `sanchar status`"), "{error}");
    Ok(())
}

#[test]
fn man_pages_and_completions_know_what_watches() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let output = run("sanchar", &["generate".as_ref(), folder.path().as_os_str()], folder.path())?;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for command in ["exporter", "exporter-check-config", "status", "top"] {
        let page = std::fs::read_to_string(folder.path().join(format!("sanchar-{command}.1")))?;
        assert!(page.contains(".SH DESCRIPTION"), "{page}");
    }
    for shell in ["sanchar.bash", "_sanchar", "sanchar.fish"] {
        let completions = std::fs::read_to_string(folder.path().join(shell))?;
        let known = ["exporter", "status", "top", "--late", "--every"];
        // fish writes options without their dashes.
        let is_known = |word: &&str| completions.contains(word.trim_start_matches('-'));
        assert!(known.iter().all(is_known), "{shell}");
    }
    Ok(())
}

//! `sanchar exporter` on a real broker: a group that is none of ours and reads an inbox late is shown with its lag, under the
//! names that dashboards made for kafka_exporter ask for.

use anyhow::{Context as _, Result};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use sanchar_schemas::topics::Topic;
use sanchar_tests::daemon::{run, wait_for};
use sanchar_tests::events::{self, state};
use sanchar_tests::publisher::publish;
use sanchar_tests::{Accounts, Daemon, Installation, foreign, inbox};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What kafka_exporter's own dashboard and alerts, its mixin and Strimzi's dashboard and alerts ask for.
const ASKED_FOR: [&str; 14] = [
    "kafka_brokers",
    "kafka_broker_info",
    "kafka_topic_partitions",
    "kafka_topic_partition_current_offset",
    "kafka_topic_partition_oldest_offset",
    "kafka_topic_partition_leader",
    "kafka_topic_partition_leader_is_preferred",
    "kafka_topic_partition_replicas",
    "kafka_topic_partition_in_sync_replica",
    "kafka_topic_partition_under_replicated_partition",
    "kafka_consumergroup_current_offset",
    "kafka_consumergroup_lag",
    "kafka_consumergroup_lag_sum",
    "kafka_consumergroup_members",
];

/// Starts an exporter that asks every second.
pub(crate) fn start(installation: &Installation, more: &str) -> Result<Daemon> {
    let config = config(installation, more)?;
    let args: [&OsStr; 3] = ["exporter".as_ref(), "-c".as_ref(), config.as_os_str()];
    Daemon::start("sanchar", &args, installation.folder())
}

fn config(installation: &Installation, more: &str) -> Result<PathBuf> {
    let services = installation.services_toml();
    let (kafka, rest) = services.split_once("[registry]").context("a registry")?;
    let (_, rest) = rest.split_once("[http]").context("an address")?;
    let text = format!("[exporter]\ninterval_ms = 1000\n{more}\n{kafka}\n[http]{rest}");
    installation.write("exporter.toml", &text)
}

/// Lets a group of Confluent's client read so many records of a topic and commit the offset after the last.
pub(crate) fn read_some(installation: &Installation, group: &str, topic: &str, records: usize) -> Result<()> {
    let kafka = installation.cluster.kafka.as_str();
    foreign::python("read_some.py", &[kafka, group, topic, &records.to_string()]).map(drop)
}

fn seconds_since(timestamp_ms: i64) -> Result<f64> {
    #[expect(clippy::disallowed_methods, reason = "the test's own clock")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(now.as_secs_f64() - timestamp_ms as f64 / 1e3)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_group_that_reads_its_inbox_late_is_seen_with_its_lag() -> Result<()> {
    let installation = Installation::new("exporter").await?;
    let events: Vec<_> = (1..=10).map(|case| events::theft(state("IN-DL"), case, 1, "late")).collect();
    publish(&installation, &events)?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    Accounts::after(&mut fanout, 10)?;
    let topic = installation.topic(Topic::Shared(state("IN-HR")));
    let (late, early) =
        (format!("{}.haryana", installation.prefix), format!("{}.control-room", installation.prefix));
    read_some(&installation, &late, &topic, 4)?;
    read_some(&installation, &early, &topic, 10)?;
    // A group is called what its client likes.
    let odd = format!("{}.थाना \"एक\"\n\u{1b}[2J", installation.prefix);
    read_some(&installation, &odd, &topic, 10)?;

    let received = inbox::inbox(&installation, state("IN-HR"))?;
    let committed = received[3].offset + 1;
    let client: BaseConsumer = installation.cluster.client().create()?;
    let (_, end) = client.fetch_watermarks(&topic, 0, Duration::from_secs(30))?;
    let mut exporter = start(&installation, &format!("groups = \"{}[.].*\"", installation.prefix))?;
    exporter.wait_ready()?;
    let at = |metric: &str, group: &str| {
        format!("{metric}{{consumergroup=\"{group}\",partition=\"0\",topic=\"{topic}\"}} ")
    };
    let of_topic =
        |metric: &str, group: &str| format!("{metric}{{consumergroup=\"{group}\",topic=\"{topic}\"}} ");
    assert_eq!(exporter.metric(&at("kafka_consumergroup_current_offset", &late))?, committed as f64);
    assert_eq!(exporter.metric(&at("kafka_consumergroup_lag", &late))?, (end - committed) as f64);
    assert_eq!(exporter.metric(&of_topic("kafka_consumergroup_lag_sum", &late))?, (end - committed) as f64);
    let offset = format!("kafka_topic_partition_current_offset{{partition=\"0\",topic=\"{topic}\"}} ");
    assert_eq!(exporter.metric(&offset)?, end as f64);

    // The fifth record waits, to three per cent and the second in which the exporter asked.
    wait_for("the unread record to have waited", || {
        let age = seconds_since(received[4].timestamp_ms)?;
        let shown = exporter.metric(&of_topic("sanchar_consumergroup_lag_seconds", &late))?;
        assert!(shown <= age, "{shown} s of {age}");
        Ok((shown > 3.0 && shown > age * 0.9 - 3.0).then_some(()))
    })?;
    // The other group stands before the marker of the last transaction, which is nothing to read.
    assert_eq!(exporter.metric(&at("kafka_consumergroup_lag", &early))?, 1.0);
    let metrics = exporter.get("/metrics")?;
    let read_all = format!("{}0\n", of_topic("sanchar_consumergroup_lag_seconds", &early));
    assert!(metrics.contains(&read_all), "{metrics}");
    assert!(
        metrics.contains(&format!("kafka_consumergroup_members{{consumergroup=\"{late}\"}} 0\n")),
        "{metrics}"
    );
    let fanouts = format!("kafka_consumergroup_members{{consumergroup=\"{}\"}} 1\n", installation.group());
    assert!(metrics.contains(&fanouts), "{metrics}");

    let odd = format!("{}.थाना \\\"एक\\\"\\\\u{{a}}\\\\u{{1b}}[2J", installation.prefix);
    assert!(metrics.contains(&of_topic("kafka_consumergroup_lag_sum", &odd)), "{metrics}");
    assert!(!metrics.contains('\u{1b}'), "{metrics}");

    for name in ASKED_FOR {
        let is_it = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
        assert!(metrics.lines().any(is_it), "{name} is missing from\n{metrics}");
    }
    assert!(!metrics.contains("topic=\"crime."), "topics of another installation are not shown");
    assert_eq!((exporter.stop()?, fanout.stop()?), (0, 0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_is_counted_and_a_broker_that_is_away_is_waited_for() -> Result<()> {
    let installation = Installation::new("exporter-bounds").await?;
    let input = installation.topic(Topic::Reported(state("IN-DL")));
    publish(&installation, [&events::theft(state("IN-DL"), 1, 1, "one")])?;
    for group in ["a", "b", "c"] {
        read_some(&installation, &format!("{}.{group}", installation.prefix), &input, 1)?;
    }
    let only =
        format!("groups = \"{0}[.].*\"\ngroups_except = \"{0}[.]b\"\ngroups_max = 1", installation.prefix);
    let mut exporter = start(&installation, &only)?;
    exporter.wait_ready()?;
    let metrics = exporter.get("/metrics")?;
    assert!(metrics.contains("sanchar_exporter_left_out{what=\"groups\"} 1\n"), "{metrics}");
    let shown = |group: &str| metrics.contains(&format!("consumergroup=\"{}.{group}\"", installation.prefix));
    assert_eq!((shown("a"), shown("b"), shown("c")), (true, false, false));
    assert_eq!(exporter.stop()?, 0);

    let elsewhere = std::fs::read_to_string(installation.folder().join("exporter.toml"))?;
    let elsewhere = elsewhere.replace(&installation.cluster.kafka, "127.0.0.1:1");
    let config = installation.write("elsewhere.toml", &elsewhere)?;
    let args: [&OsStr; 3] = ["exporter".as_ref(), "-c".as_ref(), config.as_os_str()];
    let mut exporter = Daemon::start("sanchar", &args, installation.folder())?;
    wait_for("the exporter to say that no broker answers", || {
        let ready = exporter.get("/readyz")?;
        Ok(ready.contains("no answer from kafka at 127.0.0.1:1").then_some(()))
    })?;
    assert!(exporter.get("/livez")?.starts_with("200"));
    assert!(!exporter.get("/metrics")?.contains("\nkafka_"), "there are no figures");
    assert_eq!(exporter.stop()?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn its_configuration_is_checked_as_any_daemons() -> Result<()> {
    let installation = Installation::new("exporter-config").await?;
    let good = config(&installation, "")?;
    let asked = |path: &Path, command: &str| {
        let args: [&OsStr; 4] = ["exporter".as_ref(), "-c".as_ref(), path.as_os_str(), command.as_ref()];
        run("sanchar", &args, installation.folder())
    };
    let output = asked(&good, "check-config")?;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let printed = String::from_utf8(asked(&good, "print-config")?.stdout)?;
    assert!(printed.contains("groups_max = 256"), "defaults are shown too: {printed}");
    let text = std::fs::read_to_string(&good)?.replace("interval_ms", "intervall_ms");
    let bad = installation.write("bad.toml", &text)?;
    for command in ["check-config", "run"] {
        let output = asked(&bad, command)?;
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{error}");
        assert!(error.contains("did you mean `interval_ms`?"), "{error}");
    }
    let output = run("sanchar", &["exporter".as_ref()], installation.folder())?;
    assert_eq!(output.status.code(), Some(64), "{output:?}");
    Ok(())
}

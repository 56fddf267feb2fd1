//! A backfill as people start it: beside the daemon that runs with the same file, and behind it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails right there")]

mod surroundings;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use sanchar_producer::{Days, Options, ProducerConfig, Request, backfill};
use sanchar_runtime::clock::SystemClock;
use sanchar_runtime::lifecycle::Context;
use sanchar_runtime::registry::SchemaId;
use surroundings::{Answers, cluster, goa, own_address, serve};

const TOPIC: &str = "crime.reported.in-ga";

/// A daemon that is put down with the test.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn command(path: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sanchar-producer"));
    command.arg("-c").arg(path).args(args);
    command
}

/// Records in the topic, waited for until there are so many.
fn count(bootstrap: &str, at_least: i64) -> i64 {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", bootstrap).set("group.id", "counter").create().unwrap();
    let begun = Instant::now();
    loop {
        let ends =
            (0..2).map(|partition| consumer.fetch_watermarks(TOPIC, partition, Duration::from_secs(10)));
        let records: i64 = ends.map(|ends| ends.unwrap().1).sum();
        if records >= at_least {
            return records;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{records} of {at_least} records");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn again(path: &Path, more: &[&str]) -> Output {
    let args = [&["backfill", "--from", "2024-09-02", "--to", "2024-09-06"], more].concat();
    command(path, &args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_past_days_are_published_again_beside_the_running_daemon() {
    let (cluster, folder) = (cluster(&[TOPIC]), tempfile::tempdir().unwrap());
    let bootstrap = cluster.bootstrap_servers();
    let (registry, _) = serve(Answers::default()).await;
    let path = goa(folder.path(), &bootstrap, registry, own_address(), |text| text);
    let checked = tokio::task::spawn_blocking(move || beside(&path, &bootstrap));
    checked.await.unwrap();
    drop((cluster, folder));
}

fn beside(path: &Path, bootstrap: &str) {
    let daemon = Daemon(command(path, &["run"]).stderr(Stdio::null()).spawn().unwrap());
    assert_eq!(count(bootstrap, 9), 9);

    let output = again(path, &[]);
    let (summary, log) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{summary}{log}");
    assert!(summary.contains("published                           6"), "{summary}");
    assert!(summary.contains("outside_range                   3"), "{summary}");
    assert_eq!(count(bootstrap, 15), 15);

    let output = again(path, &[]);
    assert!(text(&output.stdout).contains("nothing was left to do: --restart"), "{}", text(&output.stdout));
    assert!(
        text(&output.stderr).contains("the backfill goes on where it was stopped"),
        "{}",
        text(&output.stderr)
    );
    let output = again(path, &["--restart", "--rate", "1000"]);
    assert!(
        text(&output.stdout).contains("published                           6"),
        "{}",
        text(&output.stdout)
    );
    assert_eq!(count(bootstrap, 21), 21);

    let output = command(path, &["backfill", "--from", "2024-09-06", "--to", "2024-09-02"]).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    let store = path.parent().unwrap().join("store/goa/backfill/2024-09-02-2024-09-06");
    assert!(store.join("quarantine").read_dir().unwrap().next().is_some(), "its own");
    drop(daemon);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_that_is_stopped_says_so_and_goes_on_later() {
    let (cluster, folder) = (cluster(&[TOPIC]), tempfile::tempdir().unwrap());
    let bootstrap = cluster.bootstrap_servers();
    let (registry, _) = serve(Answers::default()).await;
    let path = goa(folder.path(), &bootstrap, registry, own_address(), |text| text);
    let checked = tokio::task::spawn_blocking(move || stopped(&path, &bootstrap));
    checked.await.unwrap();
    drop((cluster, folder));
}

fn stopped(path: &Path, bootstrap: &str) {
    let args = ["backfill", "--from", "2024-09-02", "--to", "2024-09-06"];
    let mut slow = command(path, &args);
    slow.env("SANCHAR__PUBLISH__RATE_PER_SECOND", "0.1").stdout(Stdio::null()).stderr(Stdio::null());
    let mut slow = Daemon(slow.spawn().unwrap());
    let before = count(bootstrap, 1);
    assert!(before < 6, "it was to be stopped on its way");
    assert!(Command::new("kill").arg(slow.0.id().to_string()).status().unwrap().success());
    assert_eq!(slow.0.wait().unwrap().code(), Some(75));

    let output = again(path, &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        text(&output.stderr).contains("the backfill goes on where it was stopped"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(count(bootstrap, 6), 6, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemons_unread_rows_come_first() {
    let (cluster, folder) = (cluster(&[TOPIC]), tempfile::tempdir().unwrap());
    let shown = |unread: u32| {
        format!(
            "sanchar_build_info{{daemon=\"sanchar-producer\",version=\"0\"}} 1\n\
             sanchar_source_lag_bytes{{state=\"IN-GA\"}} {unread}\nsanchar_rows_in_flight{{state=\"IN-GA\"}} 0\n"
        )
    };
    let (live, answers) = serve(Answers { metrics: shown(500), ..Answers::default() }).await;
    let path: PathBuf = goa(folder.path(), &cluster.bootstrap_servers(), live, live, |text| text);
    let config = ProducerConfig::load(&path).unwrap();
    let context = Context::new("sanchar-producer", Arc::new(SystemClock)).unwrap();
    let days = Days::new("2024-09-02".parse().unwrap(), "2024-09-06".parse().unwrap()).unwrap();
    let request = Request { days, rate_per_second: 1_000.0, restart: false };
    let options = Options { schema_id: Some(SchemaId(41)), ..Options::default() };
    let task = tokio::spawn({
        let context = context.clone();
        async move { backfill(config, &request, options, context).await }
    });
    let begun = Instant::now();
    while answers.lock().unwrap().looks < 3 {
        assert!(begun.elapsed() < Duration::from_secs(30) && !task.is_finished());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(context.metrics.render().contains("sanchar_rows_sent_total{state=\"IN-GA\"} 0"));
    answers.lock().unwrap().metrics = shown(0);
    let summary = task.await.unwrap().unwrap();
    assert_eq!((summary.published, summary.filtered["outside_range"].count), (6, 3));
}

//! What was answered with 202 is published once: with the broker there, away, and over restarts and SIGKILL.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use sanchar_producer::{Fit, dry_run, fitting_files};
use sanchar_runtime::lifecycle::DaemonConfig as _;

use crate::rig::{JSON, LINES, Rig, TOKEN, answer, array, example_items, examples, item, start};

/// The record ids of events, each of which is there once.
fn records(rig: &Rig, count: usize) -> BTreeSet<String> {
    let events = rig.published(count);
    let ids: BTreeSet<_> = events.iter().map(|event| event.event_id.clone()).collect();
    assert_eq!(ids.len(), count, "an event was published twice");
    events.iter().map(|event| event.record_id.as_str().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_published_once_however_often_they_are_sent() {
    let rig = Rig::new();
    let producer = rig.start().await;
    producer.accept(LINES, example_items(), [5, 0, 1]).await;
    producer.accept(LINES, example_items(), [0, 5, 1]).await;
    producer.accept(JSON, item(1), [1, 0, 0]).await;
    producer.accept(JSON, format!("[{}, {}, {}]", item(1), item(2), item(2)), [1, 2, 0]).await;
    producer.await_metric("sanchar_rows_published_total{state=\"IN-CH\"} 7").await;
    producer.await_metric("sanchar_spool_bytes{state=\"IN-CH\"} 0").await;
    producer.await_that("ready", &|context| context.health.ready(false).ok).await;
    for line in [
        "sanchar_push_requests_total{state=\"IN-CH\",status=\"2xx\"} 4",
        "sanchar_push_items_total{outcome=\"accepted\",state=\"IN-CH\"} 7",
        "sanchar_push_items_total{outcome=\"duplicate\",state=\"IN-CH\"} 7",
        "sanchar_push_items_total{outcome=\"skipped\",state=\"IN-CH\"} 2",
    ] {
        producer.await_metric(line).await;
    }
    assert_eq!(producer.stop().await.published, 7);
    let events = rig.published(7);
    let text = serde_json::to_string(&events).unwrap();
    assert!(!text.contains("Complainant") && !text.contains("Invented text"), "{text}");
    let correction = events.iter().filter(|event| event.fir.as_ref().unwrap().number == "0102").count();
    assert_eq!((correction, records(&rig, 7).len()), (2, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_while_the_broker_is_away_outlives_restarts() {
    let rig = Rig::new();
    rig.cluster.broker_down(1).unwrap();
    let producer = rig.start().await;
    for batch in 0..10 {
        producer.accept(JSON, array(batch * 30, batch * 30 + 30), [30, 0, 0]).await;
    }
    assert_eq!(producer.stop().await.published, 0);

    let producer = rig.start().await;
    producer.accept(JSON, array(250, 350), [50, 50, 0]).await;
    assert_eq!(producer.stop().await.published, 0);

    let mut config = rig.config();
    config.spool.segment_bytes = 1024;
    let producer = start(config).await;
    for number in 350..360 {
        producer.accept(JSON, array(number, number + 1), [1, 0, 0]).await;
    }
    rig.cluster.broker_up(1).unwrap();
    producer.await_metric("sanchar_rows_published_total{state=\"IN-CH\"} 360").await;
    producer.await_metric("sanchar_spool_bytes{state=\"IN-CH\"} 0").await;
    // Their senders have not heard of it, say.
    producer.accept(JSON, array(0, 360), [0, 360, 0]).await;
    producer.stop().await;
    assert_eq!(records(&rig, 360).len(), 360);
    let left = |part: &str, ending: &str| {
        let folder = rig.folder.path().join("store/chandigarh").join(part);
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| Path::new(name).extension().is_some_and(|found| found == ending)).count()
    };
    assert_eq!((left("spool", "jsonl"), left("checkpoints", "json")), (1, 1), "what is settled is gone");

    let producer = rig.start().await;
    producer.accept(JSON, item(1_000), [1, 0, 0]).await;
    producer.await_metric("sanchar_rows_published_total{state=\"IN-CH\"} 1").await;
    producer.stop().await;
    rig.published(361);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_checkpoint_delays_the_spool_and_does_not_end_the_daemon() {
    let rig = Rig::new();
    let producer = rig.start().await;
    let checkpoints = rig.folder.path().join("store/chandigarh/checkpoints");
    producer.await_that("ready", &|context| context.health.ready(false).ok).await;
    std::fs::remove_dir_all(&checkpoints).unwrap();
    producer.accept(JSON, array(0, 10), [10, 0, 0]).await;
    producer.await_metric("sanchar_rows_published_total{state=\"IN-CH\"} 10").await;
    let says = |context: &sanchar_runtime::lifecycle::Context| {
        context.health.ready(true).text.contains("cannot be written")
    };
    producer.await_that("not ready", &says).await;
    producer.accept(JSON, array(10, 20), [10, 0, 0]).await;
    std::fs::create_dir(&checkpoints).unwrap();
    producer.await_metric("sanchar_spool_bytes{state=\"IN-CH\"} 0").await;
    producer.await_that("ready again", &|context| context.health.ready(false).ok).await;
    producer.stop().await;
    records(&rig, 20);
}

/// A process of its own that reaches neither broker nor registry, and the address where it takes items.
fn process(folder: &Path) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sanchar-producer"))
        .args(["-c", "chandigarh.toml"])
        .current_dir(folder)
        .env_remove("SANCHAR_CONFIG")
        // Port 1 is never served on loopback.
        .env("SANCHAR__KAFKA__BOOTSTRAP", "127.0.0.1:1")
        .env("SANCHAR__REGISTRY__URL", "http://127.0.0.1:1")
        .env("SANCHAR__HTTP__LISTEN", "127.0.0.1:0")
        .env("SANCHAR__PUSH__LISTEN", "127.0.0.1:0")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = lines.by_ref().find_map(|line| {
        let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        line["address"].as_str().map(str::to_owned)
    });
    // Its lines are read on, so that it never waits for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    (child, address.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_without_broker_and_registry_outlives_sigkill() {
    let rig = Rig::new();
    let folder = rig.folder.path();
    std::fs::copy(examples().join("chandigarh.toml"), folder.join("chandigarh.toml")).unwrap();
    std::fs::write(folder.join("chandigarh.tokens"), format!("{TOKEN}\n")).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for round in 0..3 {
        let (mut child, address) = process(folder);
        // The last round's items are sent again, as by a sender that did not hear the answer.
        let from = if round == 0 { 0 } else { round * 100 - 50 };
        let body = array(from, round * 100 + 100);
        let request = client.post(format!("http://{address}/v1/events")).bearer_auth(TOKEN);
        let (status, _, counts) = answer(request.header("content-type", JSON).body(body)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!((status, &counts["accepted"]), (202, &100.into()), "{counts}");
        assert_eq!(counts["duplicates"], u64::try_from(round * 100 - from).unwrap());
    }
    // A batch that was being written when the power went.
    let spool = folder.join("store/chandigarh/spool");
    let segment = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().path();
    let last =
        std::fs::read_dir(&spool).unwrap().map(segment).filter(|path| path.extension().is_some()).max();
    let mut text = std::fs::read(last.as_ref().unwrap()).unwrap();
    text.extend_from_slice(&[&item(999).as_bytes()[..90], &[0; 4096]].concat());
    std::fs::write(last.unwrap(), text).unwrap();

    let producer = rig.start().await;
    producer.await_metric("sanchar_rows_published_total{state=\"IN-CH\"} 300").await;
    assert_eq!(producer.stop().await.quarantined_count(), 0);
    assert_eq!(records(&rig, 300).len(), 300);
}

#[test]
fn the_example_is_valid_and_a_dry_run_shows_what_waits() {
    let rig = Rig::new();
    let path = rig.folder.path().join("chandigarh.toml");
    std::fs::copy(examples().join("chandigarh.toml"), &path).unwrap();
    let config = sanchar_producer::ProducerConfig::load(&path).unwrap();
    config.check().unwrap();
    let printed = sanchar_runtime::config::effective(&config).unwrap();
    let again: sanchar_producer::ProducerConfig = toml::from_str(&printed).unwrap();
    assert_eq!(again.in_folder_of(&path), config, "{printed}");
    assert_eq!(fitting_files(&config).unwrap(), Fit::default());
    let spool = rig.folder.path().join("store/chandigarh/spool");
    std::fs::create_dir_all(&spool).unwrap();
    std::fs::write(spool.join("00000001730419200000.jsonl"), example_items()).unwrap();
    let summary = dry_run(&config, 1_730_419_200_000, &mut |_| Ok(()), &mut |_| {}).unwrap();
    assert_eq!((summary.published, summary.filtered_count(), summary.read), (5, 1, 6));
}

//! The whole producer against librdkafka's own mock broker: what arrives, and what happens when the broker goes away.
//! What a mock cannot show, a real broker's tests do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails right there")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers as _, Message as _, OwnedMessage};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::{Offset, TopicPartitionList};
use sanchar_producer::{Options, ProducerConfig, Summary, run};
use sanchar_runtime::clock::SystemClock;
use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::lifecycle::{Context, ExitCode, Failure};
use sanchar_runtime::registry::SchemaId;
use sanchar_schemas::codec::Decoder;
use sanchar_schemas::schema::Record;
use sanchar_schemas::{CrimeEvent, validate, wire};
use tokio::task::JoinHandle;

const PARTITIONS: i32 = 2;
const SCHEMA: SchemaId = SchemaId(41);

type Cluster = MockCluster<'static, DefaultProducerContext>;

fn cluster(topics: &[&str]) -> Cluster {
    let cluster = MockCluster::new(1).unwrap();
    for topic in topics {
        cluster.create_topic(topic, PARTITIONS, 1).unwrap();
    }
    cluster
}

/// An example's configuration with its data, in a folder of its own.
fn example(folder: &Path, name: &str, bootstrap: &str) -> ProducerConfig {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples");
    std::fs::create_dir_all(folder.join("data")).unwrap();
    for entry in std::fs::read_dir(examples.join("data")).unwrap() {
        let entry = entry.unwrap();
        let copy = folder.join("data").join(entry.file_name());
        // Another producer of the same test may be reading it.
        if !copy.exists() {
            std::fs::copy(entry.path(), copy).unwrap();
        }
    }
    let path = folder.join(name);
    std::fs::copy(examples.join(name), &path).unwrap();
    let mut config = ProducerConfig::load(&path).unwrap();
    config.kafka = KafkaConfig::plaintext(bootstrap);
    config.publish.checkpoint_interval_ms = 5;
    config.source.poll_interval_ms = 5;
    config
}

fn start(config: ProducerConfig, once: bool) -> (Context, JoinHandle<Result<Summary, Failure>>) {
    let context = Context::new("sanchar-producer", Arc::new(SystemClock)).unwrap();
    let options = Options { once, schema_id: Some(SCHEMA), ..Options::default() };
    (context.clone(), tokio::spawn(run(config, options, context)))
}

/// Waits until the producer shows that something holds.
async fn await_that(context: &Context, what: &str, holds: &(dyn Fn() -> bool + Sync)) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}\n{}", context.metrics.render());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Reads `count` messages of a topic.
fn read(bootstrap: &str, topic: &str, count: usize) -> Vec<OwnedMessage> {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", bootstrap).set("group.id", "reader").create().unwrap();
    let mut partitions = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        partitions.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&partitions).unwrap();
    let begun = Instant::now();
    let mut found = Vec::new();
    while found.len() < count {
        assert!(begun.elapsed() < Duration::from_secs(30), "{} of {count} messages", found.len());
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            found.push(message.unwrap().detach());
        }
    }
    found
}

fn decode(message: &OwnedMessage) -> CrimeEvent {
    let (id, datum) = wire::parse(message.payload().unwrap()).unwrap();
    assert_eq!(id, SCHEMA.0);
    Decoder::current(Record::CrimeEvent).decode(datum).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_as_the_contract_says() {
    let (cluster, folder) = (cluster(&["drill.crime.reported.in-dl"]), tempfile::tempdir().unwrap());
    let bootstrap = cluster.bootstrap_servers();
    let mut config = example(folder.path(), "delhi.toml", &bootstrap);
    config.kafka.topic_prefix = Some("drill".to_owned());
    let (context, task) = start(config, true);
    let summary = task.await.unwrap().unwrap();
    assert_eq!((summary.published, summary.quarantined_count(), summary.filtered_count()), (17, 3, 1));

    let messages = read(&bootstrap, "drill.crime.reported.in-dl", 17);
    let mut partition_of = std::collections::HashMap::new();
    for message in &messages {
        let event = decode(message);
        assert!(validate::violations(&event).is_empty());
        let key = std::str::from_utf8(message.key().unwrap()).unwrap();
        assert_eq!(key, event.record_id.case_key());
        assert_eq!(*partition_of.entry(key.to_owned()).or_insert(message.partition()), message.partition());
        let headers = message.headers().unwrap();
        let header =
            |name: &str| headers.iter().find(|header| header.key == name).and_then(|header| header.value);
        assert_eq!(header("ce_id"), Some(event.event_id.as_bytes()));
        assert_eq!(header("traceparent").map(<[u8]>::len), Some(55));
    }
    assert!(partition_of.len() > 10);
    let metrics = context.metrics.render();
    for line in [
        "sanchar_rows_read_total{state=\"IN-DL\"} 21",
        "sanchar_rows_published_total{state=\"IN-DL\"} 17",
        "sanchar_rows_quarantined_total{reason=\"restricted\",state=\"IN-DL\"} 1",
        "sanchar_rows_in_flight{state=\"IN-DL\"} 0",
        "sanchar_source_lag_bytes{state=\"IN-DL\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is missing from\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_states_publish_from_one_process() {
    let topics = ["crime.reported.in-hr", "crime.reported.in-up", "crime.reported.in-ga"];
    let (cluster, folder) = (cluster(&topics), tempfile::tempdir().unwrap());
    let bootstrap = cluster.bootstrap_servers();
    let tasks = ["haryana.toml", "uttar-pradesh.toml", "goa.toml"]
        .map(|name| start(example(folder.path(), name, &bootstrap), true).1);
    for (task, published) in tasks.into_iter().zip([15, 14, 9]) {
        assert_eq!(task.await.unwrap().unwrap().published, published);
    }
    for (topic, count) in topics.into_iter().zip([15, 14, 9]) {
        read(&bootstrap, topic, count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_goes_away_delays_rows_and_drops_none() {
    let (cluster, folder) = (cluster(&["crime.reported.in-ga"]), tempfile::tempdir().unwrap());
    let bootstrap = cluster.bootstrap_servers();
    let config = example(folder.path(), "goa.toml", &bootstrap);
    let (context, task) = start(config, false);
    await_that(&context, "published", &|| {
        context.metrics.render().contains("published_total{state=\"IN-GA\"} 9")
    })
    .await;
    await_that(&context, "ready", &|| context.health.ready(false).ok).await;

    cluster.broker_down(1).unwrap();
    await_that(&context, "not ready", &|| context.health.ready(false).text.contains("no broker answers"))
        .await;
    let row = |number| {
        format!("North Goa,Pernem Naka,9112,{number},2024,FIR,2024-09-10,2024-09-10,303(2),BNS,,,,,\n")
    };
    let more: String = ["0100", "0101", "0102"].map(row).concat();
    let path = folder.path().join("data/goa-firs.csv");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + &more).unwrap();
    await_that(&context, "in flight", &|| context.metrics.render().contains("in_flight{state=\"IN-GA\"} 3"))
        .await;
    assert!(context.metrics.render().contains("published_total{state=\"IN-GA\"} 9"));

    cluster.broker_up(1).unwrap();
    await_that(&context, "published", &|| {
        context.metrics.render().contains("published_total{state=\"IN-GA\"} 12")
    })
    .await;
    await_that(&context, "ready again", &|| context.health.ready(false).ok).await;
    context.shutdown.trigger("the test is over");
    assert_eq!(task.await.unwrap().unwrap().published, 12);
    read(&bootstrap, "crime.reported.in-ga", 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_comes_back_is_noticed_although_there_is_nothing_to_send() {
    let (cluster, folder) = (cluster(&["crime.reported.in-ga"]), tempfile::tempdir().unwrap());
    let (context, task) = start(example(folder.path(), "goa.toml", &cluster.bootstrap_servers()), false);
    await_that(&context, "ready", &|| context.health.ready(false).ok).await;
    cluster.broker_down(1).unwrap();
    await_that(&context, "not ready", &|| !context.health.ready(false).ok).await;
    cluster.broker_up(1).unwrap();
    await_that(&context, "ready again", &|| context.health.ready(false).ok).await;
    context.shutdown.trigger("the test is over");
    assert_eq!(task.await.unwrap().unwrap().published, 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_topic_is_refused_with_the_remedy() {
    let (cluster, folder) = (cluster(&["crime.reported.in-hr"]), tempfile::tempdir().unwrap());
    let config = example(folder.path(), "goa.toml", &cluster.bootstrap_servers());
    let failure = start(config, true).1.await.unwrap().unwrap_err();
    assert_eq!(failure.exit_code(), ExitCode::Unavailable);
    assert!(failure.to_string().contains("crime.reported.in-ga"), "{failure}");
    assert!(failure.to_string().contains("`sanchar topics apply`"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_another_producer_holds_is_had_when_that_has_stopped() {
    let (cluster, folder) = (cluster(&["crime.reported.in-ga"]), tempfile::tempdir().unwrap());
    let config = example(folder.path(), "goa.toml", &cluster.bootstrap_servers());
    let (context, first) = start(config.clone(), false);
    let is_ready = || context.health.ready(false).ok;
    await_that(&context, "ready", &is_ready).await;
    let failure = start(config.clone(), true).1.await.unwrap().unwrap_err();
    assert_eq!(failure.exit_code() as u8, 75, "a restart may find it free: {failure}");
    let remedy = "store/goa: is used by another producer: wait until it has stopped, or give each a store.folder of its own";
    assert!(failure.to_string().ends_with(remedy), "{failure}");
    context.shutdown.trigger("the first gives way");
    first.await.unwrap().unwrap();
    start(config, true).1.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_does_not_answer_ends_the_start() {
    let (cluster, folder) = (cluster(&["crime.reported.in-ga"]), tempfile::tempdir().unwrap());
    let mut config = example(folder.path(), "goa.toml", &cluster.bootstrap_servers());
    // Port 1 is never served on loopback.
    "http://127.0.0.1:1".clone_into(&mut config.registry.url);
    let context = Context::new("sanchar-producer", Arc::new(SystemClock)).unwrap();
    let failure = run(config, Options { once: true, ..Options::default() }, context).await.unwrap_err();
    assert_eq!(failure.exit_code(), ExitCode::Unavailable);
    assert!(failure.to_string().contains("check registry.url"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_file_leaves_when_the_broker_has_acknowledged_it() {
    let (cluster, folder) = (cluster(&["crime.reported.in-hp"]), tempfile::tempdir().unwrap());
    let mut config = example(folder.path(), "himachal-pradesh.toml", &cluster.bootstrap_servers());
    config.source.stable_ms = 20;
    // The same file comes twice, and is to be published twice.
    config.publish.memory_records = 0;
    let (context, task) = start(config, false);
    let (file, done) = (
        folder.path().join("data/himachal-firs.csv.gz"),
        folder.path().join("data/himachal-done/himachal-firs.csv.gz"),
    );
    await_that(&context, "moved", &|| done.exists()).await;
    await_that(&context, "counted", &|| {
        context.metrics.render().contains("files_moved_total{folder=\"done\",state=\"IN-HP\"} 1")
    })
    .await;

    // Without a broker the next one stays.
    cluster.broker_down(1).unwrap();
    await_that(&context, "not ready", &|| !context.health.ready(false).ok).await;
    std::fs::copy(&done, &file).unwrap();
    await_that(&context, "in flight", &|| context.metrics.render().contains("in_flight{state=\"IN-HP\"} 3"))
        .await;
    assert!(file.exists());
    cluster.broker_up(1).unwrap();
    await_that(&context, "moved", &|| !file.exists()).await;
    let second = folder.path().join("data/himachal-done/himachal-firs-2.csv.gz");
    await_that(&context, "there", &|| second.exists()).await;
    context.shutdown.trigger("the test is over");
    let summary = task.await.unwrap().unwrap();
    assert_eq!((summary.published, summary.quarantined_count()), (6, 2));
    read(&cluster.bootstrap_servers(), "crime.reported.in-hp", 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_documents_are_published() {
    let topics = ["crime.reported.in-pb", "crime.reported.in-rj"];
    let (cluster, folder) = (cluster(&topics), tempfile::tempdir().unwrap());
    let bootstrap = cluster.bootstrap_servers();
    for (name, topic) in ["punjab.toml", "rajasthan.toml"].into_iter().zip(topics) {
        let summary = start(example(folder.path(), name, &bootstrap), true).1.await.unwrap().unwrap();
        assert_eq!((summary.published, summary.quarantined_count()), (2, 2));
        read(&bootstrap, topic, 2);
    }
}

//! A producer that takes items, its broker, and senders good and bad.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::{Offset, TopicPartitionList};
use sanchar_producer::{Options, ProducerConfig, Summary, run};
use sanchar_runtime::clock::SystemClock;
use sanchar_runtime::kafka::KafkaConfig;
use sanchar_runtime::lifecycle::{Context, Failure};
use sanchar_runtime::registry::SchemaId;
use sanchar_runtime::secret::Secret;
use sanchar_schemas::codec::Decoder;
use sanchar_schemas::schema::Record;
use sanchar_schemas::{CrimeEvent, wire};
use tokio::task::JoinHandle;

pub(crate) const TOKEN: &str = "an-invented-token-of-this-test";
pub(crate) const JSON: &str = "application/json";
pub(crate) const LINES: &str = "application/x-ndjson";
const TOPIC: &str = "crime.reported.in-ch";
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) type Cluster = MockCluster<'static, DefaultProducerContext>;

/// An answer: status, `retry-after`, body.
pub(crate) type Answer = (u16, Option<String>, serde_json::Value);

/// A broker and a folder for one producer after another.
pub(crate) struct Rig {
    pub(crate) cluster: Cluster,
    pub(crate) folder: tempfile::TempDir,
}

/// A producer that runs.
pub(crate) struct Running {
    pub(crate) context: Context,
    pub(crate) address: SocketAddr,
    pub(crate) client: reqwest::Client,
    pub(crate) base: String,
    task: JoinHandle<Result<Summary, Failure>>,
}

pub(crate) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples")
}

/// The example's items, one on each line.
pub(crate) fn example_items() -> String {
    std::fs::read_to_string(examples().join("data/chandigarh-events.ndjson")).unwrap()
}

/// An item of the example's kind.
pub(crate) fn item(number: usize) -> String {
    let text = r#"{"station": {"code": "0311", "name": "Sector 71"}, "fir": {"number": "NUMBER", "year": 2024},
        "part": "fir", "modified": "2024-10-05T08:40:00+05:30", "action": "new", "event": "snatching",
        "registered": "2024-10-05 08:30", "occurred": "2024-10-04 21:15", "sections": "BNS u/s 304(2)"}"#;
    text.replace("NUMBER", &format!("{number:05}"))
}

/// Items `from` to `to` as one array.
pub(crate) fn array(from: usize, to: usize) -> String {
    let items: Vec<_> = (from..to).map(item).collect();
    format!("[{}]", items.join(","))
}

impl Rig {
    pub(crate) fn new() -> Self {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic(TOPIC, 1, 1).unwrap();
        Self { cluster, folder: tempfile::tempdir().unwrap() }
    }

    /// The example's configuration, on this broker and in this folder.
    pub(crate) fn config(&self) -> ProducerConfig {
        let path = self.folder.path().join("chandigarh.toml");
        std::fs::copy(examples().join("chandigarh.toml"), &path).unwrap();
        let mut config = ProducerConfig::load(&path).unwrap();
        config.kafka = KafkaConfig::plaintext(self.cluster.bootstrap_servers());
        config.publish.checkpoint_interval_ms = 5;
        let push = config.push.as_mut().unwrap();
        push.listen = "127.0.0.1:0".parse().unwrap();
        push.tokens = vec![Secret::new("another-token-that-is-on-its-way-out"), Secret::new(TOKEN)];
        push.tokens_file = None;
        config
    }

    pub(crate) async fn start(&self) -> Running {
        start(self.config()).await
    }

    /// Whether the spool's files hold nothing.
    pub(crate) fn spool_is_empty(&self) -> bool {
        let folder = self.folder.path().join("store/chandigarh/spool");
        let mut names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.all(|name| name == "lock")
    }

    /// Everything that was published, which must be `count` events and no more.
    pub(crate) fn published(&self, count: usize) -> Vec<CrimeEvent> {
        let bootstrap = self.cluster.bootstrap_servers();
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", bootstrap)
            .set("group.id", "reader")
            .create()
            .unwrap();
        let mut partitions = TopicPartitionList::new();
        partitions.add_partition_offset(TOPIC, 0, Offset::Beginning).unwrap();
        consumer.assign(&partitions).unwrap();
        let (_, end) = consumer.fetch_watermarks(TOPIC, 0, Duration::from_secs(10)).unwrap();
        assert_eq!(usize::try_from(end).unwrap(), count);
        let begun = Instant::now();
        let mut found = Vec::new();
        while found.len() < count {
            assert!(begun.elapsed() < LIMIT, "{} of {count} messages", found.len());
            if let Some(message) = consumer.poll(Duration::from_millis(100)) {
                let message = message.unwrap();
                let (_, datum) = wire::parse(message.payload().unwrap()).unwrap();
                found.push(Decoder::current(Record::CrimeEvent).decode(datum).unwrap());
            }
        }
        found
    }
}

pub(crate) async fn start(config: ProducerConfig) -> Running {
    let context = Context::new("sanchar-producer", Arc::new(SystemClock)).unwrap();
    let (tell, told) = mpsc::sync_channel(1);
    let options = Options {
        schema_id: Some(SchemaId(41)),
        listening: Some(Arc::new(move |address| tell.send(address).unwrap())),
        ..Options::default()
    };
    let scheme = if config.push.as_ref().unwrap().tls.is_some() { "https" } else { "http" };
    let task = tokio::spawn(run(config, options, context.clone()));
    let address = tokio::task::spawn_blocking(move || told.recv_timeout(LIMIT)).await.unwrap();
    let Ok(address) = address else { panic!("{:?}", task.await) };
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    Running { context, address, client, base: format!("{scheme}://{address}"), task }
}

impl Running {
    /// Sends a body with the token.
    pub(crate) async fn post(&self, kind: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.client.post(format!("{}/v1/events", self.base)).bearer_auth(TOKEN);
        answer(request.header("content-type", kind).body(body)).await
    }

    /// Sends a body that has to be accepted.
    pub(crate) async fn accept(&self, kind: &str, body: String, counts: [u64; 3]) {
        let (status, _, answer) = self.post(kind, body).await;
        assert_eq!(status, 202, "{answer}");
        let [accepted, duplicates, skipped] = counts;
        let expected =
            serde_json::json!({ "accepted": accepted, "duplicates": duplicates, "skipped": skipped });
        assert_eq!(answer, expected);
    }

    /// Waits until the metrics hold a line.
    pub(crate) async fn await_metric(&self, line: &str) {
        self.await_that(line, &|context| context.metrics.render().contains(&format!("{line}\n"))).await;
    }

    pub(crate) async fn await_that(&self, what: &str, holds: &(dyn Fn(&Context) -> bool + Sync)) {
        let begun = Instant::now();
        while !holds(&self.context) {
            let Running { context, .. } = self;
            assert!(begun.elapsed() < LIMIT, "{what}\n{context:?}\n{}", context.metrics.render());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Stops it and waits for its end.
    pub(crate) async fn stop(mut self) -> Summary {
        self.context.shutdown.trigger("the test is over");
        (&mut self.task).await.unwrap().unwrap()
    }

    /// Opens a connection and sends the beginning of a request of `length` bytes.
    pub(crate) fn begin(&self, length: usize, body: &str) -> TcpStream {
        self.open(&format!("content-length: {length}"), body)
    }

    /// The same, with a header that says otherwise how long the body is.
    pub(crate) fn open(&self, length: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let head = format!(
            "POST /v1/events HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: {JSON}\r\n\
             {length}\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream
    }

    /// The same, once it is the one request that may be worked on, with the refusal that another got. Where it comes while
    /// another is worked on it is refused itself, and begun anew.
    pub(crate) async fn occupy(&self, length: usize, body: &str) -> (TcpStream, Answer) {
        loop {
            let stream = self.begin(length, body);
            for _ in 0..20 {
                let answer = self.post(JSON, item(2)).await;
                if answer.0 == 429 {
                    return (stream, answer);
                }
            }
        }
    }
}

impl Drop for Running {
    /// A test that has failed ends too.
    fn drop(&mut self) {
        self.context.shutdown.trigger("the test has failed");
    }
}

pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let retry = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    (status, retry, response.json().await.unwrap())
}

/// Reads what a connection answers until it is closed, after closing this side where `half_closed`.
pub(crate) async fn rest(mut stream: TcpStream, half_closed: bool) -> String {
    let read = move || {
        if half_closed {
            stream.shutdown(Shutdown::Write).unwrap();
        }
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

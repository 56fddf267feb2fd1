//! The baseline: consume, produce to the same inboxes, commit now and then. No decoding, no deduplication, no
//! transactions, at least once: what the client library can do at best with the same records, or, as a second baseline, with
//! records like those that the fan-out writes.

use crate::copies::{self, Copy};
use crate::workload;
use anyhow::Result;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use sanchar_schemas::topics::TopicSpace;
use sanchar_tests::cluster::Cluster;
use std::time::{Duration, Instant};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Prefix of the installation's topics
    #[arg(long)]
    prefix: String,
    /// Records to copy
    #[arg(long)]
    records: u32,
    /// Consumer group
    #[arg(long)]
    group: String,
    /// Write headers and enrichment as the fan-out has done before
    #[arg(long)]
    as_delivered: bool,
}

/// How often offsets are committed.
const COMMIT_EVERY: Duration = Duration::from_millis(500);

pub(crate) fn run(cluster: &Cluster, args: &Args) -> Result<()> {
    let topics = TopicSpace::new(&args.prefix);
    let consumer: BaseConsumer = cluster
        .client()
        .set("group.id", &args.group)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("fetch.queue.backoff.ms", "5")
        .create()?;
    let producer: ThreadedProducer<DefaultProducerContext> = cluster
        .client()
        .set("enable.idempotence", "true")
        .set("linger.ms", "100")
        .set("batch.size", "1000000")
        .set("batch.num.messages", "100000")
        .set("queue.buffering.max.messages", "1000000")
        .set("compression.type", "lz4")
        .set("partitioner", "murmur2_random")
        .create()?;
    let copies =
        if args.as_delivered { copies::as_delivered(cluster, &topics)? } else { copies::bare(&topics) };
    let inputs: Vec<&str> = copies.keys().map(String::as_str).collect();
    println!("ready");
    let mut value = Vec::new();
    consumer.subscribe(&inputs)?;
    let (mut copied, mut committed) = (0, Instant::now());
    while copied < args.records {
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message?;
        for Copy { inbox, headers, appended } in copies.get(message.topic()).into_iter().flatten() {
            value.clear();
            value.extend_from_slice(message.payload().unwrap_or_default());
            value.extend_from_slice(appended);
            let mut record = BaseRecord::<[u8], [u8]>::to(inbox);
            record.key = message.key();
            record.payload = Some(&value);
            record.headers.clone_from(headers);
            workload::send(&producer, record)?;
        }
        copied += 1;
        if committed.elapsed() > COMMIT_EVERY {
            consumer.commit_consumer_state(CommitMode::Async)?;
            committed = Instant::now();
        }
    }
    producer.flush(Duration::from_secs(60))?;
    consumer.commit_consumer_state(CommitMode::Sync)?;
    // The parent reads this process's books before it lets it end.
    println!("copied {copied}");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(())
}

//! Latency from publish to readable by a `read_committed` reader of all inboxes, at a steady rate.
//! Every delivery counts, not only an event's first.

use crate::report::Report;
use crate::workload;
use anyhow::{Context as _, Result, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use rdkafka::{Offset, TopicPartitionList};
use sanchar_schemas::topics::Topic;
use sanchar_schemas::{StateCode, codec, headers, wire};
use sanchar_tests::Installation;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Seconds at the beginning of a run that are not counted: the broker compiles what it runs often.
const WARM_UP_S: u32 = 10;
/// How long the last delivery may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// When each event was sent, by event id; `None` while warming up.
type Sent = Mutex<HashMap<String, Option<Instant>>>;

pub(crate) async fn measure(rate: u32, seconds: u32, report: &mut Report) -> Result<()> {
    eprintln!("latency at {rate} events/s for {seconds} s");
    let installation = Installation::new("latency").await?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    fanout.wait_ready()?;
    let count = rate * (seconds + WARM_UP_S);
    let sent = Sent::default();
    let latencies_ms = std::thread::scope(|scope| {
        let publisher = scope.spawn(|| publish(&installation, rate, count, &sent));
        let latencies = collect(&installation, count, &sent);
        publisher.join().map_err(|_| anyhow::anyhow!("the publisher panicked"))??;
        latencies
    })?;
    report.latency(rate, latencies_ms);
    fanout.stop()?;
    Ok(())
}

fn publish(installation: &Installation, rate: u32, count: u32, sent: &Sent) -> Result<()> {
    let producer: ThreadedProducer<DefaultProducerContext> = installation
        .cluster
        .client()
        .set("acks", "all")
        .set("linger.ms", "0")
        .set("partitioner", "murmur2_random")
        .create()?;
    let started = Instant::now();
    for i in 0..count {
        let event = workload::event(i);
        let topic = installation.topic(Topic::Reported(event.origin));
        let value = wire::frame(installation.event_schema.0, &codec::encode_event(&event)?);
        let due = started + Duration::from_secs_f64(f64::from(i) / f64::from(rate));
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let counted = (i >= rate * WARM_UP_S).then(Instant::now);
        sent.lock().unwrap_or_else(PoisonError::into_inner).insert(event.event_id.clone(), counted);
        let record = BaseRecord::to(&topic).key(event.record_id.case_key()).payload(&value);
        producer.send(record).map_err(|(error, _)| error)?;
    }
    producer.flush(Duration::from_secs(30))?;
    Ok(())
}

/// Reads all inboxes until every delivery has come. Returns milliseconds.
fn collect(installation: &Installation, count: u32, sent: &Sent) -> Result<Vec<f64>> {
    let reader: BaseConsumer = installation
        .cluster
        .client()
        .set("group.id", "unused")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("fetch.wait.max.ms", "50")
        .create()?;
    let mut list = TopicPartitionList::new();
    for state in StateCode::all() {
        list.add_partition_offset(&installation.topic(Topic::Shared(state)), 0, Offset::Beginning)?;
    }
    reader.assign(&list)?;
    let mut missing: usize = (0..count).map(|i| workload::recipients(workload::origin(i)).len()).sum();
    let (mut latencies_ms, mut last) = (Vec::new(), Instant::now());
    while missing > 0 {
        ensure!(last.elapsed() < PATIENCE, "{missing} deliveries did not come");
        let Some(message) = reader.poll(Duration::from_millis(50)) else { continue };
        let message = message?;
        let now = Instant::now();
        (missing, last) = (missing - 1, now);
        let headers = message.headers().context("an inbox record has headers")?;
        let id = headers.iter().find(|header| header.key == headers::CE_ID).and_then(|header| header.value);
        let id = std::str::from_utf8(id.context("an inbox record names its event")?)?;
        let sent_at = sent.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied().flatten();
        latencies_ms.extend(sent_at.map(|sent_at| now.duration_since(sent_at).as_secs_f64() * 1e3));
    }
    Ok(latencies_ms)
}

//! From publish to readable by a `read_committed` reader of all inboxes, whatever is broken meanwhile.

use anyhow::{Context as _, Result};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use sanchar_runtime::kafka::LogContext;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::{StateCode, headers};
use sanchar_tests::Installation;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Events whose deliveries are still waited for; those sent before are forgotten.
const WAITING_MAX: usize = 200_000;

/// What was sent and when, and how long deliveries took since the last look.
#[derive(Debug, Default)]
pub(crate) struct Latency(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    sent: HashMap<String, Instant>,
    order: VecDeque<String>,
    latencies_ms: Vec<f64>,
}

impl Latency {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An event is about to be sent for the first time.
    pub(crate) fn sent(&self, event_id: &str) {
        let mut state = self.state();
        if state.sent.insert(event_id.to_owned(), Instant::now()).is_none() {
            state.order.push_back(event_id.to_owned());
        }
        if state.order.len() > WAITING_MAX
            && let Some(oldest) = state.order.pop_front()
        {
            state.sent.remove(&oldest);
        }
    }

    /// Deliveries since the last look, and their latencies in the middle and at the end, ms.
    pub(crate) fn take(&self) -> (u64, Option<f64>, Option<f64>) {
        let mut latencies_ms = std::mem::take(&mut self.state().latencies_ms);
        latencies_ms.sort_by(f64::total_cmp);
        let percentile = |percent: usize| latencies_ms.get(latencies_ms.len() * percent / 100).copied();
        (latencies_ms.len() as u64, percentile(50), percentile(99))
    }

    /// Reads all inboxes until it is over.
    pub(crate) fn read(&self, installation: &Installation, is_over: &AtomicBool) -> Result<()> {
        let topics = StateCode::all().map(|state| installation.topic(Topic::Shared(state)));
        let mut next: HashMap<String, i64> = topics.map(|topic| (topic, 0)).collect();
        while !is_over.load(Ordering::Relaxed) {
            let reader = reader(installation, &next)?;
            // A broker that is away is one of the faults; the client goes on by itself, or has to be made anew.
            while !is_over.load(Ordering::Relaxed) && reader.context().brokers().check().is_ok() {
                if let Some(Ok(message)) = reader.poll(Duration::from_millis(100)) {
                    self.delivered(&message)?;
                    next.insert(message.topic().to_owned(), message.offset() + 1);
                }
            }
        }
        Ok(())
    }

    fn delivered(&self, message: &BorrowedMessage<'_>) -> Result<()> {
        let now = Instant::now();
        let headers = message.headers().context("an inbox record has headers")?;
        let id = headers.iter().find(|header| header.key == headers::CE_ID).and_then(|header| header.value);
        let id = std::str::from_utf8(id.context("an inbox record names its event")?)?;
        let mut state = self.state();
        if let Some(sent) = state.sent.get(id).copied() {
            state.latencies_ms.push(now.duration_since(sent).as_secs_f64() * 1e3);
        }
        Ok(())
    }
}

/// A reader of the inboxes, from these offsets on.
fn reader(installation: &Installation, next: &HashMap<String, i64>) -> Result<BaseConsumer<LogContext>> {
    let mut config = installation.cluster.client();
    config
        .set("group.id", "unused")
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false");
    config.set("fetch.wait.max.ms", "50").set("statistics.interval.ms", "1000");
    let reader: BaseConsumer<LogContext> = config.create_with_context(LogContext::new("soak-latency"))?;
    let mut list = TopicPartitionList::new();
    for (topic, offset) in next {
        list.add_partition_offset(topic, 0, Offset::Offset(*offset))?;
    }
    reader.assign(&list)?;
    Ok(reader)
}

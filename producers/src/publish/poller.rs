//! The Kafka client's answers, taken up by a thread of their own, which rests while nothing is under way.
//!
//! It stands in the place of `ThreadedProducer`, whose thread asks ten times a second and, since rdkafka counts what is left of a
//! wait in whole milliseconds, spends the last of each in a loop: most of what an idle producer cost. What an answer means is
//! not decided here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rdkafka::producer::{BaseProducer, Producer as _, ProducerContext};

/// How long one look lasts while answers are due.
const LOOK: Duration = Duration::from_millis(100);
/// How long the thread rests while none are: statistics and lost connections wait so long at most.
const REST: Duration = Duration::from_secs(1);
/// The most events that are taken up after a rest. They are few: one look takes up one.
const EVENTS_MAX: usize = 16;

/// Takes up the answers of a client as long as it lives.
pub(super) struct Poller {
    shared: Arc<Shared>,
    /// `None` once it has ended.
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    is_resting: AtomicBool,
    is_over: AtomicBool,
}

impl Poller {
    /// Begins to take up the answers of `producer`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn start<C: ProducerContext + 'static>(
        producer: Arc<BaseProducer<C>>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let named = thread::Builder::new().name("answers".to_owned());
        let thread = named.spawn(move || of_thread.take_up(&producer))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Says that a message was handed over. Call it afterwards.
    pub(super) fn expect_answers(&self) {
        if self.shared.is_resting.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // What a panic of it said is in the log.
            drop(thread.join());
        }
    }
}

impl Shared {
    fn take_up<C: ProducerContext>(&self, producer: &BaseProducer<C>) {
        while !self.is_over.load(Ordering::SeqCst) {
            if producer.in_flight_count() > 0 {
                producer.poll(LOOK);
                continue;
            }
            // Either the count shows what is handed over meanwhile, or who hands it over sees the rest and ends it.
            self.is_resting.store(true, Ordering::SeqCst);
            if producer.in_flight_count() == 0 && !self.is_over.load(Ordering::SeqCst) {
                thread::park_timeout(REST);
            }
            self.is_resting.store(false, Ordering::SeqCst);
            for _ in 0..EVENTS_MAX {
                producer.poll(Duration::ZERO);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::time::Instant;

    use rdkafka::ClientContext;
    use rdkafka::config::ClientConfig;
    use rdkafka::message::DeliveryResult;
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::BaseRecord;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl ClientContext for Count {}

    impl ProducerContext for Count {
        type DeliveryOpaque = ();

        fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
            self.0.fetch_add(usize::from(result.is_ok()), Ordering::SeqCst);
        }
    }

    #[test]
    fn answers_come_at_once_after_a_rest_and_the_end_does_not_wait_for_one() {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("topic", 1, 1).unwrap();
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", cluster.bootstrap_servers()).set("linger.ms", "0");
        let producer: BaseProducer<Count> = config.create_with_context(Count::default()).unwrap();
        let producer = Arc::new(producer);
        let poller = Poller::start(Arc::clone(&producer)).unwrap();
        for sent in 1..=3 {
            let begun = Instant::now();
            while !poller.shared.is_resting.load(Ordering::SeqCst) {
                assert!(begun.elapsed() < Duration::from_secs(20), "it never rests");
                thread::yield_now();
            }
            producer.send(BaseRecord::<str, str, ()>::to("topic").payload("x")).unwrap();
            poller.expect_answers();
            while producer.context().0.load(Ordering::SeqCst) < sent {
                assert!(begun.elapsed() < Duration::from_secs(20), "no answer");
                thread::yield_now();
            }
        }
        drop(poller);
        assert_eq!(Arc::strong_count(&producer), 1, "its thread has ended");
    }
}

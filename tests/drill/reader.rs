//! A state's own program that reads its inbox: a plain consumer with a group of its own, which can be made to stand still.

use anyhow::Result;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use sanchar_schemas::topics::Topic;
use sanchar_tests::Installation;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The state that reads.
pub(crate) const RECIPIENT: &str = "IN-HR";
const WAIT: Duration = Duration::from_millis(100);

/// The reader.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    is_over: AtomicBool,
    stands_still: AtomicBool,
}

impl Reader {
    /// Name of its group.
    pub(crate) fn group(installation: &Installation) -> String {
        format!("{}.haryana-control-room", installation.prefix)
    }

    /// Reads until it is over.
    pub(crate) fn run(&self, installation: &Installation) -> Result<()> {
        let consumer: BaseConsumer = installation
            .cluster
            .client()
            .set("group.id", Self::group(installation))
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("max.poll.interval.ms", "7200000") // it stands still for longer than others may
            .create()?;
        consumer.subscribe(&[&installation.topic(Topic::Shared(RECIPIENT.parse()?))])?;
        while !self.is_over.load(Ordering::Relaxed) {
            if self.stands_still.load(Ordering::Relaxed) {
                std::thread::sleep(WAIT);
            } else if let Some(message) = consumer.poll(WAIT) {
                consumer.commit_message(&message?, CommitMode::Async)?;
            }
        }
        Ok(())
    }

    /// Lets it read no more.
    pub(crate) fn stand_still(&self) {
        self.stands_still.store(true, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

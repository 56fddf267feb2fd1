//! Reads ahead of a worker while it has a backlog, and hands it the urgent records that stand further on.
//!
//! A thread with a client of its own reads the worker's partitions from the worker's positions on. It remembers the keys of
//! ordinary records. An urgent one whose key has no record pending is handed over, and the worker processes it before its
//! next batch. It stays where it is in the input: when the worker gets there, the application drops it as a repeat. So
//! overtaking needs no book-keeping that could be lost, and the order of each key is that of the input ([`Seen`] says why).
//!
//! Whatever is in doubt waits for its turn. Nothing that fails here ends the service, or is needed by it.

mod hand_over;
mod seen;
mod urgent;

use crate::client::{ClientError, Message, Scanner, ScannerConnector};
pub(crate) use hand_over::HandOver;
use hand_over::Start;
use sanchar_runtime::backoff::Backoff;
use seen::Seen;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;
pub(crate) use urgent::Urgent;

/// How long a read waits for a record: bounds how late a change is noticed.
const READ_WAIT: Duration = Duration::from_millis(50);
/// How long is waited while the worker has to take urgent records first.
const QUEUE_PULSE: Duration = Duration::from_millis(5);
/// How long is waited while it has to pass records first.
const FULL_PULSE: Duration = Duration::from_millis(200);

/// What the thread works with.
pub(crate) struct Lookahead<C> {
    connector: C,
    hand_over: HandOver,
    is_urgent: fn(&dyn Message) -> bool,
    /// Most keys that are remembered.
    records_max: usize,
    backoff: Backoff,
    /// Hashes with keys of this process: nobody can choose record keys that are taken for each other.
    hasher: RandomState,
}

impl<C: ScannerConnector> Lookahead<C> {
    pub(crate) fn new(
        connector: C,
        hand_over: HandOver,
        is_urgent: fn(&dyn Message) -> bool,
        records_max: usize,
        backoff: Backoff,
    ) -> Self {
        Self { connector, hand_over, is_urgent, records_max, backoff, hasher: RandomState::new() }
    }

    /// Reads ahead whenever there is a backlog, until the worker has ended. Blocks its thread.
    pub(crate) fn run(mut self) {
        while let Some(start) = self.hand_over.wait_for_backlog() {
            if let Err(error) = self.look(&start) {
                let delay = self.backoff.next_delay();
                let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(%error, delay_ms, "reading ahead is interrupted: urgent records wait for their turn");
                self.hand_over.wait(start.generation, delay);
            }
        }
    }

    /// Reads ahead from a start on, as long as that holds.
    fn look(&mut self, start: &Start) -> Result<(), ClientError> {
        let scanner = self.connector.connect(&start.positions)?;
        tracing::info!(partitions = start.positions.len(), "reading ahead of a backlog for urgent records");
        let mut seen = Seen::new(self.records_max, &start.positions);
        while self.hand_over.is_current(start.generation) {
            if self.hand_over.is_full() {
                scanner.rest()?;
                self.hand_over.wait(start.generation, QUEUE_PULSE);
            } else if seen.is_full() && self.is_full_still(&mut seen) {
                scanner.rest()?;
                self.hand_over.wait(start.generation, FULL_PULSE);
            } else if let Some(message) = scanner.poll(READ_WAIT)? {
                self.note(start.generation, &mut seen, &message)?;
                self.backoff.reset();
            }
        }
        Ok(())
    }

    fn is_full_still(&self, seen: &mut Seen) -> bool {
        self.hand_over.prune(seen);
        seen.is_nearly_full()
    }

    fn note(&self, generation: u64, seen: &mut Seen, message: &dyn Message) -> Result<(), ClientError> {
        let (topic, partition, offset) = (message.topic(), message.partition(), message.offset());
        if !seen.covers(topic, partition, offset) {
            return Err(ClientError::Retryable("a record came from where nothing was to be read".to_owned()));
        }
        // Without a key there is no order to keep, and nothing to overtake by.
        let Some(key) = message.key() else { return Ok(()) };
        let key = self.fingerprint(key);
        if !((self.is_urgent)(message) && self.hand_over.offer(generation, seen, message, key)) {
            seen.note(topic, partition, offset, key);
        }
        Ok(())
    }

    /// Half of a hash.
    fn fingerprint(&self, key: &[u8]) -> u32 {
        let [a, b, c, d, ..] = self.hasher.hash_one(key).to_ne_bytes();
        u32::from_ne_bytes([a, b, c, d])
    }
}

#[cfg(test)]
mod tests;

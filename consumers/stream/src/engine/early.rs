//! Urgent records of further on in the input, processed in the transaction of a batch and before it.
//!
//! They have no offsets of their own: when their turn comes the processor drops them as repeats. A refused one is left alone
//! and waits for its turn, so nothing is dead-lettered, held up or judged here.

use super::turn::Attempt;
use super::{End, Engine};
use crate::client::{Connector, Partition, Position};
use crate::lookahead::{HandOver, Urgent};
use crate::metrics::EngineMetrics;
use crate::processor::{Processor, sender};
use std::collections::BTreeMap;

/// Records of a batch in a transaction that is cut short for urgent ones, at least. Fewer would be faster for these and leave
/// little of a drain's speed while many come: a commit takes as long as processing about so many.
const BATCH_RECORDS_MIN: usize = 1_000;
/// The same for each urgent record in it, so that many cannot cut it short.
const BATCH_RECORDS_FOR_EACH: usize = 10;

/// What was processed early in a transaction.
#[derive(Debug, Default)]
pub(super) struct Early {
    /// Records by partition, and how many of them wrote anything.
    done: BTreeMap<Partition, (u64, u64)>,
}

impl<C: Connector, P: Processor> Engine<C, P> {
    /// Processes what was handed over.
    pub(super) fn overtake(&mut self, client: &C::Client) -> Result<Early, End> {
        let mut early = Early::default();
        let mut taken = self.ahead.take();
        let send = sender(client, self.job.output_bytes_max);
        while let Some(urgent) = taken.next() {
            match self.attempt(&send, &urgent.message)? {
                Attempt::Done { sent } => early.note(&urgent, sent),
                Attempt::Poison(_) => taken.refuse(urgent),
                Attempt::Waits(_) => {
                    taken.refuse(urgent);
                    break; // what it waits for may take long to say that it is not there
                }
            }
        }
        self.ahead.give_back(taken);
        Ok(early)
    }
}

impl Early {
    fn note(&mut self, urgent: &Urgent, sent: usize) {
        let (records, wrote) = self.done.entry(urgent.message.place.clone()).or_default();
        *records += 1;
        *wrote += u64::from(sent > 0);
    }

    /// Whether a transaction with `done` records of a batch should be committed before it has all of it, because urgent
    /// ones are in it or wait for the next.
    pub(super) fn is_enough(&self, done: usize, ahead: &HandOver) -> bool {
        done >= BATCH_RECORDS_MIN
            && (!self.is_empty() || ahead.has_urgent())
            && done >= self.records() * BATCH_RECORDS_FOR_EACH
    }

    fn records(&self) -> usize {
        let records: u64 = self.done.values().map(|(records, _)| records).sum();
        usize::try_from(records).unwrap_or(usize::MAX)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.done.is_empty()
    }

    /// Where the partitions of these records stand that the transaction does not move on. Committed again as they are: the
    /// group's coordinator then refuses the transaction of a member whose partitions went, and whoever has them next waits
    /// until it is decided (KIP-447), as for every other record.
    pub(super) fn positions(&self, moved: &[Position], ahead: &HandOver) -> Vec<Position> {
        let unmoved = |partition: &&Partition| moved.iter().all(|position| position.partition != **partition);
        ahead.positions(self.done.keys().filter(unmoved))
    }

    /// They are counted as read here, and again when their turn comes, since they are accounted for both times.
    pub(super) fn count(&self, metrics: &EngineMetrics) {
        for (partition, (records, wrote)) in &self.done {
            metrics.records_in.with_label_values(&[&partition.topic]).inc_by(*records);
            metrics.overtaken.inc_by(*wrote);
        }
    }
}

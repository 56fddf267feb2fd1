//! The letters that are in the queue when a command begins, oldest first in each partition. What comes later is not
//! read: a letter that a redrive brings about must not be sent by the same redrive.

use std::collections::BTreeMap;
use std::ops::Range;

use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::topics::{Topic, TopicSpace};

use super::inputs::Inputs;
use super::letter::Letter;
use super::place::Place;
use crate::connection::Cluster;
use crate::reader::{Reader, Start, Step};

/// A reading of the queue.
pub(super) struct Letters {
    reader: Reader,
    space: TopicSpace,
    /// Offsets of each partition when the command began, without those that have been passed since.
    offsets: BTreeMap<i32, Range<i64>>,
}

impl Letters {
    /// # Errors
    /// [`Failure`] (69) when no broker answers or there is no queue.
    pub(super) fn open(cluster: &Cluster) -> Result<Self, Failure> {
        Self::open_at(cluster, Start::Beginning)
    }

    fn open_at(cluster: &Cluster, start: Start) -> Result<Self, Failure> {
        let space = cluster.space();
        let topic = space.name(Topic::Dlq);
        let reader = Reader::open(&cluster.kafka, std::slice::from_ref(&topic), start)?;
        let mut offsets = reader.offsets(&topic)?;
        offsets.retain(|_, offsets| !offsets.is_empty());
        Ok(Self { reader, space, offsets })
    }

    /// Offsets still to read, markers of transactions among them: for a progress bar.
    pub(super) fn left(&self) -> u64 {
        let count = |offsets: &Range<i64>| u64::try_from(offsets.end - offsets.start).unwrap_or_default();
        self.offsets.values().map(count).sum()
    }

    /// The topics that letters may go back to.
    ///
    /// # Errors
    /// As [`Letters::open`].
    pub(super) fn inputs(&self) -> Result<Inputs, Failure> {
        self.reader.partition_counts().map(Inputs::new)
    }

    /// The next letter; `None` when all have been read.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub(super) async fn next(&mut self) -> Result<Option<Letter>, Failure> {
        while !self.offsets.is_empty() {
            match self.reader.next().await? {
                Step::Record(record) => {
                    if self.pass(record.partition, record.offset) {
                        return Ok(Some(Letter::of(record, &self.space)));
                    }
                }
                Step::End => self.offsets.clear(),
                Step::Trouble(reason) => tracing::warn!(reason, "kafka is in trouble; waiting"),
            }
        }
        Ok(None)
    }

    /// Notes that an offset was reached. Returns whether it was there when the command began.
    fn pass(&mut self, partition: i32, offset: i64) -> bool {
        let Some(offsets) = self.offsets.get_mut(&partition) else { return false };
        let was_there = offset < offsets.end;
        offsets.start = offset + 1;
        if offsets.is_empty() {
            self.offsets.remove(&partition);
        }
        was_there
    }
}

/// The letter at one place.
///
/// # Errors
/// [`Failure`] (64) when none is there, (69) as [`Letters::open`].
pub(super) async fn at(cluster: &Cluster, place: Place) -> Result<Letter, Failure> {
    let mut letters = Letters::open_at(cluster, Start::At(place.offset))?;
    // Elsewhere the offset may lie outside, and reading would begin at the beginning.
    letters
        .offsets
        .retain(|partition, offsets| *partition == place.partition && offsets.contains(&place.offset));
    while let Some(letter) = letters.next().await? {
        if letter.place == place {
            return Ok(letter);
        }
        if letter.place.offset > place.offset {
            break;
        }
    }
    Err(Failure::usage(format!(
        "there is no letter at {place}: `sanchar dlq list` shows the places that there are"
    )))
}

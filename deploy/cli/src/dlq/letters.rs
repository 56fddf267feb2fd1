//! The letters that are in the queue when a command begins, oldest first in each partition. What comes later is not
//! read: a letter that a redrive brings about must not be sent by the same redrive.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::topics::{Topic, TopicSpace};

use super::inputs::Inputs;
use super::letter::Letter;
use super::place::Place;
use crate::connection::Cluster;
use crate::outcome::warn;
use crate::reader::{Reader, Start, Step};

/// After so long without a letter people are told, and after so long reading is given up.
const SOON: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(60);
const PULSE: Duration = Duration::from_millis(500);

/// A reading of the queue.
pub(super) struct Letters {
    reader: Reader,
    space: TopicSpace,
    silence: Silence,
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
        Ok(Self { reader, space, silence: Silence { topic, ..Silence::default() }, offsets })
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
    /// As [`Reader::next`], and [`Failure`] (69) when nothing comes for a minute.
    pub(super) async fn next(&mut self) -> Result<Option<Letter>, Failure> {
        let mut heard = Instant::now();
        while !self.offsets.is_empty() {
            let Ok(step) = tokio::time::timeout(PULSE, self.reader.next()).await else {
                self.silence.lasts(heard.elapsed())?.as_deref().map(warn);
                continue;
            };
            match step? {
                Step::Record(record) => {
                    heard = Instant::now();
                    if self.pass(record.partition, record.offset) {
                        return Ok(Some(Letter::of(record, &self.space)));
                    }
                }
                Step::End => self.offsets.clear(),
                Step::Trouble(reason) => {
                    self.silence.reason = Some(reason);
                    self.silence.lasts(heard.elapsed())?.as_deref().map(warn);
                }
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

/// What is done about it when no letter comes.
#[derive(Debug, Default)]
struct Silence {
    topic: String,
    /// The client's last word.
    reason: Option<String>,
    is_told: bool,
}

impl Silence {
    /// What people are to be told when it has lasted so long; once.
    fn lasts(&mut self, elapsed: Duration) -> Result<Option<String>, Failure> {
        let topic = &self.topic;
        let why = self.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let seconds = PATIENCE.as_secs();
        if elapsed >= PATIENCE {
            return Err(Failure::unavailable(format!(
                "nothing came from {topic} for {seconds} s{why}: check that the brokers are up, and try again"
            )));
        }
        if elapsed < SOON || self.is_told {
            return Ok(None);
        }
        self.is_told = true;
        Ok(Some(format!("nothing comes from {topic}{why}; waiting up to {seconds} s")))
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

#[cfg(test)]
mod tests {
    use super::*;
    use sanchar_runtime::lifecycle::ExitCode;

    #[test]
    fn brokers_that_say_nothing_are_told_of_once_and_not_waited_for_without_end() {
        let mut silence = Silence { topic: "crime.dlq".into(), ..Silence::default() };
        let mut lasts = |seconds| silence.lasts(Duration::from_secs(seconds));
        assert_eq!(lasts(1).unwrap(), None);
        let line = lasts(4).unwrap().unwrap();
        assert_eq!(line, "nothing comes from crime.dlq; waiting up to 60 s");
        assert_eq!(lasts(59).unwrap(), None, "once");
        silence.reason = Some("all brokers are down".into());
        let failure = silence.lasts(Duration::from_secs(60)).unwrap_err();
        assert_eq!(failure.exit_code(), ExitCode::Unavailable);
        assert!(failure.to_string().contains("(all brokers are down): check"), "{failure}");
    }
}

//! What became of the rows of a run: counts that add up, and where the first of each kind stand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::event::{Withheld, WithholdingReason};
use serde::Serialize;

use crate::mapping::joined::Joined;
use crate::reason::Reason;

/// How many places are remembered for each reason.
const EXAMPLES_MAX: usize = 3;

/// The name under which empty lines are counted.
pub const BLANK_LINE: &str = "blank_line";
/// The name under which rows are counted that were published as they are.
pub const UNCHANGED: &str = "unchanged";

/// Counts of rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Rows and empty lines read.
    pub read: u64,
    /// Events published, or that would be.
    pub published: u64,
    /// Rows left out, by the mapping's names.
    pub filtered: BTreeMap<String, Tally>,
    /// Rows put into quarantine.
    pub quarantined: BTreeMap<Reason, Tally>,
    /// Files that could not be read, or not to their end: messages instead of places.
    pub refused: Tally,
    /// Published events of which something was withheld, by reason; one event may stand under several. Of a dry run.
    pub withheld: BTreeMap<WithholdingReason, u64>,
    /// Published events of which something was withheld. Of a dry run.
    pub events_withheld: u64,
    /// Joined rows whose case is in no file, by join. Where all files were read from their start.
    pub without_case: BTreeMap<String, u64>,
    /// Joined rows that cannot be read, by join. Where all files were read from their start.
    pub unreadable: BTreeMap<String, u64>,
    /// Records that were too many to be compared with all that came after them. Of a dry run.
    pub forgotten: u64,
}

/// A count with the places of its first rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// `file:line` of the first; a row of a source without lines has its key in its name, and the line 0.
    pub examples: Vec<String>,
}

impl Tally {
    fn add(&mut self, file: &str, line: u64) {
        self.note(|| if line == 0 { file.to_owned() } else { format!("{file}:{line}") });
    }

    fn note(&mut self, example: impl FnOnce() -> String) {
        self.count += 1;
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(example());
        }
    }
}

impl Summary {
    /// Counts a published row.
    pub(crate) fn publish(&mut self) {
        self.read += 1;
        self.published += 1;
    }

    /// Counts what was withheld of a published event.
    pub(crate) fn withhold(&mut self, withheld: &[Withheld]) {
        let reasons: BTreeSet<WithholdingReason> = withheld.iter().map(|withheld| withheld.reason).collect();
        self.events_withheld += u64::from(!reasons.is_empty());
        for reason in reasons {
            *self.withheld.entry(reason).or_default() += 1;
        }
    }

    /// Takes up what is left of joined rows once every row of the source was read.
    pub(crate) fn join(&mut self, joined: &Joined) {
        for (join, without_case, unreadable) in joined.left_over() {
            self.without_case.insert(join.to_owned(), without_case);
            self.unreadable.insert(join.to_owned(), unreadable);
        }
    }

    /// Counts a row that is left out.
    pub(crate) fn filter(&mut self, name: &str, file: &str, line: u64) {
        self.read += 1;
        if !self.filtered.contains_key(name) {
            self.filtered.insert(name.to_owned(), Tally::default());
        }
        if let Some(tally) = self.filtered.get_mut(name) {
            tally.add(file, line);
        }
    }

    /// Counts a row that goes to quarantine.
    pub(crate) fn quarantine(&mut self, reason: Reason, file: &str, line: u64) {
        self.read += 1;
        self.quarantined.entry(reason).or_default().add(file, line);
    }

    /// Counts a row that was published as far as anybody knew, and then was not.
    pub(crate) fn withdraw(&mut self, reason: Reason, file: &str, line: u64) {
        self.published = self.published.saturating_sub(1);
        self.quarantined.entry(reason).or_default().add(file, line);
    }

    /// Notes a file that cannot be read, or not to its end.
    pub(crate) fn refuse(&mut self, message: &dyn fmt::Display) {
        self.refused.note(|| message.to_string());
    }

    /// Rows left out, for whatever reason.
    #[must_use]
    pub fn filtered_count(&self) -> u64 {
        self.filtered.values().map(|tally| tally.count).sum()
    }

    /// Rows in quarantine, for whatever reason.
    #[must_use]
    pub fn quarantined_count(&self) -> u64 {
        self.quarantined.values().map(|tally| tally.count).sum()
    }

    /// Whether every file was read to its end.
    ///
    /// # Errors
    /// [`Failure`] with exit code 78 where one was not.
    pub fn check_whole(&self) -> Result<(), Failure> {
        match self.refused.count {
            0 => Ok(()),
            count => Err(Failure::config(format!(
                "files that cannot be read, or not to their end: {count}; see what is said of each"
            ))),
        }
    }

    /// Whether every row that was read is accounted for.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        self.read == self.published + self.filtered_count() + self.quarantined_count()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = |f: &mut fmt::Formatter<'_>, name: &str, tally: &Tally| {
            let more = if usize::try_from(tally.count).unwrap_or(usize::MAX) > tally.examples.len() {
                ", …"
            } else {
                ""
            };
            writeln!(f, "    {name:<24} {:>8}   {}{more}", tally.count, tally.examples.join(", "))
        };
        writeln!(f, "{:<28} {:>8}", "rows read", self.read)?;
        writeln!(f, "{:<28} {:>8}", "published", self.published)?;
        if self.events_withheld > 0 {
            writeln!(f, "    {:<24} {:>8}", "with something withheld", self.events_withheld)?;
        }
        for (reason, events) in &self.withheld {
            writeln!(f, "      {:<22} {events:>8}", reason.as_str())?;
        }
        writeln!(f, "{:<28} {:>8}", "quarantined", self.quarantined_count())?;
        for (reason, tally) in &self.quarantined {
            lines(f, reason.as_str(), tally)?;
        }
        writeln!(f, "{:<28} {:>8}", "filtered", self.filtered_count())?;
        for (name, tally) in &self.filtered {
            lines(f, name, tally)?;
        }
        if self.refused.count > 0 {
            writeln!(f, "{:<28} {:>8}", "files not read whole", self.refused.count)?;
            self.refused.examples.iter().try_for_each(|message| writeln!(f, "    {message}"))?;
        }
        for (what, rows) in [("without a case", &self.without_case), ("unreadable", &self.unreadable)] {
            for (join, rows) in rows.iter().filter(|(_, rows)| **rows > 0) {
                writeln!(f, "{what:<28} {rows:>8}   joined rows of {join}")?;
            }
        }
        if self.forgotten > 0 {
            writeln!(
                f,
                "{:<28} {:>8}   records: a later row under the number of one of these is not noticed",
                "too many to compare", self.forgotten
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_adds_up_and_shows_where_to_look() {
        let mut summary = Summary::default();
        summary.publish();
        summary.publish();
        summary.filter("inquest", "a.csv", 4);
        for line in 5..10 {
            summary.quarantine(Reason::BadDate, "a.csv", line);
        }
        summary.withdraw(Reason::MessageTooLarge, "a.csv", 2);
        assert!(summary.adds_up());
        assert_eq!((summary.read, summary.published, summary.quarantined_count()), (8, 1, 6));
        let text = summary.to_string();
        assert!(
            text.contains("bad_date                        5   a.csv:5, a.csv:6, a.csv:7, …\n"),
            "{text}"
        );
    }
}

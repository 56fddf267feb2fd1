//! What the judge found: how much of everything there was, and what is wrong with it.
//!
//! For people through `Display`, for programs through serde. It holds no content of an event.

use super::place::Place;
use sanchar_schemas::StateCode;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// Findings that are kept; the rest is counted. When all is wrong, a thousand examples tell as much as a million.
const KEPT_MAX: usize = 1_000;
/// Findings that are shown to people.
const SHOWN_MAX: usize = 20;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A state was not told what it must know.
    Lost,
    /// A state was told twice, or told again what has not changed.
    Repeated,
    /// A state was told of a case in another order than its origin published it.
    OutOfOrder,
    /// The origin or an excluded state was told, or somebody was told what must not be sent at all.
    Leaked,
    /// A state was told what it has nothing to do with.
    Misrouted,
    /// What arrived is not what was sent.
    Altered,
    /// A record went nowhere, to the wrong end, or came from nowhere.
    Unaccounted,
}

impl Kind {
    /// The name in output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Repeated => "repeated",
            Self::OutOfOrder => "out-of-order",
            Self::Leaked => "leaked",
            Self::Misrouted => "misrouted",
            Self::Altered => "altered",
            Self::Unaccounted => "unaccounted",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is wrong.
    pub kind: Kind,
    /// The record with which it is wrong: in an inbox or the dead-letter queue where it is there, or else in the input.
    pub place: Place,
    /// The state whose inbox it is about; none where it is about none.
    #[serde(serialize_with = "serialize_state")]
    pub recipient: Option<StateCode>,
    /// The `record_id`, where it is known.
    pub record: Option<String>,
    /// What exactly, in words.
    pub what: &'static str,
}

fn serialize_state<S: Serializer>(state: &Option<StateCode>, serializer: S) -> Result<S::Ok, S::Error> {
    state.map(StateCode::as_str).serialize(serializer)
}

/// Counts by reason.
pub type Counts = BTreeMap<&'static str, u64>;

/// The judgement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Input records.
    pub records_read: u64,
    /// Those that somebody must be told of.
    pub forwarded: u64,
    /// Those that must be dropped, by reason.
    pub dropped: Counts,
    /// Those that must be dead letters, by reason.
    pub dead_lettered: Counts,
    /// Events found in inboxes.
    pub deliveries: u64,
    /// Withdrawals found in inboxes.
    pub withdrawals: u64,
    /// How often each thing is wrong.
    pub found: BTreeMap<Kind, u64>,
    /// What is wrong, at most 1,000 of it.
    pub findings: Vec<Finding>,
}

impl Verdict {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.found.is_empty()
    }

    pub(super) fn find(&mut self, finding: Finding) {
        *self.found.entry(finding.kind).or_default() += 1;
        if self.findings.len() < KEPT_MAX {
            self.findings.push(finding);
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, count: u64| writeln!(f, "{name:<20} {count:>12}");
        line("records read", self.records_read)?;
        line("forwarded", self.forwarded)?;
        for (name, counts) in [("dropped", &self.dropped), ("dead-lettered", &self.dead_lettered)] {
            line(name, counts.values().sum())?;
            counts.iter().try_for_each(|(reason, count)| line(&format!("  {reason}"), *count))?;
        }
        line("deliveries", self.deliveries)?;
        line("withdrawals", self.withdrawals)?;
        let found: u64 = self.found.values().sum();
        line("findings", found)?;
        self.found.iter().try_for_each(|(kind, count)| line(&format!("  {}", kind.as_str()), *count))?;
        for finding in self.findings.iter().take(SHOWN_MAX) {
            writeln!(f, "{finding}")?;
        }
        let shown = self.findings.len().min(SHOWN_MAX) as u64;
        if found > shown { writeln!(f, "and {} more", found - shown) } else { Ok(()) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recipient = self.recipient.map_or("-", StateCode::as_str);
        let record = self.record.as_deref().unwrap_or("-");
        write!(f, "{:<12} {recipient:<5} {} {record}: {}", self.kind.as_str(), self.place, self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sanchar_schemas::topics::Topic;

    #[test]
    fn what_is_wrong_is_shown_in_part_and_counted_in_full() {
        let mut verdict = Verdict { records_read: 7, ..Verdict::default() };
        verdict.dropped.insert("stale", 2);
        assert!(verdict.is_clean());
        assert!(verdict.to_string().contains("\n  stale                         2\n"), "{verdict}");
        let state: StateCode = "IN-DL".parse().unwrap();
        for offset in 0..2_000 {
            let place = Place { topic: Topic::Shared(state), partition: 0, offset };
            let record = Some("IN-HR/1/2026/1/fir".to_owned());
            let kind = Kind::Lost;
            verdict.find(Finding { kind, place, recipient: Some(state), record, what: "nobody was told" });
        }
        assert_eq!((verdict.found[&Kind::Lost], verdict.findings.len()), (2_000, 1_000));
        let text = verdict.to_string();
        let line = "lost         IN-DL crime.shared.in-dl[0]@19 IN-HR/1/2026/1/fir: nobody was told\n";
        assert!(text.ends_with(&format!("{line}and 1980 more\n")), "{text}");
        let json = serde_json::to_value(&verdict).unwrap();
        assert_eq!(json["found"]["lost"], 2_000);
        assert_eq!(json["findings"][3]["place"], "crime.shared.in-dl[0]@3");
    }
}

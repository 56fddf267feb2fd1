//! The books of a demonstration: every row read is accounted for, from the file to the inboxes. A pure value.
//!
//! What the daemons counted stands against what an independent reader found in the topics.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use console::style;
use sanchar_schemas::StateCode;

use super::watch::Sight;

/// What the daemons counted, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    /// Counted by the producers.
    pub(super) sources: BTreeMap<StateCode, Source>,
    /// Counted by the fan-out service.
    pub(super) fanout: Fanout,
    /// Found by the independent reader.
    pub(super) found: Found,
}

/// One producer's counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) rows: u64,
    /// Rows put aside, by reason.
    pub(super) quarantined: BTreeMap<String, u64>,
    /// Rows that need not be published, by reason.
    pub(super) filtered: BTreeMap<String, u64>,
    /// Acknowledged by the broker.
    pub(super) published: u64,
}

/// The fan-out service's counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fanout {
    pub(super) records_in: u64,
    pub(super) forwarded: u64,
    pub(super) dropped: BTreeMap<String, u64>,
    pub(super) dead_lettered: BTreeMap<String, u64>,
    pub(super) deliveries: u64,
    pub(super) withdrawals: u64,
}

/// What stands in the topics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) reported: u64,
    /// Records of each inbox.
    pub(super) inboxes: BTreeMap<StateCode, u64>,
    pub(super) dead_letters: u64,
    /// Copies of a (record, revision) that an inbox holds already.
    pub(super) repeated: u64,
    /// Copies in the inbox of their own origin.
    pub(super) returned: u64,
    /// Every (inbox, record, revision) seen.
    pub(super) seen: BTreeSet<(StateCode, String, i64)>,
}

impl Found {
    /// Notes what the independent reader found.
    pub(super) fn note(&mut self, sight: &Sight) {
        match sight {
            Sight::Published(_) => self.reported += 1,
            Sight::DeadLetter(_) => self.dead_letters += 1,
            Sight::Received(state, shared) => {
                *self.inboxes.entry(*state).or_default() += 1;
                let enrichment = &shared.enrichment;
                let is_new =
                    self.seen.insert((*state, enrichment.record_id.to_string(), enrichment.revision));
                self.repeated += u64::from(!is_new);
                self.returned += u64::from(enrichment.origin == state.as_str());
            }
        }
    }
}

/// One line of the books: both sides, and the parts that the right side is the sum of.
struct Equation {
    left: (&'static str, u64),
    right: Vec<(String, u64)>,
}

impl Ledger {
    /// Whether every line balances.
    pub(super) fn balances(&self) -> bool {
        self.equations().iter().all(Equation::balances)
    }

    /// Whether everything that was published has arrived wherever it goes.
    pub(super) fn is_settled(&self) -> bool {
        let arrived = self.found.inboxes.values().sum::<u64>();
        self.fanout.records_in >= self.published()
            && self.found.reported >= self.published()
            && arrived >= self.fanout.deliveries + self.fanout.withdrawals
            && self.found.dead_letters >= sum(&self.fanout.dead_lettered)
    }

    pub(super) fn published(&self) -> u64 {
        self.sources.values().map(|source| source.published).sum()
    }

    fn equations(&self) -> Vec<Equation> {
        let Self { sources, fanout, found } = self;
        let rows = sources.values().map(|source| source.rows).sum();
        let mut row_fates = vec![("published".to_owned(), self.published())];
        row_fates.extend(by_reason("quarantined", sources.values().map(|source| &source.quarantined)));
        row_fates.extend(by_reason("filtered", sources.values().map(|source| &source.filtered)));
        let mut record_fates = vec![("forwarded".to_owned(), fanout.forwarded)];
        record_fates.extend(by_reason("dropped", [&fanout.dropped].into_iter()));
        record_fates.extend(by_reason("dead-lettered", [&fanout.dead_lettered].into_iter()));
        let inboxes =
            found.inboxes.iter().map(|(state, records)| (state.as_str().to_owned(), *records)).collect();
        vec![
            Equation { left: ("rows read", rows), right: row_fates },
            Equation {
                left: ("published", self.published()),
                right: vec![("found in the states' topics".to_owned(), found.reported)],
            },
            Equation { left: ("published", self.published()), right: record_fates },
            Equation { left: ("copies delivered", fanout.deliveries + fanout.withdrawals), right: inboxes },
            Equation {
                left: ("dead letters", sum(&fanout.dead_lettered)),
                right: vec![("found in the queue".to_owned(), found.dead_letters)],
            },
            Equation {
                left: ("repeated or returned to its origin", 0),
                right: vec![("found".to_owned(), found.repeated + found.returned)],
            },
        ]
    }
}

impl Equation {
    fn balances(&self) -> bool {
        self.left.1 == self.right.iter().map(|(_, count)| count).sum::<u64>()
    }
}

fn sum(counts: &BTreeMap<String, u64>) -> u64 {
    counts.values().sum()
}

/// Counts added up over several maps: `dropped{duplicate}` 3.
fn by_reason<'a>(what: &str, maps: impl Iterator<Item = &'a BTreeMap<String, u64>>) -> Vec<(String, u64)> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (reason, count) in maps.flatten() {
        *sums.entry(reason).or_default() += count;
    }
    sums.into_iter().map(|(reason, count)| (format!("{what}{{{reason}}}"), count)).collect()
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for equation in self.equations() {
            let verdict = if equation.balances() { style("OK").green() } else { style("NO").red().bold() };
            let (what, count) = equation.left;
            let parts: Vec<String> =
                equation.right.iter().map(|(part, count)| format!("{count} {part}")).collect();
            let parts = if parts.is_empty() { "0".to_owned() } else { parts.join(" + ") };
            writeln!(f, "{verdict}  {count} {what} = {parts}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sanchar_schemas::SharedCrimeEvent;

    fn counts(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
        pairs.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect()
    }

    fn balanced() -> Ledger {
        let [delhi, haryana] = ["IN-DL", "IN-HR"].map(|code| code.parse().unwrap());
        let source = |rows, quarantined: &[(&str, u64)], published| Source {
            rows,
            quarantined: counts(quarantined),
            published,
            ..Source::default()
        };
        Ledger {
            sources: BTreeMap::from([
                (delhi, source(10, &[("bad-date", 2), ("no-fir-number", 1)], 7)),
                (haryana, source(4, &[("bad-date", 1)], 3)),
            ]),
            fanout: Fanout {
                records_in: 10,
                forwarded: 7,
                dropped: counts(&[("duplicate", 2)]),
                dead_lettered: counts(&[("origin-mismatch", 1)]),
                deliveries: 9,
                withdrawals: 1,
            },
            found: Found {
                reported: 10,
                inboxes: BTreeMap::from([(delhi, 4), (haryana, 6)]),
                dead_letters: 1,
                ..Found::default()
            },
        }
    }

    #[test]
    fn a_balanced_ledger_prints_every_sum() {
        let ledger = balanced();
        assert!(ledger.balances() && ledger.is_settled());
        assert_eq!(
            console::strip_ansi_codes(&ledger.to_string()),
            "\
OK  14 rows read = 10 published + 3 quarantined{bad-date} + 1 quarantined{no-fir-number}
OK  10 published = 10 found in the states' topics
OK  10 published = 7 forwarded + 2 dropped{duplicate} + 1 dead-lettered{origin-mismatch}
OK  10 copies delivered = 4 IN-DL + 6 IN-HR
OK  1 dead letters = 1 found in the queue
OK  0 repeated or returned to its origin = 0 found
"
        );
    }

    #[test]
    fn one_missing_copy_is_found_and_waited_for() {
        let mut ledger = balanced();
        *ledger.found.inboxes.values_mut().next().unwrap() -= 1;
        assert!(!ledger.balances() && !ledger.is_settled());
        assert!(
            console::strip_ansi_codes(&ledger.to_string())
                .contains("NO  10 copies delivered = 3 IN-DL + 6 IN-HR")
        );
    }

    #[test]
    fn a_copy_that_comes_twice_or_goes_home_is_noticed() {
        let golden = include_str!("../../../../schemas/examples/shared-delivery.json");
        let shared: SharedCrimeEvent = serde_json::from_str(golden).unwrap();
        let mut found = Found::default();
        for state in ["IN-HR", "IN-HP", "IN-HR", &*shared.enrichment.origin] {
            found.note(&Sight::Received(state.parse().unwrap(), Box::new(shared.clone())));
        }
        assert_eq!((found.inboxes.values().sum::<u64>(), found.repeated, found.returned), (4, 1, 1));
    }

    #[test]
    fn a_repeated_copy_does_not_balance() {
        let mut ledger = balanced();
        ledger.found.repeated = 1;
        assert!(!ledger.balances());
    }
}

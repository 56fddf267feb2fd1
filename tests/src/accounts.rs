//! The fan-out's books, as one instance's metrics show them: in = forwarded + dropped + dead-lettered.
//! They count since the instance started. What was really delivered is counted in the inboxes.

use crate::daemon::{Daemon, wait_for};
use anyhow::Result;
use std::collections::BTreeMap;

/// What an instance did with the records that it read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    /// Records read.
    pub read: u64,
    /// Records delivered to at least one state.
    pub forwarded: u64,
    /// Records dropped, by reason; reasons that did not occur are left out.
    pub dropped: BTreeMap<String, u64>,
    /// Records dead-lettered, by reason.
    pub dead_lettered: BTreeMap<String, u64>,
    /// Copies written to inboxes.
    pub deliveries: u64,
    /// Withdrawals written to inboxes.
    pub withdrawals: u64,
}

impl Accounts {
    /// Reads them.
    ///
    /// # Errors
    /// When the daemon does not answer.
    pub fn of(fanout: &mut Daemon) -> Result<Self> {
        let text = fanout.get("/metrics")?;
        let one = |name: &str| series(&text, name).map(|(_, value)| value).sum();
        let by_reason = |name: &str| {
            let mut sums = BTreeMap::new();
            for (labels, value) in series(&text, name).filter(|(_, value)| *value > 0) {
                *sums.entry(label(labels, "reason").to_owned()).or_default() += value;
            }
            sums
        };
        Ok(Self {
            read: one("sanchar_records_in_total"),
            forwarded: one("sanchar_records_forwarded_total"),
            dropped: by_reason("sanchar_records_dropped_total"),
            dead_lettered: by_reason("sanchar_records_dead_lettered_total"),
            deliveries: one("sanchar_deliveries_total"),
            withdrawals: one("sanchar_withdrawals_total"),
        })
    }

    /// Waits until the instance has read so many records and its books balance, and gives them.
    ///
    /// # Errors
    /// When that does not happen within a minute.
    pub fn after(fanout: &mut Daemon, records: u64) -> Result<Self> {
        wait_for(&format!("{records} records read, and books that balance"), || {
            let accounts = Self::of(fanout)?;
            Ok((accounts.read >= records && accounts.balance()).then_some(accounts))
        })
    }

    /// Whether every record read is accounted for.
    #[must_use]
    pub fn balance(&self) -> bool {
        let dropped: u64 = self.dropped.values().sum();
        let dead_lettered: u64 = self.dead_lettered.values().sum();
        self.read == self.forwarded + dropped + dead_lettered
    }
}

/// Labels and value of each series of a metric.
fn series<'t>(text: &'t str, name: &'t str) -> impl Iterator<Item = (&'t str, u64)> {
    text.lines().filter_map(move |line| {
        let rest = line.strip_prefix(name)?;
        let (labels, value) = rest.rsplit_once(' ')?;
        let is_whole_name = labels.is_empty() || labels.starts_with('{');
        is_whole_name.then(|| value.parse().ok()).flatten().map(|value| (labels, value))
    })
}

fn label<'l>(labels: &'l str, name: &str) -> &'l str {
    let value = labels.split_once(&format!("{name}=\"")).map(|(_, rest)| rest);
    value.and_then(|rest| rest.split('"').next()).unwrap_or_default()
}

/// Waits until an instance's register holds this many records: it reads back what was delivered.
///
/// # Errors
/// When it does not within a minute.
pub fn wait_registered(fanout: &mut Daemon, records: u64) -> Result<()> {
    wait_for(&format!("the register to hold {records} records"), || {
        let registered = format!("{:.0}", fanout.metric("sanchar_register_records")?);
        Ok((registered == records.to_string()).then_some(()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_told_apart_by_their_whole_name() {
        let text =
            "# HELP a_total x\na_total 3\na_total_b 4\nb{reason=\"x\",stage=\"s\"} 5\nb{stage=\"s\"} 6\n";
        assert_eq!(series(text, "a_total").collect::<Vec<_>>(), [("", 3)]);
        let found: Vec<(&str, u64)> =
            series(text, "b").map(|(labels, n)| (label(labels, "reason"), n)).collect();
        assert_eq!(found, [("x", 5), ("", 6)]);
    }
}

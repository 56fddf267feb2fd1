//! Who must know: every land neighbour of the origin, and everyone who received an earlier revision.
//!
//! Pure. Never the origin itself, never a state that the handling excludes; a state that is excluded now and
//! received an earlier revision gets a withdrawal instead (invariants 3 and 6 of ARCHITECTURE.md).

use jiff::tz::Offset;
use jiff::{Timestamp, civil::Date};
use sanchar_schemas::adjacency::Adjacency;
use sanchar_schemas::{CrimeEvent, StateCode, StateSet};
use std::fmt;

/// Why a state receives an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It shares a land border with the origin.
    Neighbour,
    /// It received an earlier revision.
    EarlierRecipient,
}

impl Reason {
    /// The symbol in the `sanchar-route` header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Neighbour => "neighbour",
            Self::EarlierRecipient => "earlier-recipient",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A state that receives the event, and all reasons why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The state.
    pub state: StateCode,
    /// At least one.
    pub reasons: Vec<Reason>,
}

/// Where one revision of a record goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Route {
    /// States that receive the event.
    pub deliveries: Vec<Recipient>,
    /// States that are told that they should forget it.
    pub withdrawals: StateSet,
}

impl Route {
    /// States that receive the event.
    #[must_use]
    pub fn recipients(&self) -> StateSet {
        self.deliveries.iter().map(|recipient| recipient.state).collect()
    }
}

/// Decides where an event goes. `earlier` are the states that received an earlier revision and were not told
/// to forget it. Borders count as they were on the day of publication, so that a replay decides alike.
#[must_use]
pub fn route(event: &CrimeEvent, adjacency: &Adjacency, earlier: StateSet) -> Route {
    let neighbours = adjacency.neighbours(event.origin, day_in_india(event.published_at));
    let excluded: StateSet = event.handling.excluded_states.iter().copied().collect();
    let forbidden = excluded.union([event.origin].into_iter().collect());
    let deliveries = neighbours
        .union(earlier)
        .minus(forbidden)
        .iter()
        .map(|state| {
            let rules = [(neighbours, Reason::Neighbour), (earlier, Reason::EarlierRecipient)];
            let reasons =
                rules.into_iter().filter(|(set, _)| set.contains(state)).map(|(_, reason)| reason).collect();
            Recipient { state, reasons }
        })
        .collect();
    let withdrawals = earlier.minus(earlier.minus(excluded));
    Route { deliveries, withdrawals }
}

/// The calendar day in India (+05:30) of a moment in ms since 1970, UTC. Moments that no calendar has count as 1970.
#[must_use]
pub fn day_in_india(at_ms: i64) -> Date {
    let india = Offset::from_seconds(5 * 3_600 + 1_800).unwrap_or(Offset::UTC);
    let moment = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    india.to_datetime(moment).date()
}

//! Who must know: every land neighbour of the origin, and everyone who received an earlier revision.
//!
//! Pure. Never the origin itself, never a state that the handling excludes; a state that is excluded now and
//! received an earlier revision gets a withdrawal instead (invariants 3 and 6 of ARCHITECTURE.md).

use jiff::tz::Offset;
use jiff::{Timestamp, civil::Date};
use sanchar_schemas::adjacency::Adjacency;
use sanchar_schemas::{Outline, StateCode, StateSet};
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
pub fn route(event: &Outline<'_>, adjacency: &Adjacency, earlier: StateSet) -> Route {
    let neighbours = adjacency.neighbours(event.origin, day_in_india(event.published_at));
    let excluded = event.excluded_states;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{event, state, states};
    use jiff::civil::date;
    use proptest::prelude::*;
    use sanchar_schemas::CrimeEvent;

    fn day(event: &CrimeEvent) -> Date {
        day_in_india(event.published_at)
    }

    #[test]
    fn every_land_neighbour_and_nobody_else() {
        let decided = route(&Outline::of(&event("IN-KA")), Adjacency::builtin(), StateSet::EMPTY);
        assert_eq!(decided.recipients(), states("IN-AP IN-GA IN-KL IN-MH IN-TN IN-TS"));
        assert!(decided.deliveries.iter().all(|recipient| recipient.reasons == [Reason::Neighbour]));
        assert!(
            route(&Outline::of(&event("IN-LD")), Adjacency::builtin(), StateSet::EMPTY).deliveries.is_empty()
        );
    }

    #[test]
    fn an_earlier_recipient_hears_of_the_change() {
        let decided = route(&Outline::of(&event("IN-DL")), Adjacency::builtin(), states("IN-HR IN-KL"));
        let reasons = |code: &str| {
            decided.deliveries.iter().find(|r| r.state == state(code)).map(|r| r.reasons.clone())
        };
        assert_eq!(reasons("IN-UP"), Some(vec![Reason::Neighbour]));
        assert_eq!(reasons("IN-HR"), Some(vec![Reason::Neighbour, Reason::EarlierRecipient]));
        assert_eq!(reasons("IN-KL"), Some(vec![Reason::EarlierRecipient]));
    }

    #[test]
    fn an_excluded_state_gets_a_withdrawal_only_if_it_had_something() {
        let mut event = event("IN-DL");
        event.handling.excluded_states = vec![state("IN-HR"), state("IN-UP")];
        let decided = route(&Outline::of(&event), Adjacency::builtin(), states("IN-HR"));
        assert!(decided.deliveries.is_empty());
        assert_eq!(decided.withdrawals, states("IN-HR"));
    }

    #[test]
    fn a_day_in_india_begins_at_half_past_six_in_the_evening_of_the_day_before() {
        assert_eq!(day_in_india(1_767_205_799_999), date(2025, 12, 31)); // 18:29:59.999 UTC
        assert_eq!(day_in_india(1_767_205_800_000), date(2026, 1, 1));
        assert_eq!(day_in_india(i64::MAX), date(1970, 1, 1));
    }

    proptest! {
        #[test]
        fn never_to_the_origin_never_to_an_excluded_state_and_never_silent(
            origin in 0..36usize,
            earlier in any::<u64>(),
            excluded in any::<u64>(),
        ) {
            let origin = StateCode::all().nth(origin).unwrap();
            let (earlier, excluded) = (StateSet::from_bits(earlier), StateSet::from_bits(excluded));
            let earlier = earlier.minus([origin].into_iter().collect()); // nobody ever delivered to the origin
            let mut event = event(origin.as_str());
            event.handling.excluded_states = excluded.iter().collect();
            let decided = route(&Outline::of(&event), Adjacency::builtin(), earlier);
            let recipients = decided.recipients();
            prop_assert!(!recipients.contains(origin));
            prop_assert!(recipients.iter().all(|state| !excluded.contains(state)));
            prop_assert!(decided.deliveries.iter().all(|recipient| !recipient.reasons.is_empty()));
            // Everyone who had an earlier revision hears of this one, in one way or the other.
            prop_assert_eq!(earlier.minus(recipients).minus(decided.withdrawals), StateSet::EMPTY);
            prop_assert!(decided.withdrawals.iter().all(|state| !recipients.contains(state)));
            let neighbours = Adjacency::builtin().neighbours(origin, day(&event));
            prop_assert_eq!(neighbours.minus(excluded).minus(recipients), StateSet::EMPTY);
        }
    }
}

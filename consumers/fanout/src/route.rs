//! Who must know: land neighbours of the origin, partners, coordination groups, states that the origin addresses, and
//! everyone who received an earlier revision.
//!
//! Pure: the rules are data ([`crate::rules`]). Never the origin itself, never a state that the handling excludes, restricted
//! material only to those who are cleared for it; a state that may not have it now and received an earlier revision gets a
//! withdrawal instead (invariants 3 and 6 of ARCHITECTURE.md).

use crate::meaning::Meaning;
use crate::rules::Rules;
use jiff::tz::Offset;
use jiff::{Timestamp, civil::Date};
use sanchar_schemas::district::District;
use sanchar_schemas::event::EventKind;
use sanchar_schemas::{Outline, StateCode, StateSet};
use std::fmt;

/// Why a state receives an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason<'r> {
    /// It shares a land border with the origin.
    Neighbour,
    /// It is near to the origin, and the rules count that.
    Near,
    /// It is a partner of the origin.
    Partner,
    /// The event concerns a coordination group of this name, which it belongs to.
    Group(&'r str),
    /// The origin addresses it.
    Addressed,
    /// It received an earlier revision.
    EarlierRecipient,
}

impl fmt::Display for Reason<'_> {
    /// As in the `sanchar-route` header: `neighbour`, `group:NCR`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Neighbour => f.pad("neighbour"),
            Self::Near => f.pad("near"),
            Self::Partner => f.pad("partner"),
            Self::Group(name) => write!(f, "group:{name}"),
            Self::Addressed => f.pad("addressed"),
            Self::EarlierRecipient => f.pad("earlier-recipient"),
        }
    }
}

/// Where one revision of a record goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Route<'r> {
    /// Each rule that names states, and the states that it names.
    named: Vec<(Reason<'r>, StateSet)>,
    /// States that receive the event.
    pub deliveries: StateSet,
    /// States that are told that they should forget it.
    pub withdrawals: StateSet,
}

impl<'r> Route<'r> {
    /// Every reason why a state receives the event.
    pub fn reasons(&self, state: StateCode) -> impl Iterator<Item = Reason<'r>> {
        self.named.iter().filter(move |(_, states)| states.contains(state)).map(|(reason, _)| *reason)
    }

    /// Whether nobody hears of the event.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.deliveries.is_empty() && self.withdrawals.is_empty()
    }
}

/// Decides where an event goes. `earlier` are the states that received an earlier revision and were not told
/// to forget it. Borders count as they were on the day of publication, so that a replay decides alike.
#[must_use]
pub fn route<'r>(
    event: &Outline<'_>,
    meaning: &Meaning<'_>,
    rules: &'r Rules,
    earlier: StateSet,
) -> Route<'r> {
    let mut named = Vec::with_capacity(4);
    let mut name = |reason, states: StateSet| {
        if !states.is_empty() {
            named.push((reason, states));
        }
    };
    if !meaning.is_restricted {
        name(Reason::Neighbour, neighbours(event, meaning, rules));
        name(Reason::Near, rules.near(event.origin));
        name(Reason::Partner, rules.partners(event.origin));
    }
    for group in rules.groups() {
        if (group.is_restricted || !meaning.is_restricted) && group.concerns(event, meaning) {
            name(Reason::Group(&group.name), group.members);
        }
    }
    name(Reason::Addressed, event.addressed_states);
    name(Reason::EarlierRecipient, earlier);
    let forbidden = forbidden(event, meaning, rules);
    let deliveries =
        named.iter().fold(StateSet::EMPTY, |all, (_, states)| all.union(*states)).minus(forbidden);
    Route { named, deliveries, withdrawals: earlier.minus(deliveries).minus(StateSet::of(event.origin)) }
}

/// Land neighbours; of an event of low severity those that its district touches, where the rules say so.
fn neighbours(event: &Outline<'_>, meaning: &Meaning<'_>, rules: &Rules) -> StateSet {
    let all = rules.neighbours(event.origin, day_in_india(event.published_at));
    // A section that no table knows may be graver than all others.
    let is_low = (1..=rules.narrow_severity_max()).contains(&meaning.severity())
        && meaning.unknown_sections.is_empty()
        && event.kind == EventKind::Fir;
    let is_known =
        |district: &&District| district.is_border().is_some() || !district.touching_states().is_empty();
    match meaning.district.filter(is_known) {
        Some(district) if is_low && !event.has_gang && !event.is_urgent => {
            all.minus(all.minus(district.touching_states()))
        }
        _ => all,
    }
}

/// States that must not receive an event, whatever the rules say.
#[must_use]
pub fn forbidden(event: &Outline<'_>, meaning: &Meaning<'_>, rules: &Rules) -> StateSet {
    let always = event.excluded_states.union(StateSet::of(event.origin));
    if meaning.is_restricted {
        always.union(StateCode::all().collect::<StateSet>().minus(rules.cleared(event.origin)))
    } else {
        always
    }
}

/// The calendar day in India (+05:30) of a moment in ms since 1970, UTC. Moments that no calendar has count as 1970.
#[must_use]
pub fn day_in_india(at_ms: i64) -> Date {
    let moment = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    india().to_datetime(moment).date()
}

/// The clock in India.
pub(crate) fn india() -> Offset {
    Offset::from_seconds(5 * 3_600 + 1_800).unwrap_or(Offset::UTC)
}

#[cfg(test)]
mod tests;

//! The answer to "who receives this event, and why?" as a value. Pure: the fan-out service's own decisions, and the
//! reasons why the other states are left out.

use sanchar_fanout::enrich::enrich;
use sanchar_fanout::route::{Reason, Route, day_in_india, route};
use sanchar_schemas::adjacency::Adjacency;
use sanchar_schemas::shared::Enrichment;
use sanchar_schemas::validate::violations;
use sanchar_schemas::{CrimeEvent, Outline, StateCode, StateSet};
use serde::Serialize;

/// Who receives an event, who does not, and what it says to them.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation<'e> {
    /// Borders count as on this day, in India.
    pub(crate) borders_on: String,
    pub(crate) recipients: Vec<Recipient>,
    /// States that are told to forget what they received earlier.
    pub(crate) withdrawals: Vec<NotSent>,
    /// Every other state.
    pub(crate) not_sent: Vec<NotSent>,
    pub(crate) enrichment: Enrichment<'e>,
    /// Rules of the contract that the event breaks: a producer refuses to publish it.
    pub(crate) objections: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Recipient {
    #[serde(flatten)]
    pub(crate) state: Named,
    pub(crate) reasons: Vec<Reason>,
}

#[derive(Debug, Serialize)]
pub(crate) struct NotSent {
    #[serde(flatten)]
    pub(crate) state: Named,
    pub(crate) why: Why,
}

/// A state as people know it.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Named {
    #[serde(rename = "state")]
    pub(crate) code: StateCode,
    pub(crate) name_en: &'static str,
    pub(crate) name_hi: &'static str,
}

/// Why a state does not receive an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Why {
    /// It is the origin.
    Origin,
    /// The origin's handling excludes it.
    Excluded,
    /// The origin asks for it, and no rule delivers on request yet.
    OnRequest,
    /// No rule names it.
    NoRule,
}

impl Why {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Origin => "the origin itself",
            Self::Excluded => "excluded by the origin (handling.excluded_states)",
            Self::OnRequest => {
                "asked for by the origin (addressing.states), but no rule delivers on request yet"
            }
            Self::NoRule => "no rule names it",
        }
    }
}

/// Explains an event. `earlier` are the states that received an earlier revision.
pub(crate) fn explain(event: &CrimeEvent, earlier: StateSet, now_ms: i64) -> Explanation<'_> {
    let outline = Outline::of(event);
    let route = route(&outline, Adjacency::builtin(), earlier);
    let reached = route.recipients().union(route.withdrawals);
    let not_sent = |state| NotSent { state: named(state), why: why_not(event, state) };
    Explanation {
        borders_on: day_in_india(event.published_at).to_string(),
        recipients: recipients(&route),
        withdrawals: route.withdrawals.iter().map(not_sent).collect(),
        not_sent: StateCode::all().filter(|state| !reached.contains(*state)).map(not_sent).collect(),
        enrichment: enrich(&outline, &route, now_ms),
        objections: violations(event).iter().map(ToString::to_string).collect(),
    }
}

fn recipients(route: &Route) -> Vec<Recipient> {
    let deliveries = route.deliveries.iter();
    deliveries.map(|to| Recipient { state: named(to.state), reasons: to.reasons.clone() }).collect()
}

fn why_not(event: &CrimeEvent, state: StateCode) -> Why {
    if state == event.origin {
        Why::Origin
    } else if event.handling.excluded_states.contains(&state) {
        Why::Excluded
    } else if event.addressing.states.contains(&state) {
        Why::OnRequest
    } else {
        Why::NoRule
    }
}

fn named(code: StateCode) -> Named {
    let row = code.row();
    Named { code, name_en: &row.name_en, name_hi: &row.name_hi }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stolen_vehicle() -> CrimeEvent {
        serde_json::from_str(include_str!("../../../../schemas/examples/vehicle-stolen.json")).unwrap()
    }

    fn state(code: &str) -> StateCode {
        code.parse().unwrap()
    }

    #[test]
    fn every_state_is_accounted_for_once() {
        let event = stolen_vehicle();
        let explanation = explain(&event, StateSet::EMPTY, 0);
        let received: Vec<&str> = explanation.recipients.iter().map(|to| to.state.name_en).collect();
        assert_eq!(received, ["Haryana", "Uttar Pradesh"]);
        assert_eq!(explanation.recipients.len() + explanation.not_sent.len(), 36);
        let delhi = explanation.not_sent.iter().find(|not| not.state.code == state("IN-DL")).unwrap();
        assert_eq!(delhi.why, Why::Origin);
        assert_eq!(explanation.enrichment.primary_head.as_deref(), Some("THEFT_MOTOR_VEHICLE"));
        assert_eq!(explanation.objections, Vec::<String>::new());
    }

    #[test]
    fn exclusion_request_and_earlier_receipt_each_have_their_word() {
        let mut event = stolen_vehicle();
        event.handling.excluded_states = vec![state("IN-HR"), state("IN-PB")];
        event.addressing.states = vec![state("IN-GA")];
        let earlier = [state("IN-RJ"), state("IN-PB")].into_iter().collect();
        let explanation = explain(&event, earlier, 0);
        let reasons: Vec<_> =
            explanation.recipients.iter().map(|to| (to.state.code.as_str(), to.reasons.clone())).collect();
        assert_eq!(reasons, [("IN-RJ", vec![Reason::EarlierRecipient]), ("IN-UP", vec![Reason::Neighbour])]);
        assert_eq!(explanation.withdrawals.len(), 1);
        assert_eq!(explanation.withdrawals[0].state.code, state("IN-PB"));
        let why =
            |code| explanation.not_sent.iter().find(|not| not.state.code == state(code)).map(|not| not.why);
        assert_eq!(why("IN-HR"), Some(Why::Excluded));
        assert_eq!(why("IN-GA"), Some(Why::OnRequest));
        assert_eq!(why("IN-KL"), Some(Why::NoRule));
        assert_eq!(why("IN-PB"), None, "told to forget, so not among those that hear nothing");
        assert!(
            explanation.objections.iter().any(|objection| objection.contains("content_hash")),
            "edited by hand"
        );
    }

    #[test]
    fn a_secret_event_goes_nowhere_and_that_is_said() {
        let mut event = stolen_vehicle();
        event.handling.classification = sanchar_schemas::event::Classification::Secret;
        let objections = explain(&event.sealed(), StateSet::EMPTY, 0).objections;
        assert!(objections.len() == 1 && objections[0].contains("handling.classification"), "{objections:?}");
    }
}

//! The answer to "who receives this event, and why?" as a value. Pure: the fan-out service's own decisions, and the
//! reasons why the other states are left out.

use sanchar_fanout::enrich::enrich;
use sanchar_fanout::meaning::Meaning;
use sanchar_fanout::route::{Route, day_in_india, route};
use sanchar_fanout::rules::Rules;
use sanchar_schemas::enrichment::Enrichment;
use sanchar_schemas::validate::violations;
use sanchar_schemas::{CrimeEvent, Outline, StateCode, StateSet};
use serde::Serialize;

/// Who receives an event, who does not, and what it says to them.
#[derive(Debug, Serialize)]
pub(crate) struct Explanation<'e> {
    /// Borders count as on this day, in India.
    pub(crate) borders_on: String,
    /// Version and digest of the rules.
    pub(crate) rules: [String; 2],
    /// Whether only some may see it.
    pub(crate) is_restricted: bool,
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
    pub(crate) reasons: Vec<String>,
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
    /// Only some may see the event, and this state is not among them.
    Restricted,
    /// It is a neighbour that the event's district does not touch, and the event is of low severity.
    Narrowed,
    /// No rule names it.
    NoRule,
}

impl Why {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Origin => "the origin itself",
            Self::Excluded => "excluded by the origin (handling.excluded_states)",
            Self::Restricted => "only members of a restricted group may see it",
            Self::Narrowed => "a neighbour that the district does not touch, and the severity is low",
            Self::NoRule => "no rule names it",
        }
    }
}

/// Explains an event by these rules. `earlier` are the states that received an earlier revision.
pub(crate) fn explain<'e>(
    event: &'e CrimeEvent,
    rules: &'e Rules,
    earlier: StateSet,
    now_ms: i64,
) -> Explanation<'e> {
    let outline = Outline::of(event);
    let meaning = Meaning::of(&outline);
    let route = route(&outline, &meaning, rules, earlier);
    let reached = route.deliveries.union(route.withdrawals);
    let neighbours = rules.neighbours(event.origin, day_in_india(event.published_at));
    let why_not = |state| match () {
        () if state == event.origin => Why::Origin,
        () if event.handling.excluded_states.contains(&state) => Why::Excluded,
        () if meaning.is_restricted && !rules.cleared(event.origin).contains(state) => Why::Restricted,
        () if !meaning.is_restricted && neighbours.contains(state) => Why::Narrowed,
        () => Why::NoRule,
    };
    let not_sent = |state| NotSent { state: named(state), why: why_not(state) };
    Explanation {
        borders_on: day_in_india(event.published_at).to_string(),
        rules: [rules.version().to_owned(), rules.digest().to_owned()],
        is_restricted: meaning.is_restricted,
        recipients: recipients(&route),
        withdrawals: route.withdrawals.iter().map(not_sent).collect(),
        not_sent: StateCode::all().filter(|state| !reached.contains(*state)).map(not_sent).collect(),
        enrichment: enrich(&outline, &meaning, rules, &route, now_ms),
        objections: violations(event).iter().map(ToString::to_string).collect(),
    }
}

fn recipients(route: &Route<'_>) -> Vec<Recipient> {
    let reasons = |state| route.reasons(state).map(|reason| reason.to_string()).collect();
    route.deliveries.iter().map(|state| Recipient { state: named(state), reasons: reasons(state) }).collect()
}

fn named(code: StateCode) -> Named {
    let row = code.row();
    Named { code, name_en: &row.name_en, name_hi: &row.name_hi }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sanchar_schemas::event::{Classification, Section};

    fn stolen_vehicle() -> CrimeEvent {
        serde_json::from_str(include_str!("../../../../schemas/examples/vehicle-stolen.json")).unwrap()
    }

    fn state(code: &str) -> StateCode {
        code.parse().unwrap()
    }

    fn why(explanation: &Explanation<'_>, code: &str) -> Option<Why> {
        explanation.not_sent.iter().find(|not| not.state.code == state(code)).map(|not| not.why)
    }

    #[test]
    fn every_state_is_accounted_for_once() {
        let (event, rules) = (stolen_vehicle(), Rules::builtin());
        let explanation = explain(&event, &rules, StateSet::EMPTY, 0);
        let received: Vec<_> =
            explanation.recipients.iter().map(|to| (to.state.name_en, to.reasons.join(", "))).collect();
        let expected = [
            ("Haryana", "neighbour, group:NCR"),
            ("Rajasthan", "group:NCR"),
            ("Uttar Pradesh", "neighbour, group:NCR"),
        ];
        assert_eq!(received, expected.map(|(name, why)| (name, why.to_owned())));
        assert_eq!(explanation.recipients.len() + explanation.not_sent.len(), 36);
        assert_eq!(why(&explanation, "IN-DL"), Some(Why::Origin));
        assert_eq!(explanation.enrichment.primary_head.as_deref(), Some("THEFT_MOTOR_VEHICLE"));
        assert_eq!(explanation.objections, Vec::<String>::new());
    }

    #[test]
    fn exclusion_and_earlier_receipt_each_have_their_word() {
        let (mut event, rules) = (stolen_vehicle(), Rules::builtin());
        event.handling.excluded_states = vec![state("IN-HR"), state("IN-PB")];
        event.addressing.states = vec![state("IN-GA")];
        let earlier = [state("IN-BR"), state("IN-PB")].into_iter().collect();
        let explanation = explain(&event, &rules, earlier, 0);
        let reasons: Vec<_> =
            explanation.recipients.iter().map(|to| (to.state.code.as_str(), to.reasons.join(","))).collect();
        let expected = [
            ("IN-BR", "earlier-recipient"),
            ("IN-GA", "addressed"),
            ("IN-RJ", "group:NCR"),
            ("IN-UP", "neighbour,group:NCR"),
        ];
        assert_eq!(reasons, expected.map(|(code, why)| (code, why.to_owned())));
        assert_eq!(explanation.withdrawals.len(), 1);
        assert_eq!(explanation.withdrawals[0].state.code, state("IN-PB"));
        assert_eq!(why(&explanation, "IN-HR"), Some(Why::Excluded));
        assert_eq!(why(&explanation, "IN-KL"), Some(Why::NoRule));
        assert_eq!(why(&explanation, "IN-PB"), None, "told to forget, so not among those that hear nothing");
        assert!(
            explanation.objections.iter().any(|objection| objection.contains("content_hash")),
            "edited by hand"
        );
    }

    #[test]
    fn what_only_some_may_see_is_said_to_be_so() {
        let (mut event, rules) = (stolen_vehicle(), Rules::builtin());
        event.sections = vec![Section { act: "UAPA".into(), section: "16".into() }];
        let explanation = explain(&event, &rules, StateSet::EMPTY, 0);
        assert!(explanation.is_restricted && explanation.recipients.is_empty());
        assert_eq!(why(&explanation, "IN-HR"), Some(Why::Restricted));
    }

    #[test]
    fn a_secret_event_goes_nowhere_and_that_is_said() {
        let (mut event, rules) = (stolen_vehicle(), Rules::builtin());
        event.handling.classification = Classification::Secret;
        let event = event.sealed();
        let objections = explain(&event, &rules, StateSet::EMPTY, 0).objections;
        assert!(objections.len() == 1 && objections[0].contains("handling.classification"), "{objections:?}");
    }
}

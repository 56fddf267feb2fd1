//! Who may publish what: the state that owns the topic, about its own records, up to its classification.
//! Pure. Whether a state may receive something is the router's decision.

use crate::reasons::PoisonReason;
use sanchar_schemas::event::Classification;
use sanchar_schemas::{Outline, StateCode};
use sanchar_stream::Poison;

/// Checks an event that was read from the topic of `owner` under `key`.
pub(crate) fn authorise(event: &Outline<'_>, owner: StateCode, key: Option<&[u8]>) -> Result<(), Poison> {
    if event.origin != owner {
        let text = format!("the event claims to be from {} and stands in the topic of {owner}", event.origin);
        return Err(PoisonReason::OriginMismatch.poison(text));
    }
    if event.record_id.state() != owner {
        let text = format!("the record is one of {} and {owner} published it", event.record_id.state());
        return Err(PoisonReason::ForeignRecord.poison(text));
    }
    if key != Some(event.record_id.case_key().as_bytes()) {
        return Err(PoisonReason::Key
            .poison("the key is not the case key of record_id; events of a case would lose their order"));
    }
    match event.classification {
        Classification::Unclassified | Classification::Restricted | Classification::Confidential => Ok(()),
        higher @ (Classification::Secret | Classification::TopSecret | Classification::Unknown) => {
            let text = format!(
                "classification {higher} is not carried by this system; use the channel meant for it"
            );
            Err(PoisonReason::Classification.poison(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::{event, state};
    use sanchar_schemas::CrimeEvent;

    fn reason(event: &CrimeEvent, owner: &str, key: &str) -> Option<&'static str> {
        authorise(&Outline::of(event), state(owner), Some(key.as_bytes())).err().map(|poison| poison.reason)
    }

    #[test]
    fn only_the_owner_of_the_topic_about_its_own_records() {
        let event = event("IN-DL");
        let key = event.record_id.case_key().to_owned();
        assert_eq!(reason(&event, "IN-DL", &key), None);
        assert_eq!(reason(&event, "IN-HR", &key), Some("origin-mismatch"));
        let mut claimed = event.clone();
        claimed.origin = state("IN-HR");
        assert_eq!(reason(&claimed, "IN-HR", &key), Some("foreign-record"));
        assert_eq!(reason(&event, "IN-DL", "another key"), Some("key"));
        assert_eq!(authorise(&Outline::of(&event), state("IN-DL"), None).unwrap_err().reason, "key");
    }

    #[test]
    fn nothing_secret_and_nothing_of_unknown_classification() {
        for classification in Classification::ALL {
            let mut event = event("IN-DL");
            event.handling.classification = *classification;
            let key = event.record_id.case_key().to_owned();
            let carried = matches!(classification.as_str(), "UNCLASSIFIED" | "RESTRICTED" | "CONFIDENTIAL");
            assert_eq!(reason(&event, "IN-DL", &key).is_none(), carried, "{classification}");
        }
    }
}

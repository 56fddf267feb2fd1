//! Invented events and shorthands for the tests of this crate's decisions.

use sanchar_schemas::event::{EventAction, EventKind};
use sanchar_schemas::{CrimeEvent, StateCode, StateSet};

pub(crate) fn state(code: &str) -> StateCode {
    code.parse().unwrap()
}

/// States named with blanks between them.
pub(crate) fn states(codes: &str) -> StateSet {
    codes.split(' ').map(state).collect()
}

/// A plain event of a state, published on 10 January 2026.
pub(crate) fn event(origin: &str) -> CrimeEvent {
    let text = format!(
        r#"{{"event_id":"","record_id":"{origin}/0001/2026/0042/fir","revision":1,
            "content_hash":"{zeros}","kind":"{kind}","action":"{action}","status":"ACTUAL","origin":"{origin}",
            "published_at":1768000000000,"handling":{{}},"addressing":{{}},"source_sha256":"{zeros}"}}"#,
        zeros = "0".repeat(64),
        kind = EventKind::Fir,
        action = EventAction::Report,
    );
    serde_json::from_str::<CrimeEvent>(&text).unwrap().sealed()
}

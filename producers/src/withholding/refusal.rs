//! Events that do not leave at all: no field taken out makes them fit for this system.

use sanchar_schemas::CrimeEvent;
use sanchar_schemas::event::Classification;

use super::offence;
use crate::reason::{Problem, Reason, Rejection};

/// Refuses what is classified too highly, and offences that only some may see.
pub(super) fn check(event: &CrimeEvent) -> Result<(), Rejection> {
    if matches!(event.handling.classification, Classification::Secret | Classification::TopSecret) {
        let message = "is secret or above, which this system does not carry: share it by other means";
        return Err(Problem::new(Reason::Restricted, message).at("handling.classification"));
    }
    if event.sections.iter().any(offence::is_restricted) {
        let message = "name an offence that only some may see, and there are no rules for that yet: share it by other means";
        return Err(Problem::new(Reason::Restricted, message).at("sections"));
    }
    Ok(())
}

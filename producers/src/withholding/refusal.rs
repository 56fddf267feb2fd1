//! Events that do not leave at all: no field taken out makes them fit for this system.

use sanchar_schemas::CrimeEvent;
use sanchar_schemas::event::Classification;

use super::{Restricted, offence};
use crate::reason::{Problem, Reason, Rejection};

/// Refuses what is classified too highly, and offences that only some may see unless the state publishes them.
pub(super) fn check(event: &CrimeEvent, restricted: Restricted) -> Result<(), Rejection> {
    if matches!(event.handling.classification, Classification::Secret | Classification::TopSecret) {
        let message = "is secret or above, which this system does not carry: share it by other means";
        return Err(Problem::new(Reason::Restricted, message).at("handling.classification"));
    }
    if restricted == Restricted::Quarantine && event.sections.iter().any(offence::is_restricted) {
        let message = "name an offence that only some may see: share it by other means, or let it go to the restricted group \
                       that the fan-out service's rules name for this state (withholding.restricted = \"publish\")";
        return Err(Problem::new(Reason::Restricted, message).at("sections"));
    }
    Ok(())
}

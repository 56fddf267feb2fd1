//! Events that do not leave at all: no field taken out makes them fit for this system.

use sanchar_schemas::CrimeEvent;
use sanchar_schemas::event::{Classification, PoliceStation};
use sanchar_schemas::offence::is_restricted;

use super::Restricted;
use super::identifiers::{is_in, is_number_in};
use super::offence::Offences;
use crate::reason::{Problem, Reason, Rejection};

/// Refuses what is classified too highly, and offences that only some may see unless the state publishes them.
pub(super) fn check(event: &CrimeEvent, offences: Offences, restricted: Restricted) -> Result<(), Rejection> {
    if matches!(event.handling.classification, Classification::Secret | Classification::TopSecret) {
        let message = "is secret or above, which this system does not carry: share it by other means";
        return Err(Problem::new(Reason::Restricted, message).at("handling.classification"));
    }
    if restricted == Restricted::Quarantine && offences.is_restricted {
        let message = "name an offence that only some may see: share it by other means, or let it go to the restricted group \
                       that the fan-out service's rules name for this state (withholding.restricted = \"publish\")";
        return Err(Problem::new(Reason::Restricted, message).at("sections"));
    }
    // The fan-out service goes by the sections, and would give it to every neighbour.
    let mut sections = event.sections.iter();
    if offences.is_restricted && !sections.any(|of| is_restricted(&of.act, &of.section)) {
        let message = "name an offence that only some may see in the head or in an act that no table knows: give the section \
                       with its act as the law writes it, and it goes to the restricted group";
        return Err(Problem::new(Reason::Restricted, message).at("sections"));
    }
    names(event)
}

/// Refuses a record that something is named after which is never carried.
fn names(event: &CrimeEvent) -> Result<(), Rejection> {
    let message = "must not hold a telephone or Aadhaar number: correct the column that it comes from";
    let refuse = |field| Err(Problem::new(Reason::Restricted, message).at(field));
    if event.police_station.as_ref().is_some_and(|station| is_number_in(&station.name)) {
        return refuse("police_station.name");
    }
    if let Some(PoliceStation { code: Some(code), .. }) = &event.police_station
        && is_number_in(code)
    {
        return refuse("police_station.code");
    }
    if event.fir.as_ref().is_some_and(|fir| is_number_in_fir(&fir.number, &fir.year.to_string())) {
        return refuse("fir.number");
    }
    let part = event.record_id.as_str().rsplit('/').next().unwrap_or_default();
    if is_in(part) {
        return refuse("record.part");
    }
    let mut sections = event.sections.iter();
    if sections.any(|section| is_number_in(&section.act) || is_number_in(&section.section)) {
        return refuse("sections");
    }
    Ok(())
}

/// Whether the number of an FIR seems to be a telephone or Aadhaar number. Registers of whole states begin it with the year: there what
/// stands behind that counts.
pub(super) fn is_number_in_fir(number: &str, year: &str) -> bool {
    is_number_in(number.strip_prefix(year).unwrap_or(number))
}

//! What must not leave before there are rules for withholding: a floor, not the rules themselves.
//!
//! An event that only some may see, or that is classified too highly, is rejected. The place of an offence against a
//! child or of a sexual offence is taken out, since it can identify the victim. Names and narratives cannot be mapped
//! in the first place (`crate::language::refused`).

use sanchar_schemas::CrimeEvent;
use sanchar_schemas::event::{Classification, Withheld, WithholdingReason};
use sanchar_schemas::offence::Head;

use crate::reason::{Problem, Reason, Rejection};

/// Age at which a person is no child any more (JJ Act 2015, s.2(12)), in years.
const ADULT_YEARS: i32 = 18;

/// Codes of acts that are about children as a whole; of other acts the name tells.
const CHILDREN_ACTS: [&str; 2] = ["POCSO", "JJ"];

/// Takes out of an event what may not leave, or rejects the event.
pub(super) fn restrict(event: &mut CrimeEvent) -> Result<(), Rejection> {
    if matches!(event.handling.classification, Classification::Secret | Classification::TopSecret) {
        let message = "is secret or above, which this system does not carry: share it by other means";
        return Err(Problem::new(Reason::Restricted, message).at("handling.classification"));
    }
    let classes: Vec<&str> = event
        .sections
        .iter()
        .filter_map(|section| Head::of(&section.act, &section.section))
        .map(|head| head.withholding.as_str())
        .collect();
    if classes.contains(&"RESTRICTED") {
        let message = "name an offence that only some may see, and there are no rules for that yet: share it by other means";
        return Err(Problem::new(Reason::Restricted, message).at("sections"));
    }
    if event.place.is_some() && (classes.contains(&"SEXUAL") || concerns_a_child(event)) {
        event.place = None;
        withhold(event, "place", WithholdingReason::PlaceIdentifies);
    }
    Ok(())
}

/// Lists a field as withheld, once.
pub(super) fn withhold(event: &mut CrimeEvent, path: &str, reason: WithholdingReason) {
    if !event.withheld.iter().any(|withheld| withheld.path == path) {
        event.withheld.push(Withheld { path: path.to_owned(), reason });
    }
}

fn concerns_a_child(event: &CrimeEvent) -> bool {
    let counted = event.counts.as_ref().is_some_and(|counts| {
        counts.victims_boy.is_some_and(|boys| boys > 0) || counts.victims_girl.is_some_and(|girls| girls > 0)
    });
    counted
        || event.sections.iter().any(|section| is_about_children(&section.act))
        || event.persons.iter().any(|person| {
            person.is_child == Some(true) || person.age_years.is_some_and(|years| years < ADULT_YEARS)
        })
}

/// `POCSO`, `Prohibition of Child Marriage Act 2006`.
fn is_about_children(act: &str) -> bool {
    CHILDREN_ACTS.contains(&act) || act.to_uppercase().contains("CHILD")
}

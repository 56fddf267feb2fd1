//! What does not leave the state: taken out of an event before it is sealed, and listed in it with its reason.
//!
//! The rules are data: `law.toml`, and what a state adds, in its configuration or in a policy file. They look at what the event says, never at the row or the mapping
//! that filled it. What they come to is pure, and the same for the daemon, a dry run and `explain`.

mod ages;
mod case;
mod file;
mod fold;
mod heads;
pub(crate) mod identifiers;
mod named;
mod names;
mod offence;
mod policy;
mod refusal;
mod repeated;
pub mod rule;
mod texts;
mod words;
mod young;

use sanchar_schemas::CrimeEvent;
use sanchar_schemas::event::{EventKind, Place, Withheld, WithholdingReason};

use crate::reason::Rejection;
use case::Case;
use offence::Offences;
pub use policy::{Restricted, Withholding, law};
use repeated::Said;
use rule::{Clearance, Rule, objects};

/// Name of the rule that no table can change: identifiers in texts.
const IDENTIFIERS: &str = "personal-identifier";

/// A field that was taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its path in the event.
    pub path: String,
    /// What recipients are told.
    pub reason: WithholdingReason,
    /// The rule that took it.
    pub rule: String,
    /// The law or order behind the rule.
    pub because: String,
}

/// What is known of a case beside its event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    /// Whether the source cleared the narrative.
    pub(crate) narrative: Clearance,
    /// Whether the case may have persons that the event does not name, a child among them.
    pub(crate) may_lack_persons: bool,
}

impl From<Clearance> for Told {
    fn from(narrative: Clearance) -> Self {
        Self { narrative, may_lack_persons: false }
    }
}

impl Withholding {
    /// Takes out of an event what may not leave, and lists it there. Tells what it took, and by which rule.
    ///
    /// # Errors
    /// [`Rejection`] when the event as a whole may not leave.
    pub(crate) fn apply(
        &self,
        event: &mut CrimeEvent,
        told: impl Into<Told>,
    ) -> Result<Vec<Taken>, Rejection> {
        let head = heads::of(event.reported_head.as_ref());
        let offences = Offences::of(&event.sections).or(head.offences);
        refusal::check(event, offences, self.restricted())?;
        let case = Case::of(event, offences, head, told.into());
        let mut taken = Vec::new();
        let kind = event.kind;
        let (called, said) = (names::called(&event.persons), Said::of(event));
        for rule in self.in_force().filter(|rule| case.fits(&rule.case)) {
            take(rule, &case, self.is_lifted(rule, kind), event, &mut |path| {
                taken.push(Taken {
                    path,
                    reason: rule.reason,
                    rule: rule.name.clone(),
                    because: rule.because.clone(),
                });
            });
        }
        let repeated = said.taken(&taken);
        names::take(event, &called, repeated, &mut taken)?;
        take_identifiers(event, &mut taken);
        // The law's word stands before that of a column which is not carried.
        event.withheld.retain(|listed| !taken.iter().any(|taken| is_under(&listed.path, &taken.path)));
        for Taken { path, reason, .. } in &taken {
            list(event, path, *reason);
        }
        Ok(taken)
    }

    fn is_lifted(&self, rule: &Rule, kind: EventKind) -> bool {
        let mut lifted = self.lifted.iter().filter(|lifted| lifted.kinds.contains(&kind));
        rule.may_be_lifted && lifted.any(|lifted| lifted.rules.contains(&rule.name))
    }
}

/// Takes what one rule names. A rule that is lifted still holds for whoever else is in the case.
fn take(rule: &Rule, case: &Case, is_lifted: bool, event: &mut CrimeEvent, note: &mut dyn FnMut(String)) {
    let spares_case = is_lifted && !case.has_other_child();
    for field in rule.fields.iter().filter(|_| !spares_case) {
        if field.take(event) {
            note(field.as_str().to_owned());
        }
    }
    if let Some(persons) = &rule.persons {
        for i in case.persons(persons, is_lifted) {
            let Some(person) = event.persons.get_mut(i) else { continue };
            for field in persons.fields.iter().filter(|field| field.take(person)) {
                note(format!("persons[{i}].{}", field.as_str()));
            }
        }
    }
    if let Some(rule) = rule.objects.as_ref().filter(|_| !spares_case) {
        for (list, i, mut object) in objects(event) {
            if !rule.roles.is_empty() && !rule.roles.contains(&object.role()) {
                continue;
            }
            for field in rule.fields.iter().filter(|field| field.take(&mut object)) {
                note(format!("{list}[{i}].{}", field.as_str()));
            }
        }
    }
}

/// Takes texts that seem to hold a personal identifier.
fn take_identifiers(event: &mut CrimeEvent, taken: &mut Vec<Taken>) {
    texts::take(event, &mut |path| {
        taken.push(Taken {
            path,
            reason: WithholdingReason::PersonalIdentifier,
            rule: IDENTIFIERS.to_owned(),
            because: "telephone, Aadhaar and passport numbers, caste and religion are never carried"
                .to_owned(),
        });
    });
    event.place = event.place.take().filter(|place| *place != Place::default());
}

/// Whether a path is that of a field or of a part of it: `place.text` of `place`, `persons[0].aliases[1]` of `persons[0].aliases`.
#[must_use]
pub fn is_under(path: &str, whole: &str) -> bool {
    path.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Lists a field as withheld, once.
pub(crate) fn list(event: &mut CrimeEvent, path: &str, reason: WithholdingReason) {
    if !event.withheld.iter().any(|withheld| withheld.path == path) {
        event.withheld.push(Withheld { path: path.to_owned(), reason });
    }
}

#[cfg(test)]
mod tests;

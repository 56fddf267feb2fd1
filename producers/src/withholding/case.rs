//! What rules ask of a case, found once before anything is taken out of it.

use sanchar_schemas::CrimeEvent;
use sanchar_schemas::event::{EventKind, Person, PersonRole};

use super::ages::ADULT_YEARS;
use super::offence::Offences;
use super::rule::{CaseFilter, Children, Clearance, OffenceClass, Persons, is_notice};
use super::{Told, heads, offence};

/// What is true of a case.
pub(super) struct Case {
    is_sexual: bool,
    /// No section is known.
    is_unknown: bool,
    /// Nor is a head, and the kind says nothing.
    is_untold: bool,
    is_notice: bool,
    has_child: bool,
    has_child_victim: bool,
    narrative: Clearance,
    /// Role of each person, and whether it is a child or may be one.
    persons: Vec<(PersonRole, bool)>,
}

impl Case {
    /// `offences` are those of the sections and of the head.
    pub(super) fn of(event: &CrimeEvent, offences: Offences, head: heads::Said, told: Told) -> Self {
        // What is not cleared does not leave, and sources that never clear are spared the reading.
        let narrative = event.narrative.as_deref().filter(|_| told.narrative == Clearance::Cleared);
        let (text_is_sexual, text_has_child) = narrative.map_or((false, false), offence::of_narrative);
        let counted = event.counts.as_ref().is_some_and(|counts| {
            let some = |count: Option<i32>| count.is_some_and(|count| count > 0);
            some(counts.victims_boy) || some(counts.victims_girl)
        });
        let has_child_victim = counted
            || told.may_lack_persons
            || offences.is_about_children
            || event.persons.iter().any(|person| !is_offender(person.role) && is_known_child(person));
        // That somebody ticked no box is no word on the age of a victim of such a case.
        let may_be_child =
            |person: &Person| has_child_victim && person.age_years.is_none() && !is_offender(person.role);
        let is_child = |person: &Person| is_known_child(person) || may_be_child(person);
        let persons: Vec<_> = event.persons.iter().map(|person| (person.role, is_child(person))).collect();
        Self {
            is_sexual: text_is_sexual || offences.is_sexual,
            is_unknown: event.sections.is_empty(),
            is_untold: event.sections.is_empty() && !head.is_told && is_of_any_offence(event.kind),
            is_notice: is_notice(event.kind),
            has_child: has_child_victim || text_has_child || persons.iter().any(|(_, is_child)| *is_child),
            has_child_victim,
            narrative: told.narrative,
            persons,
        }
    }

    /// Whether a rule is about this case.
    pub(super) fn fits(&self, filter: &CaseFilter) -> bool {
        let offences = filter.offences.is_empty()
            || filter.offences.iter().any(|class| match class {
                OffenceClass::Sexual => self.is_sexual,
                OffenceClass::Unknown => self.is_unknown,
                OffenceClass::Untold => self.is_untold,
            });
        let children = filter.children.is_none_or(|children| match children {
            Children::Any => self.has_child,
            Children::Victim => self.has_child_victim,
        });
        offences
            && children
            && filter.narrative.is_none_or(|narrative| narrative == self.narrative)
            && filter.notice.is_none_or(|is_notice| is_notice == self.is_notice)
    }

    /// Positions of the persons that a rule is about; where it is lifted, without those whom the notice is about.
    pub(super) fn persons<'c>(
        &'c self,
        rule: &'c Persons,
        is_lifted: bool,
    ) -> impl Iterator<Item = usize> + 'c {
        let is_meant = move |(role, is_child): &(PersonRole, bool)| {
            (rule.roles.is_empty() || rule.roles.contains(role))
                && (*is_child || !rule.children)
                && !(is_lifted && is_sought(*role))
        };
        self.persons.iter().enumerate().filter(move |(_, person)| is_meant(person)).map(|(i, _)| i)
    }

    /// Whether a child has a part in it besides those whom a notice is about.
    pub(super) fn has_other_child(&self) -> bool {
        self.persons.iter().any(|(role, is_child)| *is_child && !is_sought(*role))
    }
}

fn is_known_child(person: &Person) -> bool {
    person.is_child == Some(true)
        || person.age_years.is_some_and(|age| age < ADULT_YEARS)
        || person
            .name
            .iter()
            .chain(&person.aliases)
            .chain(&person.description)
            .any(|text| offence::is_called_child(text))
}

/// Kinds that do not say by themselves what happened.
fn is_of_any_offence(kind: EventKind) -> bool {
    use EventKind::{Arrest, ChargeSheet, Fir, Unknown, ZeroFir};
    matches!(kind, Unknown | Fir | ZeroFir | Arrest | ChargeSheet)
}

fn is_offender(role: PersonRole) -> bool {
    use PersonRole::{Accused, Arrested, Associate, Released, Suspect, Wanted};
    matches!(role, Accused | Suspect | Wanted | Arrested | Released | Associate)
}

/// Whom a notice is about.
fn is_sought(role: PersonRole) -> bool {
    matches!(role, PersonRole::Missing | PersonRole::Found | PersonRole::Deceased)
}

//! What rules ask of a case, found once before anything is taken out of it.

use sanchar_schemas::CrimeEvent;
use sanchar_schemas::event::{Person, PersonRole};
use sanchar_schemas::offence::Head;

use super::rule::{CaseFilter, Children, Clearance, OffenceClass, Persons};

/// Age at which a person is no child any more (JJ Act 2015, s.2(12)), in years.
const ADULT_YEARS: i32 = 18;

/// Codes of acts that are about children as a whole; of other acts the name tells.
const CHILDREN_ACTS: [&str; 2] = ["POCSO", "JJ"];

/// What is true of a case.
pub(super) struct Case {
    is_sexual: bool,
    has_child: bool,
    has_child_victim: bool,
    narrative: Clearance,
    /// Role of each person, and whether it is a child or may be one.
    persons: Vec<(PersonRole, bool)>,
}

impl Case {
    pub(super) fn of(event: &CrimeEvent, narrative: Clearance) -> Self {
        let counted = event.counts.as_ref().is_some_and(|counts| {
            let some = |count: Option<i32>| count.is_some_and(|count| count > 0);
            some(counts.victims_boy) || some(counts.victims_girl)
        });
        let is_known_child = |person: &Person| {
            person.is_child == Some(true) || person.age_years.is_some_and(|age| age < ADULT_YEARS)
        };
        let has_child_victim = counted
            || event.sections.iter().any(|section| is_about_children(&section.act))
            || event.persons.iter().any(|person| !is_offender(person.role) && is_known_child(person));
        let is_child = |person: &Person| {
            let is_unknown = person.is_child.is_none() && person.age_years.is_none();
            is_known_child(person) || (has_child_victim && is_unknown && !is_offender(person.role))
        };
        let persons: Vec<_> = event.persons.iter().map(|person| (person.role, is_child(person))).collect();
        Self {
            is_sexual: event
                .sections
                .iter()
                .any(|section| is_of_class(&section.act, &section.section, "SEXUAL")),
            has_child: has_child_victim || persons.iter().any(|(_, is_child)| *is_child),
            has_child_victim,
            narrative,
            persons,
        }
    }

    /// Whether a rule is about this case.
    pub(super) fn fits(&self, filter: &CaseFilter) -> bool {
        let offences = filter.offences.is_empty()
            || filter.offences.iter().any(|class| match class {
                OffenceClass::Sexual => self.is_sexual,
            });
        let children = filter.children.is_none_or(|children| match children {
            Children::Any => self.has_child,
            Children::Victim => self.has_child_victim,
        });
        offences && children && filter.narrative.is_none_or(|narrative| narrative == self.narrative)
    }

    /// Positions of the persons that a rule is about.
    pub(super) fn persons<'c>(&'c self, rule: &'c Persons) -> impl Iterator<Item = usize> + 'c {
        let is_meant = |(role, is_child): &(PersonRole, bool)| {
            (rule.roles.is_empty() || rule.roles.contains(role)) && (*is_child || !rule.children)
        };
        self.persons.iter().enumerate().filter(move |(_, person)| is_meant(person)).map(|(i, _)| i)
    }
}

/// Whether a section falls under a head of a class.
pub(super) fn is_of_class(act: &str, section: &str, class: &str) -> bool {
    Head::of(act, section).is_some_and(|head| head.withholding == class)
}

/// `POCSO`, `Prohibition of Child Marriage Act 2006`.
fn is_about_children(act: &str) -> bool {
    CHILDREN_ACTS.contains(&act) || act.to_uppercase().contains("CHILD")
}

fn is_offender(role: PersonRole) -> bool {
    use PersonRole::{Accused, Arrested, Associate, Released, Suspect, Wanted};
    matches!(role, Accused | Suspect | Wanted | Arrested | Released | Associate)
}

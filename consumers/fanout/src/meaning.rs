//! What an event means before anybody asks who must know: its crime heads, how grave it is, whether only some may see it,
//! the district that it happened in. Pure, from tables. What no table knows is left out or listed, never guessed.

use sanchar_schemas::Outline;
use sanchar_schemas::district::District;
use sanchar_schemas::offence::{Head, is_restricted};

/// Head of a theft whose object is a vehicle. The sections do not tell it apart from other thefts.
const THEFT: &str = "THEFT";
const THEFT_MOTOR_VEHICLE: &str = "THEFT_MOTOR_VEHICLE";

/// A crime head of an event, and the section that leads to it.
#[derive(Debug, Clone, Copy)]
pub struct FoundHead<'e> {
    /// The head.
    pub head: &'static Head,
    /// Act and section: the first of the event that leads there.
    pub section: (&'e str, &'e str),
}

/// What an event means.
#[derive(Debug)]
pub struct Meaning<'e> {
    /// Gravest first; of equals the one named first (principal offence rule).
    pub heads: Vec<FoundHead<'e>>,
    /// Act and section of each section that no table knows.
    pub unknown_sections: Vec<(&'e str, &'e str)>,
    /// Whether only some may see it.
    pub is_restricted: bool,
    /// Its district, where the tables know it.
    pub district: Option<&'static District>,
}

impl<'e> Meaning<'e> {
    /// Derives it.
    #[must_use]
    pub fn of(event: &Outline<'e>) -> Self {
        let mut meaning = Self {
            heads: Vec::new(),
            unknown_sections: Vec::new(),
            is_restricted: event.sections.iter().any(|(act, section)| is_restricted(act, section)),
            district: event.district.and_then(|name| District::find(event.origin, name)),
        };
        for (act, section) in &event.sections {
            match Head::of(act, section).map(|head| of_object(head, event)) {
                Some(head) if meaning.has(&head.head) => {}
                Some(head) => meaning.heads.push(FoundHead { head, section: (act, section) }),
                None => meaning.unknown_sections.push((act, section)),
            }
        }
        meaning.heads.sort_by_key(|found| -found.head.severity);
        meaning
    }

    /// Whether it has this head.
    #[must_use]
    pub fn has(&self, head: &str) -> bool {
        self.heads.iter().any(|found| found.head.head == head)
    }

    /// Severity of the primary head, 1 to 5; 0 where none is known.
    #[must_use]
    pub fn severity(&self) -> i32 {
        self.heads.first().map_or(0, |found| found.head.severity)
    }
}

/// The head of a theft by what was stolen.
fn of_object(head: &'static Head, event: &Outline<'_>) -> &'static Head {
    let is_of_vehicle = event.has_stolen_vehicle && head.head == THEFT;
    if is_of_vehicle { Head::by_code(THEFT_MOTOR_VEHICLE).unwrap_or(head) } else { head }
}

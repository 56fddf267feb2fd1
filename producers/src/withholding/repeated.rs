//! Addresses, places and marks that were taken, where they stand a second time: the accused who lives at the victim's own address, the
//! place in a description.
//!
//! Compared are letters and digits alone, so that blanks and commas make no difference. Names are looked for by [`super::names`].

use sanchar_schemas::CrimeEvent;
use sanchar_schemas::event::WithholdingReason;

use super::fold::{folded, squashed, words};
use super::{Taken, is_under};

/// Fewest letters and digits of what is looked for.
const LETTERS_MIN: usize = 6;

/// What of an event may be looked for, as it is before anything is taken.
pub(super) struct Said(Vec<Text>);

struct Text {
    path: String,
    /// Without blanks and stops.
    squashed: String,
    /// Whether it is one word without a number.
    is_town: bool,
}

impl Said {
    pub(super) fn of(event: &CrimeEvent) -> Self {
        let mut said = Self(Vec::new());
        if let Some(place) = &event.place {
            said.add("place.text", place.text.as_deref());
            said.add("place.locality", place.locality.as_deref());
        }
        for (i, person) in event.persons.iter().enumerate() {
            said.add(&format!("persons[{i}].address"), person.address.as_deref());
        }
        for (i, vehicle) in event.vehicles.iter().enumerate() {
            let marks = [
                ("registration", &vehicle.registration),
                ("chassis", &vehicle.chassis),
                ("engine", &vehicle.engine),
            ];
            for (name, mark) in marks {
                said.add_mark(&format!("vehicles[{i}].{name}"), mark.as_deref());
            }
        }
        for (i, property) in event.property.iter().enumerate() {
            said.add_mark(&format!("property[{i}].identifier"), property.identifier.as_deref());
        }
        for (i, weapon) in event.weapons.iter().enumerate() {
            said.add_mark(&format!("weapons[{i}].identifier"), weapon.identifier.as_deref());
        }
        said
    }

    fn add(&mut self, path: &str, text: Option<&str>) {
        let Some(text) = text.map(folded) else { return };
        let squashed = squashed(&text);
        let is_town = words(&text).nth(1).is_none() && !squashed.contains(|c: char| c.is_ascii_digit());
        if squashed.chars().filter(|c| c.is_alphanumeric()).nth(LETTERS_MIN - 1).is_some() {
            self.0.push(Text { path: path.to_owned(), squashed, is_town });
        }
    }

    /// A number; a word in its place is none.
    fn add_mark(&mut self, path: &str, text: Option<&str>) {
        self.add(path, text.filter(|text| text.chars().any(char::is_numeric)));
    }

    /// What of it was taken.
    pub(super) fn taken(self, taken: &[Taken]) -> Repeated {
        let reason = |text: &Text| {
            taken.iter().find(|taken| is_under(&text.path, &taken.path)).map(|taken| taken.reason)
        };
        // A town's name alone makes no informant known.
        let counts =
            |reason: WithholdingReason, text: &Text| reason != WithholdingReason::Informant || !text.is_town;
        let texts = self.0.into_iter().filter_map(|text| Some((reason(&text)?, text)));
        Repeated(
            texts
                .filter(|(reason, text)| counts(*reason, text))
                .map(|(reason, text)| (reason, text.squashed))
                .collect(),
        )
    }
}

/// What was taken and must not stand elsewhere.
pub(super) struct Repeated(Vec<(WithholdingReason, String)>);

impl Repeated {
    /// Why a folded text does not leave that holds some of it.
    pub(super) fn is_in(&self, text: &str) -> Option<WithholdingReason> {
        if self.0.is_empty() {
            return None;
        }
        let text = squashed(text);
        self.0.iter().find(|(_, taken)| text.contains(taken.as_str())).map(|(reason, _)| *reason)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

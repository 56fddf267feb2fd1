//! Fields of an event that no mapping may fill yet: what identifies a person.
//!
//! They have a place in the language so that a mapping which names one is refused with the reason and its line,
//! instead of being told that there is no such field.

use serde::{Deserialize, Deserializer, Serialize, de};

use super::column::{NamesColumns, Visit};

const MESSAGE: &str = "persons' names, relatives, addresses, telephone numbers, identifying marks, exact places and \
    narratives are not carried until there are rules for withholding them: remove this entry, and list its column \
    under rows.not_carried so that recipients see that the field exists";

/// A field that cannot be mapped: reading one from a file always fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Refused {}

impl<'de> Deserialize<'de> for Refused {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom(MESSAGE))
    }
}

impl NamesColumns for Refused {
    fn each_column(&mut self, _: &mut Visit<'_>) {
        match *self {}
    }
}

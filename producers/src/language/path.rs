//! Paths of an event's fields, checked against the contract's schema: `persons[0].name`, `narrative`.

use apache_avro::Schema;
use sanchar_schemas::schema::Record;
use serde::{Deserialize, Deserializer, Serialize, de};

/// The largest index in a path.
const INDEX_MAX: usize = 99;

/// Path of a field that exists in the contract.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct EventPath(String);

impl EventPath {
    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Checks a path.
    ///
    /// # Errors
    /// Which part of it does not exist, and what does.
    pub fn new(path: &str) -> Result<Self, String> {
        let schema = &Record::CrimeEvent.latest().schema;
        let mut place = schema;
        for part in path.split('.') {
            let (name, index) = match part.split_once('[') {
                Some((name, rest)) => (name, Some(rest.strip_suffix(']').unwrap_or_default())),
                None => (part, None),
            };
            place = field(place, name).ok_or_else(|| {
                format!(
                    "the event has no field `{path}`: at `{name}` it could be {}",
                    fields(place).join(", ")
                )
            })?;
            match (place, index) {
                (Schema::Array(array), Some(index)) if is_index(index) => place = &array.items,
                (Schema::Array(_), _) => {
                    return Err(format!("`{name}` is a list: write the position, as in `{name}[0]`"));
                }
                (_, Some(_)) => return Err(format!("`{name}` is no list: leave `[…]` away")),
                (_, None) => {}
            }
        }
        Ok(Self(path.to_owned()))
    }
}

fn is_index(text: &str) -> bool {
    text.parse::<usize>().is_ok_and(|index| index <= INDEX_MAX)
}

/// The schema of a field of a record, without `null`.
fn field<'a>(schema: &'a Schema, name: &str) -> Option<&'a Schema> {
    let Schema::Record(record) = schema else { return None };
    let schema = &record.fields.iter().find(|field| field.name == name)?.schema;
    match schema {
        Schema::Union(union) => union.variants().iter().find(|variant| !matches!(variant, Schema::Null)),
        other => Some(other),
    }
}

fn fields(schema: &Schema) -> Vec<&str> {
    match schema {
        Schema::Record(record) => record.fields.iter().map(|field| field.name.as_str()).collect(),
        _ => vec!["nothing more"],
    }
}

impl<'de> Deserialize<'de> for EventPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_must_exist() {
        for path in ["narrative", "place.text", "persons[0].name", "vehicles[1].chassis", "gang.leader"] {
            assert_eq!(EventPath::new(path).unwrap().as_str(), path);
        }
        for (path, part) in [
            ("naration", "has no field `naration`"),
            ("place.txt", "it could be text, locality"),
            ("persons.name", "write the position"),
            ("persons[x].name", "write the position"),
            ("place[0].text", "leave `[…]` away"),
            ("narrative.text", "nothing more"),
        ] {
            let error = EventPath::new(path).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}

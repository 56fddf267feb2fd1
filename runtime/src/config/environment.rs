//! `SANCHAR__SECTION__KEY=value`: finding such variables and laying them over the file's values.
//!
//! A variable is text, and only the field it sets knows what type that text should be. So the merged tree is a serde
//! [`Deserializer`] of its own, whose leaves from the environment answer what they are asked for: a number where the
//! field is a number, a string where it is a string. It does not read the file.
//!
//! One environment often serves all daemons of a machine. So a variable of a table that only another daemon has is passed
//! over; one that no daemon has is refused by each.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::str::FromStr;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use toml::Value;

use super::ConfigError;

const PREFIX: &str = "SANCHAR__";
const SEPARATOR: &str = "__";

/// What stands at the top of the configurations of all daemons, in the order of the alphabet; `tests/contract/sections.rs`
/// holds it against their code.
pub const SECTIONS: [&str; 24] = [
    "exporter",
    "group_id",
    "http",
    "instance_id",
    "kafka",
    "lifecycle",
    "logs",
    "mapping",
    "postgres",
    "publish",
    "push",
    "register",
    "registry",
    "rows",
    "rules",
    "source",
    "spool",
    "state",
    "status",
    "store",
    "stream",
    "telemetry",
    "unknown_schema_grace_ms",
    "withholding",
];

/// One variable: where it points to and what it says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Override {
    pub(super) variable: String,
    pub(super) path: Vec<String>,
    text: String,
}

/// Picks the overrides out of the environment, in the order of their names. Text that is not UTF-8 is passed over.
pub(super) fn overrides(variables: impl Iterator<Item = (OsString, OsString)>) -> Vec<Override> {
    let mut found: Vec<_> = variables
        .filter_map(|(name, text)| {
            let variable = name.into_string().ok()?;
            Some(Override { path: path(&variable)?, text: text.into_string().ok()?, variable })
        })
        .collect();
    found.sort_by(|a, b| a.variable.cmp(&b.variable));
    found
}

/// The file's values with the overrides laid over them.
pub(super) fn merge(file: toml::Table, overrides: &[Override]) -> Result<Node, ConfigError> {
    let mut root = table(file);
    for one in overrides {
        let mut place = &mut root;
        let (key, sections) = one.path.split_last().ok_or_else(|| one.error("names no key"))?;
        for section in sections {
            let node = place.entry(section.clone()).or_insert_with(|| Node::Table(BTreeMap::new()));
            let Node::Table(inner) = node else {
                let problem =
                    format!("`{section}` is a value, not a section: see the file for the right name");
                return Err(one.error(problem));
            };
            place = inner;
        }
        place.insert(key.clone(), Node::Variable { name: one.variable.clone(), text: one.text.clone() });
    }
    Ok(Node::Table(root))
}

impl Override {
    pub(super) fn error(&self, problem: impl Into<String>) -> ConfigError {
        ConfigError::Environment { variable: self.variable.clone(), problem: problem.into() }
    }
}

/// A tree of settings, some from the file and some from the environment.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Table(BTreeMap<String, Node>),
    File(Value),
    Variable { name: String, text: String },
}

impl Node {
    /// Whether it stands at the top under this name, which is one of another daemon's sections, and nothing in it comes from
    /// the file.
    fn is_of_another_daemon(&self, section: &str) -> bool {
        match self {
            Node::Table(inner) => inner.values().all(|node| node.is_of_another_daemon(section)),
            Node::File(_) => false,
            Node::Variable { name, .. } => {
                SECTIONS.contains(&section)
                    && path(name).is_some_and(|path| path.first().is_some_and(|first| first == section))
            }
        }
    }
}

/// Where the variable of this name points to, if it is one of ours.
fn path(variable: &str) -> Option<Vec<String>> {
    Some(variable.strip_prefix(PREFIX)?.split(SEPARATOR).map(str::to_lowercase).collect())
}

fn table(table: toml::Table) -> BTreeMap<String, Node> {
    table.into_iter().map(|(key, value)| (key, node(value))).collect()
}

fn node(value: Value) -> Node {
    match value {
        Value::Table(inner) => Node::Table(table(inner)),
        other => Node::File(other),
    }
}

type Error = toml::de::Error;

/// The text as a TOML value, if it is one: `5`, `true`, `"quoted"`, `["a", "b"]`.
fn as_toml(text: &str) -> Option<Value> {
    toml::from_str::<toml::Table>(&format!("value = {text}")).ok()?.remove("value")
}

/// A quoted TOML string loses its quotes; any other text is the string itself.
fn as_string(text: String) -> String {
    match as_toml(&text) {
        Some(Value::String(unquoted)) => unquoted,
        _ => text,
    }
}

fn as_list(text: &str) -> Vec<Value> {
    match as_toml(text) {
        Some(Value::Array(items)) => items,
        _ => text.split(',').map(|item| Value::String(item.trim().to_owned())).collect(),
    }
}

fn scalar<T: FromStr>(text: &str, kind: &str) -> Result<T, Error> {
    text.trim().replace('_', "").parse().map_err(|_| Error::custom(format!("must be {kind}")))
}

/// Puts the variable's name in front of what went wrong with its value.
fn named<T>(name: &str, result: Result<T, Error>) -> Result<T, Error> {
    result.map_err(|error| Error::custom(format!("environment variable {name}: {}", error.message())))
}

macro_rules! scalars {
    ($($method:ident => $visit:ident: $type:ty, $kind:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self {
                Node::Variable { name, text } => {
                    named(&name, scalar::<$type>(&text, $kind).and_then(|value| visitor.$visit(value)))
                }
                other => other.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Node {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Node::Table(inner) => MapDeserializer::new(inner.into_iter()).deserialize_any(visitor),
            Node::File(value) => value.deserialize_any(visitor),
            Node::Variable { name, text } => {
                let value = as_toml(&text).unwrap_or(Value::String(text));
                named(&name, value.deserialize_any(visitor))
            }
        }
    }

    scalars! {
        deserialize_bool => visit_bool: bool, "true or false";
        deserialize_i8 => visit_i64: i64, "a whole number";
        deserialize_i16 => visit_i64: i64, "a whole number";
        deserialize_i32 => visit_i64: i64, "a whole number";
        deserialize_i64 => visit_i64: i64, "a whole number";
        deserialize_u8 => visit_u64: u64, "a whole number, not negative";
        deserialize_u16 => visit_u64: u64, "a whole number, not negative";
        deserialize_u32 => visit_u64: u64, "a whole number, not negative";
        deserialize_u64 => visit_u64: u64, "a whole number, not negative";
        deserialize_f32 => visit_f64: f64, "a number";
        deserialize_f64 => visit_f64: f64, "a number";
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_string(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Node::Variable { name, text } => named(&name, visitor.visit_string(as_string(text))),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Node::Variable { name, text } => {
                named(&name, visitor.visit_seq(SeqDeserializer::new(as_list(&text).into_iter())))
            }
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Node::Table(inner) => {
                let access =
                    serde::de::value::MapAccessDeserializer::new(MapDeserializer::new(inner.into_iter()));
                visitor.visit_enum(access)
            }
            Node::File(value) => value.deserialize_enum(name, variants, visitor),
            Node::Variable { name, text } => {
                named(&name, visitor.visit_enum(as_string(text).into_deserializer()))
            }
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let Node::Table(mut inner) = self else { return self.deserialize_any(visitor) };
        inner.retain(|key, node| fields.contains(&key.as_str()) || !node.is_of_another_daemon(key));
        Node::Table(inner).deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct map identifier ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

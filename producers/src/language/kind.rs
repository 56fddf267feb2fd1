//! What happened, decided by a column or by rules over several columns.

use std::fmt;

use sanchar_schemas::event::EventKind;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::column::{NamesColumns, Visit};
use super::condition::When;
use super::field::{Field, Source, SpecVisitor};
use crate::reason::{Problem, Reason};

/// Where an event's kind comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Kind {
    /// A column or a constant.
    Field(Box<Field<EventKind>>),
    /// The first rule whose conditions hold. A row that none fits goes to quarantine.
    Rules(Vec<Rule>),
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The kind.
    pub is: EventKind,
    /// Its conditions; a rule without any always fits.
    #[serde(default, skip_serializing_if = "is_always")]
    pub when: When,
}

fn is_always(when: &When) -> bool {
    when.0.is_empty()
}

impl Kind {
    /// The kind of the event that a row makes.
    pub(crate) fn of(&self, source: Source<'_>) -> Result<EventKind, Problem> {
        match self {
            Self::Field(field) => field.required(source),
            Self::Rules(rules) => {
                let rule = rules.iter().find(|rule| rule.when.holds(source));
                rule.map(|rule| rule.is).ok_or_else(|| {
                    Problem::new(
                        Reason::UnknownValue,
                        "fits none of the rules: add one without `when` at their end",
                    )
                })
            }
        }
    }
}

impl NamesColumns for Kind {
    fn each_column(&mut self, visit: &mut Visit<'_>) {
        match self {
            Self::Field(field) => field.each_column(visit),
            Self::Rules(rules) => rules.each_column(visit),
        }
    }
}

impl NamesColumns for Rule {
    fn each_column(&mut self, visit: &mut Visit<'_>) {
        visit.within("when", &mut self.when);
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> de::Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a column, a table with `column` or `constant`, or a list of rules")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Kind, E> {
        Field::new(SpecVisitor.visit_str(name)?).map(|field| Kind::Field(Box::new(field))).map_err(E::custom)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Kind, A::Error> {
        Field::new(SpecVisitor.visit_map(map)?)
            .map(|field| Kind::Field(Box::new(field)))
            .map_err(de::Error::custom)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Kind, A::Error> {
        Vec::deserialize(de::value::SeqAccessDeserializer::new(list)).map(Kind::Rules)
    }
}

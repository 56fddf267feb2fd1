//! Conditions on a row: which rows are left out, and which rule decides an event's kind.
//!
//! A condition compares one column's text, trimmed and with single blanks, case and all. Several conditions hold
//! together or not at all; alternatives are several rules.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::column::{Column, NamesColumns, Use, Visit};
use super::field::{Scalar, Source};
use crate::text::squeeze;

/// Conditions that all have to hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct When(pub Vec<Condition>);

/// One condition: a column and one test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Condition {
    /// The column that is looked at.
    pub column: Column,
    /// What its text has to be.
    #[serde(flatten)]
    pub test: Test,
}

/// What a column's text has to be.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// One of these texts.
    OneOf(Vec<Scalar>),
    /// None of these texts.
    NoneOf(Vec<Scalar>),
    /// A text that begins with one of these.
    StartsWith(Vec<Scalar>),
    /// A text that has one of these in it.
    Contains(Vec<Scalar>),
    /// Empty (true) or not (false); null values count as empty.
    Empty(bool),
}

impl When {
    /// Whether it can hold only where a text says so.
    pub(crate) fn is_affirmative(&self) -> bool {
        !self.0.is_empty()
            && self.0.iter().all(|condition| {
                matches!(&condition.test, Test::OneOf(texts) if texts.iter().all(|Scalar(text)| !text.is_empty()))
            })
    }

    /// Whether all conditions hold.
    pub(crate) fn holds(&self, source: Source<'_>) -> bool {
        self.0.iter().all(|condition| condition.holds(source))
    }
}

impl Condition {
    fn holds(&self, source: Source<'_>) -> bool {
        let text = squeeze(source.cells.get(&self.column));
        match &self.test {
            Test::OneOf(texts) => texts.iter().any(|Scalar(one)| *one == text),
            Test::NoneOf(texts) => texts.iter().all(|Scalar(one)| *one != text),
            Test::StartsWith(texts) => texts.iter().any(|Scalar(one)| text.starts_with(one.as_str())),
            Test::Contains(texts) => texts.iter().any(|Scalar(one)| text.contains(one.as_str())),
            Test::Empty(wanted) => {
                *wanted == (text.is_empty() || source.null_values.iter().any(|null| *null == text))
            }
        }
    }
}

impl NamesColumns for When {
    fn each_column(&mut self, visit: &mut Visit<'_>) {
        for condition in &mut self.0 {
            visit.column(&mut condition.column, Use::Looked);
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    column: Column,
    one_of: Option<Vec<Scalar>>,
    none_of: Option<Vec<Scalar>>,
    starts_with: Option<Vec<Scalar>>,
    contains: Option<Vec<Scalar>>,
    empty: Option<bool>,
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Table { column, one_of, none_of, starts_with, contains, empty } =
            Table::deserialize(deserializer)?;
        let tests = [
            one_of.map(Test::OneOf),
            none_of.map(Test::NoneOf),
            starts_with.map(Test::StartsWith),
            contains.map(Test::Contains),
            empty.map(Test::Empty),
        ];
        let mut tests = tests.into_iter().flatten();
        match (tests.next(), tests.next()) {
            (Some(test), None) => Ok(Self { column, test }),
            _ => Err(de::Error::custom(
                "a condition needs exactly one of `one_of`, `none_of`, `starts_with`, `contains` and `empty`",
            )),
        }
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WhenVisitor)
    }
}

struct WhenVisitor;

impl<'de> de::Visitor<'de> for WhenVisitor {
    type Value = When;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a condition, or a list of conditions that all have to hold")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<When, A::Error> {
        Ok(When(vec![Condition::deserialize(de::value::MapAccessDeserializer::new(map))?]))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<When, A::Error> {
        Vec::deserialize(de::value::SeqAccessDeserializer::new(list)).map(When)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::column::Columns;
    use crate::language::field::Cells;
    use crate::language::time::Zone;

    #[derive(Debug, Deserialize)]
    struct Holder {
        when: When,
    }

    fn holds(when: &str, cells: [&str; 2]) -> bool {
        let mut when = toml::from_str::<Holder>(&format!("when = {when}")).unwrap().when;
        let columns = Columns::new(["a", "b"]);
        when.each_column(&mut Visit::new("when", &mut |path, column, _| {
            columns.bind(column, path, "test").unwrap();
        }));
        let cells = Cells(cells.iter().map(|cell| (*cell).into()).collect());
        when.holds(Source { cells: &cells, null_values: &["NULL".to_owned()], zone: Zone::india().0 })
    }

    #[test]
    fn each_test_looks_at_the_trimmed_text() {
        assert!(holds("{ column = 'a', one_of = ['Man', 'Women'] }", [" Women ", ""]));
        assert!(!holds("{ column = 'a', one_of = ['Man'] }", ["man", ""]));
        assert!(holds("{ column = 'a', none_of = ['Man'] }", ["", ""]));
        assert!(holds(
            "{ column = 'a', starts_with = ['Of Automobiles'] }",
            ["Of Automobiles - Of Cars", ""]
        ));
        assert!(holds("{ column = 'a', contains = ['चोरी'] }", ["वाहन चोरी", ""]));
        assert!(holds("{ column = 'a', empty = true }", ["NULL", ""]));
        assert!(holds("{ column = 'a', one_of = [-1] }", ["-1", ""]));
    }

    #[test]
    fn several_conditions_hold_together() {
        let both = "[{ column = 'a', one_of = ['x'] }, { column = 'b', empty = false }]";
        assert!(holds(both, ["x", "y"]));
        assert!(!holds(both, ["x", ""]));
        assert!(holds("[]", ["", ""]));
    }

    #[test]
    fn a_condition_has_one_test() {
        for text in ["{ column = 'a' }", "{ column = 'a', empty = true, one_of = ['x'] }"] {
            let error = toml::from_str::<Holder>(&format!("when = {text}")).unwrap_err();
            assert!(error.message().contains("exactly one of"), "{error}");
        }
    }
}

//! One field of an event as a mapping describes it: where its text comes from and what is done before it is read.
//!
//! In the file it is a column's name, or a table with `column`, `columns` or `constant` and the steps below, applied
//! in this order: join, remove, null values, value map, reading as the field's type. What types there are is in
//! [`super::leaf`].

mod written;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

use super::column::{Column, NamesColumns, Use, Visit};
use super::leaf::{How, Leaf};
use super::time::{TimeFormat, Zone, check_formats};
use crate::reason::{Problem, Reason};
use crate::text::{latin_digits, squeeze};
pub use written::Scalar;
pub(super) use written::SpecVisitor;

/// The cells of one row, in the order of the bound columns.
#[derive(Debug, Clone, Default)]
pub struct Cells<'a>(pub Vec<Cow<'a, str>>);

impl Cells<'_> {
    /// The text in a column; empty where the row is shorter.
    #[must_use]
    pub fn get(&self, column: &Column) -> &str {
        column.index().and_then(|index| self.0.get(index)).map_or("", AsRef::as_ref)
    }
}

/// What a field is read from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) cells: &'a Cells<'a>,
    /// Texts that mean nothing, in every column.
    pub(crate) null_values: &'a [String],
    pub(crate) zone: Offset,
}

/// What happens to a value that the map does not know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// The row goes to quarantine.
    #[default]
    Quarantine,
    /// The value is taken as it is.
    Keep,
    /// The field stays empty.
    Absent,
}

/// The keys of a field's table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// The column it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<Column>,
    /// Several columns, joined.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
    /// What stands between the texts of `columns`. Default: a blank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub join: Option<String>,
    /// Whether `columns` count as empty as soon as one of them is. Else the empty ones are left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all_or_none: bool,
    /// The same value for every row, instead of a column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constant: Option<Scalar>,
    /// Beginnings to take off, once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove_prefix: Vec<String>,
    /// Texts to take out wherever they stand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
    /// Texts that mean nothing here, instead of `rows.null_values`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub null_values: Option<Vec<String>>,
    /// Value for each text of the source.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, Scalar>,
    /// What happens to a text that `map` does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unknown: Option<Unknown>,
    /// Value for texts that `map` does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Scalar>,
    /// Date formats, tried in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<TimeFormat>,
    /// Added to a year of two digits, for example 2000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub century: Option<i32>,
    /// Column with the number of the month, which proves what a `spreadsheet_day` means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<Column>,
    /// Separators of a list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub split: Vec<String>,
    /// Whether a row without it goes to quarantine.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
}

/// A field that holds a `T`.
pub struct Field<T> {
    spec: Spec,
    leaf: PhantomData<fn() -> T>,
}

/// A field that holds a list, split on separators.
#[derive(Debug, Clone, PartialEq)]
pub struct List<T>(Field<T>);

impl<T: Leaf> Field<T> {
    /// A field made of its table.
    ///
    /// # Errors
    /// What is wrong with the table, as a sentence.
    pub fn new(spec: Spec) -> Result<Self, String> {
        if !spec.split.is_empty() {
            return Err("`split` makes a list, and this field holds one value: remove it".to_owned());
        }
        Self::checked(spec)
    }

    fn checked(spec: Spec) -> Result<Self, String> {
        let sources = [spec.column.is_some(), !spec.columns.is_empty(), spec.constant.is_some()];
        if sources.iter().filter(|given| **given).count() != 1 {
            return Err("a field needs exactly one of `column`, `columns` and `constant`".to_owned());
        }
        if spec.all_or_none && spec.columns.is_empty() {
            return Err("`all_or_none` is about `columns`, and there are none: remove it".to_owned());
        }
        if spec.map.is_empty() && (spec.default.is_some() || spec.unknown.is_some()) {
            return Err("`default` and `unknown` are about a `map`, and there is none".to_owned());
        }
        if spec.default.is_some() && spec.unknown.is_some() {
            return Err("`default` and `unknown` contradict each other: keep one".to_owned());
        }
        if T::TAKES_FORMATS == spec.formats.is_empty() && !T::FORMATS_OPTIONAL {
            return Err(match T::TAKES_FORMATS {
                true => "a date needs its `formats`, for example formats = [\"%d/%m/%Y\"]".to_owned(),
                false => "`formats` are for dates, and this field is none: remove them".to_owned(),
            });
        }
        check_century::<T>(&spec)?;
        check_formats(&spec.formats)?;
        if spec.formats.iter().any(TimeFormat::needs_month) != spec.month.is_some() {
            return Err(
                "`spreadsheet_day` among the formats and `month`, the column that proves it, need each other"
                    .to_owned(),
            );
        }
        let how = How { formats: &spec.formats, zone: Zone::india().0, century: spec.century, month: None };
        for Scalar(text) in spec.constant.iter().chain(spec.map.values()).chain(&spec.default) {
            T::read(text, how).map_err(|problem| {
                // It is what a map or a constant gives that is wrong.
                let message = problem.message.trim_end_matches(": give the field a map");
                format!("`{text}` {message}")
            })?;
        }
        Ok(Self { spec, leaf: PhantomData })
    }

    /// Whether it is read by date formats.
    pub(crate) fn is_time(&self) -> bool {
        !self.spec.formats.is_empty()
    }

    /// Whether it is what this column holds, and nothing else.
    pub(crate) fn is_column(&self, name: &str) -> bool {
        let column = self.spec.column.clone().filter(|column| column.name() == name);
        column.is_some() && self.spec == Spec { column, ..Spec::default() }
    }

    /// The value in a row; `None` where the row has none.
    pub(crate) fn value(&self, source: Source<'_>) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(source) else { return self.nothing() };
        match self.translated(&text)? {
            Some(text) => T::read(text, self.how(source)).map(Some),
            None => self.nothing(),
        }
    }

    /// The value in a row, which must have one.
    pub(crate) fn required(&self, source: Source<'_>) -> Result<T, Problem> {
        self.value(source)?.ok_or_else(missing)
    }

    fn nothing(&self) -> Result<Option<T>, Problem> {
        if self.spec.required { Err(missing()) } else { Ok(None) }
    }

    fn how(&self, source: Source<'_>) -> How<'_> {
        let month = self.spec.month.as_ref();
        let month = month.and_then(|column| latin_digits(&squeeze(source.cells.get(column))).parse().ok());
        How { formats: &self.spec.formats, zone: source.zone, century: self.spec.century, month }
    }

    /// The text before the value map.
    fn text<'a>(&'a self, source: Source<'a>) -> Option<Cow<'a, str>> {
        if let Some(Scalar(constant)) = &self.spec.constant {
            return Some(Cow::Borrowed(constant));
        }
        let null_values = self.spec.null_values.as_deref().unwrap_or(source.null_values);
        let cleaned = |column: &Column| self.cleaned(source.cells.get(column), null_values);
        if let Some(column) = &self.spec.column {
            return cleaned(column);
        }
        let parts: Vec<_> = self.spec.columns.iter().filter_map(cleaned).collect();
        let enough = if self.spec.all_or_none { self.spec.columns.len() } else { 1 };
        (parts.len() >= enough).then(|| Cow::Owned(parts.join(self.spec.join.as_deref().unwrap_or(" "))))
    }

    fn cleaned<'a>(&self, text: &'a str, null_values: &[String]) -> Option<Cow<'a, str>> {
        let mut text = squeeze(text);
        if let Some(rest) =
            self.spec.remove_prefix.iter().find_map(|prefix| text.strip_prefix(prefix.as_str()))
        {
            text = Cow::Owned(squeeze(rest).into_owned());
        }
        for removed in self.spec.remove.iter().filter(|removed| !removed.is_empty()) {
            if text.contains(removed.as_str()) {
                text = Cow::Owned(squeeze(&text.replace(removed.as_str(), "")).into_owned());
            }
        }
        (!text.is_empty() && !null_values.iter().any(|null| *null == text)).then_some(text)
    }

    /// The text after the value map; `None` where the map leaves it out.
    fn translated<'a>(&'a self, text: &'a str) -> Result<Option<&'a str>, Problem> {
        if self.spec.map.is_empty() || self.spec.constant.is_some() {
            return Ok(Some(text));
        }
        if let Some(Scalar(value)) = self.spec.map.get(text).or(self.spec.default.as_ref()) {
            return Ok(Some(value));
        }
        match self.spec.unknown.unwrap_or_default() {
            Unknown::Quarantine => Err(Problem::new(
                Reason::UnknownValue,
                "is a text that the field's map does not know: add it there",
            )),
            Unknown::Keep => Ok(Some(text)),
            Unknown::Absent => Ok(None),
        }
    }
}

/// Years of two digits have a century that is said, and nothing else has one.
fn check_century<T: Leaf>(spec: &Spec) -> Result<(), String> {
    let short = spec.formats.iter().find(|format| format.has_short_year());
    match (spec.century, short) {
        (None, Some(format)) => Err(format!(
            "the date format {format:?} has years of two digits: say of which century, as in century = 2000"
        )),
        (Some(_), None) if !T::TAKES_CENTURY => {
            Err("`century` is for years of two digits, and this field has none: remove it".to_owned())
        }
        (Some(century), _) if century % 100 != 0 || !(1800..=2200).contains(&century) => {
            Err("`century` is what is added to years of two digits: write 2000 or 1900".to_owned())
        }
        _ => Ok(()),
    }
}

impl<T: Leaf> List<T> {
    /// The items in a row, each taken through the value map.
    pub(crate) fn items(&self, source: Source<'_>) -> Result<Vec<T>, Problem> {
        let field = &self.0;
        let Some(text) = field.text(source) else {
            return if field.spec.required { Err(missing()) } else { Ok(Vec::new()) };
        };
        let mut texts = vec![text.as_ref()];
        for separator in field.spec.split.iter().filter(|separator| !separator.is_empty()) {
            texts = texts.into_iter().flat_map(|text| text.split(separator.as_str())).collect();
        }
        let null_values = field.spec.null_values.as_deref().unwrap_or(source.null_values);
        let present = texts.into_iter().map(squeeze);
        let present = present.filter(|text| !text.is_empty() && !null_values.iter().any(|null| null == text));
        let mut items = Vec::new();
        for text in present {
            if let Some(text) = field.translated(&text)? {
                items.push(T::read(text, field.how(source))?);
            }
        }
        Ok(items)
    }
}

fn missing() -> Problem {
    Problem::new(Reason::MissingValue, "is empty, and the record needs it")
}

impl<T> NamesColumns for Field<T> {
    fn each_column(&mut self, visit: &mut Visit<'_>) {
        for column in self.spec.column.iter_mut().chain(&mut self.spec.columns) {
            visit.column(column, Use::Carried);
        }
        if let Some(month) = &mut self.spec.month {
            visit.column(month, Use::Looked);
        }
    }
}

impl<T> NamesColumns for List<T> {
    fn each_column(&mut self, visit: &mut Visit<'_>) {
        self.0.each_column(visit);
    }
}

impl<T> Clone for Field<T> {
    fn clone(&self) -> Self {
        Self { spec: self.spec.clone(), leaf: PhantomData }
    }
}

impl<T> PartialEq for Field<T> {
    fn eq(&self, other: &Self) -> bool {
        self.spec == other.spec
    }
}

impl<T> fmt::Debug for Field<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spec.fmt(f)
    }
}

#[cfg(test)]
mod tests;

//! `coordination.toml` as it is written; what it means is decided in [`super`].

use super::RulesError;
use sanchar_schemas::event::EventKind;
use sanchar_schemas::jurisdictions;
use serde::Deserialize;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CoordinationFile {
    pub(super) version: String,
    #[serde(default)]
    pub(super) partners: Vec<(String, String)>,
    #[serde(default)]
    pub(super) near: Vec<(String, String)>,
    #[serde(default)]
    pub(super) narrow_severity_max: i32,
    #[serde(default)]
    pub(super) groups: Vec<GroupEntry>,
}

/// A coordination group.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupEntry {
    pub(super) name: String,
    #[serde(default)]
    pub(super) about: String,
    #[serde(default)]
    pub(super) members: Vec<String>,
    #[serde(default)]
    pub(super) includes: Vec<String>,
    #[serde(default)]
    pub(super) restricted: bool,
    #[serde(default)]
    pub(super) when: Vec<ConditionEntry>,
}

/// When an event concerns a group: all parts that are given have to fit.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ConditionEntry {
    pub(super) kinds: Vec<EventKind>,
    pub(super) heads: Vec<String>,
    pub(super) severity_min: Option<i32>,
    pub(super) gang: bool,
    pub(super) requested: bool,
}

impl CoordinationFile {
    pub(super) fn parse(text: &str) -> Result<Self, RulesError> {
        // A mark that Windows editors put in front says nothing.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        toml::from_str(text).map_err(|error| {
            let place = error.span().map_or_else(String::new, |span| place(text, span.start));
            RulesError::new(jurisdictions::COORDINATION.name, format!("{place}{}", error.message()))
        })
    }
}

/// `line 3, column 7: `
fn place(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    format!("line {line}, column {column}: ")
}

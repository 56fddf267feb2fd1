//! The `[rows]` table: what holds for every row before any field is read.

use std::collections::BTreeSet;

use sanchar_runtime::config::ConfigError;
use sanchar_schemas::event::WithholdingReason;
use serde::{Deserialize, Serialize};

use super::check::Check;
use super::column::{Column, NamesColumns, Use, Visit};
use super::condition::When;
use super::join::{self, Join};
use super::path::EventPath;
use super::pattern::Parts;
use super::time::Zone;
use crate::summary::{BLANK_LINE, UNCHANGED};

/// The largest number of `skip` rules: each is a value of a metric's label.
const SKIP_RULES_MAX: usize = 16;

/// Rules for rows as a whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rows {
    /// Where the source's local times are local. Default `+05:30`.
    pub time_zone: Zone,
    /// Texts that mean nothing, in every column.
    pub null_values: Vec<String>,
    /// Columns that patterns take apart.
    pub parts: Vec<Parts>,
    /// Rows of other files that belong to the rows of this source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub join: Vec<Join>,
    /// Rows to leave out, each with a name under which they are counted.
    pub skip: Vec<Skip>,
    /// Columns that must agree with the event.
    pub checks: Vec<Check>,
    /// Columns that the source has and the event does not carry.
    pub not_carried: Vec<NotCarried>,
    /// What happens when two rows of one file are the same record with different content. Default: quarantine.
    pub same_record: SameRecord,
}

/// Rows to leave out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    /// The name under which they are counted: small letters, digits and `_`.
    pub reason: String,
    /// Which rows.
    pub when: When,
}

/// A column that is not carried: where it has a value, the event says that the field was withheld.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotCarried {
    /// The column.
    pub column: Column,
    /// Path of the field that it would fill.
    pub path: EventPath,
    /// Why it is withheld. Default `NOT_MAPPED`.
    #[serde(default = "not_mapped")]
    pub reason: WithholdingReason,
    /// Texts that mean nothing in this column, besides `rows.null_values`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub null_values: Vec<String>,
}

/// What happens when two rows of one file are the same record with different content, and the mapping has no
/// `record.revision` to tell which is newer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SameRecord {
    /// The later row goes to quarantine.
    #[default]
    Quarantine,
    /// The later row is a newer version.
    Update,
}

/// Whether a text can stand as a label: at most 32 small letters, digits and `_`.
pub(super) fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn not_mapped() -> WithholdingReason {
    WithholdingReason::NotMapped
}

impl Rows {
    /// Finds rules that contradict each other.
    ///
    /// # Errors
    /// The first thing wrong, with its remedy.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.skip.len() > SKIP_RULES_MAX {
            return Err(ConfigError::field(
                "rows.skip",
                format!("has more than {SKIP_RULES_MAX} rules: join some"),
            ));
        }
        for (i, skip) in self.skip.iter().enumerate() {
            if !is_name(&skip.reason) {
                let problem =
                    "is not a name of at most 32 small letters, digits and `_`, as in \"column_numbers\"";
                return Err(ConfigError::field(format!("rows.skip[{i}].reason"), problem));
            }
            if [BLANK_LINE, UNCHANGED].contains(&skip.reason.as_str()) {
                let problem = "is a name that the producer gives itself: take another";
                return Err(ConfigError::field(format!("rows.skip[{i}].reason"), problem));
            }
        }
        if let Some(i) = self.checks.iter().position(|check| !check.is_complete()) {
            return Err(ConfigError::field(
                format!("rows.checks[{i}]"),
                "needs exactly one of `equals` and `one_of`",
            ));
        }
        join::check(&self.join)?;
        let mut names = BTreeSet::new();
        for (i, parts) in self.parts.iter().enumerate() {
            if let Some(name) = parts.names().into_iter().find(|name| !names.insert(*name)) {
                let problem = format!("makes a column `{name}` that another entry makes too: rename one");
                return Err(ConfigError::field(format!("rows.parts[{i}]"), problem));
            }
        }
        Ok(())
    }
}

impl NamesColumns for Rows {
    fn each_column(&mut self, visit: &mut Visit<'_>) {
        visit.within("parts", &mut self.parts);
        visit.within("join", &mut self.join);
        visit.within("skip", &mut self.skip);
        visit.within("checks", &mut self.checks);
        visit.within("not_carried", &mut self.not_carried);
    }
}

impl NamesColumns for Skip {
    fn each_column(&mut self, visit: &mut Visit<'_>) {
        visit.within("when", &mut self.when);
    }
}

impl NamesColumns for NotCarried {
    fn each_column(&mut self, visit: &mut Visit<'_>) {
        visit.column(&mut self.column, Use::Looked);
    }
}

//! Rows of other files that belong to a row: the accused, the vehicles of a case, joined by its FIR number.
//!
//! What a mapping says of them. Finding a row's own is in `crate::mapping::joined`, reading the files in
//! `crate::siblings`.

use std::collections::BTreeSet;

use sanchar_runtime::config::ConfigError;
use serde::{Deserialize, Serialize};

use super::column::{Column, NamesColumns, Use, Visit};
use super::rows::is_name;
use crate::source::SourceConfig;

/// Files whose rows belong to the rows of the source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The name that `each` calls them by: small letters, digits and `_`.
    pub name: String,
    /// Where the files are and how they are written, as in `[source]`.
    pub source: SourceConfig,
    /// Columns of the source's row that tell its case.
    pub key: Vec<Column>,
    /// The columns of the other files that say the same, in the same order. Default: those of `key`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub their_key: Vec<Column>,
    /// Whether there may be no such file, or none with a row in it. Default false: the source waits for it. While there is none,
    /// what hangs on the persons of a case is withheld.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Whether every case has a row there. Default true: one without may lack persons, and what hangs on the persons of a case is
    /// withheld until its row comes. False where there are cases without one, of an accused whom nobody knows.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub every_case: bool,
    /// The most rows that belong to one case; a case with more goes to quarantine. Default 100.
    #[serde(default = "hundred")]
    pub max_rows_per_case: usize,
    /// The most memory for these rows, in bytes; files that need more are refused. Default 67108864.
    #[serde(default = "mebibytes_64")]
    pub max_bytes: usize,
}

/// The name of a join: the table that says it stands for as many items as the join has rows of the case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Each(pub String);

impl Join {
    /// The columns of the other files that tell the case.
    #[must_use]
    pub fn their_key(&self) -> &[Column] {
        if self.their_key.is_empty() { &self.key } else { &self.their_key }
    }
}

/// Finds joins that cannot work.
pub(super) fn check(joins: &[Join]) -> Result<(), ConfigError> {
    let mut names = BTreeSet::new();
    for (i, join) in joins.iter().enumerate() {
        let refuse = |field: &str, problem: &str| {
            Err(ConfigError::field(format!("rows.join[{i}].{field}"), problem.to_owned()))
        };
        if !is_name(&join.name) {
            return refuse(
                "name",
                "is not a name of at most 32 small letters, digits and `_`, as in \"accused\"",
            );
        }
        if !names.insert(&join.name) {
            return refuse("name", "is the name of another join: take another");
        }
        if join.key.is_empty() {
            return refuse("key", "names no column: say which columns tell the case");
        }
        if join.their_key().len() != join.key.len() {
            return refuse("their_key", "has to name as many columns as `key`, in the same order");
        }
        if !(1..=1_000).contains(&join.max_rows_per_case) {
            return refuse("max_rows_per_case", "has to lie between 1 and 1000");
        }
        join.source.check().map_err(|error| match error {
            ConfigError::Field { field, problem } => {
                ConfigError::field(format!("rows.join[{i}].{field}"), problem)
            }
            error => error,
        })?;
    }
    Ok(())
}

impl NamesColumns for Join {
    fn each_column(&mut self, visit: &mut Visit<'_>) {
        for column in &mut self.key {
            visit.column(column, Use::Looked);
        }
    }
}

impl NamesColumns for Each {
    fn each_column(&mut self, visit: &mut Visit<'_>) {
        visit.enter(&self.0);
    }
}

fn yes() -> bool {
    true
}

fn hundred() -> usize {
    100
}

fn mebibytes_64() -> usize {
    64 << 20
}

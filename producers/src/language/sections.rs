//! How a source writes acts and sections of law. Taking a text apart by these rules is in `crate::mapping::sections`.

use std::collections::BTreeMap;

use sanchar_schemas::offence::Act;
use serde::{Deserialize, Deserializer, Serialize, de};

use super::column::{Column, NamesColumns, Use, Visit};
use super::field::Field;

/// The `[mapping.sections]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sections {
    /// The column that holds the sections.
    pub column: Column,
    /// In which order acts and sections stand.
    pub order: Order,
    /// `act_first`: what stands between an act and its sections. Default: `U/s` with or without a bracket before it and
    /// a colon, full stop or hyphen behind it; where there is none, an act that is known and a number behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// `sections_only`: the act of all sections, from a column of its own or a constant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Field<String>>,
    /// Characters that separate sections, besides blanks where the order allows. Default: a comma.
    #[serde(default = "separators")]
    pub separators: String,
    /// What happens to an act that is neither here nor in the contract's table. Default: quarantine.
    #[serde(default)]
    pub unknown_act: UnknownAct,
    /// Names of acts as this source writes them, with their codes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub acts: BTreeMap<String, ActCode>,
    /// Letters of inserted sections in the source's script, with the letters to write: `ए` is A.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub letters: BTreeMap<String, String>,
    /// Words between sections or acts that mean nothing, besides `U/s`, `r/w`, `read with`, `and`, `&`, `एवं`, `तथा`,
    /// `सहपठित` and `धारा`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fillers: Vec<String>,
    /// Entries that stand for no section: `00MP`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub placeholders: Vec<String>,
    /// What sections without an act mean. Default: they go to quarantine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bare: Option<Bare>,
}

/// In which order acts and sections stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// `IPC 1860 U/s: 279,337 INDIAN MOTOR VEHICLES ACT, 1988 U/s: 3(2)`, `NDPS ACT 1985 (U/s-20(b)(ii)A)`,
    /// `BNS 303(2) r/w 3(5)`.
    ActFirst,
    /// `279,337 IPC, 184 MV Act`.
    SectionsFirst,
    /// `279,337`, the act stands elsewhere.
    SectionsOnly,
}

/// What happens to an act that no table knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownAct {
    /// The row goes to quarantine.
    #[default]
    Quarantine,
    /// The act is published under the name that the source gives it.
    Keep,
}

/// What sections without an act mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bare {
    /// Code of the act.
    pub act: ActCode,
    /// Sections that mean this act wherever they stand alone.
    pub sections: Vec<String>,
    /// Sections that mean it only beside one of `sections`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<String>,
}

/// Code of an act in the contract's table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ActCode(String);

impl ActCode {
    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for ActCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if Act::all().iter().any(|act| act.code == text) {
            return Ok(Self(text));
        }
        let known: Vec<_> = Act::all().iter().map(|act| act.code.as_str()).collect();
        Err(de::Error::custom(format!(
            "`{text}` is no act of the contract's table: use one of {}",
            known.join(", ")
        )))
    }
}

impl NamesColumns for Sections {
    fn each_column(&mut self, visit: &mut Visit<'_>) {
        visit.column(&mut self.column, Use::Carried);
        visit.within("act", &mut self.act);
    }
}

fn separators() -> String {
    ",".to_owned()
}

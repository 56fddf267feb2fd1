//! Districts by the names that police write, and which districts of other states they touch:
//! `jurisdictions/districts.csv`, `district_borders.csv` and `police_districts.csv`.
//!
//! Borders are those of revenue districts as they were drawn in about 2020. They say where a district lies,
//! never who is responsible for a case: that is the police station that registered it. Who receives what is
//! the router's business (crate `sanchar-fanout`).

mod rows;
mod spelling;

use crate::state::{StateCode, StateSet};
use spelling::{bare, fold};
use std::collections::HashMap;
use std::sync::LazyLock;

/// Whose district it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DistrictKind {
    /// A district of the revenue administration, as the census and the Local Government Directory list them.
    Revenue,
    /// A police district, a commissionerate or a unit of a state's police that is not a revenue district.
    Police,
}

/// A district. Names are unique in a state and not beyond: there is an Aurangabad in Bihar as well.
#[derive(Debug)]
pub struct District {
    /// The state that it is in.
    pub state: StateCode,
    /// Today's official name in English.
    pub name: String,
    /// Whose district it is.
    pub kind: DistrictKind,
    /// Code in the census of 2011, three digits; `None` for a police district and for one formed since. A
    /// district that was divided since has kept its code, which then stands for a larger area.
    pub census2011: Option<String>,
    /// Former names and other spellings, in English and in the languages of the state.
    pub aliases: Vec<String>,
    /// Revenue districts of the same state in whose area it lies. Of a police district: empty where it is in
    /// charge of the whole state. Of a revenue district: empty, but for one that was formed after the borders
    /// were drawn, which names the districts whose area it was in.
    pub within: Vec<String>,
    /// Where what is said of a police district is from, in a few words; empty for a revenue district.
    pub source: String,
    touching: Vec<(StateCode, String)>,
    is_border: Option<bool>,
}

struct Table {
    districts: Vec<District>,
    by_name: HashMap<StateCode, HashMap<String, usize>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let districts = rows::districts();
    let mut by_name: HashMap<StateCode, HashMap<String, usize>> = HashMap::new();
    for (i, district) in districts.iter().enumerate() {
        let names = by_name.entry(district.state).or_default();
        names.extend(district.names().filter_map(fold).map(|name| (name, i)));
    }
    Table { districts, by_name }
});

impl District {
    /// Every district: revenue districts, then police districts, each in the order of state and name.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &TABLE.districts
    }

    /// The district of `state` that a source's name or spelling stands for; `None` where the tables lack it.
    ///
    /// Case, white space, punctuation, `&` for `and`, the nukta and a `District`, `Dist.` or `जिला` before or
    /// after the name make no difference. Names of other states are never looked at.
    #[must_use]
    pub fn find(state: StateCode, name: &str) -> Option<&'static Self> {
        let names = TABLE.by_name.get(&state)?;
        let folded = fold(name)?;
        // Whole first: some police districts are told from the revenue district by the word alone.
        let i = names.get(&folded).or_else(|| names.get(bare(&folded)))?;
        TABLE.districts.get(*i)
    }

    /// Whether it lies at a border with another state; `None` where that is not known.
    ///
    /// Known are the revenue districts as drawn in about 2020 (one that was divided since keeps the answer of
    /// its former area), police districts whose borders have a source, and any other district whose revenue
    /// districts are all away from the borders. Not known: where in a border district a police district lies.
    #[must_use]
    pub const fn is_border(&self) -> Option<bool> {
        self.is_border
    }

    /// Names of the revenue districts of `state` that it touches, in alphabetical order.
    ///
    /// A police district touches those that a source names. Where none does, and for a revenue district formed
    /// since the borders were drawn, these are those of the revenue districts that it lies in: at least its
    /// own, and perhaps more ([`Self::is_border`] is then `None`).
    pub fn touching(&self, state: StateCode) -> impl Iterator<Item = &str> {
        self.touching.iter().filter(move |(other, _)| *other == state).map(|(_, name)| name.as_str())
    }

    /// The states whose districts it touches; as wide as [`Self::touching`]. Empty where nothing is known, so
    /// ask [`Self::is_border`] before concluding that there are none.
    #[must_use]
    pub fn touching_states(&self) -> StateSet {
        self.touching.iter().map(|(state, _)| *state).collect()
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.aliases).map(String::as_str)
    }
}

#[cfg(test)]
mod tests;

//! The rules of routing as a value: who borders whom, partners, coordination groups, and their version and digest.
//!
//! Pure. Texts come in, checked rules or the first mistake come out; [`folder`] reads the texts from disk, and
//! [`crate::route`] decides by the rules about an event.

mod check;
mod file;
mod folder;
mod group;
mod pairs;
mod reload;

pub use folder::{FILES, read_folder};
pub use group::{Condition, Group};
pub use reload::{CurrentRules, RELOAD_OUTCOMES, RulesMetrics, reload_on};

use jiff::civil::Date;
use sanchar_schemas::adjacency::Adjacency;
use sanchar_schemas::characters::visible;
use sanchar_schemas::digest::Sha256;
use sanchar_schemas::{StateCode, StateSet, jurisdictions};
use std::sync::{Arc, LazyLock};

use file::CoordinationFile;
use pairs::Pairs;

/// What is wrong with rules: file, place in it, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct RulesError {
    /// Name of the file.
    pub file: String,
    /// What is wrong, where, and what to do.
    pub problem: String,
}

impl RulesError {
    pub(crate) fn new(file: impl Into<String>, problem: impl Into<String>) -> Self {
        // A file's own text is repeated in places, and must not steer the terminal of whoever reads this.
        let problem = visible(&problem.into()).collect();
        Self { file: file.into(), problem }
    }
}

/// The rules of routing, checked.
#[derive(Debug)]
pub struct Rules {
    version: String,
    digest: String,
    adjacency: Adjacency,
    partners: Pairs,
    near: Pairs,
    groups: Vec<Group>,
    narrow_severity_max: i32,
}

impl Rules {
    /// Reads and checks rules. `adjacency` and `coordination` are the texts of `adjacency.csv` and `coordination.toml`; `today`
    /// is the day on which every state has to have a recipient.
    ///
    /// # Errors
    /// The first mistake: a text that cannot be read, unknown codes, names or heads, borders listed from one side only or
    /// twice, a state without any recipient, groups that include one another or leak restricted material.
    pub fn parse(adjacency: &str, coordination: &str, today: Date) -> Result<Self, RulesError> {
        let digest = Sha256::of(format!("{adjacency}\0{coordination}").as_bytes()).to_string();
        let adjacency = Adjacency::parse(adjacency)
            .map_err(|error| RulesError::new(jurisdictions::ADJACENCY.name, error.to_string()))?;
        let file = CoordinationFile::parse(coordination)?;
        let rules = Self {
            digest: digest.chars().take(16).collect(),
            adjacency,
            partners: Pairs::of("partners", &file.partners)?,
            near: Pairs::of("near", &file.near)?,
            groups: group::resolve(&file.groups)?,
            narrow_severity_max: file.narrow_severity_max,
            version: file.version,
        };
        check::check(&rules, today)?;
        Ok(rules)
    }

    /// The rules built into this program.
    #[must_use]
    #[expect(clippy::expect_used, reason = "they are compiled in and a test reads them")]
    pub fn builtin() -> Arc<Self> {
        static BUILTIN: LazyLock<Arc<Rules>> = LazyLock::new(|| {
            let (adjacency, coordination) = (jurisdictions::ADJACENCY.text, jurisdictions::COORDINATION.text);
            let rules = Rules::parse(adjacency, coordination, Date::constant(2026, 11, 1));
            Arc::new(rules.expect("the built-in rules are well formed"))
        });
        Arc::clone(&BUILTIN)
    }

    /// Version as the file says.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// First 16 hexadecimal digits of the SHA-256 of the rules' texts.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Land neighbours on a day.
    #[must_use]
    pub fn neighbours(&self, state: StateCode, on: Date) -> StateSet {
        self.adjacency.neighbours(state, on)
    }

    /// Partners of a state.
    #[must_use]
    pub fn partners(&self, state: StateCode) -> StateSet {
        self.partners.of_state(state)
    }

    /// States near to a state that share no border with it.
    #[must_use]
    pub fn near(&self, state: StateCode) -> StateSet {
        self.near.of_state(state)
    }

    /// Coordination groups, in the order of the file.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Highest severity of events that go only to the neighbours that their district touches; 0: none do.
    #[must_use]
    pub const fn narrow_severity_max(&self) -> i32 {
        self.narrow_severity_max
    }

    /// States that may see restricted material of an origin: the members of its restricted groups.
    #[must_use]
    pub fn cleared(&self, origin: StateCode) -> StateSet {
        let groups = self.groups.iter().filter(|group| group.is_restricted && group.members.contains(origin));
        groups.fold(StateSet::EMPTY, |all, group| all.union(group.members))
    }
}

#[cfg(test)]
mod tests;

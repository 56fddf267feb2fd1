//! Pairs of states that count in both directions: partners, and states near to each other.

use super::RulesError;
use sanchar_schemas::{StateCode, StateSet, jurisdictions};
use std::collections::HashMap;

/// For each state of a pair, the other sides.
#[derive(Debug, Default)]
pub(super) struct Pairs(HashMap<StateCode, StateSet>);

impl Pairs {
    /// Reads pairs of codes; `field` is their place in the file.
    pub(super) fn of(field: &str, pairs: &[(String, String)]) -> Result<Self, RulesError> {
        let mut sides: HashMap<StateCode, StateSet> = HashMap::new();
        for (i, (a, b)) in pairs.iter().enumerate() {
            let wrong = |problem: &str| {
                let file = jurisdictions::COORDINATION.name;
                Err(RulesError::new(file, format!("{field}[{i}]: {problem}")))
            };
            let code = |text: &str| text.parse::<StateCode>();
            let (a, b) = match (code(a), code(b)) {
                (Ok(a), Ok(b)) => (a, b),
                (Err(error), _) | (_, Err(error)) => return wrong(&error.to_string()),
            };
            if a == b {
                return wrong(&format!("{a} is paired with itself: remove the pair"));
            }
            if sides.get(&a).is_some_and(|others| others.contains(b)) {
                return wrong(&format!(
                    "{a} and {b} are paired twice: pairs count in both directions, remove one"
                ));
            }
            sides.entry(a).or_default().insert(b);
            sides.entry(b).or_default().insert(a);
        }
        Ok(Self(sides))
    }

    pub(super) fn of_state(&self, state: StateCode) -> StateSet {
        self.0.get(&state).copied().unwrap_or_default()
    }
}

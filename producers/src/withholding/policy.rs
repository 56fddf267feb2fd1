//! The rules in force: the law's, and behind them the state's own. A state adds; it takes away only what the law lets it,
//! for kinds of event that it names, and by an order that it names.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use sanchar_runtime::config::ConfigError;
use serde::{Deserialize, Serialize};

use super::rule::{Lifted, Rule, is_notice};

/// The `[withholding]` table: what a state adds to the law.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Withholding {
    /// A file that holds the other keys of this table instead, so that it can be signed off by itself. Relative to the
    /// configuration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PathBuf>,
    /// Rules of the state's own.
    pub rules: Vec<Rule>,
    /// Rules that do not hold for some kinds of event.
    pub lifted: Vec<Lifted>,
    /// What becomes of offences that only some may see. Default `quarantine`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restricted: Option<Restricted>,
    /// Whether the keys above are those of the policy file.
    #[serde(skip)]
    pub(super) is_policy_read: bool,
}

/// What becomes of an event with an offence that only some may see (UAPA, BNS 113, 147, 152 and their like).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restricted {
    /// It stays in the state.
    #[default]
    Quarantine,
    /// It is published, and the fan-out service gives it to the members of the restricted groups that this state belongs to,
    /// and to nobody else.
    Publish,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Law {
    rules: Vec<Rule>,
}

#[expect(clippy::expect_used, reason = "it is part of the program, and a test reads it")]
static LAW: LazyLock<Vec<Rule>> =
    LazyLock::new(|| toml::from_str::<Law>(include_str!("law.toml")).expect("law.toml").rules);

/// The law's rules.
#[must_use]
pub fn law() -> &'static [Rule] {
    &LAW
}

impl Restricted {
    /// What it means, for people.
    #[must_use]
    pub const fn for_people(self) -> &'static str {
        match self {
            Self::Quarantine => "kept in quarantine",
            Self::Publish => "published for restricted groups",
        }
    }
}

impl Withholding {
    /// The rules in force, the law's first.
    pub fn in_force(&self) -> impl Iterator<Item = &Rule> {
        law().iter().chain(&self.rules)
    }

    /// What becomes of offences that only some may see.
    #[must_use]
    pub fn restricted(&self) -> Restricted {
        self.restricted.unwrap_or_default()
    }

    /// Finds rules that say nothing or contradict the law.
    ///
    /// # Errors
    /// The first thing wrong, with its remedy.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_entries()
            .map_err(|wrong| ConfigError::field(format!("withholding.{}", wrong.field()), wrong.problem))
    }

    pub(super) fn check_entries(&self) -> Result<(), Wrong> {
        let mut names: BTreeSet<&str> = law().iter().map(|rule| rule.name.as_str()).collect();
        for (i, rule) in self.rules.iter().enumerate() {
            let wrong =
                |key, problem: &str| Err(Wrong { list: "rules", i, key, problem: problem.to_owned() });
            if !is_name(&rule.name) {
                return wrong(
                    "name",
                    "is not a name of at most 32 small letters, digits and `-`, as in \"child-place\"",
                );
            }
            if !names.insert(&rule.name) {
                return wrong("name", "is the name of another rule: rename this one");
            }
            if rule.because.trim().is_empty() {
                return wrong("because", "is empty: name the law or the order that it follows");
            }
            let fields = rule.fields.len()
                + rule.persons.as_ref().map_or(0, |persons| persons.fields.len())
                + rule.objects.as_ref().map_or(0, |objects| objects.fields.len());
            if fields == 0 {
                return wrong("fields", "are none, here and of persons and objects: name what it withholds");
            }
        }
        self.lifted.iter().enumerate().try_for_each(|(i, lifted)| self.check_lifted(i, lifted))
    }

    fn check_lifted(&self, i: usize, lifted: &Lifted) -> Result<(), Wrong> {
        let wrong = |key, problem: String| Err(Wrong { list: "lifted", i, key, problem });
        for name in &lifted.rules {
            match self.in_force().find(|rule| rule.name == *name) {
                None => {
                    return wrong(
                        "rules",
                        format!("name `{name}`, which is no rule: see `sanchar-producer rules`"),
                    );
                }
                Some(rule) if !rule.may_be_lifted => {
                    return wrong(
                        "rules",
                        format!("name `{name}`, which may not be lifted ({}): remove it", rule.because),
                    );
                }
                Some(_) => {}
            }
        }
        if lifted.rules.is_empty() || lifted.kinds.is_empty() {
            return wrong("kinds", "or its rules are none: name both, or remove the entry".to_owned());
        }
        if let Some(kind) = lifted.kinds.iter().find(|kind| !is_notice(**kind)) {
            let notices = "MISSING_PERSON, PERSON_FOUND and UNIDENTIFIED_BODY";
            return wrong(
                "kinds",
                format!("name {kind}, and rules are lifted for notices alone: use {notices}"),
            );
        }
        if lifted.order.trim().is_empty() {
            return wrong("order", "is empty: name who decided it, with rank, number and date".to_owned());
        }
        Ok(())
    }
}

/// What is wrong with an entry, and the remedy.
pub(super) struct Wrong {
    pub(super) list: &'static str,
    pub(super) i: usize,
    pub(super) key: &'static str,
    pub(super) problem: String,
}

impl Wrong {
    /// The key with the entry that it is of.
    pub(super) fn field(&self) -> String {
        format!("{}[{}].{}", self.list, self.i, self.key)
    }
}

fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

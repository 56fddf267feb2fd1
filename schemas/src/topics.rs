//! Topic names and settings, from one place: `topics.toml`.
//!
//! A [`TopicSpace`] turns logical topics into names on a cluster and back; its prefix lets several
//! installations share one cluster. Creating topics is the operator's command (`sanchar topics`).

use crate::state::StateCode;
use serde::Deserialize;
use std::sync::LazyLock;

const TABLE: &str = include_str!("../topics.toml");

/// A logical topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// What one state's police published.
    Reported(StateCode),
    /// One state's inbox.
    Shared(StateCode),
    /// Dead-letter queue.
    Dlq,
    /// Changelog of the deduplication register.
    Register,
    /// Receipts of dead letters that were sent back.
    Redriven,
}

/// Who has to do with topics: a user of the cluster, or one for each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The producer of one state.
    Producer,
    /// The fan-out service.
    Fanout,
    /// Whoever reads the inbox of one state.
    Inbox,
    /// The operators.
    Operations,
}

/// Settings of a logical topic, a table of `topics.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicSpec {
    /// Name with `{state}` where the code of a state goes.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// What the key is.
    pub key: String,
    /// Registry subject of its values; empty where they are not of one type.
    pub subject: String,
    /// Number of partitions.
    pub partitions: i32,
    /// `cleanup.policy`.
    pub cleanup: String,
    /// `retention.ms`; -1 for ever.
    pub retention_ms: i64,
    /// `max.message.bytes`.
    pub max_message_bytes: i64,
    /// Who may write.
    pub writers: String,
    /// Who may read.
    pub readers: String,
    /// The same as `writers`, for programs.
    pub write: Vec<Role>,
    /// The same as `readers`, for programs.
    pub read: Vec<Role>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    reported: TopicSpec,
    shared: TopicSpec,
    dlq: TopicSpec,
    register: TopicSpec,
    redriven: TopicSpec,
}

#[expect(clippy::expect_used, reason = "the table is compiled in and a test reads it")]
static SPECS: LazyLock<Table> = LazyLock::new(|| toml::from_str(TABLE).expect("topics.toml is well formed"));

impl Topic {
    /// Every topic of an installation: two for each state, then the internal ones.
    pub fn all() -> impl Iterator<Item = Self> {
        let reported = StateCode::all().map(Self::Reported);
        let shared = StateCode::all().map(Self::Shared);
        reported.chain(shared).chain([Self::Dlq, Self::Register, Self::Redriven])
    }

    /// Its settings.
    #[must_use]
    pub fn spec(self) -> &'static TopicSpec {
        match self {
            Self::Reported(_) => &SPECS.reported,
            Self::Shared(_) => &SPECS.shared,
            Self::Dlq => &SPECS.dlq,
            Self::Register => &SPECS.register,
            Self::Redriven => &SPECS.redriven,
        }
    }
}

/// The topics of one installation on a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TopicSpace {
    prefix: String,
}

impl TopicSpace {
    /// A space whose names all start with `prefix` and a dot; no prefix where it is empty.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}.") };
        Self { prefix }
    }

    /// Name of a topic on the cluster, for example `crime.shared.in-hr`.
    #[must_use]
    pub fn name(&self, topic: Topic) -> String {
        let pattern = &topic.spec().name;
        let name = match topic {
            Topic::Reported(state) | Topic::Shared(state) => {
                pattern.replace("{state}", &state.to_topic_part())
            }
            Topic::Dlq | Topic::Register | Topic::Redriven => pattern.clone(),
        };
        format!("{}{name}", self.prefix)
    }

    /// The logical topic that a name on the cluster stands for; `None` where it is not one of ours.
    #[must_use]
    pub fn parse(&self, name: &str) -> Option<Topic> {
        Topic::all().find(|topic| self.name(*topic) == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_their_inverse() {
        let (plain, prefixed) = (TopicSpace::default(), TopicSpace::new("drill"));
        let haryana = Topic::Shared("IN-HR".parse().unwrap());
        assert_eq!(plain.name(haryana), "crime.shared.in-hr");
        assert_eq!(prefixed.name(Topic::Dlq), "drill.crime.dlq");
        for topic in Topic::all() {
            assert_eq!(plain.parse(&plain.name(topic)), Some(topic));
            assert_eq!(prefixed.parse(&prefixed.name(topic)), Some(topic));
            assert_eq!(plain.parse(&prefixed.name(topic)), None);
            assert!(prefixed.name(topic).chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-'));
        }
        assert_eq!(Topic::all().count(), 75);
        assert_eq!(plain.parse("crime.reported.IN-DL"), None);
    }
}

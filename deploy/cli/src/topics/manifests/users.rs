//! The users of an installation's cluster, and what each may do there: no more than `topics.toml` says, and what a client
//! needs beside it (its group, its transactional ids).
//!
//! It knows names and operations of Kafka's access rules, not how they are written down.

use sanchar_schemas::StateCode;
use sanchar_schemas::topics::{Role, Topic, TopicSpace};

/// One user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum User {
    Fanout,
    Operations,
    Exporter,
    Producer(StateCode),
    Inbox(StateCode),
}

/// What a user may do with one resource, or with all whose names begin alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) kind: &'static str,
    pub(super) name: String,
    /// `literal` or `prefix`.
    pub(super) pattern: &'static str,
    pub(super) operations: &'static [&'static str],
}

impl User {
    pub(super) fn all(states: &[StateCode]) -> Vec<Self> {
        let of_states = states.iter().flat_map(|state| [Self::Producer(*state), Self::Inbox(*state)]);
        [Self::Fanout, Self::Operations, Self::Exporter].into_iter().chain(of_states).collect()
    }

    pub(super) fn name(self, prefix: &str) -> String {
        let name = match self {
            Self::Fanout => "sanchar-fanout".to_owned(),
            Self::Operations => "sanchar-operations".to_owned(),
            Self::Exporter => "sanchar-exporter".to_owned(),
            Self::Producer(state) => format!("sanchar-producer-{}", state.to_topic_part()),
            Self::Inbox(state) => format!("sanchar-inbox-{}", state.to_topic_part()),
        };
        within(prefix, &name)
    }

    /// The topics first, then what a client of the user needs.
    pub(super) fn rules(self, space: &TopicSpace, prefix: &str) -> Vec<Rule> {
        let mut rules: Vec<Rule> =
            self.topics().into_iter().filter_map(|topic| self.topic(topic, space)).collect();
        rules.extend(self.client(prefix));
        rules
    }

    /// One topic of each kind: that of the user's own state where it has one, or the first of all.
    fn topics(self) -> Vec<Topic> {
        let own = match self {
            Self::Producer(state) | Self::Inbox(state) => Some(state),
            Self::Fanout | Self::Operations | Self::Exporter => StateCode::all().next(),
        };
        let of_state = own.into_iter().flat_map(|state| [Topic::Reported(state), Topic::Shared(state)]);
        of_state.chain([Topic::Dlq, Topic::Register, Topic::Redriven]).collect()
    }

    fn topic(self, topic: Topic, space: &TopicSpace) -> Option<Rule> {
        let (spec, role) = (topic.spec(), self.role()?);
        let operations: &[&str] = match (spec.read.contains(&role), spec.write.contains(&role)) {
            (true, true) => &["Describe", "Read", "Write"],
            (true, false) => &["Describe", "Read"],
            (false, true) => &["Describe", "Write"],
            (false, false) => return None,
        };
        let name = space.name(topic);
        Some(match topic {
            Topic::Reported(state) | Topic::Shared(state) if self.serves_all_states() => {
                let all = name.strip_suffix(&state.to_topic_part()).unwrap_or(&name);
                Rule { kind: "topic", name: all.to_owned(), pattern: "prefix", operations }
            }
            _ => Rule { kind: "topic", name, pattern: "literal", operations },
        })
    }

    fn client(self, prefix: &str) -> Vec<Rule> {
        let group = |name: &str, pattern| Rule {
            kind: "group",
            name: within(prefix, name),
            pattern,
            operations: &["Describe", "Read"],
        };
        let transactional_id = |name: &str, pattern| Rule {
            kind: "transactionalId",
            name: within(prefix, name),
            pattern,
            operations: &["Describe", "Write"],
        };
        match self {
            // One id for each instance and worker, which begin with the name of the group.
            Self::Fanout => {
                vec![group("sanchar-fanout", "literal"), transactional_id("sanchar-fanout-", "prefix")]
            }
            Self::Operations => vec![
                Rule { kind: "topic", name: within(prefix, "crime."), pattern: "prefix", operations: LOOK },
                Rule { kind: "group", name: "*".to_owned(), pattern: "literal", operations: DESCRIBE },
                // The commands' client names a group, which it neither joins nor commits to. No prefix stands before it.
                Rule {
                    kind: "group",
                    name: "sanchar-tail".to_owned(),
                    pattern: "literal",
                    operations: &["Describe", "Read"],
                },
                transactional_id("sanchar-dlq-redrive", "literal"),
            ],
            // It asks how far everybody has read, and reads nothing.
            Self::Exporter => vec![
                Rule {
                    kind: "topic",
                    name: within(prefix, "crime."),
                    pattern: "prefix",
                    operations: DESCRIBE,
                },
                Rule { kind: "group", name: "*".to_owned(), pattern: "literal", operations: DESCRIBE },
            ],
            Self::Producer(_) => Vec::new(),
            // As many groups as the state likes, all beginning with its code.
            Self::Inbox(state) => vec![group(&format!("{}.", state.to_topic_part()), "prefix")],
        }
    }

    /// Its role in the contract, if it has one.
    const fn role(self) -> Option<Role> {
        match self {
            Self::Fanout => Some(Role::Fanout),
            Self::Operations => Some(Role::Operations),
            Self::Exporter => None,
            Self::Producer(_) => Some(Role::Producer),
            Self::Inbox(_) => Some(Role::Inbox),
        }
    }

    const fn serves_all_states(self) -> bool {
        matches!(self, Self::Fanout | Self::Operations)
    }
}

/// For `sanchar topics plan`, which compares and changes nothing: the operator of the cluster changes topics.
const LOOK: &[&str] = &["Describe", "DescribeConfigs"];
const DESCRIBE: &[&str] = &["Describe"];

fn within(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(code: &str) -> StateCode {
        code.parse().unwrap()
    }

    /// Whether the rules let `user` do `operation` with a topic.
    fn may(user: User, operation: &str, topic: Topic) -> bool {
        let space = TopicSpace::default();
        let name = space.name(topic);
        user.rules(&space, "").iter().any(|rule| {
            let fits =
                if rule.pattern == "prefix" { name.starts_with(&rule.name) } else { name == rule.name };
            rule.kind == "topic" && fits && rule.operations.contains(&operation)
        })
    }

    #[test]
    fn everyone_may_do_what_the_contract_says_and_nothing_else() {
        let (goa, delhi) = (state("IN-GA"), state("IN-DL"));
        for topic in Topic::all() {
            let about = |wanted| matches!(topic, Topic::Reported(of) | Topic::Shared(of) if of == wanted);
            for user in User::all(&[goa, delhi]) {
                let concerned = match user {
                    User::Producer(of) | User::Inbox(of) => about(of),
                    User::Fanout | User::Operations | User::Exporter => true,
                };
                let (spec, role) = (topic.spec(), user.role());
                let is_among = |roles: &[Role]| concerned && role.is_some_and(|role| roles.contains(&role));
                let wanted = (is_among(&spec.read), is_among(&spec.write));
                assert_eq!(
                    (may(user, "Read", topic), may(user, "Write", topic)),
                    wanted,
                    "{user:?} {topic:?}"
                );
            }
        }
    }

    #[test]
    fn an_inbox_is_read_by_its_own_state_and_a_topic_written_by_its_own_producer() {
        let (goa, delhi) = (state("IN-GA"), state("IN-DL"));
        assert!(may(User::Inbox(goa), "Read", Topic::Shared(goa)));
        assert!(!may(User::Inbox(delhi), "Read", Topic::Shared(goa)));
        assert!(!may(User::Operations, "Read", Topic::Shared(goa)), "operations read no inbox");
        assert!(may(User::Producer(goa), "Write", Topic::Reported(goa)));
        assert!(!may(User::Producer(goa), "Write", Topic::Reported(delhi)));
        assert!(
            may(User::Fanout, "Read", Topic::Reported(delhi))
                && may(User::Fanout, "Write", Topic::Shared(delhi))
        );
    }

    #[test]
    fn every_role_that_the_contract_names_is_somebodys() {
        let users = User::all(&[state("IN-GA")]);
        for topic in Topic::all() {
            for role in topic.spec().read.iter().chain(&topic.spec().write) {
                assert!(users.iter().any(|user| user.role() == Some(*role)), "{role:?}");
            }
        }
    }

    #[test]
    fn the_exporter_describes_and_does_nothing_else() {
        let rules = User::Exporter.rules(&TopicSpace::default(), "");
        assert!(rules.iter().all(|rule| rule.operations == ["Describe"]), "{rules:?}");
        assert!(Topic::all().all(|topic| may(User::Exporter, "Describe", topic)));
        assert!(rules.iter().any(|rule| (rule.kind, rule.name.as_str()) == ("group", "*")), "{rules:?}");
    }

    #[test]
    fn names_of_an_installation_with_a_prefix_carry_it() {
        let rules = User::Fanout.rules(&TopicSpace::new("drill"), "drill");
        assert!(rules.iter().all(|rule| rule.name.starts_with("drill.")), "{rules:?}");
        assert_eq!(User::Fanout.name("drill"), "drill.sanchar-fanout");
    }
}

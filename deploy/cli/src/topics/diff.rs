//! What differs between the topics that the contract wants and those that a cluster has. A pure function.
//!
//! Nothing here deletes or shrinks: what only a person should decide is named and left alone.

use std::collections::BTreeMap;

use sanchar_schemas::StateCode;
use sanchar_schemas::topics::{Topic, TopicSpace};
use serde::Serialize;

const MIN_INSYNC: &str = "min.insync.replicas";

/// A topic as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) name: String,
    pub(crate) partitions: i32,
    /// Whether a person may have given it more: a busy state's input, as SCALING.md says. One topic of another kind may not.
    pub(crate) may_have_more: bool,
    pub(crate) replication: i32,
    pub(crate) config: BTreeMap<&'static str, String>,
}

/// A topic as a cluster has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) partitions: i32,
    pub(crate) replication: i32,
    /// Every setting in force, whether set for this topic or inherited.
    pub(crate) config: BTreeMap<String, String>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub(crate) enum Change {
    /// The cluster lacks the topic.
    Create { partitions: i32, replication: i32 },
    /// It has fewer partitions than it should.
    AddPartitions { from: i32, to: i32 },
    /// A setting has another value.
    SetConfig { key: &'static str, from: Option<String>, to: String },
    /// It has more partitions than it should. Kafka cannot take one away; deleting the topic is a person's decision.
    TooManyPartitions { from: i32, to: i32 },
    /// It has another replication factor. Moving replicas is `kafka-reassign-partitions`' business.
    OtherReplication { from: i32, to: i32 },
}

/// A topic and what there is to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    pub(crate) topic: String,
    #[serde(flatten)]
    pub(crate) change: Change,
}

/// A change that the cluster refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    pub(crate) topic: String,
    pub(crate) reason: String,
}

impl Change {
    /// Whether `topics apply` does it; if not, a person has to.
    pub(crate) const fn is_applicable(&self) -> bool {
        !matches!(self, Self::TooManyPartitions { .. } | Self::OtherReplication { .. })
    }
}

/// The topics of an installation for these states: two for each, and the internal ones.
pub(crate) fn wanted(
    space: &TopicSpace,
    states: &[StateCode],
    replication: i32,
    min_insync: i32,
) -> Vec<Wanted> {
    let chosen = |topic: &Topic| match topic {
        Topic::Reported(state) | Topic::Shared(state) => states.contains(state),
        Topic::Dlq | Topic::Register | Topic::Redriven => true,
    };
    let topics = Topic::all().filter(chosen);
    topics.map(|topic| wanted_topic(space, topic, replication, min_insync)).collect()
}

fn wanted_topic(space: &TopicSpace, topic: Topic, replication: i32, min_insync: i32) -> Wanted {
    let spec = topic.spec();
    let config = [
        ("cleanup.policy", spec.cleanup.clone()),
        ("max.message.bytes", spec.max_message_bytes.to_string()),
        (MIN_INSYNC, min_insync.to_string()),
        ("retention.ms", spec.retention_ms.to_string()),
    ];
    Wanted {
        name: space.name(topic),
        partitions: spec.partitions,
        may_have_more: matches!(topic, Topic::Reported(_)),
        replication,
        config: config.into(),
    }
}

/// Everything to do, topic by topic in the order of `wanted`. Topics that nobody wants are none of our business.
pub(crate) fn diff(wanted: &[Wanted], found: &BTreeMap<String, Found>) -> Vec<Difference> {
    let of_topic = |topic: &Wanted| {
        let changes = found.get(&topic.name).map_or_else(
            || vec![Change::Create { partitions: topic.partitions, replication: topic.replication }],
            |found| changes(topic, found),
        );
        let name = topic.name.clone();
        changes.into_iter().map(move |change| Difference { topic: name.clone(), change })
    };
    wanted.iter().flat_map(of_topic).collect()
}

fn changes(wanted: &Wanted, found: &Found) -> Vec<Change> {
    let mut changes = Vec::new();
    let (from, to) = (found.partitions, wanted.partitions);
    if from < to {
        changes.push(Change::AddPartitions { from, to });
    } else if from > to && !wanted.may_have_more {
        changes.push(Change::TooManyPartitions { from, to });
    }
    if found.replication != wanted.replication {
        changes.push(Change::OtherReplication { from: found.replication, to: wanted.replication });
    }
    for (key, value) in &wanted.config {
        let from = found.config.get(*key);
        // More copies must acknowledge than there are: nothing could be written until a person has added them.
        let waits_for_copies = *key == MIN_INSYNC && found.replication < wanted.replication;
        if from != Some(value) && !waits_for_copies {
            changes.push(Change::SetConfig { key, from: from.cloned(), to: value.clone() });
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delhi_topics() -> Vec<Wanted> {
        wanted(&TopicSpace::default(), &["IN-DL".parse().unwrap()], 3, 2)
    }

    fn as_found(topic: &Wanted) -> (String, Found) {
        let config = topic.config.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let found = Found { partitions: topic.partitions, replication: topic.replication, config };
        (topic.name.clone(), found)
    }

    #[test]
    fn an_installation_has_two_topics_for_each_state_and_the_internal_ones() {
        let names: Vec<String> = delhi_topics().into_iter().map(|topic| topic.name).collect();
        let internal = ["crime.dlq", "crime.register", "crime.dlq.redriven"];
        assert_eq!(names, [&["crime.reported.in-dl", "crime.shared.in-dl"][..], &internal].concat());
        let all: Vec<StateCode> = StateCode::all().collect();
        assert_eq!(wanted(&TopicSpace::new("drill"), &all, 1, 1).len(), 75);
    }

    #[test]
    fn an_empty_cluster_lacks_everything_and_a_full_one_nothing() {
        let wanted = delhi_topics();
        let created = diff(&wanted, &BTreeMap::new());
        assert_eq!(created.len(), 5);
        assert_eq!(created[0].change, Change::Create { partitions: 2, replication: 3 });
        let found = wanted.iter().map(as_found).collect();
        assert_eq!(diff(&wanted, &found), []);
    }

    #[test]
    fn every_kind_of_difference_is_found_and_nobody_shrinks() {
        let wanted = delhi_topics();
        let mut found: BTreeMap<String, Found> = wanted.iter().map(as_found).collect();
        found.get_mut("crime.reported.in-dl").unwrap().partitions = 1;
        found.get_mut("crime.shared.in-dl").unwrap().partitions = 6;
        found.get_mut("crime.dlq").unwrap().replication = 1;
        found.get_mut("crime.register").unwrap().config.insert("cleanup.policy".into(), "delete".into());
        found.get_mut("crime.register").unwrap().config.remove("retention.ms");
        found.insert("somebody.else".into(), Found::default());
        let changes: Vec<(String, Change)> =
            diff(&wanted, &found).into_iter().map(|found| (found.topic, found.change)).collect();
        let set = |key, from: Option<&str>, to: &str| Change::SetConfig {
            key,
            from: from.map(str::to_owned),
            to: to.into(),
        };
        assert_eq!(
            changes,
            [
                ("crime.reported.in-dl".into(), Change::AddPartitions { from: 1, to: 2 }),
                ("crime.shared.in-dl".into(), Change::TooManyPartitions { from: 6, to: 1 }),
                ("crime.dlq".into(), Change::OtherReplication { from: 1, to: 3 }),
                ("crime.register".into(), set("cleanup.policy", Some("delete"), "compact")),
                ("crime.register".into(), set("retention.ms", None, "-1")),
            ]
        );
        let applicable: Vec<bool> = changes.iter().map(|(_, change)| change.is_applicable()).collect();
        assert_eq!(applicable, [true, false, false, true, true]);
    }

    #[test]
    fn an_input_topic_may_have_more_partitions_than_the_contract_says() {
        let wanted = delhi_topics();
        let mut found: BTreeMap<String, Found> = wanted.iter().map(as_found).collect();
        for topic in found.values_mut() {
            topic.partitions += 2;
        }
        let left: Vec<String> = diff(&wanted, &found).into_iter().map(|found| found.topic).collect();
        assert_eq!(left, ["crime.shared.in-dl", "crime.dlq", "crime.register", "crime.dlq.redriven"]);
    }

    #[test]
    fn a_topic_with_too_few_copies_is_not_locked_against_writing() {
        let wanted = delhi_topics();
        let mut found: BTreeMap<String, Found> = wanted.iter().map(as_found).collect();
        for topic in found.values_mut() {
            topic.replication = 1;
            topic.config.insert(MIN_INSYNC.into(), "1".into());
        }
        let changes = diff(&wanted, &found);
        assert!(changes.iter().all(|found| !found.change.is_applicable()), "{changes:?}");
        assert_eq!(changes.len(), 5);
    }

    #[test]
    fn json_names_topic_and_change() {
        let difference =
            Difference { topic: "crime.dlq".into(), change: Change::AddPartitions { from: 1, to: 2 } };
        let json = serde_json::to_string(&difference).unwrap();
        assert_eq!(json, r#"{"topic":"crime.dlq","change":"add_partitions","from":1,"to":2}"#);
    }
}

//! The exporter's metrics: kafka_exporter's by their own names and labels, and some of ours about how whole they are.
//!
//! Bounded: topics are the installation's; groups, partitions and positions have maxima, and what is beyond them is counted
//! in `sanchar_exporter_left_out`. Series of what is no longer there go with the next round. Names that clients have given, of
//! groups above all, are shown with what steers a terminal written out.

use std::collections::BTreeMap;
use std::time::Duration;

use prometheus::{Gauge, GaugeVec, IntCounterVec};
use sanchar_runtime::certificates;
use sanchar_runtime::lifecycle::Failure;
use sanchar_runtime::metrics::{Metrics, Snapshot};

use crate::survey::{ByPartition, Group, LeftOut, Partition, Survey};
pub use crate::survey::{GROUPS_MAX, PARTITIONS_MAX, POSITIONS_MAX};
use crate::text::escaped;

/// Values of the label `what` of what was left out.
pub const LEFT_OUT: [&str; 4] = ["groups", "refused", "partitions", "positions"];
/// Values of the label `outcome` of rounds.
pub const ROUND_OUTCOMES: [&str; 2] = ["answered", "failed"];

/// Registers everything that the exporter may show: what the catalogue of metrics is made from.
///
/// # Errors
/// As [`Metrics::new`].
pub fn register_all(metrics: &Metrics) -> Result<(), Failure> {
    certificates::register_all(metrics)?;
    Figures::register(metrics).map(drop)
}

/// What is shown.
pub(super) struct Figures {
    brokers: Snapshot,
    broker_info: Snapshot,
    topics: Topics,
    groups: Groups,
    left_out: GaugeVec,
    rounds: IntCounterVec,
    round_seconds: Gauge,
}

struct Topics {
    partitions: Snapshot,
    newest: Snapshot,
    oldest: Snapshot,
    leader: Snapshot,
    replicas: Snapshot,
    in_sync: Snapshot,
    is_preferred: Snapshot,
    is_under_replicated: Snapshot,
}

struct Groups {
    offset: Snapshot,
    offset_sum: Snapshot,
    lag: Snapshot,
    lag_sum: Snapshot,
    members: Snapshot,
    lag_seconds: Snapshot,
}

impl Figures {
    pub(super) fn register(metrics: &Metrics) -> Result<Self, Failure> {
        let help = "What the figures lack, by what: groups beyond exporter.groups_max or not reached in time, groups that \
                    refused, partitions and positions beyond their maxima.";
        let left_out = metrics.gauge_vec("sanchar_exporter_left_out", help, &["what"])?;
        let help = "Rounds of questions to the brokers, by outcome; after a failed one there are no figures.";
        let rounds = metrics.counter_vec("sanchar_exporter_rounds_total", help, &["outcome"])?;
        let help = "How long the last round of questions took.";
        let round_seconds = metrics.gauge("sanchar_exporter_round_seconds", help)?;
        for outcome in ROUND_OUTCOMES {
            rounds.with_label_values(&[outcome]).inc_by(0);
        }
        Ok(Self {
            brokers: metrics.kafka_snapshot("kafka_brokers", "Brokers of the cluster.", &[])?,
            broker_info: metrics.kafka_snapshot(
                "kafka_broker_info",
                "1 for each broker, with its id and address.",
                &["id", "address"],
            )?,
            topics: Topics::register(metrics)?,
            groups: Groups::register(metrics)?,
            left_out,
            rounds,
            round_seconds,
        })
    }

    pub(super) fn show(&self, survey: &Survey, took: Duration) {
        self.end_round("answered", took);
        self.brokers.show::<[String; 0]>([([], number(survey.brokers.len()))]);
        let info =
            survey.brokers.iter().map(|broker| ([broker.id.to_string(), escaped(&broker.address)], 1.0));
        self.broker_info.show(info);
        self.topics.show(&survey.topics);
        self.groups.show(&survey.groups);
        let LeftOut { groups, refused, partitions, positions } = survey.left_out;
        for (what, count) in LEFT_OUT.into_iter().zip([groups, refused, partitions, positions]) {
            self.left_out.with_label_values(&[what]).set(number(count));
        }
    }

    /// Shows no figures: there are none.
    pub(super) fn forget(&self, took: Duration) {
        self.end_round("failed", took);
        self.brokers.show::<[String; 0]>([]);
        self.broker_info.show::<[String; 0]>([]);
        self.topics.show(&BTreeMap::new());
        self.groups.show(&BTreeMap::new());
    }

    fn end_round(&self, outcome: &str, took: Duration) {
        self.rounds.with_label_values(&[outcome]).inc();
        self.round_seconds.set(took.as_secs_f64());
    }
}

impl Topics {
    fn register(metrics: &Metrics) -> Result<Self, Failure> {
        let of = |name, help| metrics.kafka_snapshot(name, help, &["topic", "partition"]);
        Ok(Self {
            partitions: metrics.kafka_snapshot(
                "kafka_topic_partitions",
                "Partitions of a topic.",
                &["topic"],
            )?,
            newest: of(
                "kafka_topic_partition_current_offset",
                "Offset that the next record of a partition gets.",
            )?,
            oldest: of("kafka_topic_partition_oldest_offset", "Offset of the oldest record of a partition.")?,
            leader: of(
                "kafka_topic_partition_leader",
                "Id of the broker that leads a partition; -1 for none.",
            )?,
            replicas: of("kafka_topic_partition_replicas", "Replicas that a partition should have.")?,
            in_sync: of(
                "kafka_topic_partition_in_sync_replica",
                "Replicas of a partition that have all records.",
            )?,
            is_preferred: of(
                "kafka_topic_partition_leader_is_preferred",
                "1 where the broker leads a partition that should where all is well, else 0.",
            )?,
            is_under_replicated: of(
                "kafka_topic_partition_under_replicated_partition",
                "1 where a partition has too few replicas with all records, or no leader, else 0.",
            )?,
        })
    }

    fn show(&self, topics: &ByPartition<Partition>) {
        let counts = topics.iter().map(|(topic, partitions)| ([topic.clone()], number(partitions.len())));
        self.partitions.show(counts);
        type Figure = fn(&Partition) -> Option<f64>;
        let figures: [(&Snapshot, Figure); 7] = [
            (&self.newest, |partition| partition.newest.map(offset)),
            (&self.oldest, |partition| partition.oldest.map(offset)),
            (&self.leader, |partition| Some(f64::from(partition.leader.unwrap_or(-1)))),
            (&self.replicas, |partition| Some(number(partition.replicas))),
            (&self.in_sync, |partition| Some(number(partition.in_sync))),
            (&self.is_preferred, |partition| {
                Some(flag(partition.leader.is_some() && partition.leader == partition.preferred))
            }),
            (&self.is_under_replicated, |partition| Some(flag(!partition.is_whole()))),
        ];
        for (series, figure) in figures {
            let of_topic = topics.iter().flat_map(|(topic, partitions)| {
                partitions.iter().filter_map(|(number, partition)| {
                    Some(([topic.clone(), number.to_string()], figure(partition)?))
                })
            });
            series.show(of_topic);
        }
    }
}

impl Groups {
    fn register(metrics: &Metrics) -> Result<Self, Failure> {
        let of_partition =
            |name, help| metrics.kafka_snapshot(name, help, &["consumergroup", "topic", "partition"]);
        let of_topic = |name, help| metrics.kafka_snapshot(name, help, &["consumergroup", "topic"]);
        let help = "How long the oldest record of a topic waits that a group has not committed; too low by three per cent \
                    at most, and missing where the brokers do not tell.";
        let labels = ["consumergroup", "topic"];
        let lag_seconds = metrics.snapshot("sanchar_consumergroup_lag_seconds", help, &labels)?;
        Ok(Self {
            offset: of_partition(
                "kafka_consumergroup_current_offset",
                "Offset that a group has committed; -1 in partitions of its topics in which it never did.",
            )?,
            offset_sum: of_topic(
                "kafka_consumergroup_current_offset_sum",
                "The same, of all partitions of a topic.",
            )?,
            lag: of_partition(
                "kafka_consumergroup_lag",
                "Offsets between what a group has committed and the partition's end; -1 where it never committed.",
            )?,
            lag_sum: of_topic(
                "kafka_consumergroup_lag_sum",
                "The same, of all partitions in which it committed.",
            )?,
            members: metrics.kafka_snapshot(
                "kafka_consumergroup_members",
                "Members of a group; missing for a group of the kind that KIP-848 brought.",
                &["consumergroup"],
            )?,
            lag_seconds,
        })
    }

    fn show(&self, groups: &BTreeMap<String, Group>) {
        let positions = || {
            groups.iter().flat_map(|(name, group)| {
                group.topics.iter().flat_map(move |(topic, positions)| {
                    positions.iter().map(move |(number, position)| {
                        ([escaped(name), topic.clone(), number.to_string()], position)
                    })
                })
            })
        };
        let known = |value: Option<i64>| value.map_or(-1.0, offset);
        self.offset.show(positions().map(|(labels, position)| (labels, known(position.offset))));
        self.lag.show(positions().map(|(labels, position)| (labels, known(position.lag))));
        let topics = || {
            groups.iter().flat_map(|(name, group)| {
                group
                    .topics
                    .iter()
                    .map(move |(topic, positions)| ([escaped(name), topic.clone()], group, topic, positions))
            })
        };
        // kafka_exporter adds up what it shows, -1 included.
        let sum = topics().map(|(labels, _, _, positions)| {
            (labels, positions.values().map(|position| known(position.offset)).sum())
        });
        self.offset_sum.show(sum);
        self.lag_sum.show(topics().map(|(labels, group, topic, _)| (labels, offset(group.lag(topic)))));
        let waiting = topics()
            .filter_map(|(labels, group, topic, _)| Some((labels, *group.waiting_seconds.get(topic)?)));
        self.lag_seconds.show(waiting);
        let members =
            groups.iter().filter_map(|(name, group)| Some(([escaped(name)], number(group.members?))));
        self.members.show(members);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a double tells offsets apart up to nine quadrillion")]
fn offset(offset: i64) -> f64 {
    offset as f64
}

fn number(count: usize) -> f64 {
    offset(i64::try_from(count).unwrap_or(i64::MAX))
}

fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

#[cfg(test)]
mod tests;

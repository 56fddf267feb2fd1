//! What the brokers say of one installation: where its topics end, and how far each consumer group has read them.
//!
//! Every survey makes clients of its own and gives them up, a few groups' at a time, so nothing grows and nothing can be stale.
//! It joins no group, commits nothing and reads no record: a user needs to describe topics and groups, and no more. It
//! blocks; what is made of the figures is for `exporter`, `status` and `top`.

mod found;
mod groups;
mod waiting;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::metadata::{Metadata, MetadataPartition};
use rdkafka::{Offset, TopicPartitionList};
use sanchar_runtime::kafka::{KafkaConfig, LogContext};
use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::topics::{Topic, TopicSpace};

pub(crate) use found::{Broker, ByPartition, Group, LeftOut, Partition, Position, Survey};
pub(crate) use groups::GroupFilter;

/// Partitions that are looked at: each topic of the contract may grow to six. With the bounds below, a scrape shows 9,900
/// series at most.
pub const PARTITIONS_MAX: usize = 450;
/// Positions of all groups together: as many groups as a configuration may allow, with five partitions each. A reader of one
/// inbox has one.
pub const POSITIONS_MAX: usize = GROUPS_MAX * 5;
/// Most groups that a configuration may allow.
pub const GROUPS_MAX: usize = 256;

/// How long one question to the brokers may take.
const ANSWER: Duration = Duration::from_secs(10);
/// Pause before the brokers are asked again when a partition has another leader than was known.
const MOVED: Duration = Duration::from_secs(1);
const CLIENT_ID: &str = "sanchar-survey";

/// What a survey is about, and how much of it.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) space: TopicSpace,
    pub(crate) groups: GroupFilter,
    /// Groups that are asked for their offsets, in the order of their names.
    pub(crate) groups_max: usize,
    /// How long all of it may take; groups that are not reached by then are left out.
    pub(crate) patience: Duration,
}

/// A partition's place: its topic and its number.
type Place = (String, i32);

/// Why there is no answer.
enum Trouble {
    Kafka(KafkaError),
    Failure(Failure),
}

impl From<KafkaError> for Trouble {
    fn from(error: KafkaError) -> Self {
        Self::Kafka(error)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Asks the brokers.
///
/// # Errors
/// [`Failure`]: unavailable (69) when no broker answers, and configuration (78) as [`KafkaConfig::client_config`].
pub(crate) fn survey(kafka: &KafkaConfig, scope: &Scope) -> Result<Survey, Failure> {
    let until = Instant::now() + scope.patience;
    loop {
        match attempt(kafka, scope, until) {
            Err(Trouble::Kafka(error)) if has_moved(&error) && Instant::now() + MOVED < until => {
                std::thread::sleep(MOVED);
            }
            Err(Trouble::Kafka(error)) => {
                let remedy = "check the address and that the brokers are up";
                let bootstrap = &kafka.bootstrap;
                let message = format!("no answer from kafka at {bootstrap} ({error}): {remedy}");
                return Err(Failure::unavailable(message));
            }
            Err(Trouble::Failure(failure)) => return Err(failure),
            Ok(survey) => return Ok(survey),
        }
    }
}

/// Partitions change their leaders while brokers are restarted one after the other; a new client hears of the new ones.
fn has_moved(error: &KafkaError) -> bool {
    let moving = [Code::NotLeaderForPartition, Code::LeaderNotAvailable, Code::UnknownTopicOrPartition];
    error.rdkafka_error_code().is_some_and(|code| moving.contains(&code))
}

fn attempt(kafka: &KafkaConfig, scope: &Scope, until: Instant) -> Result<Survey, Trouble> {
    let client = client(kafka, None)?;
    let metadata = client.fetch_metadata(None, ANSWER)?;
    let mut survey = Survey::default();
    survey.brokers.extend(metadata.brokers().iter().map(|broker| {
        let address = format!("{}:{}", broker.host(), broker.port());
        Broker { id: broker.id(), address }
    }));
    survey.left_out.partitions = topics(&metadata, &scope.space, &mut survey.topics);
    offsets(&client, &mut survey.topics)?;
    groups::survey(kafka, scope, until, &client, &mut survey)?;
    Ok(survey)
}

/// A client that only asks; of a group, as far as its offsets go, without joining it.
fn client(kafka: &KafkaConfig, group: Option<&str>) -> Result<BaseConsumer<LogContext>, Failure> {
    let mut config = kafka.client_config(CLIENT_ID)?;
    // Ends and committed offsets as they are, not as they will be when every open transaction has been decided.
    config.set("isolation.level", "read_uncommitted");
    config.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
    if let Some(group) = group {
        config.set("group.id", group);
    }
    BaseConsumer::from_config_and_context(&config, LogContext::new(CLIENT_ID))
        .map_err(|error| Failure::internal(format!("cannot make a kafka client: {error}")))
}

/// Takes in the installation's topics; gives the number of partitions that were too many.
fn topics(metadata: &Metadata, space: &TopicSpace, into: &mut ByPartition<Partition>) -> usize {
    let ours: BTreeSet<String> = Topic::all().map(|topic| space.name(topic)).collect();
    let (mut taken, mut left_out) = (0, 0);
    for topic in metadata.topics().iter().filter(|topic| ours.contains(topic.name())) {
        let partitions = into.entry(topic.name().to_owned()).or_default();
        for partition in topic.partitions() {
            if taken < PARTITIONS_MAX {
                partitions.insert(partition.id(), described(partition));
                taken += 1;
            } else {
                left_out += 1;
            }
        }
    }
    left_out
}

fn described(partition: &MetadataPartition) -> Partition {
    Partition {
        leader: Some(partition.leader()).filter(|leader| *leader >= 0),
        preferred: partition.replicas().first().copied(),
        replicas: partition.replicas().len(),
        in_sync: partition.isr().len(),
        oldest: None,
        newest: None,
    }
}

/// Asks each leader once for the ends of its partitions. One without a leader would hold up the answer for all.
fn offsets(client: &BaseConsumer<LogContext>, topics: &mut ByPartition<Partition>) -> Result<(), KafkaError> {
    let led = topics.iter().flat_map(|(topic, partitions)| {
        let led = partitions.iter().filter(|(_, partition)| partition.leader.is_some());
        led.map(|(number, _)| (topic.clone(), *number))
    });
    let led: Vec<Place> = led.collect();
    for (end, is_newest) in [(Offset::Beginning, false), (Offset::End, true)] {
        for ((topic, number), offset) in ask(client, led.iter().map(|place| (place, end)))? {
            let partition = topics.get_mut(&topic).and_then(|partitions| partitions.get_mut(&number));
            match partition {
                Some(partition) if is_newest => partition.newest = offset,
                Some(partition) => partition.oldest = offset,
                None => {}
            }
        }
    }
    Ok(())
}

/// The offsets at these ends or times (ms since 1970 in the place of an offset); `None` where a leader gives none.
fn ask<'p>(
    client: &BaseConsumer<LogContext>,
    places: impl Iterator<Item = (&'p Place, Offset)>,
) -> Result<Vec<(Place, Option<i64>)>, KafkaError> {
    let mut list = TopicPartitionList::new();
    for ((topic, partition), at) in places {
        list.add_partition_offset(topic, *partition, at)?;
    }
    if list.count() == 0 {
        return Ok(Vec::new());
    }
    let answered = client.offsets_for_times(list, ANSWER)?;
    Ok(given(&answered))
}

/// The offsets of a list, in its order; `None` where there is none or it was refused.
fn given(list: &TopicPartitionList) -> Vec<(Place, Option<i64>)> {
    let elements = list.elements();
    let offset = |at: Offset| match at {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    };
    let given = elements.iter().map(|element| {
        let found = element.error().ok().and_then(|()| offset(element.offset()));
        ((element.topic().to_owned(), element.partition()), found)
    });
    given.collect()
}

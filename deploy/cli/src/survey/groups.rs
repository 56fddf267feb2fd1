//! Which consumer groups read the installation, and how far each has got.
//!
//! librdkafka tells committed offsets to a client of the group itself, which need not join it (its question for several groups
//! at once, KIP-709, cannot be reached from Rust without `unsafe`). So each group is asked by a client of its own, some at a time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, Consumer};
use regex_lite::Regex;
use sanchar_runtime::clock;
use sanchar_runtime::config::ConfigError;
use sanchar_runtime::kafka::{KafkaConfig, LogContext};
use sanchar_runtime::lifecycle::Failure;

use super::found::markers;
use super::{
    ANSWER, ByPartition, Group, POSITIONS_MAX, Partition, Place, Position, Scope, Survey, Trouble, waiting,
};

/// How the name of the fan-out's group ends.
const FANOUT: &str = "sanchar-fanout";

/// Groups that are asked at the same time: each is a client with connections of its own, to the brokers at least one.
const AT_ONCE: usize = 8;

/// Which groups are asked for: those whose whole name matches, and does not match the exception.
#[derive(Debug, Clone)]
pub(crate) struct GroupFilter {
    only: Regex,
    except: Option<Regex>,
}

impl GroupFilter {
    /// # Errors
    /// [`ConfigError`] naming the field, where one of them is empty or no regular expression.
    pub(crate) fn new(only: &str, except: Option<&str>) -> Result<Self, ConfigError> {
        let whole = |field: &str, text: &str| {
            if text.is_empty() {
                return Err(ConfigError::field(field, "is empty, so no group has that name: leave it out"));
            }
            let problem =
                |error| format!("is no regular expression ({error}): write for example `haryana-.*`");
            // By itself first: what is half of one would become whole between the brackets. A name may hold line breaks.
            let whole = Regex::new(text).and_then(|_| Regex::new(&format!("^(?s:{text})$")));
            whole.map_err(|error| ConfigError::field(field, problem(error)))
        };
        let except = except.map(|text| whole("exporter.groups_except", text)).transpose()?;
        Ok(Self { only: whole("exporter.groups", only)?, except })
    }

    fn takes(&self, group: &str) -> bool {
        self.only.is_match(group) && !self.except.as_ref().is_some_and(|except| except.is_match(group))
    }
}

/// Takes in the groups.
pub(super) fn survey(
    kafka: &KafkaConfig,
    scope: &Scope,
    until: Instant,
    client: &BaseConsumer<LogContext>,
    into: &mut Survey,
) -> Result<(), Trouble> {
    let listed = client.fetch_group_list(None, ANSWER)?;
    let mut names: Vec<(&str, Option<usize>)> = Vec::new();
    for group in listed.groups().iter().filter(|group| scope.groups.takes(group.name())) {
        // A group of the new kind (KIP-848) is called dead by the only question that librdkafka has for members.
        let members = Some(group.members().len()).filter(|_| group.state() != "Dead");
        names.push((group.name(), members));
    }
    // Ours is never left out for others' names.
    names.sort_unstable_by_key(|(name, _)| (!name.ends_with(FANOUT), *name));
    let asked = names.get(..scope.groups_max).unwrap_or(&names);
    let answers = Asking { kafka, scope, until, client, ends: &into.topics }.all(asked)?;
    into.left_out.groups = names.len() - answers.len();
    let mut positions_left = POSITIONS_MAX;
    for (index, answer) in answers {
        let (Some((topics, waiting_seconds)), Some((name, members))) = (answer, asked.get(index)) else {
            into.left_out.refused += 1;
            continue;
        };
        let count: usize = topics.values().map(BTreeMap::len).sum();
        if count > positions_left {
            into.left_out.positions += count;
        } else if count > 0 {
            positions_left -= count;
            into.groups.insert((*name).to_owned(), Group { members: *members, topics, waiting_seconds });
        }
    }
    Ok(())
}

/// What a group reads, and how long the oldest record waits for it; `None` where it refused.
type Answer = Option<(ByPartition<Position>, BTreeMap<String, f64>)>;

/// What is the same for all groups of a survey.
#[derive(Clone, Copy)]
struct Asking<'a> {
    kafka: &'a KafkaConfig,
    scope: &'a Scope,
    until: Instant,
    client: &'a BaseConsumer<LogContext>,
    ends: &'a ByPartition<Partition>,
}

impl Asking<'_> {
    /// The answers of the groups that were reached in time, by the number of each group among `names`.
    fn all(self, names: &[(&str, Option<usize>)]) -> Result<BTreeMap<usize, Answer>, Trouble> {
        let next = AtomicUsize::new(0);
        let one_after_the_other = || {
            let mut answers = Vec::new();
            while Instant::now() < self.until
                && let index = next.fetch_add(1, Ordering::Relaxed)
                && let Some((name, _)) = names.get(index)
            {
                answers.push((index, self.one(name)?));
            }
            Ok::<_, Trouble>(answers)
        };
        let lost = |_| Trouble::Failure(Failure::internal("a thread that asked groups has ended early"));
        thread::scope(|scope| {
            // All of them are started before one is waited for.
            let threads: Vec<ScopedJoinHandle<'_, _>> =
                (0..AT_ONCE.min(names.len())).map(|_| scope.spawn(one_after_the_other)).collect();
            let mut all = BTreeMap::new();
            for thread in threads {
                all.extend(thread.join().map_err(lost)??);
            }
            Ok(all)
        })
    }

    fn one(self, group: &str) -> Result<Answer, Trouble> {
        let Some(topics) = positions(self.kafka, group, self.ends)? else {
            // Whether it is the group's own affair, or nobody is there any more.
            self.client.fetch_metadata(None, ANSWER).map_err(Trouble::Kafka)?;
            return Ok(None);
        };
        let waiting = waiting_seconds(self.client, self.scope, self.ends, &topics, self.until);
        Ok(Some((topics, waiting)))
    }
}

/// The topics that a group reads; `None` where nobody tells.
fn positions(
    kafka: &KafkaConfig,
    group: &str,
    topics: &ByPartition<Partition>,
) -> Result<Option<ByPartition<Position>>, Failure> {
    let mut list = TopicPartitionList::new();
    for (topic, partitions) in topics {
        for partition in partitions.keys() {
            list.add_partition(topic, *partition);
        }
    }
    if list.count() == 0 {
        return Ok(Some(BTreeMap::new()));
    }
    let Ok(committed) = super::client(kafka, Some(group))?.committed_offsets(list, ANSWER) else {
        return Ok(None);
    };
    let mut read: ByPartition<Position> = BTreeMap::new();
    for ((topic, number), offset) in super::given(&committed) {
        let newest = topics.get(&topic).and_then(|partitions| partitions.get(&number)?.newest);
        // What was committed after the end was asked for is no lag.
        let lag = newest.zip(offset).map(|(newest, offset)| (newest - offset).max(0));
        read.entry(topic).or_default().insert(number, Position { offset, lag });
    }
    read.retain(|_, positions| positions.values().any(|position| position.offset.is_some()));
    Ok(Some(read))
}

/// How long the oldest record waits that the group has not committed, by topic: as far as the brokers tell.
///
/// A group may stand before a marker as old as the transaction before; the offset behind that is as old as what is unread. One
/// that stands before a record has more of the same transaction, or its marker, behind that: about as old as the record.
fn waiting_seconds(
    client: &BaseConsumer<LogContext>,
    scope: &Scope,
    ends: &ByPartition<Partition>,
    topics: &ByPartition<Position>,
    until: Instant,
) -> BTreeMap<String, f64> {
    let mut seconds: BTreeMap<String, f64> = topics.keys().map(|topic| (topic.clone(), 0.0)).collect();
    let behind = topics.iter().flat_map(|(topic, positions)| {
        let markers = scope.space.parse(topic).map_or(0, markers);
        let behind =
            positions.iter().filter(move |(_, position)| position.lag.is_some_and(|lag| lag > markers));
        behind.filter_map(move |(number, position)| {
            // What retention took does not wait any more.
            let oldest = ends.get(topic).and_then(|partitions| partitions.get(number)?.oldest).unwrap_or(0);
            Some(((topic.clone(), *number), (position.offset? + markers).max(oldest)))
        })
    });
    let (places, committed): (Vec<Place>, Vec<i64>) = behind.unzip();
    let now_ms = clock::now_ms();
    let waiting = waiting::at_least_ms(&committed, |ages_ms| {
        if Instant::now() + Duration::from_secs(1) >= until {
            return Err(());
        }
        let asked = places.iter().zip(ages_ms);
        let asked = asked.map(|(place, age_ms)| (place, rdkafka::Offset::Offset(now_ms - age_ms)));
        let answers: BTreeMap<Place, Option<i64>> =
            super::ask(client, asked).map_err(drop)?.into_iter().collect();
        Ok(places.iter().map(|place| answers.get(place).copied().flatten()).collect())
    });
    match waiting {
        Ok(waiting_ms) => {
            for ((topic, _), waiting_ms) in places.iter().zip(waiting_ms) {
                let waiting_seconds = Duration::from_millis(waiting_ms.unsigned_abs()).as_secs_f64();
                seconds.entry(topic.clone()).and_modify(|most| *most = most.max(waiting_seconds));
            }
        }
        Err(()) => seconds.retain(|topic, _| places.iter().all(|(unknown, _)| unknown != topic)),
    }
    seconds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_takes_whole_names() {
        let filter = GroupFilter::new("haryana|goa-.*", Some(".*-test")).unwrap();
        for (group, taken) in [("haryana", true), ("haryana-2", false), ("goa-1", true), ("goa-test", false)]
        {
            assert_eq!(filter.takes(group), taken, "{group}");
        }
        let error = GroupFilter::new("(", None).unwrap_err().to_string();
        assert!(error.starts_with("exporter.groups is no regular expression"), "{error}");
        assert!(GroupFilter::new(".*", Some("[")).unwrap_err().to_string().contains("groups_except"));
    }

    #[test]
    fn a_filter_is_for_whole_names_whatever_they_hold() {
        let filter = GroupFilter::new(".*", Some("console-.*")).unwrap();
        assert!(filter.takes("haryana") && filter.takes("two\nlines") && filter.takes(""));
        assert!(!filter.takes("console-consumer-17"));
        let filter = GroupFilter::new("goa|punjab", None).unwrap();
        assert!(filter.takes("punjab") && !filter.takes("punjab-2") && !filter.takes("old-goa"));
    }

    #[test]
    fn what_is_no_filter_is_refused_with_its_field() {
        for text in ["", "(", "a)|(?:b"] {
            let error = GroupFilter::new(text, None).unwrap_err().to_string();
            assert!(error.starts_with("exporter.groups"), "{text}: {error}");
        }
    }
}

//! What SCALING.md tells an operator to do, under load: more instances and fewer again, and an input topic that is given
//! more partitions, as the page says and against its advice.

use crate::feed;
use crate::model::Model;
use crate::workload::{self, Publication};
use anyhow::{Context as _, Result};
use sanchar_schemas::StateCode;
use sanchar_schemas::topics::Topic;
use sanchar_tests::daemon::{wait_for, wait_for_up_to};
use sanchar_tests::events::{self, state};
use sanchar_tests::inbox;
use sanchar_tests::judge::judge;
use sanchar_tests::publisher::{Outgoing, Publisher, publish};
use sanchar_tests::{Accounts, Daemon, Installation, Progress};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// Four instances, the broker and other tests share two cores.
const LIMIT: Duration = Duration::from_secs(180);
/// Small transactions, so that changes fall between many of them, and a client that soon asks for the topics again:
/// librdkafka's own default is five minutes.
const SETTINGS: &str = "stream = { batch_records_max = 200 }\n\
                        [kafka.options]\n\"topic.metadata.refresh.interval.ms\" = \"500\"\n";
/// More than any of these tests takes at the rate of [`feed`].
const EVENTS: u32 = 300_000;

#[tokio::test(flavor = "multi_thread")]
async fn four_instances_share_the_load_and_two_leave_again() -> Result<()> {
    let installation = Installation::new("four").await?;
    let publications = workload::publications(EVENTS, 41);
    let start = |name| installation.fanout(name, SETTINGS);
    let mut instances = Vec::new();
    let published = feed::during(&installation, &publications, || {
        instances.extend([start("fanout-1")?, start("fanout-2")?]);
        wait_until_all_have_work(&installation, &mut instances)?;
        instances.extend([start("fanout-3")?, start("fanout-4")?]);
        wait_until_all_have_work(&installation, &mut instances)?;
        for leaving in instances.drain(..2) {
            assert_eq!(leaving.stop()?, 0);
        }
        wait_until_all_have_work(&installation, &mut instances)
    })?;
    wait_all_processed(&installation, published)?;
    for instance in instances {
        assert_eq!(instance.stop()?, 0);
    }
    check(&installation, published)
}

/// As SCALING.md says: the producer of the state is stopped, what it published is processed, the topic gets partitions, the
/// producer is started again. All other states go on meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_drained_gets_partitions_while_other_states_publish() -> Result<()> {
    const OF_DELHI: usize = 4_000;
    let delhi = state("IN-DL");
    let topic = Topic::Reported(delhi);
    let installation = Installation::new("grown").await?;
    let (mut ours, others): (Vec<Publication>, Vec<Publication>) =
        workload::publications(EVENTS, 42).into_iter().partition(|publication| publication.origin == delhi);
    ours.truncate(OF_DELHI);
    let (early, late) = ours.split_at(OF_DELHI / 2);
    let mut instances = Vec::new();
    let published = feed::during(&installation, &others, || {
        for name in ["fanout-1", "fanout-2"] {
            instances.push(installation.fanout(name, SETTINGS)?);
        }
        workload::publish(&installation, early)?;
        wait_processed(&installation, topic, early.len())?;
        let grown = installation.grow(topic, 2 * topic.spec().partitions);
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(grown))?;
        workload::publish(&installation, late)?;
        wait_processed(&installation, topic, ours.len())?;
        wait_until_all_have_work(&installation, &mut instances)
    })?;
    let published = [published, &ours].concat();
    wait_all_processed(&installation, &published)?;
    for instance in instances {
        assert_eq!(instance.stop()?, 0);
    }
    assert!(cases_that_moved(&installation, topic)? > 50, "cases went on in another partition");
    check(&installation, &published)
}

/// Against the page's advice: a topic got partitions while records waited in it, and a fan-out came to the new ones first.
/// Which it comes to first is chance, so what waited in an old one is written when the new ones have been read. It is dropped
/// as stale: no inbox reads revisions in the wrong order, and each has the newest.
#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_not_drained_loses_revisions_that_newer_ones_overtake_and_never_their_order()
-> Result<()> {
    const CASES: u32 = 200;
    let delhi = state("IN-DL");
    let topic = Topic::Reported(delhi);
    let installation = Installation::new("undrained").await?;
    installation.grow(topic, 2 * topic.spec().partitions).await?;
    let revisions = |revision: i64| {
        (0..CASES).map(move |case| events::theft(delhi, case, revision, &revision.to_string()))
    };
    publish(&installation, &revisions(2).collect::<Vec<_>>())?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    Accounts::after(&mut fanout, CASES.into())?;
    let publisher = Publisher::new(&installation)?;
    for event in revisions(1) {
        publisher.send_to(Some(0), &Outgoing::event(&installation, &event)?)?;
    }
    publisher.finish()?;
    let accounts = Accounts::after(&mut fanout, (2 * CASES).into())?;
    assert_eq!(fanout.stop()?, 0);
    assert_eq!(accounts.dropped, BTreeMap::from([("stale".to_owned(), CASES.into())]));
    for neighbour in ["IN-HR", "IN-UP"].map(state) {
        let mut read = BTreeMap::new();
        for record in inbox::inbox(&installation, neighbour)? {
            let event = record.shared()?.event.context("a delivery")?;
            assert_eq!(read.insert(event.record_id.to_string(), event.revision), None, "each once");
        }
        assert_eq!(read.len(), usize::try_from(CASES)?, "{neighbour} has every record");
        assert!(read.values().all(|revision| *revision == 2), "{neighbour} has the newest");
    }
    Ok(())
}

/// Waits until each instance has its share of all partitions, and delivers.
fn wait_until_all_have_work(installation: &Installation, instances: &mut [Daemon]) -> Result<()> {
    let all: i32 = StateCode::all().map(|state| installation.partitions(Topic::Reported(state))).sum();
    let share = u64::try_from(all)? / instances.len() as u64;
    wait_for_up_to(LIMIT, "each instance to have its share of the partitions", || {
        let shares = instances.iter().map(share_of).collect::<Result<Vec<_>>>()?;
        Ok(shares.iter().all(|has| has.is_some_and(|has| has.abs_diff(share) <= 1)).then_some(()))
    })?;
    for instance in instances {
        let before = Accounts::of(instance)?.forwarded;
        wait_for_up_to(LIMIT, "each instance to deliver", || {
            Ok((Accounts::of(instance)?.forwarded > before).then_some(()))
        })?;
    }
    Ok(())
}

/// How many partitions an instance has, by the last that it logged about them: eager rebalances give out all anew.
fn share_of(instance: &Daemon) -> Result<Option<u64>> {
    let log = instance.log()?;
    let Some(last) = log.lines().rfind(|line| line.contains("the group rebalanced")) else { return Ok(None) };
    let Ok(line) = serde_json::from_str::<Value>(last) else { return Ok(None) }; // it is being written
    let fields = line.get("fields").unwrap_or(&line);
    let is_assigned = fields["change"] == "assigned";
    Ok(fields["partitions"].as_u64().filter(|_| is_assigned))
}

/// Waits until so many records of a topic are processed, which is all that was published to it.
fn wait_processed(installation: &Installation, topic: Topic, records: usize) -> Result<()> {
    Progress::of_topics(installation, &[topic])?.wait_done_up_to(LIMIT, records.try_into()?)
}

/// Waits until all that was published is processed, and says where the brokers hold less than they acknowledged.
fn wait_all_processed(installation: &Installation, published: &[Publication]) -> Result<()> {
    let origins: BTreeSet<StateCode> = published.iter().map(|publication| publication.origin).collect();
    for origin in origins {
        let acknowledged = published.iter().filter(|publication| publication.origin == origin).count();
        let what =
            format!("the brokers to hold the {acknowledged} records of {origin} that they acknowledged");
        wait_for(&what, || {
            let held = inbox::decided(installation, Topic::Reported(origin))?;
            Ok((held == i64::try_from(acknowledged)?).then_some(()))
        })?;
    }
    Progress::of(installation)?.wait_done_up_to(LIMIT, published.len().try_into()?)
}

/// Cases whose records stand in more than one partition.
fn cases_that_moved(installation: &Installation, topic: Topic) -> Result<usize> {
    let mut places: HashMap<Vec<u8>, BTreeSet<i32>> = HashMap::new();
    for record in inbox::read(installation, topic)? {
        places.entry(record.key.context("a case key")?).or_default().insert(record.partition);
    }
    Ok(places.values().filter(|places| places.len() > 1).count())
}

/// Compares all topics with what was published, and lets the judge look at them.
fn check(installation: &Installation, published: &[Publication]) -> Result<()> {
    Model::of(published).check(installation)?;
    let verdict = judge(installation)?;
    assert!(verdict.is_clean(), "{verdict}");
    Ok(())
}

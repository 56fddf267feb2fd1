//! Several instances share the work: partitions move between them, and each knows what the others delivered.

use crate::model::Model;
use crate::workload;
use anyhow::Result;
use sanchar_schemas::wire;
use sanchar_tests::daemon::wait_for;
use sanchar_tests::events;
use sanchar_tests::publisher::{Outgoing, publish_raw};
use sanchar_tests::{Accounts, Daemon, Installation, Progress};

/// Small transactions, so that changes of the group fall between many of them.
const SETTINGS: &str = "stream = { batch_records_max = 200 }";

#[tokio::test(flavor = "multi_thread")]
async fn what_one_delivered_another_drops_when_it_is_repeated() -> Result<()> {
    const EVENTS: u32 = 3_000;
    let installation = Installation::new("shared").await?;
    let publications = workload::publications(EVENTS, 5);
    let mut model = Model::of(&publications);
    workload::publish(&installation, &publications)?;
    let mut first = installation.fanout("fanout-1", SETTINGS)?;
    Accounts::after(&mut first, u64::from(EVENTS))?;

    let mut second = installation.fanout("fanout-2", SETTINGS)?;
    wait_until_it_has_partitions(&mut second)?;
    workload::publish(&installation, &publications)?;
    publications.iter().for_each(|publication| model.publish(*publication));
    Progress::of(&installation)?.wait_done(2 * i64::from(EVENTS))?;
    let ours = Accounts::of(&mut second)?;
    assert!(ours.read > 0, "repeats came to the second instance");
    assert_eq!(ours.forwarded, 0, "and it knew them all, though it had delivered none");
    model.check(&installation)?;
    for instance in [first, second] {
        assert_eq!(instance.stop()?, 0);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_come_and_go_while_events_flow() -> Result<()> {
    const EVENTS: i64 = 120_000;
    let installation = Installation::new("come-and-go").await?;
    let publications = workload::publications(EVENTS.try_into()?, 6);
    workload::publish(&installation, &publications)?;
    let progress = Progress::of(&installation)?;
    let first = installation.fanout("fanout-1", SETTINGS)?;
    progress.wait_done(EVENTS / 20)?;
    for _ in 0..2 {
        let mut second = installation.fanout("fanout-2", SETTINGS)?;
        wait_until_it_has_partitions(&mut second)?;
        wait_for("the second instance to have worked", || {
            Ok((Accounts::of(&mut second)?.read > 0).then_some(()))
        })?;
        assert!(progress.done()? < EVENTS, "there was work left to take over");
        assert_eq!(second.stop()?, 0);
    }
    let second = installation.fanout("fanout-2", SETTINGS)?;
    assert_eq!(first.stop()?, 0);
    progress.wait_done(EVENTS)?;
    Model::of(&publications).check(&installation)?;
    assert_eq!(second.stop()?, 0);
    Ok(())
}

/// An instance that slept while it had nothing to do finds its partitions elsewhere, and others' deliveries new to
/// it, when it wakes up.
#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_slept_learns_what_it_missed_before_it_works_again() -> Result<()> {
    const EVENTS: u32 = 4_000;
    let installation = Installation::new("slept").await?;
    let publications = workload::publications(EVENTS, 8);
    let (early, late) = publications.split_at(publications.len() / 2);
    let progress = Progress::of(&installation)?;
    workload::publish(&installation, early)?;
    let mut sleeper = installation.fanout("fanout-1", SETTINGS)?;
    let before = Accounts::after(&mut sleeper, u64::from(EVENTS / 2))?;
    sleeper.freeze()?;
    let mut other = installation.fanout("fanout-2", SETTINGS)?;
    workload::publish(&installation, late)?;
    progress.wait_done(i64::from(EVENTS))?;

    sleeper.go_on()?;
    wait_for("the sleeper to notice that it lost its partitions", || {
        // By a poll, or by a transaction with what had reached it before it slept.
        let revoked = sleeper.metric("sanchar_rebalanced_partitions_total{change=\"revoked\"}")?;
        Ok((revoked + sleeper.metric("sanchar_sessions_lost_total")? > 0.0).then_some(()))
    })?;
    assert!(Accounts::of(&mut other)?.read > 0);
    assert_eq!(other.stop()?, 0);
    workload::publish(&installation, late)?;
    progress.wait_done(i64::from(EVENTS + EVENTS / 2))?;
    let after = Accounts::of(&mut sleeper)?;
    assert!(after.read > before.read, "it worked again");
    assert_eq!(after.forwarded, before.forwarded, "and delivered nothing that the other had delivered");
    let mut model = Model::of(&publications);
    late.iter().for_each(|publication| model.publish(*publication));
    model.check(&installation)?;
    assert_eq!(sleeper.stop()?, 0);
    Ok(())
}

/// librdkafka keeps a partition paused that is taken away and given back. Here one instance waits, with its partitions paused,
/// for a schema that nobody knows; it loses them, goes on waiting with none, since a third one joins and the second, frozen,
/// keeps the group from settling; and it gets some of them back.
#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_come_back_while_records_wait_are_read_again() -> Result<()> {
    const EVENTS: u32 = 2_000;
    const SETTINGS: &str = "unknown_schema_grace_ms = 15000\nstream = { retry_max_ms = 100 }";
    let installation = Installation::new("paused").await?;
    let mut instances = Vec::new();
    for name in ["fanout-1", "fanout-2"] {
        let mut instance = installation.fanout(name, SETTINGS)?;
        wait_until_it_has_partitions(&mut instance)?;
        instance.wait_ready()?;
        instances.push(instance);
    }
    let mut event = Outgoing::event(&installation, &events::theft(events::state("IN-DL"), 1, 1, ""))?;
    event.value = Some(wire::frame(1_999_999_999, b"of a schema that nobody knows"));
    publish_raw(&installation, &[event])?;
    let waits = wait_for("the record to wait", || {
        let retries = instances.iter_mut().map(|instance| instance.metric("sanchar_retries_total"));
        Ok(retries.collect::<Result<Vec<_>>>()?.iter().position(|retries| *retries > 0.0))
    })?;
    let other = instances.remove(1 - waits);
    let mut waiting = instances.remove(0);
    other.freeze()?;
    // The group shares out by the order of the names: so named, the waiting one gets back what it had.
    let mut third = installation.fanout(["fanout-3", "fanout-0"][waits], SETTINGS)?;
    wait_for("the partitions to be taken away", || {
        Ok((waiting.metric("sanchar_rebalanced_partitions_total{change=\"revoked\"}")? > 0.0).then_some(()))
    })?;
    wait_until_it_has_partitions(&mut third)?;
    let publications = workload::publications(EVENTS, 21);
    workload::publish(&installation, &publications)?;
    Progress::of(&installation)?.wait_done(i64::from(EVENTS) + 1)?;
    assert!(Accounts::of(&mut waiting)?.read > 0 && Accounts::of(&mut third)?.read > 0, "both had work");
    other.kill()?;
    for instance in [waiting, third] {
        assert_eq!(instance.stop()?, 0);
    }
    Ok(())
}

fn wait_until_it_has_partitions(instance: &mut Daemon) -> Result<()> {
    wait_for("partitions to come to an instance", || {
        let assigned = instance.metric("sanchar_rebalanced_partitions_total{change=\"assigned\"}")?;
        Ok((assigned > 0.0).then_some(()))
    })
}

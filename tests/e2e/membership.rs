//! The group changes at bad moments: during a commit, faster than it can settle, and by a process that takes another's
//! name. Nothing is lost or repeated.

use crate::model::Model;
use crate::workload;
use anyhow::{Context as _, Result};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use sanchar_tests::chance::Chance;
use sanchar_tests::daemon::wait_for;
use sanchar_tests::proxy::{Api, Deed, Frames, Proxy};
use sanchar_tests::{Daemon, Installation, Progress, inbox};
use std::time::Duration;

/// Small transactions, so that changes of the group fall between many of them, and into some.
const SETTINGS: &str = "stream = { batch_records_max = 200, transaction_timeout_ms = 3000 }";

/// Waits until the group has so many members or is about to, as its coordinator says.
fn wait_rebalancing(installation: &Installation) -> Result<()> {
    let consumer: BaseConsumer = installation.cluster.client().set("group.id", "unused").create()?;
    wait_for("the group to rebalance", || {
        let groups = consumer.fetch_group_list(Some(&installation.group()), Duration::from_secs(10))?;
        Ok(groups.groups().iter().any(|group| group.state() == "PreparingRebalance").then_some(()))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_changes_during_a_commit_loses_and_repeats_nothing() -> Result<()> {
    const EVENTS: usize = 4_000;
    let held = [
        Frames::Requests(Api::EndTxn),
        Frames::Responses(Api::EndTxn),
        Frames::Requests(Api::TxnOffsetCommit),
    ];
    let installation = Installation::new("mid-commit").await?;
    let proxy = Proxy::before(&installation.cluster.kafka)?;
    let progress = Progress::of(&installation)?;
    let all = workload::publications((EVENTS * held.len()).try_into()?, 51);
    let first = installation.fanout_behind(proxy.address(), "fanout-1", SETTINGS)?;
    let (mut published, mut others) = (0, Vec::new());
    for (number, (frames, publications)) in (2..).zip(held.iter().zip(all.chunks(EVENTS))) {
        proxy.after(2, *frames, Deed::Hold);
        workload::publish(&installation, publications)?;
        published += publications.len();
        proxy.wait_held(*frames)?;
        others.push(installation.fanout(&format!("fanout-{number}"), SETTINGS)?);
        wait_rebalancing(&installation)?;
        proxy.release(*frames);
        progress.wait_done(published.try_into()?).map_err(|error| error.context(format!("{frames:?}")))?;
    }
    Model::of(&all).check(&installation)?;
    for instance in std::iter::once(first).chain(others) {
        assert_eq!(instance.stop()?, 0);
    }
    Ok(())
}

/// Instances leave before, while and after they get their partitions.
#[tokio::test(flavor = "multi_thread")]
async fn instances_that_leave_as_soon_as_they_come_lose_and_repeat_nothing() -> Result<()> {
    const EVENTS: i64 = 60_000;
    const ROUNDS: i64 = 8;
    let installation = Installation::new("hasty").await?;
    let publications = workload::publications(EVENTS.try_into()?, 52);
    let progress = Progress::of(&installation)?;
    let first = installation.fanout("fanout-1", SETTINGS)?;
    let mut chance = Chance::seeded(52);
    let share = publications.len() / usize::try_from(ROUNDS)?;
    for part in publications.chunks(share) {
        workload::publish(&installation, part)?;
        let mut second = installation.fanout("fanout-2", SETTINGS)?;
        second.address()?; // so far it would not hear that it is to stop
        // No condition is waited for: it leaves anywhere between its start and its first commits.
        std::thread::sleep(Duration::from_millis(chance.below(1_200)));
        if chance.below(2) == 0 {
            second.kill()?;
        } else {
            second.signal("TERM")?;
            assert_eq!(second.wait()?, 0, "it ends as it was asked to: {}", second.log()?);
        }
    }
    let second = installation.fanout("fanout-2", SETTINGS)?;
    progress.wait_done(EVENTS)?;
    Model::of(&publications).check(&installation)?;
    for instance in [first, second] {
        assert_eq!(instance.stop()?, 0);
    }
    Ok(())
}

/// An operator starts the same instance twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_name_another_takes_ends_with_75() -> Result<()> {
    const EVENTS: i64 = 40_000;
    let installation = Installation::new("namesake").await?;
    let publications = workload::publications(EVENTS.try_into()?, 53);
    workload::publish(&installation, &publications)?;
    let progress = Progress::of(&installation)?;
    let mut first = installation.fanout("fanout-1", SETTINGS)?;
    progress.wait_done(EVENTS / 20)?;
    let second = twin(&installation, SETTINGS)?;
    let code = first.wait().with_context(|| first.log().unwrap_or_default())?;
    assert_eq!(code, 75, "it gives way: {}", first.log()?);
    assert!(progress.done()? < EVENTS, "there was work left");
    progress.wait_done(EVENTS)?;
    Model::of(&publications).check(&installation)?;
    assert_eq!(second.stop()?, 0);
    Ok(())
}

/// The client may tell of it at any of its calls, and says something else at each. Here the first finds out while it writes.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_finds_its_name_taken_while_it_writes_ends_with_75() -> Result<()> {
    const EVENTS: i64 = 40_000;
    let installation = Installation::new("writing").await?;
    let publications = workload::publications(EVENTS.try_into()?, 54);
    let (early, late) = publications.split_at(publications.len() / 2);
    workload::publish(&installation, early)?;
    let progress = Progress::of(&installation)?;
    // Large transactions, so that it is frozen when it has much left to write.
    let mut first = installation.fanout("fanout-1", "")?;
    inbox::freeze_in_a_transaction(&installation, &first, &inbox::all(), || Ok(true))?;
    let second = twin(&installation, "")?;
    progress.wait_done(EVENTS / 2)?;
    first.go_on()?;
    workload::publish(&installation, late)?;
    let code = first.wait().with_context(|| first.log().unwrap_or_default())?;
    assert_eq!(code, 75, "it gives way: {}", first.log()?);
    progress.wait_done(EVENTS)?;
    Model::of(&publications).check(&installation)?;
    assert_eq!(second.stop()?, 0);
    Ok(())
}

/// Another process of the same name, from another folder, as on another machine: in the same one it would not start.
fn twin(installation: &Installation, settings: &str) -> Result<Daemon> {
    let tables = installation.fanout_toml("twin");
    let text = format!("instance_id = \"fanout-1\"\n{settings}\n{tables}");
    let config = installation.write("twin.toml", &text)?;
    Daemon::start("sanchar-fanout", &["-c".as_ref(), config.as_os_str()], installation.folder())
}

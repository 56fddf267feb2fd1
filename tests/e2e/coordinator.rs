//! The broker that coordinates transactions goes away in the middle of one and comes back: between the request to
//! commit and its answer, or with a transaction open. Nothing is lost or repeated.

use crate::model::Model;
use crate::workload;
use anyhow::Result;
use sanchar_tests::proxy::{Api, Deed, Frames, Proxy};
use sanchar_tests::stack::Stack;
use sanchar_tests::{Installation, Progress};

/// Restarts the broker while `held` of a commit is held up, and judges what came of it.
async fn restart_during_a_commit(name: &str, go: fn(&Stack) -> Result<()>, held: Frames) -> Result<()> {
    const EVENTS: i64 = 3_000;
    let stack = Stack::start()?;
    let installation = Installation::on(stack.cluster(), name).await?;
    let proxy = Proxy::before(&installation.cluster.kafka)?;
    let progress = Progress::of(&installation)?;
    let publications = workload::publications(EVENTS.try_into()?, 41);
    // Not the first commit, so that some of what was published is done and some is not.
    proxy.after(2, held, Deed::Hold);
    workload::publish(&installation, &publications)?;
    let settings = "stream = { batch_records_max = 500, retry_max_ms = 500 }";
    let fanout = installation.fanout_behind(proxy.address(), "fanout-1", settings)?;
    proxy.wait_held(held)?;
    assert!((1..EVENTS).contains(&progress.done()?));
    go(&stack)?;
    proxy.release(held);
    stack.start_broker()?;
    progress.wait_done(EVENTS)?;
    Model::of(&publications).check(&installation)?;
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_crashes_before_it_decides_loses_and_repeats_nothing() -> Result<()> {
    restart_during_a_commit("undecided", Stack::crash_broker, Frames::Requests(Api::EndTxn)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_crashes_after_it_decided_loses_and_repeats_nothing() -> Result<()> {
    restart_during_a_commit("decided", Stack::crash_broker, Frames::Responses(Api::EndTxn)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_stopped_with_a_transaction_open_loses_and_repeats_nothing() -> Result<()> {
    restart_during_a_commit("stopped-open", Stack::stop_broker, Frames::Requests(Api::EndTxn)).await
}

//! A broker that crashes delays records. The service waits for it, goes on by itself, and nothing is lost or repeated.

use crate::model::Model;
use crate::workload;
use anyhow::Result;
use sanchar_tests::daemon::wait_for;
use sanchar_tests::stack::Stack;
use sanchar_tests::{Daemon, Installation, Progress};

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_the_broker_delays_and_loses_nothing() -> Result<()> {
    const EVENTS: i64 = 40_000;
    let stack = Stack::start()?;
    let installation = Installation::on(stack.cluster(), "broker").await?;
    let publications = workload::publications(EVENTS.try_into()?, 12);
    workload::publish(&installation, &publications)?;
    let mut fanout = installation.fanout("fanout-1", "stream = { batch_records_max = 1000 }")?;
    for share in [10, 40] {
        Progress::of(&installation)?.wait_done(EVENTS * share / 100)?;
        stack.crash_broker()?;
        wait_until_not_ready(&mut fanout)?;
        assert!(fanout.get("/livez")?.starts_with("200"), "waiting is not being stuck");
        stack.start_broker()?;
    }
    Progress::of(&installation)?.wait_done(EVENTS)?;
    Model::of(&publications).check(&installation)?;
    fanout.wait_ready()?;

    stack.crash_broker()?;
    wait_until_not_ready(&mut fanout)?; // though there is nothing left to be done
    assert_eq!(fanout.stop()?, 0, "it stops when asked, broker or not");
    Ok(())
}

fn wait_until_not_ready(fanout: &mut Daemon) -> Result<()> {
    wait_for("the service to say that it is not ready", || {
        assert_eq!(fanout.ended()?, None, "it waits for the broker: {}", fanout.log()?);
        Ok(fanout.get("/readyz")?.starts_with("503").then_some(()))
    })
}

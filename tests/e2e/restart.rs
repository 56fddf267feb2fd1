//! What was delivered stays known: across a restart, on a machine that takes a lost one's place, and for good.

use crate::model::Model;
use crate::workload;
use anyhow::Result;
use sanchar_tests::accounts::wait_registered;
use sanchar_tests::{Accounts, Installation, Progress};

const EVENTS: u32 = 3_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_after_a_restart_or_on_a_new_machine_is_still_a_repeat() -> Result<()> {
    let installation = Installation::new("restart").await?;
    let publications = workload::publications(EVENTS, 3);
    let mut model = Model::of(&publications);
    let first = model.clone();
    workload::publish(&installation, &publications)?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    let accounts = Accounts::after(&mut fanout, u64::from(EVENTS))?;
    assert_eq!((accounts.forwarded, &accounts.dropped), (first.forwarded, &first.dropped));
    wait_registered(&mut fanout, first.records())?;
    assert_eq!(fanout.stop()?, 0);

    for instance in ["fanout-1", "fanout-on-a-new-machine"] {
        workload::publish(&installation, &publications)?;
        publications.iter().for_each(|publication| model.publish(*publication));
        let mut fanout = installation.fanout(instance, "")?;
        let accounts = Accounts::after(&mut fanout, u64::from(EVENTS))?;
        assert_eq!((accounts.read, accounts.forwarded), (u64::from(EVENTS), 0), "{instance}");
        assert!(accounts.dropped["duplicate"] > 0 && accounts.dropped["stale"] > 0, "{accounts:?}");
        wait_registered(&mut fanout, first.records())?;
        assert_eq!(fanout.stop()?, 0);
    }
    assert_eq!(model.forwarded, first.forwarded);
    Progress::of(&installation)?.wait_done(3 * i64::from(EVENTS))?;
    model.check(&installation)
}

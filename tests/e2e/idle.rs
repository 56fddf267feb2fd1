//! A service that had nothing to do for so long that the brokers have forgotten its producers: they keep a transactional
//! id for a week and a producer id for a day without use. Here they keep them for seconds.

use anyhow::Result;
use sanchar_tests::daemon::wait_for;
use sanchar_tests::events::{self, state};
use sanchar_tests::publisher::publish;
use sanchar_tests::stack::Stack;
use sanchar_tests::{Accounts, Installation, inbox};

const BROKER: &str = "transactional.id.expiration.ms=2000\n\
    transaction.remove.expired.transaction.cleanup.interval.ms=200\n\
    producer.id.expiration.ms=2000\n\
    producer.id.expiration.check.interval.ms=200\n";

#[tokio::test(flavor = "multi_thread")]
async fn events_flow_again_after_the_brokers_forgot_the_producers() -> Result<()> {
    let stack = Stack::start_with(BROKER)?;
    let installation = Installation::on(stack.cluster(), "idle").await?;
    let mut fanout = installation.fanout("fanout-1", "stream = { transaction_timeout_ms = 1500 }")?;
    fanout.wait_ready()?;
    let mut published = 0_u32;
    for forgets in [true, false] {
        // Both producers of the session work, so that both have something to be forgotten.
        for _ in 0..4 {
            published += 1;
            publish(&installation, [&events::theft(state("IN-DL"), published, 1, "")])?;
            Accounts::after(&mut fanout, published.into())?;
        }
        if forgets {
            wait_for("the brokers to forget the transactional ids", || {
                let known = stack.tool(&["transactions", "list"])?;
                Ok((!known.contains(&installation.group())).then_some(()))
            })?;
        }
    }
    let published = u64::from(published);
    let accounts = Accounts::of(&mut fanout)?;
    assert_eq!((accounts.read, accounts.forwarded), (published, published));
    for neighbour in ["IN-HR", "IN-UP"] {
        assert_eq!(inbox::inbox(&installation, state(neighbour))?.len() as u64, published, "{neighbour}");
    }
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

//! When most of the input is poison, something else is wrong: the service stops and says so, and leaves the rest
//! where it is.

use anyhow::Result;
use sanchar_schemas::topics::Topic;
use sanchar_tests::events::{self, state};
use sanchar_tests::publisher::{Outgoing, publish_raw};
use sanchar_tests::{Accounts, Installation, Progress, inbox};

/// Share of recent records that may be poison, over how many, and the size of a transaction.
const SETTINGS: &str =
    "stream = { poison_share_max = 0.5, poison_window_records = 100, batch_records_max = 40 }";

#[tokio::test(flavor = "multi_thread")]
async fn mostly_poison_stops_the_service_and_the_rest_stays_where_it_is() -> Result<()> {
    const RECORDS: u32 = 2_000;
    let installation = Installation::new("breaker").await?;
    let records = records(&installation, RECORDS, |number| number % 4 != 0)?;
    publish_raw(&installation, &records)?;
    let mut fanout = installation.fanout("fanout-1", SETTINGS)?;
    assert_eq!(fanout.wait()?, 70);
    let log = fanout.log()?;
    let dlq = installation.topic(Topic::Dlq);
    let says = |text: &str| log.lines().any(|line| line.contains("\"ERROR\"") && line.contains(text));
    assert!(says("% of the last 100 records were poison"), "{log}");
    assert!(says(&format!("read the newest records of {dlq}")), "{log}");

    // Judged after each transaction, so at most one of them more than the window.
    let progress = Progress::of(&installation)?;
    let done = progress.done()?;
    assert!((100..140).contains(&done), "{done} records are done");
    let dead = inbox::read(&installation, Topic::Dlq)?.len();
    assert!(dead <= usize::try_from(done)?, "{dead} records are dead-lettered");

    // Somebody has looked at them and decides that they may all go.
    let mut fanout = installation.fanout("fanout-1", "stream = { poison_share_max = 1.0 }")?;
    let accounts = Accounts::after(&mut fanout, u64::from(RECORDS) - u64::try_from(done)?)?;
    let dead_now = u64::try_from(dead)? + accounts.dead_lettered["wire-format"];
    assert_eq!(dead_now, u64::from(RECORDS) * 3 / 4, "each once, across the stop");
    assert_eq!(inbox::read(&installation, Topic::Dlq)?.len() as u64, dead_now);
    assert_eq!(inbox::inbox(&installation, state("IN-HR"))?.len() as u64, u64::from(RECORDS) / 4);
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn some_poison_does_not_stop_it() -> Result<()> {
    const RECORDS: u32 = 1_000;
    let installation = Installation::new("some-poison").await?;
    publish_raw(&installation, &records(&installation, RECORDS, |number| number % 4 == 0)?)?;
    let mut fanout = installation.fanout("fanout-1", SETTINGS)?;
    let accounts = Accounts::after(&mut fanout, u64::from(RECORDS))?;
    assert_eq!((accounts.forwarded, accounts.dead_lettered["wire-format"]), (750, 250));
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

fn records(
    installation: &Installation,
    count: u32,
    is_poison: impl Fn(u32) -> bool,
) -> Result<Vec<Outgoing>> {
    let record = |number| {
        let sound = Outgoing::event(installation, &events::theft(state("IN-DL"), number, 1, ""))?;
        let value = if is_poison(number) { Some(b"no event".to_vec()) } else { sound.value.clone() };
        Ok(Outgoing { value, ..sound })
    };
    (0..count).map(record).collect()
}

//! Records as large as a topic takes, and larger: what fits is delivered, what does not is dead-lettered, and the
//! service goes on.

use anyhow::Result;
use sanchar_schemas::topics::Topic;
use sanchar_tests::chance::Chance;
use sanchar_tests::events::{self, state};
use sanchar_tests::publisher::{Publisher, publish};
use sanchar_tests::{Accounts, Installation, inbox};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_as_large_as_its_topic_takes_is_delivered() -> Result<()> {
    let installation = Installation::new("large").await?;
    let mut chance = Chance::seeded(7);
    // Text that does not compress, so that its size is its size on the brokers.
    let text: String =
        (0..1_040_000).map(|_| char::from(b'!' + u8::try_from(chance.below(94)).unwrap())).collect();
    let mut event = events::theft(state("IN-DL"), 1, 1, "");
    event.narrative = Some(text);
    let event = event.sealed();
    publish(&installation, [&event, &events::theft(state("IN-DL"), 2, 1, "")])?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    let accounts = Accounts::after(&mut fanout, 2)?;
    assert_eq!(accounts.forwarded, 2);
    for neighbour in ["IN-HR", "IN-UP"] {
        let received = inbox::inbox(&installation, state(neighbour))?;
        let large =
            received.iter().find(|record| record.header("ce_id") == event.event_id).expect("the large one");
        assert_eq!(large.shared()?.event.as_ref(), Some(&event), "{neighbour}");
        assert_eq!(received.len(), 2);
    }
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

/// A topic's limit counts compressed bytes, so a record of any size can stand in it.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_too_large_for_an_inbox_is_dead_lettered_and_the_next_one_delivered() -> Result<()> {
    for bytes in [1_500_000, 10_000_000] {
        let installation = Installation::new("too-large").await?;
        let mut event = events::theft(state("IN-DL"), 1, 1, "");
        event.narrative = Some("x".repeat(bytes));
        publish(&installation, [&event.sealed(), &events::theft(state("IN-DL"), 2, 1, "")])?;
        let mut fanout = installation.fanout("fanout-1", "")?;
        let accounts = Accounts::after(&mut fanout, 2)?;
        assert_eq!((accounts.forwarded, accounts.dead_lettered.values().sum::<u64>()), (1, 1));
        assert_eq!(inbox::read(&installation, Topic::Dlq)?.len(), 1);
        assert_eq!(inbox::inbox(&installation, state("IN-HR"))?.len(), 1);
        assert_eq!(fanout.stop()?, 0);
    }
    Ok(())
}

/// A state's topic took it packed as we do not pack it: written again it is larger than its topic's limit.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_may_be_larger_than_its_input_topic_takes() -> Result<()> {
    let installation = Installation::new("repacked").await?;
    let mut chance = Chance::seeded(8);
    // Digits: gzip makes less than half of them, lz4 next to nothing.
    let text: String =
        (0..2_000_000).map(|_| char::from(b'0' + u8::try_from(chance.below(10)).unwrap())).collect();
    let mut event = events::theft(state("IN-DL"), 1, 1, "");
    event.narrative = Some(text);
    let publisher = Publisher::packing(&installation, "gzip")?;
    publisher.event(&event.sealed())?;
    publisher.event(&events::theft(state("IN-DL"), 2, 1, ""))?;
    publisher.finish()?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    let accounts = Accounts::after(&mut fanout, 2)?;
    assert_eq!((accounts.forwarded, accounts.dead_lettered.values().sum::<u64>()), (1, 1));
    let [letter] = inbox::read(&installation, Topic::Dlq)?.try_into().expect("one letter");
    let reported = inbox::read(&installation, Topic::Reported(state("IN-DL")))?;
    assert!(reported.iter().any(|record| record.value == letter.value), "byte for byte");
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

/// What unpacks to more than any topic of ours takes stops nothing: its letter says where it is, and how large.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_too_large_for_any_letter_is_dead_lettered_without_its_value() -> Result<()> {
    let installation = Installation::new("unpacked").await?;
    let mut event = events::theft(state("IN-DL"), 1, 1, "");
    event.narrative = Some("x".repeat(70_000_000));
    publish(&installation, [&event.sealed(), &events::theft(state("IN-DL"), 2, 1, "")])?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    let accounts = Accounts::after(&mut fanout, 2)?;
    assert_eq!((accounts.forwarded, accounts.dead_lettered.values().sum::<u64>()), (1, 1));
    let [letter] = inbox::read(&installation, Topic::Dlq)?.try_into().expect("one letter");
    assert_eq!(letter.value, None);
    assert!(letter.header("sanchar-dlq-left-out").starts_with("value bytes=700"));
    assert_eq!(letter.header("__dlq.errors.topic"), installation.topic(Topic::Reported(state("IN-DL"))));
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

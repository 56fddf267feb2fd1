//! What happens to an event after it was delivered: changes, cancellations, and states that must not have it, or
//! must not have it any more.

use anyhow::{Context as _, Result};
use sanchar_schemas::event::EventAction;
use sanchar_schemas::shared::Notice;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::{CrimeEvent, StateCode};
use sanchar_tests::events::{self, state};
use sanchar_tests::inbox::{self, Received};
use sanchar_tests::publisher::publish;
use sanchar_tests::{Accounts, Installation};

/// 30 October 2019, noon in India: the day before Ladakh became a territory of its own.
const BEFORE_LADAKH_MS: i64 = 1_572_417_000_000;

fn revision(origin: &str, revision: i64, change: impl FnOnce(&mut CrimeEvent)) -> CrimeEvent {
    let mut event = events::theft(state(origin), 1, revision, &format!("as of revision {revision}"));
    change(&mut event);
    event.sealed()
}

fn excluding<'s>(states: &'s [&'s str]) -> impl FnOnce(&mut CrimeEvent) + 's {
    |event| event.handling.excluded_states = states.iter().map(|code| state(code)).collect()
}

/// Revision and route of each record, in their order.
fn routes(installation: &Installation, recipient: &str) -> Result<Vec<(i64, String)>> {
    let received = inbox::inbox(installation, state(recipient))?;
    let route = |record: &Received| {
        Ok((record.shared()?.enrichment.revision, record.header("sanchar-route").to_owned()))
    };
    received.iter().map(route).collect()
}

fn expected(routes: &[(i64, &str)]) -> Vec<(i64, String)> {
    routes.iter().map(|(revision, route)| (*revision, (*route).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_excluded_state_receives_nothing() -> Result<()> {
    let installation = Installation::new("excluded").await?;
    let for_one = revision("IN-DL", 1, excluding(&["IN-HR"]));
    let mut for_nobody = events::theft(state("IN-DL"), 2, 1, "");
    excluding(&["IN-HR", "IN-UP"])(&mut for_nobody);
    publish(&installation, [&for_one, &for_nobody.sealed()])?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    let accounts = Accounts::after(&mut fanout, 2)?;
    assert_eq!((accounts.forwarded, accounts.dropped["no-recipient"], accounts.withdrawals), (1, 1, 0));
    assert!(routes(&installation, "IN-HR")?.is_empty());
    assert_eq!(routes(&installation, "IN-UP")?, expected(&[(1, "neighbour")]));
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

/// Ladakh is a neighbour of Himachal Pradesh by the borders of 2026 and none by those of 2019, so a revision
/// published under the borders of 2019 reaches it only because it had an earlier one.
#[tokio::test(flavor = "multi_thread")]
async fn a_correction_and_a_cancellation_reach_whoever_had_an_earlier_revision() -> Result<()> {
    let installation = Installation::new("corrections").await?;
    let before = |action| {
        move |event: &mut CrimeEvent| {
            event.action = action;
            event.published_at = BEFORE_LADAKH_MS;
        }
    };
    let revisions = [
        revision("IN-HP", 1, |_| {}),
        revision("IN-HP", 2, before(EventAction::Correct)),
        revision("IN-HP", 3, before(EventAction::Cancel)),
    ];
    let mut never_there = events::theft(state("IN-HP"), 2, 1, "");
    never_there.published_at = BEFORE_LADAKH_MS;
    publish(&installation, revisions.iter().chain([&never_there.sealed()]))?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    assert_eq!(Accounts::after(&mut fanout, 4)?.forwarded, 4);

    let both = "neighbour,earlier-recipient";
    for neighbour in ["IN-HR", "IN-JK", "IN-PB", "IN-UK", "IN-UP"] {
        let of_case: Vec<(i64, String)> = routes(&installation, neighbour)?;
        assert_eq!(of_case.len(), 4, "{neighbour}");
        assert!(of_case.contains(&(2, both.to_owned())) && of_case.contains(&(3, both.to_owned())));
    }
    let ladakh = expected(&[(1, "neighbour"), (2, "earlier-recipient"), (3, "earlier-recipient")]);
    assert_eq!(routes(&installation, "IN-LA")?, ladakh);
    let last = inbox::inbox(&installation, state("IN-LA"))?.pop().context("the cancellation")?.shared()?;
    assert_eq!(last.event.map(|event| event.action), Some(EventAction::Cancel));
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_excluded_later_is_told_to_forget_and_learns_nothing_more() -> Result<()> {
    let installation = Installation::new("withdrawn").await?;
    let revisions = [
        revision("IN-DL", 1, |_| {}),
        revision("IN-DL", 2, excluding(&["IN-HR"])),
        revision("IN-DL", 3, excluding(&["IN-HR"])),
        revision("IN-DL", 4, |_| {}),
    ];
    publish(&installation, &revisions)?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    let accounts = Accounts::after(&mut fanout, 4)?;
    assert_eq!((accounts.forwarded, accounts.deliveries, accounts.withdrawals), (4, 6, 1));

    let both = "neighbour,earlier-recipient";
    let uttar_pradesh = expected(&[(1, "neighbour"), (2, both), (3, both), (4, both)]);
    assert_eq!(routes(&installation, "IN-UP")?, uttar_pradesh);
    let haryana = expected(&[(1, "neighbour"), (2, "withdrawal"), (4, "neighbour")]);
    assert_eq!(routes(&installation, "IN-HR")?, haryana, "admitted again, it is as new");
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

/// Identity only: neither the event nor anything derived from its content.
#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_holds_identity_and_no_content() -> Result<()> {
    let installation = Installation::new("withdrawal").await?;
    let unknown_act = |event: &mut CrimeEvent| {
        event.sections[1].act = "AN ACT OF ITS OWN".to_owned();
        event.handling.excluded_states = vec![state("IN-HR")];
    };
    let withdrawn = revision("IN-DL", 2, unknown_act);
    publish(&installation, [&revision("IN-DL", 1, |_| {}), &withdrawn])?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    Accounts::after(&mut fanout, 2)?;

    let record = inbox::inbox(&installation, state("IN-HR"))?.pop().context("the withdrawal")?;
    let shared = record.shared()?;
    assert_eq!((shared.notice, shared.event), (Notice::Withdrawal, None));
    let told = shared.enrichment;
    assert_eq!((&*told.event_id, told.revision), (withdrawn.event_id.as_str(), 2));
    assert_eq!((&*told.record_id, &*told.origin), (withdrawn.record_id.as_str(), "IN-DL"));
    assert_eq!(record.key.as_deref(), Some(withdrawn.record_id.case_key().as_bytes()));
    assert_eq!(record.header("ce_id"), withdrawn.event_id);
    assert_eq!((told.primary_head, told.severity), (None, 0), "nothing of what the event is about");
    assert_eq!((told.heads, told.unknown_sections), (Vec::new(), Vec::<String>::new()));
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

/// Whatever the handling says, the origin never hears its own event.
#[tokio::test(flavor = "multi_thread")]
async fn no_origin_receives_its_own_event() -> Result<()> {
    let installation = Installation::new("origins").await?;
    let events: Vec<CrimeEvent> = StateCode::all().map(|origin| events::theft(origin, 1, 1, "")).collect();
    publish(&installation, &events)?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    Accounts::after(&mut fanout, events.len() as u64)?;
    inbox::scan(&installation, &inbox::all(), |topic, record| {
        let origin = record.shared()?.event.context("a delivery")?.origin;
        assert_ne!(topic, Topic::Shared(origin));
        Ok(())
    })?;
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

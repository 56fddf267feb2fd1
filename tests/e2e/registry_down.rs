//! A registry that is down delays; it condemns nothing. That it does not know a schema is another matter.

use anyhow::Result;
use sanchar_schemas::schema::Record;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::wire;
use sanchar_tests::daemon::wait_for;
use sanchar_tests::events::{self, state};
use sanchar_tests::gate::Gate;
use sanchar_tests::publisher::{Outgoing, publish, publish_raw};
use sanchar_tests::{Accounts, Daemon, Installation, inbox};

/// An installation whose daemons reach the registry through a gate.
async fn gated(name: &str) -> Result<(Installation, Gate)> {
    let mut installation = Installation::new(name).await?;
    let (gate, url) = Gate::before(&installation.cluster.registry)?;
    installation.cluster.registry = url;
    Ok((installation, gate))
}

fn wait_not_ready(fanout: &mut Daemon, reason: &str) -> Result<()> {
    wait_for(reason, || {
        let answer = fanout.get("/readyz")?;
        Ok((answer.starts_with("503") && answer.contains(reason)).then_some(()))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_without_the_registry_waits_for_it_and_says_so() -> Result<()> {
    let (installation, gate) = gated("start").await?;
    publish(&installation, [&events::theft(state("IN-DL"), 1, 1, "")])?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    wait_not_ready(&mut fanout, "registry is not ready: the schema registry gives no usable answer")?;
    assert!(fanout.get("/livez")?.starts_with("200"), "waiting is not being stuck");
    assert!(inbox::inbox(&installation, state("IN-HR"))?.is_empty());

    gate.open();
    fanout.wait_ready()?;
    assert_eq!(Accounts::after(&mut fanout, 1)?.forwarded, 1);
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_waits_for_the_registry_stops_when_asked() -> Result<()> {
    let (installation, _gate) = gated("start-stop").await?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    wait_not_ready(&mut fanout, "registry is not ready")?;
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_a_schema_that_cannot_be_looked_up_wait_and_are_delivered() -> Result<()> {
    let (installation, gate) = gated("lookup").await?;
    gate.open();
    // No grace at all: what the registry does not know is poison at once, and a registry that is down is not that.
    let mut fanout =
        installation.fanout("fanout-1", "unknown_schema_grace_ms = 0\nstream = { retry_max_ms = 200 }")?;
    publish(&installation, [&events::theft(state("IN-DL"), 1, 1, "")])?;
    Accounts::after(&mut fanout, 1)?;

    // The same schema in other words has an id of its own, which the service has not seen yet.
    let text = Record::CrimeEvent.latest().text.replacen("\"doc\":\"", "\"doc\":\"Reworded. ", 1);
    let subject = format!("{}.CrimeEvent", installation.prefix);
    let id = installation.registry.register(&subject, &text).await?;
    assert_ne!(id, installation.event_schema);
    gate.close();
    let sound = Outgoing::event(&installation, &events::theft(state("IN-DL"), 2, 1, ""))?;
    let datum = sound.value.as_deref().and_then(|value| value.get(wire::HEADER_BYTES..)).unwrap_or_default();
    let waiting = Outgoing { value: Some(wire::frame(id.0, datum)), ..sound.clone() };
    let behind = Outgoing::event(&installation, &events::theft(state("IN-DL"), 3, 1, ""))?;
    publish_raw(&installation, [&waiting, &behind])?;
    wait_not_ready(&mut fanout, "waiting: the schema registry gives no usable answer")?;
    wait_for("several attempts", || Ok((fanout.metric("sanchar_retries_total")? >= 5.0).then_some(())))?;
    assert!(fanout.get("/livez")?.starts_with("200"), "waiting is not being stuck");
    assert!(inbox::read(&installation, Topic::Dlq)?.is_empty(), "nothing is condemned");

    gate.open();
    let accounts = Accounts::after(&mut fanout, 3)?;
    assert_eq!((accounts.forwarded, accounts.dead_lettered.len()), (3, 0));
    fanout.wait_ready()?;
    assert_eq!(inbox::inbox(&installation, state("IN-HR"))?.len(), 3);
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

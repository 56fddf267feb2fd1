//! A registry that works and answers badly for one schema id: late, with an error that may pass, or with one that will
//! not. The records of that id wait or are dead-lettered; those of other ids are delivered. `registry_down` has the rest.

use anyhow::{Context as _, Result};
use sanchar_schemas::schema::Record;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::wire;
use sanchar_tests::daemon::wait_for;
use sanchar_tests::events::{self, state};
use sanchar_tests::front::{Answer, Front};
use sanchar_tests::publisher::{Outgoing, publish_raw};
use sanchar_tests::{Accounts, Daemon, Installation, inbox};
use std::time::Duration;

/// How long the service waits for an answer, unless it is told otherwise.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A fan-out behind a front, which knows the common schema, and records of a schema that it has not met.
struct Trial {
    installation: Installation,
    front: Front,
    fanout: Daemon,
    /// Of the schema that it has not met, with one of the common schema before it and one behind it.
    records: [Outgoing; 3],
    /// The end of the path at which that schema is looked up.
    path: String,
}

async fn trial(name: &str) -> Result<Trial> {
    let mut installation = Installation::new(name).await?;
    let front = Front::of(&installation.cluster.registry)?;
    front.url().clone_into(&mut installation.cluster.registry);
    let mut fanout = installation.fanout("fanout-1", "stream = { retry_max_ms = 200 }")?;
    let event = |case| Outgoing::event(&installation, &events::theft(state("IN-DL"), case, 1, ""));
    publish_raw(&installation, [&event(1)?])?;
    Accounts::after(&mut fanout, 1)?;
    // The same schema in other words has an id of its own.
    let words = format!("\"doc\":\"{name}. ");
    let text = Record::CrimeEvent.latest().text.replacen("\"doc\":\"", &words, 1);
    let id = installation.registry.register(&format!("{}.CrimeEvent", installation.prefix), &text).await?;
    let other = event(3)?;
    let datum =
        other.value.as_deref().and_then(|value| value.get(wire::HEADER_BYTES..)).context("a datum")?;
    let other = Outgoing { value: Some(wire::frame(id.0, datum)), ..other.clone() };
    let records = [event(2)?, other, event(4)?];
    Ok(Trial { installation, front, fanout, records, path: format!("/schemas/ids/{}", id.0) })
}

impl Trial {
    /// Waits until all is done, and checks that all was delivered but what was dead-lettered for this reason.
    fn check(mut self, dead: &[(&str, u64)]) -> Result<()> {
        let accounts = Accounts::after(&mut self.fanout, 4)?;
        let dead: Vec<(String, u64)> = dead.iter().map(|(reason, n)| ((*reason).to_owned(), *n)).collect();
        let delivered = 4 - dead.iter().map(|(_, n)| n).sum::<u64>();
        assert_eq!(accounts.forwarded, delivered);
        assert_eq!(accounts.dead_lettered.into_iter().collect::<Vec<_>>(), dead);
        for neighbour in ["IN-HR", "IN-UP"] {
            assert_eq!(inbox::inbox(&self.installation, state(neighbour))?.len() as u64, delivered);
        }
        assert_eq!(inbox::read(&self.installation, Topic::Dlq)?.len() as u64, 4 - delivered);
        self.fanout.wait_ready()?;
        assert_eq!(self.fanout.stop()?, 0);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_an_id_that_is_answered_late_are_delivered() -> Result<()> {
    let trial = trial("late-answer").await?;
    trial.front.answer(&trial.path, Answer::Late(TIMEOUT / 4));
    publish_raw(&trial.installation, &trial.records)?;
    trial.check(&[])
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_an_id_that_is_answered_too_late_wait() -> Result<()> {
    wait_for_an_answer("too-late", Answer::Late(TIMEOUT * 2)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_an_id_that_the_registry_fails_at_wait() -> Result<()> {
    let body = r#"{"error_code":50001,"message":"backend"}"#;
    wait_for_an_answer("failing", Answer::Error(500, body.to_owned())).await
}

/// Something between the service and the registry answers in its place.
#[tokio::test(flavor = "multi_thread")]
async fn records_of_an_id_that_no_registry_answers_wait() -> Result<()> {
    wait_for_an_answer("page", Answer::Error(422, "<html>no registry</html>".to_owned())).await
}

async fn wait_for_an_answer(name: &str, meanwhile: Answer) -> Result<()> {
    let mut trial = trial(name).await?;
    trial.front.answer(&trial.path, meanwhile);
    publish_raw(&trial.installation, &trial.records)?;
    wait_for("an attempt in vain", || {
        Ok((trial.fanout.metric("sanchar_retries_total")? > 0.0).then_some(()))
    })?;
    let ready = trial.fanout.get("/readyz")?;
    assert!(ready.starts_with("503") && ready.contains("gives no usable answer"), "{ready}");
    assert!(inbox::read(&trial.installation, Topic::Dlq)?.is_empty(), "nothing is condemned");
    trial.front.mend();
    trial.check(&[])
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_an_id_that_the_registry_calls_invalid_are_dead_lettered_and_hold_up_nobody() -> Result<()>
{
    let trial = trial("invalid").await?;
    let body = r#"{"error_code":42201,"message":"invalid schema"}"#;
    trial.front.answer(&trial.path, Answer::Error(422, body.to_owned()));
    publish_raw(&trial.installation, &trial.records)?;
    trial.check(&[("wrong-schema", 1)])
}

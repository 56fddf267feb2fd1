//! The commit of a transaction meets a network that loses, holds up and repeats: its outcome is then unknown to the
//! service for a while, and to nobody in the end. Nothing is lost, repeated or out of order.

use crate::model::Model;
use crate::workload::{self, Publication};
use anyhow::{Result, ensure};
use sanchar_tests::daemon::wait_for;
use sanchar_tests::events::state;
use sanchar_tests::proxy::{Api, Deed, Frames, Proxy};
use sanchar_tests::{Daemon, Installation, Progress, inbox};
use std::time::Duration;

/// A commit is given up after a second, and small transactions let faults fall between many of them.
const SETTINGS: &str =
    "stream = { batch_records_max = 200, transaction_timeout_ms = 1000, session_timeout_ms = 30000 }";

/// How long all may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A fan-out that reaches the broker through a proxy, and everything that was published so far.
struct Trial {
    installation: Installation,
    proxy: Proxy,
    progress: Progress,
    published: Vec<Publication>,
}

impl Trial {
    async fn new(name: &str) -> Result<Self> {
        let installation = Installation::new(name).await?;
        let proxy = Proxy::before(&installation.cluster.kafka)?;
        let progress = Progress::of(&installation)?;
        Ok(Self { installation, proxy, progress, published: Vec::new() })
    }

    fn fanout(&self, instance: &str) -> Result<Daemon> {
        self.installation.fanout_behind(self.proxy.address(), instance, SETTINGS)
    }

    fn publish(&mut self, publications: &[Publication]) -> Result<()> {
        workload::publish(&self.installation, publications)?;
        self.published.extend(publications);
        Ok(())
    }

    /// Waits until all is done, by a service that does not end meanwhile.
    fn wait_done(&self, fanout: &mut Daemon) -> Result<()> {
        fanout.works_until(PATIENCE, "records to be done", || self.is_done())
    }

    /// The same, with a service that is started again when it asks for that, as by a supervisor. Says how often it was.
    fn wait_done_supervised(&self, fanout: &mut Daemon) -> Result<u32> {
        let mut restarts = 0;
        wait_for("records to be done", || {
            if let Some(code) = fanout.ended()? {
                ensure!(code == 75, "the service ended with {code}");
                restarts += 1;
                *fanout = self.fanout("fanout-1")?;
            }
            Ok(self.is_done()?.then_some(()))
        })?;
        Ok(restarts)
    }

    fn is_done(&self) -> Result<bool> {
        Ok(self.progress.done()? >= self.published.len().try_into()?)
    }

    fn check(&self) -> Result<()> {
        Model::of(&self.published).check(&self.installation)
    }
}

/// A case of Karnataka, which has six neighbours: its transaction writes to seven partitions, by as many requests.
fn case(number: u32) -> Publication {
    Publication { origin: state("IN-KA"), case: 1_000_000 + number, revision: 1, content: number }
}

fn sessions_lost(fanout: &mut Daemon) -> Result<f64> {
    fanout.metric("sanchar_sessions_lost_total")
}

/// What happens to a commit, and what it is called.
type Fault = (&'static str, fn(&Proxy));

/// Each fault falls on the commit of a transaction in the middle of a flow.
async fn faults_in_a_flow(name: &str, seed: u64, faults: &[Fault]) -> Result<()> {
    const EVENTS: usize = 600;
    let mut trial = Trial::new(name).await?;
    let all = workload::publications((EVENTS * faults.len()).try_into()?, seed);
    let mut fanout = trial.fanout("fanout-1")?;
    for ((what, fault), publications) in faults.iter().zip(all.chunks(EVENTS)) {
        fault(&trial.proxy);
        trial.publish(publications)?;
        trial.wait_done(&mut fanout).map_err(|error| error.context(*what))?;
        assert!(!trial.proxy.is_waiting(), "{what}: it has happened");
    }
    trial.check()?;
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_did_not_reach_the_broker_loses_and_repeats_nothing() -> Result<()> {
    let faults: [Fault; 4] = [
        ("the request is lost", |proxy| proxy.next(Frames::Requests(Api::EndTxn), Deed::Lose)),
        ("its connection ends", |proxy| proxy.next(Frames::Requests(Api::EndTxn), Deed::Cut)),
        ("the offsets are lost", |proxy| proxy.next(Frames::Requests(Api::TxnOffsetCommit), Deed::Lose)),
        ("the next session's abort does not reach the broker at first either", |proxy| {
            proxy.next(Frames::Requests(Api::EndTxn), Deed::Lose);
            proxy.next(Frames::Requests(Api::InitProducerId), Deed::Cut);
        }),
    ];
    faults_in_a_flow("not-acted", 31, &faults).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_loses_and_repeats_nothing() -> Result<()> {
    let faults: [Fault; 4] = [
        ("the answer is lost", |proxy| proxy.next(Frames::Responses(Api::EndTxn), Deed::Lose)),
        ("its connection ends", |proxy| proxy.next(Frames::Responses(Api::EndTxn), Deed::Cut)),
        ("that to the offsets is lost", |proxy| {
            proxy.next(Frames::Responses(Api::TxnOffsetCommit), Deed::Lose);
        }),
        ("that to the next session's abort is lost at first as well", |proxy| {
            proxy.next(Frames::Responses(Api::EndTxn), Deed::Lose);
            proxy.next(Frames::Responses(Api::InitProducerId), Deed::Cut);
        }),
    ];
    faults_in_a_flow("acted", 32, &faults).await
}

/// The process stands still for longer than a transaction may last: the broker has aborted it when the process goes on,
/// in the middle of the commit.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_of_a_transaction_that_timed_out_comes_to_nothing() -> Result<()> {
    let mut trial = Trial::new("timed-out").await?;
    let mut fanout = trial.fanout("fanout-1")?;
    trial.publish(&[case(1)])?;
    trial.wait_done(&mut fanout)?;
    trial.proxy.next(Frames::Requests(Api::EndTxn), Deed::Hold);
    trial.publish(&[case(2)])?;
    trial.proxy.wait_held(Frames::Requests(Api::EndTxn))?;
    fanout.freeze()?;
    assert!(inbox::has_open_transaction(&trial.installation, &inbox::all())?);
    wait_for("the broker to abort the transaction", || {
        Ok((!inbox::has_open_transaction(&trial.installation, &inbox::all())?).then_some(()))
    })?;
    trial.proxy.release(Frames::Requests(Api::EndTxn));
    fanout.go_on()?;
    trial.publish(&[case(3)])?;
    // It may begin a new session; or it cannot tell this from another process in its place, and asks to be restarted, be
    // it at once or from the new session.
    let restarts = trial.wait_done_supervised(&mut fanout)?;
    assert!(
        restarts > 0 || sessions_lost(&mut fanout)? > 0.0,
        "it has learned that the transaction was aborted"
    );
    trial.check()?;
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

/// A commit that was given up reaches the broker when a later session is in the middle of a transaction.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_arrives_after_its_session_ends_nothing() -> Result<()> {
    let mut trial = Trial::new("late").await?;
    let mut fanout = trial.fanout("fanout-1")?;
    trial.publish(&[case(1)])?; // by the first of a session's two producers, and the next one by the second
    trial.wait_done(&mut fanout)?;

    trial.proxy.next(Frames::Requests(Api::EndTxn), Deed::Hold);
    trial.publish(&[case(2)])?;
    trial.proxy.wait_held(Frames::Requests(Api::EndTxn))?;
    wait_for("the commit to be given up", || Ok((sessions_lost(&mut fanout)? > 0.0).then_some(())))?;
    trial.wait_done(&mut fanout)?;
    late_end_in_the_middle(&mut trial, &mut fanout, 3)?;
    trial.check()?;
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

/// A commit is held up somewhere, its connection ends, and the client asks again over another by itself: the first
/// request then reaches the broker when the same producer is in the middle of a later transaction (KAFKA-17754).
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_asked_for_twice_does_not_end_a_later_transaction() -> Result<()> {
    let mut trial = Trial::new("twice").await?;
    let mut fanout = trial.fanout("fanout-1")?;
    trial.publish(&[case(1)])?;
    trial.wait_done(&mut fanout)?;

    trial.proxy.next(Frames::Requests(Api::EndTxn), Deed::Hold);
    trial.publish(&[case(2)])?;
    trial.proxy.wait_held(Frames::Requests(Api::EndTxn))?;
    trial.proxy.cut();
    trial.wait_done(&mut fanout)?;
    trial.publish(&[case(3)])?; // by the other producer
    trial.wait_done(&mut fanout)?;
    late_end_in_the_middle(&mut trial, &mut fanout, 4)?;
    trial.check()?;
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

/// Delivers the end that is held while some copies of a case are written and others are not yet.
fn late_end_in_the_middle(trial: &mut Trial, fanout: &mut Daemon, number: u32) -> Result<()> {
    let produce = Frames::Requests(Api::Produce);
    trial.proxy.after(3, produce, Deed::Hold);
    trial.publish(&[case(number)])?;
    trial.proxy.wait_held(produce)?;
    let answers = trial.proxy.seen(Frames::Responses(Api::EndTxn));
    trial.proxy.release(Frames::Requests(Api::EndTxn));
    wait_for("the broker to have judged the late end", || {
        Ok((trial.proxy.seen(Frames::Responses(Api::EndTxn)) > answers).then_some(()))
    })?;
    trial.proxy.release(produce);
    trial.wait_done(fanout)
}

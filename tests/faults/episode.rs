//! One episode: a line is started, records flow, faults strike, all is mended, the line drains, and the judge reads
//! the topics. Bounded in time: a line that does not drain is a finding.

use crate::evidence;
use crate::line::{Line, Registry};
use crate::plan::{Fault, Plan, STRIKING_MS, Site, Strike};
use crate::redriven;
use crate::strike::Count;
use crate::workload::{PRODUCER, Workload, goa_names};
use anyhow::{Context as _, Result, ensure};
use sanchar_schemas::topics::Topic;
use sanchar_tests::chance::Chance;
use sanchar_tests::events::state;
use sanchar_tests::judge::{self, Verdict};
use sanchar_tests::stack::Stack;
use sanchar_tests::{Installation, Progress, inbox};
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};

/// A line has drained after this long, or there is a finding.
const DRAIN: Duration = Duration::from_secs(120);

/// What became of an episode.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) episode: u64,
    pub(crate) site: Site,
    /// As drawn.
    pub(crate) plan: String,
    pub(crate) seconds: f64,
    /// From the last mending until everything was done.
    pub(crate) drain_seconds: f64,
    pub(crate) faults: BTreeMap<Fault, Count>,
    /// How often daemons ended by themselves and asked to be started again.
    pub(crate) restarts: u64,
    pub(crate) verdict: Option<Verdict>,
    /// What went wrong beside what the judge found.
    pub(crate) failure: Option<String>,
}

impl Report {
    fn of(episode: u64, plan: &Plan) -> Self {
        Self {
            episode,
            site: plan.site,
            plan: format!("{plan:?}"),
            seconds: 0.0,
            drain_seconds: 0.0,
            faults: BTreeMap::new(),
            restarts: 0,
            verdict: None,
            failure: None,
        }
    }

    /// One that could not begin.
    pub(crate) fn failed(episode: u64, plan: &Plan, error: &anyhow::Error) -> Self {
        Self { failure: Some(format!("{error:#}")), ..Self::of(episode, plan) }
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.failure.is_none() && self.verdict.as_ref().is_some_and(Verdict::is_clean)
    }
}

/// Runs an episode. What it leaves behind is kept in `evidence` where it was not clean.
pub(crate) async fn run(
    episode: u64,
    plan: &Plan,
    chance: &mut Chance,
    stack: &Stack,
    evidence: &Path,
) -> Report {
    let began = Instant::now();
    let mut report = Report::of(episode, plan);
    if let Err(error) = prepare_and_play(plan, chance, stack, evidence, &mut report).await {
        report.failure = Some(format!("{error:#}"));
    }
    report.seconds = began.elapsed().as_secs_f64();
    report
}

async fn prepare_and_play(
    plan: &Plan,
    chance: &mut Chance,
    stack: &Stack,
    evidence: &Path,
    report: &mut Report,
) -> Result<()> {
    let mut installation = Installation::on(stack.cluster(), "faults").await?;
    let registry = Registry::before(&mut installation)?;
    let workload = Workload::new(&installation, chance).await?;
    let played = play(plan, stack, &installation, registry, workload, report).await;
    if played.is_ok() && report.verdict.as_ref().is_some_and(Verdict::is_clean) {
        return installation.remove_topics().await;
    }
    let kept = evidence::keep(&installation, stack, evidence);
    // What went wrong first is what counts.
    played.and(kept)
}

async fn play(
    plan: &Plan,
    stack: &Stack,
    installation: &Installation,
    registry: Registry,
    mut workload: Workload<'_>,
    report: &mut Report,
) -> Result<()> {
    let mut line = Line::start(plan, stack, installation, registry)?;
    if plan.waits_until_ready {
        line.wait_ready()?;
    }
    let struck = std::thread::scope(|scope| {
        let publishing = scope.spawn(|| workload.publish(plan.records, Duration::from_millis(STRIKING_MS)));
        let struck = strike(plan, &mut line);
        let published = publishing.join().map_err(|_| anyhow::anyhow!("the publishing panicked"));
        struck.and(published.and_then(|published| published))
    });
    report.faults.clone_from(&line.counts);
    let published = struck?;
    line.finish_producer()?;
    let mended = Instant::now();
    let progress = Progress::of(installation)?;
    let drained = line.wait(DRAIN, "the line to drain", || progress.has_caught_up());
    report.drain_seconds = mended.elapsed().as_secs_f64();
    report.restarts = line.restarts();
    drained?;
    report.verdict = Some(judge::judge(installation)?);
    line.stop()?;
    check_producer(installation, plan.rows)?;
    redriven::check(installation, published)
}

/// A fault begins or ends.
struct Act {
    at_ms: u64,
    is_end: bool,
    number: usize,
}

fn strike(plan: &Plan, line: &mut Line<'_>) -> Result<()> {
    let mut acts: Vec<Act> = Vec::new();
    for (number, Strike { at_ms, lasting_ms, .. }) in plan.strikes.iter().enumerate() {
        acts.push(Act { at_ms: *at_ms, is_end: false, number });
        acts.push(Act { at_ms: at_ms + lasting_ms, is_end: true, number });
    }
    acts.sort_by_key(|act| act.at_ms);
    let began = Instant::now();
    for Act { at_ms, is_end, number } in acts {
        let at = Duration::from_millis(at_ms);
        while let Some(left) = at.checked_sub(began.elapsed()) {
            line.supervise()?;
            std::thread::sleep(left.min(Duration::from_millis(50)));
        }
        let strike = plan.strikes.get(number).context("a strike of the plan")?;
        if is_end { line.end(number, strike)? } else { line.begin(number, strike)? }
    }
    Ok(())
}

/// Every row was published at least once, under its name, and nothing else.
fn check_producer(installation: &Installation, rows: u64) -> Result<()> {
    let mut published = HashSet::new();
    for record in inbox::read(installation, Topic::Reported(state(PRODUCER)))? {
        published.insert(record.reported()?.record_id.to_string());
    }
    let expected: HashSet<String> = goa_names(rows).collect();
    let lost = expected.difference(&published).count();
    let strange = published.difference(&expected).count();
    ensure!(lost == 0, "{lost} of {rows} rows were never published");
    ensure!(strange == 0, "{strange} records were published that stand in no row");
    Ok(())
}

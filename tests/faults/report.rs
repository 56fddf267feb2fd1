//! What episodes have shown: a line for each as it ends, all of it as JSON at once, and a summary at the end.

use crate::episode::Report;
use crate::plan::{Fault, Site};
use crate::strike::Count;
use anyhow::{Context as _, Result};
use sanchar_tests::judge::Verdict;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// All episodes of a run.
#[derive(Debug)]
pub(crate) struct Reports {
    seed: u64,
    planned: usize,
    reports: Vec<Report>,
    path: PathBuf,
    file: File,
    began: Instant,
}

impl Reports {
    pub(crate) fn begin(seed: u64, planned: usize, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{seed}.jsonl"));
        let file = File::create(&path).with_context(|| path.display().to_string())?;
        let word = if planned == 1 { "episode" } else { "episodes" };
        println!("{planned} {word} of seed {seed}");
        Ok(Self { seed, planned, reports: Vec::new(), path, file, began: Instant::now() })
    }

    pub(crate) fn add(&mut self, report: Report, evidence: &Path) -> Result<()> {
        print(&report, self.reports.len() + 1, self.planned, evidence);
        writeln!(self.file, "{}", serde_json::to_string(&report)?)?;
        self.reports.push(report);
        Ok(())
    }

    pub(crate) fn finish(self) -> ExitCode {
        let Self { seed, reports, .. } = &self;
        let mut faults: BTreeMap<Fault, Count> = BTreeMap::new();
        for (fault, count) in reports.iter().flat_map(|report| &report.faults) {
            let sum = faults.entry(*fault).or_default();
            sum.met += count.met;
            sum.missed += count.missed;
        }
        println!("\n{:<20} {:>8} {:>8}", "fault", "met", "missed");
        for (fault, Count { met, missed }) in &faults {
            println!("{:<20} {met:>8} {missed:>8}", fault.as_str());
        }
        let verdicts = || reports.iter().filter_map(|report| report.verdict.as_ref());
        let judged = |of: fn(&Verdict) -> u64| verdicts().map(of).sum::<u64>();
        let restarts: u64 = reports.iter().map(|report| report.restarts).sum();
        let unclean: Vec<u64> =
            reports.iter().filter(|report| !report.is_clean()).map(|report| report.episode).collect();
        let idle = reports.iter().filter(|report| report.faults.values().all(|count| count.met == 0)).count();
        println!("\nepisodes                 {:>8}", reports.len());
        println!("  in which nothing broke {idle:>8}");
        println!("  not clean              {:>8}  {unclean:?}", unclean.len());
        println!("records read             {:>8}", judged(|verdict| verdict.records_read));
        println!("deliveries               {:>8}", judged(|verdict| verdict.deliveries));
        println!("withdrawals              {:>8}", judged(|verdict| verdict.withdrawals));
        println!("dead letters             {:>8}", judged(|verdict| verdict.dead_lettered.values().sum()));
        println!("daemons started again    {restarts:>8}  by themselves");
        println!("seed                     {seed:>8}");
        println!("duration                 {:>8.0} s", self.began.elapsed().as_secs_f64());
        println!("all of it                {}", self.path.display());
        if unclean.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn print(report: &Report, done: usize, of: usize, evidence: &Path) {
    let site = match report.site {
        Site::OneBroker => "1 broker",
        Site::ThreeBrokers => "3 brokers",
    };
    let (records, deliveries) =
        report.verdict.as_ref().map_or((0, 0), |verdict| (verdict.records_read, verdict.deliveries));
    let faults: Vec<String> = report
        .faults
        .iter()
        .filter(|(_, count)| count.met > 0)
        .map(|(fault, count)| match count.met {
            1 => fault.as_str(),
            met => format!("{} {met}x", fault.as_str()),
        })
        .collect();
    let result = if report.is_clean() { "clean" } else { "NOT CLEAN" };
    println!(
        "{done:>5}/{of}  #{:<5} {site:<9} {records:>6} records {deliveries:>7} deliveries {:>6.1} s  {result:<9} {}",
        report.episode,
        report.seconds,
        faults.join(", ")
    );
    if let Some(failure) = &report.failure {
        println!("       {failure}");
    }
    if let Some(verdict) = report.verdict.as_ref().filter(|verdict| !verdict.is_clean()) {
        println!("{verdict}");
    }
    if !report.is_clean() && evidence.is_dir() {
        println!("       logs: {}", evidence.display());
    }
}

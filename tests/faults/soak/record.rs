//! What a soak has shown: samples as they come, a line a minute, and at the end whether the lines are flat.

use super::plot;
use crate::plan::Fault;
use crate::strike::Count;
use anyhow::{Context as _, Result};
use sanchar_tests::judge::Verdict;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// What grows by more than this share, from the second quarter to the last, is not flat.
const GROWTH_MAX: f64 = 0.10;

/// Fewer deliveries than this share of the usual means that something stands still.
const DELIVERIES_MIN: f64 = 0.70;
/// It may do so for as many samples at a time: a broker that is killed is back by then.
const STILL_MAX: usize = 18;

/// One look.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Sample {
    pub(crate) at_s: u64,
    /// Of the instance that no fault meets.
    pub(crate) rss_mib: f64,
    pub(crate) open_files: u64,
    pub(crate) register_mib: f64,
    /// Of the other one, where it runs.
    pub(crate) attacked_rss_mib: Option<f64>,
    /// Since the look before.
    pub(crate) deliveries: u64,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p99_ms: Option<f64>,
}

/// All of it.
#[derive(Debug, Serialize)]
pub(crate) struct Record {
    seed: u64,
    pub(crate) samples: Vec<Sample>,
    /// When each fault began, seconds, and which it was.
    pub(crate) faults: Vec<(u64, Fault)>,
    counts: BTreeMap<Fault, Count>,
    restarts: u64,
    verdict: Option<Verdict>,
    findings: Vec<String>,
    #[serde(skip)]
    folder: PathBuf,
    #[serde(skip)]
    pub(crate) lasting: Duration,
}

impl Record {
    pub(crate) fn begin(seed: u64, lasting: Duration, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        println!("a soak of seed {seed} for {} minutes", lasting.as_secs() / 60);
        println!(
            "{:>9}  {:>9} {:>9} {:>7} {:>9} {:>11}  fault",
            "time", "p50 ms", "p99 ms", "RSS MiB", "files", "deliveries"
        );
        Ok(Self {
            seed,
            samples: Vec::new(),
            faults: Vec::new(),
            counts: BTreeMap::new(),
            restarts: 0,
            verdict: None,
            findings: Vec::new(),
            folder: folder.to_owned(),
            lasting,
        })
    }

    pub(crate) fn struck(&mut self, at: Duration, fault: Fault) {
        self.faults.push((at.as_secs(), fault));
    }

    pub(crate) fn faults(&mut self, counts: &BTreeMap<Fault, Count>, restarts: u64) {
        self.counts.clone_from(counts);
        self.restarts = restarts;
    }

    /// Keeps a sample; all so far are on disk every minute.
    pub(crate) fn sample(&mut self, sample: Sample) -> Result<()> {
        self.samples.push(sample);
        if self.samples.len().is_multiple_of(6) {
            self.print_minute();
            self.write()?;
        }
        Ok(())
    }

    fn print_minute(&self) {
        let minute = self.samples.get(self.samples.len().saturating_sub(6)..).unwrap_or_default();
        let Some(last) = minute.last() else { return };
        let ms = |of: fn(&Sample) -> Option<f64>| median(minute.iter().filter_map(of));
        let faults =
            self.faults.iter().filter(|(at_s, _)| *at_s + 60 > last.at_s).map(|(_, fault)| fault.as_str());
        println!(
            "{:>5}/{:<3}  {:>9.0} {:>9.0} {:>7.0} {:>9} {:>11}  {}",
            last.at_s / 60,
            self.lasting.as_secs() / 60,
            ms(|sample| sample.p50_ms),
            ms(|sample| sample.p99_ms),
            last.rss_mib,
            last.open_files,
            minute.iter().map(|sample| sample.deliveries).sum::<u64>(),
            faults.collect::<Vec<_>>().join(", ")
        );
    }

    fn write(&self) -> Result<()> {
        let path = self.folder.join("soak.json");
        serde_json::to_writer(File::create(&path).with_context(|| path.display().to_string())?, self)?;
        fs::write(self.folder.join("soak.svg"), plot::svg(self)).map_err(Into::into)
    }

    /// It could not go on to its end.
    pub(crate) fn failed(&mut self, error: &anyhow::Error) {
        self.findings.push(format!("{error:#}"));
    }

    /// Says what was found.
    pub(crate) fn finish(mut self, verdict: Option<Verdict>) -> Result<ExitCode> {
        let grown = [
            self.grown("memory of the steady instance, MiB", |sample| Some(sample.rss_mib)),
            self.grown("its open files", |sample| Some(sample.open_files as f64)),
            self.grown("latency p50, ms", |sample| sample.p50_ms),
        ];
        self.findings.extend(grown.into_iter().flatten());
        self.findings.extend(self.stood_still());
        if let Some(verdict) = &verdict {
            println!("\n{verdict}");
        }
        println!("\n{:<20} {:>8} {:>8}", "fault", "met", "missed");
        for (fault, Count { met, missed }) in &self.counts {
            println!("{:<20} {met:>8} {missed:>8}", fault.as_str());
        }
        println!("daemons started again by themselves: {}", self.restarts);
        for finding in &self.findings {
            println!("FINDING: {finding}");
        }
        let is_clean = self.findings.is_empty() && verdict.as_ref().is_some_and(Verdict::is_clean);
        let folder = self.folder.display().to_string();
        println!(
            "{}; {folder}/soak.json, {folder}/soak.svg",
            if is_clean { "flat and clean" } else { "NOT CLEAN" }
        );
        self.verdict = verdict;
        self.write()?;
        Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// The first quarter warms up; then nothing may grow.
    fn grown(&self, what: &str, of: fn(&Sample) -> Option<f64>) -> Option<String> {
        let quarter = self.samples.len() / 4;
        let part = |from: usize| self.samples.iter().skip(from).take(quarter).filter_map(of);
        let (early, late) = (median(part(quarter)), median(part(self.samples.len().saturating_sub(quarter))));
        // Where nothing was measured, nothing is flat.
        let is_flat = late <= early * (1.0 + GROWTH_MAX);
        (!is_flat).then(|| format!("{what}: {early:.1} early, {late:.1} at the end"))
    }
}

impl Record {
    /// Partitions that nobody works on deliver nothing, late or not, so latency does not show them.
    fn stood_still(&self) -> Option<String> {
        let usual = median(self.samples.iter().map(|sample| sample.deliveries as f64));
        let is_still = |sample: &Sample| (sample.deliveries as f64) < usual * DELIVERIES_MIN;
        let longest =
            self.samples.chunk_by(|a, b| is_still(a) == is_still(b)).filter(|run| run.iter().all(is_still));
        let longest = longest.max_by_key(|run| run.len()).filter(|run| run.len() > STILL_MAX)?;
        let since = longest.first().map_or(0, |sample| sample.at_s / 60);
        Some(format!("deliveries were few for {} samples on end, from minute {since}", longest.len()))
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(rss_mib: fn(u64) -> f64) -> Record {
        let folder = tempfile::tempdir().unwrap();
        let mut record = Record::begin(1, Duration::from_secs(400), folder.path()).unwrap();
        record.samples = (0..40)
            .map(|at_s| Sample {
                at_s,
                rss_mib: rss_mib(at_s),
                open_files: 50,
                register_mib: 1.0,
                attacked_rss_mib: None,
                deliveries: 1,
                p50_ms: Some(10.0),
                p99_ms: None,
            })
            .collect();
        record
    }

    #[test]
    fn partitions_that_nobody_works_on_are_a_finding() {
        let with = |still: std::ops::Range<usize>| {
            let mut record = record(|_| 1.0);
            record.samples = (0..120).map(|_| record.samples[0].clone()).collect();
            for (number, sample) in record.samples.iter_mut().enumerate() {
                (sample.at_s, sample.deliveries) =
                    (number as u64 * 10, if still.contains(&number) { 50 } else { 100 });
            }
            record.stood_still()
        };
        assert_eq!(with(30..40), None, "a broker may be away");
        assert_eq!(with(30..60).unwrap(), "deliveries were few for 30 samples on end, from minute 5");
    }

    #[test]
    fn what_grows_after_the_warm_up_is_a_finding() {
        let memory = |record: Record| record.grown("memory", |sample| Some(sample.rss_mib));
        assert_eq!(
            memory(record(|at_s| 100.0 + at_s as f64)).unwrap(),
            "memory: 115.0 early, 135.0 at the end"
        );
        assert_eq!(memory(record(|at_s| if at_s < 10 { 20.0 } else { 100.0 })), None);
        assert!(record(|_| 1.0).grown("latency", |sample| sample.p99_ms).is_some(), "nothing was measured");
    }
}

//! What a drill has shown: which alert fired how long after what, and what `sanchar status` said then.

use crate::line::Line;
use crate::prometheus::Alert;
use crate::scenario::Mishap;
use anyhow::Result;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// All of it.
#[derive(Debug)]
pub(crate) struct Report {
    folder: PathBuf,
    began: Instant,
    mishaps: Vec<(Mishap, u64)>,
    /// When an alert was first pending, when it first fired and when it last did, seconds from the start.
    alerts: BTreeMap<String, Times>,
    scrapes: Vec<Scrape>,
    answers: usize,
}

/// Of an alert, seconds from the start.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Times {
    pending_s: Option<u64>,
    fired_s: Option<u64>,
    last_s: Option<u64>,
}

/// What Prometheus says of its own scrapes of a job.
#[derive(Debug, Serialize)]
struct Scrape {
    job: String,
    seconds: f64,
    series: f64,
}

impl Report {
    pub(crate) fn begin(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        println!("a drill of about 45 minutes; answers of `sanchar status` go to {}", folder.display());
        Ok(Self {
            folder: folder.to_owned(),
            began: Instant::now(),
            mishaps: Vec::new(),
            alerts: BTreeMap::new(),
            scrapes: Vec::new(),
            answers: 0,
        })
    }

    fn now_s(&self) -> u64 {
        self.began.elapsed().as_secs()
    }

    pub(crate) fn began(&mut self, mishap: Mishap) {
        let now_s = self.now_s();
        println!("{}  {}", clock(now_s), mishap.title());
        self.mishaps.push((mishap, now_s));
    }

    /// Takes the alerts of this moment. Gives the names of those that fire for the first time.
    pub(crate) fn note(&mut self, alerts: &[Alert]) -> Vec<String> {
        let now_s = self.now_s();
        let mut new = Vec::new();
        for alert in alerts {
            let times = self.alerts.entry(alert.name().to_owned()).or_default();
            times.pending_s.get_or_insert(now_s);
            if alert.fires() {
                if times.fired_s.is_none() {
                    println!("{}  {} fires", clock(now_s), alert.name());
                    new.push(alert.name().to_owned());
                }
                times.fired_s.get_or_insert(now_s);
                times.last_s = Some(now_s);
            }
        }
        new
    }

    pub(crate) fn has_fired(&self) -> bool {
        self.alerts.values().any(|times| times.fired_s.is_some())
    }

    pub(crate) fn has_fired_for(&self, mishap: Mishap) -> bool {
        self.alerts.get(mishap.alert()).is_some_and(|times| times.fired_s.is_some())
    }

    /// Names of all that fired.
    pub(crate) fn fired(&self) -> String {
        let fired = self.alerts.iter().filter(|(_, times)| times.fired_s.is_some());
        fired.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Keeps what `sanchar status` says.
    pub(crate) fn status(&mut self, when: &str, text: &str) -> Result<()> {
        self.answers += 1;
        let name = format!("{:02}-{}.txt", self.answers, when.replace(' ', "-"));
        fs::write(self.folder.join(name), text)?;
        Ok(())
    }

    /// Keeps what scrapes cost, as Prometheus measured them.
    pub(crate) fn scrapes(&mut self, line: &Line<'_>) -> Result<()> {
        let seconds = line.prometheus.values("scrape_duration_seconds")?;
        let mut series = line.prometheus.values("scrape_samples_scraped")?;
        self.scrapes = seconds
            .into_iter()
            .map(|(job, seconds)| Scrape { series: series.remove(&job).unwrap_or(f64::NAN), job, seconds })
            .collect();
        Ok(())
    }

    /// Says it all, and whether each mishap was noticed.
    pub(crate) fn finish(&self) -> Result<ExitCode> {
        println!("\n{:<52} {:<28} {:>8} {:>8}", "what went wrong", "alert", "pending", "firing");
        for (mishap, began_s) in &self.mishaps {
            let times = self.alerts.get(mishap.alert()).copied().unwrap_or_default();
            let after = |at_s: Option<u64>| {
                at_s.and_then(|at_s| at_s.checked_sub(*began_s)).map_or("never".to_owned(), clock)
            };
            let (pending, firing) = (after(times.pending_s), after(times.fired_s));
            println!("{:<52} {:<28} {pending:>8} {firing:>8}", mishap.title(), mishap.alert());
        }
        println!(
            "\n{:<36} {:>8} {:>8} {:>8}",
            "every alert, minutes from the start", "pending", "firing", "last"
        );
        for (name, times) in &self.alerts {
            let at = |at_s: Option<u64>| at_s.map_or("-".to_owned(), clock);
            println!(
                "{name:<36} {:>8} {:>8} {:>8}",
                at(times.pending_s),
                at(times.fired_s),
                at(times.last_s)
            );
        }
        println!("\n{:<36} {:>8} {:>8}", "scrape by Prometheus", "ms", "series");
        for Scrape { job, seconds, series } in &self.scrapes {
            println!("{job:<36} {:>8.2} {series:>8.0}", seconds * 1e3);
        }
        let file = File::create(self.folder.join("drill.json"))?;
        let mishaps: BTreeMap<String, u64> =
            self.mishaps.iter().map(|(mishap, began_s)| (mishap.title(), *began_s)).collect();
        let all = serde_json::json!({ "mishaps": mishaps, "alerts": self.alerts, "scrapes": self.scrapes });
        serde_json::to_writer_pretty(file, &all)?;
        let is_noticed = Mishap::ALL.into_iter().all(|mishap| self.has_fired_for(mishap));
        println!("{}", if is_noticed { "each was noticed" } else { "NOT ALL were noticed" });
        Ok(if is_noticed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Minutes and seconds.
fn clock(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

//! What it costs a daemon to show its metrics, without Kafka: every series that it can ever have, rendered as for a scrape.
//! A busy service has about half of them.

use crate::report::Report;
use anyhow::Result;
use sanchar_runtime::metrics::Metrics;
use sanchar_tests::monitoring::catalogue;
use std::hint::black_box;
use std::time::Instant;

/// Times that all of it is rendered.
const ROUNDS: usize = 200;

pub(crate) fn measure(report: &mut Report) -> Result<()> {
    for daemon in catalogue::daemons()? {
        let metrics = Metrics::new("sanchar-bench")?;
        let series = catalogue::fill(&daemon, &metrics)?;
        let bytes = metrics.render().len();
        let mut took_ms: Vec<f64> = (0..ROUNDS)
            .map(|_| {
                let began = Instant::now();
                drop(black_box(metrics.render()));
                began.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        took_ms.sort_by(f64::total_cmp);
        report.scrape(
            daemon.name,
            &[
                ("series", series as f64),
                ("kib", bytes as f64 / 1_024.0),
                ("median_ms", took_ms[ROUNDS / 2]),
                ("max_ms", took_ms[ROUNDS - 1]),
            ],
        );
    }
    Ok(())
}

//! How fast a producer takes events over HTTP: batches from several clients at once, each answered when it is on disk.
//! The broker runs meanwhile, and so does what publishes them.

use crate::report::Report;
use anyhow::{Result, ensure};
use sanchar_tests::pusher::{self, Pusher};
use sanchar_tests::{Installation, process};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Clients that send at a time.
const CLIENTS: usize = 4;
/// How long is measured, after as long a time that is not.
const SPAN: Duration = Duration::from_secs(10);

/// Every client sends as fast as it is answered.
pub(crate) async fn measure(batch: u32, report: &mut Report) -> Result<()> {
    eprintln!("pushing batches of {batch} for {} s", 2 * SPAN.as_secs());
    let installation = Installation::new("push").await?;
    let pusher = Pusher::new(&installation)?;
    let mut producer = pusher.start(&installation)?;
    producer.wait_ready()?;
    let (next, begun) = (Arc::new(AtomicU32::new(0)), Instant::now());
    let clients: Vec<_> =
        (0..CLIENTS).map(|_| tokio::spawn(send(pusher.clone(), batch, Arc::clone(&next), begun))).collect();
    tokio::time::sleep(SPAN).await;
    let before = process::usage(producer.pid())?;
    tokio::time::sleep(SPAN).await;
    let after = process::usage(producer.pid())?;
    let mut latencies_ms = Vec::new();
    for client in clients {
        latencies_ms.extend(client.await??);
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let events_per_s = latencies_ms.len() as f64 * f64::from(batch) / SPAN.as_secs_f64();
    let cpu_us = (after.cpu_s - before.cpu_s) * 1e6 / (events_per_s * SPAN.as_secs_f64());
    let figures =
        [("events_per_s", events_per_s), ("cpu_us_per_event", cpu_us), ("peak_rss_mib", after.peak_rss_mib)];
    report.push(batch, &figures, latencies_ms);
    producer.stop()?;
    Ok(())
}

/// Sends until the time is over; gives how long each answer of the second half took.
async fn send(pusher: Pusher, batch: u32, next: Arc<AtomicU32>, begun: Instant) -> Result<Vec<f64>> {
    let mut latencies_ms = Vec::new();
    while begun.elapsed() < 2 * SPAN {
        let first = next.fetch_add(batch, Ordering::Relaxed);
        let body = pusher::batch(first..first + batch);
        let sent = Instant::now();
        let (status, answer) = pusher.post(body).await?;
        ensure!(status == 202, "{status}: {answer}");
        if begun.elapsed() >= SPAN {
            latencies_ms.push(sent.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(latencies_ms)
}

//! What a producer does with a state's rows: a CSV file to acknowledged Avro events, beside a plain client that sends the
//! very same bytes ready-made; what it holds while it reads a long file; and what it costs when there is nothing to do.
//!
//! How fast events are taken over HTTP is in `push`.

use crate::drain::median;
use crate::report::Report;
use crate::workload;
use anyhow::{Context as _, Result, ensure};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseRecord, Producer as _};
use sanchar_schemas::topics::Topic;
use sanchar_tests::events::state;
use sanchar_tests::process::{self, Usage};
use sanchar_tests::{Daemon, Installation, daemon, inbox};
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long one file may take.
const PATIENCE: Duration = Duration::from_secs(1_800);
/// What an idle daemon is given to settle down, and how long it is watched.
const IDLE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(30));

pub(crate) async fn measure(rows: u32, runs: usize, report: &mut Report) -> Result<()> {
    let (mut daemons, mut plain) = (Vec::new(), Vec::new());
    for run in 0..runs {
        eprintln!("file to events {}/{runs}: {rows} rows", run + 1);
        let installation = Installation::new("feed").await?;
        daemons.push(publish_file(&installation, rows)?);
        plain.push(send_ready_made(&installation, rows)?);
    }
    report.feed(
        "CSV to acknowledged events",
        &[
            ("rows_per_s", median(&daemons, |run| f64::from(rows) / run.seconds)),
            ("cpu_us_per_row", median(&daemons, |run| run.usage.cpu_s * 1e6 / f64::from(rows))),
            ("peak_rss_mib", median(&daemons, |run| run.usage.peak_rss_mib)),
        ],
    );
    report.feed(
        "plain client, same bytes",
        &[("rows_per_s", median(&plain, |seconds| f64::from(rows) / seconds))],
    );
    let ratios: Vec<f64> = daemons.iter().zip(&plain).map(|(run, plain)| plain / run.seconds).collect();
    report.feed("ratio file / plain client", &[("rows_per_s", median(&ratios, |ratio| *ratio))]);
    Ok(())
}

/// A long file once, for what it does to memory.
pub(crate) async fn measure_long(rows: u32, report: &mut Report) -> Result<()> {
    eprintln!("a long file: {rows} rows");
    let installation = Installation::new("long").await?;
    let run = publish_file(&installation, rows)?;
    report.feed(
        &format!("a file of {rows} rows"),
        &[("rows_per_s", f64::from(rows) / run.seconds), ("peak_rss_mib", run.usage.peak_rss_mib)],
    );
    installation.remove_topics().await
}

/// A daemon whose file does not grow.
pub(crate) async fn measure_idle(report: &mut Report) -> Result<()> {
    eprintln!("an idle producer, watched for {} s", IDLE.1.as_secs());
    let installation = Installation::new("idle").await?;
    let config = installation.example("goa.toml", |_| {})?;
    let mut producer =
        Daemon::start("sanchar-producer", &["-c".as_ref(), config.as_os_str()], installation.folder())?;
    producer.wait_ready()?;
    std::thread::sleep(IDLE.0);
    let before = process::usage(producer.pid())?;
    std::thread::sleep(IDLE.1);
    let after = process::usage(producer.pid())?;
    let cpu_percent = (after.cpu_s - before.cpu_s) / IDLE.1.as_secs_f64() * 100.0;
    report.feed("idle", &[("rss_mib", after.rss_mib), ("cpu_percent", cpu_percent)]);
    producer.stop()?;
    Ok(())
}

struct Run {
    seconds: f64,
    usage: Usage,
}

/// Runs the daemon on a file of so many rows, from its first acknowledged event to its last.
fn publish_file(installation: &Installation, rows: u32) -> Result<Run> {
    let config = installation.example("goa.toml", |_| {})?;
    write_rows(&installation.folder().join("data/goa-firs.csv"), rows)?;
    let mut producer =
        Daemon::start("sanchar-producer", &["-c".as_ref(), config.as_os_str()], installation.folder())?;
    let published = |producer: &mut Daemon| producer.metric("sanchar_rows_published_total");
    let first = daemon::wait_for("the first event", || {
        Ok(Some(published(&mut producer)?).filter(|count| *count > 0.0))
    })?;
    let (started, before) = (Instant::now(), process::usage(producer.pid())?);
    daemon::wait_for_up_to(PATIENCE, "the file to be published", || {
        Ok((published(&mut producer)? >= f64::from(rows)).then_some(()))
    })?;
    let share = 1.0 - first / f64::from(rows);
    let seconds = started.elapsed().as_secs_f64() / share;
    let after = process::usage(producer.pid())?;
    producer.stop()?;
    Ok(Run { seconds, usage: Usage { cpu_s: (after.cpu_s - before.cpu_s) / share, ..after } })
}

/// Rows of a state's extract, each another case, with a vehicle and a part that does not compress.
fn write_rows(path: &Path, rows: u32) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for number in 1..=rows {
        let (station, serial) = (number % 97, number / 97);
        let mix = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        writeln!(
            file,
            "North Goa,Station {station:02},{},{serial:06},2024,VEHICLE_STOLEN,2024-09-02,2024-09-01,303(2),BNS,\
             GA{:02}{}{:04},Scooter {mix:016x},,,",
            9_100 + station,
            mix % 12 + 1,
            char::from(b'A' + u8::try_from(mix >> 8 & 15)?),
            mix >> 16 & 8_191,
        )?;
    }
    Ok(file.flush()?)
}

/// Sends what the daemon has sent, again, by a client that has nothing else to do. Gives the seconds until all is
/// acknowledged.
fn send_ready_made(installation: &Installation, rows: u32) -> Result<f64> {
    let topic = installation.topic(Topic::Reported(state("IN-GA")));
    let records = inbox::read(installation, Topic::Reported(state("IN-GA")))?;
    ensure!(records.len() == usize::try_from(rows)?, "{} events of {rows}", records.len());
    let producer = workload::producer(installation)?;
    let started = Instant::now();
    for record in &records {
        let headers = record.headers.iter().fold(OwnedHeaders::new(), |headers, (name, value)| {
            headers.insert(rdkafka::message::Header { key: name, value: value.as_deref() })
        });
        let key = record.key.as_deref().context("an event has no key")?;
        let value = record.value.as_deref().context("an event has no value")?;
        workload::send(&producer, BaseRecord::to(&topic).key(key).payload(value).headers(headers))?;
    }
    producer.flush(PATIENCE)?;
    Ok(started.elapsed().as_secs_f64())
}

//! Rows made at random, whole files of them through the whole worker: no value that has to stay is in what is published, and no value
//! of a row at all is in logs, metrics, health, summary, the reasons in quarantine or the text of errors. The row itself is in
//! quarantine on purpose.

mod faults;
mod rows;
mod run;

use std::fs;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::config::ProducerConfig;
use crate::dry_run::dry_run;
use faults::{FAULTS, Fault};
use rows::{Row, any_row};
use run::{Out, SETTINGS, event, run};

/// Files, each of [`ROWS`] rows; every second of JSON Lines.
const FILES: u32 = 50;
const ROWS: usize = 50;
/// The file of the rows, named after somebody's telephone number.
const FILE: &str = "rows 9000000001.txt";
/// What every value of a row begins with, and nothing else in the world.
const MARK: &str = "zqx";

/// How many rows were published, filtered and put into quarantine.
type Counts = (u64, u64, u64);

fn check(rows: &[Row], is_json: bool) -> Result<Counts, TestCaseError> {
    let Out { messages, summary, texts } = run(rows, is_json);
    for (name, text) in &texts {
        let found =
            text.to_lowercase().find(MARK).map(|at| text.chars().skip(at.saturating_sub(80)).take(200));
        prop_assert!(found.is_none(), "{name}: {}", found.unwrap().collect::<String>());
    }
    for (name, text) in &texts {
        prop_assert!(!text.contains("9000000001"), "{name}: {text}");
    }
    let [(_, log), ..] = &texts[..] else { panic!() };
    let quarantined = summary.quarantined_count();
    prop_assert!(quarantined == 0 || log.contains("row put into quarantine"), "the log was not seen: {log}");
    for message in &messages {
        let whole = format!(
            "{} {:?} {}",
            message.key,
            message.headers().collect::<Vec<_>>(),
            String::from_utf8_lossy(&message.payload)
        );
        let number = event(message).fir.unwrap().number;
        let of: Vec<_> = rows.iter().enumerate().filter(|(i, row)| row.number(*i) == number).collect();
        for (i, row) in &of {
            for secret in row.secrets(*i) {
                prop_assert!(!whole.contains(&secret), "{secret} of {row:?}");
            }
        }
        if let [(i, row)] = of[..] {
            let accused = row.value(i, "accused");
            prop_assert_eq!(whole.contains(&accused), row.accused_age >= 18, "a grown-up is looked for");
        }
    }
    prop_assert!(summary.adds_up());
    Ok((summary.published, summary.filtered_count(), quarantined))
}

#[test]
fn no_value_of_a_row_is_where_it_must_not_be() {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(FILES) };
    let total = std::cell::Cell::new((0, 0, 0));
    let files = (prop::collection::vec(any_row(), ROWS), any::<bool>());
    let outcome = TestRunner::new(config).run(&files, |(rows, is_json)| {
        let (published, filtered, quarantined) = check(&rows, is_json)?;
        let (p, f, q) = total.get();
        total.set((p + published, f + filtered, q + quarantined));
        Ok(())
    });
    outcome.unwrap();
    let (published, filtered, quarantined) = total.get();
    println!(
        "no value leaks in {} rows: {published} published, {filtered} left out, {quarantined} in quarantine",
        published + filtered + quarantined
    );
    assert_eq!(published + filtered + quarantined, u64::from(FILES) * 50);
}

/// Each fault ends where it should, or the test above would not see what it is for.
#[test]
fn every_fault_is_one() {
    for is_json in [false, true] {
        for fault in FAULTS {
            let good = Row {
                offence: 0,
                victim_age: Some(30),
                accused_age: 30,
                cleared: true,
                fault: None,
                strays: Vec::new(),
            };
            // The first row has the number that `SameRecord` takes.
            let rows =
                [Row { fault: Some(Fault::SameRecord), ..good.clone() }, Row { fault: Some(fault), ..good }];
            let (published, filtered, quarantined) = check(&rows, is_json).unwrap();
            let expected = if fault == Fault::Skipped { (1, 1, 0) } else { (1, 0, 1) };
            assert_eq!((published, filtered, quarantined), expected, "{fault:?} json: {is_json}");
        }
    }
}

/// A file without the header that its configuration says it has: its first row is taken for names.
#[test]
fn a_row_that_is_taken_for_a_header_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let row =
        Row { offence: 0, victim_age: None, accused_age: 30, cleared: true, fault: None, strays: vec![] };
    fs::write(folder.path().join("rows.txt"), [row.csv(0), row.csv(1)].concat()).unwrap();
    let settings =
        SETTINGS.replace("FORMAT", "csv").replace("COLUMNS", "[]").replace("header = false", "header = true");
    let config: ProducerConfig = toml::from_str(&settings).unwrap();
    let config = config.in_folder_of(&folder.path().join("goa.toml"));
    let failure = dry_run(&config, 0, &mut |_| Ok(()), &mut |_| {}).unwrap_err();
    let text = format!("{failure} {failure:?}");
    assert!(text.contains("which rows.txt does not have, nor any other") && !text.contains(MARK), "{text}");
}

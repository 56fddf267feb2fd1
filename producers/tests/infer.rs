//! A proposed mapping loads, fits its file and maps most of its rows, and shows no value of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails right there")]

use std::path::{Path, PathBuf};

use sanchar_producer::infer::infer;
use sanchar_producer::{ProducerConfig, dry_run, fitting_files};
use sanchar_runtime::lifecycle::DaemonConfig as _;

const NOW_MS: i64 = 1_730_419_200_000;

fn producers() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The proposal for a file, and how many of its rows are published and read.
fn tried(file: &Path) -> (String, u64, u64) {
    let file = file.canonicalize().unwrap();
    let proposal = infer(&file, None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proposal.toml");
    std::fs::write(&path, &proposal).unwrap();
    let config = ProducerConfig::load(&path).unwrap_or_else(|error| panic!("{error}\n{proposal}"));
    config.check().unwrap_or_else(|error| panic!("{error}\n{proposal}"));
    assert_eq!(fitting_files(&config).unwrap().fitting, 1, "{proposal}");
    let summary = dry_run(&config, NOW_MS, &mut |_| Ok(()), &mut |_| {}).unwrap();
    assert!(summary.adds_up());
    assert!(summary.published * 2 >= summary.read, "{}\n{summary}\n{proposal}", file.display());
    (proposal, summary.published, summary.read)
}

fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(producers().join(folder)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "csv" || ending == "jsonl"));
    assert!(!files.is_empty());
    files
}

#[test]
fn every_example_and_every_sample_is_mapped_for_the_most_part() {
    for file in files("../deploy/examples/data").into_iter().chain(files("tests/samples")) {
        tried(&file);
    }
}

#[test]
fn what_is_recognised_says_why_and_what_is_not_is_listed() {
    let (proposal, ..) = tried(&producers().join("../deploy/examples/data/karnataka-fir-excerpt.csv"));
    for part in [
        "code = \"IN-KA\"    # most of the districts are there",
        "parts = [\n    { column = \"FIRNo\", patterns = [\"{fir_part_number:digits}/{fir_part_year:digits}\"] },\n]",
        "reported_at = { column = \"FIR_Date\", formats = [\"%d/%m/%Y\"] }    # the format fits",
        "name = \"UnitName\"    # by its name",
        "code = \"Unit_ID\"    # by its name",
        "order = \"act_first\"",
        "#   \"IOName\": by its name",
        "# Columns not recognised:",
    ] {
        assert!(proposal.contains(part), "{part} is missing from\n{proposal}");
    }
    let (proposal, ..) = tried(&producers().join("../deploy/examples/data/uttar-pradesh-prativedan.csv"));
    for part in
        ["delimiter = \";\"", "name = \"थाना\"", "\"वादी\": by its name", "registration = \"वाहन सं.\""]
    {
        assert!(proposal.contains(part), "{part} is missing from\n{proposal}");
    }
}

#[test]
fn no_value_of_the_file_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.csv");
    let rows = "PS,FIR No,Year,Contact,Who\nPanaji,12,2024,9876543210,Invented Name\nMapusa,13,2024,9876543211,Other Name\n";
    std::fs::write(&file, rows).unwrap();
    let (proposal, published, _) = tried(&file);
    assert_eq!(published, 2);
    assert!(
        proposal.contains("\"Contact\": its values look like telephone or Aadhaar numbers"),
        "{proposal}"
    );
    for value in ["Panaji", "98765", "Invented", "Other", "Mapusa"] {
        assert!(!proposal.contains(value), "{value} in\n{proposal}");
    }
    assert!(infer(&file, "IN-GA".parse().ok()).unwrap().contains("code = \"IN-GA\"    # as you said"));
}

#[test]
fn columns_are_held_against_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.csv");
    // The end is before the start, and no column is left that could number the cases.
    let rows = "PS,FIR Date,Occurred From,Occurred To,Mobile\nPanaji,03/09/2024,02/09/2024,01/09/2024,9876543210\n\
                Mapusa,14/09/2024,13/09/2024,13/09/2024,9876543211\n";
    std::fs::write(&file, rows).unwrap();
    let proposal = infer(&file, "IN-GA".parse().ok()).unwrap();
    let line = |field: &str| proposal.lines().find(|line| line.starts_with(field)).unwrap_or_default();
    assert!(
        line("occurred_to").contains("CHECK THIS: in 1 of 2 rows it is before occurred_from"),
        "{proposal}"
    );
    assert!(!line("reported_at").contains("CHECK THIS"), "{proposal}");
    assert!(!proposal.contains("number = \"Mobile\"") && !proposal.contains("number = \"PS\""), "{proposal}");
}

#[test]
fn files_that_cannot_be_learnt_from_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.csv");
    for (content, part) in [(&b""[..], "has no row to learn from"), (b"a,b\n\xff,1\n", "not utf-8")] {
        std::fs::write(&file, content).unwrap();
        let error = infer(&file, None).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    assert!(
        infer(&folder.path().join("absent.csv"), None).unwrap_err().to_string().contains("cannot be read")
    );
}

#[test]
fn a_proposal_without_sections_says_what_stays_in_the_state() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.csv");
    let rows: String = (1..=20).map(|number| format!("Panaji,{number},2024,the school {number}\n")).collect();
    std::fs::write(&file, format!("Police Station,FIR No,FIR Year,Place of Occurrence\n{rows}")).unwrap();
    let proposal = infer(&file, None).unwrap();
    assert!(proposal.contains("# CHANGE THIS: no [mapping.sections]."), "{proposal}");
}

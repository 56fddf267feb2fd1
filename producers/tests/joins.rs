//! Persons and vehicles of a case from files of their own, joined by the case's number.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

use std::path::Path;

use sanchar_producer::{ProducerConfig, Shown, Summary, dry_run};
use sanchar_schemas::CrimeEvent;

const NOW_MS: i64 = 1_730_419_200_000;

const SETTINGS: &str = r#"
[state]
code = "IN-GA"
[source]
files = ["cases.csv"]
format = "csv"
[rows]
parts = [{ column = "FIR", patterns = ["{number:digits}/{year:digits}"] }]
[[rows.join]]
name = "accused"
source = { files = ["accused-*.csv"], format = "csv", delimiter = ";" }
key = ["PS", "number", "year"]
their_key = ["ps", "no", "yr"]
max_rows_per_case = 2
[[rows.join]]
name = "vehicles"
source = { files = ["vehicles.jsonl"], format = "jsonl", columns = ["PS", "FIR", "mark"] }
key = ["PS", "FIR"]
[mapping]
kind = { constant = "FIR" }
[mapping.police_station]
name = "PS"
[mapping.fir]
number = "number"
year = "year"
[mapping.sections]
column = "Sections"
order = "act_first"
[[mapping.persons]]
each = "accused"
role = { constant = "ARRESTED" }
code = "code"
age_years = "age"
description = "Build"
[[mapping.vehicles]]
each = "vehicles"
when = { column = "mark", none_of = ["unknown"] }
role = { constant = "STOLEN" }
registration = "mark"
"#;

const CASES: &str = "PS,FIR,Sections,Build\nPanaji,12/2024,BNS 303(2),tall\nPanaji,13/2024,BNS 303(2),\nMapusa,12/2024,BNS 303(2),\n";

const VEHICLE: &str = "{\"PS\":\"Panaji\",\"FIR\":\"12/2024\",\"mark\":\"GA 03 ZZ 1001\"}\n";

fn try_run(folder: &Path, settings: &str) -> Result<(Summary, Vec<CrimeEvent>, Vec<String>), String> {
    let path = folder.join("goa.toml");
    std::fs::write(&path, settings).unwrap();
    let config = ProducerConfig::load(&path).map_err(|error| error.to_string())?;
    let (mut events, mut rejected) = (Vec::new(), Vec::new());
    let mut keep = |shown: Shown<'_>| {
        match shown {
            Shown::Event(event) => events.push(event.clone()),
            Shown::Rejected { line, rejection, .. } => {
                rejected.push(format!("{line} {} {}", rejection.reason, rejection.field));
            }
        }
        Ok(())
    };
    let summary = dry_run(&config, NOW_MS, &mut keep, &mut |_| {}).map_err(|error| error.to_string())?;
    assert!(summary.adds_up());
    Ok((summary, events, rejected))
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn each_joined_row_is_a_person_or_a_vehicle_of_its_case() {
    let folder = folder(&[
        ("cases.csv", CASES),
        (
            "accused-1.csv",
            "ps;no;yr;code;age\nPanaji;12;2024;A1;30\nPanaji; १२;2024;A2;31\nNowhere;1;2024;A1;20\n",
        ),
        // Another order of the same columns.
        ("accused-2.csv", "code;age;yr;no;ps\nA1;40;2024;12;Mapusa\n"),
        (
            "vehicles.jsonl",
            "{\"PS\":\"Panaji\",\"FIR\":\"13/2024\",\"mark\":\"GA 03 ZZ 1001\"}\n\
             {\"PS\":\"Panaji\",\"FIR\":\"13/2024\",\"mark\":\"unknown\"}\nnot json\n",
        ),
    ]);
    // Nobody is accused in the second case.
    let settings = SETTINGS.replace("max_rows_per_case = 2", "max_rows_per_case = 2\nevery_case = false");
    let (summary, events, rejected) = try_run(folder.path(), &settings).unwrap();
    assert_eq!((events.len(), rejected), (3, vec!["3 bad_json ".to_owned()]), "{summary}");
    let persons = |event: &CrimeEvent| -> Vec<_> {
        event
            .persons
            .iter()
            .map(|p| (p.code.clone().unwrap(), p.age_years.unwrap(), p.description.clone()))
            .collect()
    };
    let tall = Some("tall".to_owned());
    assert_eq!(persons(&events[0]), [("A1".to_owned(), 30, tall.clone()), ("A2".to_owned(), 31, tall)]);
    assert!(events[1].persons.is_empty());
    let marks: Vec<_> = events[1].vehicles.iter().map(|v| v.registration.clone().unwrap()).collect();
    assert_eq!(marks, ["GA 03 ZZ 1001"]);
    assert_eq!(persons(&events[2]), [("A1".to_owned(), 40, None)]);
    // A row whose case is in no file is counted, as is one that cannot be read.
    assert_eq!((summary.without_case["accused"], summary.without_case["vehicles"]), (1, 0));
    assert_eq!((summary.unreadable["accused"], summary.unreadable["vehicles"]), (0, 1));
    let shown = summary.to_string();
    assert!(shown.contains("joined rows of accused") && shown.contains("joined rows of vehicles"), "{shown}");
}

/// Cases with a place and a victim whose persons stand elsewhere.
const PERSONS: &str = r#"
[state]
code = "IN-GA"
[source]
files = ["cases.csv"]
format = "csv"
[[rows.join]]
name = "persons"
source = { files = ["persons-*.csv"], format = "csv" }
key = ["No"]
[mapping]
kind = { constant = "FIR" }
[mapping.police_station]
name = { constant = "Panaji" }
[mapping.fir]
number = "No"
year = { constant = "2024" }
[mapping.place]
text = "Place"
[mapping.sections]
column = "Sections"
order = "act_first"
[[mapping.persons]]
each = "persons"
role = { column = "role", map = { A = "ACCUSED", W = "WITNESS" } }
name = "name"
age_years = "age"
"#;

const PLACES: &str = "No,Sections,Place\n1,BNS 303(2),the school\n2,BNS 303(2),the market\n";

fn places(events: &[CrimeEvent]) -> Vec<Option<String>> {
    events.iter().map(|event| event.place.as_ref().and_then(|place| place.text.clone())).collect()
}

#[test]
fn a_damaged_joined_row_is_kept_and_may_be_the_child_of_any_case() {
    let header = "No,role,name,age\n1,A,Ramxyz,30\n";
    for (rest, rejected) in [
        // The last row has no line break, too few columns, bytes that are no text, an open quote, no number of a case.
        (&b"1,W,Sitaxyz,12"[..], &["3 unterminated "][..]),
        (b"1,W,Sitaxyz\n", &["3 column_count "]),
        (b"1,W,Sita\xff,12\n", &["3 invalid_utf8 "]),
        (b"1,W,\"Sitaxyz,12\n2,A,Gopalxyz,40\n", &["3 bad_quotes "]),
        (b",W,Sitaxyz,12\n", &["3 missing_value their_key"]),
    ] {
        let folder = folder(&[("cases.csv", PLACES)]);
        std::fs::write(folder.path().join("persons-1.csv"), [header.as_bytes(), rest].concat()).unwrap();
        let (summary, events, found) = try_run(folder.path(), PERSONS).unwrap();
        assert_eq!(found.first().map(String::as_str), rejected.first().copied(), "{summary}");
        assert_eq!(summary.unreadable["persons"], u64::try_from(found.len()).unwrap());
        assert_eq!(places(&events), [None, None], "{found:?}");
        let listed = events[0].withheld.iter().any(|withheld| withheld.path == "place");
        assert!(listed, "withheld is not absent");
    }
    let whole = format!("{header}1,W,Sitaxyz,12\n2,A,Gopalxyz,40\n");
    let folder = folder(&[("cases.csv", PLACES), ("persons-1.csv", &whole)]);
    let (_, events, found) = try_run(folder.path(), PERSONS).unwrap();
    assert!(found.is_empty());
    assert_eq!(places(&events), [None, Some("the market".to_owned())], "whole, the child is of one case");
}

#[test]
fn a_case_without_a_row_waits_for_its_persons_unless_there_are_such_cases() {
    let persons = "No,role,name,age\n1,A,Ramxyz,30\n";
    let folder = folder(&[("cases.csv", PLACES), ("persons-1.csv", persons)]);
    let school = Some("the school".to_owned());
    let (_, events, _) = try_run(folder.path(), PERSONS).unwrap();
    assert_eq!(
        places(&events),
        [school.clone(), None],
        "its persons may be on their way, a child among them"
    );
    assert!(events[1].withheld.iter().any(|withheld| withheld.path == "place"), "withheld is not absent");
    let some = PERSONS.replace("key = [\"No\"]", "key = [\"No\"]\nevery_case = false");
    let (_, events, _) = try_run(folder.path(), &some).unwrap();
    assert_eq!(places(&events), [school.clone(), Some("the market".to_owned())]);
    std::fs::write(folder.path().join("persons-1.csv"), format!("{persons}2,A,Gopalxyz,40\n")).unwrap();
    let (_, events, _) = try_run(folder.path(), PERSONS).unwrap();
    assert_eq!(places(&events), [school, Some("the market".to_owned())], "now they are there");
}

#[test]
fn a_joined_file_that_is_not_there_is_waited_for_unless_there_may_be_none() {
    for file in [None, Some(""), Some("No,role,name,age\n")] {
        let folder = folder(&[("cases.csv", PLACES)]);
        if let Some(text) = file {
            std::fs::write(folder.path().join("persons-1.csv"), text).unwrap();
        }
        let error = try_run(folder.path(), PERSONS).unwrap_err();
        assert!(error.contains("rows.join \"persons\": ") && error.contains("has no row"), "{error}");
        let optional = PERSONS.replace("key = [\"No\"]", "key = [\"No\"]\noptional = true");
        let (_, events, _) = try_run(folder.path(), &optional).unwrap();
        assert_eq!(places(&events), [None, None], "{file:?}");
    }
    // One of several that is empty is on its way.
    let folder = folder(&[
        ("cases.csv", PLACES),
        ("persons-1.csv", "No,role,name,age\n1,A,Ramxyz,30\n"),
        ("persons-2.csv", ""),
    ]);
    assert!(try_run(folder.path(), PERSONS).unwrap_err().contains("persons-2.csv has no row"));
}

#[test]
fn what_cannot_be_joined_says_what_to_do() {
    let accused = "ps;no;yr;code;age\nPanaji;12;2024;A1;30\nPanaji;12;2024;A2;31\nPanaji;12;2024;A3;32\n";
    let vehicles = ("vehicles.jsonl", VEHICLE);
    let folder = folder(&[("cases.csv", CASES), ("accused-1.csv", accused), vehicles]);
    let (_, events, rejected) = try_run(folder.path(), SETTINGS).unwrap();
    assert_eq!((events.len(), rejected), (2, vec!["2 too_many_joined rows.join.accused".to_owned()]));

    for (from, to, message) in [
        (
            "max_rows_per_case = 2",
            "max_bytes = 100",
            "its files need more than max_bytes = 100 of memory: raise it",
        ),
        (
            "code = \"code\"",
            "code = \"cod\"",
            "goa.toml:32:8: mapping.persons[0].code names the column `cod`, which accused-*.csv does not have: did you mean `code`",
        ),
        (
            "\"no\", \"yr\"]",
            "\"no\", \"year\"]",
            "names the column `year`, which accused-*.csv does not have",
        ),
        ("each = \"accused\"", "each = \"acused\"", "goa.toml:30:8: mapping.persons[0].each names no join"),
        (
            "their_key = [\"ps\", \"no\", \"yr\"]",
            "their_key = [\"ps\"]",
            "has to name as many columns as `key`",
        ),
        ("name = \"vehicles\"", "name = \"accused\"", "is the name of another join"),
        (
            "[mapping.fir]",
            "[mapping.record]\nrevision = \"number\"\n[mapping.fir]",
            "does not grow when a joined row changes",
        ),
    ] {
        let error = try_run(folder.path(), &SETTINGS.replace(from, to)).unwrap_err();
        assert!(error.contains(message), "{error}\nshould be\n{message}");
    }
    std::fs::write(folder.path().join("accused-2.csv"), "ps;no;yr\nPanaji;12;2024\n").unwrap();
    let error = try_run(folder.path(), SETTINGS).unwrap_err();
    assert!(error.contains("accused-2.csv: lacks a column that an earlier file has"), "{error}");
}

#[test]
fn a_joined_text_is_checked_like_any_other() {
    let accused = "ps;no;yr;code;age\nPanaji;12;2024;A â€“ 1;30\nPanaji;13;2024;A1;2012\n";
    let folder = folder(&[("cases.csv", CASES), ("accused-1.csv", accused), ("vehicles.jsonl", VEHICLE)]);
    let (_, _, rejected) = try_run(folder.path(), SETTINGS).unwrap();
    assert_eq!(rejected, ["2 double_encoded code", "3 bad_number persons[0].age_years"]);
}

/// The row of the source is sound; who mends it has to know which of the joined rows is not.
#[test]
fn what_is_wrong_in_a_joined_row_is_told_with_its_file_and_line() {
    let accused =
        "ps;no;yr;code;age\nPanaji;12;2024;A1;30\nPanaji;12;2024;A â€“ 1;30\nPanaji;13;2024;A1;2012\n";
    let folder = folder(&[("cases.csv", CASES), ("accused-1.csv", accused), ("vehicles.jsonl", VEHICLE)]);
    let path = folder.path().join("goa.toml");
    std::fs::write(&path, SETTINGS).unwrap();
    let mut messages = Vec::new();
    let mut keep = |shown: Shown<'_>| {
        if let Shown::Rejected { rejection, .. } = shown {
            messages.push(rejection.message.to_string());
        }
        Ok(())
    };
    dry_run(&ProducerConfig::load(&path).unwrap(), NOW_MS, &mut keep, &mut |_| {}).unwrap();
    let [encoding, age] = &messages[..] else { unreachable!("{messages:?}") };
    assert!(encoding.ends_with(" (in accused-1.csv:3)"), "{encoding}");
    assert!(age.ends_with(" (in accused-1.csv:4)"), "{age}");
}

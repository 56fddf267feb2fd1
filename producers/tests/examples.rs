//! Every example configuration against its own data: what is published, what is not and why, row by row accounted for.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails right there")]

use std::path::PathBuf;

use sanchar_producer::{ProducerConfig, Shown, Summary, dry_run, fitting_files};
use sanchar_runtime::lifecycle::DaemonConfig as _;
use sanchar_schemas::CrimeEvent;
use sanchar_schemas::event::{EventKind, WithholdingReason};

/// 1 November 2024, so that the examples do not depend on the day of the test.
const NOW_MS: i64 = 1_730_419_200_000;

struct Expected {
    file: &'static str,
    published: u64,
    quarantined: &'static [(&'static str, u64)],
    filtered: &'static [(&'static str, u64)],
}

/// All but `chandigarh.toml`, which has no files: the tests of `push` send its items.
const EXPECTED: [Expected; 9] = [
    Expected {
        file: "karnataka.toml",
        published: 54,
        quarantined: &[("double_encoded", 1), ("bad_date", 4), ("bad_section", 1), ("check_failed", 1)],
        filtered: &[],
    },
    Expected {
        file: "indore.toml",
        published: 27,
        quarantined: &[
            ("unterminated", 1),
            ("pattern_mismatch", 12),
            ("bad_date", 2),
            ("time_order", 4),
            ("section_without_act", 8),
            ("unknown_act", 4),
            ("bad_section", 2),
            ("identity_taken", 3),
        ],
        filtered: &[("column_numbers", 3), ("inquest", 2), ("unchanged", 23)],
    },
    Expected {
        file: "delhi.toml",
        published: 17,
        quarantined: &[("bad_json", 1), ("bad_date", 1), ("restricted", 1)],
        filtered: &[("unchanged", 1)],
    },
    Expected {
        file: "haryana.toml",
        published: 15,
        quarantined: &[("pattern_mismatch", 1), ("time_order", 1), ("section_without_act", 1)],
        filtered: &[("total_line", 1), ("unchanged", 1)],
    },
    Expected {
        file: "uttar-pradesh.toml",
        published: 14,
        quarantined: &[("pattern_mismatch", 1), ("unknown_value", 1), ("time_order", 1)],
        filtered: &[("unchanged", 1)],
    },
    Expected {
        file: "goa.toml",
        published: 9,
        quarantined: &[("missing_value", 1), ("section_without_act", 1), ("unknown_act", 1)],
        filtered: &[],
    },
    Expected {
        file: "punjab.toml",
        published: 2,
        quarantined: &[("bad_json", 1), ("bad_date", 1)],
        filtered: &[],
    },
    Expected { file: "rajasthan.toml", published: 2, quarantined: &[("bad_xml", 2)], filtered: &[] },
    Expected {
        file: "himachal-pradesh.toml",
        published: 3,
        quarantined: &[("missing_value", 1)],
        filtered: &[],
    },
];

fn load(file: &str) -> ProducerConfig {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples").join(file);
    ProducerConfig::load(&path).unwrap()
}

fn run(file: &str) -> (Summary, Vec<CrimeEvent>) {
    run_with(&load(file))
}

/// The same without a memory of what was published: every row that can be is an event.
fn run_forgetful(file: &str) -> Vec<CrimeEvent> {
    let mut config = load(file);
    config.publish.memory_records = 0;
    run_with(&config).1
}

fn run_with(config: &ProducerConfig) -> (Summary, Vec<CrimeEvent>) {
    let mut events = Vec::new();
    let mut keep = |shown: Shown<'_>| {
        if let Shown::Event(event) = shown {
            events.push(event.clone());
        }
        Ok(())
    };
    let summary = dry_run(config, NOW_MS, &mut keep, &mut |_| {}).unwrap();
    (summary, events)
}

#[test]
fn every_row_is_accounted_for_as_expected() {
    for Expected { file, published, quarantined, filtered } in EXPECTED {
        let (summary, events) = run(file);
        assert!(summary.adds_up(), "{file}\n{summary}");
        assert_eq!(summary.published, published, "{file}\n{summary}");
        assert_eq!(u64::try_from(events.len()).unwrap(), published, "{file}");
        let found: Vec<_> =
            summary.quarantined.iter().map(|(reason, t)| (reason.as_str(), t.count)).collect();
        assert_eq!(found, quarantined, "{file}");
        let found: Vec<_> = summary.filtered.iter().map(|(name, t)| (name.as_str(), t.count)).collect();
        assert_eq!(found, filtered, "{file}");
    }
}

#[test]
fn every_example_is_valid_and_prints_as_it_reads() {
    for Expected { file, .. } in EXPECTED {
        let config = load(file);
        config.check().unwrap();
        assert!(fitting_files(&config).unwrap().fitting > 0, "{file}");
        let printed = sanchar_runtime::config::effective(&config).unwrap();
        let again: ProducerConfig = toml::from_str(&printed).unwrap();
        let again = again.in_folder_of(&config.base().join(file));
        assert_eq!(again, config, "{file}\n{printed}");
    }
}

/// A database has no data beside its file; `tests/postgres` runs this one on a server.
#[test]
fn the_database_example_is_valid_and_prints_as_it_reads() {
    let config = load("rajasthan-postgres.toml");
    config.check().unwrap();
    let printed = sanchar_runtime::config::effective(&config).unwrap();
    let again: ProducerConfig = toml::from_str(&printed).unwrap();
    assert_eq!(again.in_folder_of(&config.base().join("rajasthan-postgres.toml")), config, "{printed}");
}

/// Words of every column that is not carried, in the examples' own invented values.
const NEVER: [&str; 12] = [
    "Complainant",
    "Invented text",
    "काल्पनिक वादी",
    "काल्पनिक विवरण",
    "काल्पनिक नगर",
    "पिता/पति",
    "निवासी",
    "चेचिस नं",
    "COMPLAINANT HOUSE",
    "RAMAPPA",
    "BASAVARAJ",
    "बदमाश",
];

#[test]
fn nothing_that_is_not_carried_is_in_any_event() {
    for Expected { file, .. } in EXPECTED {
        for event in run(file).1 {
            let text = serde_json::to_string(&event).unwrap();
            for word in NEVER {
                assert!(!text.contains(word), "{file}: {word} in {}", event.record_id);
            }
            let nobody = event.persons.iter().all(|person| person.name.is_none() && person.address.is_none());
            assert!(nobody && event.narrative.is_none(), "{file}: {}", event.record_id);
        }
    }
}

#[test]
fn karnatakas_missing_children_have_no_place() {
    let (_, events) = run("karnataka.toml");
    let missing: Vec<_> = events.iter().filter(|event| event.kind == EventKind::MissingPerson).collect();
    assert!(missing.iter().any(|event| event.place.is_some()), "a grown-up's place is known");
    let children: Vec<_> = missing.iter().filter(|event| event.persons[0].is_child == Some(true)).collect();
    assert!(!children.is_empty());
    for child in children {
        assert!(child.place.is_none());
        let withheld = child.withheld.iter().find(|withheld| withheld.path == "place").unwrap();
        assert_eq!(withheld.reason, WithholdingReason::PlaceIdentifies);
    }
}

#[test]
fn indores_files_that_were_sent_twice_give_the_same_content_twice() {
    let events = run_forgetful("indore.toml");
    let of =
        |number: &str| events.iter().filter(|e| e.fir.as_ref().unwrap().number == number).collect::<Vec<_>>();
    let [first, second] = of("101")[..] else { panic!() };
    assert_eq!((first.content_hash, &first.record_id), (second.content_hash, &second.record_id));
    assert!(second.revision > first.revision, "read later");
}

#[test]
fn delhis_correction_is_a_newer_version_and_its_repeated_line_is_not() {
    let events = run_forgetful("delhi.toml");
    let of = |id: &str| events.iter().filter(|e| e.record_id.as_str() == id).collect::<Vec<_>>();
    let [wrong, right] = of("IN-DL/7140/2024/0605/fir")[..] else { panic!() };
    assert!(right.revision > wrong.revision && right.content_hash != wrong.content_hash);
    let [line, again] = of("IN-DL/7122/2024/0290/fir")[..] else { panic!() };
    assert_eq!(line.event_id, again.event_id);
    assert_eq!(of("IN-DL/7122/2024/0290/recovery")[0].record_id.case_key(), line.record_id.case_key());
}

#[test]
fn rajasthans_elements_attributes_and_prefixes_are_read() {
    let (summary, events) = run("rajasthan.toml");
    let vehicles: Vec<_> = events[0].vehicles.iter().map(|v| v.registration.as_deref().unwrap()).collect();
    assert_eq!(vehicles, ["RJ32ZZ5101", "RJ32ZZ5102"]);
    assert_eq!(events[1].police_station.as_ref().unwrap().name, "Behror & Neemrana");
    let examples: Vec<_> = summary.quarantined.values().flat_map(|tally| tally.examples.clone()).collect();
    assert_eq!(examples, ["data/rajasthan-firs.xml:18", "data/rajasthan-firs.xml:24"]);
}

#[test]
fn karnatakas_day_numbers_are_dates_once_their_month_proves_them() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples/karnataka.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let opted_in = text.replace(
        "formats = [\"%d/%m/%Y\"] }",
        "formats = [\"%d/%m/%Y\", \"spreadsheet_day\"], month = \"Month\" }",
    );
    assert_ne!(opted_in, text);
    let config: ProducerConfig = toml::from_str(&opted_in).unwrap();
    let (summary, events) = run_with(&config.in_folder_of(&path));
    assert_eq!((summary.published, summary.quarantined_count()), (58, 3), "{summary}");
    // 42525 is 4 June 2016, and the register says April: 6 April.
    let event = events.iter().find(|event| event.record_id.as_str().ends_with("/2016/0259/fir")).unwrap();
    let reported = jiff::Timestamp::from_millisecond(event.reported_at.unwrap().at).unwrap();
    assert_eq!(reported.to_string(), "2016-04-05T18:30:00Z");
}

//! The tables of the contract against what was typed here a second time, and against each other.

use sanchar_schemas::adjacency::Adjacency;
use sanchar_schemas::district::{District, DistrictKind};
use sanchar_schemas::schema::Record;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::{StateCode, StateSet};
use std::collections::BTreeSet;

/// Every state with its neighbours on land, without the prefix `IN-`.
const NEIGHBOURS: [(&str, &str); 36] = [
    ("AN", ""),
    ("AP", "CG KA OD PY TN TS"),
    ("AR", "AS NL"),
    ("AS", "AR ML MN MZ NL TR WB"),
    ("BR", "JH UP WB"),
    ("CH", "HR PB"),
    ("CG", "AP JH MH MP OD TS UP"),
    ("DH", "GJ MH"),
    ("DL", "HR UP"),
    ("GA", "KA MH"),
    ("GJ", "DH MH MP RJ"),
    ("HR", "CH DL HP PB RJ UP"),
    ("HP", "HR JK LA PB UK UP"),
    ("JK", "HP LA PB"),
    ("JH", "BR CG OD UP WB"),
    ("KA", "AP GA KL MH TN TS"),
    ("KL", "KA PY TN"),
    ("LA", "HP JK"),
    ("LD", ""),
    ("MP", "CG GJ MH RJ UP"),
    ("MH", "CG DH GA GJ KA MP TS"),
    ("MN", "AS MZ NL"),
    ("ML", "AS"),
    ("MZ", "AS MN TR"),
    ("NL", "AR AS MN"),
    ("OD", "AP CG JH WB"),
    ("PY", "AP KL TN"),
    ("PB", "CH HP HR JK RJ"),
    ("RJ", "GJ HR MP PB UP"),
    ("SK", "WB"),
    ("TN", "AP KA KL PY"),
    ("TS", "AP CG KA MH"),
    ("TR", "AS MZ"),
    ("UP", "BR CG DL HP HR JH MP RJ UK"),
    ("UK", "HP UP"),
    ("WB", "AS BR JH OD SK"),
];

/// Rows of revenue districts by state. Delhi is one row here, Puducherry's four regions are four, and Muzaffarabad
/// stands beside the twenty of Jammu and Kashmir, because the table of borders has it so.
const DISTRICTS: &str = "AN3 AP26 AR27 AS35 BR38 CH1 CG33 DH3 DL1 GA2 GJ34 HP12 HR22 JH24 JK21 KA31 KL14 LA2 LD1 \
                         MH36 ML12 MN16 MP55 MZ11 NL17 OD30 PB23 PY4 RJ41 SK6 TN38 TR8 TS33 UK13 UP75 WB23";

fn state(code: &str) -> StateCode {
    format!("IN-{code}").parse().unwrap()
}

#[test]
fn each_state_has_the_neighbours_that_it_is_known_to_have() {
    let today = jiff::civil::date(2026, 11, 1);
    for (code, neighbours) in NEIGHBOURS {
        let expected: StateSet = neighbours.split_whitespace().map(state).collect();
        assert_eq!(Adjacency::builtin().neighbours(state(code), today), expected, "{code}");
    }
    assert_eq!(NEIGHBOURS.map(|(code, _)| state(code)).into_iter().collect::<StateSet>().len(), 36);
}

#[test]
fn the_table_of_states_is_sound() {
    let mut codes = BTreeSet::new();
    let mut lgd_codes = BTreeSet::new();
    for (i, code) in StateCode::all().enumerate() {
        let row = code.row();
        assert_eq!(usize::from(row.bit), i, "bits follow the order of the table and never change");
        assert!(matches!(row.kind.as_str(), "state" | "ut"), "{code}");
        assert!((1..=38).contains(&row.lgd_code) && lgd_codes.insert(row.lgd_code), "{code}");
        assert!(
            !row.name_en.is_empty()
                && row.name_hi.chars().all(|c| c == ' ' || ('\u{900}'..='\u{97f}').contains(&c))
        );
        for spelling in row.legacy.split(';').filter(|old| !old.is_empty()).chain([row.iso.as_str()]) {
            assert!(
                spelling.len() == 5 && spelling.starts_with("IN-") && codes.insert(spelling),
                "{spelling}"
            );
        }
    }
    assert_eq!(StateCode::all().filter(|code| code.row().kind == "ut").count(), 8);
}

#[test]
fn each_state_has_as_many_districts_as_it_is_known_to_have() {
    let mut total = 0;
    for entry in DISTRICTS.split_whitespace() {
        let (code, count) = entry.split_at(2);
        let is_of = |d: &&District| d.kind == DistrictKind::Revenue && d.state == state(code);
        assert_eq!(District::all().iter().filter(is_of).count(), count.parse::<usize>().unwrap(), "{code}");
        total += count.parse::<usize>().unwrap();
    }
    assert_eq!(total, 771);
}

#[test]
fn the_tables_of_districts_are_written_alike() {
    for district in District::all() {
        let name = &district.name;
        assert!(name.is_ascii() && name.trim() == name && !name.is_empty(), "{name}");
        for alias in &district.aliases {
            assert!(alias.trim() == alias && alias != name, "{alias} of {name}");
            let found = District::find(district.state, alias).map(|found| &found.name);
            assert_eq!(found, Some(name), "{alias}");
        }
        let is_apart = district.touching_states().is_empty();
        assert!(district.is_border().is_none_or(|is_border| is_border != is_apart), "{name}");
    }
}

#[test]
fn the_table_of_topics_is_sound() {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    for topic in Topic::all() {
        let spec = topic.spec();
        assert!((1..=64).contains(&spec.partitions), "{topic:?}");
        assert!(matches!(spec.cleanup.as_str(), "delete" | "compact"), "{topic:?}");
        // What a topic took packed by its producer's choice is put aside as we pack it.
        let largest = if topic == Topic::Dlq { 16 << 20 } else { 2 << 20 };
        assert!((64 << 10..=largest).contains(&spec.max_message_bytes), "{topic:?}");
        assert!(
            spec.retention_ms == -1 || spec.retention_ms >= 3 * DAY_MS,
            "{topic:?}: a backlog of 72 hours must fit"
        );
        let subject = match topic {
            Topic::Reported(_) => Record::CrimeEvent.subject(),
            Topic::Shared(_) => Record::SharedCrimeEvent.subject(),
            Topic::Dlq | Topic::Register | Topic::Redriven => "",
        };
        assert_eq!(spec.subject, subject, "{topic:?}");
        let words = [&spec.about, &spec.key, &spec.writers, &spec.readers];
        assert!(words.into_iter().all(|text| !text.is_empty()), "{topic:?}");
        assert_eq!(spec.name.contains("{state}"), matches!(topic, Topic::Reported(_) | Topic::Shared(_)));
    }
    // What is delivered is what was reported and a little more; what is refused must fit as it is.
    let bytes = |topic: Topic| topic.spec().max_message_bytes;
    let [reported, shared] = [bytes(Topic::Reported(state("DL"))), bytes(Topic::Shared(state("DL")))];
    assert!(shared >= reported + (64 << 10) && bytes(Topic::Dlq) >= reported + (64 << 10));
    assert_eq!(Topic::Register.spec().partitions, 1, "each further partition makes every transaction dearer");
    for topic in [Topic::Register, Topic::Redriven] {
        assert_eq!(topic.spec().cleanup, "compact");
    }
}

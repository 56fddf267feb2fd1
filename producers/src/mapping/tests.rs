//! A row through a whole mapping: what is published, what is not, and why.

mod ruled_out;

use super::*;
use sanchar_schemas::event::{EventKind, TimePrecision, WithholdingReason};

const NOW_MS: i64 = 1_700_000_000_000;

const RULES: &str = r#"
[rows]
null_values = ["NULL", "--"]
parts = [{ column = "FIRNo", patterns = ["{number:digits}/{year:digits}"] }]
skip = [{ reason = "column_numbers", when = { column = "FIRNo", one_of = ["-3"] } }]
checks = [{ column = "Month", equals = "reported_at.month" }]
not_carried = [
    { column = "Facts", path = "narrative", reason = "FREE_TEXT_NOT_CLEARED" },
    { column = "Name", path = "persons[0].name" },
]

[mapping]
kind = [
    { is = "MISSING_PERSON", when = { column = "Head", one_of = ["Man", "Women", "Boy", "Girl"] } },
    { is = "FIR" },
]
reported_at = { column = "Date", formats = ["%d/%m/%Y"] }
occurred_from = { column = "From", formats = ["%d/%m/%Y %H:%M", "%d/%m/%Y"] }
occurred_to = { column = "To", formats = ["%d/%m/%Y %H:%M"] }

[mapping.police_station]
name = { column = "Station", remove_prefix = ["थाना"] }

[mapping.fir]
number = { column = "number" }
year = { column = "year", century = 2000 }

[mapping.place]
locality = "Village"

[mapping.sections]
column = "Sections"
order = "act_first"
unknown_act = "keep"

[mapping.counts]
victims_girl = { column = "Girl", null_values = ["0"] }

[[mapping.vehicles]]
role = { constant = "STOLEN" }
registration = "Vehicle"
"#;

const COLUMNS: [&str; 13] = [
    "Station", "FIRNo", "Month", "Date", "From", "To", "Head", "Sections", "Village", "Girl", "Vehicle",
    "Facts", "Name",
];

#[derive(serde::Deserialize)]
struct Rules {
    rows: Rows,
    mapping: Mapping,
}

fn mapper() -> Mapper {
    mapper_with(RULES).unwrap()
}

fn mapper_with(rules: &str) -> Result<Mapper, UnknownColumn> {
    let Rules { rows, mapping } = toml::from_str(rules).unwrap();
    rows.check().unwrap();
    Mapper::bind(
        "IN-MP".parse().unwrap(),
        &rows,
        &mapping,
        &Withholding::default(),
        &Columns::new(COLUMNS),
        "fir.csv",
        Arc::default(),
    )
}

/// A sound row with some of its cells replaced.
fn row(changes: &[(&str, &str)]) -> Vec<String> {
    let sound = [
        ("Station", "थाना विजयनगर\u{a0}"),
        ("FIRNo", "97/18"),
        ("Month", "3"),
        ("Date", "1/3/2018"),
        ("Head", "Theft"),
        ("Sections", "IPC 1860 U/s: 379 "),
        ("Village", "SULEBAVI"),
        ("Girl", "0"),
    ];
    let cell = |column: &&str| {
        let changed = changes.iter().chain(&sound).find(|(name, _)| name == column);
        changed.map_or_else(String::new, |(_, text)| (*text).to_owned())
    };
    COLUMNS.iter().map(cell).collect()
}

fn map(changes: &[(&str, &str)]) -> Verdict {
    let cells = row(changes);
    let raw = cells.join(",");
    let cells = cells.iter().map(|cell| Cow::Borrowed(cell.as_str())).collect();
    mapper().map(SourceRow { raw: raw.as_bytes(), cells }, Reading { now_ms: NOW_MS, revision: NOW_MS })
}

fn event(changes: &[(&str, &str)]) -> CrimeEvent {
    match map(changes) {
        Verdict::Event(event) => *event,
        other => panic!("{other:?}"),
    }
}

fn rejection(changes: &[(&str, &str)]) -> (Reason, String) {
    match map(changes) {
        Verdict::Rejected(rejection) => (rejection.reason, rejection.field),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_sound_row_is_an_event() {
    let event = event(&[("Vehicle", "MP09AB1234")]);
    assert_eq!(event.record_id.as_str(), "IN-MP/विजयनगर/2018/97/fir");
    assert_eq!(event.record_id.case_key(), "IN-MP/विजयनगर/2018/97");
    assert_eq!(event.kind, EventKind::Fir);
    assert_eq!((event.revision, event.published_at), (NOW_MS, NOW_MS));
    assert_eq!(event.reported_at.unwrap().precision, TimePrecision::Day);
    assert_eq!(event.sections[0].act, "IPC");
    assert_eq!(event.vehicles[0].registration.as_deref(), Some("MP09AB1234"));
    assert_eq!(event.place.as_ref().unwrap().locality.as_deref(), Some("SULEBAVI"));
    assert!(event.counts.is_none() && event.withheld.is_empty() && event.persons.is_empty());
    assert!(validate::violations(&event).is_empty());
}

#[test]
fn the_same_row_read_twice_has_the_same_content() {
    let (first, second) = (event(&[]), event(&[]));
    assert_eq!(first.event_id, second.event_id);
    assert_ne!(first.content_hash, event(&[("Village", "MADAPUR")]).content_hash);
    assert_ne!(first.source_sha256, event(&[("Facts", "x")]).source_sha256);
}

#[test]
fn spreadsheet_damage_and_contradictions_go_to_quarantine() {
    for (changes, reason, field) in [
        (&[("FIRNo", "Feb-18")][..], Reason::PatternMismatch, "FIRNo"),
        (&[("FIRNo", "43313")], Reason::PatternMismatch, "FIRNo"),
        (&[("FIRNo", "")], Reason::MissingValue, "fir.number"),
        (&[("Station", "--")], Reason::MissingValue, "police_station"),
        (&[("Station", "A/B")], Reason::BadIdentity, "record_id"),
        (&[("Date", "42706")], Reason::BadDate, "reported_at"),
        (&[("Date", "3/1/2018")], Reason::CheckFailed, "Month"),
        (&[("Date", "1/3/2038")], Reason::FutureDate, "reported_at"),
        (&[("From", "2/3/2018")], Reason::TimeOrder, "reported_at"),
        (&[("From", "1/3/2018 23:50"), ("To", "1/3/2018 0:15")], Reason::TimeOrder, "occurred_to"),
        (&[("Sections", "34,")], Reason::SectionWithoutAct, "sections"),
        (&[("Village", "AMINAGAD â€“ KAMATAGI")], Reason::DoubleEncoded, "Village"),
        (&[("Girl", "one")], Reason::BadNumber, "counts.victims_girl"),
        (&[("Girl", "-1")], Reason::BadNumber, "counts.victims_girl"),
        (&[("Sections", "UAPA U/s: 17")], Reason::Restricted, "sections"),
    ] {
        assert_eq!(rejection(changes), (reason, field.to_owned()), "{changes:?}");
    }
}

#[test]
fn what_keeps_parts_from_naming_a_record_is_told_with_the_remedy() {
    let told = |rules: &str, changes: &[(&str, &str)]| {
        let cells = row(changes);
        let cells = cells.iter().map(|cell| Cow::Borrowed(cell.as_str())).collect();
        let reading = Reading { now_ms: NOW_MS, revision: NOW_MS };
        match mapper_with(rules).unwrap().map(SourceRow { raw: b"", cells }, reading) {
            Verdict::Rejected(rejection) => format!("{} {}", rejection.field, rejection.message),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        told(RULES, &[("Station", "A/B")]),
        "record_id the police station holds a slash, which parts a record's name: write another mark"
    );
    let hidden = told(RULES, &[("Station", "A\u{7}B")]);
    assert!(
        hidden.contains("the police station holds a control character") && !hidden.contains("slash"),
        "{hidden}"
    );
    let without_century = RULES.replace("{ column = \"year\", century = 2000 }", "\"year\"");
    let year = told(&without_century, &[]);
    assert!(year.starts_with("fir.year has no four digits") && year.contains("century = 2000"), "{year}");
}

#[test]
fn what_is_no_age_is_not_taken_for_that_of_a_grown_up() {
    let rules = format!("{RULES}\n[[mapping.persons]]\nrole = {{ constant = 'VICTIM' }}\nage_years = 'Name'");
    let rules = rules.replace("{ column = \"Name\", path = \"persons[0].name\" },", "");
    for age in ["2012", "999", "-3"] {
        let cells = row(&[("Name", age)]);
        let cells = cells.iter().map(|cell| Cow::Borrowed(cell.as_str())).collect();
        let reading = Reading { now_ms: NOW_MS, revision: NOW_MS };
        match mapper_with(&rules).unwrap().map(SourceRow { raw: b"", cells }, reading) {
            Verdict::Rejected(rejection) => assert_eq!(rejection.field, "persons[0].age_years", "{age}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_row_that_is_left_out_is_counted_even_if_it_could_not_be_read() {
    assert_eq!(map(&[("FIRNo", "-3"), ("Date", "-9")]), Verdict::Skipped(0));
}

#[test]
fn a_time_on_the_day_of_registration_is_in_order() {
    assert!(event(&[("From", "1/3/2018 14:00")]).occurred_from.is_some());
}

#[test]
fn what_is_not_carried_is_listed_where_it_has_a_value() {
    let withheld = event(&[("Facts", "x"), ("Name", "NULL")]).withheld;
    assert_eq!(withheld.len(), 1);
    assert_eq!(withheld[0].path, "narrative");
    assert_eq!(withheld[0].reason, WithholdingReason::FreeTextNotCleared);
    let broken = event(&[("Facts", "1Â¸st")]);
    assert!(broken.narrative.is_none(), "a column that stays may be broken");
}

#[test]
fn what_an_export_writes_for_no_name_is_no_name() {
    // What stands in the place of a case about a child does not stand in an alias either.
    let rules = RULES
        .replace("    { column = \"Name\", path = \"persons[0].name\" },\n", "")
        .replace("[mapping.place]\nlocality = \"Village\"\n", "")
        + "[[mapping.persons]]\nrole = { constant = 'ACCUSED' }\nname = 'Name'\nage_years = 'Girl'\nrelative = 'Head'\naliases = { column = 'Village', split = [';'] }";
    let person = |name: &str, age: &str, relative: &str, alias: &str| {
        let cells = row(&[("Name", name), ("Girl", age), ("Head", relative), ("Village", alias)]);
        let cells = cells.iter().map(|cell| Cow::Borrowed(cell.as_str())).collect();
        let reading = Reading { now_ms: NOW_MS, revision: NOW_MS };
        match mapper_with(&rules).unwrap().map(SourceRow { raw: b"", cells }, reading) {
            Verdict::Event(event) => event.persons.first().cloned(),
            other => panic!("{other:?}"),
        }
    };
    for nothing in
        ["????", "-", "N.A.", "n/a", "NIL", "Unknown", "UNKNOWN.", "Not Known", "अज्ञात", "नामालूम", "."]
    {
        let found = person(nothing, "34", nothing, &format!("{nothing}; Kaluxyz")).unwrap();
        assert_eq!((found.name, found.age_years, found.relative), (None, Some(34), None), "{nothing}");
        assert_eq!(found.aliases, ["Kaluxyz"], "{nothing}");
        assert_eq!(person(nothing, "", "", ""), None, "{nothing}");
    }
    for name in ["Nilxyz", "Na Ram", "Noneet", "अज्ञातxyz", "R.", "Unknown alias Kalu"] {
        assert_eq!(person(name, "34", "", "").unwrap().name.as_deref(), Some(name));
    }
}

#[test]
fn the_place_of_an_offence_against_a_child_is_withheld() {
    for changes in [
        &[("Girl", "1")][..],
        &[("Sections", "IPC 1860 U/s: 376(2)(n)")],
        &[("Sections", "POCSO ACT 2012 U/s: 12")],
        &[("Sections", "Prohibition of Child Marriage Act 2006 U/s: 9")],
        &[("Head", "Girl"), ("Girl", "1")],
    ] {
        let event = event(changes);
        assert!(event.place.is_none(), "{changes:?}");
        assert_eq!(event.withheld[0].path, "place");
        assert_eq!(event.withheld[0].reason, WithholdingReason::PlaceIdentifies);
    }
}

#[test]
fn a_column_that_the_source_lacks_is_refused_with_its_place_in_the_mapping() {
    for (from, to, message) in [
        (
            "locality = \"Village\"",
            "locality = \"Vilage\"",
            "mapping.place.locality names the column `Vilage`",
        ),
        ("column = \"Facts\"", "column = \"Fact\"", "rows.not_carried[0] names the column `Fact`"),
        ("column = \"Head\"", "column = \"Hed\"", "mapping.kind[0].when names the column `Hed`"),
        ("registration = \"Vehicle\"", "registration = \"Vehicl\"", "mapping.vehicles[0].registration names"),
    ] {
        let error = mapper_with(&RULES.replace(from, to)).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
        assert!(error.contains("fir.csv does not have: did you mean"), "{error}");
    }
}

#[test]
fn a_row_without_its_revision_is_not_given_another_kind() {
    let rules = RULES.replace("[mapping.place]", "[mapping.record]\nrevision = 'Girl'\n[mapping.place]");
    let cells = row(&[("Girl", "")]);
    let cells = cells.iter().map(|cell| Cow::Borrowed(cell.as_str())).collect();
    let reading = Reading { now_ms: NOW_MS, revision: NOW_MS };
    match mapper_with(&rules).unwrap().map(SourceRow { raw: b"", cells }, reading) {
        Verdict::Rejected(rejection) => assert_eq!(rejection.field, "record.revision"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_mapping_says_what_tells_versions_apart() {
    assert_eq!(mapper().versions(), Versions::OncePerReading);
    let with_revision =
        RULES.replace("[mapping.place]", "[mapping.record]\nrevision = 'Girl'\n[mapping.place]");
    assert_eq!(mapper_with(&with_revision).unwrap().versions(), Versions::OfTheSource);
    let updating = RULES.replace("[rows]", "[rows]\nsame_record = 'update'");
    assert_eq!(mapper_with(&updating).unwrap().versions(), Versions::LaterIsNewer);
}

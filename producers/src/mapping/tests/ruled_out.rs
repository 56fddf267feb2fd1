//! Rows that time, damage or an export's leftovers rule out: they go to quarantine and are never published as they stand.

use super::*;

/// What becomes of a row of station, number, year, report and version under these rules.
fn judged(more: &str, cells: [&str; 5]) -> Result<CrimeEvent, (Reason, String)> {
    let rules = format!(
        "[rows]\n[mapping]\nkind = {{ constant = 'FIR' }}\nreported_at = {{ column = 'reported', formats = ['%d/%m/%Y'] }}\n\
         [mapping.police_station]\nname = 'station'\n[mapping.fir]\nnumber = 'number'\nyear = 'year'\n{more}"
    );
    let Rules { rows, mapping } = toml::from_str(&rules).unwrap();
    let columns = Columns::new(["station", "number", "year", "reported", "version"]);
    let withholding = Withholding::default();
    let state = "IN-TN".parse().unwrap();
    let mapper =
        Mapper::bind(state, &rows, &mapping, &withholding, &columns, "f.csv", Arc::default()).unwrap();
    let cells = cells.map(Cow::Borrowed).to_vec();
    match mapper.map(SourceRow { raw: b"", cells }, Reading { now_ms: NOW_MS, revision: NOW_MS }) {
        Verdict::Event(event) => Ok(*event),
        Verdict::Rejected(rejection) => Err((rejection.reason, rejection.field)),
        Verdict::Skipped(_) => panic!("no rule says so"),
    }
}

fn refused(cells: [&str; 4]) -> Option<(Reason, String)> {
    judged("", [cells[0], cells[1], cells[2], cells[3], ""]).err()
}

#[test]
fn a_case_number_has_the_year_of_its_report() {
    for (year, reported) in [("2023", "5/9/2023"), ("2023", "2/1/2022"), ("2022", "2/1/2023"), ("2023", "")] {
        assert_eq!(refused(["Adyar", "7", year, reported]), None, "{year} {reported}");
    }
    for (year, reported, reason) in [
        ("1899", "5/9/2023", Reason::CheckFailed),
        ("2013", "5/9/2023", Reason::CheckFailed),
        ("2099", "5/9/2023", Reason::CheckFailed),
        ("2025", "", Reason::FutureDate),
        ("2024", "5/9/2023", Reason::FutureDate),
    ] {
        assert_eq!(
            refused(["Adyar", "7", year, reported]),
            Some((reason, "fir.year".into())),
            "{year} {reported}"
        );
    }
}

#[test]
fn what_an_export_left_in_a_number_names_no_record() {
    for number in ["#REF!", "NULL", "-", "1.05E+16", "97.0"] {
        let expected = Some((Reason::BadIdentity, "fir.number".into()));
        assert_eq!(refused(["Adyar", number, "2023", "5/9/2023"]), expected, "{number}");
    }
    let station = refused(["#N/A", "7", "2023", "5/9/2023"]);
    assert_eq!(station, Some((Reason::BadIdentity, "police_station.name".into())));
}

#[test]
fn a_name_of_which_letters_are_lost_is_not_published() {
    for station in ["????", "थाना ???", "fotuxj ¼Fkkuk½", "à¤¥à¤¾à¤¨à¤¾", "\u{fffd}\u{fffd}"]
    {
        let (reason, field) = refused([station, "7", "2023", "5/9/2023"]).unwrap();
        assert_eq!(reason, Reason::DoubleEncoded, "{station}");
        assert!(field == "police_station.name" || field == "station", "{field}");
    }
}

#[test]
fn one_record_has_one_name_whatever_the_keyboard() {
    let id = |station, number| {
        judged("", [station, number, "2023", "5/9/2023", ""]).unwrap().record_id.to_string()
    };
    assert_eq!(id("Cafe\u{301}", "7"), id("Caf\u{e9}", "7"));
    assert_eq!(id("Ｂａｓａｖａ PS", "７"), "IN-TN/BASAVA PS/2023/7/fir");
    assert_eq!(id("Adyar", "e\u{301}1"), id("Adyar", "\u{e9}1"));
    assert_eq!(id("Adyar", "\u{95c}1"), id("Adyar", "\u{921}\u{93c}1"));
}

#[test]
fn a_version_of_tomorrow_would_hide_every_true_change() {
    let time = "[mapping.record]\nrevision = { column = 'version', formats = ['%d/%m/%Y'] }";
    let number = "[mapping.record]\nrevision = 'version'";
    let row = |version| ["Adyar", "7", "2023", "5/9/2023", version];
    assert_eq!(judged(time, row("5/10/2023")).unwrap().revision, 1_696_444_200_000);
    assert_eq!(judged(number, row("1696444200000000")).unwrap().revision, 1_696_444_200_000_000);
    for (rules, version) in [(time, "05/10/2094"), (number, "9223372036854775807")] {
        let expected = (Reason::FutureDate, "record.revision".to_owned());
        assert_eq!(judged(rules, row(version)).unwrap_err(), expected, "{version}");
    }
}

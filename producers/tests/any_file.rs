//! Whatever a file holds, reading it ends, every row is accounted for, and nothing panics.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

use proptest::prelude::*;
use sanchar_producer::{ProducerConfig, dry_run};

const SETTINGS: &str = r#"
[state]
code = "IN-GA"
[source]
files = ["any.csv"]
format = "csv"
header = false
columns = ["Station", "No", "Year", "Date", "Sections"]
max_row_bytes = 1024
[rows]
parts = [{ column = "No", patterns = ["{number:digits}/{_}", "{number:digits}"] }]
[mapping]
kind = { constant = "FIR" }
reported_at = { column = "Date", formats = ["%d/%m/%Y %H:%M", "%d/%m/%Y"] }
[mapping.police_station]
name = "Station"
[mapping.fir]
number = "number"
year = { column = "Year", century = 2000 }
[mapping.sections]
column = "Sections"
order = "sections_first"
separators = ",/."
bare = { act = "IPC", sections = ["379"] }
"#;

/// Pieces of rows, sound and broken.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "[0-9/:,. (){}\"\r\nA-Dक-घ०-९-]{0,12}".prop_map(String::into_bytes),
        2 => Just(b"Panaji,12,2024,1/3/2018,379 IPC\n".to_vec()),
        1 => Just("पणजी,१२/२४,24,1/3/2018 10:00,\"379, 25 Arms Act\"\r\n".as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
        1 => Just(vec![b'x'; 1500]),
    ]
}

/// The same settings for documents.
fn document_settings(format: &str) -> String {
    let record = if format == "xml" { "record = \"fir\"\n" } else { "" };
    SETTINGS
        .replace("any.csv", "any.doc")
        .replace("format = \"csv\"\nheader = false", &format!("format = \"{format}\"\n{record}"))
}

/// Pieces of documents, sound and broken.
fn document_piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "[", "]", "{", "}", ",", ",\n", ":", "\"", "\\", "\n", "\"No\"", "12", "null", "<firs>", "</firs>", "<fir>", "</fir>",
            "<fir/>", "<No>12/24", "</No>", "<!--", "-->", "<![CDATA[", "]]>", "&amp;", "&x;", "<!DOCTYPE",
        ]).prop_map(|piece| piece.as_bytes().to_vec()),
        3 => Just(b"{\"Station\": \"Panaji\", \"No\": \"12/24\", \"Year\": 2024, \"Sections\": \"379 IPC\"},\n".to_vec()),
        3 => Just(b"<fir><Station>Panaji</Station><No>12/24</No><Year>2024</Year><Sections>379 IPC</Sections></fir>\n".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..8),
        1 => Just(vec![b'x'; 1500]),
    ]
}

proptest! {
    #[test]
    fn every_row_of_a_document_is_accounted_for(
        pieces in prop::collection::vec(document_piece(), 0..24), format in prop::sample::select(vec!["json", "xml"]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let opening = if format == "json" { &b"["[..] } else { b"<firs>" };
        std::fs::write(folder.path().join("any.doc"), [opening, &pieces.concat()].concat()).unwrap();
        let config: ProducerConfig = toml::from_str(&document_settings(format)).unwrap();
        let config = config.in_folder_of(&folder.path().join("goa.toml"));
        let mut shown = 0;
        let run = dry_run(&config, 1_730_419_200_000, &mut |_| { shown += 1; Ok(()) }, &mut |_| {});
        // A document type before the first row is a refusal of the file.
        let Ok(summary) = run else { return Ok(()) };
        prop_assert!(summary.adds_up(), "{summary}");
        prop_assert_eq!(shown, summary.published + summary.quarantined_count());
    }

    #[test]
    fn every_row_is_accounted_for(pieces in prop::collection::vec(piece(), 0..24)) {
        let folder = tempfile::tempdir().unwrap();
        let bytes = pieces.concat();
        std::fs::write(folder.path().join("any.csv"), &bytes).unwrap();
        let config: ProducerConfig = toml::from_str(SETTINGS).unwrap();
        let config = config.in_folder_of(&folder.path().join("goa.toml"));
        // A file that begins as UTF-16 is refused as a whole.
        prop_assume!(!bytes.starts_with(&[0xff, 0xfe]) && !bytes.starts_with(&[0xfe, 0xff]));
        let mut shown = 0;
        let summary = dry_run(&config, 1_730_419_200_000, &mut |_| { shown += 1; Ok(()) }, &mut |_| {}).unwrap();
        prop_assert!(summary.adds_up(), "{summary}");
        prop_assert_eq!(shown, summary.published + summary.quarantined_count());
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
        prop_assert_eq!(summary.read > 0, lines > 0 || bytes.contains(&b'\n'));
    }
}

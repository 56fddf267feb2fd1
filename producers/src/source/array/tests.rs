//! Lists as they should be, every way in which they are not, and agreement with an independent reader.

use std::io::Read;

use super::*;
use crate::source::rows::{Next, RowReader};
use crate::source::scan::Shape;
use proptest::prelude::*;

const MAX: usize = 1 << 12;

/// Gives a few bytes at a time, so that every row lies across two readings.
struct Drops<'b>(&'b [u8], usize);

impl Read for Drops<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.1.min(self.0.len());
        let (now, rest) = self.0.split_at(length);
        self.0 = rest;
        buffer[..length].copy_from_slice(now);
        Ok(length)
    }
}

/// Text, line and reason of every element, and how the list ends.
fn read(text: &[u8], step: usize) -> (Vec<(String, u64, Option<Reason>)>, String) {
    let mut reader = RowReader::new(Drops(text, step), MAX);
    let mut found = Vec::new();
    let single = match reader.next_row(Shape::ArrayStart).unwrap() {
        Next::Row(row) => row.bytes.last() != Some(&b'['),
        Next::Broken(broken) => return (found, format!("{}: {}", broken.line, broken.problem)),
        _ => return (found, "empty".into()),
    };
    loop {
        let first = reader.position().rows == 0;
        match reader.next_row(Shape::Array { first, single }).unwrap() {
            Next::Row(row) => {
                reader.count_row();
                let text = String::from_utf8_lossy(&row.bytes).into_owned();
                found.push((text, row.line, row.fault.map(|fault| fault.reason)));
            }
            Next::Tail(row) => return (found, format!("open: {}", String::from_utf8_lossy(&row.bytes))),
            Next::End => return (found, "closed".into()),
            Next::Broken(broken) => return (found, format!("{}: {}", broken.line, broken.problem)),
            Next::Wait => panic!("nothing blocks"),
        }
    }
}

fn sound(texts: &[(&str, u64)]) -> Vec<(String, u64, Option<Reason>)> {
    texts.iter().map(|(text, line)| ((*text).to_owned(), *line, None)).collect()
}

#[test]
fn elements_are_found_however_they_are_laid_out() {
    for step in [1, 3, 1000] {
        for (text, elements) in [
            ("[]", vec![]),
            (" \n[ ] \n", vec![]),
            (r#"[{"a":1},{"b":[2,{"c":"}]"}]}]"#, vec![(r#"{"a":1}"#, 1), (r#"{"b":[2,{"c":"}]"}]}"#, 1)]),
            (
                "[\n  {\n    \"a\": 1\n  },\n  {\n    \"b\": 2\n  }\n]\n",
                vec![("{\n    \"a\": 1\n  }", 2), ("{\n    \"b\": 2\n  }", 5)],
            ),
            (
                "[{\"a\":\"x\\\"\"}\r\n, {\"b\":\"\\\\\"}\r\n]",
                vec![("{\"a\":\"x\\\"\"}", 1), ("{\"b\":\"\\\\\"}", 2)],
            ),
            ("[1, \"x, y\" ,null,[2]]", vec![("1", 1), ("\"x, y\"", 1), ("null", 1), ("[2]", 1)]),
            ("\n{\"a\": 1}\n", vec![("{\"a\": 1}", 2)]),
        ] {
            assert_eq!(read(text.as_bytes(), step), (sound(&elements), "closed".into()), "{text}");
        }
    }
}

#[test]
fn a_list_that_is_not_closed_is_still_being_written() {
    for (text, count, rest) in [
        ("[", 0, ""),
        ("[{\"a\":1}", 1, ""),
        ("[{\"a\":1},", 1, ""),
        ("[{\"a\":1},\n{\"b\": \"x", 1, "{\"b\": \"x"),
        ("{\"a\": [1,", 0, "{\"a\": [1,"),
    ] {
        let (found, end) = read(text.as_bytes(), 2);
        assert_eq!((found.len(), end), (count, format!("open: {rest}")), "{text}");
    }
    assert_eq!(read(b" \n ", 2).1, "empty");
}

#[test]
fn a_broken_element_costs_itself_where_the_next_is_certain() {
    let bad = Some(Reason::BadJson);
    for broken in [
        "{\"a\": [1}",
        "{\"a\": \"open}",
        "{\"a\": {\"b\": 1}",
        "{\"a\": \"line\nbreak\"}",
        "{{}}",
        "{\"a\":1,2}",
    ] {
        for (before, between) in
            [("[\n", ",\n"), ("[\n  ", ",\n  "), ("[{\"z\":0}\r\n, ", "\r\n, "), ("[", ",\n")]
        {
            let text = format!("{before}{broken}{between}{{\"ok\":1}}{between}{{\"ok\":2}}\n]\n");
            for step in [1, 1000] {
                let (found, end) = read(text.as_bytes(), step);
                let found: Vec<_> = found.iter().filter(|row| row.0 != "{\"z\":0}").collect();
                assert_eq!((&*found[0].0, found[0].2), (broken, bad), "{text}");
                assert_eq!((&*found[1].0, found[1].2), ("{\"ok\":1}", None), "{text}");
                assert_eq!((found.len(), &*end), (3, "closed"), "{text}");
            }
        }
    }
}

#[test]
fn where_no_place_is_certain_the_rest_is_refused_by_its_line() {
    for (text, count, end) in [
        ("[{\"a\":1},\n{\"a\":]}, {\"b\":1}]", 1, "2: has an element whose brackets or quotes do not fit"),
        ("[{\"a\":1}\n{\"b\":1}]", 1, "2: has no comma between two elements"),
        ("[{\"a\":1}},\n{\"b\":1}]", 1, "1: has no comma between two elements"),
        ("[{\"a\":1},\n]", 1, "2: has a comma with no element behind it"),
        ("[,]", 0, "1: has a comma with no element"),
        ("[{\"a\":1}]\n{\"b\":1}", 1, "2: holds more than one document: for one object per line"),
        ("{\"a\":1}\n{\"b\":1}\n", 1, "2: holds more than one document: for one object per line"),
        ("[]]", 0, "1: goes on behind its end"),
        ("a,b\n1,2\n", 0, "1: is no json list of objects"),
        ("\"text\"", 0, "1: is no json list of objects"),
    ] {
        for step in [1, 1000] {
            let (found, how) = read(text.as_bytes(), step);
            assert_eq!(found.len(), count, "{text}");
            assert!(how.starts_with(end), "{how}\nshould be\n{end}");
        }
    }
}

#[test]
fn an_element_of_ten_megabytes_costs_itself_in_little_memory() {
    for long in [
        format!("{{\"facts\": \"{}\"}}", "x".repeat(10 << 20)),
        format!("{{\"facts\": \"{}\n", "x".repeat(10 << 20)),
        format!("{{\"facts\": {}", "[".repeat(10 << 20)),
    ] {
        let text = format!("[\n{{\"a\":1}},\n{long},\n{{\"b\":2}}\n]");
        let (found, end) = read(text.as_bytes(), 1 << 16);
        assert_eq!(found[0].0, "{\"a\":1}");
        assert_eq!((found[1].0.len(), found[1].2), (MAX, Some(Reason::RowTooLarge)));
        if long.contains('[') {
            // Nothing closes it, and what follows is not certain.
            assert_eq!((found.len(), &*end), (2, "open: "));
        } else {
            assert_eq!((&*found[2].0, &*end), ("{\"b\":2}", "closed"));
        }
    }
}

#[test]
fn deep_nesting_is_counted_and_not_followed() {
    let deep = format!("[{}1{},\n{{\"b\":2}}]", "[".repeat(1000), "]".repeat(1000));
    let (found, end) = read(deep.as_bytes(), 1000);
    assert_eq!((found.len(), &*end), (2, "closed"));
    let unlike = format!("[{}1{}]", "{\"a\":[".repeat(200), "]}".repeat(200));
    assert_eq!(read(unlike.as_bytes(), 1000).1, "closed");
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(serde_json::Value::from),
        any::<bool>().prop_map(serde_json::Value::from),
        "[a-z\"\\\\{}\\[\\],:\n क]{0,8}".prop_map(serde_json::Value::from),
        Just(serde_json::Value::Null),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::vec(("[a-z\"{,]{0,4}", inner), 0..4)
                .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_list_is_read_as_an_independent_reader_reads_it(
        list in prop::collection::vec(json(), 0..6), pretty: bool, step in 1..40_usize,
    ) {
        let text = if pretty { serde_json::to_string_pretty(&list) } else { serde_json::to_string(&list) }.unwrap();
        let (found, end) = read(text.as_bytes(), step);
        let found: Vec<serde_json::Value> = found.iter().map(|row| serde_json::from_str(&row.0).unwrap()).collect();
        prop_assert_eq!(found, list);
        prop_assert_eq!(end, "closed");
    }

    #[test]
    fn any_bytes_come_to_an_end_and_no_sound_element_before_the_damage_is_lost(
        list in prop::collection::vec(json(), 1..6), at: prop::sample::Index, byte in prop::sample::select(b"{}[]\",:\n\\x".to_vec()),
    ) {
        let mut text = serde_json::to_vec(&list).unwrap();
        let at = at.index(text.len());
        let sound = serde_json::to_vec(&list).unwrap();
        text[at] = byte;
        let whole = read(&sound, 7).0;
        let (found, _) = read(&text, 7);
        let mut end = 1;
        for (row, (element, ..)) in whole.iter().enumerate() {
            end += element.len();
            if end >= at {
                break;
            }
            prop_assert_eq!(&found[row].0, element);
            end += 1;
        }
    }
}

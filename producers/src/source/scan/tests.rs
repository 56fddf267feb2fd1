//! Rows as they should be, every way in which they are not, and agreement with an independent reader.

use super::*;
use proptest::prelude::*;

const MAX: usize = 64;

/// Splits a whole file: text and reason of every row, `…` in front of an unterminated one.
fn rows(text: &str, fields: Option<usize>) -> Vec<(String, Option<Reason>)> {
    let mut found = Vec::new();
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let shape = Shape::Csv { delimiter: b',', fields };
        let (extent, mark) = match scan(rest, shape, true, MAX) {
            Scan::Row(extent) => (extent, ""),
            Scan::Tail(extent) => (extent, "…"),
            other => panic!("{other:?}"),
        };
        let content = String::from_utf8_lossy(&rest[..extent.content]);
        found.push((format!("{mark}{content}"), extent.fault.map(|fault| fault.reason)));
        rest = &rest[extent.length..];
    }
    found
}

fn sound(texts: &[&str]) -> Vec<(String, Option<Reason>)> {
    texts.iter().map(|text| ((*text).to_owned(), None)).collect()
}

#[test]
fn line_breaks_end_rows_outside_quotes() {
    assert_eq!(rows("a,b\r\nc,d\n", Some(2)), sound(&["a,b", "c,d"]));
    assert_eq!(rows("\"x\r\ny\",b\r\n", Some(2)), sound(&["\"x\r\ny\",b"]));
    assert_eq!(rows("a,\"say \"\"x\"\", y\"\n", Some(2)), sound(&["a,\"say \"\"x\"\", y\""]));
    assert_eq!(
        rows("5'6\" tall,b\n", Some(2)),
        sound(&["5'6\" tall,b"]),
        "a quote inside a bare field is a letter"
    );
    assert_eq!(rows("a,b\n\n\r\nc,d\n", Some(2)), sound(&["a,b", "", "", "c,d"]));
    assert_eq!(rows("", Some(2)), sound(&[]));
}

#[test]
fn a_last_line_without_a_break_is_a_tail() {
    assert_eq!(rows("a,b\nc,d", Some(2)), sound(&["a,b", "…c,d"]));
    assert_eq!(rows("a,b\nc", Some(2)), [("a,b".into(), None), ("…c".into(), Some(Reason::ColumnCount))]);
    assert_eq!(rows("a,\"b", Some(2)), [("…a,\"b".into(), Some(Reason::BadQuotes))]);
}

#[test]
fn a_wrong_number_of_fields_is_named() {
    assert_eq!(rows("a,b,c\n", Some(2)), [("a,b,c".into(), Some(Reason::ColumnCount))]);
    assert_eq!(rows("a,b,c\n", None), sound(&["a,b,c"]));
}

#[test]
fn an_open_quote_costs_its_own_line_and_no_other() {
    let bad = |text: &str| (text.to_owned(), Some(Reason::BadQuotes));
    let good = |text: &str| (text.to_owned(), None);
    // The next quote stands beside other text.
    assert_eq!(rows("a,\"b\nc,\"d\"\ne,f\n", Some(2)), [bad("a,\"b"), good("c,\"d\""), good("e,f")]);
    // The next quote closes the field, but the number of fields is wrong then.
    assert_eq!(rows("a,\"b\nc,d\ne,\",x\nf,g\n", Some(2))[..2], [bad("a,\"b"), good("c,d")]);
    // The next quote closes the field, and the swallowed lines look like rows.
    let found = rows("a,b,\"c,d\ne,f,g,h\ni,j,k,\"\nl,m,n,o\n", Some(4));
    // What its last line leaves open is a tail, whose first line the reader gives up in the same way.
    assert_eq!(found, [bad("a,b,\"c,d"), good("e,f,g,h"), bad("…i,j,k,\"\nl,m,n,o\n")]);
    // Nothing closes it before a row may be no longer.
    let long = format!("a,\"b\n{}", "c,d\n".repeat(40));
    let found = rows(&long, Some(2));
    assert_eq!((found[0].clone(), found.len()), (bad("a,\"b"), 41));
    assert!(found[1..].iter().all(|row| *row == good("c,d")));
    // On one line.
    assert_eq!(rows("\"a\"b,c\nd,e\n", Some(2)), [bad("\"a\"b,c"), good("d,e")]);
}

#[test]
fn a_long_line_is_found_before_it_is_read_whole() {
    let csv = Shape::Csv { delimiter: b',', fields: Some(2) };
    for shape in [csv, Shape::Lines] {
        assert_eq!(scan(&[b'x'; MAX + 1], shape, false, MAX), Scan::TooLong(0));
        assert_eq!(scan(&[b'x'; MAX], shape, false, MAX), Scan::More);
    }
    let quoted = format!("\"{}", "x".repeat(MAX));
    assert_eq!(scan(quoted.as_bytes(), csv, false, MAX), Scan::TooLong(0));
    let line = format!("{}\n", "x".repeat(MAX + 5));
    let Scan::Row(extent) = scan(line.as_bytes(), csv, false, MAX) else { panic!() };
    assert_eq!((extent.length, extent.fault.map(|fault| fault.reason)), (MAX + 6, Some(Reason::RowTooLarge)));
}

#[test]
fn more_is_asked_for_where_the_next_byte_decides() {
    let csv = Shape::Csv { delimiter: b',', fields: None };
    for begun in ["a,b", "\"a\"", "\"a\nb", ""] {
        assert_eq!(scan(begun.as_bytes(), csv, false, MAX), Scan::More, "{begun}");
    }
}

#[test]
fn fields_lose_their_quotes() {
    assert_eq!(csv_fields("a,\"b, c\",\"say \"\"x\"\"\",", ','), ["a", "b, c", "say \"x\"", ""]);
    assert_eq!(csv_fields("", ','), [""]);
    assert_eq!(csv_fields("क;ख", ';'), ["क", "ख"]);
}

proptest! {
    #[test]
    fn what_csv_writes_is_split_the_same(table in prop::collection::vec(prop::collection::vec("[a-z,\"\r\n क]{0,6}", 3), 0..6)) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in &table {
            writer.write_record(row).unwrap();
        }
        let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
        let mut read = Vec::new();
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let shape = Shape::Csv { delimiter: b',', fields: Some(3) };
            let Scan::Row(extent) = scan(rest, shape, true, 1 << 16) else { panic!() };
            prop_assert_eq!(&extent.fault, &None);
            let row = std::str::from_utf8(&rest[..extent.content]).unwrap();
            read.push(csv_fields(row, ',').into_iter().map(Cow::into_owned).collect::<Vec<_>>());
            rest = &rest[extent.length..];
        }
        prop_assert_eq!(read, table);
    }

    #[test]
    fn any_bytes_are_split_without_loss(bytes in prop::collection::vec(prop::sample::select(b"a,\"\n\r\0\xff".to_vec()), 0..200)) {
        let mut at = 0;
        while at < bytes.len() {
            match scan(&bytes[at..], Shape::Csv { delimiter: b',', fields: Some(2) }, true, 40) {
                Scan::Row(extent) | Scan::Tail(extent) => {
                    prop_assert!(extent.length > 0 && extent.content <= extent.length);
                    at += extent.length;
                }
                Scan::TooLong(_) => break,
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}

//! Rows of files that grow, that have no line breaks, and that are read on from a place.

use super::*;
use crate::reason::Reason;

const CSV: Shape<'_> = Shape::Csv { delimiter: b',', fields: Some(2) };

fn all(reader: &mut RowReader<impl Read>) -> Vec<(String, u64, u64)> {
    let mut found = Vec::new();
    while let Next::Row(row) = reader.next_row(CSV).unwrap() {
        reader.count_row();
        found.push((String::from_utf8_lossy(&row.bytes).into_owned(), row.offset, row.line));
    }
    found
}

#[test]
fn rows_know_their_byte_and_their_line() {
    let text = "\u{feff}a,b\r\n\"x\ny\",c\r\nd,e\r\n";
    let mut reader = RowReader::new(text.as_bytes(), 100);
    reader.skip_byte_order_mark().unwrap();
    assert_eq!(all(&mut reader), [("a,b".into(), 3, 1), ("\"x\ny\",c".into(), 8, 2), ("d,e".into(), 17, 4)]);
    assert_eq!(reader.position().sha256(), Sha256::of(text.as_bytes()));
    assert_eq!((reader.position().lines, reader.position().rows), (4, 3));
}

#[test]
fn a_file_that_grows_is_read_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grows.csv");
    std::fs::write(&path, "a,b\nc,").unwrap();
    let mut reader = RowReader::new(std::fs::File::open(&path).unwrap(), 100);
    assert!(matches!(reader.next_row(CSV).unwrap(), Next::Row(_)));
    assert!(matches!(reader.next_row(CSV).unwrap(), Next::Tail(_)));
    assert_eq!(reader.position().offset, 4, "a tail is not passed over");
    std::fs::write(&path, "a,b\nc,d\n").unwrap();
    assert_eq!(all(&mut reader), [("c,d".into(), 4, 2)]);
    assert!(matches!(reader.next_row(CSV).unwrap(), Next::End));
}

#[test]
fn ten_megabytes_without_a_line_break_need_no_ten_megabytes() {
    let file = [b"a,b\n".as_slice(), &vec![b'x'; 10 << 20], b"\nc,d\n"].concat();
    let mut reader = RowReader::new(file.as_slice(), 1 << 20);
    assert!(matches!(reader.next_row(CSV).unwrap(), Next::Row(row) if row.fault.is_none()));
    let Next::Row(long) = reader.next_row(CSV).unwrap() else { panic!() };
    assert_eq!(long.fault.unwrap().reason, Reason::RowTooLarge);
    assert_eq!((long.length, long.bytes.len(), long.line), (10 << 20, 1 << 20, 2));
    assert!(reader.window.capacity() < 4 << 20, "{}", reader.window.capacity());
    assert_eq!(all(&mut reader), [("c,d".into(), (10 << 20) + 5, 3)]);
    assert_eq!(reader.position().sha256(), Sha256::of(&file));
}

#[test]
fn a_reader_goes_on_from_a_place() {
    let mut reader = RowReader::new(b"a,b\nc,d\n".as_slice(), 100);
    reader.skip_to(1, 1, 4, &mut || {}).unwrap();
    assert_eq!(all(&mut reader), [("c,d".into(), 4, 2)]);
    assert!(RowReader::new(b"a".as_slice(), 100).skip_to(1, 1, 4, &mut || {}).is_err());
}

//! Documents as they should be, and every way in which they are not.

use std::io::Read;

use super::*;
use crate::reason::Reason;
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

/// Text, line and reason of every row, and how the document ends.
fn read(text: &[u8], step: usize) -> (Vec<(String, u64, Option<Reason>)>, String) {
    let mut reader = RowReader::new(Drops(text, step), MAX);
    let mut found = Vec::new();
    let markup = match reader.next_row(Shape::MarkupStart { record: "fir" }).unwrap() {
        Next::Row(row) => Markup::new(&row.bytes, "fir"),
        Next::Broken(broken) => return (found, format!("{}: {}", broken.line, broken.problem)),
        _ => return (found, "empty".into()),
    };
    loop {
        let is_over = markup.is_over(reader.position().rows);
        match reader.next_row(Shape::Markup { markup: &markup, is_over }).unwrap() {
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

#[test]
fn rows_are_found_whatever_stands_around_and_in_them() {
    for step in [1, 3, 1000] {
        for (text, rows) in [
            ("<firs/>", vec![]),
            ("<?xml version=\"1.0\"?>\n<!-- <fir> -->\n<firs>\n</firs>\n", vec![]),
            (
                "<firs><fir/><fir a=\"1>\"/>\n<fir>x</fir></firs>",
                vec![("<fir/>", 1), ("<fir a=\"1>\"/>", 1), ("<fir>x</fir>", 2)],
            ),
            (
                "<n:firs>\n<head><b>1</b></head>\n<n:fir><n:no>1</n:no></n:fir >\n</n:firs>\n<!-- end -->",
                vec![("<n:fir><n:no>1</n:no></n:fir >", 3)],
            ),
            (
                "<firs><fir><![CDATA[</fir>]]]></fir><?p </fir>?></firs>",
                vec![("<fir><![CDATA[</fir>]]]></fir>", 1)],
            ),
            (
                "<firs><fir><!-- </fir> -- > - --></fir></firs>",
                vec![("<fir><!-- </fir> -- > - --></fir>", 1)],
            ),
            (
                "<firs><fir><firs><fir/><fir>2</fir></firs></fir></firs>",
                vec![("<fir><firs><fir/><fir>2</fir></firs></fir>", 1)],
            ),
            ("<firs><firs2><fira/></firs2><fir></fir></firs>", vec![("<fir></fir>", 1)]),
            ("\n<fir>\n1</fir>\n", vec![("<fir>\n1</fir>", 2)]),
            (
                "<firs><fir><b></fir><fir>not closed within</fir></firs>",
                vec![("<fir><b></fir>", 1), ("<fir>not closed within</fir>", 1)],
            ),
        ] {
            let rows: Vec<_> = rows.iter().map(|(text, line)| ((*text).to_owned(), *line, None)).collect();
            assert_eq!(read(text.as_bytes(), step), (rows, "closed".into()), "{text}");
        }
    }
}

#[test]
fn a_document_that_is_not_closed_is_still_being_written() {
    for (text, count, end) in [
        ("", 0, "empty"),
        ("<?xml version=\"1.0\"?>\n<fi", 0, "empty"),
        ("<firs>", 0, "open: "),
        ("<firs><fir>1</fir>", 1, "open: "),
        ("<firs><fir>1</fir>\n<fir><no>2", 1, "open: <fir><no>2"),
        ("<firs><fir>1</fir><!-- half", 1, "open: "),
        ("<firs><fir>1</fir></fi", 1, "open: "),
        ("<fir><no>2</no>", 0, "open: <fir><no>2</no>"),
    ] {
        let (found, how) = read(text.as_bytes(), 2);
        assert_eq!((found.len(), &*how), (count, end), "{text}");
    }
}

#[test]
fn what_is_no_such_document_is_refused_by_its_line() {
    for (text, count, end) in [
        ("a,b\n1,2\n", 0, "1: is no xml document"),
        ("<?xml version='1.0'?>\n<!DOCTYPE firs [<!ENTITY a 'aaa'>]>\n<firs/>", 0, "2: has a document type"),
        ("<firs>\n<!DOCTYPE x>\n</firs>", 0, "2: has a document type"),
        ("<firs>\n<fir><!doctype x></fir></firs>", 0, "2: has a document type"),
        ("<firs><fir>1</fir>\n<fir>2\n</firs>\n", 1, "2: has a row that is not closed"),
        ("<firs>\n</fir></firs>", 0, "2: has the end of a row without its beginning"),
        ("<firs>< fir></firs>", 0, "1: has a tag that is no xml"),
        ("<firs><fir a=\"<\"></fir></firs>", 0, "1: has a tag that is no xml"),
        ("<firs><!wrong></firs>", 0, "1: has a tag that is no xml"),
        ("<firs><fir>1</fir></firs>\n<firs>", 1, "2: goes on behind its end"),
        ("<firs/>\n<fir/>", 0, "2: goes on behind its end"),
        ("<firs></firs>text", 0, "1: goes on behind its end"),
        ("<fir>1</fir>\n<fir>2</fir>", 1, "2: goes on behind its end"),
        ("</firs>", 0, "1: has a tag that is no xml"),
    ] {
        for step in [1, 1000] {
            let (found, how) = read(text.as_bytes(), step);
            assert_eq!(found.len(), count, "{text}");
            assert!(how.starts_with(end), "{how}\nshould be\n{end}\nin {text}");
        }
    }
}

#[test]
fn a_row_of_ten_megabytes_costs_itself_in_little_memory() {
    for inner in ["x".repeat(10 << 20), "<a>".repeat(1 << 20), "<fir></fir>".repeat(1 << 16)] {
        let text = format!("<firs>\n<fir>1</fir>\n<fir>{inner}</fir>\n<fir>3</fir>\n</firs>");
        let (found, end) = read(text.as_bytes(), 1 << 16);
        let reasons: Vec<_> = found.iter().map(|row| (row.2, row.1)).collect();
        assert_eq!(reasons, [(None, 2), (Some(Reason::RowTooLarge), 3), (None, 4)]);
        assert_eq!((found[1].0.len(), &*end), (MAX, "closed"));
    }
    // Nothing closes it: it takes the rest, and the document is not whole.
    let text = format!("<firs><fir>{}</firs>", "x".repeat(1 << 20));
    let (found, end) = read(text.as_bytes(), 1 << 16);
    assert_eq!((found[0].2, &*end), (Some(Reason::RowTooLarge), "open: "));
}

#[test]
fn much_between_rows_needs_no_memory_unless_it_is_one_piece() {
    let head = "<head>text</head>\n".repeat(1 << 16);
    let (found, end) = read(format!("<firs>{head}<fir>1</fir>{head}</firs>").as_bytes(), 1 << 16);
    assert_eq!((found.len(), found[0].1, &*end), (1, (1 << 16) + 1, "closed"));
    let comment = format!("<firs><!-- {} --><fir/></firs>", "x".repeat(1 << 18));
    assert!(
        read(comment.as_bytes(), 1 << 16).1.contains("holds more than source.max_row_bytes in one place")
    );
}

proptest! {
    #[test]
    fn any_markup_comes_to_an_end(pieces in prop::collection::vec(prop::sample::select(vec![
        "<firs>", "</firs>", "<fir>", "</fir>", "<fir/>", "<a b='1'>", "</a>", "<!--", "-->", "<![CDATA[", "]]>", "<?", "?>",
        "text", "\n", "<", ">", "\"", "&lt;", "<!D",
    ]), 0..30), step in 1..20_usize) {
        let text = pieces.concat();
        let (found, _) = read(text.as_bytes(), step);
        let (again, _) = read(text.as_bytes(), 1000);
        prop_assert_eq!(&found, &again, "however it is cut");
        for (row, ..) in found {
            prop_assert!(row.starts_with("<fir") && row.ends_with('>'));
        }
    }
}

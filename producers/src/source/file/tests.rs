//! Files as they should be, and those that cannot be read at all.

use super::*;

fn config(text: &str) -> SourceConfig {
    toml::from_str(&format!("files = ['x']\n{text}")).unwrap()
}

fn open(content: &[u8], settings: &str) -> (tempfile::NamedTempFile, Result<Opened, FileError>) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    let opened = SourceFile::open(file.path(), &config(settings), &mut || true);
    (file, opened)
}

fn ready(content: &[u8], settings: &str) -> (tempfile::NamedTempFile, SourceFile) {
    match open(content, settings) {
        (file, Ok(Opened::Ready(source))) => (file, *source),
        (_, other) => panic!("{other:?}"),
    }
}

fn outcomes(source: &mut SourceFile) -> Vec<Result<Vec<String>, Reason>> {
    let mut found = Vec::new();
    while let Next::Row(row) = source.next_row().unwrap() {
        let cells = source.cells(&row).map_err(|problem| problem.reason);
        found.push(cells.map(|cells| cells.into_iter().map(Cow::into_owned).collect()));
    }
    found
}

#[test]
fn titles_are_passed_over_and_the_header_names_the_columns() {
    let text = "\u{feff}title, \"with an open quote\nक्र.,थाना\u{a0}\n1,विजयनगर\n";
    let (_file, mut source) = ready(text.as_bytes(), "format = 'csv'\nskip_lines = 1");
    assert_eq!(source.columns().names(), ["क्र.", "थाना"]);
    assert_eq!(outcomes(&mut source), [Ok(vec!["1".into(), "विजयनगर".into()])]);
    assert_eq!(source.position().rows, 1);
}

#[test]
fn empty_and_title_only_files_have_nothing_to_read() {
    for content in ["", "title\n", "title\nhalf a hea"] {
        let (_file, opened) = open(content.as_bytes(), "format = 'csv'\nskip_lines = 1");
        assert!(matches!(opened, Ok(Opened::NoHeader)), "{content:?}");
    }
    let (_file, opened) = open(b"a,b\r", "format = 'csv'");
    assert!(matches!(opened, Ok(Opened::NoHeader)), "its line feed may be on its way");
    let (_file, mut source) = ready(b"a,b\n", "format = 'csv'");
    assert!(outcomes(&mut source).is_empty());
}

#[test]
fn files_that_cannot_be_read_at_all_say_what_to_do() {
    for (content, part) in [
        (&b"\xff\xfea\0,\0b\0\n\0"[..], "is utf-16 text: save it in utf-8"),
        (b"a,b\r1,2\r", "its lines end with a carriage return alone: save it with line feeds"),
        (b"a,\xff\n", ":1: the header holds bytes that are not utf-8"),
        (b"a,\"b\"c\n", ":1: the header has a quote"),
        (b"\na,b\n", ":1: the header is an empty line: set source.skip_lines"),
    ] {
        let (_file, opened) = open(content, "format = 'csv'");
        let error = opened.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let error = SourceFile::open(Path::new("/nonexistent.csv"), &config("format = 'csv'"), &mut || true)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("/nonexistent.csv: is not there: correct its name"), "{error}");
    for path in ["/dev/zero", "/"] {
        let opened = SourceFile::open(Path::new(path), &config("format = 'csv'"), &mut || true);
        let error = opened.unwrap_err().to_string();
        assert!(error.contains("is no regular file"), "{error}");
    }
}

#[test]
fn rows_that_are_no_text_are_named() {
    let (_file, mut source) = ready(b"a,b\n1,\xff\n2,\0\n3,x\n4\n", "format = 'csv'");
    assert_eq!(
        outcomes(&mut source),
        [
            Err(Reason::InvalidUtf8),
            Err(Reason::NulByte),
            Ok(vec!["3".into(), "x".into()]),
            Err(Reason::ColumnCount)
        ]
    );
}

#[test]
fn json_lines_and_files_without_header_take_their_names_from_the_configuration() {
    let settings = "format = 'jsonl'\ncolumns = ['a', 'b']";
    let (_file, mut source) = ready(b"{\"b\": 2, \"c\": 3}\nnot json\n", settings);
    assert_eq!(outcomes(&mut source), [Ok(vec![String::new(), "2".into()]), Err(Reason::BadJson)]);
    let (_file, mut source) =
        ready(b"1;2\n", "format = 'csv'\nheader = false\ncolumns = ['a', 'b']\ndelimiter = ';'");
    assert_eq!(outcomes(&mut source), [Ok(vec!["1".into(), "2".into()])]);
}

#[test]
fn a_reading_goes_on_unless_the_file_was_replaced() {
    let (file, mut source) = ready(b"a,b\n1,2\n3,4\n", "format = 'csv'");
    source.next_row().unwrap();
    let place = Checkpoint::new(source.position(), 0, None);
    let again = |content: &[u8]| {
        std::fs::write(file.path(), content).unwrap();
        let Ok(Opened::Ready(mut source)) =
            SourceFile::open(file.path(), &config("format = 'csv'"), &mut || true)
        else {
            panic!()
        };
        let resumed = source.resume(&place, &mut || {}).unwrap();
        resumed.then(|| outcomes(&mut source))
    };
    assert_eq!(again(b"a,b\n1,2\n3,4\n5,6\n").map(|rows| rows.len()), Some(2));
    assert_eq!(again(b"a,b\n1,3\n3,4\n"), None);
    assert_eq!(again(b"a,b\n"), None);
}

#[test]
fn lists_and_documents_are_rows_by_the_names_of_their_parts() {
    let (_file, mut source) =
        ready(b"[{\"b\": 2},\n {\"a\": [1, 2]}, 3]", "format = 'json'\ncolumns = ['a.1', 'b']");
    let row = |a: &str, b: &str| Ok(vec![a.to_owned(), b.to_owned()]);
    assert_eq!(outcomes(&mut source), [row("", "2"), row("2", ""), Err(Reason::BadJson)]);
    let settings = "format = 'xml'\nrecord = 'fir'\ncolumns = ['@id', 'no']";
    let text = b"\xef\xbb\xbf<?xml version='1.0'?><f><fir id='1'/><fir><no>2</no></fir><fir>&x;</fir></f>";
    let (_file, mut source) = ready(text, settings);
    assert_eq!(outcomes(&mut source), [row("1", ""), row("", "2"), Err(Reason::BadXml)]);
    let (_file, opened) = open(b"<?xml version='1.0' encoding='latin1'?><f>", settings);
    assert!(
        opened
            .unwrap_err()
            .to_string()
            .ends_with("is xml in another encoding than utf-8: export it in utf-8")
    );
    let (_file, opened) = open(b"<!DOCTYPE f [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><f>&a;</f>", settings);
    assert!(opened.unwrap_err().to_string().contains("export it without <!DOCTYPE"));
}

#[test]
fn a_packed_file_is_read_by_its_name_and_resumed_by_what_it_holds() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let (path, plain) = (folder.path().join("a.csv.GZ"), folder.path().join("a.csv"));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(b"a,b\n1,2\n3,4\n").unwrap();
    let packed = packed.finish().unwrap();
    std::fs::write(&path, &packed).unwrap();
    std::fs::write(&plain, &packed).unwrap();
    let config = config("format = 'csv'");
    let open = |path: &Path| SourceFile::open(path, &config, &mut || true);
    let again = || match open(&path) {
        Ok(Opened::Ready(source)) => source,
        other => panic!("{other:?}"),
    };
    let mut source = again();
    source.next_row().unwrap();
    let place = Checkpoint::new(source.position(), 0, None);
    assert!(source.last_bytes().is_err(), "it is never kept open");
    let mut source = again();
    assert!(source.resume(&place, &mut || {}).unwrap());
    assert_eq!(outcomes(&mut source), [Ok(vec!["3".into(), "4".into()])]);
    assert!(open(&plain).unwrap_err().to_string().ends_with("is a gzip file: name it .gz"));
    std::fs::write(&path, "a,b\n").unwrap();
    assert!(open(&path).unwrap_err().to_string().contains("is named .gz and is no gzip file"));
    std::fs::write(&path, &packed[..packed.len() - 9]).unwrap();
    let mut source = again();
    let broken = loop {
        match source.next_row().unwrap() {
            Next::Row(_) => {}
            Next::Broken(broken) => break broken,
            other => panic!("{other:?}"),
        }
    };
    assert!(broken.to_string().starts_with("from line "), "{broken}");
}

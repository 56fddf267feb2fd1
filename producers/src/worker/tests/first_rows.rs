//! Files that stop before their first row is whole: they take the same road as files that stop later.

use super::*;

/// A drop folder for files of a format.
fn drop_folder(files: &str, format: &str) -> Place {
    let mut place = Place::new();
    place.settings = SETTINGS
        .replace("files = [\"*.csv\"]", &format!("files = [{files}]\nafter = \"move\"\nstable_ms = 0"))
        .replace("format = \"csv\"", format);
    place
}

fn xml(record: &str) -> Place {
    let format =
        format!("format = \"xml\"\nrecord = \"{record}\"\ncolumns = [\"Station\", \"No\", \"Year\"]");
    drop_folder("\"*.xml\"", &format)
}

impl Place {
    fn drop_in(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.folder.path().join(name), content).unwrap();
    }

    fn has(&self, name: &str) -> bool {
        self.folder.path().join(name).exists()
    }
}

const DOCUMENT: &str =
    "<r:firs xmlns:r='x'>\n<r:fir><Station>Panaji</Station><No>1</No><Year>2024</Year></r:fir>\n</r:firs>\n";

#[test]
fn a_document_without_a_single_row_fails_and_names_what_is_there() {
    let place = xml("FIR");
    place.drop_in("wrong.xml", DOCUMENT);
    place.drop_in("page.xml", "<html><body>Session expired</body></html>");
    place.drop_in("text.xml", "<html>Session expired</html>");
    place.drop_in("large.xml", format!("<all>{}</all>", "<one>x</one>\n".repeat(50_000)));
    place.drop_in("none.xml", "<firs>\n</firs>\n");
    place.drop_in("closed.xml", "<firs/>");
    let (summary, sent) = place.once();
    assert_eq!((sent.len(), summary.refused.count), (0, 4), "{summary}");
    assert!(summary.check_whole().is_err());
    assert!(place.has("done/none.xml") && place.has("done/closed.xml"), "a list may be empty");
    for (name, part) in [
        ("wrong.xml", "it has no element `FIR`; in its outermost element `firs` there is `fir`, `Station`"),
        ("page.xml", "in its outermost element `html` there is `body`"),
        ("text.xml", "in its outermost element `html` there is text alone"),
        ("large.xml", "in its outermost element `all` there is `one`"),
    ] {
        let why = fs::read_to_string(place.folder.path().join(format!("failed/{name}.why.txt"))).unwrap();
        assert!(place.has(&format!("failed/{name}")) && why.contains(part), "{why}\nshould say\n{part}");
    }

    let right = xml("fir");
    right.drop_in("right.xml", DOCUMENT);
    assert_eq!(right.once().1, ["1"]);
}

#[test]
fn a_file_that_stays_and_has_no_such_element_ends_the_start_as_a_wrong_header_does() {
    let mut place = xml("FIR");
    place.settings = place.settings.replace("after = \"move\"", "after = \"keep\"");
    place.drop_in("wrong.xml", DOCUMENT);
    let failure = place.start(false, Script::default()).failure();
    assert_eq!(failure.exit_code(), ExitCode::Config);
    assert!(
        failure.to_string().contains("wrong.xml: from line 1 on it cannot be read: it has no"),
        "{failure}"
    );
}

#[test]
fn a_packed_file_that_breaks_off_within_a_row_fails_wherever_that_row_is() {
    use std::io::Write as _;
    let place =
        drop_folder("\"*.csv.gz\"", "format = \"csv\"\nmax_row_bytes = 1024\nmax_unpacked_bytes = 1048576");
    for (name, before) in [("first.csv.gz", ""), ("third.csv.gz", "Panaji,1,2024\nPanaji,2,2024\n")] {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let text = format!("Station,No,Year\n{before}{}", "a".repeat(4 << 20));
        encoder.write_all(text.as_bytes()).unwrap();
        place.drop_in(name, encoder.finish().unwrap());
    }
    let running = place.start(false, Script::default());
    running.await_that(|running| {
        running.shows("sanchar_source_files_moved_total{folder=\"failed\",state=\"IN-GA\"} 2")
    });
    let (summary, sent) = running.stop();
    assert_eq!((sent, summary.refused.count), (vec!["1".to_owned(), "2".to_owned()], 2));
    for (name, rows) in [("first.csv.gz", 0), ("third.csv.gz", 2)] {
        let why = fs::read_to_string(place.folder.path().join(format!("failed/{name}.why.txt"))).unwrap();
        assert!(why.contains("it holds more than source.max_unpacked_bytes"), "{why}");
        assert!(why.contains(&format!("rows taken: {rows}, up to line {}", rows + 1)), "{why}");
    }
}

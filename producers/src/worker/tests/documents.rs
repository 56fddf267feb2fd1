//! JSON lists, XML documents and packed files through the worker: growth, damage, restarts, and rows that add up.

use super::*;

fn json() -> Place {
    let mut place = Place::new();
    place.settings = SETTINGS.replace("\"*.csv\"", "\"*.json\", \"*.json.gz\"").replace(
        "format = \"csv\"",
        "format = \"json\"\nstable_ms = 0\ncolumns = [\"Station\", \"No\", \"Year\"]",
    );
    place
}

fn xml() -> Place {
    let mut place = json();
    place.settings = place
        .settings
        .replace("json", "xml")
        .replace("format = \"xml\"", "format = \"xml\"\nrecord = \"fir\"")
        .replace("column = \"No\"", "column = \"no\"")
        .replace("[\"Station\", \"No\", \"Year\"]", "[\"station\", \"no\", \"@year\"]")
        .replace("name = \"Station\"", "name = \"station\"")
        .replace("number = \"No\"", "number = \"no\"")
        .replace("year = \"Year\"", "year = \"@year\"");
    place
}

fn element(number: u32) -> String {
    format!("{{\"Station\": \"Panaji\", \"No\": {number}, \"Year\": 2024}}")
}

fn record(number: u32) -> String {
    format!("<fir year='2024'><station>Panaji</station><no>{number}</no></fir>")
}

impl Place {
    /// Puts a file there in one step, as it was never half there.
    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        let draft = self.folder.path().join("draft");
        fs::write(&draft, content).unwrap();
        fs::rename(draft, self.folder.path().join(name)).unwrap();
    }
}

#[test]
fn every_element_of_a_list_is_accounted_for_and_a_restart_goes_on() {
    let place = json();
    let broken = "{\"Station\": \"Panaji\", \"No\": [9}";
    let list = format!("[\n{},\n{broken},\n{},\n7,\n{}\n]\n", element(1), element(2), element(3));
    place.put("a.json", &list);
    place.put("b.json", element(4));
    let crashed = place.start(true, Script { acknowledges: Some(1), ..Script::default() });
    crashed.await_sent(4);
    crashed.stop();
    let (summary, sent) = place.once();
    assert_eq!(sent, ["2", "3", "4"]);
    summary.check_whole().unwrap();
    assert_eq!(
        summary.quarantined[&Reason::BadJson].examples,
        ["a.json:5"],
        "the checkpoint is behind the first"
    );
    assert_eq!(place.once().0.read, 0);
}

#[test]
fn every_element_of_a_document_is_accounted_for_and_a_restart_goes_on() {
    let place = xml();
    let broken = "<fir year='2024'><station>Panaji<no>9</no></fir>";
    let twice = "<fir year='2024'><no>8</no><no>9</no></fir>";
    let document =
        format!("<firs>\n{}\n{broken}\n{}\n{twice}\n{}\n<end/></firs>\n", record(1), record(2), record(3));
    place.put("a.xml", &document);
    place.put("b.xml", record(4));
    let crashed = place.start(true, Script { acknowledges: Some(1), ..Script::default() });
    crashed.await_sent(4);
    crashed.stop();
    let (summary, sent) = place.once();
    assert_eq!(sent, ["2", "3", "4"]);
    summary.check_whole().unwrap();
    assert_eq!(
        summary.quarantined[&Reason::BadXml].examples,
        ["a.xml:5"],
        "the checkpoint is behind the first"
    );
    assert_eq!(place.once().0.read, 0);
}

#[test]
fn a_document_that_is_still_being_written_is_waited_for() {
    let mut place = json();
    place.settings = place.settings.replace("hold_ms = 0", "hold_ms = 1000000");
    place.put("a.json", format!("[{},\n{{\"Sta", element(1)));
    let running = place.start(false, Script::default());
    running.await_sent(1);
    place.put("a.json", format!("[{},\n{},\n{}", element(1), element(2), element(3)));
    running.await_sent(3);
    place.put("a.json", format!("[{},\n{},\n{}\n]\n", element(1), element(2), element(3)));
    // A list that was closed and grows is the same list.
    place.put("a.json", format!("[{},\n{},\n{},\n{}]", element(1), element(2), element(3), element(4)));
    running.await_sent(4);
    let (summary, sent) = running.stop();
    assert_eq!((sent.len(), summary.quarantined_count(), summary.refused.count), (4, 0, 0));
}

#[test]
fn a_document_that_is_never_closed_is_set_aside_until_it_changes() {
    for (place, name, begun, rest) in [
        (
            json(),
            "a.json",
            format!("[{},\n{{\"Sta", element(1)),
            format!("[{},\n{}]", element(1), element(2)),
        ),
        (xml(), "a.xml", format!("<f>{}<fir><st", record(1)), format!("<f>{}{}</f>", record(1), record(2))),
    ] {
        place.put(name, &begun);
        let (summary, sent) = place.once();
        assert_eq!((sent, summary.quarantined[&Reason::Unterminated].count), (vec!["1".to_owned()], 1));
        assert!(summary.refused.examples[0].contains("is closed: send the whole file again"), "{summary}");
        let running = place.start(false, Script::default());
        running.await_that(|running| running.shows("sanchar_source_files_refused{state=\"IN-GA\"} 1"));
        place.put(name, &rest);
        running.await_that(|running| numbers(&running.sink) == ["2"]);
        running.await_that(|running| running.shows("sanchar_source_files_refused{state=\"IN-GA\"} 0"));
        running.stop();
    }
}

#[test]
fn an_entity_bomb_is_refused_before_its_first_row() {
    let place = xml();
    let bomb =
        "<!DOCTYPE f [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]><f><fir><station>&b;</station></fir></f>";
    place.put("a.xml", bomb);
    let failure = place.start(true, Script::default()).failure();
    assert!(
        failure.to_string().contains("a.xml: from line 1 on it cannot be read: has a document type"),
        "{failure}"
    );
}

#[test]
fn a_damaged_packed_file_gives_what_was_whole_and_is_read_on_when_it_comes_again() {
    use std::io::Write as _;
    let place = json();
    let elements: Vec<_> = (1..=6_000).map(element).collect();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(format!("[{}]", elements.join(",\n")).as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    place.put("a.json.gz", &packed[..packed.len() / 2]);
    let (summary, sent) = place.once();
    assert!(sent.len() > 1_000 && sent.len() < 5_000, "{}", sent.len());
    assert!(summary.refused.examples[0].contains("its gzip data ends too early"), "{summary}");
    place.put("a.json.gz", &packed);
    let (summary, again) = place.once();
    assert_eq!(sent.len() + again.len(), 6_000, "no row is sent twice");
    summary.check_whole().unwrap();
}

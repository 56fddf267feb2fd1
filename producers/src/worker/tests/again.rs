//! Tests: rows that come again, and cases whose joined rows change.

use super::*;

const JOINING: &str = r#"[rows]
join = [{ name = "accused", source = { files = ["accused.txt"], format = "csv" }, key = ["No"], OPTIONAL }]
"#;

#[test]
fn an_unchanged_row_that_comes_again_is_not_sent_again() {
    let place = Place::new();
    place.write("a.csv", &rows(1..=3));
    place.write("b.csv", &rows(2..=4));
    let (summary, sent) = place.once();
    assert_eq!(sent, ["1", "2", "3", "4"]);
    assert_eq!(summary.filtered["unchanged"].examples, ["b.csv:2", "b.csv:3"]);
    assert_eq!(place.once().0.read, 0, "rows that were left out are behind the checkpoint");
}

#[test]
fn a_file_that_was_replaced_sends_what_is_new_in_it() {
    let place = Place::new();
    place.write("a.csv", &rows(1..=3));
    let running = place.start(false, Script::default());
    running.await_sent(3);
    place.write("a.csv", &rows(2..=5));
    running.await_sent(5);
    let (summary, sent) = running.stop();
    assert_eq!(sent, ["1", "2", "3", "4", "5"]);
    assert_eq!(summary.filtered["unchanged"].count, 2);
}

#[test]
fn what_was_too_large_was_not_published() {
    for at_once in [true, false] {
        let place = Place::new();
        place.write("a.csv", &rows(1..=1));
        let script = Script { too_large: Some(("1", at_once)), ..Script::default() };
        let running = place.start(false, script);
        running.await_that(|running| running.shows("reason=\"message_too_large\",state=\"IN-GA\"} 1"));
        // The same row from another file is refused for the same reason, and not taken for one that was published.
        place.write("b.csv", &rows(1..=1));
        running.await_that(|running| running.shows("reason=\"message_too_large\",state=\"IN-GA\"} 2"));
        let (summary, _) = running.stop();
        assert_eq!((summary.published, summary.filtered_count()), (0, 0));
    }
}

fn joining() -> Place {
    joining_with("optional = true")
}

fn joining_with(optional: &str) -> Place {
    let mut place = Place::new();
    place.settings = SETTINGS.replace("[rows]\n", &JOINING.replace("OPTIONAL", optional))
        + "[[mapping.persons]]\neach = 'accused'\nrole = { constant = 'ARRESTED' }\ncode = 'Code'\n";
    place.write("a.csv", &rows(1..=3));
    place
}

/// Puts the joined file there as a whole.
fn put(place: &Place, text: &str) {
    let (draft, file) = (place.folder.path().join("accused.draft"), place.folder.path().join("accused.txt"));
    fs::write(&draft, text).unwrap();
    fs::rename(draft, file).unwrap();
}

fn persons(running: &Running) -> Vec<(String, i64, usize)> {
    let inner = running.sink.inner.lock().unwrap();
    let of = |event: &CrimeEvent| {
        (event.fir.as_ref().unwrap().number.clone(), event.revision, event.persons.len())
    };
    inner.sent.iter().map(of).collect()
}

#[test]
fn a_joined_row_that_comes_later_publishes_its_case_again_and_no_other() {
    let place = joining();
    let running = place.start(false, Script::default());
    running.await_sent(3);
    put(&place, "No,Code\n2,A1\n");
    running.await_sent(4);
    put(&place, "No,Code\n2,A1\n2,A2\n9,A1\n");
    running.await_sent(5);
    let sent = persons(&running);
    let found: Vec<_> = sent.iter().map(|(number, _, persons)| (number.as_str(), *persons)).collect();
    assert_eq!(found, [("1", 0), ("2", 0), ("3", 0), ("2", 1), ("2", 2)]);
    assert!(sent[1].1 < sent[3].1 && sent[3].1 < sent[4].1, "each is a newer version: {sent:?}");
    running.stop();
}

#[test]
fn a_joined_file_that_changed_while_the_producer_was_down_is_noticed() {
    let place = joining();
    put(&place, "No,Code\n2,A1\n");
    assert_eq!(place.once().1, ["1", "2", "3"]);
    assert_eq!(place.once().0.read, 0, "nothing has changed");
    put(&place, "No,Code\n2,A1\n3,A1\n");
    // The memory is gone with the process: all are sent, and the register drops what it knows.
    assert_eq!(place.once().1, ["1", "2", "3"]);
    assert_eq!(place.once().0.read, 0);
}

/// A nightly "delete, then copy": the source waits, and nobody is sent a case without its persons.
#[test]
fn a_joined_file_that_goes_is_waited_for() {
    for (gone, moves) in [(None, false), (Some(""), false), (Some("No,Code\n"), true)] {
        let mut place = joining_with("optional = false");
        if moves {
            let keeps = "format = \"csv\"\npoll";
            assert!(place.settings.contains(keeps));
            place.settings =
                place.settings.replacen(keeps, "format = \"csv\"\nafter = \"move\"\nstable_ms = 0\npoll", 1);
        }
        put(&place, "No,Code\n1,A1\n2,A1\n");
        let running = place.start(false, Script::default());
        running.await_sent(3);
        let file = place.folder.path().join("accused.txt");
        match gone {
            None => fs::remove_file(&file).unwrap(),
            Some(text) => put(&place, text),
        }
        place.write("b.csv", &rows(4..=4));
        let refused = |files: usize| format!("sanchar_source_files_refused{{state=\"IN-GA\"}} {files}\n");
        running.await_that(|running| running.shows(&refused(if moves { 1 } else { 2 })));
        let report = running.context.health.ready(true);
        assert!(
            !report.ok && report.text.contains("a source file, or one that is joined to it"),
            "{}",
            report.text
        );
        put(&place, "No,Code\n1,A1\n2,A1\n4,A1\n");
        running.await_sent(4);
        running.await_that(|running| running.shows(&refused(0)));
        let sent = persons(&running);
        let found: Vec<_> = sent.iter().map(|(number, _, persons)| (number.as_str(), *persons)).collect();
        assert_eq!(found, [("1", 1), ("2", 1), ("3", 0), ("4", 1)], "{gone:?}");
        running.stop();
    }
}

/// As when the daemon is started again in the middle of the copying.
#[test]
fn a_joined_file_that_is_not_there_at_the_start_is_waited_for_but_not_by_a_run_that_ends() {
    let place = joining_with("optional = false");
    let running = place.start(true, Script::default());
    let failure = running.thread.join().unwrap().unwrap_err();
    assert_eq!(failure.exit_code(), ExitCode::Config);
    let running = place.start(false, Script::default());
    running.await_that(|running| running.shows("sanchar_source_files_refused{state=\"IN-GA\"} 1\n"));
    put(&place, "No,Code\n1,A1\n");
    running.await_sent(3);
    running.stop();
}

#[test]
fn damaged_joined_rows_are_in_quarantine_and_counted_once() {
    let place = joining_with("optional = false");
    put(&place, "No,Code\n1,A1\n2,A1,more\n3,A");
    let running = place.start(false, Script::default());
    running.await_sent(3);
    put(&place, "No,Code\n1,A1\n2,A1,more\n3,A1\n");
    running.await_sent(4);
    let (summary, _) = running.stop();
    let count =
        |reason| summary.quarantined.get(&reason).map_or(0, |tally: &crate::summary::Tally| tally.count);
    assert_eq!((count(Reason::ColumnCount), count(Reason::Unterminated)), (1, 1), "{summary}");
    assert!(summary.adds_up());
    let folder = place.folder.path().join("producer-store/quarantine");
    let kept: String =
        fs::read_dir(folder).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    assert!(
        kept.contains("2,A1,more") && kept.contains("\"row\":\"3,A\"") && kept.contains("accused.txt"),
        "{kept}"
    );
}

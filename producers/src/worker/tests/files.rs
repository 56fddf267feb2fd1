//! Files that grow, are replaced, are cut off or do not fit, read by a daemon and by one pass.

use super::*;

#[test]
fn rows_that_are_added_are_published_and_a_replaced_file_is_read_anew() {
    let place = Place::new();
    place.write("a.csv", &rows(1..=2));
    place.once();
    place.append("a.csv", &rows(3..=3));
    assert_eq!(place.once().1, ["3"]);
    place.write("a.csv", &rows(7..=9));
    assert_eq!(place.once().1, ["7", "8", "9"]);
}

#[test]
fn a_running_daemon_takes_up_rows_and_files_as_they_come() {
    let place = Place::new();
    place.write("a.csv", &rows(1..=2));
    let running = place.start(false, Script::default());
    running.await_sent(2);
    place.append("a.csv", "Panaji,3,2024\nPanaji,4,");
    running.await_sent(3);
    place.append("a.csv", "2024\n");
    running.await_sent(4);
    place.write("b.csv", &rows(5..=5));
    running.await_sent(5);
    assert_eq!(running.stop().1, ["1", "2", "3", "4", "5"]);
    assert_eq!(place.once().0.read, 0);
}

#[test]
fn a_file_overwritten_in_place_is_read_anew_by_a_running_daemon() {
    let place = Place::new();
    place.write("a.csv", &rows(1..=2));
    let running = place.start(false, Script::default());
    running.await_sent(2);
    place.write("a.csv", &rows(11..=14));
    running.await_sent(6);
    assert_eq!(running.stop().1, ["1", "2", "11", "12", "13", "14"]);
}

#[test]
fn a_half_written_last_line_is_kept_and_read_again_when_it_is_whole() {
    let place = Place::new();
    place.write("a.csv", "Panaji,1,2024\nPanaji,2,20");
    let (summary, sent) = place.once();
    assert_eq!((sent, summary.quarantined[&Reason::Unterminated].count), (vec!["1".to_owned()], 1));
    assert_eq!(place.quarantined(), [("unterminated".into(), "Panaji,2,20".into())]);
    place.append("a.csv", "24\n");
    assert_eq!(place.once().1, ["2"]);

    let mut place = Place::new();
    place.settings = SETTINGS.replace("hold_ms = 0", "hold_ms = 0\nunterminated_line = 'accept'");
    place.write("a.csv", "Panaji,1,2024\nPanaji,2,2024");
    assert_eq!(place.once().1, ["1", "2"]);
    place.append("a.csv", "\nPanaji,3,2024\n");
    assert_eq!(place.once().1, ["3"]);
}

#[test]
fn a_daemon_holds_a_half_written_line_back() {
    let mut place = Place::new();
    place.settings = SETTINGS.replace("hold_ms = 0", "hold_ms = 1000000");
    place.write("a.csv", "Panaji,1,2024\nPanaji,2,20");
    let running = place.start(false, Script::default());
    running.await_that(|running| running.shows("sanchar_source_lag_bytes{state=\"IN-GA\"} 11"));
    let (summary, sent) = running.stop();
    assert_eq!((sent, summary.quarantined_count()), (vec!["1".to_owned()], 0));
}

#[test]
fn an_open_quote_in_the_last_rows_costs_its_own_line() {
    let place = Place::new();
    place.write("a.csv", "Panaji,1,2024\nPanaji,\"2,2024\nPanaji,3,2024\n");
    let (summary, sent) = place.once();
    assert_eq!(sent, ["1", "3"]);
    assert_eq!(summary.quarantined[&Reason::BadQuotes].count, 1);
}

#[test]
fn a_file_that_does_not_fit_stops_the_start_and_is_set_aside_later() {
    let place = Place::new();
    fs::write(place.folder.path().join("a.csv"), "Station,Number,Year\nPanaji,1,2024\n").unwrap();
    for once in [true, false] {
        let failure = place.start(once, Script::default()).failure();
        assert_eq!(failure.exit_code(), ExitCode::Config);
        let message = failure.to_string();
        assert!(message.contains("names the column `No`, which a.csv does not have"), "{message}");
    }

    place.write("a.csv", &rows(1..=1));
    let running = place.start(false, Script::default());
    running.await_sent(1);
    fs::write(place.folder.path().join("b.csv"), "Station,Number,Year\nPanaji,2,2024\n").unwrap();
    running.await_that(|running| {
        running.context.health.ready(true).text.contains("cannot be read by this configuration")
    });
    place.append("a.csv", &rows(3..=3));
    running.await_sent(2);
    place.write("b.csv", &rows(2..=2));
    running.await_that(|running| running.context.health.ready(true).text.contains("source: ready"));
    assert_eq!(running.stop().1, ["1", "3", "2"]);
}

#[test]
fn empty_and_title_only_files_are_no_failure() {
    let place = Place::new();
    fs::write(place.folder.path().join("empty.csv"), "").unwrap();
    place.write("titles.csv", "");
    assert_eq!(place.once().0, Summary::default());
}

#[test]
fn a_source_that_is_not_there_is_an_error_once_and_waited_for_by_a_daemon() {
    let mut place = Place::new();
    place.settings = SETTINGS.replace("\"*.csv\"", "\"a.csv\"");
    let failure = place.start(true, Script::default()).failure();
    assert!(failure.to_string().contains("a.csv: is not there"), "{failure}");
    let running = place.start(false, Script::default());
    running
        .await_that(|running| running.context.health.ready(true).text.contains("a source file is not there"));
    place.write("a.csv", &rows(1..=1));
    running.await_sent(1);
    running.stop();
}

#[test]
fn what_the_system_refused_is_read_once_it_allows_it_although_the_file_looks_as_it_did() {
    use crate::reading::OpenError;
    use crate::source::FileError;

    let place = Place::new();
    place.write("a.csv", &rows(1..=2));
    let path = place.folder.path().join("a.csv");
    let stamp = Stamp::new(&fs::metadata(&path).unwrap());
    for (error, sent) in [
        (FileError::NotRegular { path: path.clone() }, 0),
        // As `chmod` mends it, which leaves the time of modification as it is.
        (FileError::Io { path: path.clone(), source: std::io::ErrorKind::PermissionDenied.into() }, 2),
    ] {
        let (mut worker, sink) = place.worker();
        worker.set_aside(&path, stamp, &OpenError::File(error)).unwrap();
        assert!(worker.watched(&path).is_refused());
        worker.read_on(&path).unwrap();
        assert_eq!(numbers(&sink).len(), sent);
        assert_eq!(worker.watched(&path).is_refused(), sent == 0);
    }
}

//! What a second run finds: where it goes on, what it does not send again, and what it refuses to guess.

use super::*;

#[test]
fn everything_is_published_once_and_a_second_run_finds_nothing_new() {
    let place = Place::new();
    place.write("a.csv", "Panaji,1,2024\nPanaji,,2024\n\nTotal,Total,\nPanaji,2,2024\nPanaji,3\n");
    place.write("b.csv", "Panaji,4,2024\n");
    let (summary, sent) = place.once();
    assert_eq!(sent, ["1", "2", "4"]);
    assert_eq!(
        (summary.read, summary.published, summary.quarantined_count(), summary.filtered_count()),
        (7, 3, 2, 2)
    );
    assert_eq!(summary.quarantined[&Reason::MissingValue].examples, ["a.csv:3"]);
    let mut quarantined = place.quarantined();
    quarantined.sort();
    assert_eq!(quarantined[0], ("column_count".into(), "Panaji,3".into()));
    assert_eq!(quarantined[1], ("missing_value".into(), "Panaji,,2024".into()));

    let (summary, sent) = place.once();
    assert_eq!((summary.read, sent.len()), (0, 0));
}

#[test]
fn joined_rows_whose_case_is_nowhere_are_counted_where_all_cases_were_read() {
    const JOIN: &str = r#"
[[rows.join]]
name = "accused"
source = { files = ["accused.txt"], format = "csv" }
key = ["No"]
[[mapping.persons]]
each = "accused"
role = { constant = "ACCUSED" }
code = "Code"
"#;
    let mut place = Place::new();
    place.settings.push_str(JOIN);
    fs::write(place.folder.path().join("accused.txt"), "No,Code\n1,A1\n7,A1\n7,A2\n").unwrap();
    place.write("a.csv", &rows(1..=2));
    let (summary, _) = place.once();
    assert_eq!(summary.without_case["accused"], 2);
    assert!(summary.to_string().contains("joined rows of accused"), "{summary}");
    place.append("a.csv", "Panaji,7,2024\n");
    let (summary, sent) = place.once();
    assert_eq!(sent, ["7"]);
    assert!(summary.without_case.is_empty(), "case 1 was not read again");
}

#[test]
fn a_restart_goes_on_behind_the_last_row_that_was_acknowledged() {
    let place = Place::new();
    place.write("a.csv", &format!("{}Panaji,,2024\n{}", rows(1..=5), rows(6..=9)));
    let crashed = place.start(true, Script { acknowledges: Some(3), ..Script::default() });
    crashed.await_sent(9);
    crashed.stop();
    assert_eq!(place.quarantined().len(), 1, "kept although the checkpoint is before it");

    let (summary, sent) = place.once();
    assert_eq!(sent, ["4", "5", "6", "7", "8", "9"]);
    assert_eq!(summary.quarantined_count(), 1);
    assert_eq!(place.quarantined().len(), 2, "a row may stand twice, and never not at all");
    assert_eq!(place.once().1, [""; 0]);
}

#[test]
fn revisions_grow_although_the_clock_is_set_back() {
    let mut place = Place::new();
    let clock = Arc::new(ManualClock::new(1_800_000_000_000));
    place.clock = Arc::<ManualClock>::clone(&clock);
    place.write("a.csv", &rows(1..=1));
    let before = place.last_revision();
    clock.set(1_760_000_000_000);
    place.append("a.csv", &rows(2..=2));
    assert!(place.last_revision() > before);
}

#[test]
fn a_damaged_checkpoint_is_not_taken_for_a_beginning() {
    let place = Place::new();
    place.write("a.csv", &rows(1..=1));
    place.once();
    let checkpoints = place.folder.path().join("producer-store/checkpoints");
    let path = fs::read_dir(checkpoints).unwrap().next().unwrap().unwrap().path();
    fs::write(&path, "{").unwrap();
    let failure = place.start(true, Script::default()).failure();
    assert_eq!(failure.exit_code(), ExitCode::Config);
    assert!(
        failure.to_string().contains("delete it to publish its source from the start again"),
        "{failure}"
    );
}

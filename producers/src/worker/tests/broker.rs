//! What the broker answers, in whatever order and however late: what waits for it, and what becomes of a row that it refuses.

use super::*;

#[test]
fn answers_in_any_order_move_the_checkpoint_in_order() {
    let place = Place::new();
    place.write("a.csv", &rows(1..=8));
    let (summary, _) = place.start(true, Script { reversed_in: Some(4), ..Script::default() }).end();
    assert_eq!(summary.published, 8);
    assert_eq!(place.once().0.read, 0);
}

#[test]
fn a_full_queue_is_waited_for() {
    let place = Place::new();
    place.write("a.csv", &rows(1..=3));
    let (_, sent) = place.start(true, Script { full_times: 2, ..Script::default() }).end();
    assert_eq!(sent, ["1", "2", "3"]);
}

#[test]
fn few_rows_are_in_flight_at_a_time() {
    let mut place = Place::new();
    place.settings = SETTINGS.replace("[publish]", "[publish]\nin_flight_rows = 3");
    place.write("a.csv", &rows(1..=50));
    let running = place.start(true, Script { acknowledges: Some(0), ..Script::default() });
    running.await_that(|running| running.shows("sanchar_rows_in_flight{state=\"IN-GA\"} 3"));
    assert_eq!(running.stop().1.len(), 3);
}

#[test]
fn what_the_broker_finds_too_large_goes_to_quarantine() {
    for at_once in [true, false] {
        let place = Place::new();
        place.write("a.csv", &rows(1..=3));
        let (summary, sent) =
            place.start(true, Script { too_large: Some(("2", at_once)), ..Script::default() }).end();
        assert_eq!(sent, ["1", "3"]);
        assert_eq!((summary.published, summary.quarantined[&Reason::MessageTooLarge].count), (2, 1));
        assert_eq!(place.quarantined(), [("message_too_large".into(), "Panaji,2,2024".into())]);
        assert_eq!(place.once().0.read, 0);
    }
}

#[test]
fn a_broker_that_is_away_is_waited_for_and_a_missing_topic_is_not() {
    let place = Place::new();
    place.write("a.csv", &rows(1..=1));
    let running = place.start(true, Script { away_times: 3, ..Script::default() });
    assert_eq!(running.end().1, ["1"]);

    let failure = place.start(true, Script { has_no_topic: true, ..Script::default() }).failure();
    assert_eq!(failure.exit_code(), ExitCode::Unavailable);
    assert!(failure.to_string().contains("`sanchar topics apply`"), "{failure}");

    let running = place.start(false, Script { away_times: usize::MAX, ..Script::default() });
    running.await_that(|running| {
        running.context.health.ready(true).text.contains("no broker answers; nothing is read yet")
    });
    running.stop();
}

//! The worker as a backfill: which rows it publishes, when it waits, where it goes on, and under which revisions.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use super::*;
use crate::backfill::{Backfill, Days};

const HEADER: &str = "Station,No,Year,Day\n";
/// 1 March 2016.
const MODIFIED_MS: u64 = 1_456_790_400_000;

fn dated() -> Place {
    let mut place = Place::new();
    place.settings = SETTINGS
        .replace("[mapping]", "[mapping]\nreported_at = { column = \"Day\", formats = [\"%Y-%m-%d\"] }");
    place
}

fn write(place: &Place, name: &str, rows: &str, modified_ms: u64) {
    let path = place.folder.path().join(name);
    fs::write(&path, format!("{HEADER}{rows}")).unwrap();
    let times = fs::FileTimes::new().set_modified(UNIX_EPOCH + Duration::from_millis(modified_ms));
    fs::File::options().write(true).open(path).unwrap().set_times(times).unwrap();
}

fn of_february(numbers: std::ops::RangeInclusive<u32>) -> String {
    numbers.map(|number| format!("Panaji,{number},2016,2016-02-10\n")).collect()
}

fn options(is_busy: &Arc<AtomicBool>) -> Options {
    let days = Days::new("2016-02-01".parse().unwrap(), "2016-02-29".parse().unwrap()).unwrap();
    let is_busy = Arc::clone(is_busy);
    let is_live_busy = Arc::new(move || is_busy.load(Ordering::SeqCst));
    Options { once: true, backfill: Some(Backfill { days, is_live_busy }), ..Options::default() }
}

fn start(place: &Place, script: Script) -> Running {
    place.start_with(options(&Arc::default()), script)
}

fn revisions(running: Running) -> Vec<i64> {
    let sink = running.sink.clone();
    running.end();
    let inner = sink.inner.lock().unwrap();
    inner.sent.iter().map(|event| event.revision).collect()
}

#[test]
fn rows_of_other_days_are_left_out_by_name() {
    let place = dated();
    let rows = "Panaji,1,2016,2016-01-31\nPanaji,2,2016,2016-02-01\nPanaji,3,2016,2016-02-29\n\
                Panaji,4,2016,2016-03-01\nPanaji,5,2016,\nPanaji,,2016,2016-02-05\n";
    write(&place, "a.csv", rows, MODIFIED_MS);
    let (summary, sent) = start(&place, Script::default()).end();
    assert_eq!(sent, ["2", "3"]);
    let filtered: Vec<_> =
        summary.filtered.iter().map(|(name, tally)| (name.as_str(), tally.count)).collect();
    assert_eq!(filtered, [("outside_range", 2), ("without_time", 1)]);
    assert_eq!((summary.read, summary.quarantined_count()), (6, 1));
}

#[test]
fn a_backfill_that_was_stopped_goes_on_where_it_was() {
    let place = dated();
    write(&place, "a.csv", &of_february(1..=6), MODIFIED_MS);
    let stopped = start(&place, Script { acknowledges: Some(4), ..Script::default() });
    stopped.await_sent(6);
    stopped.stop();
    assert_eq!(start(&place, Script::default()).end().1, ["5", "6"]);
    assert_eq!(start(&place, Script::default()).end().1, [""; 0]);
}

#[test]
fn it_waits_while_the_daemon_has_something_to_publish_and_says_so() {
    let place = dated();
    write(&place, "a.csv", &of_february(1..=3), MODIFIED_MS);
    let (is_busy, waits) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
    let mut options = options(&is_busy);
    let shown = Arc::clone(&waits);
    options.progress = Some(Arc::new(move |progress| shown.store(progress.waits, Ordering::SeqCst)));
    let running = place.start_with(options, Script::default());
    running.await_that(|_| waits.load(Ordering::SeqCst));
    assert_eq!(numbers(&running.sink), [""; 0]);
    is_busy.store(false, Ordering::SeqCst);
    assert_eq!(running.end().1, ["1", "2", "3"]);
    assert!(!waits.load(Ordering::SeqCst));
}

#[test]
fn a_stop_ends_the_wait() {
    let place = dated();
    write(&place, "a.csv", &of_february(1..=3), MODIFIED_MS);
    let is_busy = Arc::new(AtomicBool::new(true));
    let running = place.start_with(options(&is_busy), Script::default());
    running.await_that(|running| running.shows("sanchar_source_lag_bytes"));
    assert!(running.stop().1.len() <= 1, "the row that it had in hand at most");
}

/// The fan-out service drops a revision older than the one it knows as stale.
#[test]
fn what_was_published_live_later_stays_the_newer_revision() {
    let place = dated();
    write(&place, "a.csv", &of_february(1..=1), MODIFIED_MS);
    let again = revisions(start(&place, Script::default()));
    assert_eq!(again, [i64::try_from(MODIFIED_MS).unwrap()]);
    fs::remove_dir_all(place.folder.path().join("producer-store")).unwrap();
    let live = revisions(place.start(true, Script::default()));
    assert!(live[0] > again[0], "{live:?} {again:?}");
    // Whatever the live row's file says now, reading the old file again does not outdate it.
    fs::remove_dir_all(place.folder.path().join("producer-store")).unwrap();
    assert_eq!(revisions(start(&place, Script::default())), again);
}

#[test]
fn a_file_of_the_future_has_no_revision_of_the_future() {
    let place = dated();
    let in_an_hour_ms = sanchar_runtime::clock::now_ms() + 3_600_000;
    write(&place, "a.csv", &of_february(1..=1), u64::try_from(in_an_hour_ms).unwrap());
    let revision = revisions(start(&place, Script::default()))[0];
    assert!(revision <= sanchar_runtime::clock::now_ms(), "{revision}");
}

#[test]
fn updates_within_a_file_have_the_same_revisions_after_a_stop() {
    let mut place = dated();
    place.settings = place.settings.replace("[rows]", "[rows]\nsame_record = \"update\"");
    let rows = "Panaji,1,2016,2016-02-01\nPanaji,1,2016,2016-02-02\nPanaji,1,2016,2016-02-03\n";
    write(&place, "a.csv", rows, MODIFIED_MS);
    let first = i64::try_from(MODIFIED_MS).unwrap();
    let stopped = start(&place, Script { acknowledges: Some(1), ..Script::default() });
    stopped.await_sent(3);
    stopped.stop();
    assert_eq!(revisions(start(&place, Script::default())), [first, first + 1, first + 2]);
}

//! Files that change while they are being read, in place and in a drop folder: every row of what stands there at the end
//! is published.

use std::collections::BTreeSet;

use super::*;

/// With what stands in [`padded`] more than the reader takes at a time, so that reading stands still in the middle.
const ROWS: u32 = 400;

/// A change to the file, and the numbers that stand in it afterwards.
type Change = (&'static str, fn(&Path), std::ops::RangeInclusive<u32>);

fn padded(numbers: std::ops::RangeInclusive<u32>) -> String {
    numbers.map(|number| format!("Panaji,{number},2024,{}\n", "x".repeat(400))).collect()
}

fn write(path: &Path, rows: &str) {
    fs::write(path, format!("Station,No,Year,Remarks\n{rows}")).unwrap();
}

/// Writes over what is there in one step, and cuts off what is left behind it.
fn overwrite(path: &Path, rows: &str) {
    use std::os::unix::fs::FileExt as _;
    let text = format!("Station,No,Year,Remarks\n{rows}");
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(text.as_bytes(), 0).unwrap();
    file.set_len(u64::try_from(text.len()).unwrap()).unwrap();
}

const CHANGES: [Change; 6] = [
    (
        "appended",
        |path| {
            use std::io::Write as _;
            let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
            file.write_all(padded(ROWS + 1..=ROWS + 5).as_bytes()).unwrap();
        },
        1..=ROWS + 5,
    ),
    (
        "truncated",
        |path| {
            let length = u64::try_from(format!("Station,No,Year,Remarks\n{}", padded(1..=5)).len()).unwrap();
            fs::OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
        },
        1..=5,
    ),
    ("overwritten with less", |path| overwrite(path, &padded(50_001..=50_010)), 50_001..=50_010),
    (
        "overwritten with as much",
        |path| overwrite(path, &padded(50_001..=50_000 + ROWS)),
        50_001..=50_000 + ROWS,
    ),
    (
        "overwritten with more",
        |path| overwrite(path, &padded(50_001..=50_010 + ROWS)),
        50_001..=50_010 + ROWS,
    ),
    (
        "replaced by another",
        |path| {
            let other = path.with_extension("new");
            write(&other, &padded(50_001..=50_010));
            fs::rename(other, path).unwrap();
        },
        50_001..=50_010,
    ),
];

#[test]
fn what_stands_in_the_file_at_the_end_is_published() {
    for moves in [false, true] {
        for (what, change, numbers_after) in CHANGES {
            let mut place = Place::new();
            place.settings = SETTINGS.replace("[publish]", "[publish]\nin_flight_rows = 50");
            if moves {
                place.settings =
                    place.settings.replace("[publish]", "after = \"move\"\nstable_ms = 10\n[publish]");
            }
            let path = place.folder.path().join("a.csv");
            write(&path, &padded(1..=ROWS));
            let running = place.start(false, Script { acknowledges: Some(10), ..Script::default() });
            running.await_that(|running| running.shows("sanchar_rows_in_flight{state=\"IN-GA\"} 50"));
            change(&path);
            running.release();
            let wanted: BTreeSet<String> = numbers_after.clone().map(|number| number.to_string()).collect();
            running.await_that(|running| {
                std::thread::sleep(Duration::from_millis(5));
                let sent: BTreeSet<String> = numbers(&running.sink).into_iter().collect();
                wanted.is_subset(&sent) && (!moves || place.folder.path().join("done/a.csv").exists())
            });
            // What is added to it later is read as well.
            if !moves {
                place.append("a.csv", &padded(99_999..=99_999));
                running.await_that(|running| numbers(&running.sink).contains(&"99999".to_owned()));
            }
            let (summary, _) = running.stop();
            assert!(summary.published >= u64::try_from(wanted.len()).unwrap(), "{what}, moves: {moves}");
        }
    }
}

#[test]
fn a_change_in_the_middle_without_growing_is_noticed() {
    let place = Place::new();
    place.write("a.csv", &rows(1000..=1400));
    let running = place.start(false, Script::default());
    running.await_sent(401);
    let text = fs::read_to_string(place.folder.path().join("a.csv")).unwrap();
    fs::write(place.folder.path().join("a.csv"), text.replace("Panaji,1100,", "Panaji,4100,")).unwrap();
    running.await_that(|running| numbers(&running.sink).contains(&"4100".to_owned()));
    running.stop();
}

#[test]
fn a_change_near_the_beginning_together_with_more_at_the_end_is_noticed() {
    use std::os::unix::fs::FileExt as _;
    // The longer file is not compared with every look, but at a later one, without a further change.
    for count in [5, 1_000] {
        let place = Place::new();
        let path = place.folder.path().join("a.csv");
        write(&path, &padded(1..=count));
        let running = place.start(false, Script::default());
        running.await_sent(usize::try_from(count).unwrap());
        // Once this is read, the file is open and stands still.
        place.append("a.csv", &padded(9_000..=9_000));
        running.await_that(|running| numbers(&running.sink).contains(&"9000".to_owned()));

        let text = fs::read_to_string(&path).unwrap();
        let (before, behind) = text.split_once("Panaji,2,").unwrap();
        let (start, rest) = (before.len(), format!("Panaji,0,{behind}{}", padded(9_001..=9_001)));
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        // In one step, so that it is never seen changed and not grown.
        file.write_all_at(rest.as_bytes(), u64::try_from(start).unwrap()).unwrap();
        running.await_that(|running| {
            let sent = numbers(&running.sink);
            ["0", "9001"].iter().all(|number| sent.iter().any(|sent| sent == number))
        });
        assert_eq!(running.stop().0.quarantined_count(), 0, "{count}");
    }
}

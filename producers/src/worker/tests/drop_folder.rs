//! Files that leave a drop folder: when, where to, and what a kill between any two steps leaves behind.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::worker::departure::Departure;

/// A drop folder for CSV files, with no patience.
fn place() -> Place {
    let mut place = Place::new();
    place.settings = SETTINGS.replace(
        "files = [\"*.csv\"]",
        "files = [\"*.csv\", \"*.csv.gz\"]\nafter = \"move\"\nstable_ms = 0\nmax_unpacked_bytes = 131072",
    );
    place
}

fn pack(content: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

impl Place {
    /// Names in one of its folders, without the producer's own.
    fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.folder.path().join(folder)) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap()).filter(|entry| entry.path().is_file());
        let mut names: Vec<_> = names.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    fn checkpoints(&self) -> Vec<String> {
        self.names("producer-store/checkpoints")
    }
}

#[test]
fn files_go_when_they_are_published_and_leave_no_checkpoint() {
    let place = place();
    place.write("a.csv", "Panaji,1,2024\nPanaji,,2024\n\nTotal,Total,\n\n");
    place.write("header only.csv", "");
    fs::write(place.folder.path().join("empty.csv"), "").unwrap();
    fs::write(place.folder.path().join("b.csv.gz"), pack("Station,No,Year\nPanaji,2,2024\n")).unwrap();
    place.write("c.csv.part", &rows(8..=8));
    place.write(".d.csv", &rows(9..=9));
    let (summary, sent) = place.once();
    assert_eq!((summary.read, sent), (6, vec!["1".to_owned(), "2".to_owned()]));
    summary.check_whole().unwrap();
    assert_eq!(place.names(""), [".d.csv", "c.csv.part"]);
    assert_eq!(place.names("done"), ["a.csv", "b.csv.gz", "empty.csv", "header only.csv"]);
    assert_eq!(place.checkpoints(), ["moved.json"]);
    assert_eq!(place.once().0, Summary::default(), "an empty drop folder is no mistake");

    // The same file again, and again under another name.
    place.write("a.csv", &rows(1..=1));
    place.write("copy of a.csv", &rows(1..=1));
    assert_eq!(place.once().1, ["1"], "the copy's row is known");
    let expected = ["a-2.csv", "a.csv", "b.csv.gz", "copy of a.csv", "empty.csv", "header only.csv"];
    assert_eq!(place.names("done"), expected);
}

#[test]
fn a_file_stays_until_the_broker_has_acknowledged_it_and_the_checkpoint_says_so() {
    let place = place();
    place.write("a.csv", &rows(1..=3));
    let running = place.start(false, Script { acknowledges: Some(1), ..Script::default() });
    running.await_sent(3);
    running.await_that(|running| running.shows("sanchar_rows_published_total{state=\"IN-GA\"} 1"));
    assert_eq!(place.names(""), ["a.csv"]);
    running.release();
    running.await_that(|running| {
        running.shows("sanchar_source_files_moved_total{folder=\"done\",state=\"IN-GA\"} 1")
    });
    assert_eq!((place.names(""), place.names("done")), (vec![], vec!["a.csv".to_owned()]));
    running.await_that(|_| place.checkpoints() == ["moved.json"]);
    running.stop();

    place.write("a.csv", &rows(4..=6));
    let crashed = place.start(true, Script { acknowledges: Some(1), ..Script::default() });
    crashed.await_sent(3);
    crashed.stop();
    assert_eq!(place.names(""), ["a.csv"]);
    assert_eq!(place.once().1, ["5", "6"]);
    assert_eq!(place.names("done"), ["a-2.csv", "a.csv"]);
}

#[test]
fn a_writer_that_pauses_too_long_is_followed_to_where_its_file_went() {
    use std::io::Write as _;
    let place = place();
    let path = place.folder.path().join("a.csv");
    let mut writer = fs::File::create(&path).unwrap();
    writer.write_all(format!("Station,No,Year\n{}", rows(1..=2)).as_bytes()).unwrap();
    let running = place.start(false, Script::default());
    running.await_that(|_| place.names("done") == ["a.csv"]);
    writer.write_all(rows(3..=4).as_bytes()).unwrap();
    running.await_sent(4);
    running.await_that(|_| place.names("done") == ["a.csv"]);
    let (summary, sent) = running.stop();
    assert_eq!(sent, ["1", "2", "3", "4"]);
    assert_eq!(summary.filtered["unchanged"].count, 2);
}

#[test]
fn a_file_that_cannot_be_read_goes_with_a_note_and_the_others_go_on() {
    let place = place();
    for (name, content) in [
        ("unfit.csv", b"Station,Number,Year\nPanaji,1,2024\n".to_vec()),
        ("utf16.csv", b"\xff\xfeS\0".to_vec()),
        ("plain.csv.gz", b"Station,No,Year\n".to_vec()),
        ("cut.csv.gz", {
            let mut packed = pack(&format!("Station,No,Year\n{}", rows(1..=3)));
            packed.truncate(packed.len() - 6);
            packed
        }),
        ("bomb.csv.gz", pack(&format!("Station,No,Year\n{}", rows(1..=20_000)))),
    ] {
        fs::write(place.folder.path().join(name), content).unwrap();
    }
    place.write("sound.csv", &rows(7..=7));
    let (summary, sent) = place.once();
    assert!(sent.contains(&"7".to_owned()));
    assert_eq!(summary.refused.count, 5, "{summary}");
    assert!(summary.check_whole().unwrap_err().to_string().contains("files that cannot be read"));
    assert!((3_000..9_000).contains(&summary.published), "{summary}");
    assert_eq!((place.names(""), place.names("done")), (vec![], vec!["sound.csv".to_owned()]));
    for (name, part) in [
        ("unfit.csv", "names the column `No`, which unfit.csv does not have"),
        ("utf16.csv", "is utf-16 text: save it in utf-8"),
        ("plain.csv.gz", "is named .gz and is no gzip file: name it by what it is"),
        ("cut.csv.gz", "cut.csv.gz: from line 5 on it cannot be read: its gzip data ends too early"),
        ("bomb.csv.gz", "it holds more than source.max_unpacked_bytes: split the file, or raise that limit"),
    ] {
        assert!(place.names("failed").contains(&name.to_owned()));
        let why = place.text(&format!("failed/{name}.why.txt"));
        assert!(why.contains(part), "{why}\nshould say\n{part}");
    }
    assert!(place.text("failed/cut.csv.gz.why.txt").contains("rows taken: 3, up to line 4;"));
    let why = place.folder.path().join("failed/cut.csv.gz.why.txt");
    assert_eq!(fs::metadata(why).unwrap().permissions().mode() & 0o777, 0o600);

    let running = place.start(false, Script::default());
    fs::write(place.folder.path().join("unfit.csv"), "Number\n").unwrap();
    running.await_that(|running| {
        running.shows("sanchar_source_files_moved_total{folder=\"failed\",state=\"IN-GA\"} 1")
    });
    running.stop();
    assert!(place.names("failed").contains(&"unfit-2.csv.why.txt".to_owned()));
}

/// What the folder looks like when the process was killed after so many steps of a departure.
fn killed_after(steps: usize, place: &Place, ending: &str) {
    place.write("a.csv", &rows(1..=3));
    // Read and acknowledged, with a checkpoint, as it is before the first step.
    let kept = Place { folder: tempfile::tempdir().unwrap(), ..Place::new() };
    kept.write("a.csv", &rows(1..=3));
    kept.once();
    let store = place.folder.path().join("producer-store/checkpoints");
    fs::create_dir_all(&store).unwrap();
    for folder in [store.parent().unwrap(), &store] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    }
    for name in kept.checkpoints() {
        let from = kept.folder.path().join("producer-store/checkpoints").join(&name);
        fs::copy(from, store.join(&name)).unwrap();
    }
    let mut departure = Departure::new(&place.folder.path().join("a.csv"), Path::new(ending));
    if steps > 0 {
        departure.begin().unwrap();
    }
    if steps > 1 {
        let target = departure.target().unwrap();
        departure.explain(&target, "why").unwrap();
        if steps > 2 {
            departure.finish(&target).unwrap();
        }
    }
}

#[test]
fn a_kill_between_any_two_steps_loses_nothing() {
    for ending in ["done", "failed"] {
        for steps in 0..=3 {
            let place = place();
            killed_after(steps, &place, ending);
            let (_, sent) = place.once();
            assert_eq!(sent, [""; 0], "every row was acknowledged before, {steps} {ending}");
            assert_eq!(place.names(""), [""; 0], "{steps} {ending}");
            let all = [place.names("done"), place.names("failed")].concat();
            let files = all.iter().filter(|name| !name.ends_with(".why.txt")).count();
            assert_eq!(files, 1, "{steps} {ending}: {all:?}");

            // What is dropped under the name then is read whole, whatever checkpoint was left.
            place.write("a.csv", &rows(11..=12));
            assert_eq!(place.once().1, ["11", "12"], "{steps} {ending}");
        }
    }
}

#[test]
fn a_namesake_dropped_while_the_first_was_leaving_is_read_too() {
    let place = place();
    killed_after(1, &place, "done");
    place.write("a.csv", &rows(11..=12));
    let running = place.start(false, Script::default());
    running.await_that(|_| place.names("done").len() == 2);
    assert_eq!(
        running.stop().1,
        ["11", "12", "1", "2", "3"],
        "the first is read again, since its checkpoint went"
    );
    assert_eq!(place.names(""), [""; 0]);
    let texts = [place.text("done/a.csv"), place.text("done/a-2.csv")].concat();
    assert!(texts.contains("Panaji,3,") && texts.contains("Panaji,12,"));
}

#[test]
fn a_namesake_of_the_same_length_is_not_taken_for_the_first_while_that_is_under_way() {
    let place = place();
    place.write("a.csv", &rows(11..=13));
    let running = place.start(false, Script { acknowledges: Some(0), ..Script::default() });
    running.await_sent(3);
    place.write("new", &rows(21..=23));
    fs::rename(place.folder.path().join("new"), place.folder.path().join("a.csv")).unwrap();
    running.await_sent(6);
    assert_eq!(place.names("done"), [""; 0]);
    running.release();
    running.await_that(|_| place.names("done") == ["a.csv"]);
    assert_eq!(running.stop().1, ["11", "12", "13", "21", "22", "23"]);
    assert!(place.text("done/a.csv").contains("Panaji,23,"));
}

#[test]
fn a_file_is_taken_only_when_it_no_longer_changes() {
    let mut place = place();
    place.settings = place.settings.replace("stable_ms = 0", "stable_ms = 2000");
    let clock = Arc::new(ManualClock::new(1_800_000_000_000));
    place.clock = Arc::<ManualClock>::clone(&clock);
    place.write("still.csv", &rows(1..=1));
    place.write("grows.csv", &rows(2..=2));
    fs::write(place.folder.path().join("packed.csv.gz"), pack("half of it\n")).unwrap();
    let running = place.start(false, Script::default());
    // It grows whenever time passes, so that it never looks the same for long.
    for number in 100.. {
        if numbers(&running.sink).contains(&"1".to_owned()) {
            break;
        }
        place.append("grows.csv", &rows(number..=number));
        fs::write(place.folder.path().join("packed.csv.gz"), pack(&format!("{number}\n"))).unwrap();
        clock.advance(500);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(numbers(&running.sink), ["1"]);
    assert!(place.names("failed").is_empty());
    running.await_that(|running| {
        clock.advance(500);
        numbers(&running.sink).contains(&"2".to_owned())
    });
    running.await_that(|_| {
        clock.advance(500);
        place.names("failed").len() == 2 && place.names("done") == ["grows.csv", "still.csv"]
    });
    running.stop();
}

#[test]
fn a_single_pass_waits_until_files_are_stable() {
    let mut place = place();
    place.settings = place.settings.replace("stable_ms = 0", "stable_ms = 30");
    place.write("a.csv", &rows(1..=2));
    assert_eq!(place.once().1, ["1", "2"]);
    assert_eq!(place.names("done"), ["a.csv"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_with_the_remedy_and_no_loss() {
    let mut place = place();
    fs::write(place.folder.path().join("done"), "no folder").unwrap();
    place.write("a.csv", &rows(1..=2));
    let failure = place.start(true, Script::default()).failure();
    assert!(failure.to_string().contains("cannot be moved"), "{failure}");
    assert!(failure.to_string().contains("source.done_folder"), "{failure}");
    let running = place.start(false, Script::default());
    running.await_that(|running| {
        running.context.health.ready(true).text.contains("cannot be read by this configuration")
    });
    fs::remove_file(place.folder.path().join("done")).unwrap();
    running.await_that(|_| place.names("done") == ["a.csv"]);
    running.stop();

    let own = place.folder.path().display();
    place.settings = place.settings.replace("stable_ms", &format!("failed_folder = \"{own}\"\nstable_ms"));
    let failure = place.start(false, Script::default()).failure();
    assert!(
        failure.to_string().contains("source.failed_folder is the folder that files are dropped in"),
        "{failure}"
    );
}

#[test]
fn revisions_grow_although_the_checkpoint_went_with_its_file() {
    let mut place = place();
    let clock = Arc::new(ManualClock::new(1_800_000_000_000));
    place.clock = Arc::<ManualClock>::clone(&clock);
    place.write("a.csv", &rows(1..=1));
    let before = place.last_revision();
    clock.set(1_760_000_000_000);
    place.write("b.csv", &rows(1..=1));
    assert!(place.last_revision() > before);
}

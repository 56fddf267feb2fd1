//! Standard input. Each test starts this test program again with a pipe for its input; what the child does is in the
//! tests that are ignored.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use super::*;

fn place() -> Place {
    let mut place = Place::new();
    place.settings = SETTINGS.replace("\"*.csv\"", "\"-\"");
    place
}

fn child(test: &str) -> Child {
    let name = format!("worker::tests::stdin::{test}");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &name, "--ignored", "--nocapture", "--test-threads=1"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// What a child has to tell, in one line that a test program's own lines do not resemble.
fn tell(summary: &Summary, sent: &[String], place: &Place) {
    let store = place.folder.path().join("producer-store/checkpoints");
    let checkpoints = fs::read_dir(store).unwrap().count();
    let kept: Vec<_> =
        place.quarantined().into_iter().map(|(reason, row)| format!("{reason} {row}")).collect();
    let examples: Vec<_> = summary.quarantined.values().flat_map(|tally| tally.examples.clone()).collect();
    println!("\ntold: {sent:?} {kept:?} {examples:?} {checkpoints}");
}

fn told(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().find_map(|line| line.strip_prefix("told: ")).unwrap().to_owned()
}

#[test]
#[ignore = "the child of another test"]
fn child_reads_to_the_end() {
    let place = place();
    let (summary, sent) = place.start(false, Script::default()).end();
    tell(&summary, &sent, &place);
}

#[test]
#[ignore = "the child of another test"]
fn child_is_stopped_while_it_waits() {
    let place = place();
    let running = place.start(false, Script::default());
    running.await_sent(2);
    println!("\nasked: for the stop");
    let (summary, sent) = running.stop();
    tell(&summary, &sent, &place);
}

#[test]
fn rows_are_published_as_they_come_and_the_end_of_the_input_is_the_end() {
    let mut child = child("child_reads_to_the_end");
    let mut input = child.stdin.take().unwrap();
    for piece in
        ["Station,N", "o,Year\nPanaji,1,20", "24\n", "Panaji,,2024\n\"open", "\nPanaji,2,2024\nPanaji,3,20"]
    {
        input.write_all(piece.as_bytes()).unwrap();
        // A pause, so that the pieces come one by one: what is read does not depend on it.
        std::thread::sleep(Duration::from_millis(60));
    }
    drop(input);
    assert_eq!(
        told(child),
        "[\"1\", \"2\"] [\"missing_value Panaji,,2024\", \"bad_quotes \\\"open\", \"unterminated Panaji,3,20\"] \
         [\"stdin:4\", \"stdin:6\", \"stdin:3\"] 0"
    );
}

#[test]
fn an_input_that_ends_at_once_is_the_end_too() {
    let mut child = child("child_reads_to_the_end");
    drop(child.stdin.take());
    assert_eq!(told(child), "[] [] [] 0");
}

#[test]
fn a_stop_while_the_input_gives_nothing_is_the_end() {
    let mut child = child("child_is_stopped_while_it_waits");
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"Station,No,Year\nPanaji,1,2024\nPanaji,2,2024\nPanaji,3").unwrap();
    let begun = Instant::now();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.find_map(|line| line.unwrap().strip_prefix("told: ").map(str::to_owned)).unwrap();
    assert_eq!(line, "[\"1\", \"2\"] [] [] 0");
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(child.wait().unwrap().success());
    drop(input);
}

//! Items out of the spool: what they wait for that files do not.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::spool::SpoolConfig;

fn item(number: u32) -> String {
    format!("{{\"Station\":\"Panaji\",\"No\":\"{number}\",\"Year\":\"2024\"}}")
}

#[test]
fn a_row_that_the_disk_refuses_holds_up_what_is_behind_it_until_there_is_room() {
    let mut place = Place::new();
    place.settings = SETTINGS.replace(
        "files = [\"*.csv\"]\nformat = \"csv\"",
        "format = \"jsonl\"\ncolumns = [\"Station\", \"No\", \"Year\"]",
    );
    let segment = Path::new("producer-store/spool/00000001700000000000.jsonl");
    let store = place.folder.path().join("producer-store");
    drop(Spool::open(&store, &SpoolConfig::default()).unwrap());
    let items: String = (1..=3).map(|number| item(number) + "\n").collect();
    fs::write(place.folder.path().join(segment), items).unwrap();
    fs::set_permissions(place.folder.path().join(segment), fs::Permissions::from_mode(0o600)).unwrap();
    let refused = Store::open(&store).unwrap().quarantine(segment);
    fs::create_dir(&refused).unwrap();
    fs::set_permissions(&refused, fs::Permissions::from_mode(0o700)).unwrap();

    let spool = Spool::open(&store, &SpoolConfig::default()).unwrap();
    let script = Script { too_large: Some(("2", true)), ..Script::default() };
    let running = place.start_on(Options::default(), script, Some(spool));
    let is_refused =
        |running: &Running| running.context.health.ready(false).text.contains("cannot be written");
    running.await_that(is_refused);
    fs::remove_dir(&refused).unwrap();
    running.await_sent(2);
    running.await_that(|running| !is_refused(running));
    assert_eq!(running.stop().1, ["1", "3"]);
    assert_eq!(place.quarantined(), [("message_too_large".to_owned(), item(2))]);
}

//! What a start finds on disk: its own register, none, another's, a damaged one, one of a changelog made anew.

use super::super::tests::{Instance, RECENT_MAX, entry, logged};
use super::*;
use crate::register::table::Table;
use std::fs;
use tempfile::TempDir;

type Log = Vec<(String, Vec<u8>)>;

fn log(entries: usize) -> Log {
    (0..entries).map(|number| logged(&format!("record-{number}"), entry(1, "a"))).collect()
}

fn knows_all(table: &Table, log: &Log) -> bool {
    log.iter().all(|(id, _)| {
        let key = table.fingerprint(id.as_bytes()).unwrap();
        table.get(key).unwrap() == Some(entry(1, "a").into())
    })
}

/// A folder with the register of a process that has read `log` and ended as it was asked to.
fn written(log: &Log) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    Instance::on(&folder, log).standby.end();
    folder
}

/// Starts on a folder. Gives the offset that it read from.
fn start(folder: &TempDir, identity: &str, log: &Log) -> (i64, Instance) {
    let mut instance = Instance::closed(folder);
    let from = instance.begin_as(identity, log);
    (from, instance)
}

#[test]
fn a_restart_reads_on_from_where_it_was_and_knows_everything() {
    let (before, all) = (log(300), log(310));
    let folder = written(&before);
    let (from, instance) = start(&folder, "cluster/topic", &all);
    assert_eq!(from, 300);
    assert!(knows_all(&instance.table, &all));
    assert_eq!(instance.table.len(), 310);
}

#[test]
fn a_kill_loses_what_was_in_memory_alone_and_it_is_read_again() {
    let (before, all) = (log(300), log(310));
    let folder = written(&before);
    let (_, instance) = start(&folder, "cluster/topic", &all);
    drop(instance); // without an end
    let (from, instance) = start(&folder, "cluster/topic", &all);
    assert_eq!(from, 300);
    assert!(knows_all(&instance.table, &all));
}

#[test]
fn a_register_of_another_changelog_or_of_a_longer_one_is_not_trusted() {
    let all = log(300);
    let folder = written(&all);
    let (from, instance) = start(&folder, "another cluster/topic", &log(5));
    assert_eq!((from, instance.table.len()), (0, 5));
    let folder = written(&all);
    let (from, instance) = start(&folder, "cluster/topic", &log(299));
    assert_eq!((from, instance.table.len()), (0, 299));
}

#[test]
fn a_damaged_or_missing_register_is_built_anew() {
    let all = log(300);
    let folder = written(&all);
    let tables: Vec<_> = fs::read_dir(folder.path().join("store/tables")).unwrap().collect();
    assert!(!tables.is_empty());
    for table in tables {
        let path = table.unwrap().path();
        let length = fs::metadata(&path).unwrap().len();
        fs::write(&path, vec![0; length.try_into().unwrap()]).unwrap();
    }
    let (from, instance) = start(&folder, "cluster/topic", &all);
    assert_eq!(from, 0);
    assert!(knows_all(&instance.table, &all));
    drop(instance);
    fs::remove_dir_all(folder.path().join("store")).unwrap();
    let (from, instance) = start(&folder, "cluster/topic", &all);
    assert_eq!(from, 0);
    assert!(knows_all(&instance.table, &all));
}

#[test]
fn a_register_that_turns_out_to_be_damaged_is_built_anew_while_running() {
    let all = log(300);
    let folder = written(&all);
    let (_, mut instance) = start(&folder, "cluster/topic", &all);
    instance.table.break_off(StoreError::Broken("as the test says".to_owned()));
    let key = instance.table.fingerprint(b"record-1").unwrap();
    assert!(instance.table.get(key).is_err(), "it says nothing that may be wrong");
    assert_eq!(instance.follow(&all), Ok(Reached::Lost));
    let from = instance.begin_as("cluster/topic", &all);
    assert_eq!(from, 0);
    assert!(knows_all(&instance.table, &all));
}

#[test]
fn an_entry_of_a_later_version_stops_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut instance = Instance::on(&folder, &[]);
    let later = vec![("record-1".to_owned(), vec![99; 60])];
    assert!(instance.follow(&later).unwrap_err().contains("run the version that wrote it"));
    assert!(instance.follow(&later).is_err(), "and it stays stopped");
}

#[test]
fn many_entries_are_written_while_running_and_nothing_is_lost() {
    let all = log(12 * RECENT_MAX);
    let folder = tempfile::tempdir().unwrap();
    let mut instance = Instance::on(&folder, &[]);
    for upto in (0..=all.len()).step_by(900).chain([all.len()]) {
        instance.follow(&all[..upto]).unwrap();
    }
    assert!(knows_all(&instance.table, &all));
    drop(instance);
    let (from, instance) = start(&folder, "cluster/topic", &all);
    assert!(usize::try_from(from).unwrap() > 10 * RECENT_MAX, "{from}");
    assert!(knows_all(&instance.table, &all));
}

#[test]
fn a_folder_serves_one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let instance = Instance::on(&folder, &[]);
    let refused = Folder::take(folder.path()).unwrap_err();
    assert!(refused.to_string().contains("register.folder of its own"));
    assert_eq!(refused.exit_code() as u8, 75, "the other may be a predecessor that is stopping");
    drop(instance);
    Folder::take(folder.path()).unwrap();
}

//! The list of variables that some daemon takes (`runtime/src/config/variables.txt`) agrees with the daemons' configurations.
//!
//! By it a daemon passes over what is another's in an environment that all of a machine share. What a variable does is tested
//! beside `runtime/src/config`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails right there")]

use sanchar::exporter::ExporterConfig;
use sanchar_fanout::config::FanoutConfig;
use sanchar_producer::config::ProducerConfig;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A key that nothing has.
const STRANGER: &str = "stranger_among_settings";
/// Tables stand in tables so deep at most.
const DEPTH_MAX: usize = 4;
/// What `sanchar status` reads of its file beside the connection.
const OF_COMMANDS: [&str; 1] = ["status.daemons"];

/// Adds the settings of a table: serde lists them when it is given one that it does not know. A table that takes any key is one
/// setting.
fn settings<T: DeserializeOwned>(table: &[String], into: &mut BTreeSet<String>) {
    let header = if table.is_empty() { String::new() } else { format!("[{}]\n", table.join(".")) };
    let known = match toml::from_str::<T>(&format!("{header}{STRANGER} = 1\n")) {
        Err(error) if table.len() < DEPTH_MAX => known(error.message()),
        _ => Vec::new(),
    };
    if known.is_empty() {
        into.insert(table.join("."));
    }
    for name in known {
        settings::<T>(&[table, &[name]].concat(), into);
    }
}

/// The settings that the message lists instead of the unknown one.
fn known(message: &str) -> Vec<String> {
    let listed = message.strip_prefix(&format!("unknown field `{STRANGER}`, ")).unwrap_or_default();
    listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn wanted() -> String {
    let mut all = BTreeSet::from(OF_COMMANDS.map(str::to_owned));
    settings::<FanoutConfig>(&[], &mut all);
    settings::<ProducerConfig>(&[], &mut all);
    settings::<ExporterConfig>(&[], &mut all);
    all.into_iter().map(|name| name + "\n").collect()
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/src/config/variables.txt")
}

#[test]
fn the_list_holds_every_setting_of_every_daemon_and_no_other() {
    let wanted = wanted();
    for name in ["instance_id\n", "registry.url\n", "kafka.bootstrap\n", "exporter.groups\n", "state.code\n"]
    {
        assert!(wanted.contains(name), "{name} is missing from\n{wanted}");
    }
    let written = std::fs::read_to_string(file()).unwrap();
    assert_eq!(
        written, wanted,
        "write it anew: cargo test -p sanchar-tests --test variables -- --ignored write_the_list"
    );
}

#[test]
#[ignore = "writes runtime/src/config/variables.txt anew"]
fn write_the_list() {
    std::fs::write(file(), wanted()).unwrap();
}

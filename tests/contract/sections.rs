//! The list of what stands at the top of daemons' configurations (`sanchar_runtime::config::SECTIONS`) agrees with their code.
//!
//! By it a daemon passes over what is another's in an environment that all of a machine share. What a variable does is tested
//! beside `runtime/src/config`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails right there")]

use sanchar::exporter::ExporterConfig;
use sanchar_fanout::config::FanoutConfig;
use sanchar_producer::config::ProducerConfig;
use sanchar_runtime::config::SECTIONS;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// What `sanchar status` reads of its file beside the connection.
const OF_COMMANDS: [&str; 1] = ["status"];

/// What a configuration has at its top: serde lists it when it is given what it does not know.
fn sections<T: DeserializeOwned>() -> Vec<String> {
    let error = toml::from_str::<T>("stranger = 1").err().unwrap();
    let listed = error.message().strip_prefix("unknown field `stranger`, ").unwrap();
    listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_list_holds_the_sections_of_every_daemon_and_no_other() {
    let daemons =
        [sections::<FanoutConfig>(), sections::<ProducerConfig>(), sections::<ExporterConfig>()].concat();
    let wanted: BTreeSet<String> = daemons.into_iter().chain(OF_COMMANDS.map(str::to_owned)).collect();
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    assert_eq!(SECTIONS.as_slice(), wanted, "list them in runtime/src/config/environment.rs");
}

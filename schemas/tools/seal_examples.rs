//! Rewrites `schemas/examples`: reads every JSON file, seals the events, puts them into the shared records,
//! and writes the JSON in full and the Avro datum beside it. Run it after editing an example or adding a
//! schema version; the tests only compare.
//!
//! `cargo run -p sanchar-schemas --example seal-examples`

use sanchar_schemas::shared::Notice;
use sanchar_schemas::{CrimeEvent, SharedCrimeEvent, codec};
use serde::Serialize;
use std::collections::HashMap;
use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// The events by what a shared record repeats of them: record id and revision.
type Events = HashMap<(String, i64), CrimeEvent>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples"))? {
        paths.push(entry?.path());
    }
    paths.retain(|path| path.extension() == Some(OsStr::new("json")));
    let is_shared =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("shared-"));
    let (shared, events): (Vec<_>, Vec<_>) = paths.into_iter().partition(is_shared);

    let mut sealed = Events::new();
    for path in &events {
        let event = seal_event(path).map_err(|e| format!("{}: {e}", path.display()))?;
        sealed.insert((event.record_id.to_string(), event.revision), event);
    }
    for path in &shared {
        seal_shared(path, &sealed).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(())
}

fn seal_event(path: &Path) -> Result<CrimeEvent, Box<dyn Error>> {
    let event = serde_json::from_str::<CrimeEvent>(&fs::read_to_string(path)?)?.sealed();
    write(path, &event, &codec::encode_event(&event)?)?;
    Ok(event)
}

fn seal_shared(path: &Path, events: &Events) -> Result<(), Box<dyn Error>> {
    let mut shared: SharedCrimeEvent = serde_json::from_str(&fs::read_to_string(path)?)?;
    let identity = (shared.enrichment.record_id.to_string(), shared.enrichment.revision);
    let event = events.get(&identity).ok_or("no example event has this record_id and revision; add one")?;
    shared.enrichment.event_id = event.event_id.clone().into();
    shared.event = (shared.notice == Notice::Delivery).then(|| event.clone());
    write(path, &shared, &codec::encode_shared(&shared)?)
}

fn write<T: Serialize>(path: &Path, value: &T, datum: &[u8]) -> Result<(), Box<dyn Error>> {
    fs::write(path, serde_json::to_string_pretty(value)? + "\n")?;
    fs::write(path.with_extension("avro"), datum)?;
    Ok(())
}

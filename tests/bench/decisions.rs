//! What it costs to decide about an event, without Kafka: to read what decisions need, to find what it means, whom it goes to,
//! and what is added to it. On one thread, over the contract's examples (a dozen kinds, persons, vehicles, gangs, addressees).

use crate::report::Report;
use anyhow::{Context as _, Result};
use sanchar_fanout::enrich::enrich;
use sanchar_fanout::meaning::Meaning;
use sanchar_fanout::route::route;
use sanchar_fanout::rules::Rules;
use sanchar_schemas::{CrimeEvent, Outline, StateSet, codec};
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

/// Times that each example is decided about.
const ROUNDS: u32 = 20_000;

pub(crate) fn measure(report: &mut Report) -> Result<()> {
    let data = examples()?;
    let rules = Rules::builtin();
    let outlines = data.iter().map(|datum| Outline::read(datum)).collect::<Result<Vec<_>, _>>()?;
    let meanings: Vec<Meaning<'_>> = outlines.iter().map(Meaning::of).collect();
    let decided: Vec<_> = outlines.iter().zip(&meanings).collect();
    let routes: Vec<_> =
        decided.iter().map(|(event, meaning)| route(event, meaning, &rules, StateSet::EMPTY)).collect();
    let read_ns = time(data.len(), || data.iter().for_each(|datum| drop(black_box(Outline::read(datum)))));
    let meaning_ns =
        time(data.len(), || outlines.iter().for_each(|event| drop(black_box(Meaning::of(event)))));
    let route_ns = time(data.len(), || {
        for (event, meaning) in &decided {
            black_box(route(event, meaning, &rules, StateSet::EMPTY));
        }
    });
    let enrich_ns = time(data.len(), || {
        for ((event, meaning), route) in decided.iter().zip(&routes) {
            black_box(codec::encode_enrichment(&enrich(event, meaning, &rules, route, 0)).is_ok());
        }
    });
    report.decisions(&[
        ("read_ns", read_ns),
        ("meaning_ns", meaning_ns),
        ("route_ns", route_ns),
        ("enrich_ns", enrich_ns),
    ]);
    Ok(())
}

/// Nanoseconds for each of `count` events.
fn time(count: usize, mut all: impl FnMut()) -> f64 {
    all(); // the first time builds tables
    let began = Instant::now();
    (0..ROUNDS).for_each(|_| all());
    began.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS) / count as f64
}

/// The contract's examples, as Avro data.
fn examples() -> Result<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/examples");
    let mut data = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".json") && !name.starts_with("shared-") {
            let text = std::fs::read_to_string(&path)?;
            let event: CrimeEvent = serde_json::from_str(&text).with_context(|| name.to_owned())?;
            data.push(codec::encode_event(&event)?);
        }
    }
    Ok(data)
}

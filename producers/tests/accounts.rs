//! Every sample and every example's data through its mapping: what is published, withheld, left out and in quarantine adds up, and the
//! table in README.md says so. On a difference the table is printed as it has to be.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails right there")]

use std::fs;
use std::path::Path;

use sanchar_producer::{ProducerConfig, Summary, dry_run};

/// 1 November 2024, so that the counts do not depend on the day of the test.
const NOW_MS: i64 = 1_730_419_200_000;
/// What comes, and the mapping that it goes through, from this crate's folder. `rajasthan-postgres.toml` has a database instead of data.
const SAMPLES: [(&str, &str); 14] = [
    ("Karnataka's FIR table, CSV", "../deploy/examples/karnataka.toml"),
    ("Indore's daily report in Hindi, three files", "../deploy/examples/indore.toml"),
    ("Delhi, JSON Lines", "../deploy/examples/delhi.toml"),
    ("Haryana, CSV", "../deploy/examples/haryana.toml"),
    ("Uttar Pradesh in Hindi, CSV", "../deploy/examples/uttar-pradesh.toml"),
    ("Goa, CSV without a header", "../deploy/examples/goa.toml"),
    ("Punjab, a JSON list", "../deploy/examples/punjab.toml"),
    ("Rajasthan, XML", "../deploy/examples/rajasthan.toml"),
    ("Himachal Pradesh, packed CSV", "../deploy/examples/himachal-pradesh.toml"),
    ("Chandigarh, pushed items", "../deploy/examples/chandigarh.toml"),
    ("Chicago's incidents, the last line cut off", "tests/samples/chicago.toml"),
    ("San Francisco's incidents and supplements", "tests/samples/san-francisco.toml"),
    ("New Zealand's stolen vehicles", "tests/samples/new-zealand.toml"),
    ("London's street crime, rows without ids", "tests/samples/london.toml"),
];

fn account(path: &Path) -> Summary {
    let mut config = ProducerConfig::load(path).unwrap();
    if config.push.take().is_some() {
        // What is pushed is JSON Lines, and its mapping reads it from a file alike.
        config.source.files = vec!["data/chandigarh-events.ndjson".to_owned()];
    }
    let summary = dry_run(&config, NOW_MS, &mut |_| Ok(()), &mut |_| {}).unwrap();
    assert!(summary.adds_up() && summary.refused.count == 0, "{}\n{summary}", path.display());
    summary
}

#[test]
fn every_sample_adds_up_and_the_table_says_so() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut table =
        "| what comes | rows | published | of these with something withheld | left out | quarantine |\n\
                     |---|--:|--:|--:|--:|--:|\n"
            .to_owned();
    let mut all = [0; 5];
    for (name, mapping) in SAMPLES {
        let of = account(&folder.join(mapping));
        let (left_out, quarantined) = (of.filtered_count(), of.quarantined_count());
        let counts = [of.read, of.published, of.events_withheld, left_out, quarantined];
        all.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
        table.push_str(&format!(
            "| [{name}]({mapping}) | {} |\n",
            counts.map(|count| count.to_string()).join(" | ")
        ));
    }
    table.push_str(&format!("| all | {} |\n", all.map(|count| count.to_string()).join(" | ")));
    let [read, published, withheld, left_out, quarantined] = all;
    assert_eq!(read, published + left_out + quarantined);
    assert!(withheld > 0 && withheld <= published);
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    assert!(readme.contains(&format!("\n\n{table}\n")), "the table in README.md has to be\n{table}");
}

/// A mapping without its line in the table would be one of which nobody knows what becomes of its rows.
#[test]
fn no_mapping_with_data_is_left_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    for place in ["../deploy/examples", "tests/samples"] {
        for entry in fs::read_dir(folder.join(place)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            // The others are files of other daemons.
            let is_mapping =
                name.ends_with(".toml") && fs::read_to_string(&path).unwrap().contains("[mapping]");
            if is_mapping && name != "rajasthan-postgres.toml" {
                let known = format!("{place}/{name}");
                assert!(SAMPLES.iter().any(|(_, mapping)| *mapping == known), "{known}");
            }
        }
    }
}

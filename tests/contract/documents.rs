//! Documents say what is there: every link leads somewhere, and every test or file named as proof exists.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails right there")]

use sanchar_schemas::topics::{Topic, TopicSpec};
use std::path::{Path, PathBuf};

const DOCUMENTS: [&str; 11] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "schemas/README.md",
    "producers/README.md",
    "consumers/GUARANTEE.md",
    "deploy/SCALING.md",
    "deploy/stack/README.md",
    "deploy/monitoring/README.md",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Targets of Markdown links that lead into the repository.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let inside = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    inside.filter_map(|target| target.split('#').next()).collect()
}

/// Paths of source files in backticks.
fn files_named(text: &str) -> Vec<&str> {
    let spans = text.split('`').skip(1).step_by(2);
    spans
        .filter(|span| span.contains('/') && span.ends_with(".rs") && !span.contains(char::is_whitespace))
        .collect()
}

#[test]
fn every_link_leads_somewhere_and_every_file_named_exists() {
    let mut missing = Vec::new();
    for document in DOCUMENTS {
        let path = root().join(document);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{document}: {error}"));
        let beside = path.parent().unwrap();
        let linked = links(&text).into_iter().map(|target| beside.join(target));
        let named = files_named(&text).into_iter().map(|file| root().join(file));
        missing.extend(
            linked
                .chain(named)
                .filter(|path| !path.exists())
                .map(|path| format!("{document}: {}", path.display())),
        );
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn the_contracts_page_names_every_topic_and_header_as_the_data_do() {
    let page = std::fs::read_to_string(root().join("schemas/README.md")).unwrap();
    let delhi = "IN-DL".parse().unwrap();
    for topic in [Topic::Reported(delhi), Topic::Shared(delhi), Topic::Dlq, Topic::Register, Topic::Redriven]
    {
        let TopicSpec { name, key, subject, partitions, cleanup, writers, readers, .. } = topic.spec();
        let subject = if subject.is_empty() { "–".to_owned() } else { format!("`{subject}`") };
        let row =
            format!("| `{name}` | {key} | {subject} | {partitions} | {cleanup} | {writers} | {readers} |");
        assert!(page.contains(&row), "{row}");
    }
    let source = std::fs::read_to_string(root().join("schemas/src/headers.rs")).unwrap();
    let constants = source.lines().filter(|line| line.starts_with("pub const") && !line.contains("_VALUE"));
    let names = constants.filter(|line| !line.contains("CE_TYPE_")).filter_map(|line| line.split('"').nth(1));
    for name in names {
        assert!(page.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn a_broken_link_would_be_found() {
    assert_eq!(links("see [a](b/c.md) and [d](https://example.org) and [e](f.md#part)"), ["b/c.md", "f.md"]);
    assert_eq!(files_named("`tests/e2e/x.rs`, `main.rs` and `a b/c.rs`"), ["tests/e2e/x.rs"]);
}

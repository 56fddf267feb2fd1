//! What is watched agrees with the code, both ways: catalogue, alert rules with their runbooks and tests, dashboards.
//!
//! Whether rules and queries are valid is for `promtool` (`deploy/monitoring/check`); whether a running daemon shows what
//! they name, for `tests/e2e/monitoring.rs`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails right there"
)]

use sanchar_runtime::metrics::Metrics;
use sanchar_tests::monitoring::catalogue::{self, FOREIGN};
use sanchar_tests::monitoring::expressions::{self, Judge};
use sanchar_tests::monitoring::{dashboards, folder, page, rules};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const PAGE: &str = "METRICS.md";
const WRITE: &str =
    "write the page anew: cargo test -p sanchar-tests --test monitoring -- --ignored write_the_page";

/// Folders with the code of daemons.
const SOURCES: [&str; 5] =
    ["runtime/src", "producers/src", "consumers/stream/src", "consumers/fanout/src", "deploy/cli/src"];

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found
}

/// Names of metrics in backticks at the begin of a table's row.
fn names_on(page: &str) -> BTreeSet<String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).map(str::to_owned).collect()
}

/// Names of metrics in quotation marks in code, not in that of its tests.
fn names_in(source: &str) -> BTreeSet<String> {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let texts = code.split('"').skip(1).step_by(2);
    let is_name = |text: &&str| {
        text.starts_with("sanchar_")
            && !text.ends_with('_')
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    texts.filter(is_name).map(str::to_owned).collect()
}

#[test]
fn the_page_lists_what_the_code_registers_and_nothing_else() {
    let daemons = catalogue::daemons().unwrap();
    let written = read(&folder().join(PAGE));
    let on_page = names_on(&written);
    let ours = daemons.iter().flat_map(|daemon| daemon.metrics.iter().map(|metric| metric.name.clone()));
    let in_code: BTreeSet<String> =
        ours.chain(FOREIGN.iter().map(|foreign| foreign.name.to_owned())).collect();
    let missing: Vec<_> = in_code.difference(&on_page).collect();
    let gone: Vec<_> = on_page.difference(&in_code).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not on the page: {missing:?}; not in the code: {gone:?}; {WRITE}"
    );
    assert_eq!(written, page::render(&daemons).unwrap(), "{WRITE}");
}

#[test]
#[ignore = "writes deploy/monitoring/METRICS.md anew"]
fn write_the_page() {
    let text = page::render(&catalogue::daemons().unwrap()).unwrap();
    std::fs::write(folder().join(PAGE), text).unwrap();
}

#[test]
fn no_metric_is_made_that_the_catalogue_does_not_know() {
    let daemons = catalogue::daemons().unwrap();
    let known: BTreeSet<&str> =
        daemons.iter().flat_map(|daemon| daemon.metrics.iter().map(|metric| metric.name.as_str())).collect();
    let mut unknown = Vec::new();
    for source in SOURCES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(source);
        for path in files(&folder, "rs").iter().filter(|path| !path.ends_with("tests.rs")) {
            let names = names_in(&read(path)).into_iter().filter(|name| !known.contains(name.as_str()));
            unknown.extend(names.map(|name| format!("{name} of {}", path.display())));
        }
    }
    assert!(
        unknown.is_empty(),
        "call what makes them in the `metrics::register_all` of their crate, then {WRITE}:\n{}",
        unknown.join("\n")
    );
}

#[test]
fn a_name_in_code_is_found_and_one_in_its_tests_is_not() {
    let source = "fn a() { counter(\"sanchar_a_total\", \"sanchar_ is a prefix\") }\n#[cfg(test)]\nmod tests {\"sanchar_b\"}";
    assert_eq!(names_in(source), BTreeSet::from(["sanchar_a_total".to_owned()]));
    assert_eq!(names_on("| `a` | x |\n| metric |\n"), BTreeSet::from(["a".to_owned()]));
}

#[test]
fn rules_name_what_exists() {
    let daemons = catalogue::daemons().unwrap();
    let rules = rules::read_folder(&folder().join("alerts")).unwrap();
    let judge = Judge::new(&daemons, &rules);
    let complaint = |rule: &rules::Rule| {
        let complaints = judge.complaints(rule.field("expr")).into_iter();
        complaints.map(|text| format!("{}: {text}", rule.name)).collect::<Vec<_>>()
    };
    let complaints: Vec<String> = rules.iter().flat_map(complaint).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_alert_is_whole_and_has_a_page_and_both_kinds_of_tests() {
    let rules = rules::read_folder(&folder().join("alerts")).unwrap();
    let tested = rules::tested(&folder().join("alerts/tests")).unwrap();
    let mut names = BTreeSet::new();
    for alert in rules.iter().filter(|rule| rule.is_alert) {
        let name = &alert.name;
        assert!(names.insert(format!("{name}.md")), "{name} is there twice");
        assert!(["critical", "warning"].contains(&alert.field("severity")), "{name}: severity");
        for field in ["for", "summary", "description"] {
            assert!(!alert.field(field).is_empty(), "{name} has no {field}");
        }
        assert_eq!(alert.field("runbook_url"), format!("runbooks/{name}.md"));
        let tests = tested.get(name).copied().unwrap_or_default();
        assert!(
            tests.fires && tests.is_quiet,
            "{name} needs a test in which it fires and one in which it is quiet"
        );
    }
    let pages = files(&folder().join("runbooks"), "md");
    let pages: BTreeSet<String> =
        pages.iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!(pages, names, "a page in runbooks/ for each alert, and an alert for each page");
}

#[test]
fn every_runbook_has_its_four_parts() {
    for path in files(&folder().join("runbooks"), "md") {
        let text = read(&path);
        let title = format!("# {}\n", path.file_stem().unwrap().to_str().unwrap());
        assert!(text.starts_with(&title), "{}: its title is the alert's name", path.display());
        let parts: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(parts, ["## Meaning", "## Check", "## Fix", "## Escalate"], "{}", path.display());
        assert!(text.contains("```console\n"), "{}: what to type", path.display());
    }
}

#[test]
fn dashboards_are_whole_and_ask_for_what_exists() {
    let daemons = catalogue::daemons().unwrap();
    let rules = rules::read_folder(&folder().join("alerts")).unwrap();
    let judge = Judge::new(&daemons, &rules);
    let mut complaints = Vec::new();
    let boards = files(&folder().join("dashboards"), "json");
    assert!(boards.len() >= 4);
    for path in boards {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let board = dashboards::read(&path).unwrap();
        complaints.extend(board.complaints(name).into_iter().map(|text| format!("{name}: {text}")));
        for (panel, expression) in board.expressions() {
            let wrong = judge.complaints(&expression).into_iter();
            complaints.extend(wrong.map(|text| format!("{name}, {panel}: {text}")));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_metric_is_on_a_dashboard() {
    let mut shown = BTreeSet::new();
    for path in files(&folder().join("dashboards"), "json") {
        for (_, expression) in dashboards::read(&path).unwrap().expressions() {
            let named = expressions::read(&expression).selectors.into_iter();
            // A histogram is shown by its parts; what is called a sum may be a metric of its own.
            shown.extend(named.flat_map(|(metric, _)| {
                let parts = ["_bucket", "_sum", "_count"];
                let whole = parts.iter().find_map(|part| metric.strip_suffix(part)).map(str::to_owned);
                whole.into_iter().chain([metric])
            }));
        }
    }
    let daemons = catalogue::daemons().unwrap();
    let names = daemons.iter().flat_map(|daemon| daemon.metrics.iter().map(|metric| &metric.name));
    let missing: BTreeSet<_> = names.filter(|name| !shown.contains(*name)).collect();
    assert!(missing.is_empty(), "no panel shows {missing:?}");
}

#[test]
fn every_job_that_is_named_is_scraped() {
    let config = read(&folder().join("prometheus.yml"));
    let jobs: BTreeSet<&str> =
        config.lines().filter_map(|line| line.trim().strip_prefix("- job_name: ")).collect();
    let mut expressions: Vec<String> = Vec::new();
    for rule in rules::read_folder(&folder().join("alerts")).unwrap() {
        expressions.push(rule.field("expr").to_owned());
    }
    for path in files(&folder().join("dashboards"), "json") {
        expressions.extend(dashboards::read(&path).unwrap().expressions().into_iter().map(|(_, text)| text));
    }
    let named = expressions.iter().map(|text| expressions::read(text));
    let matchers = named.flat_map(|named| named.selectors.into_iter().flat_map(|(_, matchers)| matchers));
    let named: BTreeSet<String> =
        matchers.filter(|one| one.label == "job" && one.operator == "=").map(|one| one.value).collect();
    assert!(!named.is_empty());
    let unknown: Vec<_> = named.iter().filter(|job| !jobs.contains(job.as_str())).collect();
    assert!(unknown.is_empty(), "prometheus.yml has no job {unknown:?}");
    assert!(
        daemon_names().iter().all(|daemon| jobs.contains(daemon)),
        "each daemon is scraped under its name"
    );
}

fn daemon_names() -> Vec<&'static str> {
    catalogue::daemons().unwrap().iter().map(|daemon| daemon.name).collect()
}

#[test]
fn a_scrape_of_everything_has_as_many_series_as_the_page_says() {
    for daemon in catalogue::daemons().unwrap() {
        let metrics = Metrics::new("sanchar-test").unwrap();
        let before = series_in(&metrics.render());
        let filled = catalogue::fill(&daemon, &metrics).unwrap();
        assert_eq!(series_in(&metrics.render()) - before, filled, "{}", daemon.name);
    }
}

fn series_in(scrape: &str) -> usize {
    scrape.lines().filter(|line| !line.starts_with('#')).count()
}

//! Rules as they are read: each mistake is named with its place, and what is right is taken. Not what they decide; that is in
//! `route/tests.rs`.

use super::*;
use jiff::civil::date;
use sanchar_schemas::jurisdictions::{ADJACENCY, COORDINATION};

const TODAY: Date = date(2026, 11, 1);
const PARTNERS: &str =
    "version = \"t\"\npartners = [[\"IN-AN\", \"IN-AP\"], [\"IN-AN\", \"IN-TN\"], [\"IN-KL\", \"IN-LD\"]]\n";

fn refused(coordination: &str) -> String {
    Rules::parse(ADJACENCY.text, &format!("{PARTNERS}{coordination}"), TODAY).unwrap_err().to_string()
}

fn group(name: &str, rest: &str) -> String {
    format!("[[groups]]\nname = \"{name}\"\n{rest}\n[[groups.when]]\nrequested = true\n")
}

#[test]
fn every_mistake_is_named_with_its_place() {
    let two = "members = [\"IN-DL\", \"IN-HR\"]";
    let head = |restricted: &str| {
        format!(
            "[[groups]]\nname = \"A\"\n{two}\n{restricted}\n[[groups.when]]\nheads = [\"TERRORIST_ACT\"]\n"
        )
    };
    for (text, part) in [
        ("near = [[\"IN-DL\", \"IN-XX\"]]".to_owned(), "near[0]: unknown state code `IN-XX`"),
        ("near = [[\"IN-DL\", \"IN-DL\"]]".to_owned(), "near[0]: IN-DL is paired with itself"),
        (
            "near = [[\"IN-HR\", \"IN-UK\"], [\"IN-UK\", \"IN-HR\"]]".to_owned(),
            "near[1]: IN-UK and IN-HR are paired twice",
        ),
        ("near = [[\"IN-DL\", \"IN-HR\"]]".to_owned(), "share a land border"),
        ("narrow_severity_max = 6".to_owned(), "between 0 (off) and 5"),
        ("bordrs = 1".to_owned(), "line 3, column 1: unknown field `bordrs`"),
        (group("no name!", two), "groups[0].name: \"no name!\" is no name"),
        (group("A", two) + &group("a", two), "a: is the name of two groups"),
        (group("A", "members = [\"IN-DL\"]"), "A: has fewer than two members"),
        (group("A", "members = [\"IN-DL\", \"IN-HR\", \"IN-DL\"]"), "A: lists IN-DL twice"),
        (group("A", "members = [\"IN-DL\", \"Haryana\"]"), "A: members: unknown state code `Haryana`"),
        (group("A", "members = [\"IN-DL\"]\nincludes = [\"B\"]"), "A: includes `B`, which is no group"),
        (
            group("A", "includes = [\"B\"]")
                + &group("B", "includes = [\"C\"]")
                + &group("C", "includes = [\"A\"]"),
            "includes itself (A → B → C → A)",
        ),
        (group("A", &format!("{two}\nincludes = [\"A\"]")), "A: includes itself (A → A)"),
        (format!("[[groups]]\nname = \"A\"\n{two}\n"), "A: has no condition"),
        (format!("[[groups]]\nname = \"A\"\n{two}\n[[groups.when]]\n"), "every event would fit"),
        (
            format!("[[groups]]\nname = \"A\"\n{two}\n[[groups.when]]\nheads = [\"THIEVERY\"]\n"),
            "name `THIEVERY`, which is no head",
        ),
        (
            format!("[[groups]]\nname = \"A\"\n{two}\n[[groups.when]]\nkinds = [\"RUMOUR\"]\n"),
            "unknown variant `RUMOUR`",
        ),
        (
            format!("[[groups]]\nname = \"A\"\n{two}\n[[groups.when]]\nseverity_min = 9\n"),
            "A: when[0].severity_min: has to lie",
        ),
        (head(""), "A: when[0].heads: name TERRORIST_ACT, which only some may see"),
        (
            group("ATS", &format!("restricted = true\n{two}"))
                + &group("A", &format!("{two}\nincludes = [\"ATS\"]")),
            "A: includes ATS, which alone may see restricted material",
        ),
        (
            group("A", two) + &group("ATS", &format!("restricted = true\n{two}\nincludes = [\"A\"]")),
            "ATS: may see restricted material and includes other groups",
        ),
    ] {
        let error = refused(&text);
        assert!(
            error.starts_with("coordination.toml: ") && error.contains(part),
            "{error} does not say {part}"
        );
    }
    assert!(Rules::parse(ADJACENCY.text, &format!("{PARTNERS}{}", head("restricted = true")), TODAY).is_ok());
}

#[test]
fn a_state_without_any_recipient_is_refused() {
    let error = Rules::parse(ADJACENCY.text, "version = \"t\"", TODAY).unwrap_err().to_string();
    assert!(error.contains("partners: IN-AN has neither a land neighbour nor a partner"), "{error}");
    let without_sikkim = ADJACENCY.text.replacen("IN-SK,IN-WB,,\n", "", 1);
    let error = Rules::parse(&without_sikkim, COORDINATION.text, TODAY).unwrap_err().to_string();
    assert!(error.contains("IN-SK has neither"), "{error}");
    let error = Rules::parse("a,b\nIN-DL,IN-DL\n", COORDINATION.text, TODAY).unwrap_err().to_string();
    assert_eq!(error, "adjacency.csv: line 2: IN-DL borders itself: remove the line");
}

#[test]
fn a_group_has_the_members_of_those_that_it_includes() {
    let text = format!(
        "{PARTNERS}{}{}",
        group("A", "members = [\"IN-DL\", \"IN-OR\"]"),
        group("B", "members = [\"IN-GA\"]\nincludes = [\"A\"]")
    );
    let rules =
        Rules::parse(ADJACENCY.text, &format!("\u{feff}{}", text.replace('\n', "\r\n")), TODAY).unwrap();
    let members: Vec<&str> = rules.groups()[1].members.iter().map(StateCode::as_str).collect();
    assert_eq!(members, ["IN-DL", "IN-GA", "IN-OD"], "as Windows programs write it, with an older code");
}

/// Each group includes the two below it: without a memory of what was looked at, that would be two to the power of forty.
#[test]
fn groups_that_include_one_another_many_times_are_quick() {
    let mut text = PARTNERS.to_owned();
    for i in 0..100 {
        let below =
            if i < 98 { format!("includes = [\"G{}\", \"G{}\"]", i + 1, i + 2) } else { String::new() };
        text += &group(&format!("G{i}"), &format!("members = [\"IN-DL\", \"IN-HR\"]\n{below}"));
    }
    assert_eq!(Rules::parse(ADJACENCY.text, &text, TODAY).unwrap().groups().len(), 100);
    let twice = group("A", "members = [\"IN-DL\"]\nincludes = [\"B\", \"b\"]")
        + &group("B", "members = [\"IN-HR\", \"IN-UP\"]");
    assert!(refused(&twice).contains("A: includes b twice"), "{}", refused(&twice));
}

#[test]
fn a_border_that_ends_may_leave_a_state_alone() {
    let ends = ADJACENCY.text.replacen("IN-SK,IN-WB,,", "IN-SK,IN-WB,,2027-03-31", 1);
    let error = Rules::parse(&ends, COORDINATION.text, TODAY).unwrap_err().to_string();
    assert!(error.contains("IN-SK has neither") && error.contains("from 2027-04-01 on"), "{error}");
}

#[test]
fn what_is_shown_is_one_line_of_text() {
    for text in [
        "version = \"\\u001b[31m\"",
        "version = \"a\\nb\"",
        "version = \"t\"\n[[groups]]\nname = \"A\"\nabout = \"\\u202e\"\nmembers = [\"IN-DL\", \"IN-HR\"]\n[[groups.when]]\nrequested = true",
    ] {
        let text = format!("{text}\n");
        let (first, rest) = text.split_once('\n').unwrap();
        let text = format!("{first}\npartners = [[\"IN-AN\", \"IN-AP\"], [\"IN-KL\", \"IN-LD\"]]\n{rest}");
        let error = Rules::parse(ADJACENCY.text, &text, TODAY).unwrap_err().to_string();
        assert!(error.contains("characters that nobody sees"), "{error}");
    }
    let hindi = "[[groups]]\nname = \"A\"\nabout = \"क्\u{200d}षेत्र\"\nmembers = [\"IN-DL\", \"IN-HR\"]\n[[groups.when]]\nrequested = true";
    assert!(Rules::parse(ADJACENCY.text, &format!("{PARTNERS}{hindi}"), TODAY).is_ok(), "a joiner is text");
    let error = refused("near = [[\"IN-DL\", \"\\u001b[2J\"]]");
    assert!(!error.contains('\u{1b}'), "{error:?}");
}

#[test]
fn the_digest_tells_any_change_and_the_version_is_the_files() {
    let builtin = Rules::builtin();
    let changed = COORDINATION.text.replacen("National Capital Region", "National capital region", 1);
    let other = Rules::parse(ADJACENCY.text, &changed, TODAY).unwrap();
    assert_eq!(other.version(), builtin.version());
    assert_ne!(other.digest(), builtin.digest());
    assert!(builtin.digest().len() == 16 && builtin.digest().bytes().all(|b| b.is_ascii_hexdigit()));
}

#[test]
fn a_folder_may_replace_one_file_and_errors_name_the_path() {
    let folder = tempfile::tempdir().unwrap();
    let read = |folder: &std::path::Path| read_folder(folder, 1_800_000_000_000);
    assert!(
        read(folder.path())
            .unwrap_err()
            .to_string()
            .contains("holds neither adjacency.csv nor coordination.toml")
    );
    assert!(read(&folder.path().join("absent")).unwrap_err().to_string().contains("is no folder"));
    let coordination = folder.path().join("coordination.toml");
    std::fs::write(&coordination, format!("{PARTNERS}narrow_severity_max = 1\n")).unwrap();
    let rules = read(folder.path()).unwrap();
    assert_eq!((rules.version(), rules.narrow_severity_max()), ("t", 1));
    let misspelt = folder.path().join("adjacencies.csv");
    std::fs::write(&misspelt, "a,b\n").unwrap();
    assert!(read(folder.path()).unwrap_err().to_string().contains("adjacencies.csv: is no file of rules"));
    std::fs::remove_file(&misspelt).unwrap();
    let link = folder.path().join("adjacency.csv");
    std::os::unix::fs::symlink("/nonexistent/adjacency.csv", &link).unwrap();
    assert!(read(folder.path()).unwrap_err().to_string().contains("adjacency.csv: cannot be read"));
    std::fs::remove_file(&link).unwrap();
    std::fs::create_dir(&link).unwrap();
    assert!(read(folder.path()).unwrap_err().to_string().contains("adjacency.csv: is no file"));
    std::fs::remove_dir(&link).unwrap();
    std::fs::write(&coordination, b"version = \"t\"\n# \xff\n").unwrap();
    let error = read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("coordination.toml: line 2: is not UTF-8"), "{error}");
    std::fs::write(&coordination, vec![b'#'; 1 << 21]).unwrap();
    assert!(read(folder.path()).unwrap_err().to_string().contains("larger than 1 MiB"));
}

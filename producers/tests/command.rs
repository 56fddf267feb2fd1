//! The command as people and scripts use it: answers, exit codes and messages.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sanchar_schemas::{CrimeEvent, validate};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples")
}

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sanchar-producer"))
        .current_dir(examples())
        .env_remove("SANCHAR_CONFIG")
        .args(args)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_dry_run_gives_one_valid_event_per_line_and_the_summary_beside_them() {
    let output = run(&["-c", "haryana.toml", "dry-run", "--json"]);
    assert!(output.status.success());
    let events: Vec<CrimeEvent> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 15);
    assert!(events.iter().all(|event| validate::violations(event).is_empty()));
    let summary = text(&output.stderr);
    assert!(summary.contains("section_without_act             1   data/haryana-firs.csv:14"), "{summary}");
}

#[test]
fn a_dry_run_for_people_shows_events_and_rejected_rows_without_colours_off_a_terminal() {
    let output = text(&run(&["dry-run", "-c", "haryana.toml"]).stdout);
    let line = output.lines().next().unwrap();
    assert!(line.starts_with("2024-09-02 10:15 +05:30 VEHICLE_STOLEN"), "{line}");
    assert!(
        output.contains("not published           time_order           data/haryana-firs.csv:15"),
        "{output}"
    );
    assert!(output.contains("rows read                          20"), "{output}");
    assert!(!output.contains('\u{1b}'));
    let summary = text(&run(&["dry-run", "--summary", "-c", "haryana.toml"]).stdout);
    assert!(summary.starts_with("rows read"), "{summary}");
}

#[test]
fn a_row_is_explained_before_and_after_withholding() {
    let output = text(&run(&["-c", "haryana.toml", "explain", "data/haryana-firs.csv:2"]).stdout);
    let line = |field: &str| output.lines().find(|line| line.starts_with(field)).unwrap();
    assert!(line("narrative").contains("withheld, FREE_TEXT_NOT_CLEARED (narrative: "), "{output}");
    assert!(line("persons[0].name").contains("Complainant (invented)"), "{output}");
    assert!(line("persons[0].name").contains("withheld, INFORMANT (informant: "), "{output}");
    assert!(line("vehicles[0].registration").ends_with("published"), "{output}");

    let output = run(&["-c", "haryana.toml", "explain", "--json", "data/haryana-firs.csv:2"]);
    let whole: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(whole["before"]["persons"][0]["name"], "Complainant (invented)");
    assert_eq!(whole["published"]["persons"][0]["name"], serde_json::Value::Null);
    assert_eq!(whole["withheld"].as_array().unwrap().len(), 2);

    let output = run(&["-c", "haryana.toml", "explain", "data/haryana-firs.csv:15"]);
    assert!(text(&output.stdout).starts_with("goes to quarantine as time_order: "));
    let output = run(&["-c", "haryana.toml", "explain", "data/haryana-firs.csv:999"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(text(&output.stderr).contains("no row begins at line 999: see dry-run"));
}

#[test]
fn the_rules_in_force_are_printed_as_they_are_read() {
    let output = text(&run(&["-c", "haryana.toml", "rules"]).stdout);
    let rules: sanchar_producer::withholding::Withholding = toml::from_str(&output).unwrap();
    assert_eq!(rules.rules, sanchar_producer::withholding::law());
}

#[test]
fn a_configuration_is_checked_against_its_files() {
    let output = run(&["-c", "karnataka.toml", "check-config"]);
    assert_eq!(
        text(&output.stdout),
        "karnataka.toml: the configuration is valid; its mapping fits the 1 source file\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goa.toml");
    let file = std::fs::read_to_string(examples().join("goa.toml")).unwrap();
    std::fs::write(&path, file.replace("year = \"year\"", "year = \"yaer\"")).unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("data/goa-firs.csv"), "x\n").unwrap();
    for command in ["check-config", "dry-run"] {
        let output = run(&["-c", path.to_str().unwrap(), command]);
        assert_eq!(output.status.code(), Some(78), "{command}");
        let message = text(&output.stderr);
        let wanted = "/goa.toml:39:8: mapping.fir.year names the column `yaer`, which data/goa-firs.csv does not have: \
                      did you mean `year`";
        assert!(message.contains(wanted), "{message}");
    }
}

#[test]
fn a_mistake_is_named_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goa.toml");
    let file = std::fs::read_to_string(examples().join("goa.toml")).unwrap();
    std::fs::write(&path, file.replace("[mapping.fir]\n", "[mapping.fir]\nnumbr = \"fir_no\"\n")).unwrap();
    let output = run(&["-c", path.to_str().unwrap(), "run"]);
    assert_eq!(output.status.code(), Some(78));
    let message = text(&output.stderr);
    assert!(
        message.contains("mapping.fir.numbr: unknown field `numbr`, did you mean `number`?"),
        "{message}"
    );
    assert!(message.contains("goa.toml:"), "{message}");
}

#[test]
fn the_rest_of_the_command_line() {
    let help = text(&run(&["--help"]).stdout);
    for part in ["Examples:", "dry-run --json", "SANCHAR_CONFIG", "Exit codes"] {
        assert!(help.contains(part), "{part} is missing from\n{help}");
    }
    let output = run(&["dry-run"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(text(&output.stderr).contains("--config or SANCHAR_CONFIG"));
    let printed = text(&run(&["print-config", "-c", "delhi.toml"]).stdout);
    assert!(printed.contains("code = \"IN-DL\"") && printed.contains("in_flight_rows = 10000"), "{printed}");
}

#[test]
fn rows_come_from_standard_input_where_the_file_says_so() {
    use std::io::Write as _;
    use std::process::Stdio;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("haryana.toml");
    let file = std::fs::read_to_string(examples().join("haryana.toml")).unwrap();
    std::fs::write(&path, file.replace("\"data/haryana-firs.csv\"", "\"-\"")).unwrap();
    let path = path.to_str().unwrap();
    let output = run(&["-c", path, "check-config"]);
    let answer = text(&output.stdout);
    assert!(answer.ends_with("the configuration is valid; its rows come from standard input\n"), "{answer}");

    let mut child = Command::new(env!("CARGO_BIN_EXE_sanchar-producer"))
        .args(["-c", path, "dry-run"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let rows = std::fs::read(examples().join("data/haryana-firs.csv")).unwrap();
    child.stdin.take().unwrap().write_all(&rows).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let answer = text(&output.stdout);
    assert!(answer.contains("time_order           stdin:15"), "{answer}");
    assert!(answer.contains("rows read                          20"), "{answer}");
}

#[test]
fn a_file_that_breaks_off_is_said_in_the_summary_and_by_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("punjab.toml");
    std::fs::copy(examples().join("punjab.toml"), &path).unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let list = std::fs::read_to_string(examples().join("data/punjab-2024-09-05.json")).unwrap();
    let cut = list.split_once("\"registered\": \"soon\"").unwrap().0;
    std::fs::write(folder.path().join("data/punjab-1.json"), cut).unwrap();
    let output = run(&["-c", path.to_str().unwrap(), "dry-run"]);
    assert_eq!(output.status.code(), Some(78));
    let answer = text(&output.stdout);
    let wanted = "data/punjab-1.json: from line 29 on it cannot be read: it ends before its list";
    assert!(answer.contains(wanted), "{answer}");
    assert!(answer.contains("unterminated                    1   data/punjab-1.json:29"), "{answer}");
    assert!(text(&output.stderr).contains("files that cannot be read, or not to their end: 1"));
}

/// Without sections and heads nothing tells which cases the law protects.
#[test]
fn a_mapping_that_says_no_offence_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("goa.toml");
    let settings = "[state]\ncode = \"IN-GA\"\n[source]\nfiles = [\"a.csv\"]\nformat = \"csv\"\n[mapping]\nkind = { constant = \"FIR\" }\n\
                    [mapping.police_station]\nname = \"Station\"\n[mapping.fir]\nnumber = \"No\"\nyear = \"Year\"\n[mapping.place]\ntext = \"Place\"\n\
                    [kafka]\nbootstrap = \"localhost:9092\"\n";
    std::fs::write(folder.path().join("a.csv"), "Station,No,Year,Place,Head\nPanaji,1,2024,the school,354\n")
        .unwrap();
    let checked = |settings: String| {
        std::fs::write(&path, settings).unwrap();
        let output = run(&["-c", path.to_str().unwrap(), "check-config"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    assert!(
        checked(settings.to_owned()).contains("warning: neither mapping.sections nor mapping.reported_head")
    );
    let output = run(&["-c", path.to_str().unwrap(), "dry-run", "--json"]);
    let event: CrimeEvent = serde_json::from_slice(&output.stdout).unwrap();
    assert!(event.place.is_none() && event.withheld.iter().any(|withheld| withheld.path == "place"));
    let with_head = settings.replace("[kafka]", "[mapping.reported_head]\nmajor = \"Head\"\n[kafka]");
    assert!(!checked(with_head).contains("warning"));
}

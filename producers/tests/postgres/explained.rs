//! `explain` of a row of a database: found by what tells rows apart, shown before and after, and nothing is written.

use std::process::{Command, Output};

use sanchar_producer::mapping::{Explained, Verdict};
use sanchar_producer::{ProducerConfig, explain_database};
use sanchar_runtime::lifecycle::{ExitCode, Failure};

use super::outbox::outbox;
use super::server::shared;
use super::{insert, settings, table};

const NOW_MS: i64 = 1_730_419_200_000;

fn explain(text: &str, id: &str) -> Result<Explained, Failure> {
    explain_database(&toml::from_str::<ProducerConfig>(text).unwrap(), id, NOW_MS)
}

/// The same settings with a narrative, which no source has cleared.
fn narrated(text: &str) -> String {
    text.to_owned() + "[mapping.narrative]\ntext = \"station\"\n"
}

#[test]
fn a_row_of_a_query_is_shown_by_its_id_before_and_after() {
    let server = shared();
    let mut owner = table(&server, "explained");
    insert(&mut owner, 1..=9);
    owner.batch_execute("update fir set station = '' where fir_id = 2").unwrap();
    owner.batch_execute("update fir set updated_at = null where fir_id = 3").unwrap();
    let text = narrated(&settings(&server, "explained"));
    let shown = explain(&text, "7").unwrap();
    let Verdict::Event(event) = &shown.verdict else { panic!("{:?}", shown.verdict) };
    assert_eq!(event.fir.as_ref().unwrap().number, "7");
    assert!(event.narrative.is_none() && shown.before.unwrap().narrative.is_some());
    assert!(shown.taken.iter().any(|taken| taken.path == "narrative" && taken.rule == "narrative"));
    let Verdict::Rejected(rejection) = explain(&text, "2").unwrap().verdict else {
        panic!("it has no station")
    };
    assert_eq!(rejection.reason.as_str(), "missing_value");
    for nowhere in ["99", "not a number", "99999999999999999999", "3", ""] {
        let failure = explain(&text, nowhere).unwrap_err();
        assert_eq!(failure.exit_code(), ExitCode::Usage, "{nowhere}: {failure}");
        assert!(failure.to_string().contains("no row with this fir_id can be read"), "{failure}");
    }

    let two = text.replace("id = [\"fir_id\"]", "id = [\"fir_no\", \"fir_year\"]");
    assert!(matches!(explain(&two, "7,2024").unwrap().verdict, Verdict::Event(_)));
    let failure = explain(&two, "7").unwrap_err();
    assert_eq!(failure.exit_code(), ExitCode::Usage, "{failure}");
    assert!(failure.to_string().contains("a row is told by fir_no,fir_year"), "{failure}");
    let vague = text.replace("id = [\"fir_id\"]", "id = [\"station\"]");
    let failure = explain(&vague, "Jaipur").unwrap_err();
    assert_eq!(failure.exit_code(), ExitCode::Config, "{failure}");
    assert!(failure.to_string().contains("several rows have this station"), "{failure}");
}

#[test]
fn a_change_of_an_outbox_is_shown_by_its_number_and_nothing_can_be_written() {
    let server = shared();
    let (mut owner, text) = outbox(&server, "explains");
    let text = text.replace("table = \"fir_outbox\"", "table = \"fir_outbox\"\ndelete_published = true");
    let id: i64 = owner.query_one("select id from fir_outbox", &[]).unwrap().get(0);
    let shown = explain(&text, &id.to_string()).unwrap();
    let Verdict::Event(event) = &shown.verdict else { panic!("{:?}", shown.verdict) };
    assert_eq!((event.revision, event.police_station.as_ref().unwrap().name.as_str()), (id, "सदर"));

    // A query that would write is refused by the session, whatever the role may do.
    let mut owner_of_it = table(&server, "explainswrites");
    insert(&mut owner_of_it, 1..=1);
    owner_of_it.batch_execute("grant all on fir to explainswrites").unwrap();
    owner_of_it
        .batch_execute("create function w() returns int language sql as 'delete from fir returning 1'")
        .unwrap();
    let writes = settings(&server, "explainswrites").replace("select fir.*,", "select fir.*, w() as gone,");
    let failure = explain(&writes, "1").unwrap_err();
    assert!(failure.to_string().contains("the statement writes; give one that only reads"), "{failure}");
    let left: i64 = owner_of_it.query_one("select count(*) from fir", &[]).unwrap().get(0);
    assert_eq!(left, 1);
}

#[test]
fn the_command_takes_the_id_as_quarantine_names_it() {
    let (server, folder) = (shared(), tempfile::tempdir().unwrap());
    let mut owner = table(&server, "commanded");
    insert(&mut owner, 1..=2);
    let path = folder.path().join("rajasthan.toml");
    std::fs::write(&path, narrated(&settings(&server, "commanded"))).unwrap();
    let run = |args: &[&str]| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sanchar-producer"));
        command.arg("-c").arg(&path).arg("explain").args(args).output().unwrap()
    };
    for id in ["id=2", "postgres id=2"] {
        let output = run(&[id]);
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(
            shown.starts_with("published as IN-RJ/"),
            "{shown}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let narrative = shown.lines().find(|line| line.starts_with("narrative")).unwrap();
        assert!(narrative.contains("withheld, FREE_TEXT_NOT_CLEARED (narrative: "), "{shown}");
    }
    let whole: serde_json::Value = serde_json::from_slice(&run(&["--json", "id=2"]).stdout).unwrap();
    assert_eq!(whole["published"]["fir"]["number"], "2");
    for (args, message) in
        [("id=3", "no row with this fir_id"), ("firs.csv:3", "rows of a database have no lines")]
    {
        let output = run(&[args]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{said}");
        assert!(said.contains(message), "{said}");
    }
    assert!(!folder.path().join("producer-store").exists(), "it leaves nothing behind");
}

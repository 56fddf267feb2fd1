//! The doctor against a mock broker and a small registry: all is well, and each thing wrong by itself.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails right there")]

mod surroundings;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rdkafka::bindings::rd_kafka_resp_err_t;
use rdkafka::mocking::MockCluster;
use rdkafka::types::RDKafkaApiKey;
use sanchar_producer::doctor::{Attempts, Cause, Check, Diagnosis, Finding, Status, diagnose};
use sanchar_runtime::lifecycle::ExitCode;
use surroundings::{Answers, Cluster, cluster, goa, own_address, serve};

const TOPIC: &str = "crime.reported.in-ga";
/// A machine that runs other tests as well takes its time.
const PATIENT: Attempts = Attempts { writing: false, patience: Duration::from_secs(120) };

/// A place where all is well.
struct Well {
    folder: tempfile::TempDir,
    cluster: Cluster,
    path: PathBuf,
}

async fn well(answers: Answers, change: impl Fn(String) -> String) -> Well {
    let (folder, cluster) = (tempfile::tempdir().unwrap(), cluster(&[TOPIC]));
    let (registry, _) = serve(answers).await;
    let path = goa(folder.path(), &cluster.bootstrap_servers(), registry, own_address(), change);
    Well { folder, cluster, path }
}

async fn look(well: &Well) -> Diagnosis {
    diagnose(&well.path, PATIENT, &mut |_| {}).await
}

fn of(found: &Diagnosis, check: Check) -> &Finding {
    found.findings.iter().find(|finding| finding.check == check).unwrap()
}

/// That one check failed, with the remedy, and no other.
fn assert_failed(found: &Diagnosis, check: Check, cause: Cause, part: &str) {
    for finding in &found.findings {
        let is_wrong = finding.check == check;
        let is_failed = matches!(finding.status, Status::Failed(_));
        assert_eq!(is_failed, is_wrong, "{finding:?}");
    }
    let finding = of(found, check);
    assert_eq!(finding.status, Status::Failed(cause), "{finding:?}");
    let text = format!("{} {}", finding.seen, finding.remedy.clone().unwrap_or_default());
    assert!(text.contains(part), "{finding:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_is_well_nothing_fails_and_everything_is_looked_at() {
    let well = well(Answers::default(), |text| text).await;
    let mut begun = Vec::new();
    let found = diagnose(&well.path, PATIENT, &mut |check| begun.push(check)).await;
    assert_eq!(found.exit_code(), ExitCode::Clean, "{found:#?}");
    assert_eq!(begun, found.findings.iter().map(|finding| finding.check).collect::<Vec<_>>());
    for (check, part) in [
        (Check::Configuration, "goa.toml is valid"),
        (Check::Withholding, "the law's 13 rules, 0 of the state's own, 0 lifted"),
        (Check::Secrets, "none is open"),
        (Check::Store, "store/goa is not there yet and can be made"),
        (Check::Disk, "MiB"),
        (Check::Listen, "is free"),
        (Check::Source, "1 file of"),
        (Check::Mapping, "of the first 12 rows: 9 to be published, 0 left out, 3 for quarantine"),
        (Check::Brokers, "answers with 1 broker"),
        (Check::Topic, "crime.reported.in-ga has partitions: 2, copies: 1"),
        (Check::Registry, "answers this user"),
        (Check::Schema, "is there with id 41"),
        (Check::Clock, "agrees"),
    ] {
        let finding = of(&found, check);
        assert!(finding.seen.contains(part), "{finding:?}");
    }
    assert!(!well.folder.path().join("store").exists(), "it only looks");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_broker_is_a_service_that_is_away() {
    // Port 1 is never served on loopback.
    let well = well(Answers::default(), |text| {
        let line = text.lines().find(|line| line.starts_with("bootstrap")).unwrap().to_owned();
        text.replace(&line, "bootstrap = \"127.0.0.1:1\"")
    })
    .await;
    let found = look(&well).await;
    assert_eq!(found.exit_code(), ExitCode::Unavailable);
    for check in [Check::Addresses, Check::Brokers] {
        assert_eq!(of(&found, check).status, Status::Failed(Cause::Service), "{found:#?}");
    }
    assert!(of(&found, Check::Addresses).seen.contains("127.0.0.1:1 cannot be connected to"));
    assert_eq!(of(&found, Check::Topic).status, Status::Warning);
    assert_eq!(of(&found, Check::Schema).status, Status::Ok, "the others go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_topic_names_the_remedy() {
    let (folder, cluster) = (tempfile::tempdir().unwrap(), MockCluster::new(1).unwrap());
    let (registry, _) = serve(Answers::default()).await;
    let path = goa(folder.path(), &cluster.bootstrap_servers(), registry, own_address(), |text| text);
    let found = look(&Well { folder, cluster, path }).await;
    assert_failed(&found, Check::Topic, Cause::Service, "`sanchar topics apply`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_without_the_schema_and_one_that_refuses_the_log_in() {
    let found = look(&well(Answers { knows: false, ..Answers::default() }, |text| text).await).await;
    assert_failed(&found, Check::Schema, Cause::Service, "`sanchar schemas register`");
    let found = look(&well(Answers { subjects: 401, ..Answers::default() }, |text| text).await).await;
    assert_failed(&found, Check::Registry, Cause::Configuration, "registry.username");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_is_told_by_how_much() {
    let date = Some("Thu, 01 Jan 2015 00:00:00 GMT".to_owned());
    let found = look(&well(Answers { date, ..Answers::default() }, |text| text).await).await;
    assert_failed(&found, Check::Clock, Cause::Machine, "ahead of the registry's");
    assert_eq!(found.exit_code(), ExitCode::Temporary);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_others_may_read_is_refused() {
    let well = well(Answers::default(), |text| text).await;
    let store = well.folder.path().join("store/goa");
    std::fs::create_dir_all(&store).unwrap();
    std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o755)).unwrap();
    let found = look(&well).await;
    assert_failed(&found, Check::Store, Cause::Configuration, "chmod -R go= ");
    std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(of(&look(&well).await, Check::Store).status, Status::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_every_user_may_read_is_a_warning() {
    let well =
        well(Answers::default(), |text| text.replace("[registry]\n", "[registry]\ntoken = \"invented\"\n"))
            .await;
    let mode = |mode| std::fs::set_permissions(&well.path, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let found = look(&well).await;
    assert_eq!(found.exit_code(), ExitCode::Clean);
    let Finding { status, seen, remedy, .. } = of(&found, Check::Secrets);
    assert_eq!(*status, Status::Warning);
    assert!(
        seen.starts_with("registry.token is open to every user") && seen.ends_with("has mode 0644"),
        "{seen}"
    );
    assert!(remedy.as_ref().unwrap().starts_with("chmod o= "), "{remedy:?}");
    mode(0o640);
    assert_eq!(of(&look(&well).await, Check::Secrets).status, Status::Ok);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapping_that_does_not_fit_is_told_with_its_column() {
    let found =
        look(&well(Answers::default(), |text| text.replace("year = \"year\"", "year = \"yaer\"")).await)
            .await;
    assert_failed(&found, Check::Mapping, Cause::Configuration, "did you mean `year`");
    assert_eq!(found.exit_code(), ExitCode::Config);
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_this_user_may_write_is_read_from_the_refusal() {
    use rd_kafka_resp_err_t::{
        RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS as BAD_ACKS,
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED as NO_RIGHT,
    };
    for (answer, status) in [(BAD_ACKS, Status::Ok), (NO_RIGHT, Status::Failed(Cause::Configuration))] {
        let well = well(Answers::default(), |text| text).await;
        well.cluster.request_errors(RDKafkaApiKey::Produce, &[answer]);
        let found = diagnose(&well.path, Attempts { writing: true, ..PATIENT }, &mut |_| {}).await;
        assert_eq!(of(&found, Check::Writing).status, status, "{found:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_cannot_be_read_is_all_that_is_told() {
    let well = well(Answers::default(), |text| text.replace("[kafka]", "[kafk]")).await;
    let found = look(&well).await;
    assert_eq!(found.findings.len(), 1);
    assert_failed(&found, Check::Configuration, Cause::Configuration, "did you mean `kafka`");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_file_that_cannot_be_read_does_not_stop_the_others() {
    let policy = |text: String| text + "\n[withholding]\npolicy = \"policy.toml\"\n";
    let well = well(Answers::default(), policy).await;
    let found = look(&well).await;
    assert_eq!(of(&found, Check::Withholding).status, Status::Failed(Cause::Configuration));
    assert_eq!(
        of(&found, Check::Mapping).status,
        Status::Failed(Cause::Configuration),
        "nothing is tried without it"
    );
    assert_eq!(of(&found, Check::Schema).status, Status::Ok);
    std::fs::write(well.folder.path().join("policy.toml"), "restricted = \"publish\"\n").unwrap();
    let found = look(&well).await;
    assert!(of(&found, Check::Withholding).seen.contains("from policy.toml"), "{found:#?}");
    assert_eq!(found.exit_code(), ExitCode::Clean);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_prints_a_table_or_json_and_ends_with_the_code() {
    let well = well(Answers { knows: false, ..Answers::default() }, |text| text).await;
    let path = well.path.clone();
    let run = move |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sanchar-producer"));
        command.arg("-c").arg(&path).arg("doctor").args(args).output().unwrap()
    };
    let outputs = tokio::task::spawn_blocking(move || (run(&[]), run(&["--json"]))).await.unwrap();
    let text = String::from_utf8(outputs.0.stdout).unwrap();
    assert_eq!(outputs.0.status.code(), Some(69), "{text}");
    assert!(
        text.contains("configuration  ok       ") && text.contains("schema         FAILED   version "),
        "{text}"
    );
    assert!(text.contains("→ an operator registers it with `sanchar schemas register`\n"), "{text}");
    assert!(!text.contains('\u{1b}') && outputs.0.stderr.is_empty());
    let whole: serde_json::Value = serde_json::from_slice(&outputs.1.stdout).unwrap();
    assert_eq!((&whole["exit_code"], outputs.1.status.code()), (&69.into(), Some(69)));
    let schema =
        whole["findings"].as_array().unwrap().iter().find(|finding| finding["check"] == "schema").unwrap();
    assert_eq!(schema["status"], "failed");
}

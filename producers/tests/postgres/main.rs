//! The producer on a real PostgreSQL, from the rows of a database to the broker: exact, in order, and none lost when the
//! database goes away. How passes follow each other in theory is tested with `database::poll`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails right there"
)]

#[path = "../../../tests/src/address.rs"]
#[expect(unreachable_pub, reason = "the same file is public in the tests of the whole")]
mod address;
#[path = "../surroundings/certificates.rs"]
mod certificates;
mod encrypted;
mod explained;
mod faults;
mod outbox;
mod producer;
mod server;

use std::collections::BTreeSet;
use std::path::Path;

use postgres::Client;
use producer::{Broker, Producer};
use sanchar_producer::{ProducerConfig, dry_run_database};
use sanchar_runtime::lifecycle::ExitCode;
use sanchar_schemas::event::EventAction;
use server::{Server, shared};

const TABLE: &str = "
create table fir (
    fir_id bigint primary key,
    station text not null,
    fir_no text not null,
    fir_year int not null,
    stage numeric,
    vehicle uuid,
    happened timestamptz,
    deleted boolean not null default false,
    updated_at timestamptz default now()
);
create index on fir (updated_at, fir_id);";

/// A configuration that reads `fir` as the role and database `name`.
fn settings(server: &Server, name: &str) -> String {
    format!(
        r#"
[state]
code = "IN-RJ"
[postgres]
host = "127.0.0.1"
port = {port}
user = "{name}"
password = "of {name}"
poll_interval_ms = 10
page_rows = 2
[postgres.query]
sql = """
select fir.*, (extract(epoch from updated_at) * 1000000)::bigint as version
from fir -- everything"""
modified = "updated_at"
id = ["fir_id"]
overlap_ms = 600000
[mapping]
kind = {{ constant = "FIR" }}
action = {{ column = "deleted", map = {{ true = "CANCEL", false = "REPORT" }} }}
investigation_stage = "stage"
occurred_from = {{ column = "happened", formats = ["%Y-%m-%dT%H:%M:%S%.f%:z"] }}
[mapping.reported_head]
major = {{ constant = "Theft" }}
[mapping.record]
revision = "version"
[mapping.police_station]
name = "station"
[mapping.fir]
number = "fir_no"
year = "fir_year"
[mapping.place]
text = "happened"
[[mapping.vehicles]]
role = {{ constant = "STOLEN" }}
chassis = "vehicle"
"#,
        port = server.port
    )
}

/// A database with the table `fir`, which its role may read, and the owner's connection.
fn table(server: &Server, name: &str) -> Client {
    let mut owner = server.database(name);
    owner.batch_execute(TABLE).unwrap();
    owner.batch_execute(&format!("grant select on fir to {name}")).unwrap();
    owner
}

fn insert(owner: &mut Client, ids: std::ops::RangeInclusive<i64>) {
    let sql = "insert into fir (fir_id, station, fir_no, fir_year)
               select id, 'Jaipur', id::text, 2024 from generate_series($1::int8, $2::int8) as id";
    owner.execute(sql, &[ids.start(), ids.end()]).unwrap();
}

fn numbers(broker: &Broker, count: usize) -> Vec<String> {
    broker.events(count).into_iter().map(|event| event.fir.unwrap().number).collect()
}

#[test]
fn values_arrive_as_the_database_has_them() {
    let (server, broker, folder) = (shared(), Broker::new(), tempfile::tempdir().unwrap());
    let mut owner = table(&server, "exact");
    owner
        .batch_execute(
            "insert into fir values (1, 'जयपुर \"पूर्व\"', '12', 2024, 10000000000000001.10,
             '5f0c7a52-8d6e-4a55-9b57-0d3f1f4a9c11', '2024-09-02 04:45:00.123456+00', false, '2024-09-02 05:00:00.000001+00')",
        )
        .unwrap();
    let text = settings(&server, "exact");
    let summary = Producer::start(&text, folder.path(), &broker, true).end().unwrap();
    assert_eq!((summary.read, summary.published), (1, 1), "{summary}");
    let event = broker.events(1).remove(0);
    assert_eq!(event.police_station.as_ref().unwrap().name, "जयपुर \"पूर्व\"");
    assert_eq!(event.revision, 1_725_253_200_000_001);
    assert_eq!(event.investigation_stage.as_deref(), Some("10000000000000001.10"));
    assert_eq!(event.vehicles[0].chassis.as_deref(), Some("5f0c7a52-8d6e-4a55-9b57-0d3f1f4a9c11"));
    // Moments are written with the distance from UTC of rows.time_zone.
    assert_eq!(event.place.unwrap().text.as_deref(), Some("2024-09-02T10:15:00.123456+05:30"));
    assert_eq!(event.occurred_from.unwrap().at, 1_725_252_300_000);

    assert_eq!(
        Producer::start(&text, folder.path(), &broker, true).end().unwrap().read,
        0,
        "published already"
    );
}

#[test]
fn rows_of_one_moment_and_late_commits_arrive_once_each() {
    let (server, broker, folder) = (shared(), Broker::new(), tempfile::tempdir().unwrap());
    let mut owner = table(&server, "late");
    let mut slow = server.owner("late");
    let mut late = slow.transaction().unwrap();
    late.batch_execute(
        "insert into fir (fir_id, station, fir_no, fir_year) values (100, 'Jaipur', '100', 2024)",
    )
    .unwrap();
    insert(&mut owner, 1..=7);
    let producer = Producer::start(&settings(&server, "late"), folder.path(), &broker, false);
    producer.await_published(7);
    owner.batch_execute("update fir set stage = 2, updated_at = now() where fir_id = 3").unwrap();
    producer.await_published(8);
    late.commit().unwrap();
    producer.await_published(9);
    // Somebody's clock is wrong, and hides nobody else's rows.
    owner.batch_execute("update fir set updated_at = '2090-01-01' where fir_id = 7").unwrap();
    producer.await_published(10);
    insert(&mut owner, 8..=9);
    producer.await_published(12);
    owner.batch_execute("update fir set deleted = true, updated_at = now() where fir_id = 2").unwrap();
    producer.await_published(13);
    let summary = producer.stop();
    assert_eq!(summary.read, 13, "nothing is read twice: {summary}");
    let events = broker.events(13);
    let all: BTreeSet<String> =
        events.iter().map(|event| event.fir.as_ref().unwrap().number.clone()).collect();
    assert_eq!(all.len(), 10);
    let of = |number: &str| {
        let is_of = |event: &&sanchar_schemas::CrimeEvent| event.fir.as_ref().unwrap().number == number;
        events.iter().filter(is_of).collect::<Vec<_>>()
    };
    let [report, cancel] = of("2")[..] else { panic!("two versions") };
    assert_eq!((report.action, cancel.action), (EventAction::Report, EventAction::Cancel));
    assert!(report.record_id == cancel.record_id && cancel.revision > report.revision);
}

#[test]
fn a_database_that_goes_away_in_the_middle_of_reading_costs_no_row() {
    let (server, broker, folder) = (Server::new(), Broker::new(), tempfile::tempdir().unwrap());
    let mut owner = table(&server, "away");
    insert(&mut owner, 1..=300);
    let text = settings(&server, "away").replace("page_rows = 2", "page_rows = 7")
        + "[publish]\nrate_per_second = 100\nin_flight_rows = 20\n";
    let producer = Producer::start(&text, folder.path(), &broker, false);
    for published in [40, 80] {
        producer.await_published(published);
        let failures = producer.number("sanchar_source_failures_total");
        let ended = owner
            .query_one(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name like 'sanchar%'",
                &[],
            )
            .unwrap();
        assert_eq!(ended.get::<_, i64>(0), 1);
        producer.await_that("noticed", || producer.number("sanchar_source_failures_total") > failures);
    }
    producer.await_published(120);
    drop(owner);
    server.stop();
    producer.await_health("source is not ready: no database answers");
    assert!(producer.number("sanchar_source_connected") == 0.0 && producer.context.health.live(false).ok);
    server.start(&[]);
    producer.await_published(300);
    producer.await_that("ready", || producer.context.health.ready(false).ok);
    assert!(producer.number("sanchar_source_connected") > 0.0);
    let published = usize::try_from(producer.stop().published).unwrap();
    let all: BTreeSet<String> = numbers(&broker, published).into_iter().collect();
    assert_eq!((all.len(), published), (300, 300), "the window remembers what was sent before");
}

#[test]
fn a_restart_goes_on_and_another_question_is_refused() {
    let (server, broker, folder) = (shared(), Broker::new(), tempfile::tempdir().unwrap());
    let mut owner = table(&server, "restart");
    insert(&mut owner, 1..=5);
    // Rows of long ago are not read again.
    owner.batch_execute("update fir set updated_at = '2024-01-01'").unwrap();
    let text = settings(&server, "restart");
    let once = |text: &str| Producer::start(text, folder.path(), &broker, true).end();
    assert_eq!(once(&text).unwrap().read, 5);
    assert_eq!(once(&text).unwrap().read, 0);
    insert(&mut owner, 6..=6);
    assert_eq!(once(&text).unwrap().read, 1);

    let failure = once(&text.replace("from fir --", "from fir where fir_year > 2000 --")).unwrap_err();
    assert_eq!(failure.exit_code(), ExitCode::Config);
    assert!(failure.to_string().contains("delete the checkpoint to publish everything"), "{failure}");
    assert_eq!(numbers(&broker, 6), ["1", "2", "3", "4", "5", "6"]);
}

#[test]
fn what_needs_somebody_to_change_something_ends_the_start() {
    let (server, broker, folder) = (shared(), Broker::new(), tempfile::tempdir().unwrap());
    let mut owner = table(&server, "refused");
    owner
        .batch_execute("create table secret as select * from fir; insert into fir values (1, 'X', '1', 2024)")
        .unwrap();
    owner
        .batch_execute("create function w() returns int language sql as 'delete from fir returning 1'")
        .unwrap();
    let text = settings(&server, "refused");
    let sql =
        "select fir.*, (extract(epoch from updated_at) * 1000000)::bigint as version\nfrom fir -- everything";
    for (from, to, message) in [
        ("of refused", "wrong", "password authentication failed"),
        ("user = \"refused\"", "user = \"refused\"\ndatabase = \"nowhere\"", "correct postgres.database"),
        (sql, "select * from firr", "relation \"firr\" does not exist"),
        (
            sql,
            "select *, 1 as version from secret",
            "permission denied for table secret (SQLSTATE 42501): grant the role select",
        ),
        (sql, "select selct from fir", "column \"selct\" does not exist"),
        (sql, "select *, w(), 1 as version from fir", "the statement writes; give one that only reads"),
        (
            "modified = \"updated_at\"",
            "modified = \"fir_no\"",
            "has to be of the type timestamp or timestamptz",
        ),
        (
            "id = [\"fir_id\"]",
            "id = [\"fir\"]",
            "postgres.query.id names the column `fir`, which is not among",
        ),
        ("year = \"fir_year\"", "year = \"year\"", "names the column `year`, which postgres does not have"),
        (
            "host = \"127.0.0.1\"",
            "host = \"127.0.0.1\"\ntls = \"verify\"",
            "correct postgres.tls and postgres.ca_file",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let failure =
            Producer::start(&text.replace(from, to), folder.path(), &broker, false).end().unwrap_err();
        assert!(failure.to_string().contains(message), "{failure}\nshould be\n{message}");
        assert_eq!(failure.exit_code(), ExitCode::Config, "{failure}");
    }
    owner.batch_execute("update fir set updated_at = null").unwrap();
    let failure = Producer::start(&text, folder.path(), &broker, false).end().unwrap_err();
    assert!(failure.to_string().contains("use coalesce in postgres.query.sql"), "{failure}");
    let left: i64 = owner.query_one("select count(*) from fir", &[]).unwrap().get(0);
    assert_eq!(left, 1, "nothing was written");
}

#[test]
fn a_right_that_is_taken_away_and_a_slow_statement_are_waited_for() {
    let (server, broker, folder) = (shared(), Broker::new(), tempfile::tempdir().unwrap());
    let mut owner = table(&server, "waits");
    owner
        .batch_execute("create table pace as select 0.0::float8 as seconds; grant select on pace to waits")
        .unwrap();
    let text = settings(&server, "waits")
        .replace("from fir --", "from fir where (select pg_sleep(seconds)::text from pace) is not null --")
        .replace("page_rows", "statement_timeout_ms = 1000\npage_rows");
    insert(&mut owner, 1..=1);
    let producer = Producer::start(&text, folder.path(), &broker, false);
    producer.await_published(1);

    owner.batch_execute("revoke select on fir from waits").unwrap();
    producer.await_health("permission denied for table fir");
    owner.batch_execute("grant select on fir to waits").unwrap();
    producer.await_that("ready", || producer.context.health.ready(false).ok);

    owner.batch_execute("update pace set seconds = 60").unwrap();
    producer.await_health("a page took longer than postgres.statement_timeout_ms");
    assert!(producer.number("sanchar_source_lag_seconds") > 0.0);
    owner.batch_execute("update pace set seconds = 0").unwrap();
    insert(&mut owner, 2..=2);
    producer.await_published(2);
    producer.stop();
    assert_eq!(numbers(&broker, 2), ["1", "2"]);
}

#[test]
fn a_row_in_quarantine_is_named_by_its_id() {
    let (server, broker, folder) = (shared(), Broker::new(), tempfile::tempdir().unwrap());
    let mut owner = table(&server, "kept");
    insert(&mut owner, 1..=3);
    owner.batch_execute("update fir set station = '' where fir_id = 2").unwrap();
    owner.batch_execute("update fir set fir_no = repeat('क', 2000) where fir_id = 3").unwrap();
    let text = settings(&server, "kept").replace("page_rows", "max_row_bytes = 2048\npage_rows");
    let summary = Producer::start(&text, folder.path(), &broker, true).end().unwrap();
    let found: Vec<_> =
        summary.quarantined.iter().map(|(reason, tally)| (reason.as_str(), tally.examples.clone())).collect();
    let wanted = [
        ("row_too_large", vec!["postgres id=3".to_owned()]),
        ("missing_value", vec!["postgres id=2".to_owned()]),
    ];
    assert_eq!(found, wanted);
    let kept = quarantined(folder.path());
    assert!(kept.contains("\"file\":\"postgres id=2\""), "{kept}");
    assert!(kept.contains("\\\"fir_id\\\":2") && !kept.contains("\"line\""), "{kept}");

    let config: ProducerConfig = toml::from_str(&text).unwrap();
    let summary = dry_run_database(&config, Some(2), 1_730_419_200_000, &mut |_| Ok(())).unwrap();
    assert_eq!((summary.read, summary.published), (2, 1));
}

fn quarantined(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder.join("producer-store/quarantine")).unwrap();
    entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect()
}

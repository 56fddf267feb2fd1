//! An outbox as the example makes it: the order of transactions that overlap, and a deleted row as a cancellation.

use std::path::Path;

use postgres::Client;
use sanchar_runtime::lifecycle::ExitCode;
use sanchar_schemas::event::EventAction;

use super::producer::{Broker, Producer};
use super::server::{Server, shared};

const TABLE: &str = "
create table fir (
    fir_id bigint primary key,
    district text,
    station text not null,
    station_code text,
    fir_no text not null,
    fir_year int not null,
    registered_at timestamptz not null default '2024-09-02 10:15:00.5+05:30',
    sections text,
    act text,
    vehicle_no text
);
insert into fir (fir_id, station, fir_no, fir_year) values (1, 'सदर', '0001', 2024);";

fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// A database with an outbox, and the example's configuration for it. Roles are of the whole server.
pub(crate) fn outbox(server: &Server, name: &str) -> (Client, String) {
    let mut owner = server.database(name);
    owner.batch_execute(TABLE).unwrap();
    let sql = example("rajasthan-outbox.sql");
    assert!(sql.contains("create role sanchar_reader login;"));
    let sql = sql.replace("create role sanchar_reader login;", "").replace("sanchar_reader", name);
    owner.batch_execute(&sql).unwrap();
    let text = example("rajasthan-postgres.toml")
        .replace(
            "database = \"cctns\"",
            &format!("port = {}\npassword = \"of {name}\"\npoll_interval_ms = 10", server.port),
        )
        .replace("sanchar_reader", name);
    (owner, text)
}

fn add(client: &mut impl postgres::GenericClient, id: i64) {
    let sql =
        "insert into fir (fir_id, station, fir_no, fir_year) values ($1, 'Jaipur', $1::int8::text, 2024)";
    client.execute(sql, &[&id]).unwrap();
}

#[test]
fn a_deleted_row_cancels_its_record() {
    let (server, broker, folder) = (shared(), Broker::new(), tempfile::tempdir().unwrap());
    let (mut owner, text) = outbox(&server, "deletes");
    let producer = Producer::start(&text, folder.path(), &broker, false);
    producer.await_published(1);
    owner
        .batch_execute("update fir set act = 'BNS', sections = '303(2)', vehicle_no = 'RJ14 AB 1234'")
        .unwrap();
    producer.await_published(2);
    owner.batch_execute("delete from fir").unwrap();
    producer.await_published(3);
    assert_eq!(producer.stop().quarantined_count(), 0);

    let events = broker.events(3);
    let actions: Vec<EventAction> = events.iter().map(|event| event.action).collect();
    assert_eq!(actions, [EventAction::Report, EventAction::Update, EventAction::Cancel]);
    assert!(events.iter().all(|event| event.record_id == events[0].record_id));
    assert!(events.windows(2).all(|pair| pair[0].revision < pair[1].revision));
    assert!(events.windows(2).all(|pair| pair[0].content_hash != pair[1].content_hash));
    assert_eq!(events[2].vehicles[0].registration, events[1].vehicles[0].registration);
    assert_eq!(events[0].reported_at.unwrap().at, 1_725_252_300_000);
}

#[test]
fn a_change_that_commits_late_is_waited_for_and_not_passed_over() {
    let (server, broker, folder) = (Server::new(), Broker::new(), tempfile::tempdir().unwrap());
    let (mut owner, text) = outbox(&server, "gaps");
    let producer = Producer::start(&text, folder.path(), &broker, false);
    producer.await_published(1);
    let mut slow = server.owner("gaps");
    let mut first = slow.transaction().unwrap();
    add(&mut first, 10);
    add(&mut owner, 11);
    // The later one is there, and is held back for more than one pass.
    producer.await_that("held back", || producer.number("sanchar_source_lag_seconds") > 0.2);
    assert!(producer.number("sanchar_rows_published_total") < 2.0);
    first.commit().unwrap();
    producer.await_published(3);
    let rolled_back = slow.transaction().unwrap();
    drop(rolled_back);
    add(&mut owner, 12);
    producer.await_published(4);
    assert_eq!(producer.stop().read, 4);
    let numbers: Vec<_> = broker.events(4).into_iter().map(|event| event.fir.unwrap().number).collect();
    assert_eq!(numbers, ["0001", "10", "11", "12"]);
}

#[test]
fn a_restart_goes_on_behind_what_is_published_and_may_delete_it() {
    let (server, broker, folder) = (Server::new(), Broker::new(), tempfile::tempdir().unwrap());
    let (mut owner, text) = outbox(&server, "emptied");
    let once = |text: &str| Producer::start(text, folder.path(), &broker, true).end();
    let left = |owner: &mut Client| {
        owner.query_one("select count(*) from fir_outbox", &[]).unwrap().get::<_, i64>(0)
    };
    assert_eq!(once(&text).unwrap().published, 1);
    assert_eq!((once(&text).unwrap().read, left(&mut owner)), (0, 1), "left alone");

    let deleting =
        text.replace("table = \"fir_outbox\"", "table = \"public.fir_outbox\"\ndelete_published = true");
    let failure = once(&deleting).unwrap_err();
    assert!(failure.to_string().contains("is the checkpoint of another query, table or key"), "{failure}");
    let deleting = text.replace("table = \"fir_outbox\"", "table = \"fir_outbox\"\ndelete_published = true");
    let failure = once(&deleting).unwrap_err();
    assert_eq!(failure.exit_code(), ExitCode::Config);
    assert!(failure.to_string().contains("permission denied for table fir_outbox"), "{failure}");
    owner.batch_execute("grant delete on fir_outbox to emptied").unwrap();
    add(&mut owner, 2);
    assert_eq!((once(&deleting).unwrap().read, left(&mut owner)), (1, 0));

    owner.batch_execute("alter table fir_outbox drop constraint fir_outbox_pkey").unwrap();
    owner.batch_execute("alter table fir_outbox alter txid drop not null").unwrap();
    let failure = once(&text).unwrap_err();
    assert!(failure.to_string().contains("make them the table's primary key"), "{failure}");
}

#[test]
fn a_row_that_is_not_whole_in_quarantine_is_never_deleted() {
    let (server, broker, folder) = (Server::new(), Broker::new(), tempfile::tempdir().unwrap());
    let (mut owner, text) = outbox(&server, "lengthy");
    owner.batch_execute("grant delete on fir_outbox to lengthy").unwrap();
    let text = text.replace("table = \"fir_outbox\"", "table = \"fir_outbox\"\ndelete_published = true");
    let limited = |bytes: &str| text.replace("[postgres]", &format!("[postgres]\nmax_row_bytes = {bytes}"));
    assert!(text.contains("[postgres]"));
    // One that is too long by the configuration, and one that is too long for anybody.
    for (id, length) in [(2, 5_000), (3, 17 << 20)] {
        add(&mut owner, id);
        let sql = "update fir_outbox set fir = fir || jsonb_build_object('district', repeat('x', $1)) \
                   where (fir ->> 'fir_id')::int8 = $2";
        owner.execute(sql, &[&length, &id]).unwrap();
    }
    let summary = Producer::start(&limited("2048"), folder.path(), &broker, true).end().unwrap();
    assert_eq!((summary.published, summary.quarantined_count()), (1, 2), "{summary}");
    let left = |owner: &mut Client| {
        let sql = "select coalesce(string_agg(fir ->> 'fir_id', ','), '') from fir_outbox";
        owner.query_one(sql, &[]).unwrap().get::<_, String>(0)
    };
    assert_eq!(left(&mut owner), "3");
    let quarantine = folder.path().join("store/rajasthan/quarantine");
    let kept: Vec<String> = std::fs::read_dir(quarantine)
        .unwrap()
        .flat_map(|entry| {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let is_whole = |line: &String| line.contains(&"x".repeat(5_000)) && !line.contains("\"row_bytes\"");
    assert!(kept.iter().any(is_whole), "the row is there, and not cut");
    // A limit that is raised later changes nothing of what was not kept whole.
    let summary = Producer::start(&limited("67108864"), folder.path(), &broker, true).end().unwrap();
    assert_eq!((summary.read, left(&mut owner)), (0, "3".to_owned()));
}

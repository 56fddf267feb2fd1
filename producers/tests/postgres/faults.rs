//! What a database may do to its reader: end the connection while a page is on its way, and give two rows one name.

use std::collections::BTreeSet;

use super::producer::{Broker, Producer};
use super::server::shared;
use super::{insert, numbers, quarantined, settings, table};

/// The server sends a page's first rows before it has made the last: they are longer than what it gathers, and take their time.
#[test]
fn a_page_that_breaks_off_is_read_again_whole() {
    let (server, broker, folder) = (shared(), Broker::new(), tempfile::tempdir().unwrap());
    let mut owner = table(&server, "cutoff");
    insert(&mut owner, 1..=30);
    owner
        .batch_execute(
            "create function slowly(id bigint) returns text language plpgsql as
             $$ begin perform pg_sleep(0.02); return repeat('x', 20000); end $$",
        )
        .unwrap();
    let text = settings(&server, "cutoff")
        .replace("page_rows = 2", "page_rows = 10")
        .replace("select fir.*,", "select fir.*, slowly(fir_id) as padding,");
    let producer = Producer::start(&text, folder.path(), &broker, false);
    for cut in 1..=2 {
        let sql = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                   where usename = 'cutoff' and state = 'active' and query like '%row_to_json%'
                   and clock_timestamp() - query_start > interval '60 milliseconds'";
        producer.await_that("cut off in a page", || {
            server.owner("cutoff").query_one(sql, &[]).unwrap().get::<_, i64>(0) == 1
        });
        let failures = || producer.number("sanchar_source_failures_total");
        producer.await_that("noticed", || failures() >= f64::from(cut));
    }
    producer.await_published(30);
    producer.await_that("ready", || producer.context.health.ready(false).ok);
    let published = usize::try_from(producer.stop().published).unwrap();
    let all: BTreeSet<String> = numbers(&broker, published).into_iter().collect();
    assert_eq!(
        (all.len(), published),
        (30, 30),
        "none is missing, and none of a page that broke off was sent twice"
    );
}

#[test]
fn two_rows_with_one_identity_do_not_overwrite_each_other() {
    let (server, broker, folder) = (shared(), Broker::new(), tempfile::tempdir().unwrap());
    let mut owner = table(&server, "alike");
    insert(&mut owner, 1..=2);
    // The mapping names a case by station, number and year, and the revision is the time that both have.
    owner.batch_execute("update fir set fir_no = '7', stage = fir_id, updated_at = '2024-09-02'").unwrap();
    let summary = Producer::start(&settings(&server, "alike"), folder.path(), &broker, true).end().unwrap();
    assert_eq!((summary.published, summary.quarantined_count()), (1, 1), "{summary}");
    let kept = quarantined(folder.path());
    assert!(kept.contains("identity_taken") && kept.contains("postgres id=2"), "{kept}");
}

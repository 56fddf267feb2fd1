//! From known answers to the picture, and how it is printed. The same picture is drawn by `top`'s tests.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::topics::{Topic, TopicSpace};

use super::look::{Answer, Ground, Probe};
use super::picture::Concern;
use super::*;
use crate::scrape::Scrape;
use crate::survey::{Broker, Group, LeftOut, Partition, Position, Survey};

/// 2026-11-25 18:07:03 +05:30
const NOW_MS: i64 = 1_795_610_223_000;

fn probe(address: &str, at: Instant, not_ready: Option<&str>, metrics: &str) -> Probe {
    let answer = Answer { not_ready: not_ready.map(str::to_owned), scrape: Scrape::parse(metrics) };
    Probe { address: address.to_owned(), at, answer: Ok(answer) }
}

fn fanout(delhi: u64, malformed: u64) -> String {
    format!(
        r#"sanchar_build_info{{daemon="sanchar-fanout",version="0.1.0"}} 1
process_start_time_seconds 1795603023
sanchar_time_seconds 1795610223
sanchar_records_in_total{{topic="crime.reported.in-dl"}} {delhi}
sanchar_records_in_total{{topic="crime.reported.in-hr"}} 40
sanchar_consumer_lag_records{{topic="crime.reported.in-dl"}} 1200
sanchar_consumer_lag_seconds{{topic="crime.reported.in-dl"}} 95.5
sanchar_consumer_lag_records{{topic="crime.reported.in-hr"}} 0
sanchar_consumer_lag_seconds{{topic="crime.reported.in-hr"}} 0
sanchar_last_heard_timestamp_seconds{{state="IN-DL"}} 1795610127.5
sanchar_last_heard_timestamp_seconds{{state="IN-HR"}} 1795524000
sanchar_deliveries_total{{origin="IN-DL",recipient="IN-HR"}} {delhi}
sanchar_deliveries_total{{origin="IN-DL",recipient="IN-UP"}} {delhi}
sanchar_deliveries_total{{origin="IN-HR",recipient="IN-DL"}} 40
sanchar_records_dead_lettered_total{{stage="decode",reason="malformed"}} {malformed}
sanchar_records_dead_lettered_total{{stage="route",reason="classification"}} 0
"#
    )
}

fn producer(published: u64) -> String {
    format!(
        r#"sanchar_build_info{{daemon="sanchar-producer",version="0.1.0"}} 1
process_start_time_seconds 1795610000
sanchar_time_seconds 1795610223
sanchar_rows_published_total{{state="IN-CH"}} {published}
sanchar_rows_quarantined_total{{state="IN-CH",reason="bad_date"}} 3
sanchar_rows_quarantined_total{{state="IN-CH",reason="bad_json"}} 1
sanchar_rows_in_flight{{state="IN-CH"}} 12
sanchar_source_lag_bytes{{state="IN-CH"}} 0
sanchar_spool_bytes{{state="IN-CH"}} 1572864
sanchar_spool_age_seconds{{state="IN-CH"}} 700
"#
    )
}

fn survey(space: &TopicSpace) -> Survey {
    let partition = Partition {
        leader: Some(1),
        preferred: Some(1),
        replicas: 3,
        in_sync: 3,
        oldest: Some(0),
        newest: Some(9),
    };
    let mut topics: BTreeMap<String, BTreeMap<i32, Partition>> =
        Topic::all().map(|topic| (space.name(topic), BTreeMap::from([(0, partition.clone())]))).collect();
    topics.remove(&space.name(Topic::Redriven));
    let weak = Partition { in_sync: 2, ..partition };
    topics.insert(space.name(Topic::Register), BTreeMap::from([(0, weak)]));
    let reader = |state: &str, lag, waiting, members| {
        let inbox = space.name(Topic::Shared(state.parse().unwrap()));
        let position = Position { offset: Some(9 - lag), lag: Some(lag) };
        Group {
            members,
            topics: BTreeMap::from([(inbox.clone(), BTreeMap::from([(0, position)]))]),
            waiting_seconds: BTreeMap::from([(inbox, waiting)]),
        }
    };
    Survey {
        brokers: ["k1", "k2", "k3"]
            .into_iter()
            .zip(1..)
            .map(|(host, id)| Broker { id, address: format!("{host}:9092") })
            .collect(),
        topics,
        groups: BTreeMap::from([
            ("goa-cctns".to_owned(), reader("IN-GA", 7, 4_000.0, Some(1))),
            ("haryana".to_owned(), reader("IN-HR", 1, 0.0, Some(2))),
            ("uttar-pradesh".to_owned(), reader("IN-UP", 2, 3.0, None)),
        ]),
        left_out: LeftOut { groups: 1, ..LeftOut::default() },
    }
}

/// Delhi has a backlog, Goa reads late, Chandigarh's spool fills, one daemon is down.
pub(crate) fn picture() -> Picture {
    let space = TopicSpace::default();
    let began = Instant::now();
    let later = began + Duration::from_secs(2);
    let before = [
        probe("fanout-1:9464", began, None, &fanout(1_000, 4)),
        probe("producer-ch:9471", began, None, &producer(90)),
    ];
    let now = [
        probe("fanout-1:9464", later, None, &fanout(1_025, 6)),
        Probe { address: "fanout-2:9464".into(), at: later, answer: Err("nothing listens there".into()) },
        probe("producer-ch:9471", later, Some("broker is not ready: no acknowledgement"), &producer(95)),
    ];
    let ground = Ground { survey: Ok(survey(&space)), registry: Some(Ok(2)) };
    assemble(&Asked {
        space: &space,
        before: &before,
        now: &now,
        ground: &ground,
        at_ms: NOW_MS,
        late_seconds: 900.0,
    })
}

#[test]
fn figures_are_added_up_and_rates_counted_between_the_looks() {
    let picture = picture();
    let [delhi, haryana, uttar_pradesh] = &picture.states[..] else { panic!("{:?}", picture.states) };
    assert_eq!((delhi.records_in, delhi.in_per_second), (Some(1_025.0), Some(12.5)));
    assert_eq!((delhi.lag_records, delhi.lag_seconds), (Some(1_200.0), Some(95.5)));
    assert_eq!((delhi.last_heard_seconds, delhi.copies), (Some(95.5), Some(40.0)));
    assert_eq!((haryana.copies, haryana.copies_per_second), (Some(1_025.0), Some(12.5)));
    assert_eq!((uttar_pradesh.records_in, uttar_pradesh.copies), (None, Some(1_025.0)));
    let producer = &picture.producers[0];
    assert_eq!((producer.published_per_second, producer.quarantined, producer.in_flight), (2.5, 4.0, 12.0));
    assert_eq!((picture.dead_letters.held, picture.dead_letters.by_reason.len()), (Some(9), 1));
    assert_eq!(picture.dead_letters.by_reason[0].per_second, 1.0);
    assert_eq!((picture.brokers.topics, picture.brokers.topics_missing), (74, 1));
    let concerns: Vec<Concern> = picture.attention.iter().map(|found| found.concern).collect();
    use Concern::*;
    let before_lag = [DaemonDown, NotReady, TopicsMissing, UnderReplicated, GroupsLeftOut];
    assert_eq!(concerns, [&before_lag[..], &[Lag, DeadLetters, ReadLate, Spool]].concat());
}

#[test]
fn where_nobody_is_asked_nothing_is_well() {
    let space = TopicSpace::default();
    let ground = Ground { survey: Ok(Survey::default()), registry: None };
    let nobody =
        Asked { space: &space, before: &[], now: &[], ground: &ground, at_ms: NOW_MS, late_seconds: 900.0 };
    assert_eq!(assemble(&nobody).attention[0].concern, Concern::NoDaemon);
}

#[test]
fn a_daemon_that_began_anew_counts_from_nothing() {
    let space = TopicSpace::default();
    let began = Instant::now();
    let before = [probe("f:1", began, None, &fanout(5_000, 0))];
    let now = [probe("f:1", began + Duration::from_secs(10), None, &fanout(100, 0))];
    let survey = Err(Failure::unavailable("no answer from kafka at k1:9092"));
    let ground = Ground { survey, registry: Some(Err("the schema registry is away".to_owned())) };
    let picture = assemble(&Asked {
        space: &space,
        before: &before,
        now: &now,
        ground: &ground,
        at_ms: NOW_MS,
        late_seconds: 900.0,
    });
    assert_eq!(picture.states[0].in_per_second, Some(10.0));
    let concerns = [picture.attention[0].concern, picture.attention[1].concern];
    assert_eq!(concerns, [Concern::BrokersUnreachable, Concern::RegistryUnreachable]);
    assert_eq!(sheets::registry(&picture).as_deref(), Some("registry DOES NOT ANSWER"));
    assert!(picture.readers.is_empty() && picture.dead_letters.held.is_none());
}

#[test]
fn the_brokers_tell_of_lag_where_no_fan_out_was_named() {
    let space = TopicSpace::default();
    let mut found = survey(&space);
    let input = space.name(Topic::Reported("IN-DL".parse().unwrap()));
    let position = Position { offset: Some(4), lag: Some(5) };
    let group = Group {
        members: Some(1),
        topics: BTreeMap::from([(input.clone(), BTreeMap::from([(0, position)]))]),
        waiting_seconds: BTreeMap::from([(input, 45.0)]),
    };
    found.groups.insert("sanchar-fanout".to_owned(), group);
    let ground = Ground { survey: Ok(found), registry: None };
    let asked =
        Asked { space: &space, before: &[], now: &[], ground: &ground, at_ms: NOW_MS, late_seconds: 900.0 };
    let picture = assemble(&asked);
    let delhi = &picture.states[0];
    assert_eq!((delhi.lag_records, delhi.lag_seconds, delhi.records_in), (Some(5.0), Some(45.0), None));
    assert_eq!(picture.readers.len(), 3, "the fan-out's group is no reader of an inbox");
}

#[test]
fn people_read_aligned_tables_and_what_to_look_at() {
    let mut out = Vec::new();
    report::text(&picture(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(console::strip_ansi_codes(&text), include_str!("tests/status.txt"));
}

#[test]
fn programs_read_the_same() {
    let mut out = Vec::new();
    report::json(&picture(), &mut out).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(json["states"][0]["lag_seconds"], 95.5);
    assert_eq!(json["daemons"][1]["daemon"], serde_json::Value::Null);
    assert_eq!(json["readers"][0]["group"], "goa-cctns");
    assert_eq!(json["attention"][0]["concern"], "daemon-down");
    assert_eq!((&json["registry"]["subjects"], &json["registry"]["unreachable"]), (&2.into(), &().into()));
}

#[test]
fn a_groups_name_drives_no_terminal_and_figures_without_end_break_no_column() {
    let space = TopicSpace::default();
    let mut found = survey(&space);
    let group = found.groups["haryana"].clone();
    found.groups = BTreeMap::from([("थाना \"एक\"\n\u{1b}[2J".to_owned(), group)]);
    let ground = Ground { survey: Ok(found), registry: None };
    let metrics = "sanchar_build_info{daemon=\"sanchar-fanout\",version=\"0.1.0\"} 1
sanchar_time_seconds 1e300
process_start_time_seconds 0
sanchar_records_in_total{topic=\"crime.reported.in-dl\"} 1.7e308
sanchar_deliveries_total{recipient=\"IN-DL\"} NaN
sanchar_consumer_lag_records{topic=\"crime.reported.in-dl\"} 5
sanchar_consumer_lag_seconds{topic=\"crime.reported.in-dl\"} 1e300
sanchar_last_heard_timestamp_seconds{state=\"IN-DL\"} -1e300
";
    let now = [probe("f:1", Instant::now(), None, metrics)];
    let asked =
        Asked { space: &space, before: &[], now: &now, ground: &ground, at_ms: NOW_MS, late_seconds: 900.0 };
    let mut out = Vec::new();
    report::text(&assemble(&asked), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let text = console::strip_ansi_codes(&text);
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
    assert!(text.contains("  थाना \"एक\"  [2J  "), "{text}");
    assert!(text.contains("\nIN-DL   0.0  1.7e308    5  1.0e300   >99y         -        -\n"), "{text}");
    assert!(
        text.lines()
            .filter(|line| !line.starts_with('!'))
            .all(|line| console::measure_text_width(line) < 110),
        "{text}"
    );
}

#[test]
fn times_and_addresses_are_checked() {
    assert_eq!((parse_seconds("15m"), parse_seconds("90 s")), (Ok(900.0), Ok(90.0)));
    assert!(parse_seconds("soon").unwrap_err().contains("15m or 2h"));
    assert!(parse_seconds("0s").is_err());
    for address in ["fanout-1", "http://fanout-1:9464", ":9464", "fanout-1:port"] {
        let sources = Sources { daemons: vec![address.to_owned()], late: 1.0 };
        let failure = sources.look(&Connection::new(None, None, None)).unwrap_err();
        assert!(failure.to_string().contains("write host:port"), "{failure}");
    }
}

#[test]
fn addresses_and_brokers_come_from_a_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("status.toml");
    let text = "[status]\ndaemons = ['a:1', 'b:2']\n[kafka]\nbootstrap = 'k1:9092'\ntopic_prefix = 'drill'\n";
    std::fs::write(&path, text).unwrap();
    let sources = Sources { daemons: vec!["c:3".to_owned()], late: 1.0 };
    let look = sources.look(&Connection::new(Some(path.clone()), None, None)).unwrap();
    assert_eq!(look.addresses(), ["a:1", "b:2", "c:3"]);
    assert_eq!(look.scope.space, TopicSpace::new("drill"));
    std::fs::write(&path, "[status]\ndaemon = 'a:1'\n").unwrap();
    let failure = sources.look(&Connection::new(Some(path), None, None)).unwrap_err();
    assert!(failure.to_string().contains("did you mean `daemons`?"), "{failure}");
}

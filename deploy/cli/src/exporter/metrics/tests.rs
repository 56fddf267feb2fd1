//! What is shown of a survey with known figures.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sanchar_runtime::metrics::Metrics;

use super::Figures;
use crate::scrape::Scrape;
use crate::survey::{Broker, Group, LeftOut, Partition, Position, Survey};

const INBOX: &str = "crime.shared.in-hr";

fn survey() -> Survey {
    let partition = |in_sync| Partition {
        leader: Some(1),
        preferred: Some(2),
        replicas: 3,
        in_sync,
        oldest: Some(5),
        newest: Some(45),
    };
    let leaderless = Partition { preferred: Some(1), replicas: 3, ..Partition::default() };
    let positions = BTreeMap::from([
        (0, Position { offset: Some(30), lag: Some(15) }),
        (1, Position { offset: Some(45), lag: Some(0) }),
        (2, Position::default()),
    ]);
    let group = Group {
        members: Some(2),
        topics: BTreeMap::from([(INBOX.to_owned(), positions)]),
        waiting_seconds: BTreeMap::from([(INBOX.to_owned(), 90.5)]),
    };
    Survey {
        brokers: vec![
            Broker { id: 1, address: "k1:9092".into() },
            Broker { id: 2, address: "k2:9092".into() },
        ],
        topics: BTreeMap::from([(
            INBOX.to_owned(),
            BTreeMap::from([(0, partition(3)), (1, partition(2)), (2, leaderless)]),
        )]),
        groups: BTreeMap::from([("haryana".to_owned(), group)]),
        left_out: LeftOut { groups: 7, refused: 1, ..LeftOut::default() },
    }
}

fn shown(metrics: &Metrics) -> BTreeSet<String> {
    let text = metrics.render();
    let ours = |line: &&str| {
        line.starts_with("kafka_") || line.contains("exporter_") || line.contains("lag_seconds")
    };
    text.lines().filter(ours).map(str::to_owned).collect()
}

#[test]
fn a_survey_is_shown_under_the_names_of_kafka_exporter() {
    let metrics = Metrics::new("sanchar-exporter").unwrap();
    let figures = Figures::register(&metrics).unwrap();
    figures.show(&survey(), Duration::from_millis(250));
    let shown = shown(&metrics);
    for line in [
        "kafka_brokers 2",
        r#"kafka_broker_info{address="k1:9092",id="1"} 1"#,
        r#"kafka_topic_partitions{topic="crime.shared.in-hr"} 3"#,
        r#"kafka_topic_partition_current_offset{partition="0",topic="crime.shared.in-hr"} 45"#,
        r#"kafka_topic_partition_oldest_offset{partition="0",topic="crime.shared.in-hr"} 5"#,
        r#"kafka_topic_partition_leader{partition="2",topic="crime.shared.in-hr"} -1"#,
        r#"kafka_topic_partition_replicas{partition="1",topic="crime.shared.in-hr"} 3"#,
        r#"kafka_topic_partition_in_sync_replica{partition="1",topic="crime.shared.in-hr"} 2"#,
        r#"kafka_topic_partition_leader_is_preferred{partition="0",topic="crime.shared.in-hr"} 0"#,
        r#"kafka_topic_partition_under_replicated_partition{partition="0",topic="crime.shared.in-hr"} 0"#,
        r#"kafka_topic_partition_under_replicated_partition{partition="1",topic="crime.shared.in-hr"} 1"#,
        r#"kafka_topic_partition_under_replicated_partition{partition="2",topic="crime.shared.in-hr"} 1"#,
        r#"kafka_consumergroup_current_offset{consumergroup="haryana",partition="2",topic="crime.shared.in-hr"} -1"#,
        r#"kafka_consumergroup_lag{consumergroup="haryana",partition="0",topic="crime.shared.in-hr"} 15"#,
        r#"kafka_consumergroup_lag{consumergroup="haryana",partition="2",topic="crime.shared.in-hr"} -1"#,
        r#"kafka_consumergroup_lag_sum{consumergroup="haryana",topic="crime.shared.in-hr"} 15"#,
        r#"kafka_consumergroup_current_offset_sum{consumergroup="haryana",topic="crime.shared.in-hr"} 74"#,
        r#"kafka_consumergroup_members{consumergroup="haryana"} 2"#,
        r#"sanchar_consumergroup_lag_seconds{consumergroup="haryana",topic="crime.shared.in-hr"} 90.5"#,
        r#"sanchar_exporter_left_out{what="groups"} 7"#,
        r#"sanchar_exporter_left_out{what="refused"} 1"#,
        r#"sanchar_exporter_left_out{what="positions"} 0"#,
        r#"sanchar_exporter_rounds_total{outcome="answered"} 1"#,
        "sanchar_exporter_round_seconds 0.25",
    ] {
        assert!(shown.contains(line), "{line} is not in {shown:#?}");
    }
    let of_leaderless = |line: &&String| line.contains("_offset{partition=\"2\"");
    assert_eq!(shown.iter().find(of_leaderless), None, "nobody knows where it ends");
}

#[test]
fn what_is_gone_is_no_longer_shown_and_after_a_failure_nothing_is() {
    let metrics = Metrics::new("sanchar-exporter").unwrap();
    let figures = Figures::register(&metrics).unwrap();
    figures.show(&survey(), Duration::ZERO);
    figures.show(&Survey { groups: BTreeMap::new(), ..survey() }, Duration::ZERO);
    let left = shown(&metrics);
    assert!(!left.iter().any(|line| line.contains("consumergroup")), "{left:#?}");
    assert!(left.contains(r#"kafka_topic_partitions{topic="crime.shared.in-hr"} 3"#));
    figures.forget(Duration::ZERO);
    let left = shown(&metrics);
    assert!(!left.iter().any(|line| line.starts_with("kafka_")), "{left:#?}");
    assert!(left.contains(r#"sanchar_exporter_rounds_total{outcome="failed"} 1"#));
}

#[test]
fn a_groups_name_keeps_the_page_whole_and_drives_no_terminal() {
    let metrics = Metrics::new("sanchar-exporter").unwrap();
    let figures = Figures::register(&metrics).unwrap();
    let group = survey().groups["haryana"].clone();
    let names = ["थाना \"एक\"\n\u{1b}[2J} 1", "थाना \"एक\"\r\u{1b}[2J} 1", "back\\slash"];
    let groups = names.map(|name| (name.to_owned(), group.clone()));
    figures.show(&Survey { groups: BTreeMap::from(groups), ..survey() }, Duration::ZERO);
    let page = metrics.render();
    assert!(!page.chars().any(|c| c.is_control() && c != '\n'), "{page}");
    for (label, lag) in [
        (r#"थाना \"एक\"\\u{a}\\u{1b}[2J} 1"#, 15),
        (r#"थाना \"एक\"\\u{d}\\u{1b}[2J} 1"#, 15),
        (r"back\\u{5c}slash", 15),
    ] {
        let line =
            format!("kafka_consumergroup_lag_sum{{consumergroup=\"{label}\",topic=\"{INBOX}\"}} {lag}\n");
        assert!(page.contains(&line), "{line} is not in {page}");
    }
    let scrape = Scrape::parse(&page);
    let shown = scrape.values("kafka_consumergroup_lag_sum", &["consumergroup"]);
    let shown: BTreeSet<&str> = shown.keys().map(|labels| labels[0].as_str()).collect();
    let wanted = names.map(crate::text::escaped);
    assert_eq!(shown, wanted.iter().map(String::as_str).collect());
}

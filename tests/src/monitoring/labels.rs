//! The values that each label takes: closed sets from the code's own enumerations, or a bound with its reason.
//!
//! A metric whose labels are not known here cannot be in the catalogue: nobody could say how many series it makes.

use sanchar::exporter::metrics::{GROUPS_MAX, LEFT_OUT, PARTITIONS_MAX, POSITIONS_MAX, ROUND_OUTCOMES};
use sanchar_fanout::metrics::PRIORITIES;
use sanchar_fanout::reasons::{DropReason, PoisonReason, Stage};
use sanchar_fanout::rules::RELOAD_OUTCOMES;
use sanchar_producer::reason::Reason;
use sanchar_runtime::certificates::CertificateFile;
use sanchar_runtime::metrics::{LEVELS, SpanOutcome};
use sanchar_schemas::StateCode;
use sanchar_schemas::topics::Topic;
use sanchar_stream::metrics::{PARTITION_CHANGES, TRANSACTION_OUTCOMES};
use sanchar_stream::processor::REASON_TOO_LARGE;

/// Most workers that a fan-out may be told to have.
const WORKERS_MAX: usize = 64;
/// More filters than any mapping of ours has.
const FILTERS: usize = 10;
/// More brokers than one cluster of this size has.
const BROKERS: usize = 15;

/// Values of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// These and no others.
    Closed(Vec<String>),
    /// Values that depend on the installation.
    Open {
        /// What they are.
        what: &'static str,
        /// How many there are at most at a time.
        at_most: usize,
    },
}

impl Values {
    /// How many there are at most.
    #[must_use]
    pub fn at_most(&self) -> usize {
        match self {
            Self::Closed(values) => values.len(),
            Self::Open { at_most, .. } => *at_most,
        }
    }

    /// So many values as there may be; invented ones where they depend on the installation.
    #[must_use]
    pub fn to_vec(&self) -> Vec<String> {
        match self {
            Self::Closed(values) => values.clone(),
            Self::Open { at_most, .. } => {
                (0..*at_most).map(|number| format!("invented-value-{number}")).collect()
            }
        }
    }
}

/// The values of a label of a daemon's metric; `None` where this file does not say.
#[must_use]
pub fn of(daemon: &str, metric: &str, label: &str) -> Option<Values> {
    let values = match (daemon, metric, label) {
        (_, "sanchar_build_info", "daemon") => Values::Closed(vec![daemon.to_owned()]),
        (_, "sanchar_build_info", "version") => open("the release", 1),
        ("sanchar-fanout", _, "component") => components(),
        ("sanchar-producer", _, "component") => closed(["broker", "push", "registry", "source", "spool"]),
        ("sanchar-exporter", _, "component") => closed(["broker"]),
        (_, "sanchar_log_lines_suppressed_total", "level") => closed(LEVELS),
        (_, "sanchar_trace_spans_total", "outcome") => closed(SpanOutcome::ALL.map(SpanOutcome::as_str)),
        ("sanchar-exporter", ..) => of_exporter(metric, label)?,
        (_, "sanchar_rules_info", "version" | "digest") => open("of the rules in force", 1),
        (_, "sanchar_rules_reloads_total", "outcome") => closed(RELOAD_OUTCOMES),
        (_, "sanchar_transactions_total", "outcome") => closed(TRANSACTION_OUTCOMES),
        (_, _, "change") => closed(PARTITION_CHANGES),
        (_, _, "priority") => closed(PRIORITIES),
        (_, _, "stage") => closed(Stage::ALL.map(Stage::as_str)),
        (_, "sanchar_records_dropped_total", "reason") => closed(DropReason::ALL.map(DropReason::as_str)),
        (_, "sanchar_records_dead_lettered_total", "reason") => {
            closed(PoisonReason::ALL.map(PoisonReason::as_str).into_iter().chain([REASON_TOO_LARGE]))
        }
        (_, "sanchar_rows_quarantined_total", "reason") => {
            closed(Reason::ALL.iter().map(|reason| reason.as_str()))
        }
        (_, "sanchar_rows_filtered_total", "reason") => {
            open("names that the mapping gives to rows that it leaves out", FILTERS)
        }
        ("sanchar-fanout", "sanchar_certificate_expiry_timestamp_seconds", "file") => {
            certificate_files(&["kafka.", "registry."])
        }
        (_, "sanchar_certificate_expiry_timestamp_seconds", "file") => {
            certificate_files(&["kafka.", "registry.", "postgres.", "push."])
        }
        (_, "sanchar_push_requests_total", "status") => closed(["2xx", "4xx", "5xx"]),
        (_, "sanchar_push_items_total", "outcome") => closed(["accepted", "duplicate", "skipped"]),
        (_, "sanchar_spool_refused_total", "reason") => closed(["bytes", "age", "disk"]),
        (_, "sanchar_source_files_moved_total", "folder") => closed(["done", "failed"]),
        ("sanchar-fanout", _, "topic") => open("input topics, one for each state", StateCode::all().count()),
        ("sanchar-producer", _, "state") => open("the state whose events it publishes", 1),
        (_, _, "state" | "origin" | "recipient") => closed(StateCode::all().map(StateCode::as_str)),
        _ => return None,
    };
    Some(values)
}

/// The exporter bounds partitions, and positions of groups, over all topics together. So a label's number stands for its share
/// of that: the numbers of a metric's labels, multiplied, give the bound.
fn of_exporter(metric: &str, label: &str) -> Option<Values> {
    let topics = Topic::all().count();
    let of_groups = metric.contains("consumergroup");
    let topic = "topics of the installation";
    let values = match label {
        "file" => certificate_files(&["kafka."]),
        "what" => closed(LEFT_OUT),
        "outcome" => closed(ROUND_OUTCOMES),
        "id" => open("of each broker", BROKERS),
        "address" => open("of that broker", 1),
        "consumergroup" => open("groups that have committed offsets in these topics", GROUPS_MAX),
        "topic" if of_groups && metric.ends_with("_offset") || metric == "kafka_consumergroup_lag" => {
            open(topic, 1)
        }
        "topic" if of_groups => open(topic, POSITIONS_MAX / GROUPS_MAX),
        "topic" => open(topic, topics),
        "partition" if of_groups => open("of the topic", POSITIONS_MAX / GROUPS_MAX),
        "partition" => open("of the topic", PARTITIONS_MAX / topics),
        _ => return None,
    };
    Some(values)
}

/// Those of the parts that a daemon has.
fn certificate_files(parts: &[&str]) -> Values {
    let files = CertificateFile::ALL.map(CertificateFile::as_str).into_iter();
    closed(files.filter(|file| parts.iter().any(|part| file.starts_with(part))))
}

fn closed(values: impl IntoIterator<Item = &'static str>) -> Values {
    Values::Closed(values.into_iter().map(str::to_owned).collect())
}

fn open(what: &'static str, at_most: usize) -> Values {
    Values::Open { what, at_most }
}

fn components() -> Values {
    let workers = (2..=WORKERS_MAX).map(|worker| format!("engine-{worker}"));
    let all = ["changelog", "registry", "engine"].map(str::to_owned).into_iter().chain(workers);
    Values::Closed(all.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sanchar_stream::StreamConfig;

    #[test]
    fn the_bound_of_workers_is_the_configurations() {
        let config = |workers| StreamConfig { workers, ..StreamConfig::default() };
        assert!(config(WORKERS_MAX).check().is_ok() && config(WORKERS_MAX + 1).check().is_err());
    }

    #[test]
    fn the_exporters_numbers_multiply_to_its_bounds() {
        let product = |metric, labels: &[&str]| -> usize {
            labels.iter().map(|label| of("sanchar-exporter", metric, label).unwrap().at_most()).product()
        };
        let of_position = ["consumergroup", "topic", "partition"];
        for metric in ["kafka_consumergroup_lag", "kafka_consumergroup_current_offset"] {
            assert_eq!(product(metric, &of_position), POSITIONS_MAX, "{metric}");
        }
        for metric in ["kafka_consumergroup_lag_sum", "kafka_consumergroup_current_offset_sum"] {
            assert_eq!(
                product(metric, &of_position[..2]),
                POSITIONS_MAX,
                "{metric}: at worst, one partition each"
            );
        }
        assert_eq!(product("kafka_topic_partition_leader", &of_position[1..]), PARTITIONS_MAX);
    }

    #[test]
    fn a_label_that_nobody_described_is_not_known() {
        assert_eq!(of("sanchar-fanout", "sanchar_records_in_total", "partition"), None);
        assert_eq!(
            of("sanchar-fanout", "sanchar_deliveries_total", "origin").map(|values| values.at_most()),
            Some(36)
        );
    }
}

//! The picture in words: one sheet for each kind of thing, the same for `status` and `top`. No colours, no layout.

use std::time::Duration;

use indicatif::{HumanBytes, HumanDuration};

use super::concerns;
use super::picture::{Brokers, Instance, Picture, Producer, Reader, State};
use crate::text::shortened;

/// A table's contents.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sheet {
    pub(crate) title: &'static str,
    pub(crate) heading: &'static [&'static str],
    /// Columns that are aligned to the right, from 0.
    pub(crate) right: &'static [usize],
    pub(crate) rows: Vec<Row>,
    /// What a `*` behind a heading means, where there is one.
    pub(crate) note: &'static str,
    /// What is said where there is no row.
    pub(crate) empty: &'static str,
}

/// A row, and whether something about it needs attention.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) cells: Vec<String>,
    pub(crate) is_bad: bool,
}

/// Longest name of a group that is shown whole: the columns behind it are to be seen.
const GROUP_CHARS_MAX: usize = 40;

const SINCE_START: &str = "* since the daemon started";
/// Beyond this a figure is told by its first digits: no column is made for more, and nothing of ours counts so far.
const PLAIN_MAX: f64 = 1e12;
/// 99 years, in seconds.
const SPAN_SECONDS_MAX: f64 = 99.0 * 365.25 * 86_400.0;

/// How many sheets there are.
pub(crate) const COUNT: usize = 5;

/// All sheets, in the order in which they are shown.
pub(crate) fn of(picture: &Picture) -> [Sheet; COUNT] {
    [states(picture), daemons(picture), producers(picture), readers(picture), dead_letters(picture)]
}

fn states(picture: &Picture) -> Sheet {
    let row = |state: &State| Row {
        cells: vec![
            state.state.clone(),
            rate(state.in_per_second),
            count(state.records_in),
            count(state.lag_records),
            state.lag_seconds.map_or_else(none, |seconds| figure(seconds, 1)),
            state.last_heard_seconds.map_or_else(none, span),
            rate(state.copies_per_second),
            count(state.copies),
        ],
        is_bad: concerns::is_behind(state),
    };
    Sheet {
        title: "States",
        heading: &["STATE", "IN/S", "IN*", "LAG", "LAG S", "HEARD", "COPIES/S", "COPIES*"],
        right: &[1, 2, 3, 4, 5, 6, 7],
        note: SINCE_START,
        rows: picture.states.iter().map(row).collect(),
        empty: "nothing was read from or delivered to any state, or no fan-out was named",
    }
}

fn daemons(picture: &Picture) -> Sheet {
    let row = |instance: &Instance| {
        let readiness = match (instance.ready, &instance.daemon) {
            (true, _) => "yes",
            (false, Some(_)) => "NO",
            (false, None) => "DOWN",
        };
        let cells = vec![
            instance.daemon.clone().unwrap_or_else(none),
            instance.state.clone().unwrap_or_else(none),
            instance.address.clone(),
            instance.version.clone().unwrap_or_else(none),
            instance.up_seconds.map_or_else(none, span),
            readiness.to_owned(),
            instance.why.clone().unwrap_or_default(),
        ];
        Row { cells, is_bad: !instance.ready }
    };
    Sheet {
        title: "Daemons",
        heading: &["DAEMON", "STATE", "ADDRESS", "VERSION", "UP", "READY", "WHY"],
        right: &[4],
        note: "",
        rows: picture.daemons.iter().map(row).collect(),
        empty: "no daemon was named: name them with --daemon, or in a file",
    }
}

fn producers(picture: &Picture) -> Sheet {
    let row = |producer: &Producer| {
        let source = producer.source_lag_seconds.map(span);
        let bytes = |bytes: f64| HumanBytes(whole(bytes)).to_string();
        let source = source.or_else(|| producer.source_lag_bytes.map(bytes)).unwrap_or_else(none);
        let cells = vec![
            producer.state.clone(),
            figure(producer.published_per_second, 1),
            count(Some(producer.published)),
            count(Some(producer.quarantined)),
            count(Some(producer.in_flight)),
            if producer.source_connected == Some(false) { "AWAY".to_owned() } else { source },
            producer.spool_bytes.map_or_else(none, bytes),
            producer.spool_age_seconds.map_or_else(none, span),
        ];
        Row { cells, is_bad: concerns::of_producer(producer).next().is_some() }
    };
    Sheet {
        title: "Producers",
        heading: &["STATE", "OUT/S", "OUT*", "QUARANTINED*", "IN FLIGHT", "SOURCE LAG", "SPOOL", "SPOOL AGE"],
        right: &[1, 2, 3, 4, 5, 6, 7],
        note: SINCE_START,
        rows: picture.producers.iter().map(row).collect(),
        empty: "no producer answers among the daemons that were named",
    }
}

fn readers(picture: &Picture) -> Sheet {
    let row = |reader: &Reader| {
        let verdict = match (reader.late, reader.unread) {
            (true, _) => "LATE",
            (false, 0) => "at the end",
            (false, _) => "reading",
        };
        let cells = vec![
            reader.state.clone().unwrap_or_else(none),
            shortened(&reader.group, GROUP_CHARS_MAX),
            reader.members.map_or_else(none, |members| members.to_string()),
            reader.unread.to_string(),
            reader.waiting_seconds.map_or_else(none, span),
            verdict.to_owned(),
            reader.topic.clone(),
        ];
        Row { cells, is_bad: reader.late }
    };
    Sheet {
        title: "Readers",
        heading: &["INBOX", "GROUP", "MEMBERS", "UNREAD", "WAITING", "READS", "TOPIC"],
        right: &[2, 3, 4],
        note: "",
        rows: picture.readers.iter().map(row).collect(),
        empty: "no group has committed an offset in an inbox, or the brokers do not answer",
    }
}

fn dead_letters(picture: &Picture) -> Sheet {
    let rows = picture.dead_letters.by_reason.iter().map(|letter| Row {
        cells: vec![
            letter.stage.clone(),
            letter.reason.clone(),
            count(Some(letter.count)),
            figure(letter.per_second, 1),
        ],
        is_bad: letter.per_second > 0.0,
    });
    Sheet {
        title: "Dead letters",
        heading: &["STAGE", "REASON", "LETTERS*", "PER S"],
        right: &[2, 3],
        note: SINCE_START,
        rows: rows.collect(),
        empty: "the fan-outs that answer have written none since they started",
    }
}

/// `daemons ready 2 of 3; brokers 3, topics 75 of 75, DLQ up to 0`
pub(crate) fn summary(picture: &Picture) -> String {
    let brokers = &picture.brokers;
    let ready = picture.daemons.iter().filter(|instance| instance.ready).count();
    let daemons = format!("daemons ready {ready} of {}", picture.daemons.len());
    if brokers.unreachable.is_some() {
        return format!("{daemons}; the brokers do not answer");
    }
    let all = brokers.topics + brokers.topics_missing;
    let held = picture.dead_letters.held.map_or_else(none, |held| format!("up to {held}"));
    let left_out = match brokers.groups_left_out {
        0 => String::new(),
        groups => format!(", groups left out {groups}"),
    };
    let Brokers { count, topics, .. } = brokers;
    format!("{daemons}; brokers {count}, topics {topics} of {all}, DLQ {held}{left_out}")
}

/// `registry answers, subjects 2`; `None` where it was not asked.
pub(crate) fn registry(picture: &Picture) -> Option<String> {
    match (&picture.registry.unreachable, picture.registry.subjects) {
        (Some(_), _) => Some("registry DOES NOT ANSWER".to_owned()),
        (None, Some(subjects)) => Some(format!("registry answers, subjects {subjects}")),
        (None, None) => None,
    }
}

/// `89s`, `12m`, `5h`, `3d`
pub(crate) fn span(seconds: f64) -> String {
    if seconds > SPAN_SECONDS_MAX {
        return ">99y".to_owned();
    }
    let duration = Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX);
    format!("{:#}", HumanDuration(duration))
}

fn none() -> String {
    "-".to_owned()
}

fn count(count: Option<f64>) -> String {
    count.map_or_else(none, |count| figure(count, 0))
}

fn rate(per_second: Option<f64>) -> String {
    per_second.map_or_else(none, |rate| figure(rate, 1))
}

fn figure(figure: f64, decimals: usize) -> String {
    if figure.abs() < PLAIN_MAX { format!("{figure:.decimals$}") } else { format!("{figure:.1e}") }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bytes of files are whole, not negative, and smaller than nine quadrillion"
)]
fn whole(bytes: f64) -> u64 {
    bytes as u64
}

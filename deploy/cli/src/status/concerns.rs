//! What needs attention, and the words for it. The limits are those of the alert rules (`deploy/monitoring/alerts`), without
//! their patience: an alert waits whether it goes away. A late reader is told of sooner, as `--late` says.

use super::picture::{Attention, Concern, Picture, Producer, State};
use super::sheets::span;

/// The objective: no record waits longer.
const LAG_SECONDS_MAX: f64 = 30.0;
/// Longest that an item may wait in a spool, in seconds.
const SPOOL_SECONDS_MAX: f64 = 600.0;
/// Longest since a database was read to its end, in seconds.
const DATABASE_SECONDS_MAX: f64 = 900.0;

/// Everything that does, the most urgent first.
pub(super) fn of(picture: &Picture) -> Vec<Attention> {
    let mut all = Vec::new();
    let mut add = |concern, text| all.push(Attention { concern, text });
    if let Some(why) = &picture.brokers.unreachable {
        add(Concern::BrokersUnreachable, why.clone());
    }
    if let Some(why) = &picture.registry.unreachable {
        add(Concern::RegistryUnreachable, why.clone());
    }
    if picture.daemons.is_empty() {
        let text = "no daemon was named: use --daemon, or daemons in [status] of the file".to_owned();
        add(Concern::NoDaemon, text);
    }
    for instance in picture.daemons.iter().filter(|instance| !instance.ready) {
        let why = instance.why.as_deref().unwrap_or("it does not say why");
        match &instance.daemon {
            None => {
                let text = format!(
                    "{} does not answer ({why}): check the address, and its journal for the exit code",
                    instance.address
                );
                add(Concern::DaemonDown, text);
            }
            Some(daemon) => add(Concern::NotReady, format!("{daemon} at {}: {why}", instance.address)),
        }
    }
    let missing = picture.brokers.topics_missing;
    if missing > 0 {
        add(Concern::TopicsMissing, format!("topics missing: {missing}; see `sanchar topics plan`"));
    }
    let few = picture.brokers.partitions_under_replicated;
    if few > 0 {
        add(
            Concern::UnderReplicated,
            format!("partitions with fewer replicas in sync than they should have: {few}"),
        );
    }
    let left_out = picture.brokers.groups_left_out;
    if left_out > 0 {
        let text = format!(
            "groups that were not asked for: {left_out}, a late reader among them goes unseen; delete groups that nobody uses"
        );
        add(Concern::GroupsLeftOut, text);
    }
    for state in picture.states.iter().filter(|state| is_behind(state)) {
        let waited = state.lag_seconds.map(span).unwrap_or_default();
        add(Concern::Lag, format!("records of {} have waited for {waited}", state.state));
    }
    for letter in picture.dead_letters.by_reason.iter().filter(|letter| letter.per_second > 0.0) {
        let text = format!("dead letters are being written: {} at {}", letter.reason, letter.stage);
        add(Concern::DeadLetters, format!("{text}; see `sanchar dlq list --since 1h`"));
    }
    for reader in picture.readers.iter().filter(|reader| reader.late) {
        let waited = reader.waiting_seconds.map(span).unwrap_or_default();
        add(Concern::ReadLate, format!("{} has not read {} for {waited}", reader.group, reader.topic));
    }
    all.extend(picture.producers.iter().flat_map(of_producer));
    all
}

/// Whether records of a state wait for longer than the objective allows.
pub(super) fn is_behind(state: &State) -> bool {
    state.lag_seconds.is_some_and(|seconds| seconds > LAG_SECONDS_MAX)
}

/// What about a producer does.
pub(super) fn of_producer(producer: &Producer) -> impl Iterator<Item = Attention> {
    let of = |concern, text: Option<String>| {
        text.map(|text| Attention { concern, text: format!("{}: {text}", producer.state) })
    };
    let beyond = |seconds: Option<f64>, most| seconds.filter(|seconds| *seconds > most).map(span);
    let waited = beyond(producer.spool_age_seconds, SPOOL_SECONDS_MAX);
    let unread = beyond(producer.source_lag_seconds, DATABASE_SECONDS_MAX);
    let files = producer.files_refused.filter(|files| *files > 0.0);
    let is_away = producer.source_connected == Some(false);
    [
        of(
            Concern::Spool,
            waited.map(|waited| format!("pushed items have waited in the spool for {waited}")),
        ),
        of(Concern::Spool, (producer.spool_refused > 0.0).then(|| "the spool refuses batches".to_owned())),
        of(Concern::Source, is_away.then(|| "the database does not answer".to_owned())),
        of(
            Concern::Source,
            unread.map(|unread| format!("the database was last read to its end {unread} ago")),
        ),
        of(
            Concern::Source,
            files.map(|files| format!("source files that cannot be read by its configuration: {files}")),
        ),
    ]
    .into_iter()
    .flatten()
}

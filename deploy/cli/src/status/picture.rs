//! How it all is, as values, which `--json` gives as they are. Names of topics, groups, states and daemons; never of people.
//!
//! What nobody could tell is null. Times are seconds, rates are per second between the two looks.

use serde::Serialize;

/// Everything.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Picture {
    /// When it was taken: ms since 1970, UTC.
    pub(crate) at_ms: i64,
    pub(crate) brokers: Brokers,
    pub(crate) registry: Registry,
    pub(crate) daemons: Vec<Instance>,
    pub(crate) producers: Vec<Producer>,
    /// States that something was read from or delivered to.
    pub(crate) states: Vec<State>,
    pub(crate) readers: Vec<Reader>,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) attention: Vec<Attention>,
}

/// The cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Brokers {
    /// Why there is no answer, where there is none.
    pub(crate) unreachable: Option<String>,
    pub(crate) count: usize,
    /// Topics of the contract that the cluster has.
    pub(crate) topics: usize,
    /// Topics that no producer, inbox or service could do without.
    pub(crate) topics_missing: usize,
    pub(crate) partitions_under_replicated: usize,
    /// Groups that were not asked for, or refused.
    pub(crate) groups_left_out: usize,
}

/// The schema registry. Both are null where it was not asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Registry {
    /// Why there is no usable answer, where there is none.
    pub(crate) unreachable: Option<String>,
    /// Subjects that it holds.
    pub(crate) subjects: Option<usize>,
}

/// A daemon.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Instance {
    pub(crate) address: String,
    /// Its program's name; null where it does not answer.
    pub(crate) daemon: Option<String>,
    /// Whose events it publishes, of a producer.
    pub(crate) state: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) ready: bool,
    /// Why it is not ready, or does not answer.
    pub(crate) why: Option<String>,
    pub(crate) up_seconds: Option<f64>,
}

/// What a producer shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Producer {
    pub(crate) state: String,
    pub(crate) address: String,
    /// Since it started, as `quarantined`.
    pub(crate) published: f64,
    pub(crate) published_per_second: f64,
    pub(crate) quarantined: f64,
    pub(crate) in_flight: f64,
    pub(crate) source_lag_bytes: Option<f64>,
    pub(crate) source_lag_seconds: Option<f64>,
    pub(crate) source_connected: Option<bool>,
    pub(crate) files_refused: Option<f64>,
    pub(crate) spool_bytes: Option<f64>,
    pub(crate) spool_age_seconds: Option<f64>,
    /// Batches that the spool had no place for between the looks.
    pub(crate) spool_refused: f64,
}

/// A state, as the fan-out sees it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct State {
    pub(crate) state: String,
    pub(crate) topic: String,
    /// Since the fan-outs started that answer, as `copies`.
    pub(crate) records_in: Option<f64>,
    pub(crate) in_per_second: Option<f64>,
    /// Of what it published, what is not processed.
    pub(crate) lag_records: Option<f64>,
    pub(crate) lag_seconds: Option<f64>,
    /// Since the last record of it that was processed was published.
    pub(crate) last_heard_seconds: Option<f64>,
    /// Copies written to its inbox.
    pub(crate) copies: Option<f64>,
    pub(crate) copies_per_second: Option<f64>,
}

/// A consumer group that reads something other than what states publish, which is the fan-out's.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Reader {
    pub(crate) group: String,
    pub(crate) topic: String,
    /// Whose inbox it is.
    pub(crate) state: Option<String>,
    pub(crate) members: Option<usize>,
    /// Offsets behind what it has committed; each transaction's marker but the last counts too.
    pub(crate) unread: i64,
    pub(crate) waiting_seconds: Option<f64>,
    pub(crate) late: bool,
}

/// What could not be processed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct DeadLetters {
    /// Offsets that the queue holds, so at most so many letters: the marker of each transaction is one, and redriven letters
    /// stay until retention takes them.
    pub(crate) held: Option<i64>,
    pub(crate) by_reason: Vec<DeadLetter>,
}

/// Dead letters of one kind since their fan-outs started.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct DeadLetter {
    pub(crate) stage: String,
    pub(crate) reason: String,
    pub(crate) count: f64,
    pub(crate) per_second: f64,
}

/// Something that somebody should look at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Attention {
    pub(crate) concern: Concern,
    pub(crate) text: String,
}

/// Kinds of what needs attention, by the alert that would tell the same after a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Concern {
    /// `SancharDown`
    DaemonDown,
    /// `SancharNotReady`
    NotReady,
    BrokersUnreachable,
    /// `SancharRegistryUnreachable`
    RegistryUnreachable,
    /// Nobody was asked how the daemons are.
    NoDaemon,
    /// `SancharExporterLeavesOut`
    GroupsLeftOut,
    TopicsMissing,
    UnderReplicated,
    /// `SancharLagBurnsObjective`
    Lag,
    /// `SancharInboxReadLate`
    ReadLate,
    /// `SancharDeadLetters`
    DeadLetters,
    /// `SancharSpoolFills`, `SancharSpoolRefuses`
    Spool,
    /// `SancharDatabaseUnreachable`, `SancharDatabaseReadLate`, `SancharSourceFileRefused`
    Source,
}

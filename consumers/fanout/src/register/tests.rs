//! Verdicts, and what each worker knows when: before the commit, after it, after it was read back, after a rebalance.

use super::*;
use crate::config::RegisterConfig;
use crate::examples::{event, states};
use crate::metrics::RegisterMetrics;
use proptest::prelude::*;
use sanchar_runtime::metrics::Metrics;
use sanchar_stream::Standby as _;
use sanchar_stream::client::ChangelogEntry;
use sanchar_stream::processor::Reached;
use std::collections::BTreeMap;
use tempfile::TempDir;

/// How many records the instances of these tests keep in memory alone.
pub(super) const RECENT_MAX: usize = 5_000;
const IDENTITY: &str = "cluster/topic";

/// A changelog, and a process that follows it.
pub(super) struct Instance {
    pub(super) table: Arc<Table>,
    pub(super) standby: RegisterStandby,
    pub(super) read: i64,
}

impl Instance {
    /// A process that has read nothing.
    pub(super) fn closed(folder: &TempDir) -> Self {
        let table = Arc::<Table>::default();
        let metrics = RegisterMetrics::new(&Metrics::new("sanchar-test").unwrap()).unwrap();
        let taken = Folder::take(folder.path()).unwrap();
        let config =
            RegisterConfig { cache_mib: 1, recent_records_max: RECENT_MAX, ..RegisterConfig::default() };
        let standby = RegisterStandby::new(Arc::clone(&table), taken, config, metrics).unwrap();
        Self { table, standby, read: 0 }
    }

    /// A process that has read `log`.
    pub(super) fn on(folder: &TempDir, log: &[(String, Vec<u8>)]) -> Self {
        let mut instance = Self::closed(folder);
        instance.begin_as(IDENTITY, log);
        instance
    }

    /// Reads `log` for the first time. Gives the offset that it read from.
    pub(super) fn begin_as(&mut self, identity: &str, log: &[(String, Vec<u8>)]) -> i64 {
        let from = self.standby.begin(identity, i64::try_from(log.len()).unwrap()).unwrap();
        self.read = from;
        self.follow(log).unwrap();
        self.standby.complete();
        from
    }

    /// Reads `log` to its end.
    pub(super) fn follow(&mut self, log: &[(String, Vec<u8>)]) -> Result<Reached, String> {
        for (key, value) in &log[usize::try_from(self.read).unwrap()..] {
            self.standby.take(ChangelogEntry { offset: 0, key: key.as_bytes(), value: Some(value) });
        }
        self.read = i64::try_from(log.len()).unwrap();
        self.standby.reached(self.read)
    }
}

impl Drop for Instance {
    /// A process that ends merges nothing any more.
    fn drop(&mut self) {
        self.standby.settle();
    }
}

pub(super) fn entry(revision: i64, content: &str) -> Entry {
    let content_hash = Sha256::of(content.as_bytes());
    Entry { revision, content_hash, recipients: states("IN-HR IN-UP"), last_seen_ms: 1 }
}

pub(super) fn logged(record_id: &str, entry: Entry) -> (String, Vec<u8>) {
    (record_id.to_owned(), entry.to_bytes())
}

fn judged(register: &Register, id: &RecordId, revision: i64, content: &str) -> Verdict {
    let key = register.key(id).unwrap();
    register.judge(key, revision, Sha256::of(content.as_bytes()), 9).unwrap()
}

fn stage(register: &Register, id: &RecordId, entry: Entry) {
    register.stage(register.key(id).unwrap(), entry);
}

#[test]
fn a_read_that_breaks_off_turns_nothing_back() {
    let folder = tempfile::tempdir().unwrap();
    let id = event("IN-DL").record_id;
    // What the first reading took is no measure of the next.
    let before = [logged("IN-DL/a", entry(1, "a")), logged("IN-DL/b", entry(1, "a"))];
    let mut instance = Instance::on(&folder, &before);
    let register = Register::of(&instance.table);
    stage(&register, &id, entry(2, "b"));
    let (older, newer) = (entry(1, "a").to_bytes(), entry(2, "b").to_bytes());
    let take = |instance: &mut Instance, value: &[u8]| {
        let key = id.as_str().as_bytes();
        instance.standby.take(ChangelogEntry { offset: 0, key, value: Some(value) });
    };
    take(&mut instance, &older);
    take(&mut instance, &newer);
    // The connection is lost, and the next read brings less.
    assert_eq!(instance.standby.begin(IDENTITY, 4), Ok(2));
    take(&mut instance, &older);
    instance.standby.reached(3).unwrap();
    assert_eq!(judged(&register, &id, 2, "b"), Verdict::Drop(DropReason::Duplicate));
}

#[test]
fn the_five_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    let id = event("IN-DL").record_id;
    let mut log = Vec::new();
    let mut instance = Instance::on(&folder, &log);
    let register = Register::of(&instance.table);
    assert_eq!(judged(&register, &id, 5, "a"), Verdict::Forward(StateSet::EMPTY));
    stage(&register, &id, entry(5, "a"));
    assert_eq!(judged(&register, &id, 5, "a"), Verdict::Drop(DropReason::Duplicate), "staged counts");
    log.push(logged(id.as_str(), entry(5, "a")));
    instance.follow(&log).unwrap();
    assert_eq!(judged(&register, &id, 5, "a"), Verdict::Drop(DropReason::Duplicate));
    assert_eq!(judged(&register, &id, 5, "b"), Verdict::Conflict);
    assert_eq!(judged(&register, &id, 4, "b"), Verdict::Drop(DropReason::Stale));
    assert_eq!(judged(&register, &id, 6, "b"), Verdict::Forward(states("IN-HR IN-UP")));
    let remembered = Entry { revision: 8, last_seen_ms: 9, ..entry(5, "a") };
    assert_eq!(judged(&register, &id, 8, "a"), Verdict::Remember(remembered, DropReason::Unchanged));
}

#[test]
fn what_did_not_commit_is_forgotten_and_what_did_is_known_again_when_read() {
    let folder = tempfile::tempdir().unwrap();
    let id = event("IN-DL").record_id;
    let mut instance = Instance::on(&folder, &[]);
    let register = Register::of(&instance.table);
    stage(&register, &id, entry(5, "a"));
    register.aborted();
    assert_eq!(judged(&register, &id, 5, "a"), Verdict::Forward(StateSet::EMPTY));
    // The outcome was not known, and it was a commit.
    instance.follow(&[logged(id.as_str(), entry(5, "a"))]).unwrap();
    assert_eq!(judged(&register, &id, 5, "a"), Verdict::Drop(DropReason::Duplicate));
}

#[test]
fn another_instances_newer_revision_is_known_after_it_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let id = event("IN-DL").record_id;
    let mut instance = Instance::on(&folder, &[]);
    let register = Register::of(&instance.table);
    stage(&register, &id, entry(5, "a"));
    // The partition went to another instance, which delivered revision 7, and came back.
    let log = [logged(id.as_str(), entry(5, "a")), logged(id.as_str(), entry(7, "b"))];
    instance.follow(&log).unwrap();
    assert_eq!(judged(&register, &id, 6, "c"), Verdict::Drop(DropReason::Stale));
    // An own revision that is newer than what was read back stays known.
    stage(&register, &id, entry(9, "d"));
    instance.follow(&log).unwrap();
    assert_eq!(judged(&register, &id, 8, "c"), Verdict::Drop(DropReason::Stale));
}

#[test]
fn nothing_is_judged_before_the_changelog_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let id = event("IN-DL").record_id;
    let mut instance = Instance::closed(&folder);
    let register = Register::of(&instance.table);
    assert!(register.key(&id).is_err());
    instance.standby.begin(IDENTITY, 5).unwrap();
    let key = register.key(&id).unwrap();
    assert!(register.judge(key, 1, Sha256::of(b"a"), 9).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Against a model that remembers everything: whatever is forwarded has a newer revision and another content than
    /// all that was seen before, and nothing is forwarded twice, whenever the changelog is read back.
    #[test]
    fn only_news_is_forwarded(arrivals in prop::collection::vec((1..6i64, 0..3u8, any::<bool>()), 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let id = event("IN-DL").record_id;
        let mut log = Vec::new();
        let mut instance = Instance::on(&folder, &log);
        let register = Register::of(&instance.table);
        let mut seen = BTreeMap::<i64, u8>::new();
        for (revision, content, is_read_back) in arrivals {
            let hash = Sha256::of(&[content]);
            let newest = seen.last_key_value().map(|(revision, content)| (*revision, *content));
            let verdict = register.judge(register.key(&id).unwrap(), revision, hash, 1).unwrap();
            let news = newest.is_none_or(|(r, c)| revision > r && content != c);
            prop_assert_eq!(matches!(verdict, Verdict::Forward(_)), news);
            let noted = match verdict {
                Verdict::Forward(_) => Some(Entry { content_hash: hash, ..entry(revision, "") }),
                Verdict::Remember(entry, _) => Some(entry),
                _ => None,
            };
            if let Some(entry) = noted {
                stage(&register, &id, entry);
                log.push(logged(id.as_str(), entry));
                seen.insert(revision, content);
            }
            if is_read_back {
                instance.follow(&log).unwrap();
            }
        }
    }
}

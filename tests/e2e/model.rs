//! What every inbox must hold, worked out from what was published: the promise in a few lines that share nothing
//! with the service, not even its table of borders.

use crate::workload::Publication;
use anyhow::{Context as _, Result, ensure};
use sanchar_fanout::register::Entry;
use sanchar_schemas::event::CrimeEvent;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::{StateCode, StateSet};
use sanchar_tests::events::state;
use sanchar_tests::{Installation, inbox};
use std::collections::{BTreeMap, HashMap};

/// Land neighbours of the states that publish, from an atlas.
const NEIGHBOURS: [(&str, &str); 6] = [
    ("IN-DL", "IN-HR IN-UP"),
    ("IN-GA", "IN-KA IN-MH"),
    ("IN-KA", "IN-AP IN-GA IN-KL IN-MH IN-TN IN-TS"),
    ("IN-MZ", "IN-AS IN-MN IN-TR"),
    ("IN-PB", "IN-CH IN-HP IN-HR IN-JK IN-RJ"),
    ("IN-SK", "IN-WB"),
];

/// Revisions of each record in the order in which they are read, by `record_id`.
type Revisions = HashMap<String, Vec<i64>>;

/// What must have happened to all that was published.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    newest: HashMap<u32, Publication>,
    inboxes: BTreeMap<StateCode, Revisions>,
    pub(crate) forwarded: u64,
    pub(crate) dropped: BTreeMap<String, u64>,
}

impl Model {
    pub(crate) fn of(publications: &[Publication]) -> Self {
        let mut model = Self::default();
        for publication in publications {
            model.publish(*publication);
        }
        model
    }

    pub(crate) fn publish(&mut self, next: Publication) {
        let known = self.newest.get(&next.case).copied();
        let why_dropped = known.and_then(|known| match () {
            () if next.revision < known.revision => Some("stale"),
            () if next.revision == known.revision => Some("duplicate"),
            () if next.content == known.content => Some("unchanged"),
            () => None,
        });
        if known.is_none_or(|known| next.revision > known.revision) {
            self.newest.insert(next.case, next);
        }
        if let Some(reason) = why_dropped {
            *self.dropped.entry(reason.to_owned()).or_default() += 1;
            return;
        }
        self.forwarded += 1;
        let record_id = next.event().record_id.to_string();
        for neighbour in neighbours(next.origin) {
            let inbox = self.inboxes.entry(neighbour).or_default();
            inbox.entry(record_id.clone()).or_default().push(next.revision);
        }
    }

    /// Records known.
    pub(crate) fn records(&self) -> u64 {
        self.newest.len() as u64
    }

    /// Compares every inbox, the dead-letter queue and the register with the model.
    pub(crate) fn check(&self, installation: &Installation) -> Result<()> {
        self.check_inboxes(installation)?;
        ensure!(inbox::read(installation, Topic::Dlq)?.is_empty(), "nothing may be dead-lettered");
        self.check_register(installation)
    }

    fn check_inboxes(&self, installation: &Installation) -> Result<()> {
        let mut found: BTreeMap<StateCode, Revisions> = BTreeMap::new();
        inbox::scan(installation, &inbox::all(), |topic, record| {
            let Topic::Shared(recipient) = topic else { unreachable!("only inboxes are read") };
            let event: CrimeEvent = record.shared()?.event.context("only deliveries are expected")?;
            ensure!(record.key.as_deref() == Some(event.record_id.case_key().as_bytes()), "the case key");
            let inbox = found.entry(recipient).or_default();
            inbox.entry(event.record_id.to_string()).or_default().push(event.revision);
            Ok(())
        })?;
        for recipient in StateCode::all() {
            let empty = Revisions::new();
            let expected = self.inboxes.get(&recipient).unwrap_or(&empty);
            let found = found.get(&recipient).unwrap_or(&empty);
            for (record_id, revisions) in expected {
                let read = found.get(record_id);
                ensure!(
                    read == Some(revisions),
                    "{recipient} must read {revisions:?} of {record_id} and reads {read:?}"
                );
            }
            let stranger = found.keys().find(|record_id| !expected.contains_key(*record_id));
            ensure!(stranger.is_none(), "{recipient} must not read {stranger:?}");
        }
        Ok(())
    }

    /// The last entry of each record is what a new machine would rebuild its register from.
    fn check_register(&self, installation: &Installation) -> Result<()> {
        let mut entries: HashMap<String, Entry> = HashMap::new();
        for record in inbox::read(installation, Topic::Register)? {
            let key = String::from_utf8(record.key.context("an entry has a key")?)?;
            let entry = record.value.as_deref().and_then(Entry::from_bytes).context("a whole entry")?;
            entries.insert(key, entry);
        }
        ensure!(entries.len() == self.newest.len(), "{} records are registered", entries.len());
        for newest in self.newest.values() {
            let event = newest.event();
            let entry = entries.get(event.record_id.as_str()).context("every record is registered")?;
            let recipients: StateSet = neighbours(newest.origin).into_iter().collect();
            ensure!(
                (entry.revision, entry.content_hash, entry.recipients)
                    == (event.revision, event.content_hash, recipients),
                "the register says {entry:?} of {newest:?}"
            );
        }
        Ok(())
    }
}

fn neighbours(origin: StateCode) -> Vec<StateCode> {
    let (_, neighbours) =
        NEIGHBOURS.iter().find(|(known, _)| *known == origin.as_str()).expect("a state of the workload");
    neighbours.split(' ').map(state).collect()
}

//! What a drop folder holds and nobody takes: said once of each entry, and counted.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::{Worker, as_gauge};
use crate::naming;
use crate::publish::Sink;
use crate::source::passed_over;

/// So many entries are remembered as said; of more than that none is said, and all are counted.
const SAID_MAX: usize = 1_000;

/// The entries of which it was said.
#[derive(Debug, Default)]
pub(super) struct Ignored(BTreeSet<PathBuf>);

impl<S: Sink> Worker<S> {
    /// Tells of what lies in the drop folders besides the files that were `found`.
    pub(super) fn report_ignored(&mut self, found: &[PathBuf]) {
        if !self.config.source.moves() {
            return;
        }
        let store = self.config.store_folder();
        let entries = passed_over(self.config.base(), &self.config.source, &store, found);
        self.metrics.files_passed_over.set(as_gauge(u64::try_from(entries.len()).unwrap_or(u64::MAX)));
        self.ignored.0.retain(|path| entries.iter().any(|(entry, _)| entry == path));
        for (path, why) in entries {
            let said = &mut self.ignored.0;
            if said.len() >= SAID_MAX || !said.insert(path.clone()) {
                continue;
            }
            let entry = naming::shown(self.config.shown(&path));
            tracing::warn!(entry, problem = why.problem(), "an entry of the drop folder is passed over");
        }
    }
}

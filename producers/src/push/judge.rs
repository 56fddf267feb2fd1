//! From a body to a batch for the spool: every item through the state's own mapping, before any of them is accepted.
//!
//! Pure but for the clock. What is accepted here is mapped again when it is read from the spool, with the same outcome.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sanchar_runtime::clock::Clock;
use sanchar_schemas::CrimeEvent;
use sanchar_schemas::digest::Sha256;

use super::answer::{Problem, Wrong};
use super::items::{Shape, items};
use crate::config::{ProducerConfig, Unfit};
use crate::language::column::Columns;
use crate::mapping::{Mapper, Reading, SourceRow, Verdict, Versions};
use crate::reason::{Problem as RowProblem, Reason, Rejection};
use crate::source::{json_cells, row_text, too_large};
use crate::spool::{Batch, Fingerprint, ITEMS_MAX, Item, Memory, Spool};

/// Judges items by one mapping.
pub(super) struct Judge {
    mapper: Mapper,
    columns: Columns,
    clock: Arc<dyn Clock>,
    items_max: usize,
    item_bytes_max: usize,
}

/// What a body holds.
#[derive(Debug)]
pub(super) struct Judged {
    /// The items to be spooled.
    pub(super) batch: Batch,
    /// How many the mapping leaves out.
    pub(super) skipped: u64,
}

impl Judge {
    /// A judge for what is pushed under `config`.
    ///
    /// # Errors
    /// The first key that the mapping names and `source.columns` lacks.
    pub(super) fn new(
        config: &ProducerConfig,
        items_max: usize,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Unfit> {
        let columns = Columns::new(&config.source.columns);
        let mapper = config.push_mapper()?;
        Ok(Self { mapper, columns, clock, items_max, item_bytes_max: config.source.max_row_bytes })
    }

    /// Judges a body. One wrong item refuses them all.
    ///
    /// # Errors
    /// [`Problem`], with what is wrong.
    pub(super) fn judge(&self, body: &[u8], shape: Shape) -> Result<Judged, Problem> {
        let texts = items(body, shape, self.items_max)?;
        let mut wrong = Wrong::default();
        let mut judged = Judged { batch: Batch::default(), skipped: 0 };
        judged.batch.lines.reserve(body.len().saturating_add(1));
        let mut seen = HashMap::new();
        for (index, item) in texts.into_iter().enumerate() {
            let Batch { lines, items, .. } = &mut judged.batch;
            let begin = lines.len();
            item.write(lines);
            match self.item(lines.get(begin..).unwrap_or_default(), &mut seen) {
                Ok(Some(fingerprint)) => {
                    items.push(Item { fingerprint, index, end: lines.len() });
                    continue;
                }
                Ok(None) => judged.skipped += 1,
                Err(rejection) => wrong.note(index, item.line, rejection),
            }
            lines.truncate(begin);
        }
        if wrong.count == 0 { Ok(judged) } else { Err(wrong.into()) }
    }

    /// What items are wrong because their record and revision were accepted with other content.
    pub(super) fn taken(&self, body: &[u8], shape: Shape, indices: &[usize]) -> Problem {
        let lines: Vec<_> = items(body, shape, self.items_max)
            .map(|texts| texts.into_iter().map(|item| item.line).collect())
            .unwrap_or_default();
        let mut wrong = Wrong::default();
        for index in indices {
            let message = "was accepted with other content under this revision: send a greater revision with each change";
            let rejection = RowProblem::new(Reason::IdentityTaken, message).at("revision");
            wrong.note(*index, lines.get(*index).copied().flatten(), rejection);
        }
        wrong.into()
    }

    /// A memory of the items that wait in a spool, the latest of them.
    ///
    /// # Errors
    /// When a file of the spool cannot be read.
    pub(super) fn recall(&self, spool: &Spool) -> std::io::Result<Memory> {
        let mut memory = Memory::new(!self.has_own_revision());
        let mut left = ITEMS_MAX;
        let mut recent: Vec<(PathBuf, usize)> = Vec::new();
        for (path, _) in spool.durable().into_iter().rev() {
            if left == 0 {
                break;
            }
            let mut lines = 0;
            each_line(&path, self.item_bytes_max, |_| lines += 1)?;
            recent.push((path, lines - lines.min(left)));
            left -= lines.min(left);
        }
        for (path, passed) in recent.into_iter().rev() {
            let mut number = 0;
            each_line(&path, self.item_bytes_max, |line| {
                number += 1;
                if number > passed
                    && let Ok(Verdict::Event(event)) = self.verdict(line)
                {
                    memory.remember(self.fingerprint(&event));
                }
            })?;
        }
        Ok(memory)
    }

    /// `None` for an item that the mapping leaves out.
    fn item(&self, line: &[u8], seen: &mut HashMap<u64, u64>) -> Result<Option<Fingerprint>, Rejection> {
        if line.len() > self.item_bytes_max {
            return Err(too_large().at(""));
        }
        match self.verdict(line)? {
            Verdict::Event(event) => {
                let fingerprint = self.fingerprint(&event);
                let before = seen.insert(fingerprint.identity, fingerprint.content);
                if self.mapper.versions() == Versions::OncePerReading
                    && before.is_some_and(|content| content != fingerprint.content)
                {
                    let message = "is the number of another item of this request with other content: correct it, or map record.revision";
                    return Err(RowProblem::new(Reason::IdentityTaken, message).at("record_id"));
                }
                Ok(Some(fingerprint))
            }
            Verdict::Skipped(_) => Ok(None),
            Verdict::Rejected(rejection) => Err(rejection),
        }
    }

    /// As the worker reads the line.
    fn verdict(&self, line: &[u8]) -> Result<Verdict, Rejection> {
        let raw = line.strip_suffix(b"\n").unwrap_or(line);
        let text = row_text(raw).map_err(|problem| problem.at(""))?;
        let cells = json_cells(text, &self.columns).map_err(|problem| problem.at(""))?;
        let now_ms = self.clock.now_ms();
        let reading = Reading { now_ms, revision: now_ms };
        Ok(self.mapper.map(SourceRow { raw, cells }, reading))
    }

    fn has_own_revision(&self) -> bool {
        self.mapper.versions() == Versions::OfTheSource
    }

    fn fingerprint(&self, event: &CrimeEvent) -> Fingerprint {
        let record = event.record_id.as_str();
        let identity = if self.has_own_revision() {
            Sha256::of(format!("{record}\n{}", event.revision).as_bytes())
        } else {
            Sha256::of(record.as_bytes())
        };
        Fingerprint { identity: first_bytes(&identity), content: first_bytes(&event.content_hash) }
    }
}

/// Calls `each` with every line of a file, in memory for one line of at most `bytes_max` bytes; longer ones come in parts,
/// of which none makes an item.
fn each_line(path: &Path, bytes_max: usize, mut each: impl FnMut(&[u8])) -> std::io::Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    let most = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut line = Vec::new();
    while file.by_ref().take(most).read_until(b'\n', &mut line)? > 0 {
        each(&line);
        line.clear();
    }
    Ok(())
}

/// The first eight bytes of a digest.
fn first_bytes(digest: &Sha256) -> u64 {
    digest.0.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

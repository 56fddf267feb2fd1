//! What the worker remembers of a source file between two passes.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sanchar_schemas::digest::Sha256;

use super::origin::Origin;
use crate::checkpoint::Checkpoint;
use crate::reading::FileReading;
use crate::source::is_stdin;
use crate::store::Store;

/// A source file.
#[derive(Debug)]
pub(super) struct Watched {
    /// Its path, shared with the rows in flight.
    pub(super) id: Arc<PathBuf>,
    pub(super) origin: Origin,
    /// What it looked like when it was last read to its end or refused.
    pub(super) stamp: Option<Stamp>,
    /// Where reading goes on; `None` before the first reading.
    pub(super) place: Option<Checkpoint>,
    /// How many of its bytes are read.
    pub(super) read_to: u64,
    /// How many of its bytes may be read: what stands behind them may still be cut off.
    pub(super) durable: u64,
    /// The file, still open, with a digest of the last bytes read.
    pub(super) open: Option<(FileReading, Sha256)>,
    /// A last line without a line break.
    pub(super) tail: Option<Tail>,
    /// Behind the last row that was handed over, and behind the last one that a checkpoint on disk is behind of.
    pub(super) entered: Option<Checkpoint>,
    pub(super) saved: Option<Checkpoint>,
    /// How the file ended, where it leaves once its rows are settled.
    pub(super) ending: Option<Ending>,
    /// Since when it has looked the same, in milliseconds of uptime.
    unchanged: Option<(Stamp, u64)>,
    /// What the joined files looked like when its reading began.
    pub(super) joined: Option<Sha256>,
    /// Whether its reading began behind its start, in this process.
    pub(super) resumed: bool,
    refused: bool,
    /// When all that was read of it was compared with what stands there, in milliseconds of uptime; and whether it has
    /// grown since without that.
    verified_ms: u64,
    is_unverified: bool,
}

/// What was read of a file that grows is compared again at so many bytes in a millisecond: up to 16 MiB with every look at a
/// default's distance, and a gigabyte every minute.
const VERIFIED_BYTES_PER_MS: u64 = 16 << 10;

/// How a file of a drop folder ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// It was read whole.
    Done,
    /// It cannot be read, or not to its end.
    Failed {
        /// What is wrong and the remedy, with the file's name.
        why: String,
    },
}

/// What a file looks like from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    modified: (i64, i64),
    /// Its length in bytes.
    pub(super) length: u64,
}

/// A last line without a line break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    /// Where it begins.
    pub(super) offset: u64,
    /// How long it is.
    pub(super) length: u64,
    /// Since when it has not grown, in milliseconds of uptime.
    pub(super) since_ms: u64,
    /// Whether it was put into quarantine.
    pub(super) is_quarantined: bool,
}

impl Watched {
    pub(super) fn new(path: &Path, shown: &Path, store: &Store) -> Self {
        Self {
            id: Arc::new(path.to_owned()),
            // A pipe cannot be read again.
            origin: if is_stdin(path) { Origin::of_stream(shown, store) } else { Origin::new(shown, store) },
            stamp: None,
            place: None,
            read_to: 0,
            durable: u64::MAX,
            open: None,
            tail: None,
            entered: None,
            saved: None,
            ending: None,
            unchanged: None,
            joined: None,
            resumed: false,
            refused: false,
            verified_ms: 0,
            is_unverified: false,
        }
    }

    /// Whether it has grown, and what stands before that is due to be compared.
    pub(super) fn is_to_be_verified(&self, now_ms: u64) -> bool {
        self.is_unverified && self.is_due(now_ms)
    }

    fn is_due(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.verified_ms) >= self.read_to / VERIFIED_BYTES_PER_MS
    }

    /// Whether a file that has grown may be read on: what was read of it still stands there as it was, or is compared at a
    /// later look, since it is long and was compared lately.
    pub(super) fn verify(&mut self, now_ms: u64, is_as_it_was: impl FnOnce() -> bool) -> bool {
        if !self.is_due(now_ms) {
            self.is_unverified = true;
            return true;
        }
        self.note_verified(now_ms);
        is_as_it_was()
    }

    /// All that was read of it is as it stands there now.
    pub(super) fn note_verified(&mut self, now_ms: u64) {
        (self.verified_ms, self.is_unverified) = (now_ms, false);
    }

    /// Whether every row that was read of it is acknowledged, in quarantine or left out, and its checkpoint on disk says so.
    pub(super) fn is_wholly_settled(&self) -> bool {
        let place = |checkpoint: Option<Checkpoint>| checkpoint.map(|place| (place.offset, place.sha256));
        self.entered.is_none() || place(self.entered) == place(self.saved)
    }

    /// Whether it has looked like `stamp` for so long. It was looked at between the two times: of the first look the end
    /// counts, of a later one the beginning.
    pub(super) fn is_stable(&mut self, stamp: Stamp, looked_ms: (u64, u64), stable_ms: u64) -> bool {
        match self.unchanged {
            Some((before, since_ms)) if before == stamp => looked_ms.0.saturating_sub(since_ms) >= stable_ms,
            _ => {
                self.unchanged = Some((stamp, looked_ms.1));
                stable_ms == 0
            }
        }
    }

    /// Whether there may be something to read.
    pub(super) fn may_have_more(&self, stamp: Stamp) -> bool {
        self.stamp != Some(stamp) || self.tail.is_some_and(|tail| !tail.is_quarantined)
    }

    /// More of it may be read, although it may look as it did before.
    pub(super) fn extend(&mut self, durable: u64) {
        self.durable = durable;
        if let Some(stamp) = &mut self.stamp {
            // What was seen of it behind that is new as well.
            stamp.length = self.read_to;
        }
    }

    /// Sets the file aside until it changes.
    pub(super) fn refuse(&mut self, stamp: Option<Stamp>) {
        self.refused = true;
        self.stamp = stamp;
        self.open = None;
    }

    /// The file can be read.
    pub(super) fn accept(&mut self) {
        self.refused = false;
    }

    /// Whether it is set aside.
    pub(super) fn is_refused(&self) -> bool {
        self.refused
    }

    /// Bytes that are not read yet.
    pub(super) fn unread(&self) -> u64 {
        let length = self.stamp.map_or(0, |stamp| stamp.length);
        length.saturating_sub(self.read_to)
    }
}

impl Stamp {
    pub(super) fn new(data: &Metadata) -> Self {
        Self {
            device: data.dev(),
            inode: data.ino(),
            modified: (data.mtime(), data.mtime_nsec()),
            length: data.len(),
        }
    }

    /// Whether both are the same file on disk, whatever its content.
    pub(super) fn is_same_file(self, other: Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

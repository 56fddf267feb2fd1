//! What the worker remembers of a source file between two passes.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sanchar_schemas::digest::Sha256;

use crate::checkpoint::Checkpoint;
use crate::quarantine::Quarantine;
use crate::reading::FileReading;
use crate::store::Store;

/// A source file.
#[derive(Debug)]
pub(super) struct Watched {
    /// Its path, shared with the rows in flight.
    pub(super) id: Arc<PathBuf>,
    /// Its name for people.
    pub(super) name: String,
    pub(super) quarantine: Quarantine,
    /// Where its checkpoint is kept.
    pub(super) checkpoint: PathBuf,
    /// What it looked like when it was last read to its end or refused.
    pub(super) stamp: Option<Stamp>,
    /// Where reading goes on; `None` before the first reading.
    pub(super) place: Option<Checkpoint>,
    /// How many of its bytes are read.
    pub(super) read_to: u64,
    /// The file, still open, with a digest of the last bytes read.
    pub(super) open: Option<(FileReading, Sha256)>,
    /// A last line without a line break.
    pub(super) tail: Option<Tail>,
    /// What the joined files looked like when its reading began.
    pub(super) joined: Option<Sha256>,
    refused: bool,
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
        let name = shown.display().to_string();
        Self {
            id: Arc::new(path.to_owned()),
            quarantine: Quarantine::new(store.quarantine(shown), name.clone()),
            checkpoint: store.checkpoint(shown),
            name,
            stamp: None,
            place: None,
            read_to: 0,
            open: None,
            tail: None,
            joined: None,
            refused: false,
        }
    }

    /// Whether there may be something to read.
    pub(super) fn may_have_more(&self, stamp: Stamp) -> bool {
        self.stamp != Some(stamp) || self.tail.is_some_and(|tail| !tail.is_quarantined)
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

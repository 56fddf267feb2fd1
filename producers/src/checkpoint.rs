//! How far a source file has been published: a small JSON file, replaced in one step.
//!
//! It only moves over rows that the broker has acknowledged, that are in quarantine on disk, or that the mapping
//! leaves out. A file whose beginning is no longer the same is read from its start.

use std::fs;
use std::io;
use std::path::Path;

use sanchar_schemas::digest::Sha256;
use serde::{Deserialize, Serialize};

use crate::source::Position;
use crate::store;

/// A place in a source file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checkpoint {
    /// Bytes before it.
    pub(crate) offset: u64,
    /// Physical lines before it.
    pub(crate) lines: u64,
    /// Rows before it.
    pub(crate) rows: u64,
    /// SHA-256 of the bytes before it.
    pub sha256: Sha256,
    /// The latest revision that was given out for a record without one of its own.
    pub(crate) revision: i64,
    /// What the joined files looked like; where they have changed, the source is read from its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) joined: Option<Sha256>,
}

impl Checkpoint {
    /// The checkpoint of a position.
    pub(crate) fn new(position: &Position, revision: i64, joined: Option<Sha256>) -> Self {
        let Position { offset, lines, rows, .. } = *position;
        Self { offset, lines, rows, sha256: position.sha256(), revision, joined }
    }

    /// Reads a checkpoint; `None` where there is none.
    ///
    /// # Errors
    /// When the file cannot be read or does not hold a checkpoint.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes it in the place of the one before.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        store::replace(path, serde_json::to_string(self)?.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_as_written_and_damage_is_no_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.json");
        assert_eq!(Checkpoint::read(&path).unwrap(), None);
        let (sha256, joined) = (Sha256::of(b"x"), Some(Sha256::of(b"y")));
        let checkpoint = Checkpoint { offset: 7, lines: 2, rows: 1, sha256, revision: 9, joined };
        checkpoint.write(&path).unwrap();
        assert_eq!(Checkpoint::read(&path).unwrap(), Some(checkpoint));
        fs::write(&path, "{\"offset\":7").unwrap();
        assert!(Checkpoint::read(&path).is_err());
    }
}

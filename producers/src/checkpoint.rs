//! How far a source has been published: a small JSON file, replaced in one step.
//!
//! It only moves over rows that the broker has acknowledged, that are in quarantine on disk, or that the mapping
//! leaves out. A file whose beginning is no longer the same is read from its start; a database that is asked for
//! something else is not read at all until somebody decides.

use std::fs;
use std::io;
use std::path::Path;

use sanchar_schemas::digest::Sha256;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::database::Cursor;
use crate::source::Position;
use crate::store;

/// What any checkpoint holds, whatever its source is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Saved {
    /// Of a file.
    File(Checkpoint),
    /// Of a database.
    Database(DatabaseCheckpoint),
}

impl Saved {
    /// The latest revision that was given out for a record without one of its own.
    pub(crate) fn revision(&self) -> i64 {
        match self {
            Self::File(checkpoint) => checkpoint.revision,
            Self::Database(checkpoint) => checkpoint.revision,
        }
    }
}

/// A place in a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DatabaseCheckpoint {
    /// What the database was asked for: a cursor means nothing to another question.
    pub(crate) asked: Sha256,
    /// Behind which row.
    pub(crate) cursor: Cursor,
    /// As in [`Checkpoint::revision`].
    pub(crate) revision: i64,
}

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
}

/// Reads a checkpoint; `None` where there is none.
///
/// # Errors
/// When the file cannot be read or does not hold such a checkpoint.
pub(crate) fn read<C: DeserializeOwned>(path: &Path) -> io::Result<Option<C>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a checkpoint in the place of the one before.
///
/// # Errors
/// When the disk refuses.
pub(crate) fn write(checkpoint: &impl Serialize, path: &Path) -> io::Result<()> {
    store::replace(path, serde_json::to_string(checkpoint)?.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_as_written_and_damage_is_no_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.json");
        assert_eq!(read::<Saved>(&path).unwrap(), None);
        let (sha256, joined) = (Sha256::of(b"x"), Some(Sha256::of(b"y")));
        let file = Checkpoint { offset: 7, lines: 2, rows: 1, sha256, revision: 9, joined };
        write(&file, &path).unwrap();
        assert_eq!(read(&path).unwrap(), Some(file));
        assert_eq!(read(&path).unwrap(), Some(Saved::File(file)));
        let cursor =
            Cursor { keys: vec!["2024-09-02 10:15:00.123456+05:30".into(), "7".into()], horizon: None };
        let database = DatabaseCheckpoint { asked: Sha256::of(b"y"), cursor, revision: 11 };
        write(&database, &path).unwrap();
        assert_eq!(read::<Saved>(&path).unwrap().unwrap().revision(), 11);
        assert_eq!(read(&path).unwrap(), Some(database));
        assert!(read::<Checkpoint>(&path).is_err(), "one kind is not taken for the other");
        fs::write(&path, "{\"offset\":7").unwrap();
        assert!(read::<Saved>(&path).is_err());
    }
}

//! The folder of an instance's register on disk, locked against other processes.

use super::store::StoreError;
use sanchar_runtime::lifecycle::Failure;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A folder that this process alone uses, as long as this lives.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Takes a folder, and makes it where it is missing.
    ///
    /// # Errors
    /// When it cannot be made or written; temporary when another process uses it, which may be one that is stopping.
    pub fn take(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            let remedy = "set register.folder to a folder that this user may write";
            Failure::config(format!("{shown}: {what}: {error}; {remedy}"))
        };
        fs::create_dir_all(path).map_err(|error| failed("cannot be made", &error))?;
        let lock = File::create(path.join("lock")).map_err(|error| failed("cannot be written", &error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Failure::temporary(format!(
                "{shown} is used by another process: give each instance a register.folder of its own"
            ))),
            Err(TryLockError::Error(error)) => Err(failed("cannot be locked", &error)),
        }
    }

    pub(super) fn store(&self) -> PathBuf {
        self.path.join("store")
    }

    /// Removes what is stored.
    pub(super) fn clear(&self) -> Result<(), StoreError> {
        match fs::remove_dir_all(self.store()) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(StoreError::Unwritable(format!("{}: {error}", self.store().display())))
            }
            _ => Ok(()),
        }
    }
}

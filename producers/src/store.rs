//! The daemon's folder: `checkpoints/` and `quarantine/`, one file in each for every source file, and a lock. `spool/` in it is the
//! spool's own, `stops` the runtime's.
//!
//! Only this user may read it, since quarantined rows hold what their source holds. It decides nothing about rows.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::digest::Sha256;
use serde::{Deserialize, Serialize};

use crate::naming;

/// Folders are for this user alone.
pub(crate) const FOLDER_MODE: u32 = 0o700;
/// Files too.
const FILE_MODE: u32 = 0o600;

/// The most bytes of a source's name that its files here begin with. File systems take 255 in all.
const NAME_BYTES_MAX: usize = 240;

/// The `[store]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// Folder for checkpoints and quarantine, relative to the configuration file. Default `producer-store`.
    pub folder: PathBuf,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { folder: PathBuf::from("producer-store") }
    }
}

/// The folder, locked for this process.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    lock: File,
}

impl Drop for Store {
    /// Lets go of the lock itself: closing the file alone does not while a process that is being forked still shares it.
    fn drop(&mut self) {
        drop(self.lock.unlock());
    }
}

impl Store {
    /// Makes the folder where it is missing and takes its lock.
    ///
    /// # Errors
    /// [`Failure`] with exit code 78 when the folder cannot be used, and as [`hold`].
    pub(crate) fn open(folder: &Path) -> Result<Self, Failure> {
        let refuse = |what: &dyn std::fmt::Display| {
            Failure::config(format!("store.folder {}: {what}", folder.display()))
        };
        refuse_open(folder)?;
        for part in ["checkpoints", "quarantine"] {
            let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder.join(part));
            made.map_err(|error| {
                refuse(&format!("cannot be made ({error}): name a folder this user may write"))
            })?;
        }
        Ok(Self { folder: folder.to_owned(), lock: hold(folder)? })
    }

    /// The checkpoint of a source file, which is known by its path as configured.
    pub(crate) fn checkpoint(&self, source: &Path) -> PathBuf {
        checkpoint(&self.folder, source)
    }

    /// The checkpoint that keeps the latest revision of files that are no longer there.
    pub(crate) fn moved(&self) -> PathBuf {
        self.folder.join("checkpoints/moved.json")
    }

    /// The quarantine of a source file.
    pub(crate) fn quarantine(&self, source: &Path) -> PathBuf {
        self.folder.join("quarantine").join(file_name(source, "jsonl"))
    }

    /// Removes every checkpoint and quarantine.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(crate) fn empty(&self) -> io::Result<()> {
        for part in ["checkpoints", "quarantine"] {
            for entry in fs::read_dir(self.folder.join(part))? {
                fs::remove_file(entry?.path())?;
            }
        }
        Ok(())
    }

    /// Every checkpoint that is there.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub(crate) fn checkpoints(&self) -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(self.folder.join("checkpoints"))?;
        let paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect())
    }
}

/// Takes the lock of a folder, which holds for as long as the file is open.
///
/// # Errors
/// [`Failure`] with exit code 75 while another process holds it, which may be one that is stopping; 78 when it cannot be taken at all.
pub(crate) fn hold(folder: &Path) -> Result<File, Failure> {
    let shown = folder.display();
    let unusable = |error| {
        Failure::config(format!("store.folder {shown}: cannot be locked ({error}): make it writable"))
    };
    let lock =
        private().create(true).truncate(false).write(true).open(folder.join("lock")).map_err(unusable)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Failure::temporary(format!(
            "store.folder {shown}: is used by another producer: wait until it has stopped, or give each a store.folder of its own"
        ))),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// Entries of the folder that are looked at.
const ENTRIES_MAX: usize = 10_000;

/// Refuses a folder that others than this user may use.
///
/// # Errors
/// [`Failure`] with exit code 78 and the remedy.
pub(crate) fn refuse_open(folder: &Path) -> Result<(), Failure> {
    let shown = folder.display();
    match open_to_others(folder) {
        Ok(None) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(Some((path, mode))) => Err(Failure::config(format!(
            "store.folder {shown}: {} is open to others (mode {mode:04o}), and rows are kept there: chmod -R go= {shown}",
            path.display()
        ))),
        Err(error) => Err(Failure::config(format!(
            "store.folder {shown}: cannot be listed ({error}): give it to this user with chown"
        ))),
    }
}

/// The first of the folder and what is in it that others than this user may use, with its mode.
pub(crate) fn open_to_others(folder: &Path) -> io::Result<Option<(PathBuf, u32)>> {
    let mut waiting = vec![folder.to_owned()];
    let mut looked_at = 0;
    while let Some(path) = waiting.pop() {
        let data = fs::symlink_metadata(&path)?;
        let mode = data.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 && !data.is_symlink() {
            return Ok(Some((path, mode)));
        }
        if data.is_dir() {
            for entry in fs::read_dir(&path)? {
                looked_at += 1;
                if looked_at > ENTRIES_MAX {
                    return Ok(None);
                }
                waiting.push(entry?.path());
            }
        }
    }
    Ok(None)
}

/// The checkpoint of a source file in a store that is not open yet.
pub(crate) fn checkpoint(folder: &Path, source: &Path) -> PathBuf {
    folder.join("checkpoints").join(file_name(source, "json"))
}

/// Options for files that only this user may read.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(FILE_MODE);
    options
}

/// Puts `content` in the place of the file at `path` in one step that survives a loss of power.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut file = private().create(true).write(true).truncate(true).open(&draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    sync_folder(path)
}

/// Makes a new name in a folder survive a loss of power.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

/// `fir.csv-1a2b3c4d.json`: the source's own name for people, a digest of its path so that no two share one.
fn file_name(source: &Path, ending: &str) -> String {
    let mut name = naming::shown(Path::new(source.file_name().unwrap_or_default()));
    // A name that only just fits the source's folder would not fit here with more behind it.
    name.truncate(name.floor_char_boundary(NAME_BYTES_MAX));
    let digest = Sha256::of(source.as_os_str().as_encoded_bytes()).to_string();
    format!("{name}-{}.{ending}", digest.get(..8).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    use sanchar_runtime::lifecycle::ExitCode;

    #[test]
    fn two_processes_never_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let first = Store::open(&path).unwrap();
        let failure = Store::open(&path).unwrap_err();
        assert_eq!(failure.exit_code(), ExitCode::Temporary, "the other may be stopping");
        assert!(failure.to_string().contains("give each a store.folder of its own"), "{failure}");
        // As a process shares it that is being forked.
        let shared = first.lock.try_clone().unwrap();
        drop(first);
        Store::open(&path).unwrap();
        drop(shared);
        assert_eq!(fs::metadata(path.join("quarantine")).unwrap().permissions().mode() & 0o777, FOLDER_MODE);
    }

    #[test]
    fn a_folder_that_others_may_use_is_refused_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        drop(Store::open(&path).unwrap());
        for (inner, mode) in [("", 0o755), ("", 0o701), ("quarantine", 0o750), ("lock", 0o644)] {
            let inner = if inner.is_empty() { path.clone() } else { path.join(inner) };
            let before = fs::metadata(&inner).unwrap().permissions();
            fs::set_permissions(&inner, fs::Permissions::from_mode(mode)).unwrap();
            let failure = Store::open(&path).unwrap_err();
            assert!(failure.to_string().contains("is open to others (mode 0"), "{failure}");
            assert!(failure.to_string().ends_with(&format!("chmod -R go= {}", path.display())), "{failure}");
            fs::set_permissions(&inner, before).unwrap();
            assert_eq!(open_to_others(&path).unwrap(), None);
        }
        drop(Store::open(&path).unwrap());
    }

    #[test]
    fn names_are_readable_and_distinct() {
        let names = [file_name(Path::new("a/fir.csv"), "json"), file_name(Path::new("b/fir.csv"), "json")];
        assert!(names[0].starts_with("fir.csv-") && names[0].ends_with(".json"), "{names:?}");
        assert_ne!(names[0], names[1]);
        // The longest name that a file may have.
        let long = [format!("{}.csv", "थ".repeat(83)), format!("{}.csv", "थ".repeat(82))];
        let names = long.map(|name| file_name(Path::new(&name), "jsonl"));
        assert_ne!(names[0], names[1], "the digest tells them apart");
        for name in names {
            assert!(name.len() <= 255 && name.starts_with("थथथ") && name.ends_with(".jsonl"), "{name}");
        }
    }

    #[test]
    fn a_file_is_replaced_whole_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        replace(&path, b"first").unwrap();
        replace(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, FILE_MODE);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

//! How a file leaves a drop folder, step by step, so that nothing is lost wherever the process is killed.
//!
//! 1. It gets a name of its own in its folder, `.NAME.1.leaving`, which nobody drops files under. 2. It is looked at: only
//!    the content that was read may go. 3. A note says why, where it goes to the failed folder. 4. It goes. 5. The
//!    checkpoint goes. A file that is found under its leaving name is put back: its checkpoint is still there, so that
//!    reading goes on at its end and it leaves again. No step overwrites a file.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::watched::Stamp;
use crate::store;

/// What a name ends with while its file is leaving; it begins with a dot.
const LEAVING: &str = ".leaving";
/// So many files of one name may lie in a folder.
const NAMESAKES_MAX: u32 = 100_000;
/// A folder that is made is for this user alone.
const FOLDER_MODE: u32 = 0o700;

/// A file on its way out of its folder.
#[derive(Debug)]
pub(super) struct Departure {
    path: PathBuf,
    leaving: PathBuf,
    folder: PathBuf,
}

impl Departure {
    /// Of the file at `path`, to `folder`, which may be relative to the file's own.
    pub(super) fn new(path: &Path, folder: &Path) -> Self {
        let own = path.parent().unwrap_or_else(|| Path::new(""));
        Self { path: path.to_owned(), leaving: leaving(path, 1), folder: own.join(folder) }
    }

    /// Takes the file away from the name under which others may drop another. A namesake that was leaving when a process was
    /// killed may have the first leaving name still: it waits for this file to go.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        for number in 1..=NAMESAKES_MAX {
            self.leaving = leaving(&self.path, number);
            match rename_new(&self.path, &self.leaving) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                begun => return begun,
            }
        }
        Err(io::Error::other("the folder holds too many files of this name"))
    }

    /// Whether it is what was read, and not another that was dropped at the last moment.
    pub(super) fn is_what_was_read(&self, stamp: Stamp) -> io::Result<bool> {
        Ok(Stamp::new(&fs::metadata(&self.leaving)?) == stamp)
    }

    /// Gives it its name back. False where another has that name by now: it stays as it is, until that one is gone.
    pub(super) fn put_back(&self) -> io::Result<bool> {
        match rename_new(&self.leaving, &self.path) {
            Ok(()) => store::sync_folder(&self.path).map(|()| true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Chooses the name that it gets, which no file in the folder has.
    pub(super) fn target(&self) -> io::Result<PathBuf> {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&self.folder)?;
        (1..=NAMESAKES_MAX)
            .map(|number| self.folder.join(self.numbered(number)))
            .find(|path| !path.exists() && !why_path(path).exists())
            .ok_or_else(|| io::Error::other("the folder holds too many files of this name"))
    }

    /// `fir.csv`, `fir-2.csv`, `fir-3.csv`; an ending `.gz` stays with the one before it.
    fn numbered(&self, number: u32) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if number == 1 {
            return name;
        }
        let inner = name.strip_suffix(".gz").unwrap_or(&name);
        let cut = inner.rfind('.').filter(|dot| *dot > 0).unwrap_or(inner.len());
        let (stem, ending) = name.split_at_checked(cut).unwrap_or((&name, ""));
        format!("{stem}-{number}{ending}")
    }

    /// Says beside the file's name to be why it failed.
    pub(super) fn explain(&self, target: &Path, why: &str) -> io::Result<()> {
        store::replace(&why_path(target), why.as_bytes())
    }

    /// Puts it there, for good.
    pub(super) fn finish(&self, target: &Path) -> io::Result<()> {
        match rename_new(&self.leaving, target) {
            Err(error) if error.kind() == ErrorKind::CrossesDevices => copy_over(&self.leaving, target)?,
            moved => moved?,
        }
        store::sync_folder(target)?;
        store::sync_folder(&self.leaving)
    }
}

/// Gives a file that has left its name back. Never over another file.
pub(super) fn put_where_it_was(target: &Path, path: &Path) -> io::Result<()> {
    rename_new(target, path)?;
    store::sync_folder(target)?;
    store::sync_folder(path)
}

/// The files in a folder that were leaving when a process was killed, each with the name that it had.
pub(super) fn unfinished(folder: &Path) -> io::Result<Vec<Departure>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let leaving = entry?.path();
        let name = leaving.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let inner = name.strip_prefix('.').and_then(|name| name.strip_suffix(LEAVING));
        let numbered = inner.and_then(|name| name.rsplit_once('.'));
        if let Some((name, _)) =
            numbered.filter(|(name, number)| !name.is_empty() && number.parse::<u32>().is_ok())
        {
            found.push(Departure { path: folder.join(name), folder: PathBuf::new(), leaving });
        }
    }
    Ok(found)
}

impl Departure {
    /// The name that the file had.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn leaving(path: &Path, number: u32) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{number}{LEAVING}"))
}

fn why_path(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".why.txt");
    target.with_file_name(name)
}

/// Renames in one step and never over another file.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some network file systems cannot.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::OPNOTSUPP) => {
            link_new(from, to)
        }
        renamed => renamed.map_err(io::Error::from),
    }
}

/// The same in two steps: a link is never made over another file. A kill between them leaves the file under both names, and it
/// is read once more.
fn link_new(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}

/// Moves to another disk: the file is there whole before it goes here.
fn copy_over(from: &Path, to: &Path) -> io::Result<()> {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let draft = to.with_file_name(format!(".{name}.draft"));
    fs::copy(from, &draft)?;
    let copy = File::open(&draft)?;
    // A backfill takes the file's time for the version of its records.
    copy.set_modified(fs::metadata(from)?.modified()?)?;
    copy.sync_all()?;
    rename_new(&draft, to)?;
    store::sync_folder(to)?;
    fs::remove_file(from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, name: &str, content: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn send(path: &Path) -> PathBuf {
        let mut departure = Departure::new(path, Path::new("done"));
        departure.begin().unwrap();
        let target = departure.target().unwrap();
        departure.finish(&target).unwrap();
        target
    }

    #[test]
    fn names_never_overwrite_one_another() {
        let folder = tempfile::tempdir().unwrap();
        for (name, wanted) in [
            ("a.csv", ["a.csv", "a-2.csv", "a-3.csv"]),
            ("a.csv.gz", ["a.csv.gz", "a-2.csv.gz", "a-3.csv.gz"]),
            ("थाना", ["थाना", "थाना-2", "थाना-3"]),
        ] {
            for wanted in wanted {
                let target = send(&file(folder.path(), name, wanted));
                assert_eq!(target, folder.path().join("done").join(wanted));
                assert_eq!(fs::read_to_string(target).unwrap(), wanted);
            }
        }
    }

    #[test]
    fn another_file_of_the_name_is_noticed_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "a.csv", "first");
        let read = Stamp::new(&fs::metadata(&path).unwrap());
        let mut departure = Departure::new(&path, Path::new("done"));
        departure.begin().unwrap();
        assert!(departure.is_what_was_read(read).unwrap());
        file(folder.path(), "a.csv", "second");
        assert!(!departure.put_back().unwrap(), "its name is taken");
        let mut namesake = Departure::new(&path, Path::new("done"));
        namesake.begin().unwrap();
        assert_ne!(namesake.leaving, departure.leaving);
        assert!(namesake.put_back().unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
        fs::remove_file(&path).unwrap();
        let [again] = &unfinished(folder.path()).unwrap()[..] else { panic!() };
        assert_eq!(again.path(), path);
        assert!(again.put_back().unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "first");
        fs::write(&path, "changed").unwrap();
        departure.begin().unwrap();
        assert!(!departure.is_what_was_read(read).unwrap());
        assert!(unfinished(&folder.path().join("absent")).unwrap().is_empty());
    }

    #[test]
    fn where_a_rename_may_overwrite_it_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (file(folder.path(), "a.csv", "a"), file(folder.path(), "b.csv", ""));
        assert_eq!(link_new(&a, &b).unwrap_err().kind(), ErrorKind::AlreadyExists);
        fs::remove_file(&b).unwrap();
        link_new(&a, &b).unwrap();
        assert_eq!((fs::read_to_string(&b).unwrap().as_str(), a.exists()), ("a", false));
    }

    #[test]
    fn another_disk_gets_a_copy_before_the_file_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "a.csv", "text");
        // The draft of a copy that was killed half way.
        file(folder.path(), ".b.csv.draft", "te");
        let to = folder.path().join("b.csv");
        let written = std::time::UNIX_EPOCH + std::time::Duration::new(1_700_000_000, 5_000_000);
        File::options().write(true).open(&path).unwrap().set_modified(written).unwrap();
        copy_over(&path, &to).unwrap();
        assert_eq!(fs::metadata(&to).unwrap().modified().unwrap(), written, "a backfill goes by it");
        assert_eq!(fs::read_to_string(&to).unwrap(), "text");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

//! A small disk of one daemon's own, which can be filled: a tmpfs in a mount namespace of its own, so that nobody else's
//! disk is touched. It is new at each start, as on a new machine, and goes with the process.

use anyhow::{Result, bail};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// What stands in front of a shell and its script, so that the script may mount.
pub const NAMESPACE: [&str; 3] = ["unshare", "--map-root-user", "--mount"];

/// A folder that is a disk.
#[derive(Debug)]
pub struct SmallDisk {
    folder: PathBuf,
    bytes: u64,
}

impl SmallDisk {
    /// One of so many bytes at a folder, which is made and is its owner's alone, mounted or not.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn at(folder: PathBuf, bytes: u64) -> Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        Ok(Self { folder, bytes })
    }

    /// The command that makes it, its owner's alone, for the script that then becomes the daemon.
    #[must_use]
    pub fn mount(&self) -> String {
        format!("mount -t tmpfs -o size={},mode=0700 tmpfs '{}'", self.bytes, self.folder.display())
    }

    /// Fills it with a file, as far as the process `pid` has it. Whether it did: before the process has made its disk,
    /// there is nothing to fill.
    ///
    /// # Errors
    /// When it is larger than it should be, or cannot be written to for another reason.
    pub fn fill(&self, pid: u32) -> Result<bool> {
        let ballast =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(self.ballast(pid));
        let Ok(file) = ballast else { return Ok(false) };
        if file.metadata()?.dev() == fs::metadata(&self.folder)?.dev() {
            return Ok(false);
        }
        match io::copy(&mut io::repeat(0).take(2 * self.bytes), &mut &file) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => Ok(true),
            written => bail!("a disk of {} bytes took {written:?} of ballast", self.bytes),
        }
    }

    /// Removes that file.
    ///
    /// # Errors
    /// When it is not there, or went with the process.
    pub fn free(&self, pid: u32) -> io::Result<()> {
        fs::remove_file(self.ballast(pid))
    }

    /// As the process sees it.
    fn ballast(&self, pid: u32) -> PathBuf {
        let inside = self.folder.strip_prefix("/").unwrap_or(&self.folder);
        Path::new(&format!("/proc/{pid}/root")).join(inside).join("ballast")
    }
}

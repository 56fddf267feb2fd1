//! A clock of one process's own, which can be set while it runs (`clock.c`). Nobody else's clock is touched.

use anyhow::{Context as _, Result, ensure};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A clock; it shows the machine's time until it is set.
#[derive(Debug)]
pub(crate) struct Clock {
    /// The compiled `clock.c`.
    shim: PathBuf,
    offset: PathBuf,
}

impl Clock {
    /// Makes one in a folder.
    pub(crate) fn new(folder: &Path, name: &str) -> Result<Self> {
        let shim = folder.join("clock.so");
        if !shim.exists() {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("faults/clock.c");
            let mut compiler = Command::new("cc");
            compiler.args(["-shared", "-fPIC", "-O1", "-o"]).args([&shim, &source]);
            ensure!(
                compiler.status().context("starting cc")?.success(),
                "{} was not compiled",
                source.display()
            );
        }
        let offset = folder.join(name);
        fs::write(&offset, 0_i64.to_ne_bytes())?;
        Ok(Self { shim, offset })
    }

    /// Sets it back from the machine's time.
    pub(crate) fn set_back(&self, seconds: i64) -> Result<()> {
        // Written in place: the process has the file mapped.
        let file = OpenOptions::new().write(true).open(&self.offset)?;
        Ok(file.write_all_at(&(-seconds).to_ne_bytes(), 0)?)
    }

    /// What gives a process this clock.
    pub(crate) fn variables(&self) -> String {
        format!("LD_PRELOAD='{}' SANCHAR_TESTS_CLOCK='{}'", self.shim.display(), self.offset.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_sees_its_own_time_of_day() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::new(folder.path(), "a").unwrap();
        let year = || {
            let script = format!("export {}; date +%Y", clock.variables());
            String::from_utf8(Command::new("sh").args(["-c", &script]).output().unwrap().stdout).unwrap()
        };
        let now = year();
        clock.set_back(20 * 365 * 86_400).unwrap();
        assert_eq!(year().trim().parse::<u32>().unwrap() + 20, now.trim().parse::<u32>().unwrap());
    }
}

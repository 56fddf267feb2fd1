//! A daemon under attack: it can be killed, frozen, stopped and started, cut off, and robbed of its disk or its clock.
//! As under systemd it is started again when it ends with a code that asks for that; any other end is a finding.

use crate::clock::Clock;
use anyhow::Result;
use sanchar_tests::Daemon;
use sanchar_tests::proxy::Proxy;
use sanchar_tests::small_disk::{NAMESPACE, SmallDisk};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Exit codes that ask for a restart: a service was away at the start, or something failed that a restart may cure.
const RESTART: [i32; 2] = [69, 75];
/// Size of a disk that can be filled.
const DISK_BYTES: u64 = 6 << 20;

/// A daemon and what it stands on.
#[derive(Debug)]
pub(crate) struct Victim {
    binary: &'static str,
    config: PathBuf,
    folder: PathBuf,
    disk: Option<SmallDisk>,
    clock: Option<Clock>,
    proxy: Option<Proxy>,
    daemon: Option<Daemon>,
    is_frozen: bool,
    restarts: u64,
}

impl Victim {
    pub(crate) fn new(binary: &'static str, config: PathBuf, folder: &Path) -> Self {
        Self {
            binary,
            config,
            folder: folder.to_owned(),
            disk: None,
            clock: None,
            proxy: None,
            daemon: None,
            is_frozen: false,
            restarts: 0,
        }
    }

    pub(crate) fn behind(mut self, proxy: Option<Proxy>) -> Self {
        self.proxy = proxy;
        self
    }

    /// On a disk of its own at this folder.
    pub(crate) fn with_disk(mut self, folder: PathBuf) -> Result<Self> {
        self.disk = Some(SmallDisk::at(folder, DISK_BYTES)?);
        Ok(self)
    }

    pub(crate) fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    pub(crate) fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.daemon.as_ref().map(Daemon::pid)
    }

    pub(crate) fn restarts(&self) -> u64 {
        self.restarts
    }

    /// Starts it where it does not run.
    pub(crate) fn start(&mut self) -> Result<()> {
        if self.daemon.is_some() {
            return Ok(());
        }
        let mut script = String::new();
        let mut words = Vec::new();
        if let Some(disk) = &self.disk {
            words.extend(NAMESPACE);
            script += &format!("{} && ", disk.mount());
        }
        if let Some(clock) = &self.clock {
            script += &format!("export {} && ", clock.variables());
        }
        script += &format!("exec \"$0\" -c '{}'", self.config.display());
        words.extend(["sh", "-c", &script]);
        let program = words.remove(0);
        let args: Vec<&OsStr> = words.into_iter().map(OsStr::new).collect();
        self.daemon = Some(Daemon::start_through(program, &args, self.binary, &self.folder)?);
        self.is_frozen = false;
        Ok(())
    }

    /// Whether its probe says that it works.
    pub(crate) fn is_ready(&mut self) -> Result<bool> {
        let Some(daemon) = self.daemon.as_mut() else { return Ok(false) };
        Ok(daemon.has_started()? && daemon.get("/readyz")?.starts_with("200"))
    }

    /// Whether there was something to kill.
    pub(crate) fn kill(&mut self) -> Result<bool> {
        self.supervise()?;
        let Some(daemon) = self.daemon.take() else { return Ok(false) };
        daemon.kill()?;
        Ok(true)
    }

    /// Its exit code, where it was running.
    pub(crate) fn stop(&mut self) -> Result<Option<i32>> {
        self.go_on()?;
        self.supervise()?;
        let Some(daemon) = self.daemon.take() else { return Ok(None) };
        // Before it listens it has nothing to hand over, and the signal just ends it.
        if daemon.has_started()? { daemon.stop().map(Some) } else { daemon.kill().map(|()| None) }
    }

    /// Whether it was running.
    pub(crate) fn freeze(&mut self) -> Result<bool> {
        self.supervise()?;
        let Some(daemon) = self.daemon.as_ref().filter(|_| !self.is_frozen) else { return Ok(false) };
        daemon.freeze()?;
        self.is_frozen = true;
        Ok(true)
    }

    pub(crate) fn go_on(&mut self) -> Result<()> {
        if let Some(daemon) = self.daemon.as_ref().filter(|_| self.is_frozen) {
            daemon.go_on()?;
        }
        self.is_frozen = false;
        Ok(())
    }

    /// Whether its disk is full now.
    pub(crate) fn fill_disk(&self) -> Result<bool> {
        match (&self.disk, self.pid()) {
            (Some(disk), Some(pid)) => disk.fill(pid),
            _ => Ok(false),
        }
    }

    pub(crate) fn free_disk(&self) {
        if let (Some(disk), Some(pid)) = (&self.disk, self.pid()) {
            // It may have gone with the process.
            drop(disk.free(pid));
        }
    }

    /// Whether it runs with a clock of its own; the clock is then this much behind.
    pub(crate) fn set_clock_back(&self, seconds: i64) -> Result<bool> {
        let Some(clock) = &self.clock else { return Ok(false) };
        clock.set_back(seconds)?;
        Ok(self.daemon.is_some() && !self.is_frozen)
    }

    /// Starts it again where it has ended and asks for that.
    ///
    /// # Errors
    /// When it ended in a way that it must not.
    pub(crate) fn supervise(&mut self) -> Result<()> {
        let Some(daemon) = self.daemon.as_mut() else { return Ok(()) };
        let Some(code) = daemon.ended()? else { return Ok(()) };
        let log = daemon.log()?;
        self.daemon = None;
        if !RESTART.contains(&code) {
            let last: Vec<&str> = log.lines().rev().take(3).collect();
            anyhow::bail!("{} ended with {code}: {last:?}", self.binary);
        }
        self.restarts += 1;
        self.start()
    }
}

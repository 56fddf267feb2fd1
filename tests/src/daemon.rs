//! A daemon as an operator runs it: the real binary, a configuration file, signals, probes, an exit code.

use anyhow::{Context as _, Result, bail, ensure};
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a daemon may take to start, to become ready and to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const PULSE: Duration = Duration::from_millis(20);

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A running daemon; killed when dropped.
#[derive(Debug)]
pub struct Daemon {
    name: String,
    child: Child,
    log: PathBuf,
}

/// Where cargo put the workspace's binaries: beside the folder of this test's own binary.
fn binary(name: &str) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.ancestors().find(|folder| folder.join(name).is_file());
    let folder =
        folder.with_context(|| format!("{name} is not built: run `cargo build --workspace` first"))?;
    Ok(folder.join(name))
}

/// Waits until `condition` gives a value.
///
/// # Errors
/// When it does not within a minute; `what` says what was waited for.
pub fn wait_for<T>(what: &str, condition: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    wait_for_up_to(PATIENCE, what, condition)
}

/// As [`wait_for`], with another limit.
///
/// # Errors
/// As [`wait_for`].
pub fn wait_for_up_to<T>(
    limit: Duration,
    what: &str,
    mut condition: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(value) = condition()? {
            return Ok(value);
        }
        ensure!(started.elapsed() < limit, "waited {} s for: {what}", limit.as_secs());
        std::thread::sleep(PULSE);
    }
}

/// Runs a program of the workspace to its end; give it nothing that does not end by itself.
///
/// # Errors
/// When it cannot be started.
pub fn run(name: &str, args: &[&OsStr], folder: &Path) -> Result<std::process::Output> {
    Command::new(binary(name)?)
        .args(args)
        .current_dir(folder)
        .output()
        .with_context(|| format!("running {name}"))
}

impl Daemon {
    /// Starts a binary of the workspace; its log goes to a file in `folder`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &str, args: &[&OsStr], folder: &Path) -> Result<Self> {
        Self::spawn(name, Command::new(binary(name)?).args(args), folder)
    }

    /// As [`Daemon::start`], through another program, which gets the path of the binary after `args` and becomes it.
    ///
    /// # Errors
    /// As [`Daemon::start`].
    pub fn start_through(program: &str, args: &[&OsStr], name: &str, folder: &Path) -> Result<Self> {
        Self::spawn(name, Command::new(program).args(args).arg(binary(name)?), folder)
    }

    /// Starts any program under a name; one that is none of the workspace's may have no HTTP server that could be asked.
    ///
    /// # Errors
    /// As [`Daemon::start`].
    pub fn spawn(name: &str, command: &mut Command, folder: &Path) -> Result<Self> {
        let log = folder.join(format!("{name}-{}.log", NEXT.fetch_add(1, Ordering::Relaxed)));
        let file = File::create(&log)?;
        command.current_dir(folder).stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("starting {name}"))?;
        Ok(Self { name: name.to_owned(), child, log })
    }

    /// Process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything logged so far.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(&self.log)?)
    }

    /// Address of its HTTP server, once it has one.
    ///
    /// # Errors
    /// When it ends before.
    pub fn address(&mut self) -> Result<String> {
        wait_for("the daemon's address", || {
            self.check_running()?;
            Ok(listens(&self.log()?))
        })
    }

    /// Whether it has got as far as to say where it listens.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn has_started(&self) -> Result<bool> {
        Ok(listens(&self.log()?).is_some())
    }

    /// As [`wait_for_up_to`], and notices when the daemon ends meanwhile.
    ///
    /// # Errors
    /// As [`wait_for`], or when the daemon ends: with its last log lines.
    pub fn works_until(
        &mut self,
        limit: Duration,
        what: &str,
        mut condition: impl FnMut() -> Result<bool>,
    ) -> Result<()> {
        wait_for_up_to(limit, what, || {
            self.check_running()?;
            Ok(condition()?.then_some(()))
        })
    }

    /// Waits until `/readyz` answers 200.
    ///
    /// # Errors
    /// When it does not in time, or the daemon ends.
    pub fn wait_ready(&mut self) -> Result<()> {
        let address = self.address()?;
        wait_for("the daemon to be ready", || {
            self.check_running()?;
            Ok(get(&address, "/readyz")?.starts_with("200").then_some(()))
        })
    }

    /// Value of a metric, summed over the series whose line starts with `series`; 0 where there is none.
    ///
    /// # Errors
    /// When the daemon does not answer.
    pub fn metric(&mut self, series: &str) -> Result<f64> {
        let address = self.address()?;
        let text = get(&address, "/metrics")?;
        let values = text.lines().filter(|line| line.starts_with(series));
        Ok(values.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }

    /// Status code and body of a path.
    ///
    /// # Errors
    /// When the daemon does not answer.
    pub fn get(&mut self, path: &str) -> Result<String> {
        let address = self.address()?;
        get(&address, path)
    }

    /// Stops it as it is, in the middle of whatever it does, until [`Daemon::go_on`].
    ///
    /// # Errors
    /// When the process is gone.
    pub fn freeze(&self) -> Result<()> {
        self.signal("STOP")?;
        let path = format!("/proc/{}/stat", self.pid());
        wait_for("the daemon to stand still", || {
            let stat = std::fs::read_to_string(&path)?;
            let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
            Ok((state == Some('T')).then_some(()))
        })
    }

    /// Lets it go on after [`Daemon::freeze`].
    ///
    /// # Errors
    /// When the process is gone.
    pub fn go_on(&self) -> Result<()> {
        self.signal("CONT")
    }

    /// Sends a signal by name, for example `TERM`.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn signal(&self, name: &str) -> Result<()> {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status()?;
        ensure!(status.success(), "{} is gone and cannot be sent {name}", self.name);
        Ok(())
    }

    /// Kills it as a power cut would, and waits until it is gone.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to stop and waits for its exit code.
    ///
    /// # Errors
    /// When it does not stop in time.
    pub fn stop(mut self) -> Result<i32> {
        self.signal("TERM")?;
        self.wait()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it does not end in time or ends by a signal.
    pub fn wait(&mut self) -> Result<i32> {
        wait_for("the daemon to end", || self.ended())
    }

    /// Its exit code, if it has ended.
    ///
    /// # Errors
    /// When it ended by a signal.
    pub fn ended(&mut self) -> Result<Option<i32>> {
        let Some(status) = self.child.try_wait()? else { return Ok(None) };
        let code = status.code().with_context(|| format!("{} ended by a signal: {status}", self.name))?;
        Ok(Some(code))
    }

    fn check_running(&mut self) -> Result<()> {
        let ended: Option<ExitStatus> = self.child.try_wait()?;
        let Some(status) = ended else { return Ok(()) };
        bail!("{} ended with {status}; its last log lines, newest first:\n{}", self.name, self.last_lines(5))
    }

    fn last_lines(&self, count: usize) -> String {
        let log = self.log().unwrap_or_default();
        log.lines().rev().take(count).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Daemon {
    #[expect(clippy::print_stderr, reason = "the test runner shows it where the test failed")]
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            eprintln!("{} still ran; its last log lines, newest first:\n{}", self.name, self.last_lines(20));
        }
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The address that a log names first.
fn listens(log: &str) -> Option<String> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    lines.filter_map(|line| find(&line, "listen")).next()
}

fn find(value: &serde_json::Value, name: &str) -> Option<String> {
    let object = value.as_object()?;
    let own = object.get(name).and_then(|value| value.as_str().map(str::to_owned));
    own.or_else(|| object.values().find_map(|inner| find(inner, name)))
}

/// A GET over plain HTTP/1.0: status and body in one text.
///
/// # Errors
/// When nothing answers.
pub fn get(address: &str, path: &str) -> Result<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    Ok(format!("{status} {body}"))
}

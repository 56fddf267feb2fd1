//! A broker, or three, and a registry of one test's own, for what would disturb every other test: a crash of the broker.
//! However the test ends, even by SIGKILL, `deploy/stack/with-stack` takes them down.

use crate::cluster::Cluster;
use anyhow::{Context as _, Result, ensure};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::NamedTempFile;

/// What the stack's shell prints, so that the line is told from others.
const READY: &str = "ready";
/// Names the file of further broker settings.
const SETTINGS: &str = "SANCHAR_STACK_KAFKA_PROPERTIES";
/// Says how many brokers there are.
const BROKERS: &str = "SANCHAR_STACK_BROKERS";

/// A running stack; taken down when dropped.
#[derive(Debug)]
pub struct Stack {
    /// Holds the stack for as long as its standard input is open.
    holder: Child,
    /// Read at each start of the broker.
    properties: NamedTempFile,
    data: String,
    cluster: Cluster,
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/stack").join(name)
}

impl Stack {
    /// Starts a stack and waits until it answers.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start() -> Result<Self> {
        Self::start_with("")
    }

    /// As [`Stack::start`], with further settings of the broker, as lines of a properties file.
    ///
    /// # Errors
    /// As [`Stack::start`].
    pub fn start_with(settings: &str) -> Result<Self> {
        Self::of(1, settings)
    }

    /// Starts a stack of three brokers, `kafka-1` to `kafka-3`, which keep every topic thrice.
    ///
    /// # Errors
    /// As [`Stack::start`].
    pub fn start_cluster() -> Result<Self> {
        Self::of(3, "")
    }

    fn of(brokers: u8, settings: &str) -> Result<Self> {
        let properties = NamedTempFile::new()?;
        std::fs::write(&properties, settings)?;
        let report = format!(
            "echo {READY} \"$SANCHAR_TEST_KAFKA\" \"$SANCHAR_TEST_REGISTRY\" \"$SANCHAR_STACK_DATA\"; exec cat >/dev/null"
        );
        let mut holder = Command::new(script("with-stack"))
            .args(["sh", "-c", &report])
            .env(SETTINGS, properties.path())
            .env(BROKERS, brokers.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting a stack")?;
        let output = BufReader::new(holder.stdout.take().context("its output")?);
        for line in output.lines() {
            let line = line?;
            if let [READY, kafka, registry, data] = line.split(' ').collect::<Vec<_>>()[..] {
                let cluster = Cluster { kafka: kafka.to_owned(), registry: registry.to_owned() };
                return Ok(Self { holder, properties, data: data.to_owned(), cluster });
            }
        }
        anyhow::bail!("a stack ended while it was starting: {:?}", holder.wait()?)
    }

    /// Addresses of the services; the same after a crash.
    #[must_use]
    pub fn cluster(&self) -> Cluster {
        self.cluster.clone()
    }

    /// Kills the broker as a power cut would.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn crash_broker(&self) -> Result<()> {
        self.crash("kafka")
    }

    /// Stops the broker as an operator would.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop_broker(&self) -> Result<()> {
        self.stop("kafka")
    }

    /// Starts the broker again and waits until it answers.
    ///
    /// # Errors
    /// When it does not.
    pub fn start_broker(&self) -> Result<()> {
        self.start_again("kafka")
    }

    /// Kills one service, for example `kafka-2`, as a power cut would.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn crash(&self, service: &str) -> Result<()> {
        self.stack(&["stop", "--now", service]).map(drop)
    }

    /// Stops one service as an operator would.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&self, service: &str) -> Result<()> {
        self.stack(&["stop", service]).map(drop)
    }

    /// Starts one service again and waits until it answers.
    ///
    /// # Errors
    /// When it does not.
    pub fn start_again(&self, service: &str) -> Result<()> {
        self.stack(&["start", service]).map(drop)
    }

    /// Folder of the services' logs.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        Path::new(&self.data).join("log")
    }

    /// What one of Kafka's own tools says, by the name that `stack tool` knows it under.
    ///
    /// # Errors
    /// When it fails.
    pub fn tool(&self, args: &[&str]) -> Result<String> {
        self.stack(&[&["tool"], args].concat())
    }

    fn stack(&self, args: &[&str]) -> Result<String> {
        let output = Command::new(script("stack"))
            .args(args)
            .env("SANCHAR_STACK_DATA", &self.data)
            .env(SETTINGS, self.properties.path())
            .env_remove(BROKERS)
            .output()?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "stack {args:?} ended with {}: {error}", output.status);
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        // It may have ended already.
        drop(self.holder.wait());
    }
}

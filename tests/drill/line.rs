//! The line of a drill: a producer, a fan-out, an exporter, and Prometheus beside them. What flows through it is in `flow`.

use crate::prometheus::Prometheus;
use anyhow::{Context as _, Result, ensure};
use sanchar_tests::address::own_address;
use sanchar_tests::daemon::run;
use sanchar_tests::gate::Gate;
use sanchar_tests::{Daemon, Installation};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// All that runs.
pub(crate) struct Line<'i> {
    installation: &'i Installation,
    producer_config: PathBuf,
    producer: Option<Daemon>,
    fanout: Daemon,
    exporter: Daemon,
    /// Where daemons show what they do.
    addresses: Vec<String>,
    registry: Gate,
    pub(crate) prometheus: Prometheus,
}

impl<'i> Line<'i> {
    /// Starts everything and waits until each says that it works.
    pub(crate) fn start(installation: &'i Installation, prometheus: &Path) -> Result<Self> {
        // Prometheus knows the producer by its address, which is to be the same when it comes back.
        let address = own_address().to_string();
        let producer_config = installation.example("karnataka.toml", |config| {
            config.insert("http".to_owned(), toml::Value::Table(table("listen", &address)));
        })?;
        let (registry, url) = Gate::before(&installation.cluster.registry)?;
        registry.open();
        let mut producer = start("sanchar-producer", &[], &producer_config)?;
        let mut fanout = start("sanchar-fanout", &[], &fanout_config(installation, &url)?)?;
        let mut exporter = start("sanchar", &["exporter"], &exporter_config(installation)?)?;
        for daemon in [&mut producer, &mut fanout, &mut exporter] {
            daemon.wait_ready()?;
        }
        let addresses = vec![fanout.address()?, address];
        let jobs = [
            ("sanchar-fanout", addresses.first().cloned().unwrap_or_default()),
            ("sanchar-producer", addresses.last().cloned().unwrap_or_default()),
            ("sanchar-exporter", exporter.address()?),
        ];
        let prometheus = Prometheus::start(prometheus, installation.folder(), &jobs)?;
        let producer = Some(producer);
        Ok(Self {
            installation,
            producer_config,
            producer,
            fanout,
            exporter,
            addresses,
            registry,
            prometheus,
        })
    }

    pub(crate) fn stop_producer(&mut self) -> Result<()> {
        let Some(producer) = self.producer.take() else { return Ok(()) };
        ensure!(producer.stop()? == 0, "the producer did not end as it was asked to");
        Ok(())
    }

    pub(crate) fn start_producer(&mut self) -> Result<()> {
        self.producer = Some(start("sanchar-producer", &[], &self.producer_config)?);
        Ok(())
    }

    /// Takes the registry away from the fan-out.
    pub(crate) fn stop_registry(&self) {
        self.registry.close();
    }

    pub(crate) fn start_registry(&self) {
        self.registry.open();
    }

    /// What `sanchar status` says now; it says the same as `sanchar top`.
    pub(crate) fn status(&self) -> Result<String> {
        let kafka = &self.installation.cluster.kafka;
        let mut words = vec!["status", "--kafka", kafka, "--prefix", &self.installation.prefix];
        for address in &self.addresses {
            words.extend(["--daemon", address]);
        }
        let words: Vec<&OsStr> = words.into_iter().map(OsStr::new).collect();
        let output = run("sanchar", &words, self.installation.folder())?;
        let code = output.status.code().context("`sanchar status` ended by a signal")?;
        ensure!(matches!(code, 0 | 2), "`sanchar status`: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    pub(crate) fn stop(mut self) -> Result<()> {
        self.stop_producer()?;
        for daemon in [self.fanout, self.exporter] {
            ensure!(daemon.stop()? == 0, "a daemon did not end as it was asked to");
        }
        Ok(())
    }
}

fn start(binary: &str, command: &[&str], config: &Path) -> Result<Daemon> {
    let folder = config.parent().context("a folder")?;
    let mut words: Vec<&OsStr> = command.iter().map(OsStr::new).collect();
    words.extend(["-c".as_ref(), config.as_os_str()]);
    Daemon::start(binary, &words, folder)
}

/// That of an instance, with the registry at `url`.
fn fanout_config(installation: &Installation, url: &str) -> Result<PathBuf> {
    let config = installation.fanout_config(&installation.cluster.kafka, "fanout-1", "")?;
    let mut tables: toml::Table = toml::from_str(&std::fs::read_to_string(&config)?)?;
    tables.insert("registry".to_owned(), toml::Value::Table(table("url", url)));
    installation.write("fanout-1.toml", &toml::to_string(&tables)?)
}

/// The tables of the services without the registry, which an exporter does not know.
fn exporter_config(installation: &Installation) -> Result<PathBuf> {
    let mut tables: toml::Table = toml::from_str(&installation.services_toml())?;
    tables.remove("registry");
    installation.write("exporter.toml", &toml::to_string(&tables)?)
}

fn table(key: &str, value: &str) -> toml::Table {
    [(key.to_owned(), value.into())].into_iter().collect()
}

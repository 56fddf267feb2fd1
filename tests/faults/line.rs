//! A running line: instances of the fan-out, a producer, a registry and brokers, each of which a fault can meet. It
//! starts them, keeps them running as a supervisor would, and stops them. What faults do to it is in `strike`.

use crate::clock::Clock;
use crate::plan::{Fault, Plan, Site};
use crate::strike::Count;
use crate::victim::Victim;
use crate::workload::{PRODUCER, UNKNOWN_SCHEMA_GRACE_MS};
use anyhow::{Result, ensure};
use sanchar_tests::daemon::{wait_for, wait_for_up_to};
use sanchar_tests::front::Front;
use sanchar_tests::gate::Gate;
use sanchar_tests::process::{Usage, usage};
use sanchar_tests::proxy::Proxy;
use sanchar_tests::stack::Stack;
use sanchar_tests::{Daemon, Installation};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::time::Duration;

/// Brokers abort what a killed instance left open after this long, ms.
const TRANSACTION_TIMEOUT_MS: u64 = 3_000;

/// A registry that can go away and come late. Only daemons reach it this way.
pub(crate) struct Registry {
    pub(crate) gate: Gate,
    pub(crate) front: Front,
}

impl Registry {
    /// In front of the registry of an installation, which names this one from now on.
    pub(crate) fn before(installation: &mut Installation) -> Result<Self> {
        let front = Front::of(&installation.cluster.registry)?;
        let (gate, url) = Gate::before(front.url())?;
        gate.open();
        installation.cluster.registry = url;
        Ok(Self { gate, front })
    }
}

/// The line of one episode.
pub(crate) struct Line<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) stack: &'a Stack,
    pub(crate) installation: &'a Installation,
    pub(crate) instances: Vec<Victim>,
    /// Instances that joined, by the strike that brought them.
    pub(crate) joined: BTreeMap<usize, Victim>,
    pub(crate) producer: Option<Victim>,
    pub(crate) registry: Registry,
    pub(crate) redrives: BTreeMap<usize, Daemon>,
    pub(crate) counts: BTreeMap<Fault, Count>,
    pub(crate) redrives_killed: u64,
    /// What was met before a fault of which only the end tells whether it met something, by strike.
    pub(crate) undecided: BTreeMap<usize, u64>,
}

impl<'a> Line<'a> {
    /// Starts what the plan names.
    pub(crate) fn start(
        plan: &'a Plan,
        stack: &'a Stack,
        installation: &'a Installation,
        registry: Registry,
    ) -> Result<Self> {
        let mut line = Self {
            plan,
            stack,
            installation,
            instances: Vec::new(),
            joined: BTreeMap::new(),
            producer: None,
            registry,
            redrives: BTreeMap::new(),
            counts: BTreeMap::new(),
            redrives_killed: 0,
            undecided: BTreeMap::new(),
        };
        for number in 0..plan.instances {
            let mut instance = line.instance(&format!("fanout-{}", number + 1))?;
            if plan.fills_disk_of(number) {
                instance = instance.with_disk(installation.register_of(&format!("fanout-{}", number + 1)))?;
            }
            if plan.sets_clock_of(number) {
                instance = instance
                    .with_clock(Clock::new(installation.folder(), &format!("fanout-{}.clock", number + 1))?);
            }
            instance.start()?;
            line.instances.push(instance);
        }
        if plan.rows > 0 {
            let mut producer = line.new_producer()?;
            producer.start()?;
            line.producer = Some(producer);
        }
        Ok(line)
    }

    pub(crate) fn instance(&self, name: &str) -> Result<Victim> {
        let Plan { workers, group_protocol, batch_records_max, .. } = self.plan;
        let stream = format!(
            "stream = {{ workers = {workers}, group_protocol = \"{group_protocol}\", batch_records_max = \
             {batch_records_max}, transaction_timeout_ms = {TRANSACTION_TIMEOUT_MS}, retry_max_ms = 500 }}\n"
        );
        let more = format!("unknown_schema_grace_ms = {UNKNOWN_SCHEMA_GRACE_MS}\n{stream}");
        let proxy = self.new_proxy()?;
        let kafka = proxy.as_ref().map_or(self.installation.cluster.kafka.as_str(), Proxy::address);
        let config = self.installation.fanout_config(kafka, name, &more)?;
        // Little is kept in memory: the disk is written to and read from, and what memory may hold is full within minutes.
        let text = std::fs::read_to_string(&config)? + "recent_records_max = 200\ncache_mib = 1\n";
        std::fs::write(&config, text)?;
        Ok(Victim::new("sanchar-fanout", config, self.installation.folder()).behind(proxy))
    }

    /// In front of one broker alone: it does not know several apart.
    fn new_proxy(&self) -> Result<Option<Proxy>> {
        let is_one = self.plan.site == Site::OneBroker;
        is_one.then(|| Proxy::before(&self.installation.cluster.kafka)).transpose()
    }

    fn new_producer(&self) -> Result<Victim> {
        let proxy = self.new_proxy()?;
        let config = self.installation.example("goa.toml", |config| {
            if let (Some(proxy), Some(kafka)) = (&proxy, config.get_mut("kafka")) {
                kafka["bootstrap"] = proxy.address().into();
            }
            let often = [("checkpoint_interval_ms".to_owned(), 10.into())].into_iter().collect();
            config.insert("publish".to_owned(), toml::Value::Table(often));
        })?;
        let rows = crate::workload::goa_rows(self.plan.rows);
        self.installation.write("data/goa-firs.csv", &rows)?;
        let mut producer = Victim::new("sanchar-producer", config, self.installation.folder()).behind(proxy);
        if self.plan.strikes.iter().any(|strike| strike.fault == Fault::FillProducerDisk) {
            producer = producer.with_disk(self.installation.folder().join("store/goa"))?;
        }
        Ok(producer)
    }

    /// Starts again what has ended and asks for that.
    ///
    /// # Errors
    /// When something ended in a way that it must not.
    pub(crate) fn supervise(&mut self) -> Result<()> {
        let victims = self.instances.iter_mut().chain(self.joined.values_mut()).chain(&mut self.producer);
        for victim in victims {
            victim.supervise()?;
        }
        Ok(())
    }

    /// Lets the producer publish what is left of its file.
    ///
    /// # Errors
    /// When it does not end well.
    pub(crate) fn finish_producer(&mut self) -> Result<()> {
        let Some(producer) = &mut self.producer else { return Ok(()) };
        is_clean(producer.stop()?)?;
        let config = self.installation.folder().join("goa.toml");
        let args = [OsStr::new("-c"), config.as_os_str(), OsStr::new("run"), OsStr::new("--once")];
        let output = sanchar_tests::daemon::run("sanchar-producer", &args, self.installation.folder())?;
        let log = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{PRODUCER}'s producer ended with {}: {log}", output.status);
        Ok(())
    }

    /// Waits until a condition holds, and starts again meanwhile what asks for it.
    pub(crate) fn wait(
        &mut self,
        limit: Duration,
        what: &str,
        mut holds: impl FnMut() -> Result<bool>,
    ) -> Result<()> {
        wait_for_up_to(limit, what, || {
            self.supervise()?;
            Ok(holds()?.then_some(()))
        })
    }

    /// Waits until every daemon says that it works.
    pub(crate) fn wait_ready(&mut self) -> Result<()> {
        wait_for("every daemon to be ready", || {
            self.supervise()?;
            for victim in self.instances.iter_mut().chain(&mut self.producer) {
                if !victim.is_ready()? {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
    }

    /// What an instance costs now; nothing where it does not run.
    pub(crate) fn usage(&self, instance: usize) -> Result<Option<Usage>> {
        self.instances.get(instance).and_then(Victim::pid).map(usage).transpose()
    }

    /// Size of an instance's register on disk, MiB.
    pub(crate) fn register_mib(&self, instance: usize) -> Result<f64> {
        let mut bytes = 0;
        let mut folders = vec![self.installation.register_of(&format!("fanout-{}", instance + 1))];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder)? {
                // Files of the register come and go.
                let Ok(path) = entry.map(|entry| entry.path()) else { continue };
                match path.metadata() {
                    Ok(metadata) if metadata.is_dir() => folders.push(path),
                    Ok(metadata) => bytes += metadata.len(),
                    Err(_) => {}
                }
            }
        }
        Ok(bytes as f64 / f64::from(1 << 20))
    }

    /// How often daemons asked to be started again.
    pub(crate) fn restarts(&self) -> u64 {
        self.instances.iter().chain(&self.producer).map(Victim::restarts).sum()
    }

    /// Stops all that runs. Nothing is broken any more, so each must end as it was asked to.
    pub(crate) fn stop(mut self) -> Result<()> {
        for victim in self.instances.iter_mut().chain(self.joined.values_mut()).chain(&mut self.producer) {
            let code = victim.stop()?;
            ensure!(matches!(code, None | Some(0)), "a daemon that was asked to stop ended with {code:?}");
        }
        Ok(())
    }
}

/// Whether something ran that was stopped in the middle of other faults.
///
/// # Errors
/// When it did not end as it was asked to.
pub(crate) fn is_clean(code: Option<i32>) -> Result<bool> {
    match code {
        None => Ok(false),
        // One that was fenced, or found a service away, on its way out asks to be started again.
        Some(0 | 69 | 75) => Ok(true),
        Some(code) => anyhow::bail!("a daemon that was asked to stop ended with {code}"),
    }
}

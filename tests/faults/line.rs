//! A running line and what is done to it: instances of the fan-out, a producer, a registry and brokers, each of which
//! a fault can meet. A fault begins and ends; whether it took effect is counted, so that an episode in which nothing
//! happened is seen.

use crate::clock::Clock;
use crate::plan::{Fault, Plan, Site, Strike};
use crate::victim::Victim;
use crate::workload::{PRODUCER, UNKNOWN_SCHEMA_GRACE_MS};
use anyhow::{Context as _, Result};
use sanchar_tests::front::{Answer, Front};
use sanchar_tests::gate::Gate;
use sanchar_tests::process::{Usage, usage};
use sanchar_tests::proxy::{Deed, Frames, Proxy};
use sanchar_tests::stack::Stack;
use sanchar_tests::{Daemon, Installation};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Brokers abort what a killed instance left open after this long, ms.
const TRANSACTION_TIMEOUT_MS: u64 = 3_000;
/// How much later a slow registry answers.
const LATE: Duration = Duration::from_millis(400);
/// A line that nothing disturbs is ready after this long.
const STARTING: Duration = Duration::from_secs(60);
/// How long a frame that is to be held may let wait for itself.
const HOLDING: Duration = Duration::from_millis(500);

/// How often each fault took effect, and how often it found nothing to meet.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub(crate) struct Count {
    pub(crate) met: u64,
    pub(crate) missed: u64,
}

/// A registry that can go away and come late. Only daemons reach it this way.
pub(crate) struct Registry {
    gate: Gate,
    front: Front,
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
    plan: &'a Plan,
    stack: &'a Stack,
    installation: &'a Installation,
    instances: Vec<Victim>,
    /// Instances that joined, by the strike that brought them.
    joined: BTreeMap<usize, Victim>,
    producer: Option<Victim>,
    registry: Registry,
    redrives: BTreeMap<usize, Daemon>,
    pub(crate) counts: BTreeMap<Fault, Count>,
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
        };
        for number in 0..plan.instances {
            let mut instance = line.instance(&format!("fanout-{}", number + 1))?;
            if plan.fills_disk_of(number) {
                instance = instance.with_disk(installation.register_of(&format!("fanout-{}", number + 1)));
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

    fn instance(&self, name: &str) -> Result<Victim> {
        let Plan { workers, group_protocol, batch_records_max, .. } = self.plan;
        let stream = format!(
            "stream = {{ workers = {workers}, group_protocol = \"{group_protocol}\", batch_records_max = \
             {batch_records_max}, transaction_timeout_ms = {TRANSACTION_TIMEOUT_MS}, retry_max_ms = 500 }}\n"
        );
        let more = format!("unknown_schema_grace_ms = {UNKNOWN_SCHEMA_GRACE_MS}\n{stream}");
        let proxy = self.new_proxy()?;
        let kafka = proxy.as_ref().map_or(self.installation.cluster.kafka.as_str(), Proxy::address);
        let config = self.installation.fanout_config(kafka, name, &more)?;
        // Little is kept in memory, so that the disk is written to.
        let text = std::fs::read_to_string(&config)? + "recent_records_max = 200\n";
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
            producer = producer.with_disk(self.producer_store());
        }
        Ok(producer)
    }

    fn producer_store(&self) -> PathBuf {
        self.installation.folder().join("store/goa")
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

    pub(crate) fn begin(&mut self, number: usize, strike: &Strike) -> Result<()> {
        let has_met = self.strike(number, strike)?;
        self.count(strike.fault, has_met);
        Ok(())
    }

    /// A fault of single frames is counted at its end, when it is known whether such a frame came.
    fn count(&mut self, fault: Fault, has_met: Option<bool>) {
        let count = self.counts.entry(fault).or_default();
        match has_met {
            Some(true) => count.met += 1,
            Some(false) => count.missed += 1,
            None => {}
        }
    }

    fn strike(&mut self, number: usize, strike: &Strike) -> Result<Option<bool>> {
        let Strike { fault, whom, frames, lasting_ms, .. } = *strike;
        let broker = self.broker(whom);
        let instances = self.instances.len();
        let instance = self.instances.get_mut(whom % instances).context("an instance")?;
        let has_met = match fault {
            Fault::KillFanout => instance.kill()?,
            Fault::FreezeFanout => instance.freeze()?,
            Fault::StopFanout => is_clean(instance.stop()?)?,
            Fault::AddFanout => {
                let mut joining = self.instance(&format!("fanout-joined-{number}"))?;
                joining.start()?;
                self.joined.insert(number, joining);
                true
            }
            Fault::KillProducer => self.producer.as_mut().map_or(Ok(false), Victim::kill)?,
            Fault::FreezeProducer => self.producer.as_mut().map_or(Ok(false), Victim::freeze)?,
            Fault::StopProducer => match &mut self.producer {
                Some(producer) => is_clean(producer.stop()?)?,
                None => false,
            },
            Fault::CrashBroker => self.stack.crash(&broker).map(|()| true)?,
            Fault::RestartBroker => self.stack.stop(&broker).map(|()| true)?,
            Fault::RollBrokers => {
                for broker in ["kafka-1", "kafka-2", "kafka-3"] {
                    self.stack.stop(broker)?;
                    self.stack.start_again(broker)?;
                }
                true
            }
            Fault::RegistryDown => {
                self.registry.gate.close();
                true
            }
            Fault::RegistrySlow => {
                self.registry.front.answer("", Answer::Late(LATE));
                true
            }
            Fault::HoldFrame => return Ok(with(instance, |proxy| proxy.next(frames, Deed::Hold))),
            Fault::HoldFrameAndCut => return Ok(with(instance, |proxy| hold_and_cut(proxy, frames))),
            Fault::LoseFrame => return Ok(with(instance, |proxy| proxy.next(frames, Deed::Lose))),
            Fault::CutConnections => with(instance, Proxy::cut).is_none(),
            Fault::BlackHole => with(instance, |proxy| proxy.every(Frames::Any, Deed::Hold)).is_none(),
            Fault::FillRegisterDisk => instance.fill_disk()?,
            Fault::FillProducerDisk => self.producer.as_ref().map_or(Ok(false), Victim::fill_disk)?,
            Fault::StepClockBack => instance.set_clock_back(10 + i64::try_from(lasting_ms)?)?,
            Fault::KillRedrive => {
                self.redrives.insert(number, self.redrive()?);
                true
            }
        };
        Ok(Some(has_met))
    }

    pub(crate) fn end(&mut self, number: usize, strike: &Strike) -> Result<()> {
        let Strike { fault, whom, frames, .. } = *strike;
        let broker = self.broker(whom);
        let instances = self.instances.len();
        let instance = self.instances.get_mut(whom % instances).context("an instance")?;
        match fault {
            Fault::KillFanout | Fault::StopFanout => instance.start()?,
            Fault::FreezeFanout => instance.go_on()?,
            Fault::AddFanout => {
                if let Some(mut leaving) = self.joined.remove(&number) {
                    if whom % 2 == 0 {
                        leaving.kill()?;
                    } else {
                        is_clean(leaving.stop()?)?;
                    }
                }
            }
            Fault::KillProducer | Fault::StopProducer => {
                self.producer.as_mut().map_or(Ok(()), Victim::start)?;
            }
            Fault::FreezeProducer => self.producer.as_mut().map_or(Ok(()), Victim::go_on)?,
            Fault::CrashBroker | Fault::RestartBroker => self.stack.start_again(&broker)?,
            Fault::RegistryDown => self.registry.gate.open(),
            Fault::RegistrySlow => self.registry.front.mend(),
            Fault::HoldFrame | Fault::HoldFrameAndCut => {
                let has_met = instance.proxy().is_some_and(|proxy| {
                    let has_met = proxy.held(frames) > 0;
                    proxy.release(frames);
                    has_met
                });
                self.count(fault, Some(has_met));
            }
            Fault::LoseFrame => {
                let has_met = instance.proxy().is_some_and(|proxy| {
                    let has_met = !proxy.is_waiting_for(frames);
                    proxy.release(frames);
                    has_met
                });
                self.count(fault, Some(has_met));
            }
            Fault::BlackHole => drop(with(instance, |proxy| proxy.release(Frames::Any))),
            Fault::FillRegisterDisk => instance.free_disk(),
            Fault::FillProducerDisk => self.producer.iter().for_each(Victim::free_disk),
            Fault::KillRedrive => {
                if let Some(redrive) = self.redrives.remove(&number) {
                    redrive.kill()?;
                }
            }
            Fault::RollBrokers | Fault::CutConnections | Fault::StepClockBack => {}
        }
        Ok(())
    }

    fn broker(&self, whom: usize) -> String {
        match self.plan.site {
            Site::OneBroker => "kafka-1".to_owned(),
            Site::ThreeBrokers => format!("kafka-{}", whom % 3 + 1),
        }
    }

    fn redrive(&self) -> Result<Daemon> {
        let Installation { cluster, prefix, .. } = self.installation;
        let args = ["dlq", "redrive", "--all", "--yes", "--kafka", &cluster.kafka, "--prefix", prefix];
        Daemon::start("sanchar", &args.map(OsStr::new), self.installation.folder())
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
        anyhow::ensure!(output.status.success(), "{PRODUCER}'s producer ended with {}: {log}", output.status);
        Ok(())
    }

    /// Waits until a condition holds, and starts again meanwhile what asks for it.
    pub(crate) fn wait(
        &mut self,
        limit: Duration,
        what: &str,
        mut holds: impl FnMut() -> Result<bool>,
    ) -> Result<()> {
        let began = Instant::now();
        while !holds()? {
            anyhow::ensure!(began.elapsed() < limit, "waited {} s for {what}", limit.as_secs());
            self.supervise()?;
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Waits until every daemon says that it works.
    pub(crate) fn wait_ready(&mut self) -> Result<()> {
        let began = Instant::now();
        for victim in self.instances.iter_mut().chain(&mut self.producer) {
            while !victim.is_ready()? {
                anyhow::ensure!(
                    began.elapsed() < STARTING,
                    "a daemon was not ready within {} s",
                    STARTING.as_secs()
                );
                victim.supervise()?;
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(())
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

    /// Stops all that runs; each must end as it was asked to.
    pub(crate) fn stop(mut self) -> Result<()> {
        for victim in self.instances.iter_mut().chain(self.joined.values_mut()).chain(&mut self.producer) {
            is_clean(victim.stop()?)?;
        }
        Ok(())
    }
}

/// Nothing, where the instance has a proxy; else that the fault met nothing.
fn with(instance: &Victim, deed: impl FnOnce(&Proxy)) -> Option<bool> {
    let Some(proxy) = instance.proxy() else { return Some(false) };
    deed(proxy);
    None
}

/// What KAFKA-17754 takes: the frame is on its way, the client gives its connection up, and the frame arrives later.
fn hold_and_cut(proxy: &Proxy, frames: Frames) {
    proxy.next(frames, Deed::Hold);
    let began = Instant::now();
    while proxy.held(frames) == 0 && began.elapsed() < HOLDING {
        std::thread::sleep(Duration::from_millis(5));
    }
    proxy.cut();
}

/// Whether something ran that was stopped.
///
/// # Errors
/// When it did not end as it was asked to.
fn is_clean(code: Option<i32>) -> Result<bool> {
    match code {
        None => Ok(false),
        // One that was fenced, or met a broken transaction, on its way out asks to be started again.
        Some(0 | 75) => Ok(true),
        Some(code) => anyhow::bail!("a daemon that was asked to stop ended with {code}"),
    }
}

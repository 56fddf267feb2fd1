//! What each fault does to a line when it begins and when it ends, and whether it met anything: an episode in which
//! nothing happened must be seen.

use crate::line::{Line, is_clean};
use crate::plan::{Fault, Site, Strike};
use crate::victim::Victim;
use anyhow::{Context as _, Result, ensure};
use sanchar_tests::front::Answer;
use sanchar_tests::proxy::{Deed, Frames, Proxy};
use sanchar_tests::{Daemon, Installation};
use std::ffi::OsStr;
use std::time::{Duration, Instant};

/// How much later a slow registry answers.
const LATE: Duration = Duration::from_millis(400);
/// How long a frame that is to be held may let wait for itself.
const HOLDING: Duration = Duration::from_millis(500);
/// How a redrive may end by itself: nothing is left, something is, or the brokers were away.
const REDRIVEN: [i32; 4] = [0, 2, 69, 75];

/// How often each fault met something, and how often it found nothing to meet.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub(crate) struct Count {
    pub(crate) met: u64,
    pub(crate) missed: u64,
}

/// Whether a fault met something.
#[derive(Debug, Clone, Copy)]
enum Effect {
    Met,
    Missed,
    /// Counted up meanwhile: it has met something if the count is another one at its end.
    AboveAtEnd(u64),
}

impl Effect {
    const fn of(has_met: bool) -> Self {
        if has_met { Self::Met } else { Self::Missed }
    }
}

impl Line<'_> {
    pub(crate) fn begin(&mut self, number: usize, strike: &Strike) -> Result<()> {
        match self.strike(number, strike)? {
            Effect::Met => self.count(strike.fault, true),
            Effect::Missed => self.count(strike.fault, false),
            Effect::AboveAtEnd(before) => drop(self.undecided.insert(number, before)),
        }
        Ok(())
    }

    fn count(&mut self, fault: Fault, has_met: bool) {
        let count = self.counts.entry(fault).or_default();
        count.met += u64::from(has_met);
        count.missed += u64::from(!has_met);
    }

    fn struck(&mut self, whom: usize) -> Result<&mut Victim> {
        let instances = self.instances.len();
        self.instances.get_mut(whom % instances).context("an instance")
    }

    fn strike(&mut self, number: usize, strike: &Strike) -> Result<Effect> {
        let Strike { fault, whom, frames, lasting_ms, .. } = *strike;
        let broker = self.broker(whom);
        let effect = match fault {
            Fault::KillFanout => Effect::of(self.struck(whom)?.kill()?),
            Fault::FreezeFanout => Effect::of(self.struck(whom)?.freeze()?),
            Fault::StopFanout => Effect::of(is_clean(self.struck(whom)?.stop()?)?),
            Fault::AddFanout => {
                let mut joining = self.instance(&format!("fanout-joined-{number}"))?;
                joining.start()?;
                self.joined.insert(number, joining);
                Effect::Met
            }
            Fault::KillProducer => Effect::of(self.producer.as_mut().map_or(Ok(false), Victim::kill)?),
            Fault::FreezeProducer => Effect::of(self.producer.as_mut().map_or(Ok(false), Victim::freeze)?),
            Fault::StopProducer => {
                let stopped = self.producer.as_mut().map_or(Ok(None), Victim::stop)?;
                Effect::of(is_clean(stopped)?)
            }
            Fault::CrashBroker => self.stack.crash(&broker).map(|()| Effect::Met)?,
            Fault::RestartBroker => self.stack.stop(&broker).map(|()| Effect::Met)?,
            Fault::RollBrokers => {
                for broker in ["kafka-1", "kafka-2", "kafka-3"] {
                    self.stack.stop(broker)?;
                    self.stack.start_again(broker)?;
                }
                Effect::Met
            }
            Fault::RegistryDown => {
                let before = self.registry.gate.refused();
                self.registry.gate.close();
                Effect::AboveAtEnd(before)
            }
            Fault::RegistrySlow => {
                let before = self.registry.front.changed();
                self.registry.front.answer("", Answer::Late(LATE));
                Effect::AboveAtEnd(before)
            }
            Fault::FillRegisterDisk => Effect::of(self.struck(whom)?.fill_disk()?),
            Fault::FillProducerDisk => {
                Effect::of(self.producer.as_ref().map_or(Ok(false), Victim::fill_disk)?)
            }
            Fault::StepClockBack => {
                Effect::of(self.struck(whom)?.set_clock_back(10 + i64::try_from(lasting_ms)?)?)
            }
            Fault::KillRedrive => {
                self.redrives.insert(number, self.redrive()?);
                return Ok(Effect::AboveAtEnd(0));
            }
            Fault::HoldFrame
            | Fault::HoldFrameAndCut
            | Fault::LoseFrame
            | Fault::CutConnections
            | Fault::BlackHole => match self.struck(whom)?.proxy() {
                None => Effect::Missed,
                Some(proxy) => disturb(proxy, fault, frames),
            },
        };
        Ok(effect)
    }

    pub(crate) fn end(&mut self, number: usize, strike: &Strike) -> Result<()> {
        let Strike { fault, whom, frames, .. } = *strike;
        let broker = self.broker(whom);
        let now = match fault {
            Fault::KillFanout | Fault::StopFanout => self.struck(whom)?.start().map(|()| 0)?,
            Fault::FreezeFanout => self.struck(whom)?.go_on().map(|()| 0)?,
            Fault::AddFanout => self.leave(number, whom).map(|()| 0)?,
            Fault::KillProducer | Fault::StopProducer => {
                self.producer.as_mut().map_or(Ok(()), Victim::start).map(|()| 0)?
            }
            Fault::FreezeProducer => self.producer.as_mut().map_or(Ok(()), Victim::go_on).map(|()| 0)?,
            Fault::CrashBroker | Fault::RestartBroker => self.stack.start_again(&broker).map(|()| 0)?,
            Fault::RegistryDown => {
                self.registry.gate.open();
                self.registry.gate.refused()
            }
            Fault::RegistrySlow => {
                self.registry.front.mend();
                self.registry.front.changed()
            }
            Fault::HoldFrame | Fault::HoldFrameAndCut | Fault::LoseFrame => {
                self.struck(whom)?.proxy().map_or(0, |proxy| {
                    proxy.release(frames);
                    proxy.met(frames)
                })
            }
            Fault::BlackHole => self.struck(whom)?.proxy().map_or(0, |proxy| {
                proxy.release(Frames::Any);
                proxy.met(Frames::Any)
            }),
            Fault::FillRegisterDisk => {
                self.struck(whom)?.free_disk();
                0
            }
            Fault::FillProducerDisk => {
                self.producer.iter().for_each(Victim::free_disk);
                0
            }
            Fault::KillRedrive => u64::from(self.kill_redrive(number)?),
            Fault::RollBrokers | Fault::CutConnections | Fault::StepClockBack => 0,
        };
        if let Some(before) = self.undecided.remove(&number) {
            self.count(fault, now > before);
        }
        Ok(())
    }

    fn leave(&mut self, number: usize, whom: usize) -> Result<()> {
        let Some(mut leaving) = self.joined.remove(&number) else { return Ok(()) };
        if whom.is_multiple_of(2) {
            leaving.kill()?;
        } else {
            is_clean(leaving.stop()?)?;
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

    /// Whether it was still at work.
    fn kill_redrive(&mut self, number: usize) -> Result<bool> {
        let Some(mut redrive) = self.redrives.remove(&number) else { return Ok(false) };
        if let Some(code) = redrive.ended()? {
            ensure!(REDRIVEN.contains(&code), "a redrive ended with {code}: {}", redrive.log()?);
            return Ok(false);
        }
        redrive.kill()?;
        Ok(true)
    }
}

fn disturb(proxy: &Proxy, fault: Fault, frames: Frames) -> Effect {
    let before = proxy.met(frames);
    match fault {
        Fault::HoldFrame => proxy.next(frames, Deed::Hold),
        Fault::HoldFrameAndCut => hold_and_cut(proxy, frames),
        Fault::LoseFrame => proxy.next(frames, Deed::Lose),
        Fault::CutConnections => return Effect::of(proxy.cut() > 0),
        _ => {
            let before = proxy.met(Frames::Any);
            proxy.every(Frames::Any, Deed::Hold);
            return Effect::AboveAtEnd(before);
        }
    }
    Effect::AboveAtEnd(before)
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

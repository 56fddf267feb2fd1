//! What each fault does to a line when it begins and when it ends, and whether it met anything: an episode in which
//! nothing happened must be seen.

use crate::line::{Line, is_clean};
use crate::plan::{Fault, Site, Strike};
use crate::victim::Victim;
use anyhow::{Context as _, Result, ensure};
use sanchar_tests::daemon::wait_for_up_to;
use sanchar_tests::front::Answer;
use sanchar_tests::proxy::{Deed, Frames, Proxy};
use sanchar_tests::{Daemon, Installation};
use std::ffi::OsStr;
use std::time::Duration;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Met,
    Missed,
    ToldAtEnd,
}

impl Effect {
    const fn of(has_met: bool) -> Self {
        if has_met { Self::Met } else { Self::Missed }
    }
}

impl Line<'_> {
    pub(crate) fn begin(&mut self, number: usize, strike: &Strike) -> Result<()> {
        let before = self.met_so_far(strike)?;
        match self.strike(number, strike)? {
            Effect::ToldAtEnd => drop(self.undecided.insert(number, before)),
            effect => self.count(strike.fault, effect == Effect::Met),
        }
        Ok(())
    }

    pub(crate) fn end(&mut self, number: usize, strike: &Strike) -> Result<()> {
        self.mend(number, strike)?;
        if let Some(before) = self.undecided.remove(&number) {
            let has_met = self.met_so_far(strike)? > before;
            self.count(strike.fault, has_met);
        }
        Ok(())
    }

    /// How often so far something happened that such a fault brings about; for those of which only the end tells.
    fn met_so_far(&mut self, strike: &Strike) -> Result<u64> {
        let Strike { fault, whom, frames, .. } = *strike;
        let of_frames = |victim: &Victim, frames| victim.proxy().map_or(0, |proxy| proxy.met(frames));
        Ok(match fault {
            Fault::RegistryDown => self.registry.gate.refused(),
            Fault::RegistrySlow => self.registry.front.changed(),
            Fault::KillRedrive => self.redrives_killed,
            Fault::BlackHole => of_frames(self.struck(whom)?, Frames::Any),
            _ => of_frames(self.struck(whom)?, frames),
        })
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
                self.registry.gate.close();
                Effect::ToldAtEnd
            }
            Fault::RegistrySlow => {
                self.registry.front.answer("", Answer::Late(LATE));
                Effect::ToldAtEnd
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
                Effect::ToldAtEnd
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

    fn mend(&mut self, number: usize, strike: &Strike) -> Result<()> {
        let Strike { fault, whom, frames, .. } = *strike;
        let broker = self.broker(whom);
        match fault {
            Fault::KillFanout | Fault::StopFanout => self.struck(whom)?.start()?,
            Fault::FreezeFanout => self.struck(whom)?.go_on()?,
            Fault::AddFanout => self.leave(number, whom)?,
            Fault::KillProducer | Fault::StopProducer => {
                self.producer.as_mut().map_or(Ok(()), Victim::start)?;
            }
            Fault::FreezeProducer => self.producer.as_mut().map_or(Ok(()), Victim::go_on)?,
            Fault::CrashBroker | Fault::RestartBroker => self.stack.start_again(&broker)?,
            Fault::RegistryDown => self.registry.gate.open(),
            Fault::RegistrySlow => self.registry.front.mend(),
            Fault::HoldFrame | Fault::HoldFrameAndCut | Fault::LoseFrame => self.release(whom, frames)?,
            Fault::BlackHole => self.release(whom, Frames::Any)?,
            Fault::FillRegisterDisk => self.struck(whom)?.free_disk(),
            Fault::FillProducerDisk => self.producer.iter().for_each(Victim::free_disk),
            Fault::KillRedrive => self.kill_redrive(number)?,
            Fault::RollBrokers | Fault::CutConnections | Fault::StepClockBack => {}
        }
        Ok(())
    }

    fn release(&mut self, whom: usize, frames: Frames) -> Result<()> {
        if let Some(proxy) = self.struck(whom)?.proxy() {
            proxy.release(frames);
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

    /// Counted where it was still at work.
    fn kill_redrive(&mut self, number: usize) -> Result<()> {
        let Some(mut redrive) = self.redrives.remove(&number) else { return Ok(()) };
        if let Some(code) = redrive.ended()? {
            ensure!(REDRIVEN.contains(&code), "a redrive ended with {code}: {}", redrive.log()?);
            return Ok(());
        }
        self.redrives_killed += 1;
        redrive.kill()
    }
}

fn disturb(proxy: &Proxy, fault: Fault, frames: Frames) -> Effect {
    match fault {
        Fault::HoldFrame => proxy.next(frames, Deed::Hold),
        Fault::HoldFrameAndCut => hold_and_cut(proxy, frames),
        Fault::LoseFrame => proxy.next(frames, Deed::Lose),
        Fault::CutConnections => return Effect::of(proxy.cut() > 0),
        _ => proxy.every(Frames::Any, Deed::Hold),
    }
    Effect::ToldAtEnd
}

/// What KAFKA-17754 takes: the frame is on its way, the client gives its connection up, and the frame arrives later.
fn hold_and_cut(proxy: &Proxy, frames: Frames) {
    proxy.next(frames, Deed::Hold);
    // None may come in time; then the fault has met nothing but the connections.
    drop(wait_for_up_to(HOLDING, "a frame to be held", || Ok((proxy.held(frames) > 0).then_some(()))));
    proxy.cut();
}

//! What an episode does, drawn from a seed: who runs and how, what is published, what is broken and when.
//! The same seed gives the same plan. How the processes then interleave is the machine's affair.

use sanchar_tests::chance::Chance;
use sanchar_tests::proxy::{Api, Frames};
use serde::Serialize;

/// What can be done to a running line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    /// SIGKILL; started again at the end.
    KillFanout,
    /// SIGSTOP, and SIGCONT at the end.
    FreezeFanout,
    /// SIGTERM; started again at the end.
    StopFanout,
    /// An instance more, which leaves at the end.
    AddFanout,
    /// SIGKILL; started again at the end.
    KillProducer,
    /// SIGSTOP, and SIGCONT at the end.
    FreezeProducer,
    /// SIGTERM; started again at the end.
    StopProducer,
    /// A broker is killed as by a power cut; started again at the end.
    CrashBroker,
    /// A broker stops as asked; started again at the end.
    RestartBroker,
    /// Each broker of the cluster is stopped and started, one after the other.
    RollBrokers,
    /// No connection to the registry until the end.
    RegistryDown,
    /// Every answer of the registry is late until the end.
    RegistrySlow,
    /// One frame waits in the proxy until the end.
    HoldFrame,
    /// One frame waits, the client's connections are cut meanwhile, and the frame arrives at the end.
    HoldFrameAndCut,
    /// One frame never arrives.
    LoseFrame,
    /// All connections of an instance end.
    CutConnections,
    /// Nothing gets through in either direction until the end.
    BlackHole,
    /// No room under an instance's register until the end.
    FillRegisterDisk,
    /// No room under the producer's checkpoint until the end.
    FillProducerDisk,
    /// An instance's clock steps back, and stays there.
    StepClockBack,
    /// `sanchar dlq redrive` of everything, killed at the end if it still runs.
    KillRedrive,
}

impl Fault {
    /// The symbol in reports.
    pub(crate) fn as_str(self) -> String {
        let text = serde_json::to_value(self).unwrap_or_default();
        text.as_str().unwrap_or_default().to_owned()
    }
}

/// A fault, when it begins, how long it lasts, and whom it meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strike {
    pub(crate) fault: Fault,
    /// Since the line was started, or ready, ms.
    pub(crate) at_ms: u64,
    /// Until its end, ms.
    pub(crate) lasting_ms: u64,
    /// Number of the instance or broker.
    pub(crate) whom: usize,
    /// For faults of single frames.
    pub(crate) frames: Frames,
}

/// Where an episode takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Site {
    /// Instances reach the one broker through proxies.
    OneBroker,
    /// Every topic is kept thrice.
    ThreeBrokers,
}

/// An episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) site: Site,
    pub(crate) instances: usize,
    pub(crate) workers: u64,
    pub(crate) group_protocol: &'static str,
    pub(crate) batch_records_max: u64,
    /// Records published beside the producer's.
    pub(crate) records: u64,
    /// Rows that the producer daemon reads.
    pub(crate) rows: u64,
    /// Whether the first fault waits until the line is ready; else it may meet its start.
    pub(crate) waits_until_ready: bool,
    /// Sorted by `at_ms`.
    pub(crate) strikes: Vec<Strike>,
}

/// Until this moment faults begin, ms; the publishing lasts as long.
pub(crate) const STRIKING_MS: u64 = 3_500;

impl Plan {
    pub(crate) fn draw(chance: &mut Chance) -> Self {
        let site = if chance.below(100) < 6 { Site::ThreeBrokers } else { Site::OneBroker };
        let instances = if chance.below(100) < 60 { 1 } else { 2 };
        let mut plan = Self {
            site,
            instances,
            workers: if chance.below(100) < 75 { 1 } else { 2 },
            group_protocol: *chance.one_of(&["eager", "eager", "cooperative", "broker"]),
            batch_records_max: *chance.one_of(&[5, 20, 100, 1_000]),
            records: 800 + chance.below(2_200),
            rows: if chance.below(100) < 40 { 500 + chance.below(1_500) } else { 0 },
            waits_until_ready: chance.below(100) < 80,
            strikes: Vec::new(),
        };
        let strikes = 2 + chance.below(5);
        plan.strikes = (0..strikes).map(|_| plan.strike(chance)).collect();
        plan.strikes.sort_by_key(|strike| strike.at_ms);
        plan.drop_excess();
        plan
    }

    pub(crate) fn strike(&self, chance: &mut Chance) -> Strike {
        let fault = self.fault(chance);
        // Now and then longer than a session of the group or a transaction lasts.
        let is_long = chance.below(100) < 8;
        let lasting_ms = if is_long { 6_500 + chance.below(2_500) } else { 20 + chance.below(1_500) };
        Strike {
            fault,
            at_ms: 300 + chance.below(STRIKING_MS - 300),
            lasting_ms,
            whom: chance.below(8).try_into().unwrap_or_default(),
            frames: frames(chance),
        }
    }

    /// Faults of processes are the rule; those that cost many seconds, like a crash of the only broker, are rarer.
    fn fault(&self, chance: &mut Chance) -> Fault {
        use Fault::{
            AddFanout, BlackHole, CrashBroker, CutConnections, FillProducerDisk, FillRegisterDisk,
            FreezeFanout, FreezeProducer, HoldFrame, HoldFrameAndCut, KillFanout, KillProducer, KillRedrive,
            LoseFrame, RegistryDown, RegistrySlow, RestartBroker, RollBrokers, StepClockBack, StopFanout,
            StopProducer,
        };
        let mut drawn = vec![
            (20, KillFanout),
            (14, FreezeFanout),
            (8, StopFanout),
            (10, AddFanout),
            (4, RegistryDown),
            (4, RegistrySlow),
            (5, FillRegisterDisk),
            (5, StepClockBack),
            (5, KillRedrive),
        ];
        match self.site {
            Site::OneBroker => drawn.extend([
                (10, HoldFrame),
                (10, HoldFrameAndCut),
                (8, LoseFrame),
                (5, CutConnections),
                (4, BlackHole),
                (4, CrashBroker),
                (3, RestartBroker),
            ]),
            Site::ThreeBrokers => drawn.extend([(40, CrashBroker), (20, RestartBroker), (20, RollBrokers)]),
        }
        if self.rows > 0 {
            drawn.extend([(10, KillProducer), (6, FreezeProducer), (6, StopProducer), (4, FillProducerDisk)]);
        }
        let mut left = chance.below(drawn.iter().map(|(weight, _)| weight).sum());
        for (weight, fault) in drawn {
            if left < weight {
                return fault;
            }
            left -= weight;
        }
        KillFanout
    }

    /// One broker fault in an episode: a second one would only meet a line that waits for the first.
    fn drop_excess(&mut self) {
        let mut brokers = 0;
        self.strikes.retain(|strike| {
            let is_of_a_broker =
                matches!(strike.fault, Fault::CrashBroker | Fault::RestartBroker | Fault::RollBrokers);
            brokers += usize::from(is_of_a_broker);
            !is_of_a_broker || brokers == 1
        });
    }

    /// Whether a fault is planned.
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.strikes.iter().any(|strike| strike.fault == fault)
    }

    /// Whether an instance needs a disk of its own, which can be filled.
    pub(crate) fn fills_disk_of(&self, instance: usize) -> bool {
        self.meets(Fault::FillRegisterDisk, instance)
    }

    /// Whether an instance needs a clock of its own, which can be set.
    pub(crate) fn sets_clock_of(&self, instance: usize) -> bool {
        self.meets(Fault::StepClockBack, instance)
    }

    fn meets(&self, fault: Fault, instance: usize) -> bool {
        self.strikes.iter().any(|strike| strike.fault == fault && strike.whom % self.instances == instance)
    }
}

/// The end of a transaction above all.
fn frames(chance: &mut Chance) -> Frames {
    *chance.one_of(&[
        Frames::Requests(Api::EndTxn),
        Frames::Requests(Api::EndTxn),
        Frames::Requests(Api::EndTxn),
        Frames::Responses(Api::EndTxn),
        Frames::Responses(Api::EndTxn),
        Frames::Requests(Api::TxnOffsetCommit),
        Frames::Responses(Api::TxnOffsetCommit),
        Frames::Requests(Api::Produce),
        Frames::Responses(Api::Produce),
        Frames::Responses(Api::Fetch),
        Frames::Requests(Api::InitProducerId),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_its_plan_and_every_fault_comes_up() {
        let draw = |seed| Plan::draw(&mut Chance::seeded(seed));
        assert_eq!(draw(1), draw(1));
        let drawn: Vec<Strike> = (0..400).flat_map(|seed| draw(seed).strikes).collect();
        let kinds: std::collections::BTreeSet<Fault> = drawn.iter().map(|strike| strike.fault).collect();
        assert_eq!(kinds.len(), 21, "{kinds:?}");
        assert!(drawn.iter().all(|strike| strike.at_ms < STRIKING_MS));
    }
}

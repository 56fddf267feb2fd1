//! What states publish in an episode: new cases, repeats, changes, corrections, cancellations, restrictions, late
//! arrivals of older revisions, and records that are poison in every way that a program outside can make them.
//! The judge reads from the topics what was published, so nothing here says what must come of it.

use anyhow::{Context as _, Result};
use sanchar_schemas::event::{Classification, EventAction};
use sanchar_schemas::schema::Record;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::{CrimeEvent, StateCode, wire};
use sanchar_tests::Installation;
use sanchar_tests::chance::Chance;
use sanchar_tests::events;
use sanchar_tests::publisher::{Outgoing, Publisher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a record waits for the registry to learn its schema id; short, since some ids it never learns.
pub(crate) const UNKNOWN_SCHEMA_GRACE_MS: u64 = 1_000;
/// How long the brokers may take to acknowledge everything, one of them being away for a while.
const PATIENCE: Duration = Duration::from_secs(180);
/// Most events from which repeats and changes are drawn.
const REMEMBERED_MAX: usize = 20_000;
/// A schema id that no registry gives out.
const UNKNOWN_ID: u32 = 1_999_999_999;
/// The state whose events come from the producer daemon.
pub(crate) const PRODUCER: &str = "IN-GA";

/// Draws records, one after the other.
pub(crate) struct Workload<'i> {
    installation: &'i Installation,
    chance: Chance,
    origins: Vec<StateCode>,
    /// The newest revision of each case.
    newest: Vec<CrimeEvent>,
    sent: Vec<CrimeEvent>,
    shared_schema: u32,
    cases: u32,
}

impl<'i> Workload<'i> {
    pub(crate) async fn new(installation: &'i Installation, chance: &mut Chance) -> Result<Self> {
        let mut chance = Chance::seeded(chance.below(u64::MAX));
        let mut origins: Vec<StateCode> =
            StateCode::all().filter(|state| state.as_str() != PRODUCER).collect();
        while origins.len() > 8 {
            let out = chance.below(origins.len() as u64).try_into()?;
            origins.swap_remove(out);
        }
        let shared = Record::SharedCrimeEvent;
        let shared = installation.registry.id_of(shared.subject(), &shared.latest().text).await?;
        let shared_schema = shared.0;
        Ok(Self {
            installation,
            chance,
            origins,
            newest: Vec::new(),
            sent: Vec::new(),
            shared_schema,
            cases: 0,
        })
    }

    /// Publishes about so many records, half of them at once, the others evenly over a time. Gives how many.
    pub(crate) fn publish(&mut self, records: u64, over: Duration) -> Result<u64> {
        const PORTIONS: u32 = 50;
        let publisher = Publisher::new(self.installation)?;
        for portion in 0..PORTIONS {
            for _ in 0..records / u64::from(PORTIONS) {
                publisher.send(&self.next()?)?;
            }
            if portion >= PORTIONS / 2 {
                std::thread::sleep(over / (PORTIONS / 2));
            }
        }
        publisher.finish_within(PATIENCE)?;
        Ok(records / u64::from(PORTIONS) * u64::from(PORTIONS))
    }

    /// Publishes at a steady rate until it is over; `sent` hears of each event before it is sent for the first time.
    pub(crate) fn flow(&mut self, rate: u32, is_over: &AtomicBool, sent: impl Fn(&str)) -> Result<()> {
        let mut publisher = Publisher::new(self.installation)?;
        let began = Instant::now();
        for number in 0_u32.. {
            let due = began + Duration::from_secs_f64(f64::from(number) / f64::from(rate));
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if is_over.load(Ordering::Relaxed) {
                break;
            }
            let known = self.sent.len();
            let next = self.next()?;
            if let Some(event) = self.sent.get(known) {
                sent(&event.event_id);
            }
            if publisher.is_lost() {
                // What it still held was never published: the judge goes by what stands in the topics.
                publisher = Publisher::new(self.installation)?;
            }
            publisher.send(&next)?;
            self.forget();
        }
        publisher.finish_within(PATIENCE)
    }

    /// Bounds what a long flow remembers: cases that nothing more happens to.
    fn forget(&mut self) {
        for remembered in [&mut self.newest, &mut self.sent] {
            if remembered.len() >= REMEMBERED_MAX {
                let out = self.chance.below(remembered.len() as u64);
                remembered.swap_remove(out.try_into().unwrap_or_default());
            }
        }
    }

    pub(crate) fn next(&mut self) -> Result<Outgoing> {
        match self.chance.below(100) {
            0..8 => self.poison(),
            8..20 if !self.sent.is_empty() => {
                let event = self.chance.one_of(&self.sent).clone();
                Outgoing::event(self.installation, &event)
            }
            20..48 if !self.newest.is_empty() => self.change(),
            _ => {
                let event = self.new_case();
                self.newest.push(event.clone());
                self.send(event)
            }
        }
    }

    fn send(&mut self, event: CrimeEvent) -> Result<Outgoing> {
        let outgoing = Outgoing::event(self.installation, &event)?;
        self.sent.push(event);
        Ok(outgoing
            .with_header("traceparent", Some(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")))
    }

    fn new_case(&mut self) -> CrimeEvent {
        self.cases += 1;
        let origin = *self.chance.one_of(&self.origins);
        let mut event = events::theft(origin, self.cases, 10, "at first");
        event.handling.officer_safety = self.chance.below(8) == 0;
        event.sealed()
    }

    /// Another revision of a known case.
    fn change(&mut self) -> Result<Outgoing> {
        let place: usize = self.chance.below(self.newest.len() as u64).try_into()?;
        let known = self.newest.get(place).context("a known case")?.clone();
        let step = 1 + i64::try_from(self.chance.below(3))?;
        let mut event = CrimeEvent { revision: known.revision + step, ..known.clone() };
        event.investigation_stage = Some(format!("Stage {}", self.sent.len()));
        match self.chance.below(28) {
            0..5 => event.revision = known.revision - step,
            5..9 => event.investigation_stage = known.investigation_stage, // nothing changed
            9..14 => event.action = EventAction::Correct,
            14..18 => event.action = EventAction::Cancel,
            18..23 => event.handling.excluded_states = self.excluded(),
            _ => {
                event.action = EventAction::Update;
                event.handling.officer_safety ^= self.chance.below(3) == 0;
            }
        }
        let event = event.sealed();
        if event.revision > known.revision {
            *self.newest.get_mut(place).context("a known case")? = event.clone();
        }
        self.send(event)
    }

    /// A few states of all, so that some had an earlier revision and some had not; or none, which lifts it.
    fn excluded(&mut self) -> Vec<StateCode> {
        let some = self.chance.below(9);
        StateCode::all().filter(|_| self.chance.below(9) < some).collect()
    }

    fn poison(&mut self) -> Result<Outgoing> {
        let event = self.new_case();
        let sound = Outgoing::event(self.installation, &event)?;
        let whole = sound.value.clone().context("an event has a value")?;
        let datum = whole.get(wire::HEADER_BYTES..).unwrap_or_default();
        let own = sound.topic;
        let value = |value: Vec<u8>| Outgoing { value: Some(value), ..sound.clone() };
        let changed = |change: &dyn Fn(&mut CrimeEvent)| {
            let mut event = event.clone();
            change(&mut event);
            Ok::<_, anyhow::Error>(Outgoing {
                topic: own,
                ..Outgoing::event(self.installation, &event.sealed())?
            })
        };
        Ok(match self.chance.below(60) {
            0..5 => Outgoing { value: None, ..sound },
            5..9 => value(Vec::new()),
            9..13 => value(b"{\"record_id\": 1}".to_vec()),
            13..18 => value(whole.get(..whole.len() / 2).unwrap_or_default().to_vec()),
            18..22 => value([&whole[..], &[0]].concat()),
            22 => value(wire::frame(UNKNOWN_ID, datum)),
            23..27 => value(wire::frame(self.shared_schema, datum)),
            27..33 => changed(&|event| event.handling.classification = Classification::Secret)?,
            33..38 => Outgoing { key: None, ..sound },
            38..43 => Outgoing { key: Some(b"IN-DL/9999/2026/000904".to_vec()), ..sound },
            43..46 => {
                let origin = *self.chance.one_of(&self.origins);
                Outgoing::event(self.installation, &CrimeEvent { origin, ..event }.sealed())?
            }
            46..49 => {
                let topic = Topic::Reported(*self.chance.one_of(&self.origins));
                Outgoing { topic, ..sound } // that of another state, or by chance the right one
            }
            _ if self.newest.is_empty() => Outgoing { value: None, ..sound },
            _ => {
                let mut event = self.chance.one_of(&self.newest).clone();
                event.investigation_stage = Some(format!("Same revision, other words {}", self.cases));
                Outgoing::event(self.installation, &event.sealed())?
            }
        })
    }
}

/// Rows of Goa's extract; every tenth stands there twice.
pub(crate) fn goa_rows(rows: u64) -> String {
    let row = |number| {
        format!("North Goa,Calangute Tinto,9101,{number:06},2024,FIR,2024-09-02,2024-09-01,303(2),BNS,,,,,\n")
    };
    (1..=rows).map(|number| row(number).repeat(if number % 10 == 0 { 2 } else { 1 })).collect()
}

/// Names of the records that those rows are.
pub(crate) fn goa_names(rows: u64) -> impl Iterator<Item = String> {
    (1..=rows).map(|number| format!("{PRODUCER}/9101/2024/{number:06}/fir"))
}

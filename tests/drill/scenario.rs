//! What goes wrong in a drill, in which order, and which alert has to notice it. What can be mended is mended when its alert
//! has fired, so that the next one starts from a line that works.

use crate::flow::{Flow, POISONED};
use crate::line::Line;
use crate::reader::{RECIPIENT, Reader};
use crate::report::Report;
use anyhow::{Result, ensure};
use std::time::{Duration, Instant};

/// How long everything goes well first.
const CALM: Duration = Duration::from_secs(180);
/// How often Prometheus is asked.
const LOOK: Duration = Duration::from_secs(5);
/// An alert that has not fired by then is missing: the slowest looks at half an hour and waits for five minutes.
const PATIENCE: Duration = Duration::from_secs(50 * 60);

/// A thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mishap {
    ProducerStops,
    TopicPoisoned,
    RecipientSlow,
    RegistryStops,
}

impl Mishap {
    pub(crate) const ALL: [Self; 4] =
        [Self::RecipientSlow, Self::ProducerStops, Self::TopicPoisoned, Self::RegistryStops];

    /// The alert that has to fire.
    pub(crate) const fn alert(self) -> &'static str {
        match self {
            Self::ProducerStops => "SancharDown",
            Self::TopicPoisoned => "SancharDeadLetters",
            Self::RecipientSlow => "SancharInboxReadLate",
            Self::RegistryStops => "SancharRegistryUnreachable",
        }
    }

    pub(crate) fn title(self) -> String {
        match self {
            Self::ProducerStops => "the producer of IN-KA is stopped".to_owned(),
            Self::TopicPoisoned => format!("1 record in 40 is poison, in the topic of {POISONED}"),
            Self::RecipientSlow => format!("{RECIPIENT} reads its inbox no more"),
            Self::RegistryStops => "the registry is away, and a record needs it".to_owned(),
        }
    }
}

/// Plays it, until every alert that has to fire has fired.
pub(crate) fn play(line: &mut Line<'_>, flow: &Flow, reader: &Reader, report: &mut Report) -> Result<()> {
    wait_calm(line, report)?;
    report.status("all is well", &line.status()?)?;
    for mishap in [Mishap::RecipientSlow, Mishap::ProducerStops, Mishap::TopicPoisoned] {
        begin(mishap, line, flow, reader, report)?;
    }
    wait_for(Mishap::ProducerStops, line, report)?;
    line.start_producer()?;
    wait_for(Mishap::TopicPoisoned, line, report)?;
    flow.poison(false);
    begin(Mishap::RegistryStops, line, flow, reader, report)?;
    wait_for(Mishap::RegistryStops, line, report)?;
    line.start_registry();
    wait_for(Mishap::RecipientSlow, line, report)?;
    report.scrapes(line)
}

fn begin(
    mishap: Mishap,
    line: &mut Line<'_>,
    flow: &Flow,
    reader: &Reader,
    report: &mut Report,
) -> Result<()> {
    report.began(mishap);
    match mishap {
        Mishap::ProducerStops => line.stop_producer()?,
        Mishap::TopicPoisoned => flow.poison(true),
        Mishap::RecipientSlow => reader.stand_still(),
        Mishap::RegistryStops => {
            line.stop_registry();
            flow.ask_registry();
        }
    }
    Ok(())
}

/// While nothing is wrong, nothing may fire.
fn wait_calm(line: &Line<'_>, report: &mut Report) -> Result<()> {
    let began = Instant::now();
    while began.elapsed() < CALM {
        std::thread::sleep(LOOK);
        look(line, report)?;
        ensure!(!report.has_fired(), "an alert fired while nothing was wrong: {}", report.fired());
    }
    Ok(())
}

fn wait_for(mishap: Mishap, line: &Line<'_>, report: &mut Report) -> Result<()> {
    let began = Instant::now();
    while !report.has_fired_for(mishap) && began.elapsed() < PATIENCE {
        std::thread::sleep(LOOK);
        look(line, report)?;
    }
    Ok(())
}

/// Looks at the alerts; where one fires for the first time, also at the line.
fn look(line: &Line<'_>, report: &mut Report) -> Result<()> {
    for alert in report.note(&line.prometheus.alerts()?) {
        report.status(&alert, &line.status()?)?;
    }
    Ok(())
}

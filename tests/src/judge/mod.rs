//! An independent judge: reads all topics as anybody could and says what is lost, repeated, out of order, leaked,
//! misrouted, altered or unaccounted for.
//!
//! It shares no code with the fan-out: its rules for deduplication, order and routing are its own, it decodes with the
//! general Avro library by what the registry says, and its borders come from an atlas. So a mistake has to be made twice
//! to stay unseen. It does not look at the register, nor at what an enrichment means.
//!
//! Read [`rules`] for what must hold and [`compare`] for what is looked at. It takes for granted that the service has
//! come to the end of its input, that nothing has been removed from a topic since it was empty, that the topics have the
//! partitions they always had, and that every event is written by one version of the schema. Of a record so large that
//! its enrichment decides whether an inbox takes it (64 KiB below the limit), either end is right.

mod avro;
pub mod borders;
pub mod compare;
mod coordination;
pub mod event;
pub mod fate;
pub mod observed;
pub mod place;
pub mod rules;
pub mod schemas;
pub mod verdict;

pub use place::Place;
pub use verdict::{Finding, Kind, Verdict};

use crate::inbox::{self, scan};
use crate::installation::Installation;
use anyhow::Result;
use compare::Comparison;
use sanchar_schemas::StateCode;
use sanchar_schemas::topics::Topic;
use schemas::Schemas;

/// Judges an installation whose fan-out has nothing left to do.
///
/// # Errors
/// When a topic cannot be read to its end, somebody still writes to it, the registry does not answer, or the input is
/// none that can be judged.
pub fn judge(installation: &Installation) -> Result<Verdict> {
    let registry = &installation.cluster.registry;
    let schemas = Schemas::of(|id| schemas::ask(registry, id));
    let mut comparison = Comparison::new(installation.topics.clone(), schemas);
    scan(installation, &[Topic::Dlq], |_, record| {
        comparison.letter(&record);
        Ok(())
    })?;
    let inputs: Vec<Topic> = StateCode::all().map(Topic::Reported).collect();
    scan(installation, &inputs, |topic, record| comparison.input(topic, &record))?;
    scan(installation, &inbox::all(), |topic, record| {
        let Topic::Shared(recipient) = topic else { return Ok(()) };
        comparison.copy(recipient, &record)
    })?;
    Ok(comparison.close())
}

#[cfg(test)]
mod tests;

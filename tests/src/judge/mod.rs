//! An independent judge: reads all topics as anybody could and says what is lost, repeated, out of order, leaked,
//! misrouted, altered or unaccounted for.
//!
//! It shares no code with the fan-out: its rules for deduplication, order and routing are its own, it decodes with the
//! general Avro library by what the registry says, and its borders come from an atlas. So a mistake has to be made twice
//! to stay unseen. It does not look at the register, nor at what an enrichment means.
//!
//! Read [`rules`] for what must hold and [`compare`] for what is looked at. It takes for granted that the service has
//! come to the end of its input, that nothing has been removed from a topic since it was empty, that every event is written
//! by one version of the schema, and that an input topic kept its partitions, or was given a multiple of them when all in it
//! had been processed: then a case goes on in its partition or in one with a higher number, and partitions are read in that
//! order. Of a record so large that its enrichment decides whether an inbox takes it (64 KiB below the limit), either end is
//! right.

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
    for topic in &inputs {
        if installation.partitions(*topic) > topic.spec().partitions {
            comparison.let_cases_move(*topic);
        }
    }
    let inputs = inbox::partitions(installation, &inputs);
    let most = inputs.iter().map(|(_, partition)| *partition).max().unwrap_or_default();
    for number in 0..=most {
        let of_number: Vec<_> =
            inputs.iter().copied().filter(|(_, partition)| *partition == number).collect();
        inbox::scan_partitions(installation, &of_number, |topic, record| comparison.input(topic, &record))?;
    }
    scan(installation, &inbox::all(), |topic, record| {
        let Topic::Shared(recipient) = topic else { return Ok(()) };
        comparison.copy(recipient, &record)
    })?;
    Ok(comparison.close())
}

#[cfg(test)]
mod tests;

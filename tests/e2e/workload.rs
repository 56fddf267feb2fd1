//! What several states publish in a busy hour: new cases, repeats, changes, late arrivals of older revisions, and
//! revisions that change nothing. The same seed gives the same hour.

use anyhow::Result;
use sanchar_schemas::{CrimeEvent, StateCode};
use sanchar_tests::Installation;
use sanchar_tests::chance::Chance;
use sanchar_tests::events::{self, state};
use sanchar_tests::publisher::Publisher;
use std::collections::HashMap;

/// States that publish; `model` knows their neighbours.
const ORIGINS: [&str; 6] = ["IN-DL", "IN-GA", "IN-KA", "IN-MZ", "IN-PB", "IN-SK"];

/// One publication. Equal content numbers are equal contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Publication {
    pub(crate) origin: StateCode,
    pub(crate) case: u32,
    pub(crate) revision: i64,
    pub(crate) content: u32,
}

impl Publication {
    pub(crate) fn event(self) -> CrimeEvent {
        events::theft(self.origin, self.case, self.revision, &self.content.to_string())
    }
}

/// The first `count` publications of the hour that `seed` stands for.
pub(crate) fn publications(count: u32, seed: u64) -> Vec<Publication> {
    let origins = ORIGINS.map(state);
    let mut chance = Chance::seeded(seed);
    let mut newest: HashMap<u32, Publication> = HashMap::new();
    let mut published: Vec<Publication> = Vec::new();
    for number in 0..count {
        let new =
            Publication { origin: *chance.one_of(&origins), case: number, revision: 10, content: number };
        let draw = chance.below(100);
        let next = if published.is_empty() || draw >= 26 {
            new
        } else {
            let earlier = *chance.one_of(&published);
            let known = newest[&earlier.case];
            let step = 1 + i64::try_from(chance.below(3)).unwrap();
            match draw {
                0..10 => earlier,
                10..14 => Publication { revision: known.revision - step, content: number, ..known },
                14..24 => Publication { revision: known.revision + step, content: number, ..known },
                _ => Publication { revision: known.revision + step, ..known },
            }
        };
        let known = newest.entry(next.case).or_insert(next);
        if next.revision > known.revision {
            *known = next;
        }
        published.push(next);
    }
    published
}

/// Publishes them in their order, through a plain client.
pub(crate) fn publish(installation: &Installation, publications: &[Publication]) -> Result<()> {
    let publisher = Publisher::new(installation)?;
    for publication in publications {
        publisher.event(&publication.event())?;
    }
    publisher.finish()
}

//! Which records a file has held so far, so that two different rows under one FIR number are noticed.
//!
//! A bounded memory of the last records of one file, in fingerprints. It is not the deduplication of events: that is
//! the fan-out service's, which remembers every record for ever.

use std::collections::{HashMap, VecDeque};

use sanchar_schemas::CrimeEvent;
use sanchar_schemas::digest::Sha256;

use crate::reason::{Problem, Reason, Rejection};

/// How many records are remembered; about 3 MiB.
const RECORDS_MAX: usize = 65_536;

/// The records that one file has held, the latest [`RECORDS_MAX`] of them.
#[derive(Debug, Default)]
pub struct SeenRecords {
    content: HashMap<u64, u64>,
    order: VecDeque<u64>,
}

impl SeenRecords {
    /// Remembers an event's record.
    ///
    /// # Errors
    /// When the record was there before with other content.
    pub fn check(&mut self, event: &CrimeEvent) -> Result<(), Rejection> {
        let (record, content) = fingerprints(event);
        match self.content.get(&record) {
            Some(known) if *known == content => Ok(()),
            Some(_) => Err(Problem::new(
                Reason::IdentityTaken,
                "is the number of another row of this file with other content, and nothing tells which is newer: \
                 correct the number, or map record.revision, or set rows.same_record = \"update\"",
            )
            .at("record_id")),
            None => {
                self.remember(record, content);
                Ok(())
            }
        }
    }

    /// Remembers an event's record with its newer content.
    pub fn replace(&mut self, event: &CrimeEvent) {
        let (record, content) = fingerprints(event);
        self.content.insert(record, content);
    }

    fn remember(&mut self, record: u64, content: u64) {
        if self.order.len() >= RECORDS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.content.remove(&oldest);
        }
        self.order.push_back(record);
        self.content.insert(record, content);
    }
}

fn fingerprints(event: &CrimeEvent) -> (u64, u64) {
    (fingerprint(&Sha256::of(event.record_id.as_str().as_bytes())), fingerprint(&event.content_hash))
}

/// The first eight bytes of a digest.
fn fingerprint(digest: &Sha256) -> u64 {
    digest.0.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

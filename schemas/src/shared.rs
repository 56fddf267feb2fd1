//! `sanchar.SharedCrimeEvent`: what a recipient reads from its inbox, and how it is put together.
//!
//! Avro writes a record as its fields one after another, so a delivery is a short prefix, the origin's bytes
//! as they came, and the encoded enrichment. Nothing is decoded and written again: the origin's hash and
//! signature still verify, and one buffer serves every recipient.

use crate::enrichment::Enrichment;
use crate::event::CrimeEvent;
use crate::symbols::symbols;
use serde::{Deserialize, Serialize};

symbols! {
    /// What a shared record tells its recipient.
    Notice default Unknown {
        /// A notice this reader does not know.
        Unknown = "UNKNOWN",
        /// An event for this state.
        Delivery = "DELIVERY",
        /// An event that this state received earlier is no longer meant for it: identity, no content.
        Withdrawal = "WITHDRAWAL",
    }
}

/// A record of a state's inbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedCrimeEvent {
    /// What this record tells the recipient.
    pub notice: Notice,
    /// The event as the origin published it; `None` in a withdrawal.
    #[serde(default)]
    pub event: Option<CrimeEvent>,
    /// What the fan-out service added.
    pub enrichment: Enrichment<'static>,
}

/// Avro bytes of a delivery up to the event: `notice` = DELIVERY (index 1), `event` = second branch.
const DELIVERY_PREFIX: [u8; 2] = [0x02, 0x02];
/// Avro bytes of a withdrawal up to the enrichment: `notice` = WITHDRAWAL (index 2), `event` = null.
const WITHDRAWAL_PREFIX: [u8; 2] = [0x04, 0x00];

/// Appends the Avro bytes of a delivery: the event's own bytes between the prefix and the enrichment's.
pub fn splice_delivery(event: &[u8], enrichment: &[u8], out: &mut Vec<u8>) {
    out.reserve(DELIVERY_PREFIX.len() + event.len() + enrichment.len());
    out.extend_from_slice(&DELIVERY_PREFIX);
    out.extend_from_slice(event);
    out.extend_from_slice(enrichment);
}

/// Appends the Avro bytes of a withdrawal.
pub fn splice_withdrawal(enrichment: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&WITHDRAWAL_PREFIX);
    out.extend_from_slice(enrichment);
}

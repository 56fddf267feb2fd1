//! `sanchar.SharedCrimeEvent`: what a recipient reads from its inbox, and how it is put together.
//!
//! Avro writes a record as its fields one after another, so a delivery is a short prefix, the origin's bytes
//! as they came, and the encoded enrichment. Nothing is decoded and written again: the origin's hash and
//! signature still verify, and one buffer serves every recipient.

use crate::event::CrimeEvent;
use crate::symbols::symbols;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

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

/// Derived facts, most of them borrowed from the event and the tables. Unknown values are `None` or empty, never guessed. Meanings: `avro/shared-crime-event`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrichment<'a> {
    /// The event's `event_id`.
    pub event_id: Cow<'a, str>,
    /// The event's `record_id`.
    pub record_id: Cow<'a, str>,
    /// The event's `revision`.
    pub revision: i64,
    /// ISO 3166-2 code of the origin.
    pub origin: Cow<'a, str>,
    /// Local Government Directory code of the origin.
    pub origin_lgd_code: i32,
    /// Name of the origin in English.
    pub origin_name_en: Cow<'a, str>,
    /// Name of the origin in Hindi.
    pub origin_name_hi: Cow<'a, str>,
    /// Gravest head; `None` where no section is known.
    #[serde(default)]
    pub primary_head: Option<Cow<'a, str>>,
    /// Severity of the primary head, 1 to 5; 0 where unknown.
    pub severity: i32,
    /// Heads of the sections, gravest first.
    #[serde(default)]
    pub heads: Vec<OffenceHead<'a>>,
    /// Act and section of each section that no table knows.
    #[serde(default)]
    pub unknown_sections: Vec<String>,
    /// ISO 3166-2 codes of all states that receive this revision.
    #[serde(default)]
    pub recipients: Vec<Cow<'a, str>>,
    /// Version of the tables used.
    pub rules_version: Cow<'a, str>,
    /// When the enrichment was made: ms since 1970, UTC.
    pub enriched_at: i64,
}

impl Enrichment<'_> {
    /// What a withdrawal may say: which record of which origin, and nothing that derives from its content or
    /// tells who else received it.
    #[must_use]
    pub fn identity_only(&self) -> Self {
        Self {
            primary_head: None,
            severity: 0,
            heads: Vec::new(),
            unknown_sections: Vec::new(),
            recipients: Vec::new(),
            ..self.clone()
        }
    }
}

/// A crime head that one or more sections fall under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OffenceHead<'a> {
    /// Code of the head.
    pub head: Cow<'a, str>,
    /// Name in English.
    pub label_en: Cow<'a, str>,
    /// Name in Hindi.
    pub label_hi: Cow<'a, str>,
    /// Equivalent sections of the IPC.
    #[serde(default)]
    pub ipc: Cow<'a, [String]>,
    /// Equivalent sections of the BNS.
    #[serde(default)]
    pub bns: Cow<'a, [String]>,
    /// Severity, 1 to 5.
    pub severity: i32,
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

//! What the fan-out service adds to an event: the `enrichment` field of a shared record.
//!
//! Only types; how values are derived is the business of crate `sanchar-fanout`. A field that a later version of the
//! schema added has a default here as there, so that records of every version are read.

use crate::symbols::symbols;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Version of what the fields of an enrichment mean. It grows when the derivation of a field changes, or fields are added.
pub const ENRICHMENT_VERSION: i32 = 2;

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
    /// Version of what the fields mean ([`ENRICHMENT_VERSION`]); `None` where there was none yet.
    #[serde(default)]
    pub enrichment_version: Option<i32>,
    /// First 16 hexadecimal digits of the SHA-256 of the routing rules.
    #[serde(default)]
    pub rules_digest: Option<Cow<'a, str>>,
    /// Act and section that the primary head and its severity come from.
    #[serde(default)]
    pub severity_source: Option<String>,
    /// Penal code in force when the offence was committed, where that is certain.
    #[serde(default)]
    pub code_in_force: Option<PenalCode>,
    /// District of the event, where the tables know it.
    #[serde(default)]
    pub district: Option<KnownDistrict<'a>>,
    /// For each recipient with a border there: its districts that touch the event's district.
    #[serde(default)]
    pub touching: Vec<TouchingDistricts<'a>>,
    /// Registration marks of the event's vehicles.
    #[serde(default)]
    pub vehicles: Vec<RegistrationReading>,
    /// Persons whose age band is known.
    #[serde(default)]
    pub persons: Vec<PersonReading>,
    /// Time of day of the occurrence, where it is known and within one band.
    #[serde(default)]
    pub time_of_day: Option<TimeOfDay>,
    /// Age of the event at its publication, in seconds.
    #[serde(default)]
    pub age_seconds: Option<i64>,
    /// Coordination groups that the origin asked for and the rules do not know.
    #[serde(default)]
    pub unknown_groups: Vec<Cow<'a, str>>,
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
            severity_source: None,
            code_in_force: None,
            district: None,
            touching: Vec::new(),
            vehicles: Vec::new(),
            persons: Vec::new(),
            time_of_day: None,
            age_seconds: None,
            unknown_groups: Vec::new(),
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

/// The event's district as the tables know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownDistrict<'a> {
    /// Name in English as it is today.
    pub name: Cow<'a, str>,
    /// Kind of district.
    pub kind: DistrictKind,
    /// Code of the Census of 2011; `None` for police districts and younger ones.
    #[serde(default)]
    pub census2011: Option<Cow<'a, str>>,
    /// Whether it touches a district of another state; `None` where not known.
    #[serde(default)]
    pub is_border: Option<bool>,
}

/// Districts of a recipient that touch the event's district.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TouchingDistricts<'a> {
    /// ISO 3166-2 code of the recipient.
    pub state: Cow<'a, str>,
    /// Names of its districts.
    #[serde(default)]
    pub districts: Vec<Cow<'a, str>>,
}

/// How a vehicle's registration mark reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationReading {
    /// Position in the event's vehicles, from 0.
    pub vehicle: i32,
    /// Capital letters and ASCII digits without separators.
    pub registration: String,
    /// Whether it is laid out as a mark of a known series.
    pub is_plausible: bool,
    /// What else it may read.
    #[serde(default)]
    pub candidates: Vec<String>,
}

/// What is derived of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonReading {
    /// Position in the event's persons, from 0.
    pub person: i32,
    /// Age band.
    pub age_band: AgeBand,
}

symbols! {
    /// A penal code.
    PenalCode default Unknown {
        /// A code this reader does not know.
        Unknown = "UNKNOWN",
        /// The Indian Penal Code 1860.
        Ipc = "IPC",
        /// The Bharatiya Nyaya Sanhita 2023.
        Bns = "BNS",
    }
}

symbols! {
    /// A kind of district.
    DistrictKind default Unknown {
        /// A kind this reader does not know.
        Unknown = "UNKNOWN",
        /// A district of the administration.
        Revenue = "REVENUE",
        /// A police district or commissionerate that is none.
        Police = "POLICE",
    }
}

symbols! {
    /// Bands of age, in completed years, as in the tables of the NCRB.
    AgeBand default Unknown {
        /// Not known.
        Unknown = "UNKNOWN",
        /// A child.
        Under18 = "UNDER_18",
        /// 18 to 29.
        From18To29 = "AGE_18_TO_29",
        /// 30 to 44.
        From30To44 = "AGE_30_TO_44",
        /// 45 to 59.
        From45To59 = "AGE_45_TO_59",
        /// 60 and more.
        From60 = "AGE_60_AND_OVER",
    }
}

symbols! {
    /// Time of day by the clock in India (+05:30).
    TimeOfDay default Unknown {
        /// A band this reader does not know.
        Unknown = "UNKNOWN",
        /// 00:00 to 05:59.
        Night = "NIGHT",
        /// 06:00 to 11:59.
        Morning = "MORNING",
        /// 12:00 to 17:59.
        Afternoon = "AFTERNOON",
        /// 18:00 to 23:59.
        Evening = "EVENING",
    }
}

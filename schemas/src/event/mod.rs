//! `sanchar.CrimeEvent`: what a producer publishes, field for field as in `avro/crime-event`.
//!
//! Plain data: how it is written is in [`crate::codec`], what makes it acceptable in [`crate::validate`],
//! how its identity is derived in [`crate::identity`]. The closed sets of symbols are in [`symbols`].

mod symbols;

use crate::digest::Sha256;
use crate::identity::RecordId;
use crate::state::StateCode;
use serde::{Deserialize, Serialize};
pub use symbols::*;

/// One thing that a state's police made known about one of its records: an FIR registered, a vehicle stolen, a person released. Published by the state that owns the record, never changed afterwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrimeEvent {
    /// Identity of this event: a UUID (RFC 9562, version 8) derived from record_id, revision and content_hash, so that the same row pulled twice is the same event.
    pub event_id: String,
    /// Name of the source's record for ever: state/police station/year/FIR number/part, for example IN-KA/1245/2016/0008/fir.
    pub record_id: RecordId,
    /// Version of the record; only grows. The source's own version or modification time (ms since 1970, UTC) where it has one, else the time of reading (ms since 1970, UTC).
    pub revision: i64,
    /// SHA-256 of the event's canonical content: everything but event_id, revision, content_hash, source_sha256 and published_at.
    pub content_hash: Sha256,
    /// What happened.
    pub kind: EventKind,
    /// What this event does to what was known before.
    pub action: EventAction,
    /// Whether it is real.
    pub status: EventStatus,
    /// ISO 3166-2 code of the state whose police published the event, for example IN-DL.
    pub origin: StateCode,
    /// District of the police station.
    #[serde(default)]
    pub district: Option<District>,
    /// Police station that registered the record: it alone decides the jurisdiction.
    #[serde(default)]
    pub police_station: Option<PoliceStation>,
    /// FIR number and year.
    #[serde(default)]
    pub fir: Option<FirReference>,
    /// Start of the occurrence.
    #[serde(default)]
    pub occurred_from: Option<Moment>,
    /// End of the occurrence.
    #[serde(default)]
    pub occurred_to: Option<Moment>,
    /// When the police registered it.
    #[serde(default)]
    pub reported_at: Option<Moment>,
    /// When the producer published this event, UTC.
    pub published_at: i64,
    /// After this moment (UTC) the event should no longer be acted on.
    #[serde(default)]
    pub expires_at: Option<i64>,
    /// Place of occurrence.
    #[serde(default)]
    pub place: Option<Place>,
    /// Acts and sections, in the order of the source.
    #[serde(default)]
    pub sections: Vec<Section>,
    /// Crime head as the source classifies it; Sanchar's own heads are in the enrichment.
    #[serde(default)]
    pub reported_head: Option<ReportedHead>,
    /// Stage of the case, in the source's words.
    #[serde(default)]
    pub investigation_stage: Option<String>,
    /// Numbers of persons.
    #[serde(default)]
    pub counts: Option<PersonCounts>,
    /// Persons in the case.
    #[serde(default)]
    pub persons: Vec<Person>,
    /// Vehicles in the case.
    #[serde(default)]
    pub vehicles: Vec<Vehicle>,
    /// Property in the case.
    #[serde(default)]
    pub property: Vec<Property>,
    /// Weapons in the case.
    #[serde(default)]
    pub weapons: Vec<Weapon>,
    /// Gang connection; present on gang-related events.
    #[serde(default)]
    pub gang: Option<Gang>,
    /// Change of custody.
    #[serde(default)]
    pub custody: Option<Custody>,
    /// Warrant.
    #[serde(default)]
    pub warrant: Option<Warrant>,
    /// Direction of escape, for events in progress.
    #[serde(default)]
    pub escape_direction: Option<String>,
    /// Free text, only where the source clears it.
    #[serde(default)]
    pub narrative: Option<String>,
    /// How the event may be used and how urgent it is.
    #[serde(default)]
    pub handling: Handling,
    /// Recipients that the origin asks for beyond the rules.
    #[serde(default)]
    pub addressing: Addressing,
    /// Ties to other records.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Fields that were withheld before the event left its origin.
    #[serde(default)]
    pub withheld: Vec<Withheld>,
    /// SHA-256 of the source row's bytes as they were read, for the certificate under BSA s.63(4).
    pub source_sha256: Sha256,
}

/// A field that the source knows and that the origin withholds: withheld is not absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withheld {
    /// Path of the field, for example `persons[0].name`.
    pub path: String,
    /// Why it is withheld.
    pub reason: WithholdingReason,
}

/// A tie to another record, in this state or another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// How the two are tied.
    pub relation: LinkRelation,
    /// record_id of the other record, or the reference as written where it has none.
    pub record_id: String,
}

/// Recipients that the origin asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addressing {
    /// ISO 3166-2 codes of states.
    #[serde(default)]
    pub states: Vec<StateCode>,
    /// Names of coordination groups.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// Conditions that the origin sets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Handling {
    /// Handling code.
    #[serde(default)]
    pub code: HandlingCode,
    /// Classification.
    #[serde(default)]
    pub classification: Classification,
    /// Priority.
    #[serde(default)]
    pub priority: Priority,
    /// A danger to officers who act on it: to be shown first.
    #[serde(default)]
    pub officer_safety: bool,
    /// Grade of the source.
    #[serde(default)]
    pub source_grade: Option<SourceGrade>,
    /// Grade of the information.
    #[serde(default)]
    pub information_grade: Option<InformationGrade>,
    /// ISO 3166-2 codes of states that must not receive it, whatever the rules say.
    #[serde(default)]
    pub excluded_states: Vec<StateCode>,
    /// Caveat to be shown with the event, for example: a lead only, confirm with the origin before acting.
    #[serde(default)]
    pub caveat: Option<String>,
}

impl Handling {
    /// Whether the event is to overtake others.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.priority == Priority::Urgent || self.officer_safety
    }
}

/// A warrant or proclamation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warrant {
    /// Number of the warrant.
    pub number: String,
    /// Issuing court.
    #[serde(default)]
    pub court: Option<String>,
    /// When it was issued.
    #[serde(default)]
    pub issued_at: Option<Moment>,
    /// Whether it was executed.
    #[serde(default)]
    pub executed: bool,
}

/// A change of custody: arrest, surrender, bail, parole, discharge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Custody {
    /// What changed.
    pub change: CustodyChange,
    /// When.
    #[serde(default)]
    pub at: Option<Moment>,
    /// End of parole or of the bail period.
    #[serde(default)]
    pub until: Option<Moment>,
    /// Jail or court.
    #[serde(default)]
    pub institution: Option<String>,
}

/// A gang or organised crime syndicate that the case is connected with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gang {
    /// Name that the police use for it.
    pub name: String,
    /// Leader as recorded.
    #[serde(default)]
    pub leader: Option<String>,
    /// Way of working, in short.
    #[serde(default)]
    pub note: Option<String>,
}

/// A weapon, ammunition or explosive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weapon {
    /// Role in the case.
    pub role: ObjectRole,
    /// Kind of weapon, for example country-made pistol.
    pub weapon_type: String,
    /// Calibre or bore as written.
    #[serde(default)]
    pub calibre: Option<String>,
    /// Number on the weapon.
    #[serde(default)]
    pub identifier: Option<String>,
    /// How many.
    #[serde(default = "one")]
    pub count: i32,
}

/// Property other than vehicles and weapons (IIF-4).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Property {
    /// Role in the case.
    pub role: ObjectRole,
    /// Category.
    #[serde(default)]
    pub category: PropertyCategory,
    /// Description as recorded.
    #[serde(default)]
    pub description: Option<String>,
    /// Serial number, IMEI or other identifier.
    #[serde(default)]
    pub identifier: Option<String>,
    /// Quantity, in unit.
    #[serde(default)]
    pub quantity: Option<f64>,
    /// Unit of quantity, for example kg.
    #[serde(default)]
    pub unit: Option<String>,
    /// Value in whole rupees.
    #[serde(default)]
    pub value_inr: Option<i64>,
}

/// A vehicle in the case.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vehicle {
    /// Role in the case.
    pub role: ObjectRole,
    /// Registration mark as the source writes it. It never decides the state.
    #[serde(default)]
    pub registration: Option<String>,
    /// Chassis number as written.
    #[serde(default)]
    pub chassis: Option<String>,
    /// Engine number as written.
    #[serde(default)]
    pub engine: Option<String>,
    /// Kind of vehicle, for example motorcycle.
    #[serde(default)]
    pub vehicle_type: Option<String>,
    /// Make.
    #[serde(default)]
    pub make: Option<String>,
    /// Model.
    #[serde(default)]
    pub model: Option<String>,
    /// Colour.
    #[serde(default)]
    pub colour: Option<String>,
    /// Year of manufacture.
    #[serde(default)]
    pub model_year: Option<i32>,
}

/// A person in the case. What the law withholds is absent here and listed in withheld.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Role in the case.
    pub role: PersonRole,
    /// The source's code of the person in this case, for example A1.
    #[serde(default)]
    pub code: Option<String>,
    /// Name in its own script.
    #[serde(default)]
    pub name: Option<String>,
    /// Other names.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Father's, mother's or spouse's name as recorded.
    #[serde(default)]
    pub relative: Option<String>,
    /// Gender as recorded.
    #[serde(default)]
    pub gender: Gender,
    /// Age in completed years.
    #[serde(default)]
    pub age_years: Option<i32>,
    /// Under 18 at the time (JJ Act 2015); null where not known.
    #[serde(default)]
    pub is_child: Option<bool>,
    /// Address as recorded.
    #[serde(default)]
    pub address: Option<String>,
    /// ISO 3166-2 code of the state of residence.
    #[serde(default)]
    pub state: Option<StateCode>,
    /// Nationality as recorded.
    #[serde(default)]
    pub nationality: Option<String>,
    /// National Fingerprint Number (NAFIS): ten digits, for life.
    #[serde(default)]
    pub nfn: Option<String>,
    /// Build, marks, dress and other means of recognition.
    #[serde(default)]
    pub description: Option<String>,
}

/// Numbers of persons where the source gives no more than numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonCounts {
    /// Men among the victims.
    #[serde(default)]
    pub victims_male: Option<i32>,
    /// Women among the victims.
    #[serde(default)]
    pub victims_female: Option<i32>,
    /// Boys among the victims.
    #[serde(default)]
    pub victims_boy: Option<i32>,
    /// Girls among the victims.
    #[serde(default)]
    pub victims_girl: Option<i32>,
    /// Accused persons.
    #[serde(default)]
    pub accused: Option<i32>,
    /// Arrested persons.
    #[serde(default)]
    pub arrested: Option<i32>,
    /// Charge-sheeted persons.
    #[serde(default)]
    pub charge_sheeted: Option<i32>,
    /// Convicted persons.
    #[serde(default)]
    pub convicted: Option<i32>,
}

/// The source's own classification of the offence.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedHead {
    /// Major head or group.
    #[serde(default)]
    pub major: Option<String>,
    /// Minor head.
    #[serde(default)]
    pub minor: Option<String>,
}

/// A section of law invoked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Code of the act (offences/acts.csv) where it is known, else its name as written.
    pub act: String,
    /// Section with its sub-sections, as text, for example 303(2).
    pub section: String,
}

/// Where it happened.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Place as described by the source.
    #[serde(default)]
    pub text: Option<String>,
    /// Village, ward or area.
    #[serde(default)]
    pub locality: Option<String>,
    /// Beat of the police station.
    #[serde(default)]
    pub beat: Option<String>,
    /// Direction and distance from the police station, as described.
    #[serde(default)]
    pub from_station: Option<String>,
    /// Postal code, six digits.
    #[serde(default)]
    pub pin_code: Option<String>,
    /// Degrees north, WGS 84.
    #[serde(default)]
    pub latitude: Option<f64>,
    /// Degrees east, WGS 84.
    #[serde(default)]
    pub longitude: Option<f64>,
}

/// A point in time and how exactly it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// UTC. Where the precision is coarser than a minute: the start of that day, month or year in India (+05:30).
    pub at: i64,
    /// How exactly the moment is known.
    pub precision: TimePrecision,
}

/// A first information report's number. It restarts with each station and year, so it means nothing without both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirReference {
    /// Serial number as text: leading zeros matter.
    pub number: String,
    /// Year of registration, four digits.
    pub year: i32,
    /// Register that the number belongs to.
    #[serde(default = "fir_register")]
    pub kind: RegisterKind,
}

/// A police station as the source names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoliceStation {
    /// Name, as written by the source after trimming.
    pub name: String,
    /// The source's code of the station; part of record_id where there is one.
    #[serde(default)]
    pub code: Option<String>,
}

/// A district as the source names it. The police district, which is not always the revenue district.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct District {
    /// Name, as written by the source after trimming.
    pub name: String,
    /// The source's code of the district.
    #[serde(default)]
    pub code: Option<String>,
}

fn one() -> i32 {
    1
}

fn fir_register() -> RegisterKind {
    RegisterKind::Fir
}

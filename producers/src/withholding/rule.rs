//! What a rule of withholding can say: in which cases, of whom, which fields. Which of it is true of a case is in
//! [`super::case`].

use sanchar_schemas::event::{
    CrimeEvent, EventKind, ObjectRole, Person, PersonRole, Place, WithholdingReason,
};
use serde::{Deserialize, Serialize};

/// A rule: where its `case` holds, its fields do not leave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What it is called, once: small letters, digits and `-`.
    pub name: String,
    /// The law or the order that it follows, for people.
    pub because: String,
    /// The reason that recipients are told.
    pub reason: WithholdingReason,
    /// Which cases. Default: every case.
    #[serde(default, skip_serializing_if = "CaseFilter::is_any")]
    pub case: CaseFilter,
    /// Fields of the case as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<CaseField>,
    /// Fields of persons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persons: Option<Persons>,
    /// Fields of vehicles, property and weapons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<Objects>,
    /// Whether a state may lift it for some kinds of event, by an order that it names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_be_lifted: bool,
}

/// Which cases a rule is about. All that is given has to hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CaseFilter {
    /// A section of it falls under a head of one of these classes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub offences: Vec<OffenceClass>,
    /// A child has a part in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub children: Option<Children>,
    /// Whether the source cleared the narrative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub narrative: Option<Clearance>,
    /// Whether it is a notice: of a missing or found person or of an unidentified body, made to have somebody recognised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<bool>,
}

impl CaseFilter {
    fn is_any(&self) -> bool {
        *self == Self::default()
    }
}

/// Classes of offences that rules are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OffenceClass {
    /// BNS 64 to 71, the former IPC 376 family, POCSO.
    Sexual,
    /// No section is given.
    Unknown,
    /// Neither a section nor a head that is known is given, and the kind does not say what happened.
    Untold,
}

/// The part that a child has in a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Children {
    /// Any, that of an accused too.
    Any,
    /// Victim, witness, missing or the like, or the act is about children.
    Victim,
}

/// Whether the source cleared the narrative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clearance {
    /// It may leave.
    Cleared,
    /// Nobody has said so.
    Uncleared,
}

/// Persons that a rule is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Persons {
    /// Their roles. Default: every role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<PersonRole>,
    /// Only those under 18, and whoever may be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub children: bool,
    /// What does not leave.
    pub fields: Vec<PersonField>,
}

/// Vehicles, property and weapons that a rule is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objects {
    /// Their roles. Default: every role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<ObjectRole>,
    /// What does not leave.
    pub fields: Vec<ObjectField>,
}

/// A rule that a state lifts for some kinds of event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lifted {
    /// Names of the rules; each must be one that may be lifted.
    pub rules: Vec<String>,
    /// Kinds of event: of `MISSING_PERSON`, `PERSON_FOUND` and `UNIDENTIFIED_BODY`, the notices. They are lifted for whom the
    /// notice is about alone.
    pub kinds: Vec<EventKind>,
    /// The order: who decided it, with rank, number and date.
    pub order: String,
}

/// Whether a kind of event is made to have somebody recognised.
pub(super) fn is_notice(kind: EventKind) -> bool {
    matches!(kind, EventKind::MissingPerson | EventKind::PersonFound | EventKind::UnidentifiedBody)
}

/// A closed set of fields, each by the name that it has in the contract.
macro_rules! fields {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

fields! {
    /// Fields of the case as a whole.
    CaseField {
        /// The place, whole.
        Place = "place",
        /// The place as described.
        PlaceText = "place.text",
        /// The narrative.
        Narrative = "narrative",
        /// The gang's leader.
        GangLeader = "gang.leader",
        /// What is noted of the gang.
        GangNote = "gang.note",
        /// Direction of escape.
        EscapeDirection = "escape_direction",
        /// Stage of the case.
        InvestigationStage = "investigation_stage",
        /// Jail, home or court.
        Institution = "custody.institution",
        /// Caveat.
        Caveat = "handling.caveat",
    }
}

fields! {
    /// Fields of a person.
    PersonField {
        /// The source's code of the person.
        Code = "code",
        /// Name.
        Name = "name",
        /// Other names.
        Aliases = "aliases",
        /// Father, mother or spouse.
        Relative = "relative",
        /// Gender.
        Gender = "gender",
        /// Age.
        AgeYears = "age_years",
        /// Under 18.
        IsChild = "is_child",
        /// Address.
        Address = "address",
        /// State of residence.
        State = "state",
        /// Nationality.
        Nationality = "nationality",
        /// National Fingerprint Number.
        Nfn = "nfn",
        /// Means of recognition.
        Description = "description",
    }
}

fields! {
    /// Fields of a vehicle, of property or of a weapon, where it has them.
    ObjectField {
        /// Registration mark.
        Registration = "registration",
        /// Chassis number.
        Chassis = "chassis",
        /// Engine number.
        Engine = "engine",
        /// Serial number, IMEI or other identifier.
        Identifier = "identifier",
        /// Description.
        Description = "description",
    }
}

/// Empties a field; whether there was something in it.
fn empty<T: Default + PartialEq>(field: &mut T) -> bool {
    std::mem::take(field) != T::default()
}

impl CaseField {
    /// Takes it out; whether there was something in it.
    pub(super) fn take(self, event: &mut CrimeEvent) -> bool {
        let is_empty = |place: &Place| *place == Place::default();
        match self {
            Self::Place => empty(&mut event.place),
            Self::PlaceText => {
                let had = event.place.as_mut().is_some_and(|place| empty(&mut place.text));
                event.place = event.place.take().filter(|place| !is_empty(place));
                had
            }
            Self::Narrative => empty(&mut event.narrative),
            Self::GangLeader => event.gang.as_mut().is_some_and(|gang| empty(&mut gang.leader)),
            Self::GangNote => event.gang.as_mut().is_some_and(|gang| empty(&mut gang.note)),
            Self::EscapeDirection => empty(&mut event.escape_direction),
            Self::InvestigationStage => empty(&mut event.investigation_stage),
            Self::Institution => {
                event.custody.as_mut().is_some_and(|custody| empty(&mut custody.institution))
            }
            Self::Caveat => empty(&mut event.handling.caveat),
        }
    }
}

impl PersonField {
    /// Takes it out; whether there was something in it.
    pub(super) fn take(self, person: &mut Person) -> bool {
        match self {
            Self::Code => empty(&mut person.code),
            Self::Name => empty(&mut person.name),
            Self::Aliases => empty(&mut person.aliases),
            Self::Relative => empty(&mut person.relative),
            Self::Gender => empty(&mut person.gender),
            Self::AgeYears => empty(&mut person.age_years),
            Self::IsChild => empty(&mut person.is_child),
            Self::Address => empty(&mut person.address),
            Self::State => empty(&mut person.state),
            Self::Nationality => empty(&mut person.nationality),
            Self::Nfn => empty(&mut person.nfn),
            Self::Description => empty(&mut person.description),
        }
    }
}

impl ObjectField {
    /// Takes it out of a list's item; whether there was something in it. An item without such a field has none.
    pub(super) fn take(self, object: &mut Object<'_>) -> bool {
        match (self, object) {
            (Self::Registration, Object::Vehicle(vehicle)) => empty(&mut vehicle.registration),
            (Self::Chassis, Object::Vehicle(vehicle)) => empty(&mut vehicle.chassis),
            (Self::Engine, Object::Vehicle(vehicle)) => empty(&mut vehicle.engine),
            (Self::Identifier, Object::Property(property)) => empty(&mut property.identifier),
            (Self::Identifier, Object::Weapon(weapon)) => empty(&mut weapon.identifier),
            (Self::Description, Object::Property(property)) => empty(&mut property.description),
            _ => false,
        }
    }
}

/// An item of one of the lists of objects.
pub(super) enum Object<'e> {
    Vehicle(&'e mut sanchar_schemas::event::Vehicle),
    Property(&'e mut sanchar_schemas::event::Property),
    Weapon(&'e mut sanchar_schemas::event::Weapon),
}

impl Object<'_> {
    pub(super) fn role(&self) -> ObjectRole {
        match self {
            Self::Vehicle(vehicle) => vehicle.role,
            Self::Property(property) => property.role,
            Self::Weapon(weapon) => weapon.role,
        }
    }
}

/// The objects of an event with their paths.
pub(super) fn objects(event: &mut CrimeEvent) -> impl Iterator<Item = (&'static str, usize, Object<'_>)> {
    let vehicles = event.vehicles.iter_mut().enumerate();
    let property = event.property.iter_mut().enumerate();
    let weapons = event.weapons.iter_mut().enumerate();
    vehicles
        .map(|(i, vehicle)| ("vehicles", i, Object::Vehicle(vehicle)))
        .chain(property.map(|(i, property)| ("property", i, Object::Property(property))))
        .chain(weapons.map(|(i, weapon)| ("weapons", i, Object::Weapon(weapon))))
}

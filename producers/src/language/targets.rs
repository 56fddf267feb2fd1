//! The fields of an event that a mapping may fill, named as in the contract. What does not leave the state is not decided
//! here but in [`crate::withholding`], of the event that comes out.
//!
//! Every table here mirrors a record of `sanchar.CrimeEvent`; a test compares the two. How a field is read is in
//! [`super::field`].

use sanchar_schemas::StateCode;
use sanchar_schemas::event::{
    Classification, CustodyChange, EventAction, EventStatus, Gender, HandlingCode, InformationGrade,
    LinkRelation, Moment, ObjectRole, PersonRole, Priority, PropertyCategory, RegisterKind, SourceGrade,
};
use serde::{Deserialize, Serialize};

use super::column::{NamesColumns, Visit};
use super::condition::When;
use super::field::{Field, List};
use super::join::Each;
use super::kind::Kind;
use super::leaf::Revision;
use super::sections::Sections;

macro_rules! targets {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)+
        }

        impl NamesColumns for $name {
            fn each_column(&mut self, visit: &mut Visit<'_>) {
                visit.table(|visit| { $(visit.within(stringify!($field), &mut self.$field);)+ });
            }
        }

        impl $name {
            /// The names of its fields.
            #[cfg(test)]
            pub(crate) const FIELDS: &'static [&'static str] = &[$(stringify!($field),)+];
        }
    };
}

targets! {
    /// The `[mapping]` table: where each field of an event comes from.
    Mapping {
        /// What the record is called, and how its versions are told apart.
        record: Record,
        /// What happened. Must be given.
        kind: Kind,
        /// What the event does to what was known before. Default `REPORT`.
        action: Field<EventAction>,
        /// Whether it is real. Default `ACTUAL`.
        status: Field<EventStatus>,
        /// District of the police station.
        district: District,
        /// Police station that registered the record. Its code or name must be given.
        police_station: PoliceStation,
        /// FIR number and year. Must be given.
        fir: Fir,
        /// Start of the occurrence.
        occurred_from: Field<Moment>,
        /// End of the occurrence.
        occurred_to: Field<Moment>,
        /// When the police registered it.
        reported_at: Field<Moment>,
        /// After this moment the event should no longer be acted on.
        expires_at: Field<Moment>,
        /// Place of occurrence.
        place: Place,
        /// Acts and sections.
        sections: Sections,
        /// The source's own classification.
        reported_head: ReportedHead,
        /// Stage of the case, in the source's words.
        investigation_stage: Field<String>,
        /// Numbers of persons.
        counts: Counts,
        /// Persons.
        persons: Vec<Person>,
        /// Vehicles.
        vehicles: Vec<Vehicle>,
        /// Property other than vehicles and weapons.
        property: Vec<Property>,
        /// Weapons.
        weapons: Vec<Weapon>,
        /// Gang connection.
        gang: Gang,
        /// Change of custody.
        custody: Custody,
        /// Warrant or proclamation.
        warrant: Warrant,
        /// Direction of escape.
        escape_direction: Field<String>,
        /// What happened, in the source's words.
        narrative: Narrative,
        /// How the event may be used and how urgent it is.
        handling: Handling,
        /// Recipients that the origin asks for.
        addressing: Addressing,
        /// Ties to other records.
        links: Vec<Link>,
    }
}

targets! {
    /// What the record is called: the last part of its id, and its version.
    Record {
        /// Tells several records of one FIR apart. Default `fir`.
        part: Field<String>,
        /// The source's version number or time of modification; every row must have it then. Default: the time of
        /// reading.
        revision: Field<Revision>,
    }
}

targets! {
    /// District of the police station.
    District {
        /// Name.
        name: Field<String>,
        /// The source's code.
        code: Field<String>,
    }
}

targets! {
    /// Police station. Its code, else its name in one spelling, is part of the record's id.
    PoliceStation {
        /// Name.
        name: Field<String>,
        /// The source's code.
        code: Field<String>,
    }
}

targets! {
    /// FIR number.
    Fir {
        /// Serial number as text: leading zeros matter.
        number: Field<String>,
        /// Year of registration.
        year: Field<i32>,
        /// Register that the number belongs to. Default `FIR`.
        kind: Field<RegisterKind>,
    }
}

targets! {
    /// Place of occurrence.
    Place {
        /// As described.
        text: Field<String>,
        /// Village, ward or area.
        locality: Field<String>,
        /// Beat of the police station.
        beat: Field<String>,
        /// Direction and distance from the police station.
        from_station: Field<String>,
        /// Postal code.
        pin_code: Field<String>,
        /// Degrees north.
        latitude: Field<f64>,
        /// Degrees east.
        longitude: Field<f64>,
    }
}

targets! {
    /// What happened, in the source's words. It does not leave where `cleared` is not given or does not hold.
    Narrative {
        /// The text. Must be given.
        text: Field<String>,
        /// Which rows' narratives somebody with the right to has cleared for other states.
        cleared: When,
    }
}

targets! {
    /// The source's own classification.
    ReportedHead {
        /// Major head or group.
        major: Field<String>,
        /// Minor head.
        minor: Field<String>,
    }
}

targets! {
    /// Numbers of persons.
    Counts {
        /// Men among the victims.
        victims_male: Field<i32>,
        /// Women among the victims.
        victims_female: Field<i32>,
        /// Boys among the victims.
        victims_boy: Field<i32>,
        /// Girls among the victims.
        victims_girl: Field<i32>,
        /// Accused persons.
        accused: Field<i32>,
        /// Arrested persons.
        arrested: Field<i32>,
        /// Charge-sheeted persons.
        charge_sheeted: Field<i32>,
        /// Convicted persons.
        convicted: Field<i32>,
    }
}

targets! {
    /// A person. Left out where `when` does not hold, or no field but the role has a value.
    Person {
        /// The join whose rows of the case are one person each.
        each: Each,
        /// Condition for this person to be there.
        when: When,
        /// Role in the case. Must be given.
        role: Field<PersonRole>,
        /// The source's code of the person in this case.
        code: Field<String>,
        /// Name.
        name: Field<String>,
        /// Other names.
        aliases: List<String>,
        /// Father's, mother's or spouse's name.
        relative: Field<String>,
        /// Gender.
        gender: Field<Gender>,
        /// Age in completed years.
        age_years: Field<i32>,
        /// Under 18 at the time.
        is_child: Field<bool>,
        /// Address.
        address: Field<String>,
        /// State of residence.
        state: Field<StateCode>,
        /// Nationality.
        nationality: Field<String>,
        /// National Fingerprint Number.
        nfn: Field<String>,
        /// Build, marks, dress and other means of recognition.
        description: Field<String>,
    }
}

targets! {
    /// A vehicle. Left out where `when` does not hold, or no field but the role has a value.
    Vehicle {
        /// The join whose rows of the case are one vehicle each.
        each: Each,
        /// Condition for this vehicle to be there.
        when: When,
        /// Role in the case. Must be given.
        role: Field<ObjectRole>,
        /// Registration mark.
        registration: Field<String>,
        /// Chassis number.
        chassis: Field<String>,
        /// Engine number.
        engine: Field<String>,
        /// Kind of vehicle.
        vehicle_type: Field<String>,
        /// Make.
        make: Field<String>,
        /// Model.
        model: Field<String>,
        /// Colour.
        colour: Field<String>,
        /// Year of manufacture.
        model_year: Field<i32>,
    }
}

targets! {
    /// Property. Left out where `when` does not hold, or no field but role and category has a value.
    Property {
        /// The join whose rows of the case are one property each.
        each: Each,
        /// Condition for this property to be there.
        when: When,
        /// Role in the case. Must be given.
        role: Field<ObjectRole>,
        /// Category. Default `OTHER`.
        category: Field<PropertyCategory>,
        /// Description.
        description: Field<String>,
        /// Serial number, IMEI or other identifier.
        identifier: Field<String>,
        /// Quantity.
        quantity: Field<f64>,
        /// Unit of quantity.
        unit: Field<String>,
        /// Value in whole rupees.
        value_inr: Field<i64>,
    }
}

targets! {
    /// A weapon. Left out where `when` does not hold, or its type is empty.
    Weapon {
        /// The join whose rows of the case are one weapon each.
        each: Each,
        /// Condition for this weapon to be there.
        when: When,
        /// Role in the case. Must be given.
        role: Field<ObjectRole>,
        /// Kind of weapon. Must be given.
        weapon_type: Field<String>,
        /// Calibre or bore.
        calibre: Field<String>,
        /// Number on the weapon.
        identifier: Field<String>,
        /// How many. Default 1.
        count: Field<i32>,
    }
}

targets! {
    /// Gang connection. Left out where the name is empty.
    Gang {
        /// Name that the police use for it. Must be given.
        name: Field<String>,
        /// Leader.
        leader: Field<String>,
        /// Way of working.
        note: Field<String>,
    }
}

targets! {
    /// Change of custody. Left out where the change is empty.
    Custody {
        /// What changed. Must be given.
        change: Field<CustodyChange>,
        /// When.
        at: Field<Moment>,
        /// End of parole or of the bail period.
        until: Field<Moment>,
        /// Jail or court.
        institution: Field<String>,
    }
}

targets! {
    /// Warrant. Left out where the number is empty.
    Warrant {
        /// Number. Must be given.
        number: Field<String>,
        /// Issuing court.
        court: Field<String>,
        /// When it was issued.
        issued_at: Field<Moment>,
        /// Whether it was executed. Default false.
        executed: Field<bool>,
    }
}

targets! {
    /// Conditions that the origin sets.
    Handling {
        /// Handling code. Default `POLICE_USE`.
        code: Field<HandlingCode>,
        /// Security classification. Default `UNCLASSIFIED`; `SECRET` and above go to quarantine.
        classification: Field<Classification>,
        /// Priority. Default `ROUTINE`.
        priority: Field<Priority>,
        /// A danger to officers. Default false.
        officer_safety: Field<bool>,
        /// Grade of the source.
        source_grade: Field<SourceGrade>,
        /// Grade of the information.
        information_grade: Field<InformationGrade>,
        /// States that must not receive it.
        excluded_states: List<StateCode>,
        /// Caveat.
        caveat: Field<String>,
    }
}

targets! {
    /// Recipients that the origin asks for.
    Addressing {
        /// States.
        states: List<StateCode>,
        /// Coordination groups.
        groups: List<String>,
    }
}

targets! {
    /// A tie to another record. Left out where `when` does not hold, or its record is empty.
    Link {
        /// The join whose rows of the case are one tie each.
        each: Each,
        /// Condition for this tie to be there.
        when: When,
        /// How the two are tied. Default `RELATED`.
        relation: Field<LinkRelation>,
        /// The other record. Must be given.
        record_id: Field<String>,
    }
}

impl Mapping {
    /// Whether the records have revisions of their own.
    pub(crate) fn has_own_revision(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.revision.is_some())
    }
}

#[cfg(test)]
mod tests;

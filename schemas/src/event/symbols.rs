//! The closed sets of symbols of a crime event, in the order of the schema.
//! A reader meets `UNKNOWN` (or the set's default) where a newer writer used a symbol it does not know.

use crate::symbols::symbols;

/// A text that is no symbol of its set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {set} `{symbol}`; use one of {known}")]
pub struct UnknownSymbol {
    /// Name of the set.
    pub set: &'static str,
    /// The text, at most 64 characters of it.
    pub symbol: String,
    /// The symbols of the set, separated by commas.
    pub known: String,
}

symbols! {
    /// What happened.
    EventKind default Unknown {
        /// A kind this reader does not know.
        Unknown = "UNKNOWN",
        /// A first information report was registered (BNSS s.173).
        Fir = "FIR",
        /// An FIR registered without regard to area and transferred to the station with jurisdiction.
        ZeroFir = "ZERO_FIR",
        /// A person was arrested or surrendered (IIF-3).
        Arrest = "ARREST",
        /// A wanted or proclaimed offender.
        Wanted = "WANTED",
        /// A non-bailable warrant is pending or was executed.
        Warrant = "WARRANT",
        /// A vehicle was stolen.
        VehicleStolen = "VEHICLE_STOLEN",
        /// A vehicle was recovered.
        VehicleRecovered = "VEHICLE_RECOVERED",
        /// Arms, drugs, currency or other property was seized (IIF-4).
        Seizure = "SEIZURE",
        /// A person is missing.
        MissingPerson = "MISSING_PERSON",
        /// A missing or unknown person was found.
        PersonFound = "PERSON_FOUND",
        /// An unidentified body was found.
        UnidentifiedBody = "UNIDENTIFIED_BODY",
        /// A note on a gang or an associate.
        Intelligence = "INTELLIGENCE",
        /// Release on bail, on parole or from jail.
        Release = "RELEASE",
        /// Be on the lookout.
        Lookout = "LOOKOUT",
        /// An offence in progress with a direction of escape.
        InProgress = "IN_PROGRESS",
        /// A final form was sent to court (IIF-5).
        ChargeSheet = "CHARGE_SHEET",
        /// A hit, an acknowledgement or an outcome.
        Feedback = "FEEDBACK",
    }
}

symbols! {
    /// What an event does to what was known before.
    EventAction default Unknown {
        /// An action this reader does not know.
        Unknown = "UNKNOWN",
        /// Told for the first time.
        Report = "REPORT",
        /// The record moved on.
        Update = "UPDATE",
        /// An earlier revision was wrong.
        Correct = "CORRECT",
        /// The record no longer stands; what was derived from it is to be withdrawn.
        Cancel = "CANCEL",
    }
}

symbols! {
    /// Whether an event is real (CAP 1.2).
    EventStatus default Unknown {
        /// A status this reader does not know; treat as ACTUAL.
        Unknown = "UNKNOWN",
        /// Real.
        Actual = "ACTUAL",
        /// Part of a drill.
        Exercise = "EXERCISE",
        /// A technical test, to be ignored.
        Test = "TEST",
    }
}

symbols! {
    /// Which of the station's registers the number belongs to.
    RegisterKind default Unknown {
        /// Not known.
        Unknown = "UNKNOWN",
        /// First information reports.
        Fir = "FIR",
        /// Zero FIRs.
        ZeroFir = "ZERO_FIR",
        /// Inquests (unnatural death, BNSS s.194).
        Inquest = "INQUEST",
        /// Non-cognizable reports.
        NonCognizable = "NON_COGNIZABLE",
        /// The general diary.
        GeneralDiary = "GENERAL_DIARY",
    }
}

symbols! {
    /// How much of a moment the source knew.
    TimePrecision default Unknown {
        /// Not known.
        Unknown = "UNKNOWN",
        /// To the minute or better.
        Minute = "MINUTE",
        /// The day alone.
        Day = "DAY",
        /// The month alone.
        Month = "MONTH",
        /// The year alone.
        Year = "YEAR",
    }
}

symbols! {
    /// Role in the case.
    PersonRole default Unknown {
        /// Not known.
        Unknown = "UNKNOWN",
        /// Accused.
        Accused = "ACCUSED",
        /// Suspected.
        Suspect = "SUSPECT",
        /// Wanted or proclaimed.
        Wanted = "WANTED",
        /// Arrested.
        Arrested = "ARRESTED",
        /// Released.
        Released = "RELEASED",
        /// Victim.
        Victim = "VICTIM",
        /// Complainant or informant.
        Complainant = "COMPLAINANT",
        /// Witness.
        Witness = "WITNESS",
        /// Missing.
        Missing = "MISSING",
        /// Found.
        Found = "FOUND",
        /// Dead.
        Deceased = "DECEASED",
        /// Associate of a gang or of an accused.
        Associate = "ASSOCIATE",
    }
}

symbols! {
    /// Gender.
    Gender default Unknown {
        /// Not recorded.
        Unknown = "UNKNOWN",
        /// Female.
        Female = "FEMALE",
        /// Male.
        Male = "MALE",
        /// Transgender.
        Transgender = "TRANSGENDER",
    }
}

symbols! {
    /// Role of a vehicle, property or weapon.
    ObjectRole default Unknown {
        /// Not known.
        Unknown = "UNKNOWN",
        /// Stolen.
        Stolen = "STOLEN",
        /// Recovered.
        Recovered = "RECOVERED",
        /// Seized.
        Seized = "SEIZED",
        /// Used in the offence.
        Used = "USED",
        /// Involved.
        Involved = "INVOLVED",
        /// Looked for.
        Wanted = "WANTED",
    }
}

symbols! {
    /// Property category.
    PropertyCategory default Other {
        /// None of these.
        Other = "OTHER",
        /// Money.
        Currency = "CURRENCY",
        /// Counterfeit money.
        Counterfeit = "COUNTERFEIT",
        /// Narcotics.
        Drugs = "DRUGS",
        /// Liquor.
        Liquor = "LIQUOR",
        /// Gold and jewellery.
        Jewellery = "JEWELLERY",
        /// Telephones and other devices.
        Electronics = "ELECTRONICS",
        /// Documents.
        Documents = "DOCUMENTS",
        /// Cultural property.
        Cultural = "CULTURAL",
        /// Animals.
        Livestock = "LIVESTOCK",
    }
}

symbols! {
    /// Custody change.
    CustodyChange default Unknown {
        /// Not known.
        Unknown = "UNKNOWN",
        /// Arrested.
        Arrested = "ARRESTED",
        /// Surrendered to a court.
        Surrendered = "SURRENDERED",
        /// Released on bail.
        Bail = "BAIL",
        /// Released on parole or furlough.
        Parole = "PAROLE",
        /// Released from jail.
        Discharged = "DISCHARGED",
        /// Escaped from custody.
        Escaped = "ESCAPED",
        /// Did not return from bail or parole.
        Absconded = "ABSCONDED",
    }
}

symbols! {
    /// After SIENA's H codes.
    HandlingCode default PoliceUse {
        /// A code this reader does not know; treat as ASK_ORIGIN.
        Unknown = "UNKNOWN",
        /// For law enforcement alone.
        PoliceUse = "POLICE_USE",
        /// Not as evidence without the origin's permission.
        NotInCourt = "NOT_IN_COURT",
        /// Not to be passed on without the origin's permission.
        NoOnward = "NO_ONWARD",
        /// Other conditions; ask the origin first.
        AskOrigin = "ASK_ORIGIN",
    }
}

symbols! {
    /// Security classification.
    Classification default Unclassified {
        /// One this reader does not know; refused.
        Unknown = "UNKNOWN",
        /// None.
        Unclassified = "UNCLASSIFIED",
        /// Restricted.
        Restricted = "RESTRICTED",
        /// Confidential.
        Confidential = "CONFIDENTIAL",
        /// Refused by this system.
        Secret = "SECRET",
        /// Refused by this system.
        TopSecret = "TOP_SECRET",
    }
}

symbols! {
    /// Priority.
    Priority default Routine {
        /// In the ordinary course.
        Routine = "ROUTINE",
        /// The same day.
        Priority = "PRIORITY",
        /// At once.
        Urgent = "URGENT",
    }
}

symbols! {
    /// Reliability of the source (4x4).
    SourceGrade default X {
        /// No doubt.
        A = "A",
        /// Mostly reliable.
        B = "B",
        /// Mostly unreliable.
        C = "C",
        /// Cannot be assessed.
        X = "X",
    }
}

symbols! {
    /// Accuracy of the information (4x4).
    InformationGrade default Grade4 {
        /// Known to be true.
        Grade1 = "GRADE_1",
        /// Known to the source personally.
        Grade2 = "GRADE_2",
        /// Not known to the source personally but confirmed by other information.
        Grade3 = "GRADE_3",
        /// Cannot be confirmed.
        Grade4 = "GRADE_4",
    }
}

symbols! {
    /// Link relation.
    LinkRelation default Related {
        /// Related.
        Related = "RELATED",
        /// This record is the zero FIR of the linked one.
        ZeroFirOf = "ZERO_FIR_OF",
        /// This record was registered from the linked zero FIR.
        RegisteredFrom = "REGISTERED_FROM",
        /// The same incident, recorded elsewhere.
        SameIncident = "SAME_INCIDENT",
        /// Takes the place of the linked record.
        Supersedes = "SUPERSEDES",
    }
}

symbols! {
    /// Withholding reason.
    WithholdingReason default Other {
        /// Another reason.
        Other = "OTHER",
        /// BNS s.72.
        SexualOffenceVictim = "SEXUAL_OFFENCE_VICTIM",
        /// POCSO s.23, JJ Act s.74.
        Child = "CHILD",
        /// Identity of an informant or witness.
        Informant = "INFORMANT",
        /// Telephone, caste, religion, Aadhaar, passport.
        PersonalIdentifier = "PERSONAL_IDENTIFIER",
        /// Narrative not cleared.
        FreeTextNotCleared = "FREE_TEXT_NOT_CLEARED",
        /// The place would identify a protected person.
        PlaceIdentifies = "PLACE_IDENTIFIES",
        /// The producer does not carry this field yet.
        NotMapped = "NOT_MAPPED",
    }
}

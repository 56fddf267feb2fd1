//! Invented events for tests and benchmarks: plausible in shape and size, with no real person or place number.

use sanchar_schemas::digest::Sha256;
use sanchar_schemas::event::{
    Addressing, CrimeEvent, District, EventAction, EventKind, EventStatus, FirReference, Gender, Handling,
    Moment, ObjectRole, Person, PersonRole, Place, PoliceStation, RegisterKind, Section, TimePrecision,
    Vehicle,
};
use sanchar_schemas::{RecordId, StateCode};

/// A moment in January 2026, ms since 1970, UTC.
pub const PUBLISHED_AT_MS: i64 = 1_768_000_000_000;

/// A state by its code.
///
/// # Panics
/// When the code is none, which is a mistake in the test.
#[must_use]
#[expect(clippy::expect_used, reason = "a mistake in the test")]
pub fn state(code: &str) -> StateCode {
    code.parse().expect("the code of a state")
}

/// A theft of `origin`; `case` and `revision` identify it, `change` varies its content.
///
/// # Panics
/// Never: the parts are valid.
#[must_use]
#[expect(clippy::expect_used, reason = "the parts are constants")]
pub fn theft(origin: StateCode, case: u32, revision: i64, change: &str) -> CrimeEvent {
    let station = format!("{:04}", 1_000 + case % 97);
    let number = format!("{case:06}");
    let record_id = RecordId::new(origin, &station, 2026, &number, "fir").expect("the parts of a record id");
    let moment = |ms| Some(Moment { at: ms, precision: TimePrecision::Minute });
    CrimeEvent {
        event_id: String::new(),
        record_id,
        revision,
        content_hash: Sha256::default(),
        kind: EventKind::Fir,
        action: if revision == 1 { EventAction::Report } else { EventAction::Update },
        status: EventStatus::Actual,
        origin,
        district: Some(District {
            name: "ज़िला परीक्षण".to_owned(), code: Some("901".to_owned())
        }),
        police_station: Some(PoliceStation {
            name: "थाना परीक्षण".to_owned(), code: Some(station)
        }),
        fir: Some(FirReference { number, year: 2026, kind: RegisterKind::Fir }),
        occurred_from: moment(PUBLISHED_AT_MS - 90_000_000),
        occurred_to: moment(PUBLISHED_AT_MS - 80_000_000),
        reported_at: moment(PUBLISHED_AT_MS - 70_000_000),
        published_at: PUBLISHED_AT_MS,
        expires_at: None,
        place: Some(Place { text: Some("Market road near the bus stand".to_owned()), ..Place::default() }),
        sections: vec![
            Section { act: "BNS".to_owned(), section: "303(2)".to_owned() },
            Section { act: "BNS".to_owned(), section: "3(5)".to_owned() },
        ],
        reported_head: None,
        investigation_stage: Some(format!("Under investigation {change}")),
        counts: None,
        persons: vec![Person { role: PersonRole::Suspect, gender: Gender::Male, ..Person::default() }],
        vehicles: vec![Vehicle {
            role: ObjectRole::Used,
            registration: Some(format!("XX00TT{:04}", case % 10_000)),
            vehicle_type: Some("motorcycle".to_owned()),
            ..Vehicle::default()
        }],
        property: Vec::new(),
        weapons: Vec::new(),
        gang: None,
        custody: None,
        warrant: None,
        escape_direction: None,
        narrative: None,
        handling: Handling::default(),
        addressing: Addressing::default(),
        links: Vec::new(),
        withheld: Vec::new(),
        source_sha256: Sha256::of(&case.to_be_bytes()),
    }
    .sealed()
}

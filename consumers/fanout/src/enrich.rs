//! What an event means: codes and names of the origin, crime heads with both codes' sections, severity.
//! Pure, from tables. What no table knows is left out or listed as unknown, never guessed.

use crate::route::Route;
use sanchar_schemas::event::ObjectRole;
use sanchar_schemas::offence::Head;
use sanchar_schemas::shared::{Enrichment, OffenceHead};
use sanchar_schemas::{CrimeEvent, TABLES_VERSION};

/// Head of a theft whose object is a vehicle. The sections do not tell it apart from other thefts.
const THEFT: &str = "THEFT";
const THEFT_MOTOR_VEHICLE: &str = "THEFT_MOTOR_VEHICLE";

/// Derives the enrichment of an event that goes where `route` says.
#[must_use]
pub fn enrich(event: &CrimeEvent, route: &Route, now_ms: i64) -> Enrichment {
    let origin = event.origin.row();
    let Offences { heads, unknown } = offences(event);
    let gravest = heads.first();
    Enrichment {
        event_id: event.event_id.clone(),
        record_id: event.record_id.to_string(),
        revision: event.revision,
        origin: origin.iso.clone(),
        origin_lgd_code: origin.lgd_code,
        origin_name_en: origin.name_en.clone(),
        origin_name_hi: origin.name_hi.clone(),
        primary_head: gravest.map(|head| head.head.clone()),
        severity: gravest.map_or(0, |head| head.severity),
        heads: heads.iter().map(|head| offence_head(head)).collect(),
        unknown_sections: unknown,
        recipients: route.recipients().iter().map(|state| state.as_str().to_owned()).collect(),
        rules_version: TABLES_VERSION.to_owned(),
        enriched_at: now_ms,
    }
}

struct Offences {
    /// Gravest first; of equals the one named first (principal offence rule).
    heads: Vec<&'static Head>,
    unknown: Vec<String>,
}

fn offences(event: &CrimeEvent) -> Offences {
    let mut found = Offences { heads: Vec::new(), unknown: Vec::new() };
    for section in &event.sections {
        match Head::of(&section.act, &section.section) {
            Some(head) if found.heads.iter().any(|known| known.head == head.head) => {}
            Some(head) => found.heads.push(head),
            None => found.unknown.push(format!("{} {}", section.act, section.section)),
        }
    }
    if event.vehicles.iter().any(|vehicle| vehicle.role == ObjectRole::Stolen) {
        for head in found.heads.iter_mut().filter(|head| head.head == THEFT) {
            *head = Head::by_code(THEFT_MOTOR_VEHICLE).unwrap_or(head);
        }
    }
    found.heads.sort_by_key(|head| -head.severity);
    found
}

fn offence_head(head: &Head) -> OffenceHead {
    OffenceHead {
        head: head.head.clone(),
        label_en: head.label_en.clone(),
        label_hi: head.label_hi.clone(),
        ipc: head.ipc.clone(),
        bns: head.bns.clone(),
        severity: head.severity,
    }
}

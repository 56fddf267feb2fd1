//! What an event means: codes and names of the origin, crime heads with both codes' sections, severity.
//! Pure, from tables. What no table knows is left out or listed as unknown, never guessed.

use crate::route::Route;
use sanchar_schemas::offence::Head;
use sanchar_schemas::shared::{Enrichment, OffenceHead};
use sanchar_schemas::{Outline, TABLES_VERSION};

/// Head of a theft whose object is a vehicle. The sections do not tell it apart from other thefts.
const THEFT: &str = "THEFT";
const THEFT_MOTOR_VEHICLE: &str = "THEFT_MOTOR_VEHICLE";

/// Derives the enrichment of an event that goes where `route` says.
#[must_use]
pub fn enrich<'e>(event: &Outline<'e>, route: &Route, now_ms: i64) -> Enrichment<'e> {
    let origin = event.origin.row();
    let Offences { heads, unknown } = offences(event);
    let gravest = heads.first();
    Enrichment {
        event_id: event.event_id.into(),
        record_id: event.record_id.to_string().into(),
        revision: event.revision,
        origin: origin.iso.as_str().into(),
        origin_lgd_code: origin.lgd_code,
        origin_name_en: origin.name_en.as_str().into(),
        origin_name_hi: origin.name_hi.as_str().into(),
        primary_head: gravest.map(|head| head.head.as_str().into()),
        severity: gravest.map_or(0, |head| head.severity),
        heads: heads.iter().map(|head| offence_head(head)).collect(),
        unknown_sections: unknown,
        recipients: route.recipients().iter().map(|state| state.as_str().into()).collect(),
        rules_version: TABLES_VERSION.into(),
        enriched_at: now_ms,
    }
}

struct Offences {
    /// Gravest first; of equals the one named first (principal offence rule).
    heads: Vec<&'static Head>,
    unknown: Vec<String>,
}

fn offences(event: &Outline<'_>) -> Offences {
    let mut found = Offences { heads: Vec::new(), unknown: Vec::new() };
    for (act, section) in &event.sections {
        match Head::of(act, section) {
            Some(head) if found.heads.iter().any(|known| known.head == head.head) => {}
            Some(head) => found.heads.push(head),
            None => found.unknown.push(format!("{act} {section}")),
        }
    }
    if event.has_stolen_vehicle {
        for head in found.heads.iter_mut().filter(|head| head.head == THEFT) {
            *head = Head::by_code(THEFT_MOTOR_VEHICLE).unwrap_or(head);
        }
    }
    found.heads.sort_by_key(|head| -head.severity);
    found
}

fn offence_head(head: &'static Head) -> OffenceHead<'static> {
    OffenceHead {
        head: head.head.as_str().into(),
        label_en: head.label_en.as_str().into(),
        label_hi: head.label_hi.as_str().into(),
        ipc: head.ipc.as_slice().into(),
        bns: head.bns.as_slice().into(),
        severity: head.severity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::event;
    use crate::route::route;
    use sanchar_schemas::CrimeEvent;
    use sanchar_schemas::StateSet;
    use sanchar_schemas::adjacency::Adjacency;
    use sanchar_schemas::event::{ObjectRole, Section, Vehicle};

    fn with_sections(sections: &[(&str, &str)]) -> CrimeEvent {
        let mut event = event("IN-DL");
        let section =
            |(act, section): &(&str, &str)| Section { act: (*act).into(), section: (*section).into() };
        event.sections = sections.iter().map(section).collect();
        event
    }

    fn enriched(event: &CrimeEvent) -> Enrichment<'_> {
        let event = Outline::of(event);
        enrich(&event, &route(&event, Adjacency::builtin(), StateSet::EMPTY), 7)
    }

    #[test]
    fn the_origin_is_named_in_english_and_hindi() {
        let event = with_sections(&[]);
        let enrichment = enriched(&event);
        assert_eq!((&*enrichment.origin, enrichment.origin_lgd_code), ("IN-DL", 7));
        assert_eq!((&*enrichment.origin_name_en, &*enrichment.origin_name_hi), ("Delhi", "दिल्ली"));
        assert_eq!(enrichment.recipients, ["IN-HR", "IN-UP"]);
        assert_eq!((enrichment.primary_head, enrichment.severity), (None, 0), "unknown is not guessed");
    }

    #[test]
    fn the_gravest_head_comes_first_and_both_codes_are_named() {
        let event = with_sections(&[("IPC", "420"), ("IPC", "302"), ("IPC", "506"), ("IPC", "420")]);
        let enrichment = enriched(&event);
        assert_eq!(enrichment.primary_head.as_deref(), Some("MURDER"));
        assert_eq!(enrichment.severity, 5);
        let heads: Vec<&str> = enrichment.heads.iter().map(|head| &*head.head).collect();
        assert_eq!(heads, ["MURDER", "CHEATING", "CRIMINAL_INTIMIDATION"]);
        assert_eq!(
            (&enrichment.heads[0].ipc[0], &enrichment.heads[0].bns[0]),
            (&"302".to_owned(), &"103(1)".to_owned())
        );
    }

    #[test]
    fn a_theft_with_a_stolen_vehicle_is_a_vehicle_theft() {
        let mut event = with_sections(&[("BNS", "303(2)")]);
        assert_eq!(enriched(&event).primary_head.as_deref(), Some("THEFT"));
        event.vehicles = vec![Vehicle { role: ObjectRole::Stolen, ..Vehicle::default() }];
        assert_eq!(enriched(&event).primary_head.as_deref(), Some("THEFT_MOTOR_VEHICLE"));
    }

    #[test]
    fn a_section_that_no_table_knows_is_listed() {
        let event = with_sections(&[("KARNATAKA POLICE ACT", "96"), ("BNS", "304(2)")]);
        let enrichment = enriched(&event);
        assert_eq!(enrichment.unknown_sections, ["KARNATAKA POLICE ACT 96"]);
        assert_eq!(enrichment.primary_head.as_deref(), Some("SNATCHING"));
    }
}

//! What recipients are told of an event beyond what its origin wrote: names of the origin, crime heads with both codes'
//! sections, severity, district, readings of numbers and ages. Pure, from tables. What no table knows is left out or listed
//! as unknown, never guessed.

mod when;

use crate::meaning::{FoundHead, Meaning};
use crate::route::Route;
use crate::rules::Rules;
use sanchar_schemas::StateSet;
use sanchar_schemas::district::{self, District};
use sanchar_schemas::enrichment::{
    AgeBand, DistrictKind, ENRICHMENT_VERSION, Enrichment, KnownDistrict, OffenceHead, PersonReading,
    RegistrationReading, TouchingDistricts,
};
use sanchar_schemas::outline::{Age, Outline};
use sanchar_schemas::registration::Registration;

/// Derives the enrichment of an event that goes where `route` says.
#[must_use]
pub fn enrich<'e>(
    event: &Outline<'e>,
    meaning: &Meaning<'e>,
    rules: &'e Rules,
    route: &Route<'_>,
    now_ms: i64,
) -> Enrichment<'e> {
    let origin = event.origin.row();
    let primary = meaning.heads.first();
    let is_unknown = |asked: &&&str| !rules.groups().iter().any(|group| group.is_called(asked));
    Enrichment {
        event_id: event.event_id.into(),
        record_id: event.record_id.to_string().into(),
        revision: event.revision,
        origin: origin.iso.as_str().into(),
        origin_lgd_code: origin.lgd_code,
        origin_name_en: origin.name_en.as_str().into(),
        origin_name_hi: origin.name_hi.as_str().into(),
        primary_head: primary.map(|found| found.head.head.as_str().into()),
        severity: meaning.severity(),
        heads: meaning.heads.iter().map(offence_head).collect(),
        unknown_sections: meaning.unknown_sections.iter().map(spelled).collect(),
        recipients: route.deliveries.iter().map(|state| state.as_str().into()).collect(),
        rules_version: rules.version().into(),
        enriched_at: now_ms,
        enrichment_version: Some(ENRICHMENT_VERSION),
        rules_digest: Some(rules.digest().into()),
        severity_source: primary.map(|found| spelled(&found.section)),
        code_in_force: when::code_in_force(event),
        district: meaning.district.map(known_district),
        touching: meaning.district.map_or_else(Vec::new, |found| touching(found, route.deliveries)),
        vehicles: event.vehicles.iter().enumerate().filter_map(registration_reading).collect(),
        persons: event.ages.iter().enumerate().filter_map(person_reading).collect(),
        time_of_day: when::time_of_day(event),
        age_seconds: when::age_seconds(event),
        unknown_groups: event
            .addressed_groups
            .iter()
            .filter(is_unknown)
            .map(|group| (*group).into())
            .collect(),
    }
}

fn spelled((act, section): &(&str, &str)) -> String {
    format!("{act} {section}")
}

fn offence_head(FoundHead { head, .. }: &FoundHead<'_>) -> OffenceHead<'static> {
    OffenceHead {
        head: head.head.as_str().into(),
        label_en: head.label_en.as_str().into(),
        label_hi: head.label_hi.as_str().into(),
        ipc: head.ipc.as_slice().into(),
        bns: head.bns.as_slice().into(),
        severity: head.severity,
    }
}

fn known_district(found: &'static District) -> KnownDistrict<'static> {
    KnownDistrict {
        name: found.name.as_str().into(),
        kind: match found.kind {
            district::DistrictKind::Revenue => DistrictKind::Revenue,
            district::DistrictKind::Police => DistrictKind::Police,
        },
        census2011: found.census2011.as_deref().map(Into::into),
        is_border: found.is_border(),
    }
}

fn touching(found: &'static District, recipients: StateSet) -> Vec<TouchingDistricts<'static>> {
    let others = found.touching_states();
    let states = recipients.iter().filter(|state| others.contains(*state));
    let districts = |state| found.touching(state).map(Into::into).collect();
    states
        .map(|state| TouchingDistricts { state: state.as_str().into(), districts: districts(state) })
        .collect()
}

fn registration_reading((vehicle, text): (usize, &Option<&str>)) -> Option<RegistrationReading> {
    let Registration { text: registration, is_plausible, candidates } = Registration::of((*text)?);
    if registration.is_empty() {
        return None;
    }
    Some(RegistrationReading {
        vehicle: i32::try_from(vehicle).ok()?,
        registration,
        is_plausible,
        candidates,
    })
}

fn person_reading((person, age): (usize, &Age)) -> Option<PersonReading> {
    Some(PersonReading { person: i32::try_from(person).ok()?, age_band: age_band(*age)? })
}

/// The band of an age; `None` where it is not known, or years and childhood contradict each other.
fn age_band(Age { years, is_child }: Age) -> Option<AgeBand> {
    match (years, is_child) {
        (None, Some(true)) | (Some(0..18), None | Some(true)) => Some(AgeBand::Under18),
        (Some(18..30), None | Some(false)) => Some(AgeBand::From18To29),
        (Some(30..45), None | Some(false)) => Some(AgeBand::From30To44),
        (Some(45..60), None | Some(false)) => Some(AgeBand::From45To59),
        (Some(60..=125), None | Some(false)) => Some(AgeBand::From60),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

//! Names of protected persons in what [`super::names`] leaves alone: the district, the police station, an act, and what names the record.
//!
//! Places are called after persons, so that a part of a name in them says little. What a table knows stays: a district or an act that is really
//! called so. No table knows all stations: there the whole name counts. A station with a code is then known by that; what names the record
//! and cannot be left out is a reason to refuse the row.

use sanchar_schemas::district::District;
use sanchar_schemas::event::{PoliceStation, WithholdingReason};
use sanchar_schemas::{CrimeEvent, RecordId};

use super::fold::{folded, words};
use super::names::{Names, Of};
use super::offence::is_known;
use crate::reason::{Problem, Reason, Rejection};

/// Words of the name of every police station.
const OF_STATIONS: [&str; 10] =
    ["thana", "थाना", "ps", "police", "station", "kotwali", "कोतवाली", "chowki", "चौकी", "पुलिस"];

/// Takes out what can be left out, and tells `note` its path and the reason.
///
/// # Errors
/// [`Rejection`], where the name stands in what the record cannot be without.
pub(super) fn take(
    event: &mut CrimeEvent,
    names: &Names<'_>,
    note: &mut dyn FnMut(String, WithholdingReason),
) -> Result<(), Rejection> {
    let origin = event.origin;
    if let Some(district) = &mut event.district
        && District::find(origin, &district.name).is_none()
        && let Some(reason) = names.is_in(&district.name, Of::Place)
    {
        district.name.clear();
        note("district.name".to_owned(), reason);
    }
    for (i, link) in event.links.iter_mut().enumerate() {
        let is_record = RecordId::parse(link.record_id.clone()).is_ok();
        let named = match is_record {
            true => own_parts(&link.record_id).find_map(|part| names.is_in(part, Of::Anything)),
            false => names.is_in(&link.record_id, Of::Anything),
        };
        if let Some(reason) = named {
            link.record_id.clear();
            note(format!("links[{i}].record_id"), reason);
        }
    }
    if let Some(station) = &mut event.police_station
        && let Some(reason) = of_station(station, names)?
    {
        note("police_station.name".to_owned(), reason);
    }
    of_sections(event, names)?;
    of_record(event, names)
}

/// Why the station's name was taken, if it was.
fn of_station(
    station: &mut PoliceStation,
    names: &Names<'_>,
) -> Result<Option<WithholdingReason>, Rejection> {
    let is_whole = |text: &str| {
        let text = folded(text);
        let words: Vec<&str> = words(&text).filter(|word| !OF_STATIONS.contains(word)).collect();
        names.whole_in(&words)
    };
    if station.code.as_deref().is_some_and(|code| is_whole(code).is_some()) {
        return Err(refused("police_station.code", "correct the column that it comes from"));
    }
    let Some(reason) = is_whole(&station.name) else { return Ok(None) };
    let Some(code) = &station.code else {
        let remedy = "correct the column, or map police_station.code, and the code takes its place";
        return Err(refused("police_station.name", remedy));
    };
    station.name.clone_from(code);
    Ok(Some(reason))
}

fn of_sections(event: &CrimeEvent, names: &Names<'_>) -> Result<(), Rejection> {
    let is_named = |text: &str| names.is_in(text, Of::Anything).is_some();
    let mut sections = event.sections.iter();
    if sections.any(|of| is_named(&of.section) || (!is_known(&of.act) && is_named(&of.act))) {
        return Err(refused("sections", "correct the column that they come from"));
    }
    Ok(())
}

fn of_record(event: &CrimeEvent, names: &Names<'_>) -> Result<(), Rejection> {
    if event.fir.as_ref().is_some_and(|fir| names.is_in(&fir.number, Of::Anything).is_some()) {
        return Err(refused("fir.number", "correct the column that it comes from"));
    }
    if own_parts(event.record_id.as_str()).any(|part| names.is_in(part, Of::Anything).is_some()) {
        return Err(refused("record.part", "tell records of a case apart by a number or a code"));
    }
    Ok(())
}

/// What names a record beside its state, station and year, of which the station is looked through for itself: number and part.
pub(super) fn own_parts(record_id: &str) -> impl Iterator<Item = &str> {
    record_id.split('/').skip(3)
}

fn refused(field: &str, remedy: &str) -> Rejection {
    let message = format!("must not hold the name or address of a person who is withheld: {remedy}");
    Problem::new(Reason::Restricted, message).at(field)
}

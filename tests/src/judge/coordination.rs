//! Who must know besides land neighbours, as the judge reads the built-in rules: partners of the islands, three coordination
//! groups, states that the origin asks for, and offences that only some may see.
//!
//! Written by hand and apart from the product's rules. Sections are understood as a source writes them plainly
//! (`BNS 111(2)`); the many spellings are the product's business and no workload uses them.

use super::borders::States;
use super::event::Event;
use sanchar_schemas::StateCode;

/// By sea and air.
const PARTNERS: [(&str, &str); 4] =
    [("IN-AN", "IN-AP"), ("IN-AN", "IN-TN"), ("IN-AN", "IN-WB"), ("IN-LD", "IN-KL")];

const NCR: &str = "IN-DL IN-HR IN-RJ IN-UP";
const NRPCC: &str = "IN-CH IN-DL IN-HP IN-HR IN-JK IN-PB IN-RJ IN-UK IN-UP";
const DELHI_INTERSTATE: &str = "IN-BR IN-DL IN-HP IN-HR IN-JH IN-JK IN-PB IN-RJ IN-UK IN-UP";

/// What the groups look for in an event's sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offence {
    VehicleTheft,
    Snatching,
    Organised,
    PettyOrganised,
    Arms,
    Explosives,
    Narcotics,
}

/// States that must know of an event beside the neighbours of its origin.
pub(super) fn others(event: &Event) -> States {
    partners(event.origin).or(event.addressed).or(groups(event))
}

/// Whether only some may see an event. The built-in rules name nobody who may.
pub(super) fn is_restricted(event: &Event) -> bool {
    event.sections.iter().any(|(act, section)| match act.as_str() {
        "UAPA" | "OSA" => true,
        "BNS" => ["113", "147", "148", "149", "150", "151", "152"].iter().any(|of| is_of(section, of)),
        "IPC" => ["121", "122", "123", "124"].iter().any(|of| section.starts_with(of)),
        "IT" => is_of(section, "66F"),
        _ => false,
    })
}

fn partners(origin: StateCode) -> States {
    let sides = PARTNERS.iter().flat_map(|(a, b)| [(a, b), (b, a)]);
    sides
        .filter(|(side, _)| **side == origin.as_str())
        .map(|(_, other)| *other)
        .filter_map(|code| code.parse().ok())
        .collect()
}

fn groups(event: &Event) -> States {
    use Offence::{Arms, Explosives, Narcotics, Organised, PettyOrganised, Snatching, VehicleTheft};
    let grave = [Organised, Arms, Explosives];
    let ncr_kinds = ["RELEASE", "WANTED", "VEHICLE_STOLEN", "VEHICLE_RECOVERED", "LOOKOUT", "IN_PROGRESS"];
    let is_any = |wanted: &[Offence]| offences(event).any(|found| wanted.contains(&found));
    let concerns = [
        (
            "NCR",
            NCR,
            ncr_kinds.contains(&event.kind.as_str())
                || is_any(&grave)
                || is_any(&[VehicleTheft, Snatching, PettyOrganised]),
        ),
        ("NRPCC", NRPCC, is_any(&grave) || is_any(&[Narcotics])),
        ("DELHI-INTERSTATE", DELHI_INTERSTATE, event.kind == "RELEASE" || is_any(&grave)),
    ];
    let mut all = States::NONE;
    for (name, members, fits) in concerns {
        let members: States = members.split(' ').filter_map(|code| code.parse().ok()).collect();
        let is_asked = event.groups.iter().any(|asked| asked.trim().eq_ignore_ascii_case(name));
        if is_asked || (members.contains(event.origin) && (fits || event.has_gang)) {
            all = all.or(members);
        }
    }
    all
}

fn offences(event: &Event) -> impl Iterator<Item = Offence> {
    event.sections.iter().filter_map(|(act, section)| match act.as_str() {
        "BNS" if is_of(section, "305(b)") => Some(Offence::VehicleTheft),
        "BNS" if is_of(section, "303(2)") && event.has_stolen_vehicle => Some(Offence::VehicleTheft),
        "IPC" if is_of(section, "379") && event.has_stolen_vehicle => Some(Offence::VehicleTheft),
        "BNS" if is_of(section, "304") => Some(Offence::Snatching),
        "BNS" if is_of(section, "111") => Some(Offence::Organised),
        "BNS" if is_of(section, "112") => Some(Offence::PettyOrganised),
        "MCOCA" if is_of(section, "3") => Some(Offence::Organised),
        "UP_GANGSTERS" if is_of(section, "2") || is_of(section, "3") => Some(Offence::Organised),
        "ARMS" => Some(Offence::Arms),
        "EXPLOSIVES" => Some(Offence::Explosives),
        "NDPS" => Some(Offence::Narcotics),
        _ => None,
    })
}

/// Whether a section is `of` or a part of it.
fn is_of(section: &str, of: &str) -> bool {
    section.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('('))
}

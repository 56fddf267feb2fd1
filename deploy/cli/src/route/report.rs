//! What `route explain` prints for people.

use std::io::Write;

use console::style;
use sanchar_schemas::CrimeEvent;
use sanchar_schemas::enrichment::{Enrichment, OffenceHead};

use super::explain::{Explanation, NotSent, Why};
use crate::moment::in_india;
use crate::outcome::Stop;
use crate::table::Table;
use crate::text::clean;

pub(super) fn print(
    event: &CrimeEvent,
    explanation: &Explanation<'_>,
    out: &mut dyn Write,
) -> Result<(), Stop> {
    let enrichment = &explanation.enrichment;
    writeln!(
        out,
        "{}  {} {}  revision {}",
        style(&event.record_id).bold(),
        event.kind,
        event.action,
        event.revision
    )?;
    writeln!(
        out,
        "from {} {} ({}), published {}",
        enrichment.origin,
        enrichment.origin_name_en,
        enrichment.origin_name_hi,
        in_india(event.published_at)
    )?;
    for head in &enrichment.heads {
        writeln!(out, "{}", head_line(head))?;
    }
    print_more(enrichment, out)?;
    if !enrichment.unknown_sections.is_empty() {
        writeln!(out, "sections that no table knows: {}", clean(&enrichment.unknown_sections.join(", ")))?;
    }
    if !enrichment.unknown_groups.is_empty() {
        writeln!(out, "groups that no rule knows: {}", clean(&enrichment.unknown_groups.join(", ")))?;
    }
    if explanation.is_restricted {
        writeln!(out, "{}", style("only members of a restricted group may see this offence").red())?;
    }
    for objection in &explanation.objections {
        writeln!(out, "{} {objection}", style("a producer refuses to publish it:").red())?;
    }
    writeln!(out)?;
    print_recipients(explanation, out)?;
    print_others(explanation, out)
}

/// District, registration marks, ages and times, each where it is known.
fn print_more(enrichment: &Enrichment<'_>, out: &mut dyn Write) -> Result<(), Stop> {
    if let Some(district) = &enrichment.district {
        let border = match district.is_border {
            Some(true) => "at a border",
            Some(false) => "away from the borders",
            None => "perhaps at a border",
        };
        let touching = enrichment.touching.iter();
        let touching: Vec<String> =
            touching.map(|of| format!("{} {}", of.state, of.districts.join(", "))).collect();
        let separator = if touching.is_empty() { "" } else { "; touches " };
        writeln!(
            out,
            "district {} ({}), {border}{separator}{}",
            district.name,
            district.kind.as_str().to_lowercase(),
            touching.join("; ")
        )?;
    }
    for vehicle in &enrichment.vehicles {
        let doubt = if vehicle.is_plausible { "" } else { " (no known series)" };
        let others = vehicle.candidates.join(", ");
        let separator = if others.is_empty() { "" } else { ", or " };
        let mark = clean(&vehicle.registration);
        writeln!(out, "vehicle {}: {mark}{doubt}{separator}{others}", vehicle.vehicle + 1)?;
    }
    let code = enrichment.code_in_force.map(|code| format!("{code} in force when it happened"));
    let time = enrichment.time_of_day.map(|time| time.to_string().to_lowercase());
    let age = enrichment.age_seconds.map(|age| format!("{} h old when published", age / 3_600));
    let known: Vec<String> = [code, time, age].into_iter().flatten().collect();
    if !known.is_empty() {
        writeln!(out, "{}", known.join(", "))?;
    }
    Ok(())
}

/// `head THEFT: Theft (चोरी), severity 2; IPC 379 = BNS 303(2)`
fn head_line(head: &OffenceHead<'_>) -> String {
    let sections = [("IPC", &head.ipc), ("BNS", &head.bns)];
    let sections = sections.iter().filter(|(_, list)| !list.is_empty());
    let sections: Vec<String> = sections.map(|(act, list)| format!("{act} {}", list.join(", "))).collect();
    let separator = if sections.is_empty() { "" } else { "; " };
    let OffenceHead { head, label_en, label_hi, severity, .. } = head;
    format!("head {head}: {label_en} ({label_hi}), severity {severity}{separator}{}", sections.join(" = "))
}

fn print_recipients(explanation: &Explanation<'_>, out: &mut dyn Write) -> Result<(), Stop> {
    if explanation.recipients.is_empty() {
        writeln!(out, "nobody receives it (borders as of {})", explanation.borders_on)?;
        return Ok(());
    }
    let mut table = Table::new(["RECEIVES", "NAME", "नाम", "WHY"]);
    for to in &explanation.recipients {
        let code = style(to.state.code.as_str()).green().to_string();
        table.row([code, to.state.name_en.to_owned(), to.state.name_hi.to_owned(), to.reasons.join(", ")]);
    }
    writeln!(
        out,
        "{table}borders as of {}, rules {} ({})",
        explanation.borders_on, explanation.rules[0], explanation.rules[1]
    )?;
    Ok(())
}

/// States that no rule names share one line: there are some thirty of them.
fn print_others(explanation: &Explanation<'_>, out: &mut dyn Write) -> Result<(), Stop> {
    let mut table = Table::new(["NOT SENT", "NAME", "नाम", "WHY"]);
    let mut row = |not: &NotSent, why: &str| {
        let code = style(not.state.code.as_str()).yellow().to_string();
        table.row([code, not.state.name_en.to_owned(), not.state.name_hi.to_owned(), why.to_owned()]);
    };
    for not in &explanation.withdrawals {
        row(not, &format!("{}; told to forget the earlier revision", not.why.text()));
    }
    for not in explanation.not_sent.iter().filter(|not| not.why != Why::NoRule) {
        row(not, not.why.text());
    }
    writeln!(out, "\n{table}")?;
    let rest = explanation.not_sent.iter().filter(|not| not.why == Why::NoRule);
    let codes: Vec<&str> = rest.map(|not| not.state.code.as_str().trim_start_matches("IN-")).collect();
    writeln!(out, "{} others, because {}: {}", codes.len(), Why::NoRule.text(), codes.join(" "))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::explain::explain;
    use super::*;
    use sanchar_fanout::rules::Rules;

    #[test]
    fn people_see_who_why_and_who_not() {
        let event = include_str!("../../../../schemas/examples/vehicle-stolen.json");
        let mut event: CrimeEvent = serde_json::from_str(event).unwrap();
        event.handling.excluded_states = vec!["IN-UP".parse().unwrap()];
        let event = event.sealed();
        let earlier = ["IN-UP".parse().unwrap()].into_iter().collect();
        let mut out = Vec::new();
        let rules = Rules::builtin();
        print(&event, &explain(&event, &rules, earlier, 0), &mut out).unwrap();
        let text = console::strip_ansi_codes(&String::from_utf8(out).unwrap()).into_owned();
        for part in [
            "IN-DL/0764/2026/1187/fir  VEHICLE_STOLEN REPORT",
            "from IN-DL Delhi (दिल्ली), published 2026-",
            "head THEFT_MOTOR_VEHICLE: Theft of a motor vehicle (वाहन चोरी), severity 3; BNS 305(b)",
            "vehicle 1: ",
            "IN-HR     Haryana    हरियाणा  neighbour, group:NCR",
            "the origin itself",
            "told to forget the earlier revision",
            "32 others, because no rule names it: AN AP AR",
        ] {
            assert!(text.contains(part), "{part} is missing from\n{text}");
        }
    }
}

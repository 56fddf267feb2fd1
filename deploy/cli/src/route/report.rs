//! What `route explain` prints for people.

use std::io::Write;

use console::style;
use sanchar_schemas::CrimeEvent;
use sanchar_schemas::shared::OffenceHead;

use super::explain::{Explanation, NotSent, Why};
use crate::moment::in_india;
use crate::outcome::Stop;
use crate::table::Table;

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
    if !enrichment.unknown_sections.is_empty() {
        writeln!(out, "sections that no table knows: {}", enrichment.unknown_sections.join(", "))?;
    }
    for objection in &explanation.objections {
        writeln!(out, "{} {objection}", style("a producer refuses to publish it:").red())?;
    }
    writeln!(out)?;
    print_recipients(explanation, out)?;
    print_others(explanation, out)
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
        let reasons: Vec<&str> = to.reasons.iter().map(|reason| reason.as_str()).collect();
        let code = style(to.state.code.as_str()).green().to_string();
        table.row([code, to.state.name_en.to_owned(), to.state.name_hi.to_owned(), reasons.join(", ")]);
    }
    writeln!(
        out,
        "{table}borders as of {}, tables of {}",
        explanation.borders_on, explanation.enrichment.rules_version
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

    #[test]
    fn people_see_who_why_and_who_not() {
        let event = include_str!("../../../../schemas/examples/vehicle-stolen.json");
        let mut event: CrimeEvent = serde_json::from_str(event).unwrap();
        event.handling.excluded_states = vec!["IN-UP".parse().unwrap()];
        let event = event.sealed();
        let earlier = ["IN-UP".parse().unwrap()].into_iter().collect();
        let mut out = Vec::new();
        print(&event, &explain(&event, earlier, 0), &mut out).unwrap();
        let text = console::strip_ansi_codes(&String::from_utf8(out).unwrap()).into_owned();
        for part in [
            "IN-DL/0764/2026/1187/fir  VEHICLE_STOLEN REPORT",
            "from IN-DL Delhi (दिल्ली), published 2026-",
            "head THEFT_MOTOR_VEHICLE: Theft of a motor vehicle (वाहन चोरी), severity 3; BNS 305(b)",
            "IN-HR     Haryana  हरियाणा",
            "the origin itself",
            "told to forget the earlier revision",
            "33 others, because no rule names it: AN AP AR",
        ] {
            assert!(text.contains(part), "{part} is missing from\n{text}");
        }
    }
}

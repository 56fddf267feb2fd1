//! One line per event or rejected row, for people: times in Indian time, columns aligned whatever the script.

use console::{Alignment, Style, pad_str};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use sanchar_producer::Shown;
use sanchar_schemas::CrimeEvent;
use sanchar_schemas::event::{Moment, Priority, TimePrecision};

/// Width of the column for kinds and reasons, of which the longest has 19 letters.
const KIND_WIDTH: usize = 20;
/// Seconds between UTC and Indian Standard Time.
const INDIA_SECONDS: i32 = (5 * 60 + 30) * 60;

/// The line of a row.
pub(crate) fn line(shown: Shown<'_>) -> String {
    match shown {
        Shown::Event(event) => event_line(event),
        Shown::Rejected { file, line, rejection } => {
            let place = if line == 0 { file.to_owned() } else { format!("{file}:{line}") };
            let field =
                if rejection.field.is_empty() { String::new() } else { format!("{} ", rejection.field) };
            let reason = Style::new().yellow().apply_to(format!("{:<KIND_WIDTH$}", rejection.reason));
            format!("{:<24}{reason} {place}: {field}{}", "not published", rejection.message)
        }
    }
}

fn event_line(event: &CrimeEvent) -> String {
    let moment = event.reported_at.or(event.occurred_from).map(time).unwrap_or_default();
    let kind = match event.handling.priority {
        Priority::Routine => Style::new().green(),
        Priority::Priority | Priority::Urgent => Style::new().red().bold(),
    };
    let kind = kind.apply_to(format!("{:<KIND_WIDTH$}", event.kind));
    let record = pad_str(event.record_id.as_str(), 44, Alignment::Left, None);
    let sections: Vec<String> = event.sections.iter().map(|s| format!("{} {}", s.act, s.section)).collect();
    let vehicles = event.vehicles.iter().filter_map(|vehicle| vehicle.registration.clone());
    let withheld = (!event.withheld.is_empty()).then(|| format!("withheld: {}", event.withheld.len()));
    let details: Vec<String> = Some(sections.join(", "))
        .filter(|s| !s.is_empty())
        .into_iter()
        .chain(vehicles)
        .chain(withheld)
        .collect();
    format!("{moment:<24}{kind} {:<8} {record} {}", event.action, details.join(" · "))
}

/// `2018-03-01 19:35 +05:30`, as much of it as is known.
fn time(moment: Moment) -> String {
    let format = match moment.precision {
        TimePrecision::Year => "%Y",
        TimePrecision::Month => "%Y-%m",
        TimePrecision::Day => "%Y-%m-%d",
        TimePrecision::Minute | TimePrecision::Unknown => return minute(moment.at),
    };
    local(moment.at).strftime(format).to_string()
}

/// `2018-03-01 19:35 +05:30` of milliseconds since 1970, UTC.
pub(crate) fn minute(at_ms: i64) -> String {
    local(at_ms).strftime("%Y-%m-%d %H:%M +05:30").to_string()
}

fn local(at_ms: i64) -> DateTime {
    let zone = Offset::from_seconds(INDIA_SECONDS).unwrap_or(Offset::UTC);
    zone.to_datetime(Timestamp::from_millisecond(at_ms).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_what_happened_in_indian_time() {
        let file = include_str!("../../schemas/examples/vehicle-stolen.json");
        let event: CrimeEvent = serde_json::from_str(file).unwrap();
        let shown = console::strip_ansi_codes(&line(Shown::Event(&event))).into_owned();
        assert!(shown.contains("+05:30") && shown.contains("VEHICLE_STOLEN"), "{shown}");
        assert!(shown.contains(event.record_id.as_str()), "{shown}");
    }
}

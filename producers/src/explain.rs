//! `explain`: one row with everything that the source says of it, what leaves, and which rule keeps the rest. For the eyes of the
//! state alone: it shows what must not leave.

use std::io::{self, Write as _};
use std::path::Path;

use console::{Alignment, Style, pad_str};
use sanchar_producer::mapping::{Explained, Verdict};
use sanchar_producer::withholding::is_under;
use sanchar_producer::{ProducerConfig, explain as run, explain_database};
use sanchar_runtime::clock;
use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::CrimeEvent;
use serde_json::Value;

use crate::args::{ExplainArgs, RowPlace};
use crate::show;

/// What an event is made of besides its content.
const DERIVED: [&str; 5] = ["event_id", "content_hash", "source_sha256", "published_at", "withheld"];
const FIELD_WIDTH: usize = 32;
const VALUE_WIDTH: usize = 40;

/// Explains the row that `args` name.
pub(crate) fn explain(path: &Path, args: &ExplainArgs) -> Result<(), Failure> {
    let config = ProducerConfig::load(path)?;
    let now_ms = clock::now_ms();
    let explained = match &args.row {
        RowPlace::Line { file, line } => run(&config, file, *line, now_ms)?,
        RowPlace::Id(id) => explain_database(&config, id, now_ms)?,
    };
    let text = if args.json { json(&explained)? } else { table(&explained) };
    let written = io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|error| Failure::temporary(format!("cannot write the answer: {error}")))
}

fn table(explained: &Explained) -> String {
    let mut lines = vec![headline(&explained.verdict)];
    if let Some(before) = &explained.before {
        let bold = Style::new().bold();
        lines.push(String::new());
        lines.push(bold.apply_to(row("field", "in the source", "what becomes of it")).to_string());
        for (path, value) in fields(before) {
            let rule = explained.taken.iter().find(|taken| is_under(&path, &taken.path));
            let fate = match rule {
                None => "published".to_owned(),
                Some(taken) => {
                    let kept = format!("withheld, {} ({}: {})", taken.reason, taken.rule, taken.because);
                    Style::new().yellow().apply_to(kept).to_string()
                }
            };
            lines.push(row(&path, &value, &fate));
        }
        let is_taken = |path: &str| explained.taken.iter().any(|taken| is_under(path, &taken.path));
        for withheld in before.withheld.iter().filter(|withheld| !is_taken(&withheld.path)) {
            let fate = format!("withheld, {} (rows.not_carried)", withheld.reason);
            lines.push(row(&withheld.path, "", &Style::new().yellow().apply_to(fate).to_string()));
        }
    }
    lines.join("\n") + "\n"
}

fn headline(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Event(event) => format!("published as {} ({})", event.record_id, event.kind),
        Verdict::Skipped(rule) => format!("left out: rows.skip[{rule}] fits"),
        Verdict::Rejected(rejection) => {
            format!("goes to quarantine as {}: {} {}", rejection.reason, rejection.field, rejection.message)
        }
    }
}

fn row(field: &str, value: &str, fate: &str) -> String {
    let pad = |text: &str, width| pad_str(text, width, Alignment::Left, Some("…")).into_owned();
    format!("{}  {}  {fate}", pad(field, FIELD_WIDTH), pad(value, VALUE_WIDTH))
}

/// Every field that says something, with its path.
fn fields(event: &CrimeEvent) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Ok(Value::Object(whole)) = serde_json::to_value(event) {
        for (name, value) in whole.iter().filter(|(name, _)| !DERIVED.contains(&name.as_str())) {
            walk(name.clone(), value, &mut found);
        }
    }
    found
}

fn walk(path: String, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| walk(format!("{path}.{name}"), value, found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| walk(format!("{path}[{i}]"), item, found));
        }
        Value::String(text) => found.push((path, text.clone())),
        // The contract's only moments: a revision may be a time, or not.
        Value::Number(at_ms) if path == "expires_at" || path.ends_with(".at") => {
            let at = at_ms.as_i64().map_or_else(|| at_ms.to_string(), show::minute);
            found.push((path, at));
        }
        other => found.push((path, other.to_string())),
    }
}

fn json(explained: &Explained) -> Result<String, Failure> {
    let taken: Vec<_> = explained
        .taken
        .iter()
        .map(|taken| {
            serde_json::json!({
                "path": taken.path,
                "reason": taken.reason,
                "rule": taken.rule,
                "because": taken.because,
            })
        })
        .collect();
    let (event, verdict) = match &explained.verdict {
        Verdict::Event(event) => (Some(event), None),
        other => (None, Some(headline(other))),
    };
    let whole = serde_json::json!({
        "before": explained.before,
        "withheld": taken,
        "published": event,
        "not_published": verdict,
    });
    let text = serde_json::to_string(&whole);
    text.map(|text| text + "\n").map_err(|error| Failure::internal(format!("no json can be made: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sanchar_producer::mapping::Explained;
    use sanchar_producer::withholding::Taken;
    use sanchar_schemas::event::WithholdingReason;

    #[test]
    fn a_table_shows_what_stays_and_by_which_rule() {
        let file = include_str!("../../schemas/examples/vehicle-stolen.json");
        let event: CrimeEvent = serde_json::from_str(file).unwrap();
        let taken = Taken {
            path: "place".into(),
            reason: WithholdingReason::PlaceIdentifies,
            rule: "child-place".into(),
            because: "the law".into(),
        };
        let explained = Explained {
            before: Some(Box::new(event.clone())),
            taken: vec![taken],
            verdict: Verdict::Event(Box::new(event.clone())),
        };
        let shown = console::strip_ansi_codes(&table(&explained)).into_owned();
        let line = |field: &str| shown.lines().find(|line| line.starts_with(field)).unwrap().to_owned();
        assert!(shown.starts_with(&format!("published as {}", event.record_id)), "{shown}");
        assert!(line("vehicles[0].registration").ends_with("published"), "{shown}");
        assert!(line("reported_at.at").contains("+05:30"), "{shown}");
        assert!(line("place.").ends_with("withheld, PLACE_IDENTIFIES (child-place: the law)"), "{shown}");
    }
}

//! Reads one event from a file or standard input. An error names file, line, column and field.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::CrimeEvent;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::text::clean;

/// No event comes near this; a larger file is a mistake.
const BYTES_MAX: u64 = 16 << 20;

/// A line of `sanchar tail --json`.
#[derive(Deserialize)]
struct TailLine<T> {
    value: T,
}

/// What counts here of an inbox record.
#[derive(Deserialize)]
struct InboxRecord {
    event: Option<CrimeEvent>,
}

/// # Errors
/// [`Failure`] (64) with the place and the field.
pub(super) fn read(path: &Path, stdin: &mut dyn Read) -> Result<CrimeEvent, Failure> {
    let (name, text) = if path == Path::new("-") {
        ("standard input".to_owned(), text_of(stdin))
    } else {
        (path.display().to_string(), File::open(path).and_then(|mut file| text_of(&mut file)))
    };
    let text = text.map_err(|error: std::io::Error| {
        Failure::usage(format!(
            "{name}: cannot be read ({error}): name a JSON file with one event, or - for standard input"
        ))
    })?;
    parse(&name, &text)
}

fn text_of(reader: &mut dyn Read) -> std::io::Result<String> {
    let mut text = String::new();
    reader.take(BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > BYTES_MAX {
        return Err(std::io::Error::other("larger than 16 MiB"));
    }
    Ok(text)
}

fn parse(name: &str, text: &str) -> Result<CrimeEvent, Failure> {
    let shape: Value = typed(name, text)?;
    if !shape.is_object() {
        let remedy = "give one event as a JSON object, as `sanchar tail --json` prints it";
        return Err(Failure::usage(format!("{name}: holds no event: {remedy}")));
    }
    let record = shape.get("value").filter(|_| shape.get("topic").is_some());
    let is_inbox_record = record.unwrap_or(&shape).get("notice").is_some();
    let event = match (record.is_some(), is_inbox_record) {
        (false, false) => Some(typed::<CrimeEvent>(name, text)?),
        (false, true) => typed::<InboxRecord>(name, text)?.event,
        (true, false) => typed::<TailLine<Option<CrimeEvent>>>(name, text)?.value,
        (true, true) => typed::<TailLine<InboxRecord>>(name, text)?.value.event,
    };
    event.ok_or_else(|| {
        Failure::usage(format!("{name}: this record carries no event (a withdrawal, or one that could not be decoded): choose another"))
    })
}

fn typed<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, Failure> {
    if text.trim().is_empty() {
        return Err(Failure::usage(format!("{name}: is empty: give one event as a JSON object")));
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (path, inner) = (error.path().to_string(), error.inner());
        let path = path.trim_end_matches(".?");
        // Where it is no JSON at all there is no field, and a question mark says so.
        let field = if matches!(path, "." | "?") { String::new() } else { format!("{path}: ") };
        refused(name, &field, inner)
    })?;
    json.end().map_err(|error| refused(name, "after the first record: ", &error))?;
    Ok(value)
}

/// `event.json:12:5: persons[0].gender: unknown variant …`
fn refused(name: &str, field: &str, error: &serde_json::Error) -> Failure {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let problem = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
    let remedy = match error.is_syntax() || error.is_eof() {
        true => "; give one event as a JSON object, as `sanchar tail --json` prints it",
        false => "",
    };
    Failure::usage(clean(&format!("{name}:{line}:{column}: {field}{problem}{remedy}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = include_str!("../../../../schemas/examples/vehicle-stolen.json");
    const DELIVERY: &str = include_str!("../../../../schemas/examples/shared-delivery.json");
    const WITHDRAWAL: &str = include_str!("../../../../schemas/examples/shared-withdrawal.json");

    fn error(text: &str) -> String {
        parse("event.json", text).unwrap_err().to_string()
    }

    fn as_tail_line(record: &str) -> String {
        let value: Value = serde_json::from_str(record).unwrap();
        serde_json::json!({ "topic": "crime.shared.in-ga", "partition": 0, "value": value }).to_string()
    }

    #[test]
    fn an_event_an_inbox_record_and_a_line_of_tail_are_all_read() {
        assert_eq!(parse("f", EVENT).unwrap().origin.as_str(), "IN-DL");
        assert_eq!(parse("f", &as_tail_line(EVENT)).unwrap(), parse("f", EVENT).unwrap());
        assert_eq!(parse("f", &as_tail_line(DELIVERY)).unwrap(), parse("f", DELIVERY).unwrap());
    }

    #[test]
    fn an_error_names_file_line_column_and_field() {
        let unknown = EVENT.replacen(r#""act": "BNS""#, r#""akt": "BNS""#, 1);
        let line = unknown.lines().position(|line| line.contains("akt")).unwrap() + 1;
        let message = error(&unknown);
        assert!(message.starts_with(&format!("event.json:{line}:")), "{message}");
        assert!(message.contains("sections[0]") && message.contains("unknown field `akt`"), "{message}");
        assert!(!message.contains("at line"), "{message}");
        let message = error(&as_tail_line(&EVENT.replacen("VEHICLE_STOLEN", "VEHICLE_LOST", 1)));
        assert!(message.contains("value.kind: unknown variant `VEHICLE_LOST`"), "{message}");
    }

    #[test]
    fn what_is_no_json_is_refused_with_the_place_and_the_remedy() {
        for (text, place) in
            [("{\"event_id\": \"1\",\n oops}", "event.json:2:2: "), ("{\"a\": [1", "event.json:1:8: ")]
        {
            let message = error(text);
            assert!(message.starts_with(place) && !message.contains('?'), "{message}");
            assert!(
                message.ends_with("give one event as a JSON object, as `sanchar tail --json` prints it"),
                "{message}"
            );
        }
    }

    #[test]
    fn what_holds_no_event_is_refused_with_the_remedy() {
        assert!(error(WITHDRAWAL).contains("choose another"));
        assert!(error(r#"{"topic":"crime.dlq","value":null}"#).contains("choose another"));
        let two_lines = format!("{}\n{}", as_tail_line(EVENT), as_tail_line(EVENT));
        assert!(
            error(&two_lines).contains("after the first record: trailing characters"),
            "{}",
            error(&two_lines)
        );
        let missing = read(Path::new("/nonexistent.json"), &mut std::io::empty()).unwrap_err().to_string();
        assert!(missing.contains("/nonexistent.json: cannot be read"), "{missing}");
    }

    #[test]
    fn what_is_no_object_is_refused_with_the_remedy() {
        for (text, part) in
            [("", "is empty"), (" \n", "is empty"), ("[]", "holds no event"), ("3", "holds no event")]
        {
            let message = error(text);
            assert!(message.contains(part) && message.contains("JSON object"), "{message}");
        }
    }
}

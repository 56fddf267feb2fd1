//! `sanchar dlq show`: one letter whole. Of the event in it, who and where, as `sanchar tail` shows it; no content.

use std::io::Write;

use sanchar_schemas::headers;
use sanchar_schemas::topics::{Topic, TopicSpace};
use serde_json::{Value, json};

use super::letter::{Header, Letter};
use super::letters;
use super::line;
use super::place::Place;
use super::receipts::{Known, Receipts};
use crate::connection::Connection;
use crate::content::{Content, Contents};
use crate::moment::in_india;
use crate::outcome::{Outcome, Stop};
use crate::table::Table;
use crate::text::{clean, shortened};

/// Longest text, key or header that people are shown. `--json` has the whole.
const TEXT_CHARS_MAX: usize = 400;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sanchar dlq show 0:17          the letter that `sanchar dlq list` shows at 0:17
  sanchar dlq show 0:17 --json   for programs; bytes that are no text are in hexadecimal")]
pub(super) struct Args {
    /// Place of the letter
    #[arg(value_name = "PARTITION:OFFSET")]
    place: Place,
    /// One JSON object, for programs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

pub(super) async fn run(args: &Args, out: &mut dyn Write) -> Result<Outcome, Stop> {
    let cluster = args.connection.cluster()?;
    let space = cluster.space();
    let letter = letters::at(&cluster, args.place).await?;
    let known = tokio::task::block_in_place(|| Receipts::shown(&cluster.kafka, &space))?;
    // What else there is to see must not wait for the registry.
    let content = Contents::new(cluster.registry_client()?).of(Topic::Dlq, &letter.record).await;
    let content = content.unwrap_or_else(|failure| Content::Undecodable(failure.to_string()));
    if args.json {
        line::print_json(&json(&letter, &content, &known, &space), out)?;
    } else {
        write!(out, "{}", text(&letter, &content, &known))?;
    }
    Ok(Outcome::Done)
}

fn text(letter: &Letter, content: &Content, known: &Known) -> String {
    let said = |name| letter.record.header(name).map_or_else(|| "?".to_owned(), |text| capped(&text));
    let version = said(headers::DLQ_VERSION);
    let mut rows = vec![
        ("letter", letter.place.to_string()),
        ("failed", format!("{} in {}, version {version}", line::failed_at(letter), said(headers::DLQ_GROUP))),
        ("from", capped(&letter.source_as_said())),
        ("reason", format!("{}/{}", said(headers::DLQ_STAGE), said(headers::DLQ_REASON))),
        ("message", said(headers::DLQ_MESSAGE)),
        ("attempt", known.attempt_of(letter).to_string()),
    ];
    match known.copies_of(letter) {
        [] => rows.push(("redriven", "no".to_owned())),
        copies => rows.extend(copies.iter().map(|copy| ("redriven", line::copied(copy)))),
    }
    rows.push(("key", bytes(letter.record.key.as_deref())));
    let value = &letter.record.value;
    rows.push((
        "value",
        value.as_ref().map_or_else(|| "none".to_owned(), |value| format!("{} bytes", value.len())),
    ));
    rows.push(("event", event(content)));
    let mut text = String::new();
    for (name, value) in rows {
        text.push_str(&format!("{name:<8}  {value}\n"));
    }
    let mut table = Table::new(["HEADER", "VALUE"]);
    for (name, value) in letter.original_headers() {
        table.row([shortened(&clean(name), TEXT_CHARS_MAX), bytes(value.as_deref())]);
    }
    if letter.original_headers().next().is_some() {
        text.push_str(&format!("\n{table}"));
    }
    text
}

/// A text fit for a terminal, and how much more of it there is.
fn capped(text: &str) -> String {
    let shown = shortened(&clean(text), TEXT_CHARS_MAX);
    if text.chars().nth(TEXT_CHARS_MAX).is_none() {
        return shown;
    }
    // Cleaning leaves as many characters as there were; the last one that is shown is the sign that it goes on.
    let rest = text.chars().skip(shown.chars().count().saturating_sub(1));
    format!("{shown} ({} bytes more)", rest.map(char::len_utf8).sum::<usize>())
}

fn bytes(bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else { return "none".to_owned() };
    let text = std::str::from_utf8(bytes)
        .map_or_else(|_| format!("0x{}", line::hex(bytes.get(..TEXT_CHARS_MAX).unwrap_or(bytes))), clean);
    shortened(&text, TEXT_CHARS_MAX)
}

/// Who and where, of an event.
fn event(content: &Content) -> String {
    match content {
        Content::Reported(event) => {
            let station = event.police_station.as_ref().map_or("-", |station| station.name.as_str());
            let what = format!(
                "{} {} {} {}, revision {}, published {}, {station}",
                event.origin,
                event.kind,
                event.action,
                event.record_id,
                event.revision,
                in_india(event.published_at)
            );
            shortened(&clean(&what), TEXT_CHARS_MAX)
        }
        Content::Undecodable(why) => format!("cannot be decoded: {}", shortened(&clean(why), TEXT_CHARS_MAX)),
        _ => "none: a record of another kind".to_owned(),
    }
}

fn json(letter: &Letter, content: &Content, known: &Known, space: &TopicSpace) -> Value {
    let mut value = line::json(letter, known, space);
    let header = |(name, value): &Header| json!({ "name": name, "value": value.as_deref().map(line::bytes) });
    let event = match content {
        Content::Reported(event) => json!({
            "origin": event.origin,
            "kind": event.kind,
            "action": event.action,
            "record_id": event.record_id,
            "revision": event.revision,
            "published_at": event.published_at,
            "police_station": event.police_station.as_ref().map(|station| &station.name),
        }),
        _ => Value::Null,
    };
    let undecodable = match content {
        Content::Undecodable(why) => Some(why),
        _ => None,
    };
    let more = [
        ("headers", letter.original_headers().map(header).collect()),
        ("group", json!(letter.record.header(headers::DLQ_GROUP))),
        ("version", json!(letter.record.header(headers::DLQ_VERSION))),
        ("event", event),
        ("undecodable", json!(undecodable)),
    ];
    if let Value::Object(fields) = &mut value {
        fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::super::letter::tests::letter;
    use super::super::receipts::tests::known;
    use super::*;
    use sanchar_schemas::CrimeEvent;

    const FROM: (&str, i32, i64) = ("crime.reported.in-dl", 1, 41);

    fn theft() -> CrimeEvent {
        serde_json::from_str(include_str!("../../../../schemas/examples/vehicle-stolen.json")).unwrap()
    }

    #[test]
    fn a_letter_whole_and_of_its_event_who_and_where() {
        let mut letter = letter(17, FROM, "malformed");
        letter.record.headers.insert(1, ("binary\u{202e}".into(), Some(vec![0xff, 0x80])));
        letter.record.headers.insert(2, ("null".into(), None));
        let content = Content::Reported(Box::new(theft()));
        let printed =
            console::strip_ansi_codes(&text(&letter, &content, &known(&[(17, &[(2, 90)])]))).into_owned();
        assert_eq!(
            printed,
            "\
letter    0:17
failed    1970-01-01 05:30:01 +05:30 in ?, version ?
from      crime.reported.in-dl[1]@41
reason    decode/malformed
message   what is wrong
attempt   1
redriven  1970-01-01 05:30:00 +05:30 to crime.reported.in-dl[1]@90, attempt 2
key       key
value     5 bytes
event     IN-DL VEHICLE_STOLEN REPORT IN-DL/0764/2026/1187/fir, revision 1793847300000, published 2026-11-05 08:26:00 +05:30, थाना सरोवर विहार

HEADER   VALUE
case     kept
binary   0xff80
null     none
"
        );
    }

    #[test]
    fn a_hostile_key_neither_steers_the_terminal_nor_floods_it() {
        let mut letter = letter(17, FROM, "malformed");
        letter.record.key = Some(format!("\u{1b}[2J\u{202e}{}", "कि".repeat(5_000)).into_bytes());
        let printed = text(&letter, &Content::Undecodable("why\u{9b}".into()), &known(&[]));
        assert!(!printed.contains(['\u{1b}', '\u{202e}', '\u{9b}']), "{printed:?}");
        assert!(printed.contains("कि…") && printed.chars().count() < 1_500, "{}", printed.chars().count());
        assert!(printed.contains("redriven  no"));
    }

    #[test]
    fn a_huge_reason_and_message_are_cut_and_it_is_said_by_how_much() {
        let mut letter = letter(17, FROM, &"x".repeat(500));
        letter.record.headers.push((headers::DLQ_MESSAGE.into(), Some("कि".repeat(5_000).into_bytes())));
        let printed = text(&letter, &Content::Undecodable("why".into()), &known(&[]));
        let line = |name: &str| printed.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line("reason").ends_with("xx… (100 bytes more)"), "{printed}");
        assert!(line("message").ends_with("कि… (28800 bytes more)"), "{printed}");
    }

    #[test]
    fn json_has_headers_in_their_order_and_no_content_of_the_event() {
        let content = Content::Reported(Box::new(theft()));
        let value = json(&letter(17, FROM, "malformed"), &content, &known(&[]), &TopicSpace::default());
        assert_eq!(value["headers"], serde_json::json!([{ "name": "case", "value": "kept" }]));
        assert_eq!(value["event"]["record_id"], "IN-DL/0764/2026/1187/fir");
        let text = value.to_string();
        assert!(
            !text.contains("persons") && !text.contains("vehicles") && !text.contains("narrative"),
            "{text}"
        );
    }
}

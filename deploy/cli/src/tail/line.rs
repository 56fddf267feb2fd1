//! One record as one line: columns for people, a JSON object for programs.
//!
//! Texts come from other forces' systems, so control characters are taken out before a terminal sees them. The JSON is
//! the record as it is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use console::{Alignment, pad_str, style};
use sanchar_fanout::meaning::Meaning;
use sanchar_fanout::register::Entry;
use sanchar_schemas::digest::Sha256;
use sanchar_schemas::event::{CrimeEvent, EventStatus};
use sanchar_schemas::shared::{Notice, SharedCrimeEvent};
use sanchar_schemas::{Outline, StateCode, headers};
use serde::Serialize;

use crate::content::Content;
use crate::dlq::receipts::Receipt;
use crate::moment::in_india;
use crate::reader::Record;
use crate::text::clean;

/// A line for people.
pub(crate) fn text(record: &Record, content: &Content) -> String {
    if let Some(reason) = record.header(headers::DLQ_REASON) {
        return dead_letter(record, &reason, content);
    }
    match content {
        Content::Reported(event) => event_line(event, &head_of(event), ""),
        Content::Shared(shared) => shared_line(record, shared),
        Content::Register(entry) => register_line(record, entry),
        Content::Receipt(receipt) => receipt_line(record, receipt),
        Content::Forgotten => format!("{}  forgotten", key(record)),
        Content::Undecodable(reason) => undecodable(record, reason),
    }
}

fn event_line(event: &CrimeEvent, head: &str, why: &str) -> String {
    let start = columns([
        (&in_india(event.published_at), 26),
        (event.origin.as_str(), 5),
        (event.kind.as_str(), 17),
        (event.action.as_str(), 7),
        (head, 24),
        (&station(event), 24),
        (&fir(event), 12),
    ]);
    let marks = marks(event).into_iter().map(|mark| style(mark).red().bold().to_string());
    let rest: Vec<String> =
        Some(why.to_owned()).filter(|why| !why.is_empty()).into_iter().chain(marks).collect();
    format!("{start}{}", rest.join("  ")).trim_end().to_owned()
}

fn shared_line(record: &Record, shared: &SharedCrimeEvent) -> String {
    let why = record.header(headers::ROUTE).unwrap_or_default();
    let enrichment = &shared.enrichment;
    match (&shared.event, shared.notice) {
        (Some(event), _) => {
            event_line(event, &head(enrichment.primary_head.as_deref(), enrichment.severity), &clean(&why))
        }
        (None, Notice::Withdrawal) => {
            let origin = clean(&enrichment.origin);
            let start = columns([(&in_india(enrichment.enriched_at), 26), (&origin, 5)]);
            let what = style("WITHDRAWAL").yellow();
            format!(
                "{start}{what}  forget {} up to revision {}",
                clean(&enrichment.record_id),
                enrichment.revision
            )
        }
        (None, notice) => format!("{}  {notice} without an event", record.place()),
    }
}

fn register_line(record: &Record, entry: &Entry) -> String {
    let holders: Vec<&str> =
        entry.recipients.iter().map(|state| state.as_str().trim_start_matches("IN-")).collect();
    let holders = if holders.is_empty() { "nobody".to_owned() } else { holders.join(" ") };
    let start = columns([(&in_india(entry.last_seen_ms), 26), (&key(record), 36)]);
    let hash: String = entry.content_hash.to_string().chars().take(12).collect();
    format!("{start}revision {}  content {hash}  held by {holders}", entry.revision)
}

fn receipt_line(record: &Record, receipt: &Receipt) -> String {
    let last = receipt.copies.iter().max_by_key(|copy| copy.at_ms);
    let at = last.map(|copy| in_india(copy.at_ms)).unwrap_or_default();
    let copies: Vec<String> = receipt
        .copies
        .iter()
        .map(|copy| {
            format!("attempt {} at {}[{}]@{}", copy.attempt, clean(&copy.topic), copy.partition, copy.offset)
        })
        .collect();
    format!("{}letter {} was sent back: {}", columns([(&at, 26)]), key(record), copies.join(", "))
}

fn dead_letter(record: &Record, reason: &str, content: &Content) -> String {
    let header = |name| clean(&record.header(name).unwrap_or_else(|| "?".to_owned()));
    let failed_at =
        record.header(headers::DLQ_FAILED_AT).and_then(|ms| ms.parse().ok()).or(record.timestamp_ms);
    let time = failed_at.map(in_india).unwrap_or_default();
    let place = format!(
        "{}[{}]@{}",
        header(headers::DLQ_TOPIC),
        header(headers::DLQ_PARTITION),
        header(headers::DLQ_OFFSET)
    );
    let what = match content {
        Content::Reported(event) => {
            format!("{} {} {}", event.origin, event.kind, clean(event.record_id.as_str()))
        }
        _ => format!("{} bytes", size(record)),
    };
    let stage = format!("{}/{}", header(headers::DLQ_STAGE), clean(reason));
    format!("{time}  {}  {place}  {}  {what}", style(stage).red(), header(headers::DLQ_MESSAGE))
}

fn undecodable(record: &Record, reason: &str) -> String {
    let time = record.timestamp_ms.map(in_india).unwrap_or_default();
    let bytes = size(record);
    format!("{time}  {}  {}  {}  {bytes} bytes", style("UNDECODABLE").red(), record.place(), clean(reason))
}

/// What must not be overlooked.
fn marks(event: &CrimeEvent) -> Vec<String> {
    let mut marks = Vec::new();
    if event.handling.officer_safety {
        marks.push("OFFICER SAFETY".to_owned());
    }
    if event.status != EventStatus::Actual {
        marks.push(event.status.to_string());
    }
    marks
}

fn head_of(event: &CrimeEvent) -> String {
    let outline = Outline::of(event);
    let meaning = Meaning::of(&outline);
    head(meaning.heads.first().map(|found| found.head.head.as_str()), meaning.severity())
}

/// `THEFT 2`: the gravest head and its severity.
fn head(code: Option<&str>, severity: i32) -> String {
    code.map_or_else(|| "-".to_owned(), |code| format!("{} {severity}", clean(code)))
}

fn station(event: &CrimeEvent) -> String {
    event.police_station.as_ref().map_or_else(|| "-".to_owned(), |station| clean(&station.name))
}

fn fir(event: &CrimeEvent) -> String {
    event.fir.as_ref().map_or_else(|| "-".to_owned(), |fir| format!("{}/{}", clean(&fir.number), fir.year))
}

fn key(record: &Record) -> String {
    record.key.as_deref().map_or_else(|| "-".to_owned(), |key| clean(&String::from_utf8_lossy(key)))
}

/// Cells padded to their width on the screen, each followed by two spaces. A longer text is cut.
fn columns<const N: usize>(cells: [(&str, usize); N]) -> String {
    let cell =
        |(text, width): (&str, usize)| format!("{}  ", pad_str(text, width, Alignment::Left, Some("…")));
    cells.map(cell).concat()
}

/// A record as programs read it.
#[derive(Serialize)]
struct Line<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    timestamp: Option<i64>,
    headers: BTreeMap<&'a str, Option<Cow<'a, str>>>,
    key: Option<Cow<'a, str>>,
    value: Value<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Undecodable<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Value<'a> {
    Reported(&'a CrimeEvent),
    Shared(&'a SharedCrimeEvent),
    Register { revision: i64, content_hash: Sha256, recipients: Vec<StateCode>, last_seen_ms: i64 },
    Receipt(&'a Receipt),
    Nothing,
}

#[derive(Serialize)]
struct Undecodable<'a> {
    reason: &'a str,
    bytes: usize,
}

/// A line for programs.
///
/// # Errors
/// When the content has no JSON form, which none of ours lacks.
pub(crate) fn json(record: &Record, content: &Content) -> Result<String, serde_json::Error> {
    let value = match content {
        Content::Reported(event) => Value::Reported(event),
        Content::Shared(shared) => Value::Shared(shared),
        Content::Register(Entry { revision, content_hash, recipients, last_seen_ms }) => Value::Register {
            revision: *revision,
            content_hash: *content_hash,
            recipients: recipients.iter().collect(),
            last_seen_ms: *last_seen_ms,
        },
        Content::Receipt(receipt) => Value::Receipt(receipt),
        Content::Forgotten | Content::Undecodable(_) => Value::Nothing,
    };
    let error = match content {
        Content::Undecodable(reason) => Some(Undecodable { reason, bytes: size(record) }),
        _ => None,
    };
    let headers = record
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_deref().map(String::from_utf8_lossy)));
    serde_json::to_string(&Line {
        topic: &record.topic,
        partition: record.partition,
        offset: record.offset,
        timestamp: record.timestamp_ms,
        headers: headers.collect(),
        key: record.key.as_deref().map(String::from_utf8_lossy),
        value,
        error,
    })
}

fn size(record: &Record) -> usize {
    record.value.as_ref().map_or(0, Vec::len)
}

#[cfg(test)]
mod tests;

//! Records that can never be processed: each ends in the dead-letter queue once, as it came, with the reason; the
//! good records around them are delivered, and the books balance.

use anyhow::{Context as _, Result};
use sanchar_runtime::VERSION;
use sanchar_schemas::event::Classification;
use sanchar_schemas::schema::Record;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::{CrimeEvent, wire};
use sanchar_tests::events::{self, state};
use sanchar_tests::inbox::Received;
use sanchar_tests::publisher::{Outgoing, publish_raw};
use sanchar_tests::{Accounts, Installation, inbox};
use std::collections::BTreeMap;

/// How long a record waits for the registry to learn its schema id.
const GRACE_MS: i64 = 1_000;
/// Header by which the test knows its records again.
pub(crate) const CASE: &str = "case";

/// A record that must be dead-lettered.
pub(crate) struct Poison {
    pub(crate) name: &'static str,
    stage: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) record: Outgoing,
}

#[tokio::test(flavor = "multi_thread")]
async fn each_ends_in_the_dead_letter_queue_once_as_it_came() -> Result<()> {
    let installation = Installation::new("poison").await?;
    let poisons = poisons(&installation).await?;
    let mut records = Vec::new();
    for (number, poison) in (1..).zip(&poisons) {
        records.push(Outgoing::event(&installation, &good(number))?);
        let record = poison.record.clone().with_header(CASE, Some(poison.name.as_bytes()));
        records.push(record.with_header("binary", Some(&[0xff, 0, 0x80])).with_header("null", None));
    }
    publish_raw(&installation, &records)?;
    let settings = format!("unknown_schema_grace_ms = {GRACE_MS}\nstream = {{ retry_max_ms = 200 }}");
    let mut fanout = installation.fanout("fanout-1", &settings)?;
    let accounts = Accounts::after(&mut fanout, records.len() as u64)?;

    let published = inbox::read(&installation, Topic::Reported(state("IN-DL")))?;
    let dead = inbox::read(&installation, Topic::Dlq)?;
    assert_eq!(dead.len(), poisons.len());
    let mut by_reason: BTreeMap<String, u64> = BTreeMap::new();
    for poison in &poisons {
        let of_case = |records: &[Received]| -> Vec<Received> {
            records.iter().filter(|record| record.header(CASE) == poison.name).cloned().collect()
        };
        let ([original], [letter]) = (&of_case(&published)[..], &of_case(&dead)[..]) else {
            panic!("{} must be dead-lettered once", poison.name)
        };
        check_letter(&installation, poison, original, letter)?;
        *by_reason.entry(poison.reason.to_owned()).or_default() += 1;
    }
    let good = poisons.len() as u64;
    let expected = Accounts {
        read: 2 * good,
        forwarded: good,
        dead_lettered: by_reason,
        deliveries: 2 * good,
        ..Accounts::default()
    };
    assert_eq!(accounts, expected);
    for neighbour in ["IN-HR", "IN-UP"] {
        assert_eq!(inbox::inbox(&installation, state(neighbour))?.len(), poisons.len(), "{neighbour}");
    }
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

pub(crate) fn good(number: u32) -> CrimeEvent {
    events::theft(state("IN-DL"), number, 1, "good")
}

/// Checks a dead letter against the record in the topic that it was read from.
fn check_letter(
    installation: &Installation,
    poison: &Poison,
    original: &Received,
    letter: &Received,
) -> Result<()> {
    let name = poison.name;
    assert_eq!(letter.key, original.key, "{name}: the key as it came");
    assert_eq!(letter.value, original.value, "{name}: the value as it came");
    let (kept, added) = letter.headers.split_at(original.headers.len());
    assert_eq!(kept, original.headers, "{name}: the headers as they came, in their order");
    let (partition, offset) = (original.partition.to_string(), original.offset.to_string());
    let expected = [
        ("__dlq.errors.topic", original.topic.as_str()),
        ("__dlq.errors.partition", &partition),
        ("__dlq.errors.offset", &offset),
        ("__dlq.errors.group", &installation.group()),
        ("__dlq.errors.delivery.count", "1"),
        ("__dlq.errors.message", letter.header("__dlq.errors.message")),
        ("sanchar-dlq-stage", poison.stage),
        ("sanchar-dlq-reason", poison.reason),
        ("sanchar-dlq-version", VERSION),
        ("sanchar-dlq-failed-at-ms", letter.header("sanchar-dlq-failed-at-ms")),
    ]
    .map(|(name, value)| (name.to_owned(), Some(value.as_bytes().to_vec())));
    assert_eq!(added, expected, "{name}");

    let message = letter.header("__dlq.errors.message");
    assert!(!message.is_empty(), "{name}: people are told what is wrong");
    assert!(!message.contains("Market road"), "{name}: and nothing of the event's content: {message}");
    let failed_at_ms: i64 = letter.header("sanchar-dlq-failed-at-ms").parse()?;
    let age_ms = failed_at_ms - original.timestamp_ms;
    let least_ms = if poison.reason == "unknown-schema" { GRACE_MS } else { 0 };
    assert!((least_ms..60_000).contains(&age_ms), "{name}: given up after {age_ms} ms");
    Ok(())
}

/// One of each kind. The one in conflict is so with the first good event.
pub(crate) async fn poisons(installation: &Installation) -> Result<Vec<Poison>> {
    let mut poisons = bytes(installation)?;
    poisons.extend(schemas(installation).await?);
    poisons.extend(claims(installation)?);
    Ok(poisons)
}

/// Bytes that are no event.
fn bytes(installation: &Installation) -> Result<Vec<Poison>> {
    let sound = Outgoing::event(installation, &events::theft(state("IN-DL"), 900, 1, ""))?;
    let whole = sound.value.clone().context("an event has a value")?;
    let header = &whole[..wire::HEADER_BYTES];
    let mut other_magic = whole.clone();
    other_magic[0] = 1;
    let mut not_utf8 = whole.clone();
    let text = whole.windows(6).position(|part| part == b"Market").context("the place is in the value")?;
    not_utf8[text] = 0xff;
    let cases: [(_, _, Option<Vec<u8>>); 8] = [
        ("tombstone", "no-value", None),
        ("empty", "wire-format", Some(Vec::new())),
        ("other magic byte", "wire-format", Some(other_magic)),
        ("text instead of avro", "wire-format", Some(b"{\"record_id\": 1}".to_vec())),
        ("cut short", "malformed", Some(whole[..whole.len() / 2].to_vec())),
        ("bytes left over", "malformed", Some([&whole[..], &[0]].concat())),
        ("not utf-8", "malformed", Some(not_utf8)),
        ("claims to be huge", "malformed", Some([header, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0x3f]].concat())),
    ];
    let poison = |(name, reason, value)| {
        let record = Outgoing { value, ..sound.clone() };
        Poison { name, stage: "decode", reason, record }
    };
    Ok(cases.map(poison).into())
}

/// Schema ids that are not those of an event.
async fn schemas(installation: &Installation) -> Result<Vec<Poison>> {
    let sound = Outgoing::event(installation, &events::theft(state("IN-DL"), 901, 1, ""))?;
    let datum =
        sound.value.as_deref().and_then(|value| value.get(wire::HEADER_BYTES..)).context("a datum")?;
    let registry = &installation.registry;
    let shared = Record::SharedCrimeEvent;
    let shared = registry.id_of(shared.subject(), &shared.latest().text).await?;
    let text = registry.register(&format!("{}.Text", installation.prefix), "\"string\"").await?;
    let cases = [
        ("unknown schema", "unknown-schema", 1_999_999_999),
        ("schema of another record", "wrong-schema", shared.0),
        ("schema of a text", "wrong-schema", text.0),
    ];
    let poison = |(name, reason, id)| {
        let record = Outgoing { value: Some(wire::frame(id, datum)), ..sound.clone() };
        Poison { name, stage: "decode", reason, record }
    };
    Ok(cases.map(poison).into())
}

/// Events that claim what their publisher must not.
fn claims(installation: &Installation) -> Result<Vec<Poison>> {
    let (delhi, haryana) = (state("IN-DL"), state("IN-HR"));
    let changed = |change: &dyn Fn(&mut CrimeEvent)| {
        let mut event = events::theft(delhi, 902, 1, "");
        change(&mut event);
        event.sealed()
    };
    let classified = |classification| changed(&|event| event.handling.classification = classification);
    let foreign = events::theft(haryana, 903, 1, "");
    let events = [
        ("another state's event", "origin-mismatch", foreign.clone()),
        ("another state's record", "foreign-record", CrimeEvent { origin: delhi, ..foreign }.sealed()),
        ("secret", "classification", classified(Classification::Secret)),
        ("top secret", "classification", classified(Classification::TopSecret)),
        ("of unknown class", "classification", classified(Classification::Unknown)),
        ("conflict", "conflict", events::theft(delhi, 1, 1, "other content")),
    ];
    let mut poisons = Vec::new();
    for (name, reason, event) in events {
        let stage = if reason == "conflict" { "deduplicate" } else { "authorise" };
        let record = Outgoing { topic: Topic::Reported(delhi), ..Outgoing::event(installation, &event)? };
        poisons.push(Poison { name, stage, reason, record });
    }
    let sound = Outgoing::event(installation, &events::theft(delhi, 904, 1, ""))?;
    for (name, key) in [("another key", Some(b"IN-DL/9999/2026/000904".to_vec())), ("no key", None)] {
        let record = Outgoing { key, ..sound.clone() };
        poisons.push(Poison { name, stage: "authorise", reason: "key", record });
    }
    Ok(poisons)
}

//! The independent judge on a real broker: it finds nothing wrong with all that a fan-out does, and finds what a test
//! puts into the topics by hand.

use crate::workload::{self, publications};
use anyhow::{Context as _, Result};
use sanchar_schemas::event::{Classification, EventAction, EventKind, Section};
use sanchar_schemas::schema::Record;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::{CrimeEvent, RecordId, StateCode, wire};
use sanchar_tests::events::{self, state};
use sanchar_tests::inbox::{self, Received};
use sanchar_tests::judge::{Kind, Verdict, judge};
use sanchar_tests::publisher::{Outgoing, Publisher, publish_raw};
use sanchar_tests::{Accounts, Installation};
use std::collections::BTreeMap;

/// Cases of [`workload`] end far below it.
const CASE: u32 = 900_000;
/// Publications of [`workload`] around the others.
const HOUR: u32 = 3_000;

fn revision(case: u32, revision: i64, change: impl FnOnce(&mut CrimeEvent)) -> CrimeEvent {
    let mut event =
        events::theft(state("IN-DL"), CASE + case, revision, &format!("as of revision {revision}"));
    change(&mut event);
    event.sealed()
}

fn excluding(codes: &[&str]) -> impl FnOnce(&mut CrimeEvent) + use<> {
    let states: Vec<StateCode> = codes.iter().map(|code| state(code)).collect();
    move |event| event.handling.excluded_states = states
}

/// What a state may publish about its records: changes of content, of handling and of nothing.
fn good() -> Vec<CrimeEvent> {
    let action = |action| move |event: &mut CrimeEvent| event.action = action;
    let unchanged =
        |event: &mut CrimeEvent| event.investigation_stage = revision(1, 3, |_| {}).investigation_stage;
    let part = |event: &mut CrimeEvent| {
        let text = event.record_id.as_str().replace("/fir", "/vehicle-1");
        event.record_id = RecordId::parse(text).unwrap();
    };
    let mut asking = events::theft(state("IN-MN"), CASE, 1, "");
    asking.addressing.states = vec![state("IN-GA")];
    asking.addressing.groups = vec!["NCR".to_owned(), "NOBODY".to_owned()];
    let asking = asking.sealed();
    let restricted = |event: &mut CrimeEvent| {
        event.sections.push(Section { act: "UAPA".to_owned(), section: "16".to_owned() });
    };
    let before_ladakh = |event: &mut CrimeEvent| event.published_at = 1_572_417_000_000;
    vec![
        revision(1, 2, |_| {}),
        revision(1, 2, |_| {}),
        revision(1, 1, |_| {}),
        revision(1, 1, part),
        revision(1, 3, action(EventAction::Correct)),
        revision(1, 4, |event| {
            unchanged(event);
            event.action = EventAction::Correct;
        }),
        revision(1, 5, action(EventAction::Cancel)),
        revision(2, 1, |_| {}),
        revision(2, 2, excluding(&["IN-HR"])),
        revision(2, 3, excluding(&["IN-HR"])),
        revision(2, 4, excluding(&["IN-UP"])),
        revision(2, 5, |_| {}),
        revision(2, 6, excluding(&["IN-HR", "IN-UP"])),
        revision(2, 7, excluding(&["IN-HR", "IN-UP"])),
        events::theft(state("IN-LD"), CASE, 1, ""),
        CrimeEvent { kind: EventKind::Release, ..events::theft(state("IN-RJ"), CASE, 1, "") }.sealed(),
        asking,
        revision(7, 1, |_| {}),
        revision(7, 2, restricted),
        events::theft(state("IN-LA"), CASE, 1, ""),
        CrimeEvent { published_at: 1_572_417_000_000, ..events::theft(state("IN-LA"), CASE, 2, "changed") },
        revision(3, 1, before_ladakh),
    ]
}

/// Records of Delhi's topic that can never be processed, each with its reason.
async fn poison(installation: &Installation) -> Result<Vec<(&'static str, Outgoing)>> {
    let sound = Outgoing::event(installation, &revision(4, 1, |_| {}))?;
    let whole = sound.value.clone().context("an event has a value")?;
    let datum = &whole[wire::HEADER_BYTES..];
    let with = |value: Option<Vec<u8>>| Outgoing { value, ..sound.clone() };
    let shared = Record::SharedCrimeEvent;
    let shared = installation.registry.id_of(shared.subject(), &shared.latest().text).await?;
    let text = installation.registry.register(&format!("{}.Text", installation.prefix), "\"string\"").await?;
    let event = |event: &CrimeEvent| {
        let event = Outgoing::event(installation, event)?;
        anyhow::Ok(Outgoing { topic: Topic::Reported(state("IN-DL")), ..event })
    };
    let foreign = events::theft(state("IN-HR"), CASE, 1, "");
    let claimed = CrimeEvent { origin: state("IN-DL"), ..foreign.clone() }.sealed();
    let of_class = |class| revision(5, 1, |event| event.handling.classification = class);
    let other_content = |event: &mut CrimeEvent| event.narrative = Some("other content".to_owned());
    let large = |event: &mut CrimeEvent| event.narrative = Some("x".repeat(1_500_000));
    Ok(vec![
        ("no-value", with(None)),
        ("wire-format", with(Some(Vec::new()))),
        ("wire-format", with(Some(b"{\"record_id\": 1}".to_vec()))),
        ("unknown-schema", with(Some(wire::frame(1_999_999_999, datum)))),
        ("wrong-schema", with(Some(wire::frame(shared.0, datum)))),
        ("wrong-schema", with(Some(wire::frame(text.0, datum)))),
        ("malformed", with(Some(whole[..whole.len() / 2].to_vec()))),
        ("malformed", with(Some([&whole[..], &[0]].concat()))),
        ("origin-mismatch", event(&foreign)?),
        ("foreign-record", event(&claimed)?),
        ("key", Outgoing { key: None, ..sound.clone() }),
        ("key", Outgoing { key: Some(b"IN-DL/9999/2026/1".to_vec()), ..sound.clone() }),
        ("classification", event(&of_class(Classification::Secret))?),
        ("classification", event(&of_class(Classification::Unknown))?),
        ("conflict", event(&revision(1, 5, other_content))?),
        ("too-large", event(&revision(6, 1, large))?),
    ])
}

/// Publishes everything, and gives how much that is.
async fn publish_all(installation: &Installation) -> Result<u64> {
    let hour = publications(HOUR, 11);
    let (morning, evening) = hour.split_at(hour.len() / 2);
    workload::publish(installation, morning)?;
    let publisher = Publisher::new(installation)?;
    let good = good();
    for event in &good {
        publisher.event(event)?;
    }
    let poison = poison(installation).await?;
    for (reason, record) in &poison {
        let record = record.clone().with_header("case", Some(reason.as_bytes())).with_header("null", None);
        publisher.send(&record)?;
        if *reason == "key" {
            // As an operator sends a dead letter back: with what was added to it the first time.
            publisher.send(&record.with_header("sanchar-dlq-reason", Some(b"conflict")))?;
        }
    }
    publisher.finish()?;
    workload::publish(installation, evening)?;
    Ok(hour.len() as u64 + good.len() as u64 + poison.len() as u64 + 2)
}

/// What a plain client would have to send for the same record to stand in a topic.
fn again(topic: Topic, record: &Received) -> Outgoing {
    Outgoing { topic, key: record.key.clone(), value: record.value.clone(), headers: record.headers.clone() }
}

fn counts(counts: &BTreeMap<&'static str, u64>) -> BTreeMap<String, u64> {
    counts.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_wrong_until_something_is_planted() -> Result<()> {
    let installation = Installation::new("judge").await?;
    let published = publish_all(&installation).await?;
    let settings = "unknown_schema_grace_ms = 1000\nstream = { retry_max_ms = 200 }";
    let mut fanout = installation.fanout("fanout-1", settings)?;
    let accounts = Accounts::after(&mut fanout, published)?;
    assert_eq!(fanout.stop()?, 0);

    let verdict = judge(&installation)?;
    assert!(verdict.is_clean(), "{verdict}");
    let books = Accounts {
        read: verdict.records_read,
        forwarded: verdict.forwarded,
        dropped: counts(&verdict.dropped),
        dead_lettered: counts(&verdict.dead_lettered),
        deliveries: verdict.deliveries,
        withdrawals: verdict.withdrawals,
    };
    assert_eq!(books, accounts, "the service's own books");
    assert_eq!(
        (verdict.dropped.len(), verdict.dead_lettered.len()),
        (4, 11),
        "every reason occurs: {verdict}"
    );
    assert!(verdict.withdrawals > 0);

    let haryana = state("IN-HR");
    let first = inbox::inbox(&installation, haryana)?.swap_remove(0);
    let letter = inbox::read(&installation, Topic::Dlq)?.swap_remove(0);
    let planted = [
        again(Topic::Shared(haryana), &first),
        again(Topic::Shared(state("IN-KL")), &first),
        again(Topic::Dlq, &letter),
    ];
    publish_raw(&installation, &planted)?;
    let verdict: Verdict = judge(&installation)?;
    let found: Vec<Kind> = verdict.findings.iter().map(|finding| finding.kind).collect();
    assert_eq!(verdict.found.values().sum::<u64>(), 3, "{verdict}");
    for kind in [Kind::Repeated, Kind::Misrouted, Kind::Unaccounted] {
        assert!(found.contains(&kind), "{}: {verdict}", kind.as_str());
    }
    Ok(())
}

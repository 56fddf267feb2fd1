//! The product's main sentence, on real services: an event of one state is in each neighbour's inbox once.

use anyhow::{Context as _, Result};
use sanchar_schemas::event::CrimeEvent;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::{StateCode, codec, wire};
use sanchar_tests::events::{self, state};
use sanchar_tests::inbox::Received;
use sanchar_tests::publisher::{Outgoing, publish_raw};
use sanchar_tests::{Accounts, Installation, inbox};
use std::collections::BTreeMap;

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test(flavor = "multi_thread")]
async fn each_neighbour_receives_each_event_once() -> Result<()> {
    let installation = Installation::new("neighbours").await?;
    let delhi = state("IN-DL");
    let first = events::theft(delhi, 1, 1, "first");
    let second = events::theft(delhi, 1, 2, "second");
    let other = events::theft(delhi, 2, 1, "other");
    let published = [&first, &first, &second, &first, &other, &second].map(|event| {
        let record = Outgoing::event(&installation, event)?;
        Ok(record.with_header("traceparent", Some(TRACEPARENT.as_bytes())))
    });
    publish_raw(&installation, &published.into_iter().collect::<Result<Vec<_>>>()?)?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    let accounts = Accounts::after(&mut fanout, 6)?;

    let mut inboxes: BTreeMap<StateCode, Vec<Received>> = BTreeMap::new();
    inbox::scan(&installation, &inbox::all(), |topic, record| {
        let Topic::Shared(recipient) = topic else { unreachable!("only inboxes are read") };
        inboxes.entry(recipient).or_default().push(record);
        Ok(())
    })?;
    let recipients: Vec<&str> = inboxes.keys().map(|recipient| recipient.as_str()).collect();
    assert_eq!(recipients, ["IN-HR", "IN-UP"], "the neighbours and nobody else, not even the origin");
    for (recipient, received) in &inboxes {
        let of_case = |event: &CrimeEvent| -> Vec<&Received> {
            let key = Some(event.record_id.case_key().as_bytes());
            received.iter().filter(|record| record.key.as_deref() == key).collect()
        };
        let [reported, changed] = of_case(&first)[..] else { panic!("{recipient}: two revisions") };
        let [alone] = of_case(&other)[..] else { panic!("{recipient}: one revision") };
        assert_eq!(received.len(), 3, "{recipient}");
        check_copy(reported, &first, "neighbour")?;
        check_copy(changed, &second, "neighbour,earlier-recipient")?;
        check_copy(alone, &other, "neighbour")?;
    }

    let dropped = BTreeMap::from([("duplicate".to_owned(), 2), ("stale".to_owned(), 1)]);
    let expected = Accounts { read: 6, forwarded: 3, dropped, deliveries: 6, ..Accounts::default() };
    assert_eq!(accounts, expected);
    assert!(inbox::read(&installation, Topic::Dlq)?.is_empty());
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

/// Checks one inbox record against what the origin published.
fn check_copy(record: &Received, published: &CrimeEvent, route: &str) -> Result<()> {
    let value = record.value.as_deref().context("a copy has a value")?;
    let original = codec::encode_event(published)?;
    let (_, datum) = wire::parse(value)?;
    // `notice` and the branch of `event` are a byte each; then the origin's bytes stand as they came.
    assert_eq!(datum[2..2 + original.len()], original[..], "byte for byte");

    let shared = record.shared()?;
    assert_eq!(shared.enrichment.origin_name_hi, "दिल्ली");
    assert_eq!(shared.enrichment.primary_head.as_deref(), Some("THEFT"));
    assert_eq!(shared.enrichment.recipients, ["IN-HR", "IN-UP"]);
    let event = shared.event.context("a delivery holds its event")?;
    assert_eq!(event, *published);
    assert_eq!(event.clone().sealed(), event, "content_hash and event_id still verify");

    let time = jiff::Timestamp::from_millisecond(published.published_at)?.to_string();
    let expected = [
        ("ce_specversion", "1.0"),
        ("ce_id", &published.event_id),
        ("ce_source", "/in-dl"),
        ("ce_type", "sanchar.crime.shared.v1"),
        ("ce_time", &time),
        ("content-type", "application/avro"),
        ("sanchar-route", route),
        ("traceparent", TRACEPARENT),
    ]
    .map(|(name, value)| (name.to_owned(), Some(value.as_bytes().to_vec())));
    assert_eq!(record.headers, expected);
    Ok(())
}

//! The product's main sentence, on real services: an event of one state is in each neighbour's inbox once.

use anyhow::Result;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use sanchar_schemas::topics::Topic;
use sanchar_schemas::{CrimeEvent, StateCode, codec, wire};
use sanchar_tests::{Installation, daemon, events, inbox};
use std::time::Duration;

/// Publishes events as they are, through a plain client.
pub(crate) fn publish<'e>(
    installation: &Installation,
    events: impl IntoIterator<Item = &'e CrimeEvent>,
) -> Result<()> {
    let producer: BaseProducer = installation.cluster.client().set("acks", "all").create()?;
    for event in events {
        let topic = installation.topic(Topic::Reported(event.origin));
        let value = wire::frame(installation.event_schema.0, &codec::encode_event(event)?);
        let record = BaseRecord::to(&topic).key(event.record_id.case_key()).payload(&value);
        producer.send(record).map_err(|(error, _)| error)?;
        producer.poll(Duration::ZERO);
    }
    producer.flush(Duration::from_secs(30))?;
    Ok(())
}

pub(crate) fn state(code: &str) -> StateCode {
    code.parse().expect("a state code of the test")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_neighbour_receives_each_event_once() -> Result<()> {
    let installation = Installation::new("neighbours").await?;
    let delhi = state("IN-DL");
    let first = events::theft(delhi, 1, 1, "first");
    let second = events::theft(delhi, 1, 2, "second");
    let other = events::theft(delhi, 2, 1, "other");
    publish(&installation, [&first, &first, &second, &first, &other, &second])?;
    let mut fanout = installation.fanout("fanout-1", "")?;
    fanout.wait_ready()?;
    daemon::wait_for("six records to be processed", || {
        Ok((fanout.metric("sanchar_records_in_total")? >= 6.0).then_some(()))
    })?;
    for neighbour in ["IN-HR", "IN-UP"] {
        let received = inbox::inbox(&installation, state(neighbour))?;
        let mut ids: Vec<(String, i64)> = Vec::new();
        for record in &received {
            let shared = record.shared()?;
            assert_eq!(shared.enrichment.origin_name_hi, "दिल्ली");
            assert_eq!(shared.enrichment.primary_head.as_deref(), Some("THEFT_MOTOR_VEHICLE"));
            let event = shared.event.expect("a delivery holds its event");
            assert_eq!(record.key, event.record_id.case_key().as_bytes());
            ids.push((event.record_id.to_string(), event.revision));
        }
        let of_first: Vec<i64> =
            ids.iter().filter(|(id, _)| *id == first.record_id.as_str()).map(|(_, r)| *r).collect();
        assert_eq!(of_first, [1, 2], "{neighbour} reads the revisions in order, each once");
        assert_eq!(ids.len(), 3, "{neighbour}");
    }
    for stranger in ["IN-DL", "IN-RJ", "IN-PB"] {
        assert!(inbox::inbox(&installation, state(stranger))?.is_empty(), "{stranger} must receive nothing");
    }
    assert_eq!(fanout.metric("sanchar_records_forwarded_total")?, 3.0);
    assert_eq!(fanout.metric("sanchar_deliveries_total")?, 6.0);
    assert_eq!(fanout.metric("sanchar_records_dropped_total{reason=\"duplicate\"}")?, 2.0);
    assert_eq!(fanout.metric("sanchar_records_dropped_total{reason=\"stale\"}")?, 1.0);
    assert_eq!(fanout.stop()?, 0);
    Ok(())
}

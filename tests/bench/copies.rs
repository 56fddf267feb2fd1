//! What the copy loop writes for a record: the bare record to the inbox of each recipient, or as many bytes and headers as the
//! fan-out writes there. The second kind is learnt from what the fan-out has delivered before, so it needs no rules and
//! costs no decision: what remains is what the contract's records cost the client library.

use crate::workload;
use anyhow::{Context as _, Result, ensure};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Headers as _, Message as _, OwnedHeaders};
use rdkafka::{Offset, TopicPartitionList};
use sanchar_schemas::codec::{Decoder, encode_enrichment};
use sanchar_schemas::headers::CE_SOURCE;
use sanchar_schemas::schema::Record;
use sanchar_schemas::topics::{Topic, TopicSpace};
use sanchar_schemas::{SharedCrimeEvent, StateCode, wire};
use sanchar_tests::cluster::Cluster;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long reading what was delivered may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A copy of each record of an origin.
pub(crate) struct Copy {
    pub(crate) inbox: String,
    pub(crate) headers: Option<OwnedHeaders>,
    /// What follows the record's own bytes.
    pub(crate) appended: Vec<u8>,
}

/// Copies by the topic whose records they are of.
pub(crate) type Copies = HashMap<String, Vec<Copy>>;

/// Bare copies.
pub(crate) fn bare(topics: &TopicSpace) -> Copies {
    let copies = |state| {
        let recipients = workload::recipients(state).iter();
        let bare = |to| Copy { inbox: topics.name(Topic::Shared(to)), headers: None, appended: Vec::new() };
        (topics.name(Topic::Reported(state)), recipients.map(bare).collect())
    };
    StateCode::all().map(copies).collect()
}

/// Copies with the headers and the enrichment of the first delivery from each origin to each inbox.
pub(crate) fn as_delivered(cluster: &Cluster, topics: &TopicSpace) -> Result<Copies> {
    let consumer: BaseConsumer = cluster
        .client()
        .set("group.id", "none")
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .create()?;
    let metadata = consumer.fetch_metadata(None, PATIENCE)?;
    let mut list = TopicPartitionList::new();
    for state in StateCode::all() {
        let inbox = topics.name(Topic::Shared(state));
        let known = metadata.topics().iter().find(|topic| topic.name() == inbox).context("no such inbox")?;
        for partition in known.partitions() {
            list.add_partition_offset(&inbox, partition.id(), Offset::Beginning)?;
        }
    }
    consumer.assign(&list)?;
    let decoder = Decoder::current(Record::SharedCrimeEvent);
    let source = |state: StateCode| format!("/{}", state.to_topic_part()).into_bytes();
    let topic_of: HashMap<_, _> =
        StateCode::all().map(|state| (source(state), topics.name(Topic::Reported(state)))).collect();
    let mut copies = bare(topics);
    let mut unknown: usize = copies.values().map(Vec::len).sum();
    let started = Instant::now();
    while unknown > 0 {
        ensure!(started.elapsed() < PATIENCE, "{unknown} pairs of origin and inbox have no delivery");
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message?;
        let Some(headers) = message.headers() else { continue }; // a bare copy
        let source = headers.iter().find(|header| header.key == CE_SOURCE).and_then(|header| header.value);
        let of_origin =
            source.and_then(|source| topic_of.get(source)).and_then(|topic| copies.get_mut(topic));
        let same = |copy: &&mut Copy| copy.headers.is_none() && copy.inbox == message.topic();
        if let Some(copy) = of_origin.context("a delivery of no origin")?.iter_mut().find(same) {
            let (_schema_id, datum) = wire::parse(message.payload().context("a delivery has no value")?)?;
            let delivered: SharedCrimeEvent = decoder.decode(datum)?;
            copy.appended = encode_enrichment(&delivered.enrichment)?;
            copy.headers = Some(headers.detach());
            unknown -= 1;
        }
    }
    Ok(copies)
}

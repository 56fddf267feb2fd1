//! Names of the Kafka headers that Sanchar writes, and the values that do not change.
//!
//! Events carry CloudEvents attributes in binary mode (CloudEvents Kafka protocol binding 1.0), so that a
//! reader can filter without decoding, and a W3C trace context. Dead letters carry the names of KIP-1191.

/// CloudEvents version attribute.
pub const CE_SPECVERSION: &str = "ce_specversion";
/// Value of [`CE_SPECVERSION`].
pub const CE_SPECVERSION_VALUE: &str = "1.0";
/// CloudEvents id: the `event_id`.
pub const CE_ID: &str = "ce_id";
/// CloudEvents source: `/in-dl/<police station>` or `/in-dl`.
pub const CE_SOURCE: &str = "ce_source";
/// CloudEvents type.
pub const CE_TYPE: &str = "ce_type";
/// [`CE_TYPE`] of a reported event.
pub const CE_TYPE_REPORTED: &str = "sanchar.crime.reported.v1";
/// [`CE_TYPE`] of a shared event.
pub const CE_TYPE_SHARED: &str = "sanchar.crime.shared.v1";
/// CloudEvents time: when the event was published, RFC 3339 UTC.
pub const CE_TIME: &str = "ce_time";
/// Media type of the value.
pub const CONTENT_TYPE: &str = "content-type";
/// Value of [`CONTENT_TYPE`].
pub const CONTENT_TYPE_AVRO: &str = "application/avro";
/// W3C trace context.
pub const TRACEPARENT: &str = "traceparent";
/// How urgent the event is; absent on all that are not. The fan-out lets urgent ones overtake other cases' and passes it on.
pub const PRIORITY: &str = "sanchar-priority";
/// Value of [`PRIORITY`] of an event with priority `URGENT`, or one that officers' safety depends on.
pub const PRIORITY_URGENT: &str = "urgent";
/// Why this state received the record: reasons separated by commas.
pub const ROUTE: &str = "sanchar-route";

/// KIP-1191: topic that the dead letter was read from.
pub const DLQ_TOPIC: &str = "__dlq.errors.topic";
/// KIP-1191: partition that it was read from, decimal.
pub const DLQ_PARTITION: &str = "__dlq.errors.partition";
/// KIP-1191: offset that it was read at, decimal.
pub const DLQ_OFFSET: &str = "__dlq.errors.offset";
/// KIP-1191: consumer group that gave up on it.
pub const DLQ_GROUP: &str = "__dlq.errors.group";
/// KIP-1191: how often it was tried, decimal.
pub const DLQ_DELIVERY_COUNT: &str = "__dlq.errors.delivery.count";
/// KIP-1191: what was wrong, for people.
pub const DLQ_MESSAGE: &str = "__dlq.errors.message";
/// Stage that gave up.
pub const DLQ_STAGE: &str = "sanchar-dlq-stage";
/// Reason code, one of a closed set.
pub const DLQ_REASON: &str = "sanchar-dlq-reason";
/// Version of the program that gave up.
pub const DLQ_VERSION: &str = "sanchar-dlq-version";
/// When it gave up: ms since 1970, UTC, decimal.
pub const DLQ_FAILED_AT: &str = "sanchar-dlq-failed-at-ms";

/// Present where the letter lacks the record's value, which was too large for the queue: its length in bytes and its SHA-256.
/// The record itself stands where [`DLQ_TOPIC`], [`DLQ_PARTITION`] and [`DLQ_OFFSET`] say, for as long as that topic keeps it.
pub const DLQ_LEFT_OUT: &str = "sanchar-dlq-left-out";

/// Whether a header of this name was added when a record was dead-lettered.
#[must_use]
pub fn is_of_dead_letter(name: &str) -> bool {
    name.starts_with("__dlq.errors.") || name.starts_with("sanchar-dlq-")
}

//! Writes a record that cannot be processed to the dead-letter queue: key, value and headers as they came,
//! and beside them where it was read and why it failed (header names of KIP-1191).
//!
//! A topic's limit counts what its producer compressed, by an algorithm of its own choice, so a record may be larger than any
//! that we could write again. Of such a one the letter has the place, the size and the digest: nobody stops the service
//! with a record that is too large to be put aside.

use crate::client::{Client, Message, Record, SendError};
use crate::config::Job;
use crate::processor::Poison;
use sanchar_schemas::digest::Sha256;
use sanchar_schemas::headers;

/// The longest text of a `message` header, in bytes.
const MESSAGE_BYTES_MAX: usize = 1_024;

pub(crate) fn send<C: Client>(
    client: &C,
    job: &Job,
    message: &impl Message,
    poison: &Poison,
    now_ms: i64,
) -> Result<(), SendError> {
    let (partition, offset) = (message.partition().to_string(), message.offset().to_string());
    let left_out = left_out(message, job.letter_bytes_max);
    let failed_at = now_ms.to_string();
    let text = shortened(&poison.message);
    let mut all = if left_out.is_some() { Vec::new() } else { message.headers() };
    // A dead letter that was sent back and failed again carries the newest reason alone.
    all.retain(|(name, _)| !headers::is_of_dead_letter(name));
    let ours: [(&str, &str); 10] = [
        (headers::DLQ_TOPIC, message.topic()),
        (headers::DLQ_PARTITION, &partition),
        (headers::DLQ_OFFSET, &offset),
        (headers::DLQ_GROUP, &job.group_id),
        (headers::DLQ_DELIVERY_COUNT, "1"),
        (headers::DLQ_MESSAGE, text),
        (headers::DLQ_STAGE, poison.stage),
        (headers::DLQ_REASON, poison.reason),
        (headers::DLQ_VERSION, job.version),
        (headers::DLQ_FAILED_AT, &failed_at),
    ];
    all.extend(ours.iter().map(|(name, value)| (*name, Some(value.as_bytes()))));
    all.extend(left_out.as_deref().map(|text| (headers::DLQ_LEFT_OUT, Some(text.as_bytes()))));
    let (key, value) = if left_out.is_some() { (None, None) } else { (message.key(), message.value()) };
    client.send(Record { topic: &job.dlq_topic, key, value, headers: &all })
}

/// What stands in for key, value and headers of a record that is larger than a letter may be.
fn left_out(message: &impl Message, letter_bytes_max: usize) -> Option<String> {
    let (key, value, headers) = (message.key(), message.value(), message.headers());
    let bytes = Record { topic: "", key, value, headers: &headers }.bytes();
    let value = value.unwrap_or_default();
    (bytes > letter_bytes_max).then(|| format!("value bytes={} sha256={}", value.len(), Sha256::of(value)))
}

fn shortened(text: &str) -> &str {
    let end = text.floor_char_boundary(MESSAGE_BYTES_MAX);
    text.get(..end).unwrap_or_default()
}

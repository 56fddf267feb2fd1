//! Whether this user may write to the topic, tried without writing.
//!
//! One record is sent with `acks=2`, which the Kafka protocol knows and no broker grants. Kafka first looks whether the user may write
//! (`TOPIC_AUTHORIZATION_FAILED` where not), then at the acknowledgements that are asked for (`INVALID_REQUIRED_ACKS`), and only then
//! appends; so the kind of the refusal answers the question. A transaction that is aborted would answer it too, but it needs a right that
//! a producer does not have (its transactional id), leaves a record in the log that readers of uncommitted records see, and holds all
//! other readers back while it is open. It is tried when asked for alone, since a broker that is not Apache Kafka may take the record.

use std::time::{Duration, Instant};

use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseRecord, Producer as _};
use sanchar_runtime::kafka::KafkaConfig;

use super::brokers::{self, Cluster};
use super::finding::{Cause, Check, Finding};
use crate::config::ProducerConfig;

/// How long the broker may take to answer.
const ANSWER: Duration = Duration::from_secs(8);
/// What is sent: no key and no value that anybody could take for an event.
const SETTINGS: [(&str, &str); 4] =
    [("acks", "2"), ("retries", "0"), ("linger.ms", "0"), ("message.timeout.ms", "8000")];

/// Tries whether this user may write to the topic.
pub(super) async fn attempt(config: &ProducerConfig, cluster: Option<&Cluster>) -> Finding {
    let topic = brokers::topic_name(config);
    if !cluster.is_some_and(Cluster::has_topic) {
        return Check::Writing
            .warning(format!("writing to {topic} was not tried: it is not there"), "see topic");
    }
    let kafka = config.kafka.clone();
    let sent = tokio::task::spawn_blocking(move || send(&kafka, &topic)).await;
    sent.unwrap_or_else(|error| Check::Writing.failed(Cause::Machine, error.to_string(), "please report it"))
}

fn send(kafka: &KafkaConfig, topic: &str) -> Finding {
    let client = match brokers::client(kafka, &SETTINGS) {
        Ok(client) => client,
        Err(problem) => return Check::Writing.refused(Cause::Configuration, problem),
    };
    let record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic);
    if let Err((error, _)) = client.send(record) {
        let seen = format!("a record for {topic} was not taken by the client ({error})");
        return Check::Writing.failed(Cause::Service, seen, "see brokers and topic");
    }
    let begun = Instant::now();
    while client.context().delivered().is_none() && begun.elapsed() < ANSWER {
        client.poll(Duration::from_millis(100));
    }
    let delivered = client.context().delivered();
    judge(topic, delivered.map(|outcome| outcome.map_err(|error| error.rdkafka_error_code())))
}

fn judge(topic: &str, delivered: Option<Result<(), Option<RDKafkaErrorCode>>>) -> Finding {
    match delivered {
        Some(Err(Some(RDKafkaErrorCode::InvalidRequiredAcks))) => {
            Check::Writing.ok(format!("this user may write to {topic}; nothing was written"))
        }
        Some(Err(Some(RDKafkaErrorCode::TopicAuthorizationFailed))) => {
            let remedy = format!(
                "an operator lets this user Write and Describe the topic {topic}; brokers before Kafka 2.8 also want \
                 IdempotentWrite on the cluster"
            );
            Check::Writing.failed(
                Cause::Configuration,
                format!("this user may not write to {topic}"),
                &remedy,
            )
        }
        Some(Ok(())) => Check::Writing.warning(
            format!(
                "this user may write to {topic}, but this broker is no Apache Kafka and took an empty record"
            ),
            "the fan-out service dead-letters it: do not use --try-writing with this broker again",
        ),
        Some(Err(code)) => {
            let code = code.map_or_else(|| "no code".to_owned(), |code| format!("{code:?}"));
            let seen = format!("writing to {topic} was refused for another reason ({code})");
            Check::Writing.failed(Cause::Service, seen, "see topic, and the brokers' logs")
        }
        None => {
            let seen = format!("whether this user may write to {topic} is not known: no answer came");
            Check::Writing.failed(Cause::Service, seen, "see brokers, then try again")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn the_kind_of_refusal_is_the_answer() {
        use RDKafkaErrorCode::{InvalidRequiredAcks, MessageTimedOut, TopicAuthorizationFailed};
        for (delivered, status) in [
            (Some(Err(Some(InvalidRequiredAcks))), Status::Ok),
            (Some(Err(Some(TopicAuthorizationFailed))), Status::Failed(Cause::Configuration)),
            (Some(Ok(())), Status::Warning),
            (Some(Err(Some(MessageTimedOut))), Status::Failed(Cause::Service)),
            (None, Status::Failed(Cause::Service)),
        ] {
            assert_eq!(judge("t", delivered).status, status, "{delivered:?}");
        }
    }
}

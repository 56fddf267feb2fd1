//! Sorts librdkafka's errors into what the engine has to do about them. Nothing is retried here.

use crate::client::ClientError;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use sanchar_runtime::config::ConfigError;

/// What to do about `error`, which happened while `doing`, to a client that does not exist yet.
pub(super) fn sort(doing: &str, error: &KafkaError) -> ClientError {
    if matches!(error, KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_)) {
        return ClientError::Misconfigured(format!("{doing}: {error}; correct [stream] or [kafka.options]"));
    }
    sort_code(format!("{doing}: {error}"), error.rdkafka_error_code())
}

/// What to do about an error of a client that exists. Whatever it says of a single call, its first fatal error is the cause:
/// one that is fenced learns it in the background, and its later calls fail for having failed (`Fatal`, `State`) or run
/// into a time-out. Who took these for passing would fence its successor in turn.
pub(super) fn sort_of<C: ClientContext>(client: &Client<C>, doing: &str, error: &KafkaError) -> ClientError {
    match client.fatal_error() {
        Some((code, reason)) => sort_code(format!("{doing}: {reason}"), Some(code)),
        None => sort(doing, error),
    }
}

fn sort_code(text: String, code: Option<Code>) -> ClientError {
    match code {
        Some(Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch | Code::FencedInstanceId) => {
            ClientError::Fenced(format!(
                "{text}; another process runs with the same instance_id, or a transaction ran into its time-out"
            ))
        }
        Some(
            Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed,
        ) => {
            ClientError::Refused(format!("{text}; check the [kafka] credentials and the rights of this user"))
        }
        _ => ClientError::Retryable(text),
    }
}

impl From<ConfigError> for ClientError {
    fn from(error: ConfigError) -> Self {
        Self::Misconfigured(error.to_string())
    }
}

/// Errors of reading that librdkafka reports and gets over by itself.
pub(super) fn is_passing(error: &KafkaError) -> bool {
    matches!(
        error,
        KafkaError::MessageConsumption(
            Code::AllBrokersDown
                | Code::BrokerTransportFailure
                | Code::OperationTimedOut
                | Code::RequestTimedOut
                | Code::Resolve
                | Code::NotCoordinator
                | Code::CoordinatorNotAvailable
                | Code::CoordinatorLoadInProgress
                | Code::LeaderNotAvailable
                | Code::NotLeaderForPartition
                | Code::UnknownTopicOrPartition
        )
    )
}

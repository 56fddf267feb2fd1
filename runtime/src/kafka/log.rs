//! librdkafka's own log lines, as events of this process.
//!
//! Every producer, consumer and admin client uses this context, or hands on to it, so that all log alike. The lines
//! tell of connections, coordinators and errors, never of record contents.

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// Sends what one client has to say to `tracing`, under the target `librdkafka`.
#[derive(Debug, Clone)]
pub struct LogContext {
    client_id: String,
}

impl LogContext {
    /// For the client that was configured as `client_id`.
    pub fn new(client_id: impl Into<String>) -> Self {
        Self { client_id: client_id.into() }
    }
}

impl ClientContext for LogContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        let client_id = self.client_id.as_str();
        // One table of options serves producers and consumers; that each ignores the other's is intended.
        if facility == "CONFWARN" {
            tracing::debug!(target: "librdkafka", client_id, facility, line, "kafka client reports");
            return;
        }
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => {
                tracing::warn!(target: "librdkafka", client_id, facility, line, "kafka client reports");
            }
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(target: "librdkafka", client_id, facility, line, "kafka client reports");
            }
            RDKafkaLogLevel::Debug => {
                tracing::debug!(target: "librdkafka", client_id, facility, line, "kafka client reports");
            }
        }
    }

    /// librdkafka tries again by itself after all but a few errors, so only those few are logged as ERROR.
    fn error(&self, error: KafkaError, reason: &str) {
        let client_id = self.client_id.as_str();
        // Asked for by a reader that wants to know where the end is.
        if matches!(error, KafkaError::Global(RDKafkaErrorCode::PartitionEOF)) {
            return;
        }
        if needs_somebody(&error) {
            tracing::error!(target: "librdkafka", client_id, %error, reason, "kafka client cannot go on");
        } else {
            tracing::warn!(target: "librdkafka", client_id, %error, reason, "kafka client tries again");
        }
    }
}

impl ConsumerContext for LogContext {}

fn needs_somebody(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::Fatal
                | RDKafkaErrorCode::Authentication
                | RDKafkaErrorCode::SaslAuthenticationFailed
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::GroupAuthorizationFailed
                | RDKafkaErrorCode::ClusterAuthorizationFailed
                | RDKafkaErrorCode::TransactionalIdAuthorizationFailed
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_that_is_down_is_a_warning_and_a_refused_password_an_error() {
        for (code, somebody) in [
            (RDKafkaErrorCode::AllBrokersDown, false),
            (RDKafkaErrorCode::BrokerTransportFailure, false),
            (RDKafkaErrorCode::Authentication, true),
            (RDKafkaErrorCode::Fatal, true),
        ] {
            assert_eq!(needs_somebody(&KafkaError::Global(code)), somebody, "{code:?}");
        }
    }
}

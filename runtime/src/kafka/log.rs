//! librdkafka's own log lines, as events of this process, and its word on the brokers.
//!
//! Every producer, consumer and admin client uses this context, or hands on to it, so that all log alike. The lines
//! tell of connections, coordinators and errors, never of record contents.

use super::Brokers;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{ClientContext, Statistics};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a client keeps an error to itself that it has told and tries to get over.
const TELL_AGAIN: Duration = Duration::from_secs(30);

/// Sends what one client has to say to `tracing`, under the target `librdkafka`.
#[derive(Debug, Clone)]
pub struct LogContext {
    client_id: String,
    told: Arc<Mutex<Vec<(RDKafkaErrorCode, Instant)>>>,
    brokers: Arc<Brokers>,
}

impl LogContext {
    /// For the client that was configured as `client_id`.
    pub fn new(client_id: impl Into<String>) -> Self {
        Self { client_id: client_id.into(), told: Arc::default(), brokers: Arc::default() }
    }

    /// Whether the client still knows its brokers, as far as it is asked for statistics.
    #[must_use]
    pub fn brokers(&self) -> &Brokers {
        &self.brokers
    }

    /// Whether `error` is to be told again. While brokers are down, the client reports each attempt on each connection.
    fn is_news(&self, error: &KafkaError) -> bool {
        let Some(code) = error.rdkafka_error_code() else { return true };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|(_, at)| at.elapsed() < TELL_AGAIN);
        let is_news = told.iter().all(|(known, _)| *known != code);
        if is_news {
            told.push((code, Instant::now()));
        }
        is_news
    }
}

impl ClientContext for LogContext {
    fn stats(&self, statistics: Statistics) {
        self.brokers.note(&statistics);
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        let client_id = self.client_id.as_str();
        // One table of options serves producers and consumers; that each ignores the other's is intended. A failed
        // connection is told by `error` as well.
        if matches!(facility, "CONFWARN" | "FAIL") {
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
        } else if self.is_news(&error) {
            tracing::warn!(target: "librdkafka", client_id, %error, reason, "kafka client tries again");
        } else {
            tracing::debug!(target: "librdkafka", client_id, %error, reason, "kafka client tries again");
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

    #[test]
    fn an_error_that_goes_on_is_told_once_in_a_while() {
        let context = LogContext::new("trial");
        let down = KafkaError::Global(RDKafkaErrorCode::AllBrokersDown);
        assert!(context.is_news(&down));
        assert!(!context.clone().is_news(&down), "clones are one client");
        assert!(context.is_news(&KafkaError::Global(RDKafkaErrorCode::Resolve)));
    }
}

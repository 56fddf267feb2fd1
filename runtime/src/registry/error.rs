//! What a registry's answer means: try again, unknown, forbidden by a rule, or not a schema.
//!
//! When in doubt an answer is "unavailable": a proxy's error page must delay records, never condemn them.

use std::error::Error as _;
use std::fmt;

use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::RawError;

use crate::secret::without_login;

/// Why the registry did not give what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// No usable answer: not reachable, too slow, refusing the log-in, or answering as no registry does. Try again.
    #[error("the schema registry gives no usable answer ({reason}): check registry.url and that it is up")]
    Unavailable {
        /// What happened.
        reason: String,
    },
    /// The registry answers that it does not know this.
    #[error("the schema registry does not know {what}: an operator has to register it")]
    NotFound {
        /// What was looked up.
        what: String,
    },
    /// The subject's compatibility rule forbids this schema.
    #[error("the schema registry refuses {what} as incompatible ({reason}): change the schema, not the rule")]
    Incompatible {
        /// What was to be registered.
        what: String,
        /// What the registry says.
        reason: String,
    },
    /// The request or the schema is not valid, and will not become so by trying again.
    #[error("the schema registry and {what} do not fit ({reason}): correct the schema or the request")]
    Invalid {
        /// What was looked up or sent.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl RegistryError {
    /// Whether the same question may get an answer later. Only [`RegistryError::Unavailable`] is.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    pub(super) fn unavailable(reason: impl fmt::Display) -> Self {
        Self::Unavailable { reason: shortened(&without_login(&reason.to_string())) }
    }

    /// The converter tells the status in its text only, and the registry's own answer as the error's source.
    pub(super) fn from_converter(what: &str, error: &SRCError) -> Self {
        let answer = error.source().and_then(|source| source.downcast_ref::<RawError>()).cloned();
        let status = error.error.split("failed with status ").nth(1);
        let status = status.and_then(|rest| rest.split(' ').next()?.parse().ok());
        match status {
            Some(status) => Self::from_status(what, status, answer),
            None => Self::unavailable(chain(error)),
        }
    }

    /// `answer` is the registry's error body, if it was one: <https://docs.confluent.io/platform/current/schema-registry/develop/api.html>.
    pub(super) fn from_status(what: &str, status: u16, answer: Option<RawError>) -> Self {
        let what = what.to_owned();
        let Some(answer) = answer else { return Self::unavailable(format!("http status {status}")) };
        let reason = shortened(&answer.message);
        let unavailable = || Self::unavailable(format!("http status {status}, {reason}"));
        match (status, answer.error_code) {
            // 40401 subject, 40402 version, 40403 schema. A plain 404 is a path that this server does not have.
            (404, 40_400..=40_499) => Self::NotFound { what },
            (409, 1..) => Self::Incompatible { what, reason },
            // The converter gives code 0 where the body was none of a registry's.
            (401 | 403 | 404 | 408 | 429, _) | (_, 0) => unavailable(),
            (400..=499, _) => Self::Invalid { what, reason },
            _ => unavailable(),
        }
    }
}

/// Causes say more than the error itself here: "connection refused" rather than "http call failed".
fn chain(error: &SRCError) -> String {
    with_causes(error.error.clone(), error.source())
}

/// The same of an error of the HTTP client.
pub(super) fn causes(error: &reqwest::Error) -> String {
    with_causes(error.to_string(), error.source())
}

fn with_causes(mut text: String, mut source: Option<&(dyn std::error::Error + 'static)>) -> String {
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// A registry may quote a whole schema.
fn shortened(text: &str) -> String {
    const LIMIT: usize = 300;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_schema_is_cut_short() {
        let error = RegistryError::unavailable("é".repeat(10_000));
        assert!(error.to_string().chars().count() < 450);
    }
}

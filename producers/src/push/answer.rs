//! What a sender is told: counts, or one code with a message and the items that are wrong. `openapi.json` describes the same.
//!
//! No answer quotes the body.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::reason::{Reason, Rejection};

/// Wrong items that are listed; more are counted.
pub(super) const LISTED_MAX: usize = 100;

/// The answer to a batch that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Accepted {
    /// Items that are safe on disk now.
    pub(super) accepted: u64,
    /// Items that were accepted before.
    pub(super) duplicates: u64,
    /// Items that the mapping leaves out.
    pub(super) skipped: u64,
}

/// An item that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct WrongItem {
    /// Its position in the body, from 0.
    pub(super) index: usize,
    /// Its line, from 1, where the body is lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<u64>,
    /// The class of what is wrong.
    pub(super) reason: Reason,
    /// The field; empty where it is the item as a whole.
    pub(super) field: String,
    /// What is wrong and what would be right.
    pub(super) message: String,
}

/// The wrong items of a batch, the first [`LISTED_MAX`] of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Wrong {
    /// How many there are.
    #[serde(rename = "items_wrong")]
    pub(super) count: u64,
    /// The first of them.
    pub(super) items: Vec<WrongItem>,
}

impl Wrong {
    /// Notes an item.
    pub(super) fn note(&mut self, index: usize, line: Option<u64>, rejection: Rejection) {
        self.count += 1;
        if self.items.len() < LISTED_MAX {
            let Rejection { reason, field, message } = rejection;
            self.items.push(WrongItem { index, line, reason, field, message: message.into_owned() });
        }
    }
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident = $status:ident $code:literal $message:literal,)+) => {
        /// Why a request is refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Refused { $($(#[$doc])* $variant,)+ }

        impl Refused {
            #[cfg(test)]
            const ALL: &'static [Self] = &[$(Self::$variant,)+];

            const fn parts(self) -> (StatusCode, &'static str, &'static str) {
                match self { $(Self::$variant => (StatusCode::$status, $code, $message),)+ }
            }
        }
    };
}

refusals! {
    /// The body is not JSON.
    NotJson = BAD_REQUEST "not_json" "the body is not json from its beginning to its end: `place` says where",
    /// The body is not UTF-8.
    NotUtf8 = BAD_REQUEST "not_utf8" "the body is not utf-8: send it as utf-8",
    /// There is no item.
    Empty = BAD_REQUEST "empty" "the body holds no item: send at least one",
    /// The body ended early.
    HalfSent = BAD_REQUEST "half_sent" "the body ended before its end: send it again",
    /// Items are wrong.
    WrongItems = BAD_REQUEST "items_refused" "nothing was accepted: correct the items that are listed and send all again",
    /// No or an unknown token, and no certificate.
    Unauthorized = UNAUTHORIZED "unauthorized" "send a known token as `authorization: bearer …`, or a client certificate",
    /// Another path.
    NotFound = NOT_FOUND "not_found" "this server knows /v1/events and /v1/openapi.json",
    /// Another method.
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed" "use POST for /v1/events and GET for /v1/openapi.json",
    /// The body took too long.
    SlowBody = REQUEST_TIMEOUT "body_timeout" "the body took longer than push.body_timeout_ms: send it faster or in smaller batches",
    /// The body is too large.
    TooLarge = PAYLOAD_TOO_LARGE "body_too_large" "the body is larger than `limit` bytes (push.max_body_bytes): send smaller batches",
    /// The body has too many items.
    TooManyItems = PAYLOAD_TOO_LARGE "too_many_items" "the body has more than `limit` items (push.max_items): send smaller batches",
    /// Neither JSON nor JSON Lines.
    MediaType = UNSUPPORTED_MEDIA_TYPE "media_type" "send content-type application/json or application/x-ndjson",
    /// The body is compressed.
    Encoding = UNSUPPORTED_MEDIA_TYPE "content_encoding" "send the body as it is, without a content-encoding",
    /// Too much at a time.
    Busy = TOO_MANY_REQUESTS "busy" "too many requests at a time: send it again later",
    /// As much waits for the broker as may.
    SpoolFull = SERVICE_UNAVAILABLE "spool_full" "nothing was accepted, for too much waits for the broker: send it again later",
    /// Items wait for too long.
    SpoolOld = SERVICE_UNAVAILABLE "spool_old" "nothing was accepted, for items have waited too long for the broker: send it again later",
    /// The disk refuses.
    Disk = SERVICE_UNAVAILABLE "disk" "nothing was accepted, for the disk refuses: send it again later",
    /// A stop is under way.
    Stopping = SERVICE_UNAVAILABLE "stopping" "nothing was accepted, for this daemon is stopping: send it again soon",
}

/// An answer other than 202.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    refused: Refused,
    /// Where the body is wrong, for people.
    place: Option<String>,
    /// The bound that it is beyond, in bytes or items.
    limit: Option<usize>,
    wrong: Option<Wrong>,
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        Self { refused, place: None, limit: None, wrong: None }
    }
}

impl From<Wrong> for Problem {
    fn from(wrong: Wrong) -> Self {
        Self { wrong: Some(wrong), ..Self::from(Refused::WrongItems) }
    }
}

impl Problem {
    /// The body is not JSON from this line and column on, both from 1.
    pub(super) fn not_json(line: usize, column: usize) -> Self {
        let place = Some(format!("line {line} column {column}"));
        Self { place, ..Self::from(Refused::NotJson) }
    }

    /// The body is beyond a bound, in bytes or items: the sender learns it and need not guess.
    pub(super) fn beyond(refused: Refused, limit: usize) -> Self {
        Self { limit: Some(limit), ..Self::from(refused) }
    }
}

#[derive(Serialize)]
struct Body {
    error: &'static str,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    wrong: Option<Wrong>,
}

impl Refused {
    /// After how many seconds it makes sense to send the same again. Of what is too large it never does, so 413 comes without: with
    /// `Retry-After` it would mean that the condition passes (RFC 9110, section 15.5.14). What finds no room for now gets 429.
    const fn retry_after(self) -> Option<&'static str> {
        match self {
            Self::Busy | Self::Stopping => Some("1"),
            Self::SpoolFull | Self::SpoolOld | Self::Disk => Some("30"),
            _ => None,
        }
    }
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        (StatusCode::ACCEPTED, Json(self)).into_response()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { refused, place, limit, wrong } = self;
        let (status, error, message) = refused.parts();
        let mut response = (status, Json(Body { error, message, place, limit, wrong })).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = refused.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        if refused == Refused::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE) {
            // The rest of the body is not waited for.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_passes_says_when_and_nothing_else_does() {
        for refused in Refused::ALL {
            let passes = matches!(refused.parts().0.as_u16(), 429 | 503);
            assert_eq!(refused.retry_after().is_some(), passes, "{refused:?}");
        }
    }

    #[test]
    fn the_document_knows_every_code() {
        let document: serde_json::Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
        let schemas = &document["components"]["schemas"];
        let said = ["Problem", "WrongItems"]
            .map(|name| schemas[name]["properties"]["error"]["enum"].as_array().unwrap());
        let said: BTreeSet<_> = said.into_iter().flatten().map(|code| code.as_str().unwrap()).collect();
        let known: BTreeSet<_> = Refused::ALL.iter().map(|refused| refused.parts().1).collect();
        assert_eq!(said, known);
        assert_eq!(schemas["WrongItems"]["properties"]["items"]["maxItems"], LISTED_MAX);
    }
}

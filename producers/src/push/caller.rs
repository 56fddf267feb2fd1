//! Who may send items: whoever knows a token, or has shown a certificate by a known authority.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use sanchar_runtime::secret::Secret;
use sanchar_schemas::digest::Sha256;

/// What the connection has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// A certificate that was found good.
    Certified,
    /// Nothing.
    Unknown,
}

/// Those who may.
#[derive(Debug)]
pub(super) struct Callers {
    /// Digests of the tokens: all of one length, so that comparing tells nothing about a token's own.
    digests: Vec<Sha256>,
}

impl Callers {
    pub(super) fn new(tokens: &[Secret]) -> Self {
        Self { digests: tokens.iter().map(|token| Sha256::of(token.expose().as_bytes())).collect() }
    }

    /// Whether a request may send items. Takes the same time whichever token it has.
    pub(super) fn may_send(&self, peer: Peer, headers: &HeaderMap) -> bool {
        let token = headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes())).unwrap_or_default();
        let shown = Sha256::of(token);
        let known =
            self.digests.iter().fold(false, |known, digest| known | openssl::memcmp::eq(&digest.0, &shown.0));
        known || peer == Peer::Certified
    }
}

/// The token of `Bearer …` (RFC 6750; the scheme in any case, RFC 9110).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_known_token_or_a_certificate_opens_and_nothing_else_does() {
        let callers = Callers::new(&[Secret::new("0123456789abcdef"), Secret::new("fedcba9876543210")]);
        let may = |value: &'static str, peer| {
            callers.may_send(peer, &HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(value))]))
        };
        assert!(
            may("Bearer 0123456789abcdef", Peer::Unknown) && may("bearer  fedcba9876543210", Peer::Unknown)
        );
        for wrong in
            ["Bearer 0123456789abcdeF", "Bearer ", "Bearer", "Basic 0123456789abcdef", "0123456789abcdef"]
        {
            assert!(!may(wrong, Peer::Unknown), "{wrong}");
        }
        assert!(may("Bearer wrong", Peer::Certified));
        assert!(!callers.may_send(Peer::Unknown, &HeaderMap::new()));
        assert!(!Callers::new(&[]).may_send(Peer::Unknown, &HeaderMap::new()));
    }
}

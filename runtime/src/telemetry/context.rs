//! The trace that a record belongs to, as its `traceparent` header says it (W3C Trace Context, level 1).
//!
//! A trace's id is random and says nothing about the record. `tracestate` is not carried: it is free text of others, and
//! the specification leaves it to whoever forwards (section "Privacy of the tracestate field").

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};

/// Bytes of a header of version 00.
const HEADER_BYTES: usize = 55;
/// Flag: whoever sent it may have recorded it.
const RECORDED: u8 = 1;

/// A trace, and a span in it. Shown as the header of version 00.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

impl TraceContext {
    /// A new trace that nobody has recorded.
    #[must_use]
    pub fn new() -> Self {
        let trace_id = (u128::from(random()) << 64) | u128::from(random());
        Self { trace_id, span_id: random(), flags: 0 }
    }

    /// Reads a header. `None` for one that the specification calls invalid, which then counts as absent. Of a version
    /// that is not known yet, what is before its first unknown part is read.
    #[must_use]
    pub fn parse(header: &[u8]) -> Option<Self> {
        let (known, rest) = header.split_at_checked(HEADER_BYTES)?;
        let mut parts = std::str::from_utf8(known).ok()?.split('-');
        let (version, trace_id) = (hex(parts.next()?, 2)?, hex(parts.next()?, 32)?);
        let (span_id, flags) = (hex(parts.next()?, 16)?, hex(parts.next()?, 2)?);
        let is_whole = match version {
            0 => rest.is_empty(),
            0xff => false,
            _ => rest.first().is_none_or(|next| *next == b'-'),
        };
        let is_valid = is_whole && parts.next().is_none() && trace_id != 0 && span_id != 0;
        let (span_id, flags) = (u64::try_from(span_id).ok()?, u8::try_from(flags).ok()?);
        is_valid.then_some(Self { trace_id, span_id, flags })
    }

    /// Another span of the same trace, recorded.
    #[must_use]
    pub fn child(self) -> Self {
        Self { span_id: random(), flags: self.flags | RECORDED, ..self }
    }

    /// The same, recorded.
    #[must_use]
    pub fn recorded(self) -> Self {
        Self { flags: self.flags | RECORDED, ..self }
    }

    /// Whether whoever sent it may have recorded it.
    #[must_use]
    pub const fn is_recorded(self) -> bool {
        self.flags & RECORDED != 0
    }

    /// The trace's id, in the 32 digits of the header.
    #[must_use]
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// The span's id, in the 16 digits of the header.
    #[must_use]
    pub fn span_id(self) -> String {
        format!("{:016x}", self.span_id)
    }

    /// The random part of the trace's id that samples are taken by: its last seven bytes.
    pub(super) fn dice(self) -> u64 {
        u64::try_from(self.trace_id & ((1 << 56) - 1)).unwrap_or_default()
    }
}

impl Default for TraceContext {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every record has one, and the formatting of wide numbers takes several times as long.
        let mut header = [b'-'; HEADER_BYTES];
        put_hex(header.get_mut(..2), 0);
        put_hex(header.get_mut(3..35), self.trace_id);
        put_hex(header.get_mut(36..52), self.span_id.into());
        put_hex(header.get_mut(53..), self.flags.into());
        f.write_str(std::str::from_utf8(&header).map_err(|_| fmt::Error)?)
    }
}

/// Fills a place with the last digits of a number.
fn put_hex(place: Option<&mut [u8]>, mut value: u128) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for digit in place.into_iter().flatten().rev() {
        let [low, ..] = value.to_le_bytes();
        *digit = DIGITS.get(usize::from(low & 0xf)).copied().unwrap_or_default();
        value >>= 4;
    }
}

/// So many digits, of which letters are small: others are invalid.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_hex.then(|| u128::from_str_radix(text, 16).ok())?
}

/// Never 0, which is invalid. The standard library keys every `RandomState` differently, from the system's randomness.
fn random() -> u64 {
    RandomState::new().hash_one(0_u8).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_header_is_read_and_written_back() {
        let context = TraceContext::parse(HEADER.as_bytes()).unwrap();
        assert_eq!(context.to_string(), HEADER);
        assert_eq!(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(context.span_id(), "b7ad6b7169203331");
        assert!(context.is_recorded());
    }

    /// The cases of the specification's own test suite that concern one header.
    #[test]
    fn what_the_specification_calls_invalid_is_no_header() {
        let invalid = [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-will-be-like",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",
            "00-.af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what",
            "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
            "+0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "a person, and where they live, in fifty-five characters",
        ];
        for header in invalid {
            assert_eq!(TraceContext::parse(header.as_bytes()), None, "{header}");
        }
        assert_eq!(TraceContext::parse(&[0xff; 55]), None);
    }

    #[test]
    fn of_a_later_version_what_is_known_is_read() {
        for header in [
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-will-be-like",
        ] {
            let context = TraceContext::parse(header.as_bytes()).unwrap();
            assert_eq!(context.to_string(), HEADER, "written in the version that is known");
        }
    }

    #[test]
    fn every_trace_is_new_and_a_child_stays_in_it() {
        let (one, other) = (TraceContext::new(), TraceContext::new());
        assert_ne!(one.trace_id(), other.trace_id());
        assert!(!one.is_recorded());
        assert_eq!(TraceContext::parse(one.to_string().as_bytes()), Some(one));
        let child = one.child();
        assert_eq!(child.trace_id(), one.trace_id());
        assert_ne!(child.span_id(), one.span_id());
        assert!(child.is_recorded() && one.recorded().is_recorded());
    }
}

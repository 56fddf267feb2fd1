//! SHA-256 digests as values: 32 bytes in Avro, 64 hexadecimal digits in JSON and on screens.
//! Not a general hashing interface; the algorithm is fixed by the schema (and named in BSA s.63(4)).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::Digest;
use std::fmt;

/// A SHA-256 digest (FIPS 180-4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// Digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// Appends it as 64 hexadecimal digits.
    pub(crate) fn push_hex(&self, text: &mut String) {
        self.0.iter().for_each(|byte| push_hex(text, *byte));
    }

    /// Parses 64 hexadecimal digits; `None` for anything else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let &[high, low] = pair else { return None };
            let value = char::from(high).to_digit(16)? << 4 | char::from(low).to_digit(16)?;
            *byte = u8::try_from(value).ok()?;
        }
        Some(Self(bytes))
    }
}

/// Appends a byte as two hexadecimal digits.
pub(crate) fn push_hex(text: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for half in [byte >> 4, byte & 0xf] {
        text.push(DIGITS.get(usize::from(half)).copied().map(char::from).unwrap_or_default());
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(64);
        self.push_hex(&mut text);
        f.pad(&text)
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Sha256 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Sha256 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(DigestVisitor)
        } else {
            deserializer.deserialize_bytes(DigestVisitor)
        }
    }
}

struct DigestVisitor;

impl de::Visitor<'_> for DigestVisitor {
    type Value = Sha256;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a SHA-256 digest: 32 bytes or 64 hexadecimal digits")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Sha256, E> {
        bytes.try_into().map(Sha256).map_err(|_| E::invalid_length(bytes.len(), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Sha256, E> {
        Sha256::from_hex(text).ok_or_else(|| E::custom("expected 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_of_the_empty_string_is_the_standards_value() {
        let empty = Sha256::of(b"");
        assert_eq!(empty.to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(Sha256::from_hex(&empty.to_string()), Some(empty));
        assert_eq!(Sha256::from_hex("e3b0"), None);
        assert_eq!(Sha256::from_hex(&"+1".repeat(32)), None);
        assert_eq!(Sha256::from_hex(&"éé".repeat(16)), None);
    }
}

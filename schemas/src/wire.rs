//! The Confluent wire format: a zero byte, the schema id as four bytes (big-endian), the Avro datum.
//! Looking an id up is the registry client's business (crate `sanchar-runtime`).

/// Bytes before the datum.
pub const HEADER_BYTES: usize = 5;

/// Why a message is not in the Confluent wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Fewer than five bytes.
    #[error("the message is shorter than the five bytes of a schema id")]
    Truncated,
    /// The first byte is not zero.
    #[error("the message starts with byte {0:#04x} instead of the wire format's 0x00")]
    Magic(u8),
}

/// Splits a message into the writer's schema id and the datum.
///
/// # Errors
/// When the message does not start with the five bytes of the format.
pub fn parse(message: &[u8]) -> Result<(u32, &[u8]), WireError> {
    match message {
        [0, a, b, c, d, datum @ ..] => Ok((u32::from_be_bytes([*a, *b, *c, *d]), datum)),
        [magic, _, _, _, _, ..] => Err(WireError::Magic(*magic)),
        _ => Err(WireError::Truncated),
    }
}

/// Appends the five bytes that precede a datum.
pub fn write_header(schema_id: u32, out: &mut Vec<u8>) {
    out.push(0);
    out.extend_from_slice(&schema_id.to_be_bytes());
}

/// A whole message.
#[must_use]
pub fn frame(schema_id: u32, datum: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(HEADER_BYTES + datum.len());
    write_header(schema_id, &mut message);
    message.extend_from_slice(datum);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_parsed_back_and_damage_is_named() {
        let message = frame(0x0102_0304, b"datum");
        assert_eq!(&message[..5], [0, 1, 2, 3, 4]);
        assert_eq!(parse(&message), Ok((0x0102_0304, b"datum".as_slice())));
        assert_eq!(parse(&[1, 0, 0, 0, 1, 9]), Err(WireError::Magic(1)));
        assert_eq!(parse(&[0, 0, 0, 1]), Err(WireError::Truncated));
        assert_eq!(parse(&[]), Err(WireError::Truncated));
    }
}

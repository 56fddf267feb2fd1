//! Kafka's frames as bytes: read and written whole, and the one response that is rewritten. What happens to a frame is the
//! proxy's to decide.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

/// Larger than any frame of a test; a length above it means that this is no Kafka connection.
const FRAME_BYTES_MAX: usize = 128 << 20;

/// A whole frame with its length in front.
pub(super) fn read_frame(mut stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let bytes = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if bytes > FRAME_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut frame = vec![0; 4 + bytes];
    let (start, rest) = frame.split_at_mut(4);
    start.copy_from_slice(&length);
    stream.read_exact(rest)?;
    Ok(frame)
}

pub(super) fn write(mut stream: &TcpStream, frame: &[u8]) -> io::Result<()> {
    stream.write_all(frame)
}

pub(super) fn part<const N: usize>(frame: &[u8], from: usize) -> Option<[u8; N]> {
    frame.get(from..from + N)?.try_into().ok()
}

/// A Metadata response with its list of brokers emptied (Kafka protocol guide, Metadata response, version 9 and later). `None`
/// where it is none.
pub(super) fn without_brokers(frame: &[u8]) -> Option<Vec<u8>> {
    /// Length, correlation id, tagged fields of the header, throttle time.
    const BEFORE: usize = 4 + 4 + 1 + 4;
    const NONE_OF_A_LIST: u8 = 1;
    /// A compact text with its length in front, one greater; all of them are short here.
    fn text(rest: &[u8]) -> Option<&[u8]> {
        let (length, rest) = rest.split_first()?;
        rest.get(usize::from(length.saturating_sub(1))..)
    }
    let (count, mut rest) = frame.get(BEFORE..)?.split_first()?;
    for _ in 1..*count {
        rest = text(rest.get(4..)?)?; // node id, host
        rest = text(rest.get(4..)?)?; // port, rack
        rest = rest.strip_prefix(&[0])?; // no tagged fields
    }
    let body = [frame.get(4..BEFORE)?, &[NONE_OF_A_LIST], rest].concat();
    Some([&u32::try_from(body.len()).ok()?.to_be_bytes()[..], &body].concat())
}

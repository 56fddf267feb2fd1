//! The bytes of a source: a file as it is, a gzip file unpacked as it is read, or a pipe that a thread of its own reads.
//!
//! Nothing here knows rows. A packed file that is damaged or unpacks to too much fails with a [`Damage`].

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use flate2::bufread::GzDecoder;

/// The first bytes of every gzip member (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Text packs to a hundredth at best; what unpacks to more than so many times its size was made to do harm.
const RATIO_MAX: u64 = 500;
/// Below so many unpacked bytes no ratio is looked at.
const RATIO_FROM_BYTES: u64 = 64 << 20;
/// Pieces of a pipe that are read ahead.
const PIECES_MAX: usize = 4;
/// Bytes of one piece.
const PIECE_BYTES: usize = 64 << 10;
/// How long one reading of a pipe waits.
const PATIENCE: Duration = Duration::from_millis(50);

/// What rows are read from.
#[derive(Debug)]
pub(super) enum Input {
    /// A file as it is.
    File(File),
    /// A gzip file, unpacked.
    Gzip(Box<Gunzip>),
    /// A pipe. Reading it fails with [`io::ErrorKind::WouldBlock`] while nothing is there.
    Pipe(Pipe),
}

impl Input {
    /// A gzip file that may hold so many bytes unpacked.
    pub(super) fn gzip(file: File, unpacked_bytes_max: u64) -> Self {
        let member = GzDecoder::new(BufReader::new(Counted { file, bytes: 0 }));
        Self::Gzip(Box::new(Gunzip { member: Some(member), unpacked: 0, unpacked_max: unpacked_bytes_max }))
    }

    /// Standard input. A thread reads it, since nothing can interrupt such a reading; it ends with the process.
    pub(super) fn stdin() -> Self {
        Self::pipe(io::stdin())
    }

    fn pipe(mut source: impl Read + Send + 'static) -> Self {
        let (sender, pieces) = sync_channel(PIECES_MAX);
        std::thread::spawn(move || {
            loop {
                let mut piece = vec![0; PIECE_BYTES];
                let read = source.read(&mut piece);
                if read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
                    continue;
                }
                let ends = !matches!(read, Ok(1..));
                let sent = sender.send(read.map(|length| {
                    piece.truncate(length);
                    piece
                }));
                if ends || sent.is_err() {
                    return;
                }
            }
        });
        Self::Pipe(Pipe { pieces, piece: Vec::new(), taken: 0 })
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Gzip(gunzip) => gunzip.read(buffer),
            Self::Pipe(pipe) => pipe.read(buffer),
        }
    }
}

/// Whether these first bytes are a gzip file's.
pub(crate) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&GZIP_MAGIC)
}

/// A gzip file of one or more members, and how much has come out of it.
#[derive(Debug)]
pub(super) struct Gunzip {
    /// The one that is being unpacked; none behind the last.
    member: Option<GzDecoder<BufReader<Counted>>>,
    unpacked: u64,
    unpacked_max: u64,
}

#[derive(Debug)]
struct Counted {
    file: File,
    bytes: u64,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bytes += u64::try_from(read).unwrap_or_default();
        Ok(read)
    }
}

impl Gunzip {
    /// Unpacks one member after another.
    fn unpack(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(mut member) = self.member.take() {
            let read = member.read(buffer).map_err(damage)?;
            if read > 0 || buffer.is_empty() {
                self.member = Some(member);
                return Ok(read);
            }
            let mut rest = member.into_inner();
            match rest.fill_buf()?.first() {
                None => {}
                Some(byte) if *byte == GZIP_MAGIC[0] => self.member = Some(GzDecoder::new(rest)),
                Some(_) => return Err(Damage::Trailing.into()),
            }
        }
        Ok(0)
    }
}

impl Read for Gunzip {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.unpack(buffer)?;
        self.unpacked += u64::try_from(read).unwrap_or_default();
        let packed = self.member.as_ref().map_or(u64::MAX, |member| member.get_ref().get_ref().bytes);
        if self.unpacked > self.unpacked_max {
            return Err(Damage::TooLarge.into());
        }
        if self.unpacked > RATIO_FROM_BYTES && self.unpacked / packed.max(1) > RATIO_MAX {
            return Err(Damage::Bomb.into());
        }
        Ok(read)
    }
}

/// The decoder's own errors are about the file; others are the system's.
fn damage(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Damage::Truncated.into(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Damage::Corrupt.into(),
        _ => error,
    }
}

/// What is wrong with a packed file, and the remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// It ends too early.
    Truncated,
    /// It is no gzip, or its checksum does not fit.
    Corrupt,
    /// Something else stands behind its end.
    Trailing,
    /// It holds more than it may.
    TooLarge,
    /// It holds more than any text does.
    Bomb,
}

impl Damage {
    /// The damage that an error stands for.
    pub(super) fn of(error: &io::Error) -> Option<Self> {
        error.get_ref().and_then(|inner| inner.downcast_ref()).copied()
    }

    /// What is wrong and what to do.
    pub(super) fn problem(self) -> &'static str {
        match self {
            Self::Truncated => "its gzip data ends too early: send the whole file again",
            Self::Corrupt => {
                "its gzip data is damaged, so that rows before this one may differ from what was sent: send it again"
            }
            Self::Trailing => {
                "its gzip data is whole, and something that is no gzip stands behind its end: see what wrote it, and send it \
                 without that"
            }
            Self::TooLarge => {
                "it holds more than source.max_unpacked_bytes: split the file, or raise that limit if it is right"
            }
            Self::Bomb => {
                "it unpacks to more than 500 times its size, as no list of rows does: look at who sent it"
            }
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.problem())
    }
}

impl std::error::Error for Damage {}

impl From<Damage> for io::Error {
    fn from(damage: Damage) -> Self {
        Self::other(damage)
    }
}

/// Pieces that a thread has read.
#[derive(Debug)]
pub(super) struct Pipe {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    taken: usize,
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.piece.len() {
            self.piece = match self.pieces.recv_timeout(PATIENCE) {
                Ok(piece) => piece?,
                Err(RecvTimeoutError::Timeout) => return Err(io::ErrorKind::WouldBlock.into()),
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            };
            self.taken = 0;
        }
        let mut rest = self.piece.get(self.taken..).unwrap_or_default();
        let read = rest.read(buffer)?;
        self.taken += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek as _, Write as _};

    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn pack(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(packed: &[u8], bytes_max: u64) -> (Vec<u8>, Option<Damage>) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(packed).unwrap();
        file.rewind().unwrap();
        let mut input = Input::gzip(file, bytes_max);
        let (mut found, mut buffer) = (Vec::new(), [0; 1000]);
        loop {
            match input.read(&mut buffer) {
                Ok(0) => return (found, None),
                Ok(read) => found.extend_from_slice(&buffer[..read]),
                Err(error) => return (found, Some(Damage::of(&error).unwrap())),
            }
        }
    }

    #[test]
    fn members_are_unpacked_one_after_another() {
        let two = [pack(b"a,b\n"), pack(b"c,d\n")].concat();
        assert_eq!(unpack(&two, 100), (b"a,b\nc,d\n".to_vec(), None));
        assert_eq!(unpack(&pack(b""), 100), (Vec::new(), None));
    }

    #[test]
    fn damage_is_told_from_what_came_before_it() {
        let content: Vec<u8> =
            (0..200_000_u32).flat_map(|n| format!("{n},{}\n", n ^ 0x5a5a).into_bytes()).collect();
        let packed = pack(&content);
        for keep in [packed.len() / 2, packed.len() - 4, 5] {
            let (found, damage) = unpack(&packed[..keep], u64::MAX);
            assert_eq!(damage, Some(Damage::Truncated), "{keep}");
            assert!(content.starts_with(&found));
        }
        let mut wrong_sum = packed.clone();
        let at = wrong_sum.len() - 6;
        wrong_sum[at] ^= 1;
        assert_eq!(unpack(&wrong_sum, u64::MAX).1, Some(Damage::Corrupt));
        assert_eq!(
            unpack(&[packed, b"rubbish behind".to_vec()].concat(), u64::MAX).1,
            Some(Damage::Trailing)
        );
    }

    #[test]
    fn a_bomb_ends_at_the_limit_or_by_its_ratio() {
        let bomb = pack(&vec![b' '; 80 << 20]);
        let (found, damage) = unpack(&bomb, 1 << 20);
        assert_eq!(damage, Some(Damage::TooLarge));
        assert!(found.len() <= 1 << 20);
        let (found, damage) = unpack(&bomb, u64::MAX);
        assert_eq!(damage, Some(Damage::Bomb));
        assert!(found.len() <= 65 << 20);
    }

    #[test]
    fn a_pipe_gives_what_is_there_and_does_not_block() {
        let (mut writer, reader) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut input = Input::pipe(reader);
        let mut buffer = [0; 10];
        assert_eq!(input.read(&mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        writer.write_all(b"abc").unwrap();
        let mut next = || loop {
            match input.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return read.unwrap(),
            }
        };
        assert_eq!(next(), 3);
        drop(writer);
        assert_eq!((next(), next()), (0, 0));
    }
}

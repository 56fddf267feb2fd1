//! The spool's files: their names, their order, and what a crash may have left at their end.
//!
//! A segment holds whole lines and nothing else. What is in them is not looked at here.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Ending of a segment's name.
const ENDING: &str = ".jsonl";
/// Digits of its number.
const DIGITS: usize = 20;
/// Bytes read at a time.
const CHUNK_BYTES: usize = 64 << 10;

/// A segment's number: when it was begun, in milliseconds since 1970, or one more than the one before where the clock
/// was set back. So segments sort by age, and after a restart their names still tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Segment(pub(super) u64);

impl Segment {
    /// The one after `last`, begun at `now_ms`.
    pub(super) fn begun(now_ms: i64, last: Option<Self>) -> Self {
        let now_ms = u64::try_from(now_ms).unwrap_or_default();
        Self(last.map_or(now_ms, |last| now_ms.max(last.0.saturating_add(1))))
    }

    /// When it was begun, in milliseconds since 1970.
    pub(super) fn begun_ms(self) -> i64 {
        i64::try_from(self.0).unwrap_or(i64::MAX)
    }

    /// The segment that a path names.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let digits = path.file_name()?.to_str()?.strip_suffix(ENDING)?;
        let is_number = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { digits.parse().ok().map(Self) } else { None }
    }

    /// Its file.
    pub(super) fn path(self, folder: &Path) -> PathBuf {
        folder.join(self.to_string())
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0DIGITS$}{ENDING}", self.0)
    }
}

/// The segments of a folder, oldest first; none where there is no folder.
///
/// # Errors
/// When it cannot be listed.
pub(super) fn segments(folder: &Path) -> io::Result<Vec<Segment>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        found.extend(Segment::of(&entry?.path()));
    }
    found.sort_unstable();
    Ok(found)
}

/// Cuts off what was never synced, and gives the length that is left.
///
/// A batch is answered with 202 only after everything up to its last line break is synced. So whatever follows the last
/// line break, and whatever stands at or behind a NUL byte (no line holds one: a file system shows it where data did not
/// reach the disk), belongs to batches that nobody was promised. The senders of these send them again.
///
/// # Errors
/// When the file cannot be read or cut.
pub(super) fn mend(path: &Path) -> io::Result<u64> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let whole = whole_bytes(&file)?;
    let length = file.metadata()?.len();
    if whole < length {
        file.set_len(whole)?;
        file.sync_all()?;
        tracing::warn!(file = %path.display(), bytes = length - whole, "a batch that was not answered is cut off");
    }
    Ok(whole)
}

/// Bytes up to the last line break before the first NUL byte.
fn whole_bytes(mut file: &File) -> io::Result<u64> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let (mut passed, mut whole) = (0_u64, 0_u64);
    loop {
        let read = match file.read(&mut chunk) {
            Ok(0) => return Ok(whole),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = chunk.get(..read).unwrap_or_default();
        let sound = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        if let Some(end) = sound.iter().rposition(|byte| *byte == b'\n') {
            whole = passed + to_u64(end) + 1;
        }
        if sound.len() < bytes.len() {
            return Ok(whole);
        }
        passed += to_u64(read);
    }
}

fn to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_whatever_the_clock_says_and_names_sort_by_them() {
        let first = Segment::begun(1_700_000_000_000, None);
        assert_eq!(first.to_string(), "00000001700000000000.jsonl");
        assert_eq!(Segment::of(Path::new("a/00000001700000000000.jsonl")), Some(first));
        for other in ["1.jsonl", "00000001700000000000.json", "0000000170000000000x.jsonl", "lock"] {
            assert_eq!(Segment::of(Path::new(other)), None, "{other}");
        }
        assert_eq!(Segment::begun(0, Some(first)).0, first.0 + 1);
        assert!(segments(Path::new("/nonexistent/spool")).unwrap().is_empty());
    }

    #[test]
    fn whatever_a_crash_leaves_of_the_last_batch_is_cut_off_and_nothing_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let (answered, torn) = (&b"{\"a\":1}\n{\"b\":2}\n"[..], &b"{\"c\":3}\n{\"d\":4}\n"[..]);
        let line = torn.len() / 2;
        for cut in 0..torn.len() {
            let left = if cut < line { answered.len() } else { answered.len() + line };
            for zeros in [0, 1, 4096, CHUNK_BYTES] {
                let written = [answered, &torn[..cut], &vec![0; zeros]].concat();
                fs::write(&path, &written).unwrap();
                assert_eq!(mend(&path).unwrap(), to_u64(left), "{cut} {zeros}");
                assert_eq!(fs::read(&path).unwrap(), written[..left], "{cut} {zeros}");
            }
            // The middle of the batch has not reached the disk, its end has.
            let mut holed = [answered, torn].concat();
            holed[answered.len() + cut] = 0;
            fs::write(&path, &holed).unwrap();
            assert_eq!(mend(&path).unwrap(), to_u64(left), "{cut}");
        }
        fs::write(&path, [answered, torn].concat()).unwrap();
        assert_eq!(mend(&path).unwrap(), to_u64(answered.len() + torn.len()));
        fs::write(&path, "").unwrap();
        assert_eq!(mend(&path).unwrap(), 0);
    }

    #[test]
    fn lines_longer_than_a_read_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let line = [vec![b'x'; 3 * CHUNK_BYTES], b"\n".to_vec()].concat();
        fs::write(&path, [&line[..], &line[..line.len() - 1]].concat()).unwrap();
        assert_eq!(mend(&path).unwrap(), to_u64(line.len()));
    }
}

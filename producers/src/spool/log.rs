//! The append-only log: bytes go to the end of the newest segment, and are safe when [`Log::append`] returns.
//!
//! One thread writes. What the bytes mean, and whether there is room for them, is decided before.

use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;

use super::segment::Segment;
use crate::store;

/// A segment that was begun so long ago gets no more, in milliseconds: its name tells how old its items are.
const SEGMENT_AGE_MS: i64 = 3_600_000;

/// Puts bytes at the end of a file. A test's own may fail.
pub(super) type Append = Box<dyn FnMut(&File, &[u8]) -> io::Result<()> + Send>;

/// The end of the spool.
pub(super) struct Log {
    folder: PathBuf,
    segment_bytes: u64,
    append: Append,
    /// The newest number that was given out.
    last: Option<Segment>,
    /// The segment that is written to; `None` where the next bytes begin a new one.
    open: Option<Open>,
}

struct Open {
    segment: Segment,
    file: File,
    length: u64,
}

impl Log {
    /// A log behind the segment `last`. It begins a segment of its own: after a crash nothing is written behind what
    /// the crash has left.
    pub(super) fn new(folder: PathBuf, segment_bytes: u64, last: Option<Segment>) -> Self {
        let append: Append = Box::new(|mut file, bytes| file.write_all(bytes));
        Self { folder, segment_bytes, append, last, open: None }
    }

    /// The same log with another way to write.
    #[cfg(test)]
    pub(super) fn writing(mut self, append: Append) -> Self {
        self.append = append;
        self
    }

    /// Appends whole lines, and returns where they end once they would survive a loss of power.
    ///
    /// # Errors
    /// When the disk refuses. Then none of the lines is in the log.
    pub(super) fn append(&mut self, lines: &[u8], now_ms: i64) -> io::Result<(Segment, u64)> {
        let mut open = match self.open.take() {
            Some(open) if self.has_room(&open, now_ms) => open,
            _ => self.begin(now_ms)?,
        };
        let written = (self.append)(&open.file, lines).and_then(|()| open.file.sync_data());
        if let Err(error) = written {
            self.take_back(&open);
            return Err(error);
        }
        open.length += u64::try_from(lines.len()).unwrap_or_default();
        let end = (open.segment, open.length);
        self.open = Some(open);
        Ok(end)
    }

    /// Whether the disk takes bytes again, tried out on a file of its own.
    pub(super) fn probe(&self) -> bool {
        const BYTES: usize = 64 << 10;
        let path = self.folder.join("probe");
        let tried = store::private().create(true).write(true).truncate(true).open(&path);
        let tried =
            tried.and_then(|mut file| file.write_all(&vec![b'\n'; BYTES]).and_then(|()| file.sync_data()));
        drop(std::fs::remove_file(&path));
        tried.is_ok()
    }

    fn has_room(&self, open: &Open, now_ms: i64) -> bool {
        open.length < self.segment_bytes && now_ms.saturating_sub(open.segment.begun_ms()) < SEGMENT_AGE_MS
    }

    fn begin(&mut self, now_ms: i64) -> io::Result<Open> {
        let segment = Segment::begun(now_ms, self.last);
        let path = segment.path(&self.folder);
        let file = store::private().create_new(true).append(true).open(&path)?;
        self.last = Some(segment);
        let open = Open { segment, file, length: 0 };
        // A file whose name may not survive is no place for what is promised.
        store::sync_folder(&path).inspect_err(|_| self.take_back(&open))?;
        Ok(open)
    }

    /// Cuts a half-written batch off. The segment gets no more: a reader may hold the bytes that stood there, and after a
    /// failed sync nobody knows what the disk holds. Should the cut fail too, the lines are read after a restart as if they
    /// had been accepted, and are repeats when their sender sends them again.
    fn take_back(&self, open: &Open) {
        let path = open.segment.path(&self.folder);
        let undone = if open.length == 0 {
            std::fs::remove_file(&path)
        } else {
            open.file.set_len(open.length).and_then(|()| open.file.sync_all())
        };
        if let Err(error) = undone {
            tracing::warn!(file = %path.display(), %error, "a batch that was refused could not be cut off");
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("folder", &self.folder).field("last", &self.last).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::segment::segments;
    use std::os::unix::fs::PermissionsExt as _;

    const NOW_MS: i64 = 1_700_000_000_000;

    fn log(segment_bytes: u64) -> (tempfile::TempDir, Log) {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::new(folder.path().to_owned(), segment_bytes, None);
        (folder, log)
    }

    fn content(folder: &tempfile::TempDir) -> Vec<String> {
        let read = |segment: Segment| std::fs::read_to_string(segment.path(folder.path())).unwrap();
        segments(folder.path()).unwrap().into_iter().map(read).collect()
    }

    #[test]
    fn lines_follow_each_other_until_a_segment_is_full_or_old() {
        let (folder, mut log) = log(6);
        let first = Segment::begun(NOW_MS, None);
        assert_eq!(log.append(b"aaa\n", NOW_MS).unwrap(), (first, 4));
        assert_eq!(log.append(b"b\n", NOW_MS).unwrap(), (first, 6));
        assert_eq!(log.append(b"c\n", NOW_MS).unwrap(), (Segment(first.0 + 1), 2));
        log.append(b"d\n", NOW_MS + SEGMENT_AGE_MS + 1).unwrap();
        assert_eq!(content(&folder), ["aaa\nb\n", "c\n", "d\n"]);
        let mode = std::fs::metadata(first.path(folder.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_full_disk_leaves_no_trace_of_the_batch_and_the_log_goes_on_when_there_is_room() {
        let (folder, log) = log(1_000);
        let mut failing = 2..4;
        let mut write = 0;
        let mut log = log.writing(Box::new(move |mut file, bytes| {
            write += 1;
            if failing.contains(&write) {
                file.write_all(&bytes[..bytes.len() / 2])?;
                return Err(io::ErrorKind::StorageFull.into());
            }
            if write > 10 {
                failing = 0..0;
            }
            file.write_all(bytes)
        }));
        log.append(b"aaa\n", NOW_MS).unwrap();
        for _ in 0..2 {
            assert_eq!(log.append(b"bbb\nccc\n", NOW_MS).unwrap_err().kind(), io::ErrorKind::StorageFull);
            assert_eq!(content(&folder), ["aaa\n"]);
        }
        log.append(b"ddd\n", NOW_MS).unwrap();
        assert_eq!(content(&folder), ["aaa\n", "ddd\n"]);
        assert!(log.probe());
        assert_eq!(content(&folder).len(), 2);
    }

    #[test]
    fn a_folder_that_is_gone_refuses() {
        let (folder, mut log) = log(1_000);
        drop(folder);
        assert!(log.append(b"a\n", NOW_MS).is_err());
        assert!(!log.probe());
    }
}

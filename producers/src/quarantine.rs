//! Rows that are not published, kept whole: one JSON object per line, readable by this user alone.
//!
//! A line is on disk before the checkpoint passes its row, so none is lost; after a crash a row may stand twice. What
//! the rows hold stays here: logs and metrics get the reason code and nothing else.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use crate::language::time::Zone;
use crate::reason::{Reason, Rejection};
use crate::source::RawRow;
use crate::store;

/// One line of a quarantine file.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    /// When, Indian time.
    at: String,
    file: &'a str,
    /// From 1; none where the source has no lines and `file` says it all.
    #[serde(skip_serializing_if = "is_none")]
    line: u64,
    offset: u64,
    reason: Reason,
    field: &'a str,
    message: &'a str,
    /// The row's text, where it is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<&'a str>,
    /// Its bytes in hexadecimal, where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    row_hex: Option<String>,
    /// How many bytes it has in the file, where only its beginning is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    row_bytes: Option<u64>,
}

/// The quarantine file of one source.
#[derive(Debug)]
pub(crate) struct Quarantine {
    path: PathBuf,
    file: Option<File>,
    unsynced: bool,
}

impl Quarantine {
    /// The quarantine at `path`. The file is made with its first line.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, file: None, unsynced: false }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a row of the source called `source`. It is safe after the next [`Quarantine::sync`].
    ///
    /// # Errors
    /// When the disk refuses.
    pub(crate) fn append(
        &mut self,
        source: &str,
        row: &RawRow,
        rejection: &Rejection,
        now_ms: i64,
    ) -> io::Result<()> {
        let mut line = entry(source, row, rejection, now_ms)?;
        line.push(b'\n');
        self.leave_what_was_taken_away()?;
        if self.file.is_none() {
            self.file = Some(store::private().create(true).append(true).open(&self.path)?);
            store::sync_folder(&self.path)?;
        }
        if let Some(file) = &mut self.file {
            let length = file.metadata()?.len();
            if let Err(error) = file.write_all(&line) {
                // Half a line would spoil the next one.
                file.set_len(length)?;
                return Err(error);
            }
            self.unsynced = true;
        }
        Ok(())
    }

    /// Lets go of a file that is no longer the one at the path: somebody has moved or removed it, and what is appended to it
    /// would be found by nobody.
    fn leave_what_was_taken_away(&mut self) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let held = file.metadata()?;
        let is_there = match fs::metadata(&self.path) {
            Ok(data) => (data.dev(), data.ino()) == (held.dev(), held.ino()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if !is_there {
            // Where it went, its last lines have to be whole as well.
            self.sync()?;
            self.file = None;
        }
        Ok(())
    }

    /// Makes every line so far survive a loss of power.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        if let Some(file) = self.file.as_ref().filter(|_| self.unsynced) {
            file.sync_data()?;
        }
        self.unsynced = false;
        Ok(())
    }
}

fn entry(source: &str, row: &RawRow, rejection: &Rejection, now_ms: i64) -> io::Result<Vec<u8>> {
    let text = std::str::from_utf8(&row.bytes).ok();
    let kept = u64::try_from(row.bytes.len()).unwrap_or(u64::MAX);
    let entry = Entry {
        at: indian_time(now_ms),
        file: source,
        line: row.line,
        offset: row.offset,
        reason: rejection.reason,
        field: &rejection.field,
        message: &rejection.message,
        row: text,
        row_hex: text.is_none().then(|| row.bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
        row_bytes: (kept < row.length).then_some(row.length),
    };
    Ok(serde_json::to_vec(&entry)?)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_none(line: &u64) -> bool {
    *line == 0
}

/// `2018-03-01T19:35:00.000+05:30`.
pub(crate) fn indian_time(ms: i64) -> String {
    let instant = Timestamp::from_millisecond(ms).unwrap_or_default();
    let local = Zone::india().0.to_datetime(instant);
    local.strftime("%Y-%m-%dT%H:%M:%S.%3f+05:30").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn row(bytes: &[u8]) -> RawRow {
        let length = u64::try_from(bytes.len()).unwrap();
        RawRow { bytes: bytes.to_vec(), offset: 40, line: 3, lines: 1, length, fault: None }
    }

    #[test]
    fn rows_are_kept_whole_whatever_their_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let mut quarantine = Quarantine::new(folder.path().join("q.jsonl"));
        let rejection =
            Rejection { reason: Reason::BadDate, field: "reported_at".into(), message: "is wrong".into() };
        quarantine.append("fir.csv", &row("क,\"\n\"".as_bytes()), &rejection, 1_519_913_100_000).unwrap();
        quarantine.append("fir.csv", &row(b"a,\xff\0"), &rejection, 0).unwrap();
        quarantine.append("fir.csv", &RawRow { length: 10 << 20, ..row(b"xx") }, &rejection, 0).unwrap();
        quarantine.sync().unwrap();
        let text = std::fs::read_to_string(quarantine.path()).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["row"], "क,\"\n\"");
        assert_eq!(lines[0]["at"], "2018-03-01T19:35:00.000+05:30");
        assert_eq!((&lines[0]["reason"], &lines[0]["line"]), (&"bad_date".into(), &3.into()));
        assert_eq!(lines[1]["row_hex"], "612cff00");
        assert_eq!(lines[2]["row_bytes"], 10 << 20);
        let mode = std::fs::metadata(quarantine.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn rows_after_the_file_was_taken_away_go_to_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, kept) = (folder.path().join("q.jsonl"), folder.path().join("kept.jsonl"));
        let mut quarantine = Quarantine::new(path.clone());
        let rejection =
            Rejection { reason: Reason::BadDate, field: "reported_at".into(), message: "is wrong".into() };
        let mut append =
            |text: &str| quarantine.append("fir.csv", &row(text.as_bytes()), &rejection, 0).unwrap();
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        append("first");
        fs::rename(&path, &kept).unwrap();
        append("second");
        assert!(read(&kept).contains("first") && !read(&kept).contains("second"));
        assert!(read(&path).contains("second") && !read(&path).contains("first"));
        fs::remove_file(&path).unwrap();
        append("third");
        assert!(read(&path).contains("third") && !read(&path).contains("second"));
        // As `cp` and `mv` leave one that was cleaned up by hand.
        fs::remove_file(&path).unwrap();
        fs::rename(&kept, &path).unwrap();
        append("fourth");
        assert!(read(&path).contains("first") && read(&path).contains("fourth"));
    }
}

//! What would be published: every row through the mapping, without broker, registry or store.

use std::path::Path;

use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::CrimeEvent;

use crate::config::ProducerConfig;
use crate::language::rows::Skip;
use crate::mapping::Explained;
use crate::memory::Memory;
use crate::naming;
use crate::reading::{FileReading, Outcome, Revisions};
use crate::reason::{Problem, Reason, Rejection};
use crate::source::{
    Broken, Format, Next, RawRow, UnterminatedLine, discover, has_wildcard, is_in_transit, is_stdin,
};
use crate::spool::Spool;
use crate::summary::{BLANK_LINE, Summary, UNCHANGED};

/// So many records at least are compared with one another, 140 MB at most: two years of cases of a large state. The daemon
/// remembers fewer, since it runs for ever beside others.
const COMPARED_MIN: usize = 1_000_000;

/// One row's fate, as a dry run shows it.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'a> {
    /// This event would be published.
    Event(&'a CrimeEvent),
    /// The row would go to quarantine.
    Rejected {
        /// The source file.
        file: &'a str,
        /// The row's first line, from 1.
        line: u64,
        /// Why.
        rejection: &'a Rejection,
    },
}

/// How far reading has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read.
    pub bytes: u64,
    /// Bytes of all files together.
    pub bytes_total: u64,
    /// Rows read.
    pub rows: u64,
    /// Whether it waits for the running daemon.
    pub waits: bool,
}

/// Maps every row of every file at the time `now_ms` and shows what would become of it.
///
/// # Errors
/// [`Failure`] with exit code 78 when the configuration does not fit the files, or a file cannot be read; and whatever
/// `show` fails with.
pub fn dry_run(
    config: &ProducerConfig,
    now_ms: i64,
    show: &mut dyn FnMut(Shown<'_>) -> Result<(), Failure>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Summary, Failure> {
    config.check_mapping()?;
    let files = source_files(config)?;
    let size = |path: &std::path::PathBuf| std::fs::metadata(path).map_or(0, |data| data.len());
    let mut run = DryRun {
        config,
        now_ms,
        revisions: Revisions::after(0),
        memory: memory(config),
        summary: Summary::default(),
        show,
        progress,
        at: Progress { bytes_total: files.iter().map(size).sum(), ..Progress::default() },
    };
    for path in &files {
        run.file(path)?;
    }
    let joined = config.joined().map_err(|error| Failure::config(error.to_string()))?;
    for damaged in joined.damaged() {
        let file = naming::shown(config.shown(&damaged.file));
        run.reject(&file, &damaged.row, &damaged.rejection)?;
    }
    run.summary.join(&joined);
    run.summary.forgotten = run.memory.forgotten();
    Ok(run.summary)
}

/// What tells two cases under one identity apart, also where they lie far from each other. Nothing is compared where the
/// configuration says so.
pub(crate) fn memory(config: &ProducerConfig) -> Memory {
    match config.publish.memory_records {
        0 => Memory::new(0),
        records => Memory::new(records.max(COMPARED_MIN)),
    }
}

/// What becomes of the row that begins at a line of a file, and why. The file is named as it is shown, or by its path.
///
/// # Errors
/// [`Failure`] with exit code 78 when the configuration does not fit the file, 64 when no row begins there.
pub fn explain(config: &ProducerConfig, file: &Path, line: u64, now_ms: i64) -> Result<Explained, Failure> {
    config.check_mapping()?;
    if config.postgres.is_some() {
        return Err(Failure::usage("rows of a database have no lines: name one by its id, as in id=4711"));
    }
    let is_known = file.exists() || is_stdin(file);
    let path = if is_known { file.to_owned() } else { config.base().join(file) };
    let opened = FileReading::open(config, &path, &mut Revisions::after(0));
    let reading = opened.map_err(|error| Failure::config(error.to_string()))?;
    let nowhere = || {
        Failure::usage(format!("{}: no row begins at line {line}: see dry-run for the lines", path.display()))
    };
    let mut reading = reading.ok_or_else(nowhere)?;
    loop {
        let failed =
            |error| Failure::config(format!("{}: cannot be read on ({error})", naming::shown(&path)));
        match reading.next_row().map_err(failed)? {
            Next::Row(row) | Next::Tail(row) if row.line == line => return Ok(reading.explain(&row, now_ms)),
            Next::Row(row) if row.line < line => {}
            Next::Wait => {}
            Next::Row(_) | Next::Tail(_) | Next::End | Next::Broken(_) => return Err(nowhere()),
        }
    }
}

/// The source's files that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fit {
    /// Those that the mapping fits.
    pub fitting: usize,
    /// Those that are empty or end before their header does, so that nothing can be said of them yet.
    pub without_header: usize,
}

/// Whether the mapping fits the files that are there.
///
/// # Errors
/// [`Failure`] with exit code 78 when it does not fit one, or a file cannot be read.
pub fn fitting_files(config: &ProducerConfig) -> Result<Fit, Failure> {
    let mut fit = Fit::default();
    // What comes through a pipe is not there to be looked at twice.
    if config.source.is_stdin() {
        return Ok(fit);
    }
    if config.push.is_some() {
        // What waits in the spool was tried when it was taken.
        return config.push_mapper().map(|_| fit).map_err(|error| Failure::config(error.to_string()));
    }
    config.joined().map_err(|error| Failure::config(error.to_string()))?;
    let Ok(files) = source_files(config) else { return Ok(fit) };
    for path in files.into_iter().filter(|path| path.exists()) {
        let opened = FileReading::open(config, &path, &mut Revisions::after(0));
        match opened.map_err(|error| Failure::config(error.to_string()))? {
            Some(reading) => {
                check_record(config, reading)?;
                fit.fitting += 1;
            }
            None => fit.without_header += 1,
        }
    }
    Ok(fit)
}

/// The plain names in `source.files` that no file has, as they are shown. A drop folder's files come and go.
#[must_use]
pub fn missing_files(config: &ProducerConfig) -> Vec<String> {
    let source = &config.source;
    if source.is_stdin() || source.moves() {
        return Vec::new();
    }
    let plain = source.files.iter().filter(|pattern| !has_wildcard(pattern));
    let missing = plain.map(Path::new).filter(|name| !config.base().join(name).exists());
    missing.map(naming::shown).collect()
}

/// An XML file has no header: whether `source.record` fits it shows where its first row is looked for.
fn check_record(config: &ProducerConfig, mut reading: FileReading) -> Result<(), Failure> {
    if config.source.format != Format::Xml {
        return Ok(());
    }
    match reading.next_row() {
        Ok(Next::Broken(broken)) => Err(Failure::config(format!("{}: {broken}", reading.name()))),
        // Anything else is told where rows are read.
        _ => Ok(()),
    }
}

/// The files of a source, which must be there.
///
/// # Errors
/// [`Failure`] with exit code 78 when a folder cannot be listed or nothing is there.
pub(crate) fn source_files(config: &ProducerConfig) -> Result<Vec<std::path::PathBuf>, Failure> {
    if config.source.is_stdin() {
        return Ok(config.source.files.iter().map(std::path::PathBuf::from).collect());
    }
    if config.push.is_some() {
        return Spool::files(&config.store_folder())
            .map_err(|error| Failure::config(format!("store.folder: cannot list its spool ({error})")));
    }
    let mut files = discover(config.base(), &config.source.files).map_err(|(folder, error)| {
        Failure::config(format!(
            "source.files: cannot list {} ({error}): name a folder that is there",
            folder.display()
        ))
    })?;
    if config.source.moves() {
        files.retain(|path| !is_in_transit(path));
    }
    if files.is_empty() {
        return Err(Failure::config("source.files matches no file: correct it, or put a file there"));
    }
    Ok(files)
}

struct DryRun<'a> {
    config: &'a ProducerConfig,
    now_ms: i64,
    revisions: Revisions,
    memory: Memory,
    summary: Summary,
    show: &'a mut dyn FnMut(Shown<'_>) -> Result<(), Failure>,
    progress: &'a mut dyn FnMut(Progress),
    at: Progress,
}

impl DryRun<'_> {
    fn file(&mut self, path: &Path) -> Result<(), Failure> {
        let opened = FileReading::open(self.config, path, &mut self.revisions);
        let Some(mut reading) = opened.map_err(|error| Failure::config(error.to_string()))? else {
            return Ok(());
        };
        let before = self.at.bytes;
        loop {
            let failed =
                |error| Failure::config(format!("{}: cannot be read on ({error})", naming::shown(path)));
            match reading.next_row().map_err(failed)? {
                Next::Row(row) => self.row(&mut reading, &row)?,
                Next::Wait => {}
                Next::Broken(broken) => {
                    self.summary.refuse(&format_args!("{}: {broken}", reading.name()));
                    return Ok(());
                }
                Next::Tail(row) if self.config.source.format.is_document() => {
                    return self.unfinished(&reading, &row);
                }
                Next::Tail(row) => match reading.file().give_up_line().filter(|_| row.lines > 1) {
                    Some(first) => self.row(&mut reading, &first)?,
                    None => return self.tail(&mut reading, &row),
                },
                Next::End => return Ok(()),
            }
            self.at.bytes = (before + reading.position().offset).min(self.at.bytes_total);
            (self.progress)(self.at);
        }
    }

    /// A document that is not closed.
    fn unfinished(&mut self, reading: &FileReading, row: &RawRow) -> Result<(), Failure> {
        self.summary.refuse(&format_args!("{}: {}", reading.name(), not_closed(row)));
        if row.length == 0 {
            return Ok(());
        }
        self.at.rows += 1;
        self.reject(reading.name(), row, &unterminated())
    }

    fn tail(&mut self, reading: &mut FileReading, row: &RawRow) -> Result<(), Failure> {
        match self.config.source.unterminated_line {
            UnterminatedLine::Accept => self.row(reading, row),
            UnterminatedLine::Quarantine => {
                self.at.rows += 1;
                self.reject(reading.name(), row, &unterminated())
            }
        }
    }

    fn row(&mut self, reading: &mut FileReading, row: &RawRow) -> Result<(), Failure> {
        self.at.rows += 1;
        match reading.judge(row, &mut self.revisions, &mut self.memory, self.now_ms) {
            Outcome::Event(event) => {
                self.summary.publish();
                self.summary.withhold(&event.withheld);
                (self.show)(Shown::Event(&event))
            }
            Outcome::Unchanged => {
                self.summary.filter(UNCHANGED, reading.name(), row.line);
                Ok(())
            }
            Outcome::Blank => {
                self.summary.filter(BLANK_LINE, reading.name(), row.line);
                Ok(())
            }
            Outcome::Skipped(rule) => {
                self.summary.filter(skip_name(&self.config.rows.skip, rule), reading.name(), row.line);
                Ok(())
            }
            Outcome::Rejected(rejection) => self.reject(reading.name(), row, &rejection),
        }
    }

    fn reject(&mut self, file: &str, row: &RawRow, rejection: &Rejection) -> Result<(), Failure> {
        self.summary.quarantine(rejection.reason, file, row.line);
        (self.show)(Shown::Rejected { file, line: row.line, rejection })
    }
}

/// The name under which a rule's rows are counted.
pub(crate) fn skip_name(rules: &[Skip], rule: usize) -> &str {
    rules.get(rule).map_or("", |skip| skip.reason.as_str())
}

/// Why a document that ends with `tail` is not whole.
pub(crate) fn not_closed(tail: &RawRow) -> Broken {
    let problem = "it ends before its list or its outermost element is closed: send the whole file again";
    Broken { line: tail.line, problem: problem.into() }
}

/// Why a last line without a line break, or a last element without its end, is not taken for a row.
pub(crate) fn unterminated() -> Rejection {
    let message = "is the last and has no end, neither line break nor bracket nor tag, so it may be half-written: end it";
    Problem::new(Reason::Unterminated, message).at("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cases_under_one_number_are_noticed_however_far_they_lie_from_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let settings = "[state]\ncode = 'IN-GA'\n[source]\nfiles = ['a.csv']\nformat = 'csv'\n[publish]\nmemory_records = 2\n\
                        [mapping]\nkind = { constant = 'FIR' }\nreported_at = { column = 'Date', formats = ['%d/%m/%Y'] }\n[mapping.police_station]\nname = 'Station'\n\
                        [mapping.fir]\nnumber = 'No'\nyear = 'Year'\n";
        let rows = (1..=50).map(|number| format!("Panaji,{number},2024,01/09/2024\n")).collect::<String>();
        let text =
            format!("Station,No,Year,Date\n{rows}Panaji,1,2024,02/09/2024\nPanaji,2,2024,01/09/2024\n");
        std::fs::write(folder.path().join("a.csv"), text).unwrap();
        let config: ProducerConfig = toml::from_str(settings).unwrap();
        let config = config.in_folder_of(&folder.path().join("goa.toml"));
        let summary = dry_run(&config, 1_730_419_200_000, &mut |_| Ok(()), &mut |_| {}).unwrap();
        assert_eq!(summary.quarantined[&Reason::IdentityTaken].examples, ["a.csv:52"]);
        assert_eq!((summary.published, summary.filtered[UNCHANGED].count, summary.forgotten), (50, 1, 0));

        let mut run = Summary { forgotten: 7, ..Summary::default() };
        run.publish();
        assert!(run.to_string().contains("too many to compare                 7   records"), "{run}");
    }
}

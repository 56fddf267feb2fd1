//! Where rows come from, and the mapping tried on the first of them. It tells counts and reasons, and never a row.

use std::fs::File;
use std::path::{Path, PathBuf};

use sanchar_runtime::lifecycle::{ExitCode, Failure};

use super::finding::{Cause, Check, Finding};
use crate::config::ProducerConfig;
use crate::dry_run::{skip_name, source_files, unterminated};
use crate::dry_run_database::dry_run_database;
use crate::memory::Memory;
use crate::naming;
use crate::push::PushConfig;
use crate::reading::{FileReading, Outcome, Revisions};
use crate::source::{Next, RawRow, UnterminatedLine};
use crate::summary::{BLANK_LINE, Summary, UNCHANGED};

/// How many rows the mapping is tried on.
const ROWS_MAX: u64 = 200;

/// Whether what rows come from is there and can be read.
pub(super) fn source(config: &ProducerConfig) -> Finding {
    if config.postgres.is_some() {
        return match dry_run_database(config, Some(0), 0, &mut |_| Ok(())) {
            Ok(_) => Check::Source.ok("the database answers, and the mapping fits its columns"),
            Err(failure) => of_database(Check::Source, &failure),
        };
    }
    if let Some(push) = &config.push {
        return pushed(config, push);
    }
    if config.source.is_stdin() {
        return Check::Source.ok("standard input, which is read by `run` alone");
    }
    files(config)
}

/// Whether the keys fit, and whether whoever sends can be known as the daemon will know them.
fn pushed(config: &ProducerConfig, push: &PushConfig) -> Finding {
    if let Err(error) = config.push_mapper() {
        return Check::Source.refused(Cause::Configuration, error);
    }
    if let Err(failure) = config.check_credentials() {
        return Check::Source.refused(Cause::Configuration, failure);
    }
    Check::Source.ok(format!("items are pushed to {}; the mapping fits their keys", push.listen))
}

fn of_database(check: Check, failure: &Failure) -> Finding {
    let is_away = failure.exit_code() == ExitCode::Unavailable;
    check.refused(if is_away { Cause::Service } else { Cause::Configuration }, failure)
}

fn files(config: &ProducerConfig) -> Finding {
    let paths = match source_files(config) {
        Ok(paths) => paths,
        Err(failure) => return Check::Source.refused(Cause::Configuration, failure),
    };
    let mut bytes = 0;
    for path in &paths {
        let opened = File::open(path).and_then(|file| file.metadata());
        match opened {
            Ok(data) => bytes += data.len(),
            Err(error) => {
                let seen = format!("{} cannot be read ({error})", naming::shown(config.shown(path)));
                let remedy = "correct source.files, put the file there, or let this user read it";
                return Check::Source.failed(Cause::Configuration, seen, remedy);
            }
        }
    }
    if let Err(error) = config.joined() {
        return Check::Source.refused(Cause::Configuration, error);
    }
    Check::Source.ok(format!("{} of {bytes} bytes can be read", counted(paths.len(), "file")))
}

/// What becomes of the first rows.
pub(super) fn sample(config: &ProducerConfig, now_ms: i64) -> Finding {
    if let Err(error) = config.check_mapping() {
        return Check::Mapping.refused(Cause::Configuration, error);
    }
    if config.postgres.is_some() {
        return match dry_run_database(config, Some(ROWS_MAX), now_ms, &mut |_| Ok(())) {
            Ok(summary) => judge(&summary),
            Err(failure) => of_database(Check::Mapping, &failure),
        };
    }
    if config.push.is_some() {
        return Check::Mapping
            .ok("is tried on each item when it is pushed, and the answer tells what is wrong");
    }
    if config.source.is_stdin() {
        return Check::Mapping.ok("can be tried on standard input by `dry-run`");
    }
    // That there is none is said above.
    let paths: Vec<PathBuf> = source_files(config).unwrap_or_default();
    let mut summary = Summary::default();
    // One for all files, as the daemon has it: what stands in two of them is published once.
    let mut memory = Memory::new(config.publish.memory_records);
    for path in paths.iter().filter(|path| path.exists()) {
        let tried = sample_of(config, path, now_ms, &mut memory, &mut summary);
        if let Err(problem) = tried {
            return Check::Mapping.refused(Cause::Configuration, problem);
        }
    }
    judge(&summary)
}

fn sample_of(
    config: &ProducerConfig,
    path: &Path,
    now_ms: i64,
    memory: &mut Memory,
    summary: &mut Summary,
) -> Result<(), String> {
    let mut revisions = Revisions::after(0);
    let opened = FileReading::open(config, path, &mut revisions).map_err(|error| error.to_string())?;
    let Some(mut reading) = opened else { return Ok(()) };
    let name = reading.name().to_owned();
    while summary.read < ROWS_MAX {
        let next = reading.next_row();
        let next = next.map_err(|error| format!("{name}: cannot be read on ({error})"))?;
        let row: RawRow = match next {
            Next::Row(row) => row,
            Next::Tail(row) if config.source.unterminated_line == UnterminatedLine::Quarantine => {
                summary.quarantine(unterminated().reason, &name, row.line);
                return Ok(());
            }
            Next::Tail(row) => {
                reading.file().take_tail();
                row
            }
            Next::Wait => continue,
            Next::Broken(broken) => return Err(format!("{name}: {broken}")),
            Next::End => return Ok(()),
        };
        match reading.judge(&row, &mut revisions, memory, now_ms) {
            Outcome::Event(_) => summary.publish(),
            Outcome::Unchanged => summary.filter(UNCHANGED, &name, row.line),
            Outcome::Blank => summary.filter(BLANK_LINE, &name, row.line),
            Outcome::Skipped(rule) => summary.filter(skip_name(&config.rows.skip, rule), &name, row.line),
            Outcome::Rejected(rejection) => summary.quarantine(rejection.reason, &name, row.line),
        }
    }
    Ok(())
}

fn judge(summary: &Summary) -> Finding {
    let Summary { read, published, .. } = *summary;
    let rejected = summary.quarantined_count();
    if read == 0 {
        return Check::Mapping.warning("there is no row yet to try it on", "put a file there and look again");
    }
    let reasons = summary.quarantined.iter().map(|(reason, tally)| format!("{reason} {}", tally.count));
    let reasons = reasons.collect::<Vec<_>>().join(", ");
    let seen = format!(
        "of the first {}: {published} to be published, {} left out, {rejected} for quarantine{}",
        counted(usize::try_from(read).unwrap_or(usize::MAX), "row"),
        summary.filtered_count(),
        if reasons.is_empty() { reasons } else { format!(" ({reasons})") },
    );
    let remedy =
        "see them and their reasons with `sanchar-producer dry-run`, and correct the mapping or the export";
    if published == 0 && rejected > 0 {
        return Check::Mapping.failed(Cause::Configuration, seen, remedy);
    }
    if rejected * 10 > read {
        return Check::Mapping.warning(seen, remedy);
    }
    Check::Mapping.ok(seen)
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;
    use crate::reason::Reason;

    fn of(published: u64, rejected: u64, left_out: u64) -> Finding {
        let mut summary = Summary::default();
        (0..published).for_each(|_| summary.publish());
        (0..rejected).for_each(|line| summary.quarantine(Reason::BadDate, "a.csv", line));
        (0..left_out).for_each(|line| summary.filter("total", "a.csv", line));
        judge(&summary)
    }

    #[test]
    fn what_is_pushed_is_no_file() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chandigarh.toml");
        std::fs::copy(examples.join("chandigarh.toml"), &path).unwrap();
        let config = ProducerConfig::load(&path).unwrap();
        assert_eq!(source(&config).status, Status::Failed(Cause::Configuration), "its tokens are not there");
        crate::store::replace(&folder.path().join("chandigarh.tokens"), b"0123456789abcdef\n").unwrap();
        assert_eq!(source(&config).status, Status::Ok);
        assert!(source(&config).seen.contains("items are pushed to 127.0.0.1:"), "{:?}", source(&config));
        assert_eq!(sample(&config, 0).status, Status::Ok);
    }

    #[test]
    fn a_joined_file_that_is_not_there_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("goa.toml");
        let settings = "[state]\ncode = 'IN-GA'\n[source]\nfiles = ['a.csv']\nformat = 'csv'\n[[rows.join]]\nname = 'accused'\n\
                        source = { files = ['accused-*.csv'], format = 'csv' }\nkey = ['No']\n[mapping]\nkind = { constant = 'FIR' }\n";
        std::fs::write(&path, settings).unwrap();
        std::fs::write(folder.path().join("a.csv"), "No\n1\n").unwrap();
        let config = ProducerConfig::load(&path).unwrap();
        let found = source(&config);
        assert_eq!(found.status, Status::Failed(Cause::Configuration));
        assert!(found.seen.contains("rows.join \"accused\": accused-*.csv has no row"), "{found:?}");
        let failure = crate::fitting_files(&config).unwrap_err();
        assert_eq!(failure.exit_code(), ExitCode::Config);
        std::fs::write(folder.path().join("accused-1.csv"), "No\n1\n").unwrap();
        assert_eq!(source(&config).status, Status::Ok);
    }

    #[test]
    fn a_tenth_in_quarantine_is_much_and_all_of_it_a_failure() {
        assert_eq!(of(0, 0, 0).status, Status::Warning);
        assert_eq!(of(18, 2, 0).status, Status::Ok);
        assert_eq!(of(17, 3, 0).status, Status::Warning);
        assert_eq!(of(0, 1, 5).status, Status::Failed(Cause::Configuration));
        assert_eq!(of(0, 0, 5).status, Status::Ok, "all of it is left out on purpose");
        let seen = of(17, 3, 1).seen;
        assert_eq!(
            seen,
            "of the first 21 rows: 17 to be published, 1 left out, 3 for quarantine (bad_date 3)"
        );
    }
}

//! `doctor`: what each check found, for people or as JSON.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use console::Style;
use indicatif::{ProgressBar, ProgressStyle};
use sanchar_producer::doctor::{Attempts, Check, Diagnosis, Finding, Status, diagnose as run};
use sanchar_runtime::lifecycle::Failure;

use crate::args::DoctorArgs;

const CHECK_WIDTH: usize = 13;
const STATUS_WIDTH: usize = 7;

/// Looks at everything that the configuration at `path` needs, and tells what is there.
pub(crate) fn diagnose(path: &Path, args: DoctorArgs) -> ExitCode {
    match look(path, args) {
        Ok(code) => code,
        Err(failure) => crate::conclude(Err(failure)),
    }
}

fn look(path: &Path, args: DoctorArgs) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::temporary(format!("cannot start the async runtime: {error}")))?;
    let waiting = waiting();
    let mut begins = |check: Check| waiting.set_message(check.as_str());
    let found = runtime.block_on(run(
        path,
        Attempts { writing: args.try_writing, ..Attempts::default() },
        &mut begins,
    ));
    waiting.finish_and_clear();
    // A check that hangs on a network disk would hold the end up.
    runtime.shutdown_background();
    crate::say(&if args.json { json(&found)? } else { table(&found, args.try_writing) })?;
    Ok(found.exit_code().into())
}

/// A line that tells what is waited for, on a terminal and nowhere else.
fn waiting() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {msg}");
    let bar =
        ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn table(found: &Diagnosis, tried_writing: bool) -> String {
    let mut text: String = found.findings.iter().map(lines).collect();
    text.push_str(&format!("\n{}\n", verdict(found)));
    if !tried_writing {
        text.push_str("whether this user may write to the topic was not tried: --try-writing does\n");
    }
    text
}

/// What it all comes to.
fn verdict(found: &Diagnosis) -> String {
    let named = |is_meant: fn(Status) -> bool| {
        let findings = found.findings.iter().filter(|finding| is_meant(finding.status));
        findings.map(|finding| finding.check.as_str()).collect::<Vec<_>>().join(", ")
    };
    let failed = named(|status| matches!(status, Status::Failed(_)));
    let warnings = named(|status| status == Status::Warning);
    match (failed.is_empty(), warnings.is_empty()) {
        (true, true) => "all is as it should be".to_owned(),
        (true, false) => format!("nothing failed; to be looked at: {warnings}"),
        (false, true) => format!("failed: {failed}"),
        (false, false) => format!("failed: {failed}; to be looked at: {warnings}"),
    }
}

/// One line of what was seen, and one of the remedy.
fn lines(finding: &Finding) -> String {
    let style = match finding.status {
        Status::Ok => Style::new().green(),
        Status::Warning => Style::new().yellow(),
        Status::Failed(_) => Style::new().red().bold(),
    };
    let status = style.apply_to(format!("{:<STATUS_WIDTH$}", finding.status.as_str()));
    let line = format!("{:<CHECK_WIDTH$}  {status}  {}\n", finding.check.as_str(), finding.seen);
    let indent = " ".repeat(CHECK_WIDTH + STATUS_WIDTH + 4);
    finding.remedy.as_ref().map_or_else(|| line.clone(), |remedy| format!("{line}{indent}→ {remedy}\n"))
}

fn json(found: &Diagnosis) -> Result<String, Failure> {
    let whole = serde_json::json!({ "findings": found.findings, "exit_code": found.exit_code() as u8 });
    let text = serde_json::to_string(&whole);
    text.map(|text| text + "\n").map_err(|error| Failure::internal(format!("no json can be made: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sanchar_producer::doctor::Cause;

    fn found() -> Diagnosis {
        let finding = |check, status, remedy: Option<&str>| Finding {
            check,
            status,
            seen: "was seen".into(),
            remedy: remedy.map(str::to_owned),
        };
        let findings = vec![
            finding(Check::Configuration, Status::Ok, None),
            finding(Check::Disk, Status::Warning, Some("make room")),
            finding(Check::Topic, Status::Failed(Cause::Service), Some("create it")),
        ];
        Diagnosis { findings }
    }

    #[test]
    fn findings_line_up_and_remedies_stand_below() {
        let text = console::strip_ansi_codes(&table(&found(), true)).into_owned();
        assert_eq!(
            text,
            "configuration  ok       was seen\n\
             disk           warning  was seen\n                        → make room\n\
             topic          FAILED   was seen\n                        → create it\n\
             \nfailed: topic; to be looked at: disk\n"
        );
        assert!(table(&found(), false).ends_with("--try-writing does\n"));
    }

    #[test]
    fn programs_get_the_exit_code_as_well() {
        let whole: serde_json::Value = serde_json::from_str(&json(&found()).unwrap()).unwrap();
        assert_eq!(whole["exit_code"], 69);
        assert_eq!(whole["findings"][2]["status"], "failed");
    }
}

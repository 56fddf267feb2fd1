//! What a check found: a closed set of checks, of outcomes and of causes, and the exit code that they come to.

use std::fmt;

use sanchar_runtime::lifecycle::ExitCode;
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The configuration file.
    Configuration,
    /// The rules of withholding, and the policy file.
    Withholding,
    /// Whether files with secrets are open to every user of this machine.
    Secrets,
    /// The folder for checkpoints and quarantine.
    Store,
    /// Room on its disk.
    Disk,
    /// The port for probes and metrics.
    Listen,
    /// Where rows come from.
    Source,
    /// The mapping, on some rows.
    Mapping,
    /// Names and ports of the brokers.
    Addresses,
    /// The cluster itself.
    Brokers,
    /// The state's topic.
    Topic,
    /// Whether this user may write to it.
    Writing,
    /// The schema registry.
    Registry,
    /// The schema in it.
    Schema,
    /// This machine's clock.
    Clock,
}

impl Check {
    /// Its name, in output and for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Withholding => "withholding",
            Self::Secrets => "secrets",
            Self::Store => "store",
            Self::Disk => "disk",
            Self::Listen => "listen",
            Self::Source => "source",
            Self::Mapping => "mapping",
            Self::Addresses => "addresses",
            Self::Brokers => "brokers",
            Self::Topic => "topic",
            Self::Writing => "writing",
            Self::Registry => "registry",
            Self::Schema => "schema",
            Self::Clock => "clock",
        }
    }

    pub(super) fn ok(self, seen: impl Into<String>) -> Finding {
        Finding { check: self, status: Status::Ok, seen: seen.into(), remedy: None }
    }

    pub(super) fn warning(self, seen: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { check: self, status: Status::Warning, seen: seen.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn failed(self, cause: Cause, seen: impl Into<String>, remedy: &str) -> Finding {
        let remedy = Some(remedy.to_owned());
        Finding { check: self, status: Status::Failed(cause), seen: seen.into(), remedy }
    }

    /// Of a message that says the remedy itself.
    pub(super) fn refused(self, cause: Cause, message: impl fmt::Display) -> Finding {
        Finding { check: self, status: Status::Failed(cause), seen: message.to_string(), remedy: None }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// As it has to be.
    Ok,
    /// The daemon works, and somebody should look.
    Warning,
    /// The daemon does not work.
    Failed(Cause),
}

impl Status {
    /// Its name for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed(_) => "FAILED",
        }
    }
}

/// Whose it is to put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Something in the configuration, its files or folders.
    Configuration,
    /// A service.
    Service,
    /// This machine.
    Machine,
}

impl Cause {
    const fn exit_code(self) -> ExitCode {
        match self {
            Self::Configuration => ExitCode::Config,
            Self::Service => ExitCode::Unavailable,
            Self::Machine => ExitCode::Temporary,
        }
    }
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// How it ended.
    pub status: Status,
    /// What was looked at, and what was there.
    pub seen: String,
    /// What to do. A failure without one says it in `seen`.
    pub remedy: Option<String>,
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut finding = serializer.serialize_struct("Finding", 4)?;
        finding.serialize_field("check", self.check.as_str())?;
        finding.serialize_field("status", &self.status.as_str().to_ascii_lowercase())?;
        finding.serialize_field("seen", &self.seen)?;
        finding.serialize_field("remedy", &self.remedy)?;
        finding.end()
    }
}

/// What all checks found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// One of each check, in order.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    /// 0 where nothing failed, else that of the first cause of 78, 69 and 75: what no restart mends comes first.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        let causes = self.findings.iter().filter_map(|finding| match finding.status {
            Status::Failed(cause) => Some(cause),
            Status::Ok | Status::Warning => None,
        });
        causes.min().map_or(ExitCode::Clean, Cause::exit_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_that_of_what_no_restart_mends() {
        let code = |causes: &[Cause]| {
            let mut findings = vec![Check::Store.ok("x"), Check::Disk.warning("x", "y")];
            findings.extend(causes.iter().map(|cause| Check::Topic.failed(*cause, "x", "y")));
            Diagnosis { findings }.exit_code()
        };
        assert_eq!(code(&[]), ExitCode::Clean);
        assert_eq!(code(&[Cause::Machine]), ExitCode::Temporary);
        assert_eq!(code(&[Cause::Machine, Cause::Service]), ExitCode::Unavailable);
        assert_eq!(code(&[Cause::Service, Cause::Configuration, Cause::Machine]), ExitCode::Config);
    }

    #[test]
    fn programs_get_the_same_in_fixed_words() {
        let finding = Check::Topic.failed(Cause::Service, "is not there", "make it");
        let json = serde_json::to_value(finding).unwrap();
        let expected = serde_json::json!({
            "check": "topic", "status": "failed", "seen": "is not there", "remedy": "make it"
        });
        assert_eq!(json, expected);
    }
}

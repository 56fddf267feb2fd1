//! How a process says why it ended.
//!
//! The numbers follow BSD `sysexits.h`, so that a supervisor can tell "do not restart, somebody must change something"
//! (64, 78) from "restart me" (69, 70, 75). It maps no particular error; whoever knows what went wrong picks the code.

use crate::config::ConfigError;

/// A daemon's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Stopped as asked, or had nothing left to do.
    Clean = 0,
    /// The command line is wrong (`EX_USAGE`). Restarting does not help.
    Usage = 64,
    /// A service that is needed at the start cannot be reached (`EX_UNAVAILABLE`). Restart later.
    Unavailable = 69,
    /// A mistake in the program, a panic among them (`EX_SOFTWARE`). Restart, and report it.
    Internal = 70,
    /// Something failed that a restart may cure, or the stop took too long (`EX_TEMPFAIL`). Restart.
    Temporary = 75,
    /// The configuration is wrong (`EX_CONFIG`). Restarting does not help.
    Config = 78,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// Why a daemon ends before it was asked to: a message that says the remedy, and the exit code that it means.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    code: ExitCode,
    message: String,
}

impl Failure {
    /// The command line is wrong: exit code 64.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: ExitCode::Usage, message: message.into() }
    }

    /// The configuration is wrong: exit code 78.
    pub fn config(message: impl Into<String>) -> Self {
        Self { code: ExitCode::Config, message: message.into() }
    }

    /// A service cannot be reached at the start: exit code 69.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { code: ExitCode::Unavailable, message: message.into() }
    }

    /// A mistake in the program: exit code 70.
    pub fn internal(message: impl Into<String>) -> Self {
        Self { code: ExitCode::Internal, message: message.into() }
    }

    /// A restart may cure it: exit code 75.
    pub fn temporary(message: impl Into<String>) -> Self {
        Self { code: ExitCode::Temporary, message: message.into() }
    }

    /// The code that the process ends with.
    pub fn exit_code(&self) -> ExitCode {
        self.code
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::config(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_sysexits() {
        let failures = [
            (Failure::usage("x"), 64),
            (Failure::unavailable("x"), 69),
            (Failure::internal("x"), 70),
            (Failure::temporary("x"), 75),
            (Failure::config("x"), 78),
        ];
        for (failure, code) in failures {
            assert_eq!(failure.exit_code() as u8, code);
            assert_eq!(failure.to_string(), "x");
        }
        assert_eq!(ExitCode::Clean as u8, 0);
    }

    #[test]
    fn a_configuration_error_ends_with_78() {
        let failure = Failure::from(ConfigError::field("kafka.bootstrap", "is empty"));
        assert_eq!(failure.exit_code(), ExitCode::Config);
        assert_eq!(failure.to_string(), "kafka.bootstrap is empty");
    }
}

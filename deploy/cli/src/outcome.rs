//! How a command ends: done, done with something left to do, failed, or with nobody reading any more.

use std::io::{self, Write};
use std::process::ExitCode;

use sanchar_runtime::config::ConfigError;
use sanchar_runtime::lifecycle::{ExitCode as Code, Failure};
use sanchar_runtime::registry::RegistryError;

/// A command that did what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is left to do: exit code 0.
    Done,
    /// The cluster and the contract differ: exit code 2.
    Differs,
    /// Something is left to be done, or to a person: exit code 2.
    Left,
}

/// A command that stopped early.
#[derive(Debug)]
pub enum Stop {
    /// It failed: the failure's own exit code.
    Failed(Failure),
    /// The reader of its output went away (`sanchar tail … | head`): no failure, exit code 0.
    OutputClosed,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<ConfigError> for Stop {
    fn from(error: ConfigError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<RegistryError> for Stop {
    fn from(error: RegistryError) -> Self {
        let message = error.to_string();
        Self::Failed(if error.is_retryable() {
            Failure::unavailable(message)
        } else {
            Failure::config(message)
        })
    }
}

/// For writing output alone: an input that cannot be read is reported with its name, as a [`Failure`].
impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::Failed(Failure::temporary(format!("cannot write the answer: {error}"))),
        }
    }
}

/// Output of a command that has more to do than to be read: it goes on, in silence, when its reader goes away.
pub(crate) struct Unheeded<'a>(pub(crate) &'a mut dyn Write);

impl Write for Unheeded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().or_else(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Ok(()),
            _ => Err(error),
        })
    }
}

impl From<serde_json::Error> for Stop {
    fn from(error: serde_json::Error) -> Self {
        Self::from(io::Error::from(error))
    }
}

/// Tells people something while a command goes on. A bar that stands there makes room for it.
pub(crate) fn warn(text: &str) {
    let terminal = console::Term::stderr();
    // Nobody is left to tell if standard error is closed.
    if terminal.is_term() {
        drop(terminal.clear_line());
    }
    drop(terminal.write_line(&format!("sanchar: {text}")));
}

/// Says on `err` why a command failed, and gives the exit code.
pub(crate) fn conclude(ended: Result<Outcome, Stop>, err: &mut dyn Write) -> ExitCode {
    match ended {
        Ok(Outcome::Done) | Err(Stop::OutputClosed) => Code::Clean.into(),
        Ok(Outcome::Differs | Outcome::Left) => ExitCode::from(2),
        Err(Stop::Failed(failure)) => {
            // Nobody is left to tell if standard error is closed.
            drop(writeln!(err, "sanchar: {failure}"));
            failure.exit_code().into()
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Output that fails as it is told to after so many writes.
    pub(crate) struct Failing(pub(crate) usize, pub(crate) io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(1).ok_or(self.1)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn output_that_nobody_reads_stops_nothing_and_a_full_disk_does() {
        let mut pipe = Failing(1, io::ErrorKind::BrokenPipe);
        let mut out = Unheeded(&mut pipe);
        assert!((0..3).all(|_| out.write_all(b"line").is_ok()));
        let mut disk = Failing(1, io::ErrorKind::StorageFull);
        let mut out = Unheeded(&mut disk);
        assert!(out.write_all(b"line").is_ok() && out.write_all(b"line").is_err());
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_a_full_disk_is() {
        assert!(matches!(Stop::from(io::Error::from(io::ErrorKind::BrokenPipe)), Stop::OutputClosed));
        let Stop::Failed(failure) = Stop::from(io::Error::from(io::ErrorKind::StorageFull)) else { panic!() };
        assert_eq!(failure.exit_code(), Code::Temporary);
    }

    #[test]
    fn a_registry_that_is_down_is_unavailable_and_one_that_refuses_is_a_matter_of_configuration() {
        let down = RegistryError::Unavailable { reason: "connection refused".into() };
        let Stop::Failed(failure) = Stop::from(down) else { panic!() };
        assert_eq!(failure.exit_code(), Code::Unavailable);
        let refused = RegistryError::NotFound { what: "schema id 7".into() };
        let Stop::Failed(failure) = Stop::from(refused) else { panic!() };
        assert_eq!(failure.exit_code(), Code::Config);
    }
}

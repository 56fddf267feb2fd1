//! Clients that share no code with Sanchar: Python's `confluent-kafka`, and `kcat`.
//! A missing one is a failure, never a skipped test.

use anyhow::{Context as _, Result, ensure};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Runs a script of `tests/e2e/foreign` and gives what it printed.
///
/// # Errors
/// When there is no interpreter with the packages of `requirements.txt`, or the script fails.
#[expect(clippy::disallowed_methods, reason = "how `make test` hands the interpreter to a test")]
pub fn python(script: &str, args: &[&str]) -> Result<String> {
    let interpreter = std::env::var("SANCHAR_TEST_PYTHON").context(
        "SANCHAR_TEST_PYTHON is not set: run `make test`, or name a python that has the packages of \
         tests/e2e/foreign/requirements.txt",
    )?;
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("e2e/foreign").join(script);
    printed(Command::new(interpreter).arg(path).args(args))
}

/// Runs `kcat` and gives what it printed.
///
/// # Errors
/// When it is not installed or fails.
pub fn kcat(args: &[&str]) -> Result<String> {
    printed(Command::new("kcat").args(args))
}

fn printed(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_owned();
    let program = OsStr::new(&program).display();
    let Output { status, stdout, stderr } = command.output().with_context(|| format!("running {program}"))?;
    ensure!(status.success(), "{program} ended with {status}: {}", String::from_utf8_lossy(&stderr));
    Ok(String::from_utf8(stdout)?)
}

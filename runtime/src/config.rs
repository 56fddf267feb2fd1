//! Loads a daemon's configuration: a TOML file, then environment variables over it.
//!
//! `SANCHAR__SECTION__KEY=value` overrides `key` of `[section]`; the order is environment, file, default. Every
//! error says where (file, line and column, or the variable) and what to do. Nothing else in the workspace reads the
//! environment, and nothing here knows what the settings mean.

mod environment;
mod explain;
mod plain;

use std::path::{Path, PathBuf};

pub use environment::SECTIONS;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use environment::Override;
pub(crate) use explain::closest;

use crate::secret::without_login;

/// What is wrong with a configuration, where, and how to put it right. Never quotes a secret.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot be read ({source}): name a readable TOML file with --config or SANCHAR_CONFIG", path.display())]
    Unreadable {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not TOML, or not of the shape that the daemon expects.
    #[error("{}:{line}:{column}: {}", path.display(), without_login(problem))]
    File {
        /// The file at fault.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// The field, what is wrong with it and the remedy.
        problem: String,
    },
    /// An environment variable does not fit.
    #[error("environment variable {variable}: {}", without_login(problem))]
    Environment {
        /// The variable's name.
        variable: String,
        /// What is wrong with it and the remedy.
        problem: String,
    },
    /// Every value has the right shape, but one of them cannot be used, alone or together with the others.
    #[error("{field} {}", without_login(problem))]
    Field {
        /// Full name of the field, for example `kafka.ca_file`.
        field: String,
        /// What is wrong with it and the remedy, as the rest of a sentence.
        problem: String,
    },
    /// The configuration cannot be written as TOML.
    #[error("cannot render the configuration as toml: {0}")]
    Render(#[from] toml::ser::Error),
}

impl ConfigError {
    /// An error about one field; the message reads "`field` `problem`", so begin `problem` with a verb.
    pub fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Field { field: field.into(), problem: problem.into() }
    }
}

/// Reads `path` and applies the environment's `SANCHAR__*` variables.
///
/// A variable's value is read as the type of the field it sets. Quote it as TOML does (`'"123"'`) where a string
/// looks like a number and the field's type is not known in advance (inside an enum told apart by a `type` key).
///
/// # Errors
/// [`ConfigError`], with the place and the remedy.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    parse(path, &text, &environment::overrides(std::env::vars_os()))
}

/// Reads the text of a file that the environment has no say in: one that is signed off as it stands.
///
/// # Errors
/// [`ConfigError::File`], with the place and the remedy.
pub fn from_text<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    parse(path, text, &[])
}

fn parse<T: DeserializeOwned>(path: &Path, text: &str, overrides: &[Override]) -> Result<T, ConfigError> {
    let in_file = |error: &toml::de::Error| explain::in_file(path, text, error);
    let table = toml::from_str::<toml::Table>(text).map_err(|error| in_file(&error))?;
    if overrides.is_empty() {
        return toml::from_str(text).map_err(|error| in_file(&error));
    }
    let merged = environment::merge(table, overrides)?;
    T::deserialize(merged).map_err(|merged_error| match toml::from_str::<T>(text) {
        Err(error) if !explain::is_missing_field(&error) || error.message() == merged_error.message() => {
            in_file(&error)
        }
        _ => explain::in_merged(path, overrides, &merged_error),
    })
}

/// The configuration in force, defaults included, as TOML. Secrets read `[redacted]`, and so
/// does what an address holds before its `@`.
///
/// # Errors
/// When `T` does not fit TOML (for example a map with keys that are not strings): a mistake in the program.
pub fn effective<T: Serialize>(config: &T) -> Result<String, ConfigError> {
    Ok(without_login(&toml::to_string_pretty(config)?).into_owned())
}

/// The first 12 hexadecimal digits of SHA-256 over [`effective`]: tells two configurations apart in a log line
/// without showing either. Secrets do not count.
///
/// # Errors
/// As [`effective`].
pub fn digest<T: Serialize>(config: &T) -> Result<String, ConfigError> {
    let hash = Sha256::digest(effective(config)?.as_bytes());
    Ok(hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests;

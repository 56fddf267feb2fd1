//! `check-config`: is the file right, and does its mapping fit the source files that are there?

use std::path::Path;

use sanchar_producer::{ProducerConfig, fitting_files};
use sanchar_runtime::lifecycle::{DaemonConfig as _, Failure};

/// Checks the configuration at `path` and says what it was checked against.
pub(crate) fn check(path: &Path) -> Result<(), Failure> {
    let config = ProducerConfig::load(path)?;
    config.logs.check()?;
    config.check()?;
    let files = fitting_files(&config)?;
    let fit = match files {
        0 => "no source file is there yet".to_owned(),
        1 => "its mapping fits the 1 source file".to_owned(),
        files => format!("its mapping fits the {files} source files"),
    };
    crate::say(&format!("{}: the configuration is valid; {fit}\n", path.display()))
}

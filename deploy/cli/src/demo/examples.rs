//! The states' files of a demonstration: the examples of `deploy/examples`, compiled in, so that the program finds
//! them wherever it runs. They are written to a folder of their own and read from there by real producers.

use std::path::{Path, PathBuf};

use sanchar_runtime::lifecycle::Failure;

/// A file below `deploy/examples`, with its text.
macro_rules! example {
    ($path:literal) => {
        ($path, include_str!(concat!("../../../examples/", $path)))
    };
}

/// One configuration for each state that publishes.
const STATES: [(&str, &str); 4] = [
    example!("delhi.toml"),
    example!("haryana.toml"),
    example!("uttar-pradesh.toml"),
    example!("karnataka.toml"),
];

/// What these read.
const DATA: [(&str, &str); 4] = [
    example!("data/delhi-cases.jsonl"),
    example!("data/haryana-firs.csv"),
    example!("data/uttar-pradesh-prativedan.csv"),
    example!("data/karnataka-fir-excerpt.csv"),
];

/// Writes the files below `folder`; gives the configurations.
///
/// # Errors
/// When the folder cannot be written.
pub(super) fn write(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let full =
        |error| Failure::temporary(format!("cannot write the examples to {}: {error}", folder.display()));
    std::fs::create_dir_all(folder.join("data")).map_err(full)?;
    for (path, text) in STATES.iter().chain(&DATA) {
        std::fs::write(folder.join(path), text).map_err(full)?;
    }
    Ok(STATES.iter().map(|(path, _)| folder.join(path)).collect())
}

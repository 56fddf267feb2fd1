//! Proposes a mapping for a file that nobody has mapped yet: which column is what, why, and how sure that is.
//!
//! What it writes is a configuration that loads, to be read and corrected by somebody who knows the source. It shows
//! names of columns and never a value, since values may be personal data.

mod propose;
mod recognise;
mod sample;
mod write;

use std::path::Path;

use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::StateCode;

/// The proposal for a file, as TOML.
///
/// # Errors
/// [`Failure`] with exit code 64 when the file cannot be read or has no row.
pub fn infer(path: &Path, state: Option<StateCode>) -> Result<String, Failure> {
    let sample = sample::Sample::read(path)?;
    Ok(propose::propose(path, &sample, state))
}

//! Reads the rules' files from a folder. A file that the folder lacks is the built-in one.

use super::{Rules, RulesError};
use crate::route::day_in_india;
use sanchar_schemas::jurisdictions::{ADJACENCY, BuiltIn, COORDINATION};
use std::io::Read as _;
use std::path::Path;

/// The files that a folder of rules may hold.
pub const FILES: [BuiltIn; 2] = [ADJACENCY, COORDINATION];
/// No table of rules comes near this; a larger file is a mistake.
const BYTES_MAX: u64 = 1 << 20;

/// Reads and checks the rules in `folder`, as of now.
///
/// # Errors
/// When the folder is not there or holds none of [`FILES`], a file cannot be read, or as [`Rules::parse`].
pub fn read_folder(folder: &Path, now_ms: i64) -> Result<Rules, RulesError> {
    let shown = folder.display().to_string();
    if !folder.is_dir() {
        return Err(RulesError::new(shown, "is no folder: name the one that holds the rules"));
    }
    let [adjacency, coordination] = FILES.map(|file| text(&folder.join(file.name)));
    let (adjacency, coordination) = (adjacency?, coordination?);
    if adjacency.is_none() && coordination.is_none() {
        let names = FILES.map(|file| file.name).join(" nor ");
        return Err(RulesError::new(shown, format!("holds neither {names}: name the folder with the rules")));
    }
    let adjacency = adjacency.as_deref().unwrap_or(ADJACENCY.text);
    let coordination = coordination.as_deref().unwrap_or(COORDINATION.text);
    Rules::parse(adjacency, coordination, day_in_india(now_ms)).map_err(|error| {
        let file = folder.join(&error.file).display().to_string();
        RulesError { file, ..error }
    })
}

/// The text of a file; `None` where there is none.
fn text(path: &Path) -> Result<Option<String>, RulesError> {
    let failed = |problem: String| RulesError::new(path.display().to_string(), problem);
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(format!("cannot be read ({error}): let this user read it"))),
    };
    let mut bytes = Vec::new();
    let read = file.take(BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|error| failed(format!("cannot be read ({error})")))?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(failed("is larger than 1 MiB: is it the right file?".to_owned()));
    }
    String::from_utf8(bytes).map(Some).map_err(|error| {
        let line =
            error.as_bytes().iter().take(error.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count()
                + 1;
        failed(format!("line {line}: is not UTF-8: save the file as UTF-8"))
    })
}

//! Reads the rules' files from a folder. A file that the folder lacks is the built-in one.

use super::{Rules, RulesError};
use crate::route::day_in_india;
use sanchar_schemas::jurisdictions::{ADJACENCY, BuiltIn, COORDINATION};
use std::io::{ErrorKind, Read as _};
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
    refuse_strangers(folder)?;
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

/// Refuses tables of other names, for a misspelt name would leave the built-in rules in force.
fn refuse_strangers(folder: &Path) -> Result<(), RulesError> {
    let failed = |error: std::io::Error| {
        RulesError::new(
            folder.display().to_string(),
            format!("cannot be listed ({error}): let this user read it"),
        )
    };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_known = path.file_name().is_some_and(|name| FILES.iter().any(|file| name == file.name));
        let is_table = path.extension().is_some_and(|ending| ending == "csv" || ending == "toml");
        if is_table && !is_known {
            let names = FILES.map(|file| file.name).join(" and ");
            let problem = format!("is no file of rules, which are {names}: rename it, or move it elsewhere");
            return Err(RulesError::new(path.display().to_string(), problem));
        }
    }
    Ok(())
}

/// The text of a file; `None` where there is none.
fn text(path: &Path) -> Result<Option<String>, RulesError> {
    let failed = |problem: String| RulesError::new(path.display().to_string(), problem);
    let unreadable =
        |error: std::io::Error| failed(format!("cannot be read ({error}): let this user read it"));
    match path.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
        Ok(_) => {}
    }
    // A link that leads nowhere must not count as no file, and a pipe would be waited for.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(failed("is no file: put the rules there as a file".to_owned()));
    }
    let file = std::fs::File::open(path).map_err(unreadable)?;
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

//! What lies in a drop folder and is never taken: so that whoever waits for it is told. It takes nothing.

use std::collections::BTreeSet;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use super::config::SourceConfig;
use super::discover::{has_wildcard, is_in_transit};

/// Why an entry of a drop folder is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PassedOver {
    /// Its name cannot be written down.
    Name,
    /// A folder, a pipe, a device.
    Kind,
    /// No pattern fits.
    Pattern,
}

impl PassedOver {
    /// What is wrong with it and the remedy; the subject is the entry.
    pub(crate) fn problem(self) -> &'static str {
        match self {
            Self::Name => "has a name that is not utf-8: rename it",
            Self::Kind => "is no regular file: put files there, and folders elsewhere",
            Self::Pattern => "fits no pattern of source.files: rename it, add a pattern, or put it elsewhere",
        }
    }
}

/// The entries of `config`'s drop folders that are not among the files that were `found`. Names of files that are still on
/// their way are left out, and so are the folders of the producer's own, `store` among them. A folder that cannot be listed is
/// reported where files are looked for.
pub(crate) fn passed_over(
    base: &Path,
    config: &SourceConfig,
    store: &Path,
    found: &[PathBuf],
) -> Vec<(PathBuf, PassedOver)> {
    let patterns =
        config.files.iter().filter(|pattern| has_wildcard(pattern)).map(|pattern| base.join(pattern));
    let folders: BTreeSet<PathBuf> = patterns.filter_map(|path| path.parent().map(Path::to_owned)).collect();
    let mut entries = Vec::new();
    for folder in folders {
        let own = [&folder.join(&config.done_folder), &folder.join(&config.failed_folder), store]
            .map(Path::to_owned);
        let listed = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let is_own = |entry: &DirEntry| own.iter().any(|own| own.starts_with(entry.path()));
        entries.extend(listed.filter(|entry| !is_own(entry)).filter_map(|entry| judge(&entry, found)));
    }
    entries
}

fn judge(entry: &DirEntry, found: &[PathBuf]) -> Option<(PathBuf, PassedOver)> {
    let path = entry.path();
    if is_in_transit(&path) || found.contains(&path) {
        return None;
    }
    let why = match path.file_name().and_then(|name| name.to_str()) {
        None => PassedOver::Name,
        Some(_) if !path.is_file() => PassedOver::Kind,
        Some(_) => PassedOver::Pattern,
    };
    // It may have gone in the meantime.
    path.symlink_metadata().is_ok().then_some((path, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    #[test]
    fn what_is_never_taken_is_named_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let nameless = Path::new(OsStr::from_bytes(b"f\xff.csv"));
        for name in
            [Path::new("a.csv"), Path::new("b.txt"), Path::new(".c.csv"), Path::new("d.csv.part"), nameless]
        {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        for name in ["done", "failed", "store", "other"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let config: SourceConfig =
            toml::from_str("files = ['*.csv']\nformat = 'csv'\nafter = 'move'").unwrap();
        let found = [folder.path().join("a.csv")];
        let mut entries = passed_over(folder.path(), &config, &folder.path().join("store"), &found);
        entries.sort();
        let expected = [
            (folder.path().join("b.txt"), PassedOver::Pattern),
            (folder.path().join(nameless), PassedOver::Name),
            (folder.path().join("other"), PassedOver::Kind),
        ];
        assert_eq!(entries, expected);
    }
}

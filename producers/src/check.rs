//! `check-config`: is the file right, and does its mapping fit the source files that are there?

use std::path::Path;

use sanchar_producer::{Fit, ProducerConfig, fitting_files, missing_files};
use sanchar_runtime::lifecycle::{DaemonConfig as _, Failure};
use sanchar_runtime::secret::exposed;

/// Checks the configuration at `path` and says what it was checked against.
pub(crate) fn check(path: &Path) -> Result<(), Failure> {
    let config = ProducerConfig::load(path)?;
    config.logs.check()?;
    config.check()?;
    config.check_credentials()?;
    if config.postgres.is_some() {
        let fit = "whether it fits the database is seen by dry-run --limit 10";
        crate::say(&format!("{}: the configuration is valid; {fit}\n", path.display()))?;
        return warn(&config, path);
    }
    let Fit { fitting, without_header } = fitting_files(&config)?;
    let mut fit = match (fitting, without_header) {
        (0, 0) if config.source.is_stdin() => "its rows come from standard input".to_owned(),
        (0, 0) if config.push.is_some() => {
            "its mapping fits the keys of the items that are pushed".to_owned()
        }
        (0, 0) => "no source file is there yet".to_owned(),
        (0, _) => "its mapping could not be tried".to_owned(),
        (1, _) => "its mapping fits the 1 source file".to_owned(),
        (files, _) => format!("its mapping fits the {files} source files"),
    };
    if without_header > 0 {
        fit.push_str(&format!("; {without_header} without a header yet"));
    }
    crate::say(&format!("{}: the configuration is valid; {fit}\n", path.display()))?;
    warn(&config, path)
}

/// Says what is allowed, and keeps less safe or more back than may be meant.
fn warn(config: &ProducerConfig, path: &Path) -> Result<(), Failure> {
    for missing in missing_files(config) {
        crate::say(&format!(
            "warning: source.files: {missing} is not there: correct the name, or put the file there\n"
        ))?;
    }
    for exposed in exposed(config, path)? {
        crate::say(&format!("warning: {exposed}\n"))?;
    }
    let mapping = &config.mapping;
    let tells_offence = mapping.sections.is_some() || mapping.reported_head.is_some();
    if tells_offence || (mapping.place.is_none() && mapping.narrative.is_none() && mapping.persons.is_none())
    {
        return Ok(());
    }
    crate::say(
        "warning: neither mapping.sections nor mapping.reported_head says what offence a case is, so that places, victims and free texts \
         of cases stay in the state: map one of them\n",
    )
}

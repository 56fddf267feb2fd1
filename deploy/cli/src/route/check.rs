//! `sanchar route check`: reads a folder of rules as the fan-out service does and says what they say. With `--write` the
//! built-in files are put there first; it overwrites nothing.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::Path;

use console::style;
use sanchar_fanout::route::day_in_india;
use sanchar_fanout::rules::{FILES, Rules};
use sanchar_runtime::clock::now_ms;
use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::{StateCode, StateSet};

use super::rules_of;
use crate::outcome::Stop;
use crate::table::Table;

pub(super) fn run(folder: &Path, write: bool, out: &mut dyn Write) -> Result<(), Stop> {
    if write {
        write_builtin(folder, out)?;
    }
    let rules = rules_of(Some(folder))?;
    let (version, digest) = (rules.version(), rules.digest());
    writeln!(out, "{} rules {version} ({digest})", style("right:").green())?;
    if digest == Rules::builtin().digest() {
        writeln!(out, "they are the built-in ones")?;
    }
    print_groups(folder, &rules, out)
}

fn print_groups(folder: &Path, rules: &Rules, out: &mut dyn Write) -> Result<(), Stop> {
    let mut table = Table::new(["GROUP", "MEMBERS", "CONDITIONS", "RESTRICTED", "ABOUT"]).right(&[2]);
    for group in rules.groups() {
        let members: Vec<&str> =
            group.members.iter().map(|state| state.as_str().trim_start_matches("IN-")).collect();
        table.row([
            group.name.clone(),
            members.join(" "),
            group.conditions.len().to_string(),
            if group.is_restricted { "yes" } else { "no" }.to_owned(),
            group.about.clone(),
        ]);
    }
    writeln!(out, "{table}")?;
    print_files(folder, out)?;
    print_pairs(rules, out)?;
    match rules.narrow_severity_max() {
        0 => writeln!(out, "every neighbour receives everything")?,
        most => writeln!(out, "severity 1 to {most}: only neighbours that the district touches")?,
    }
    Ok(())
}

/// Which files count.
fn print_files(folder: &Path, out: &mut dyn Write) -> Result<(), Stop> {
    for file in FILES {
        let from =
            if folder.join(file.name).exists() { "from the folder" } else { "built in, not in the folder" };
        writeln!(out, "{}: {from}", file.name)?;
    }
    Ok(())
}

fn print_pairs(rules: &Rules, out: &mut dyn Write) -> Result<(), Stop> {
    let today = day_in_india(now_ms());
    let count =
        |of: &dyn Fn(StateCode) -> StateSet| StateCode::all().map(|state| of(state).len()).sum::<usize>() / 2;
    let borders = count(&|state| rules.neighbours(state, today));
    let (partners, near) = (count(&|state| rules.partners(state)), count(&|state| rules.near(state)));
    writeln!(out, "{borders} borders today, {partners} pairs of partners, {near} near pairs")?;
    Ok(())
}

fn write_builtin(folder: &Path, out: &mut dyn Write) -> Result<(), Stop> {
    let failed = |path: &Path, error: &std::io::Error| {
        Failure::config(format!("{}: cannot be written ({error}): name a folder of yours", path.display()))
    };
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    for file in FILES {
        let path = folder.join(file.name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut made) => {
                made.write_all(file.text.as_bytes()).map_err(|error| failed(&path, &error))?;
                writeln!(out, "{}: written", path.display())?;
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                writeln!(out, "{}: is there, and stays as it is", path.display())?;
            }
            Err(error) => return Err(failed(&path, &error).into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(folder: &Path, write: bool) -> Result<String, String> {
        let mut out = Vec::new();
        run(folder, write, &mut out).map_err(|stop| format!("{stop:?}"))?;
        Ok(console::strip_ansi_codes(&String::from_utf8(out).unwrap()).into_owned())
    }

    #[test]
    fn the_built_in_rules_are_written_once_and_a_mistake_in_them_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules");
        let text = checked(&path, true).unwrap();
        assert!(
            text.contains("coordination.toml: written") && text.contains("they are the built-in ones"),
            "{text}"
        );
        assert!(text.contains("NCR") && text.contains("every neighbour receives everything"), "{text}");
        let coordination = path.join("coordination.toml");
        let changed =
            std::fs::read_to_string(&coordination).unwrap().replace("IN-KL\", \"IN-LD", "IN-KL\", \"IN-XX");
        std::fs::write(&coordination, changed).unwrap();
        let error = checked(&path, true).unwrap_err();
        assert!(error.contains("partners[3]: unknown state code `IN-XX`"), "{error}");
        assert!(std::fs::read_to_string(&coordination).unwrap().contains("IN-XX"), "was overwritten");
    }
}

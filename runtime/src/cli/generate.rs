//! The hidden command `generate`: a program's man pages and its completions for bash, zsh and fish, from its command line.
//!
//! Packages call it while they are built, and whoever installed a program without a package can. Every program has it
//! through [`parse`](super::parse). It decides nothing about the texts: they are those of `--help`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;

use crate::lifecycle::Failure;

const NAME: &str = "generate";
const FOLDER: &str = "FOLDER";
const SHELLS: [Shell; 3] = [Shell::Bash, Shell::Zsh, Shell::Fish];

/// The command, beside those that the program has.
pub(super) fn command() -> Command {
    let folder = Arg::new(FOLDER).required(true).value_parser(value_parser!(PathBuf));
    Command::new(NAME)
        .hide(true)
        .about("Write man pages and completions of bash, zsh and fish into a folder")
        .arg(folder.help("Folder for the files; made where it is missing"))
}

/// The folder, where the command line asks for this.
pub(super) fn asked(matches: &ArgMatches) -> Option<&Path> {
    let (_, given) = matches.subcommand().filter(|(name, _)| *name == NAME)?;
    given.get_one::<PathBuf>(FOLDER).map(PathBuf::as_path)
}

/// Writes a page for the program and for each of its commands, and one file for each shell.
pub(super) fn write(program: &Command, folder: &Path) -> Result<(), Failure> {
    into(program, folder).map_err(|error| {
        let shown = folder.display();
        Failure::temporary(format!(
            "cannot write into {shown} ({error}): name a folder that this user may write"
        ))
    })
}

fn into(program: &Command, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for shell in SHELLS {
        clap_complete::generate_to(shell, &mut program.clone(), program.get_name(), folder)?;
    }
    clap_mangen::generate_to(program.clone(), folder)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "1") {
            keep_lines(&path)?;
        }
    }
    Ok(())
}

/// The examples are laid out in columns, which a page would flow together.
fn keep_lines(page: &Path) -> io::Result<()> {
    let text = fs::read_to_string(page)?;
    let Some((before, examples)) = text.split_once(".SH EXTRA\n") else { return Ok(()) };
    let examples = examples.replacen("\n.SH ", "\n.fi\n.SH ", 1);
    fs::write(page, format!("{before}.SH EXAMPLES\n.nf\n{examples}"))
}

//! `sanchar`: the operator's and analyst's command. What it can do is in the library; this file only starts it.

use std::process::ExitCode;

fn main() -> ExitCode {
    match sanchar_runtime::cli::parse::<sanchar::Cli>() {
        Ok(cli) => sanchar::run(cli),
        Err(code) => code,
    }
}

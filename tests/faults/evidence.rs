//! What is kept of a line that was not clean: logs, configuration, and what the brokers know of transactions.

use anyhow::Result;
use sanchar_tests::Installation;
use sanchar_tests::stack::Stack;
use std::fs;
use std::path::Path;

/// Copies it into `folder`.
pub(crate) fn keep(installation: &Installation, stack: &Stack, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    copy(installation.folder(), folder)?;
    copy(&stack.logs(), folder)?;
    // Transactions that nobody will end show here; the tool may find the brokers gone, and says so then.
    for (name, question) in
        [("transactions", &["list"][..]), ("hanging", &["find-hanging", "--broker-id", "1"])]
    {
        let answer = stack.tool(&[&["transactions"], question].concat());
        fs::write(folder.join(name), answer.unwrap_or_else(|error| format!("{error:#}")))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            fs::copy(&path, to.join(name))?;
        }
    }
    Ok(())
}

//! What the daemon needs of its machine: a folder of its own, room on the disk, and a port.

use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use super::finding::{Cause, Check, Finding};
use crate::backfill::{Neighbour, Seen};
use crate::config::ProducerConfig;
use crate::store::open_to_others;

/// Room that is little, and room that is too little, in bytes.
const BYTES: Bounds = Bounds { little: 1 << 30, too_little: 100 << 20 };
/// The same of inodes: each source file needs two, and each checkpoint a third while it is written.
const INODES: Bounds = Bounds { little: 10_000, too_little: 100 };

struct Bounds {
    little: u64,
    too_little: u64,
}

fn folder(config: &ProducerConfig) -> PathBuf {
    config.base().join(&config.store.folder)
}

/// The folder for checkpoints and quarantine: there or makeable, for this user alone, writable, and nobody else's.
pub(super) async fn store(config: &ProducerConfig) -> Finding {
    let folder = folder(config);
    let shown = folder.display();
    if !folder.exists() {
        let parent = existing(&folder);
        return match access(&parent, Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => Check::Store.ok(format!("{shown} is not there yet and can be made")),
            Err(error) => Check::Store.failed(
                Cause::Configuration,
                format!("{shown} cannot be made in {} ({})", parent.display(), io::Error::from(error)),
                "let this user write there, or name another store.folder",
            ),
        };
    }
    if let Err(error) = access(&folder, Access::WRITE_OK | Access::EXEC_OK) {
        let seen = format!("{shown} cannot be written ({})", io::Error::from(error));
        return Check::Store.failed(Cause::Configuration, seen, "give it to this user with chown");
    }
    match open_to_others(&folder) {
        Ok(None) => {}
        Ok(Some((path, mode))) => {
            let seen =
                format!("{} is open to others (mode {mode:04o}), and rows are kept there", path.display());
            let remedy = format!("chmod -R go= {shown}");
            return Check::Store.failed(Cause::Configuration, seen, &remedy);
        }
        Err(error) => {
            let seen = format!("{shown} cannot be listed ({error})");
            return Check::Store.failed(Cause::Configuration, seen, "give it to this user with chown");
        }
    }
    if is_lock_free(&folder) {
        return Check::Store.ok(format!("{shown} is this user's alone, writable and free"));
    }
    match look(config).await {
        Ok(Seen::Daemon(_)) => {
            Check::Store.ok(format!("{shown} is this user's alone, and held by the running daemon"))
        }
        _ => Check::Store.warning(
            format!(
                "{shown} is held by a process that does not answer as this state's daemon on {}",
                config.http.listen
            ),
            "see who has it open with `fuser`; two producers never share a folder",
        ),
    }
}

/// The nearest folder above a path that is there.
fn existing(path: &Path) -> PathBuf {
    let found = path.ancestors().find(|path| path.is_dir());
    found.unwrap_or_else(|| Path::new(".")).to_owned()
}

/// Takes the lock for a moment, where there is one.
fn is_lock_free(folder: &Path) -> bool {
    File::options().write(true).open(folder.join("lock")).map_or(true, |lock| lock.try_lock().is_ok())
}

/// Room under the store's folder.
pub(super) fn disk(config: &ProducerConfig) -> Finding {
    let folder = existing(&folder(config));
    let whole = std::path::absolute(&folder).unwrap_or_else(|_| folder.clone());
    let shown = whole.display();
    let room = match statvfs(&folder) {
        Ok(room) => room,
        Err(error) => {
            let seen = format!("{shown} cannot be asked for its room ({})", io::Error::from(error));
            return Check::Disk.failed(Cause::Machine, seen, "see whether the disk is mounted");
        }
    };
    let bytes = room.f_bavail.saturating_mul(room.f_frsize);
    // Some file systems make inodes as they need them and say 0 of 0.
    let inodes = (room.f_files > 0).then_some(room.f_favail);
    judge(&shown.to_string(), bytes, inodes)
}

fn judge(shown: &str, bytes: u64, inodes: Option<u64>) -> Finding {
    let names = inodes.map(|inodes| format!(" and {inodes} inodes")).unwrap_or_default();
    let seen = format!("{} MiB{names} are free under {shown}", bytes >> 20);
    let least = |bounds: fn(&Bounds) -> u64| {
        bytes < bounds(&BYTES) || inodes.is_some_and(|inodes| inodes < bounds(&INODES))
    };
    if least(|bounds| bounds.too_little) {
        let remedy = "make room: with less than 100 MiB or 100 inodes the daemon may stop at any time";
        return Check::Disk.failed(Cause::Machine, seen, remedy);
    }
    if least(|bounds| bounds.little) {
        return Check::Disk.warning(seen, "make room: less than 1 GiB or 10000 inodes is little");
    }
    Check::Disk.ok(seen)
}

/// The port for probes and metrics, and that of items: free, or held by the daemon itself.
pub(super) async fn listen(config: &ProducerConfig) -> Finding {
    let pushed = config.push.as_ref().map(|push| ("push.listen", push.listen));
    let mut seen = Vec::new();
    for (field, listen) in std::iter::once(("http.listen", config.http.listen)).chain(pushed) {
        let Err(error) = TcpListener::bind(listen) else {
            seen.push(format!("{listen} is free"));
            continue;
        };
        if error.kind() != io::ErrorKind::AddrInUse {
            let remedy = format!("choose an address of this machine and a port above 1023 for {field}");
            let seen = format!("{listen} cannot be used ({error})");
            return Check::Listen.failed(Cause::Configuration, seen, &remedy);
        }
        if !matches!(look(config).await, Ok(Seen::Daemon(_))) {
            let remedy = format!("stop that program, or choose another port with {field}");
            let seen = format!("{listen} is held by a program that is not this state's daemon");
            return Check::Listen.failed(Cause::Configuration, seen, &remedy);
        }
        seen.push(format!("{listen} is held by the running daemon of {}", config.state.code));
    }
    Check::Listen.ok(seen.join("; "))
}

async fn look(config: &ProducerConfig) -> Result<Seen, sanchar_runtime::config::ConfigError> {
    Ok(Neighbour::new(config.http.listen, config.state.code)?.look().await)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn room_is_judged_by_bytes_and_by_inodes() {
        let failed = Status::Failed(Cause::Machine);
        for (bytes, inodes, status) in [
            (5 << 30, Some(1_000_000), Status::Ok),
            (5 << 30, None, Status::Ok),
            (500 << 20, None, Status::Warning),
            (5 << 30, Some(9_999), Status::Warning),
            (99 << 20, Some(1_000_000), failed),
            (5 << 30, Some(99), failed),
        ] {
            assert_eq!(judge("/x", bytes, inodes).status, status, "{bytes} {inodes:?}");
        }
    }
}

//! A PostgreSQL server of the tests' own, from the system's packages: in a folder that goes with it, on a socket and a
//! loopback port. It is stopped by its process when the last test that uses it is over, also when that panics.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use postgres::{Client, NoTls};

use crate::address::own_address;

/// The longest time that the server may take for one thing, on a machine that has others to do.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Server {
    folder: tempfile::TempDir,
    bin: PathBuf,
    as_other: Vec<String>,
    pub(crate) port: u16,
    process: Mutex<Option<Child>>,
}

/// The server that tests share which do not stop it.
pub(crate) fn shared() -> Arc<Server> {
    static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let server = Arc::new(Server::new());
        *shared = Arc::downgrade(&server);
        server
    })
}

impl Server {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut as_other = Vec::new();
        if id(&["-u"]) == 0 {
            // The server refuses to run as root.
            let (user, group) = (id(&["-u", "postgres"]), id(&["-g", "postgres"]));
            chown(folder.path(), Some(user), Some(group)).unwrap();
            as_other = vec![
                "setpriv".to_owned(),
                format!("--reuid={user}"),
                format!("--regid={group}"),
                "--clear-groups".to_owned(),
            ];
        }
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let port = own_address().port();
        let server = Self { folder, bin: binaries(), as_other, port, process: Mutex::default() };
        let data = server.data();
        let made = server
            .command("initdb")
            .args(["--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "--username=owner"])
            .args(["--auth-local=trust", "--auth-host=scram-sha-256", "--pgdata"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.start(&[]);
        server
    }

    /// Starts it, with some settings more.
    pub(crate) fn start(&self, more: &[&str]) {
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let process = self
            .command("postgres")
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string()])
            .arg(format!("-cunix_socket_directories={}", self.socket()))
            .args(["-clisten_addresses=127.0.0.1", "-cfsync=off", "-cshared_buffers=16MB"])
            .args(["-cmax_connections=50", "-cautovacuum=off"])
            .args(more)
            .stderr(log)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        *self.process() = Some(process);
        let begun = Instant::now();
        while self.try_owner("postgres").is_err() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
            assert!(begun.elapsed() < PATIENCE, "the server does not start\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Stops it as an operator does who does not wait for clients.
    pub(crate) fn stop(&self) {
        self.end("-INT");
    }

    fn end(&self, signal: &str) {
        let Some(mut process) = self.process().take() else { return };
        let told = Command::new("kill").args([signal, &process.id().to_string()]).status();
        if told.is_ok_and(|status| status.success()) {
            drop(process.wait());
        }
    }

    /// Puts a file into its folder, for its eyes alone.
    pub(crate) fn install(&self, name: &str, content: &[u8]) {
        let path = self.data().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        if !self.as_other.is_empty() {
            chown(&path, Some(id(&["-u", "postgres"])), Some(id(&["-g", "postgres"]))).unwrap();
        }
    }

    /// A database of a test's own, and its owner's connection to it. Its role `name` may log in and nothing else.
    pub(crate) fn database(&self, name: &str) -> Client {
        let mut owner = self.owner("postgres");
        owner.batch_execute(&format!("create role {name} login password 'of {name}'")).unwrap();
        owner.batch_execute(&format!("create database {name}")).unwrap();
        self.owner(name)
    }

    /// The owner's connection to a database.
    pub(crate) fn owner(&self, database: &str) -> Client {
        self.try_owner(database).unwrap()
    }

    pub(crate) fn socket(&self) -> String {
        self.folder.path().display().to_string()
    }

    fn try_owner(&self, database: &str) -> Result<Client, postgres::Error> {
        postgres::Config::new()
            .host_path(self.folder.path())
            .port(self.port)
            .user("owner")
            .dbname(database)
            .connect(NoTls)
    }

    fn command(&self, program: &str) -> Command {
        let program = self.bin.join(program);
        let mut command = match self.as_other.split_first() {
            None => Command::new(program),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        };
        command.current_dir(self.folder.path());
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn process(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end("-QUIT");
    }
}

/// The newest server that is installed.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let version =
        versions.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).max();
    let folder =
        version.map(|version| Path::new("/usr/lib/postgresql").join(version.to_string()).join("bin"));
    folder.filter(|bin| bin.join("initdb").exists()).expect(
        "PostgreSQL is missing: install the package postgresql, or run `deploy/stack/needs postgresql`",
    )
}

fn id(args: &[&str]) -> u32 {
    let output = Command::new("id").args(args).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

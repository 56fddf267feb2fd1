//! A real process of the smallest daemon: started, probed, signalled, and asked how it ended.
//!
//! Each test writes a configuration, and reads the daemon's log from its standard error.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends where its ground gives way"
)]

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use serde_json::Value;

/// `cargo test` builds examples beside the tests' own folder.
fn program() -> Command {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("examples/smallest_daemon");
    assert!(program.exists(), "{} is missing: run `cargo build --examples`", program.display());
    let mut command = Command::new(program);
    command.env_clear();
    command
}

struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn config(&self, text: &str) -> PathBuf {
        let path = self.folder.path().join("daemon.toml");
        std::fs::write(&path, text).unwrap();
        path
    }
}

fn files() -> Files {
    Files { folder: tempfile::tempdir().unwrap() }
}

/// A daemon that has logged its start line.
struct Daemon {
    process: Child,
    log: BufReader<ChildStderr>,
    start: Value,
    address: SocketAddr,
    _files: Files,
}

impl Daemon {
    fn start(settings: &str) -> Self {
        let files = files();
        let config = files.config(&format!("{settings}\n[http]\nlisten = '127.0.0.1:0'"));
        let mut process = program().arg("-c").arg(config).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        let start: Value = serde_json::from_str(&line).unwrap();
        let address = start["listen"].as_str().unwrap().parse().unwrap();
        Self { process, log, start, address, _files: files }
    }

    fn signal(&self, name: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Readiness is reported by another task than the start line.
    fn wait_for(&self, path: &str, status: &str) -> String {
        for _ in 0..200 {
            let answer = self.get(path);
            if answer.starts_with(&format!("HTTP/1.1 {status}")) {
                return answer;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("{path} never answered {status}");
    }

    fn end(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        self.log.read_to_string(&mut log).unwrap();
        (self.process.wait().unwrap().code(), log)
    }
}

fn run(settings: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let files = files();
    let config = files.config(settings);
    let Output { status, stdout, stderr } = program().arg("-c").arg(config).args(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap())
}

#[test]
fn sigterm_and_sigint_stop_it_cleanly() {
    for signal in ["TERM", "INT"] {
        let daemon = Daemon::start("password = 'hunter2'");
        assert_eq!(daemon.start["message"], "daemon starts");
        assert_eq!(daemon.start["daemon"], "smallest-daemon");
        assert_eq!(daemon.start["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(daemon.start["config_digest"].as_str().unwrap().len(), 12);
        daemon.wait_for("/readyz", "200");
        assert!(daemon.get("/metrics").contains("sanchar_build_info{daemon=\"smallest-daemon\""));
        daemon.signal(signal);
        let (code, log) = daemon.end();
        assert_eq!(code, Some(0), "{log}");
        assert!(
            log.contains(&format!("\"reason\":\"SIG{signal}\"")) && log.contains("daemon stops"),
            "{log}"
        );
        assert!(!log.contains("hunter2"), "{log}");
    }
}

#[test]
fn processes_that_did_not_end_in_good_order_are_counted() {
    let folder = files();
    let settings =
        |ends: &str| format!("ends = '{ends}'\nfolder = '{}'", folder.folder.path().join("own").display());
    let shown = |daemon: &Daemon| {
        daemon
            .get("/metrics")
            .lines()
            .find_map(|line| line.strip_prefix("sanchar_unclean_stops_total ").map(str::to_owned))
    };
    let killed = Daemon::start(&settings("when_asked"));
    assert_eq!(shown(&killed).as_deref(), Some("0"));
    killed.signal("KILL");
    killed.end();
    let clean = Daemon::start(&settings("when_asked"));
    assert_eq!(shown(&clean).as_deref(), Some("1"));
    clean.signal("TERM");
    assert_eq!(clean.end().0, Some(0));
    assert_eq!(Daemon::start(&settings("by_failure")).end().0, Some(69));
    assert_eq!(Daemon::start(&settings("by_panic")).end().0, Some(70));
    let last = Daemon::start(&settings("when_asked"));
    assert_eq!(shown(&last).as_deref(), Some("3"), "one killed, one failed, one panicked");
    last.signal("TERM");
    assert_eq!(last.end().0, Some(0));
}

#[test]
fn while_it_stops_it_is_alive_but_not_ready_and_a_second_signal_ends_it() {
    let daemon = Daemon::start("ends = 'never'");
    daemon.wait_for("/readyz", "200");
    daemon.signal("TERM");
    assert!(daemon.wait_for("/readyz", "503").contains("stopping: SIGTERM"));
    assert!(daemon.get("/livez").starts_with("HTTP/1.1 200"));
    daemon.signal("TERM");
    let (code, log) = daemon.end();
    assert_eq!(code, Some(75), "{log}");
}

#[test]
fn a_stop_that_takes_too_long_ends_with_75() {
    let daemon = Daemon::start("ends = 'never'\n[lifecycle]\nshutdown_grace_ms = 50");
    daemon.wait_for("/readyz", "200");
    daemon.signal("TERM");
    let (code, log) = daemon.end();
    assert_eq!(code, Some(75), "{log}");
    assert!(log.contains("did not stop within 50 ms"), "{log}");
}

#[test]
fn a_panic_on_any_thread_ends_with_70_and_keeps_its_text_to_itself() {
    let (code, log) = Daemon::start("ends = 'by_panic'").end();
    assert_eq!(code, Some(70), "{log}");
    assert!(log.contains("smallest_daemon.rs:") && log.contains("text withheld"), "{log}");
    assert!(!log.contains("person"), "{log}");
}

#[test]
fn the_bodys_outcome_is_the_exit_code() {
    let (code, log) = Daemon::start("ends = 'by_itself'").end();
    assert_eq!(code, Some(0), "{log}");
    let (code, log) = Daemon::start("ends = 'by_failure'").end();
    assert_eq!(code, Some(69), "{log}");
    assert!(log.contains("no broker answers: check kafka.bootstrap"), "{log}");
}

#[test]
fn one_place_does_not_flood_the_log_and_what_was_left_out_is_told() {
    let (code, log) = Daemon::start("ends = 'after_many_lines'\n[logs]\nsite_lines_max = 10").end();
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(log.matches("it says the same").count(), 10, "{log}");
    assert!(log.contains("\"suppressed\":990") && log.contains("daemon stops"), "{log}");
}

#[test]
fn a_port_in_use_ends_with_69() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (code, log) = run(&format!("[http]\nlisten = '{}'", taken.local_addr().unwrap()), &[]);
    assert_eq!(code, Some(69), "{log}");
    assert!(log.contains("choose another with http.listen"), "{log}");
}

#[test]
fn mistakes_in_the_configuration_end_with_78() {
    let (code, said) = run("ends = 'when_asked'\npasword = 'x'", &[]);
    assert_eq!(code, Some(78));
    assert!(
        said.contains("daemon.toml:2:1: pasword: unknown field") && said.contains("`password`?"),
        "{said}"
    );
    let (code, said) = run("ends = 'by_itself'\npassword = 'x'", &["check-config"]);
    assert_eq!(code, Some(78));
    assert_eq!(said, "smallest-daemon: password has no use with ends = \"by_itself\": remove it\n");
    assert_eq!(run("[logs]\nlevel = 'loud'", &["check-config"]).0, Some(78));
}

#[test]
fn mistakes_on_the_command_line_end_with_64() {
    let output = program().output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--config or SANCHAR_CONFIG"));
    assert_eq!(run("", &["--no-such-flag"]).0, Some(64));
    assert_eq!(
        run("", &["--version"]),
        (Some(0), format!("smallest_daemon {}\n", env!("CARGO_PKG_VERSION")))
    );
}

#[test]
fn check_config_and_print_config_do_not_run_it() {
    let (code, said) = run("password = 'hunter2'", &["check-config"]);
    assert!(code == Some(0) && said.contains("the configuration is valid"), "{said}");

    let files = files();
    let mut command = program();
    command
        .env("SANCHAR_CONFIG", files.config("password = 'hunter2'"))
        .env("SANCHAR__HTTP__LISTEN", "[::1]:1");
    let printed = String::from_utf8(command.arg("print-config").output().unwrap().stdout).unwrap();
    for part in ["password = \"[redacted]\"", "listen = \"[::1]:1\"", "shutdown_grace_ms = 10000"] {
        assert!(printed.contains(part), "{part} is missing from\n{printed}");
    }
}

#[test]
fn check_config_warns_of_a_secret_that_every_user_may_read() {
    let files = files();
    let config = files.config("password = 'hunter2'");
    let said = |mode| {
        std::fs::set_permissions(&config, Permissions::from_mode(mode)).unwrap();
        let output = program().arg("-c").arg(&config).arg("check-config").output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let warning = said(0o644);
    let (_, warning) = warning.split_once("the configuration is valid\nwarning: ").unwrap();
    assert!(warning.starts_with("password is open to every user of this machine: "), "{warning}");
    assert!(
        warning.contains("daemon.toml has mode 0644: chmod o= ") && !warning.contains("hunter2"),
        "{warning}"
    );
    assert!(said(0o640).ends_with("the configuration is valid\n"));
}

//! A server that is reached through TLS: its certificate has to be good for its name and somebody has to vouch for it, and it may want to
//! see one from the producer.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use openssl::symm::Cipher;
use sanchar_producer::Summary;
use sanchar_runtime::lifecycle::{ExitCode, Failure};

use super::certificates::{Issued, issue};
use super::producer::{Broker, Producer};
use super::server::Server;
use super::{TABLE, insert, settings, table};

/// A server with one row for the role `name`, known by an own certificate.
fn encrypted(name: &str, own: &Issued) -> Server {
    let server = Server::new();
    let mut owner = table(&server, name);
    insert(&mut owner, 1..=1);
    drop(owner);
    server.stop();
    server.install("server.crt", &own.certificate());
    server.install("server.key", &own.key());
    server
}

/// The settings for that server by another name of it, with more about the connection.
fn through(server: &Server, name: &str, host: &str, more: &str) -> String {
    let host = format!("host = \"{host}\"\ntls = \"verify\"\n{more}");
    settings(server, name).replace("host = \"127.0.0.1\"", &host)
}

/// Puts a file into a folder, for this user alone.
fn keep(folder: &Path, name: &str, content: &[u8]) {
    fs::write(folder.join(name), content).unwrap();
    fs::set_permissions(folder.join(name), Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_connection_is_encrypted_and_its_certificate_verified() {
    let (broker, folder, own) = (Broker::new(), tempfile::tempdir().unwrap(), issue("localhost", None));
    let server = encrypted("encrypted", &own);
    server.start(&["-cssl=on"]);
    keep(folder.path(), "ca.pem", &own.certificate());
    keep(folder.path(), "other.pem", &issue("another", None).certificate());
    let reached = |host: &str, more: &str| {
        Producer::start(&through(&server, "encrypted", host, more), folder.path(), &broker, true).end()
    };
    for more in ["", "ca_file = \"other.pem\""] {
        let failure = reached("localhost", more).unwrap_err();
        assert_eq!(failure.exit_code(), ExitCode::Config, "{failure}");
        assert!(failure.to_string().contains("correct postgres.tls and postgres.ca_file"), "{failure}");
    }
    // It vouches for itself, and only by the names that it has.
    let elsewhere = reached("127.0.0.1", "ca_file = \"ca.pem\"").unwrap_err();
    assert!(elsewhere.to_string().contains("correct postgres.tls and postgres.ca_file"), "{elsewhere}");
    assert_eq!(reached("localhost", "ca_file = \"ca.pem\"").unwrap().published, 1);
}

/// A server that lets in who shows a certificate of its authority for the role's own name: with a password besides, or without one.
fn demanding(authority: &Issued) -> Server {
    let server = encrypted("demanding", authority);
    server.install("clients.crt", &authority.certificate());
    let rules = "local all all trust\n\
                 hostssl demanding demanding all scram-sha-256 clientcert=verify-full\n\
                 hostssl postgres demanding all cert\n";
    server.install("pg_hba.conf", rules.as_bytes());
    server.start(&["-cssl=on", "-cssl_ca_file=clients.crt"]);
    server
}

#[test]
fn a_server_that_wants_a_certificate_gets_the_right_one_and_the_rest_is_named() {
    let (broker, folder, authority) = (Broker::new(), tempfile::tempdir().unwrap(), issue("localhost", None));
    let server = demanding(&authority);
    let keep = |name: &str, content: &[u8]| keep(folder.path(), name, content);
    keep("ca.pem", &authority.certificate());
    let stranger = issue("strangers", None);
    for (file, issued) in [
        ("good", issue("demanding", Some(&authority))),
        ("somebody", issue("somebody", Some(&authority))),
        ("stranger", issue("demanding", Some(&stranger))),
    ] {
        keep(&format!("{file}.pem"), &issued.certificate());
        keep(&format!("{file}.key"), &issued.key());
        let locked =
            issued.key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_128_cbc(), b"secret").unwrap();
        keep(&format!("{file}.locked"), &locked);
    }
    keep("open.key", &fs::read(folder.path().join("good.key")).unwrap());
    fs::set_permissions(folder.path().join("open.key"), Permissions::from_mode(0o644)).unwrap();
    let reached = |certificate: &str, key: &str| -> Result<Summary, Failure> {
        let more =
            format!("ca_file = \"ca.pem\"\ncertificate_file = \"{certificate}\"\nkey_file = \"{key}\"");
        Producer::start(&through(&server, "demanding", "localhost", &more), folder.path(), &broker, true)
            .end()
    };
    for (certificate, key, message) in [
        ("somebody.pem", "somebody.key", "its password or postgres.certificate_file"),
        ("stranger.pem", "stranger.key", "the server does not take this producer's certificate"),
        ("good.pem", "somebody.key", "somebody.key: is not the key of postgres.certificate_file"),
        ("good.pem", "good.locked", "good.locked: holds no private key in PEM without a passphrase"),
        ("good.pem", "good.pem", "good.pem: holds no private key in PEM"),
        ("good.pem", "open.key", "open.key: is open to others (mode 0644): chmod 600 it"),
        ("good.pem", "none.key", "none.key: cannot be used (No such file"),
        ("good.key", "good.key", "postgres.certificate_file"),
    ] {
        let failure = reached(certificate, key).unwrap_err();
        assert!(failure.to_string().contains(message), "{failure}\nshould be\n{message}");
        assert_eq!(failure.exit_code(), ExitCode::Config, "{failure}");
    }
    let bare = through(&server, "demanding", "localhost", "ca_file = \"ca.pem\"");
    let failure = Producer::start(&bare, folder.path(), &broker, true).end().unwrap_err();
    assert_eq!(failure.exit_code(), ExitCode::Config, "{failure}");
    assert!(
        failure.to_string().contains("correct postgres.user, its password or postgres.certificate_file"),
        "{failure}"
    );
    assert_eq!(reached("good.pem", "good.key").unwrap().published, 1);
}

#[test]
fn a_certificate_may_stand_for_the_password() {
    let (broker, folder, authority) = (Broker::new(), tempfile::tempdir().unwrap(), issue("localhost", None));
    let server = demanding(&authority);
    let own = issue("demanding", Some(&authority));
    keep(folder.path(), "ca.pem", &authority.certificate());
    keep(folder.path(), "own.pem", &own.certificate());
    keep(folder.path(), "own.key", &own.key());
    let mut owner = server.owner("postgres");
    owner.batch_execute(TABLE).unwrap();
    insert(&mut owner, 7..=7);
    owner.batch_execute("grant select on fir to demanding").unwrap();
    let files = "ca_file = \"ca.pem\"\ncertificate_file = \"own.pem\"\nkey_file = \"own.key\"\ndatabase = \"postgres\"";
    let text = through(&server, "demanding", "localhost", files).replace("password = \"of demanding\"\n", "");
    assert!(!text.contains("password"), "{text}");
    assert_eq!(Producer::start(&text, folder.path(), &broker, true).end().unwrap().published, 1);
}

fn command(path: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sanchar-producer")).arg("-c").arg(path).args(args).output().unwrap()
}

#[test]
fn check_config_and_doctor_name_the_file_before_the_daemon_is_started() {
    let (folder, own) = (tempfile::tempdir().unwrap(), issue("reader", None));
    // Nobody is asked: the files are looked at first. Port 1 is never served on loopback.
    let text = r#"
[state]
code = "IN-RJ"
[kafka]
bootstrap = "127.0.0.1:1"
[registry]
url = "http://127.0.0.1:1"
timeout_ms = 100
[postgres]
host = "127.0.0.1"
port = 1
user = "reader"
tls = "verify"
certificate_file = "reader.pem"
key_file = "reader.key"
[postgres.outbox]
table = "fir_outbox"
[mapping]
kind = { constant = "FIR" }
[mapping.record]
revision = "id"
[mapping.police_station]
name = "station"
[mapping.fir]
number = "fir_no"
year = "fir_year"
"#;
    let path = folder.path().join("rajasthan.toml");
    fs::write(&path, text).unwrap();
    keep(folder.path(), "reader.pem", &own.certificate());
    keep(folder.path(), "reader.key", &own.key());
    let checked = command(&path, &["check-config"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));

    fs::set_permissions(folder.path().join("reader.key"), Permissions::from_mode(0o604)).unwrap();
    let checked = command(&path, &["check-config"]);
    let said = String::from_utf8(checked.stderr).unwrap();
    assert_eq!(checked.status.code(), Some(78), "{said}");
    assert!(said.contains("postgres.key_file ") && said.contains("is open to others (mode 0604)"), "{said}");

    let found = command(&path, &["doctor", "--json"]);
    let found: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    let mut findings = found["findings"].as_array().unwrap().iter();
    let source = findings.find(|finding| finding["check"] == "source").unwrap();
    assert_eq!(source["status"], "failed", "{source}");
    assert!(source.to_string().contains("is open to others (mode 0604)"), "{source}");
}

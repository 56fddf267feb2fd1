//! A server that is reached through TLS: its certificate has to be good for its name, and somebody has to vouch for it.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Name};
use sanchar_runtime::lifecycle::ExitCode;

use super::producer::{Broker, Producer};
use super::server::Server;
use super::{insert, settings, table};

/// A certificate of `localhost` that vouches for itself, and its key (PEM).
fn certificate() -> (Vec<u8>, Vec<u8>) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", "localhost").unwrap();
    let name = name.build();
    let mut made = X509::builder().unwrap();
    made.set_version(2).unwrap();
    made.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
    made.set_subject_name(&name).unwrap();
    made.set_issuer_name(&name).unwrap();
    made.set_pubkey(&key).unwrap();
    made.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    made.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    made.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    let names =
        SubjectAlternativeName::new().dns("localhost").build(&made.x509v3_context(None, None)).unwrap();
    made.append_extension(names).unwrap();
    made.sign(&key, MessageDigest::sha256()).unwrap();
    (made.build().to_pem().unwrap(), key.private_key_to_pem_pkcs8().unwrap())
}

#[test]
fn a_connection_is_encrypted_and_its_certificate_verified() {
    let (server, broker, folder) = (Server::new(), Broker::new(), tempfile::tempdir().unwrap());
    let mut owner = table(&server, "encrypted");
    insert(&mut owner, 1..=1);
    drop(owner);
    server.stop();
    let (certificate, key) = certificate();
    server.install("server.crt", &certificate);
    server.install("server.key", &key);
    server.start(&["-cssl=on"]);
    std::fs::write(folder.path().join("ca.pem"), &certificate).unwrap();

    let text = settings(&server, "encrypted");
    let reached = |host: &str, more: &str| {
        let host = format!("host = \"{host}\"\ntls = \"verify\"\n{more}");
        let text = text.replace("host = \"127.0.0.1\"", &host);
        Producer::start(&text, folder.path(), &broker, true).end()
    };
    for (host, more) in [("localhost", ""), ("127.0.0.1", "ca_file = \"ca.pem\"")] {
        let failure = reached(host, more).unwrap_err();
        assert_eq!(failure.exit_code(), ExitCode::Config, "{failure}");
        assert!(failure.to_string().contains("correct postgres.tls and postgres.ca_file"), "{failure}");
    }
    assert_eq!(reached("localhost", "ca_file = \"ca.pem\"").unwrap().published, 1);
}

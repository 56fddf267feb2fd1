//! HTTPS with certificates that are made here: a sender is known by its own, or by a token.

use std::path::Path;

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509NameBuilder};
use reqwest::{Certificate, Client, Identity};
use sanchar_producer::push::TlsConfig;

use crate::rig::{JSON, Rig, Running, TOKEN, answer, item, start};

struct Issued {
    certificate: X509,
    key: PKey<Private>,
}

/// A certificate by `issuer`, or by itself.
fn issue(name: &str, issuer: Option<&Issued>) -> Issued {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let mut serial = BigNum::new().unwrap();
    serial.rand(64, openssl::bn::MsbOption::MAYBE_ZERO, false).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(issuer.map_or(&subject, |issuer| issuer.certificate.subject_name())).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    if issuer.is_none() {
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    }
    let context = builder.x509v3_context(issuer.map(|issuer| &*issuer.certificate), None);
    let address = SubjectAlternativeName::new().ip("127.0.0.1").build(&context).unwrap();
    builder.append_extension(address).unwrap();
    builder.sign(issuer.map_or(&key, |issuer| &issuer.key), MessageDigest::sha256()).unwrap();
    Issued { certificate: builder.build(), key }
}

fn client(authority: &Issued, own: Option<&Issued>) -> Client {
    let root = Certificate::from_pem(&authority.certificate.to_pem().unwrap()).unwrap();
    let mut builder = Client::builder().no_proxy().tls_certs_only([root]);
    if let Some(Issued { certificate, key }) = own {
        let key = key.private_key_to_pem_pkcs8().unwrap();
        builder = builder.identity(Identity::from_pkcs8_pem(&certificate.to_pem().unwrap(), &key).unwrap());
    }
    builder.build().unwrap()
}

fn write(folder: &Path, name: &str, issued: &Issued) {
    std::fs::write(folder.join(format!("{name}.pem")), issued.certificate.to_pem().unwrap()).unwrap();
    std::fs::write(folder.join(format!("{name}.key")), issued.key.private_key_to_pem_pkcs8().unwrap())
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_by_a_known_authority_or_a_token_opens_the_door() {
    let rig = Rig::new();
    let (servers, clients, strangers) =
        (issue("servers", None), issue("clients", None), issue("strangers", None));
    write(rig.folder.path(), "server", &issue("server", Some(&servers)));
    write(rig.folder.path(), "clients", &clients);
    let mut config = rig.config();
    let tls = TlsConfig {
        certificate: "server.pem".into(),
        key: "server.key".into(),
        client_ca: Some("clients.pem".into()),
    };
    config.push.as_mut().unwrap().tls = Some(tls);
    let producer = start(config.clone()).await;
    let post = |producer: &Running, client: &Client, number: usize| {
        client.post(format!("{}/v1/events", producer.base)).header("content-type", JSON).body(item(number))
    };
    let known = client(&servers, Some(&issue("station", Some(&clients))));
    assert_eq!(answer(post(&producer, &known, 1)).await.0, 202);
    let nobody = client(&servers, None);
    assert_eq!(answer(post(&producer, &nobody, 2)).await.0, 401);
    assert_eq!(answer(post(&producer, &nobody, 2).bearer_auth(TOKEN)).await.0, 202);
    let stranger = client(&servers, Some(&issue("station", Some(&strangers))));
    assert!(
        post(&producer, &stranger, 3).bearer_auth(TOKEN).send().await.is_err(),
        "a bad certificate is none"
    );
    // One that does not speak TLS holds up nobody.
    let silent = std::net::TcpStream::connect(producer.address).unwrap();
    assert_eq!(answer(post(&producer, &known, 4)).await.0, 202);
    drop(silent);
    producer.await_metric("sanchar_rows_published_total{state=\"IN-CH\"} 3").await;
    producer.stop().await;

    config.push.as_mut().unwrap().tls.as_mut().unwrap().key = "clients.key".into();
    let context = sanchar_runtime::lifecycle::Context::new(
        "sanchar-producer",
        std::sync::Arc::new(sanchar_runtime::clock::SystemClock),
    )
    .unwrap();
    let failure =
        sanchar_producer::run(config, sanchar_producer::Options::default(), context).await.unwrap_err();
    assert_eq!(failure.exit_code(), sanchar_runtime::lifecycle::ExitCode::Config);
    assert!(failure.to_string().starts_with("push.tls.key "), "{failure}");
}

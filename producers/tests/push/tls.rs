//! HTTPS with certificates that are made here: a sender is known by its own, or by a token.

use std::path::Path;

use reqwest::{Certificate, Client, Identity};
use sanchar_producer::push::TlsConfig;

use crate::certificates::{Issued, issue};
use crate::rig::{JSON, Rig, Running, TOKEN, answer, item, start};

fn client(authority: &Issued, own: Option<&Issued>) -> Client {
    let root = Certificate::from_pem(&authority.certificate()).unwrap();
    let mut builder = Client::builder().no_proxy().tls_certs_only([root]);
    if let Some(own) = own {
        builder = builder.identity(Identity::from_pkcs8_pem(&own.certificate(), &own.key()).unwrap());
    }
    builder.build().unwrap()
}

fn write(folder: &Path, name: &str, issued: &Issued) {
    std::fs::write(folder.join(format!("{name}.pem")), issued.certificate()).unwrap();
    std::fs::write(folder.join(format!("{name}.key")), issued.key()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_by_a_known_authority_or_a_token_opens_the_door() {
    let rig = Rig::new();
    let (servers, clients, strangers) =
        (issue("servers", None), issue("clients", None), issue("strangers", None));
    write(rig.folder.path(), "server", &issue("127.0.0.1", Some(&servers)));
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

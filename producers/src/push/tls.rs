//! TLS for the listener: the server's certificate, and those by which senders are known.

use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslAcceptor, SslFiletype, SslMethod, SslVerifyMode};
use openssl::x509::{X509Name, X509VerifyResult};
use sanchar_runtime::lifecycle::Failure;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

use super::caller::Peer;
use super::config::TlsConfig;

/// Reads certificates and key, relative to `base`.
///
/// # Errors
/// [`Failure`] with exit code 78, naming the file that cannot be used.
pub(super) fn acceptor(config: &TlsConfig, base: &Path) -> Result<SslAcceptor, Failure> {
    let cannot = |field: &str, path: &Path| {
        let what = format!("push.tls.{field} {}: cannot be used", path.display());
        move |error: ErrorStack| Failure::config(format!("{what} ({error}): name a readable PEM file"))
    };
    let made = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server());
    let mut builder = made.map_err(|error| Failure::internal(format!("cannot set up TLS ({error})")))?;
    let certificate = base.join(&config.certificate);
    builder.set_certificate_chain_file(&certificate).map_err(cannot("certificate", &certificate))?;
    let key = base.join(&config.key);
    builder.set_private_key_file(&key, SslFiletype::PEM).map_err(cannot("key", &key))?;
    builder.check_private_key().map_err(cannot("key", &key))?;
    if let Some(path) = &config.client_ca {
        let path = base.join(path);
        builder.set_ca_file(&path).map_err(cannot("client_ca", &path))?;
        let names = X509Name::load_client_ca_file(&path).map_err(cannot("client_ca", &path))?;
        builder.set_client_ca_list(names);
        // Whoever shows no certificate may still have a token.
        builder.set_verify(SslVerifyMode::PEER);
        // A resumed session stands for the certificate that it began with: it must be of this server.
        builder.set_session_id_context(b"sanchar-push").map_err(cannot("client_ca", &path))?;
    }
    Ok(builder.build())
}

/// Shakes hands within `patience`. `None` where the other side did not.
pub(super) async fn shake_hands(
    acceptor: &SslAcceptor,
    stream: TcpStream,
    patience: Duration,
) -> Option<(SslStream<TcpStream>, Peer)> {
    let mut stream = SslStream::new(Ssl::new(acceptor.context()).ok()?, stream).ok()?;
    match tokio::time::timeout(patience, Pin::new(&mut stream).accept()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::debug!(%error, "a sender did not complete the TLS handshake");
            return None;
        }
        Err(_) => return None,
    }
    let ssl = stream.ssl();
    let is_certified = ssl.peer_certificate().is_some() && ssl.verify_result() == X509VerifyResult::OK;
    Some((stream, if is_certified { Peer::Certified } else { Peer::Unknown }))
}

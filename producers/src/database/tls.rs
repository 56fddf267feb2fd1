//! TLS to PostgreSQL: who vouches for the server, and the certificate by which the server knows this producer. Files are read anew for
//! every connection, so that a renewed one needs no restart. It opens no connection.

use std::fmt::Display;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslConnector, SslMethod};
use postgres_openssl::MakeTlsConnector;
use sanchar_runtime::config::ConfigError;

use super::PostgresConfig;

/// What a connection needs to be encrypted. Files are relative to `base`.
///
/// # Errors
/// [`ConfigError`] naming the field, the file and the remedy.
pub(super) fn connector(config: &PostgresConfig, base: &Path) -> Result<MakeTlsConnector, ConfigError> {
    let made = SslConnector::builder(SslMethod::tls_client());
    let mut builder = made.map_err(|error| {
        ConfigError::field(
            "postgres.tls",
            format!("cannot be had from the system's openssl ({error}): repair that"),
        )
    })?;
    if let Some(file) = &config.ca_file {
        let path = base.join(file);
        builder.set_ca_file(&path).map_err(|error| not_usable("ca_file", &path, &error))?;
    }
    if let (Some(certificate), Some(key)) = (&config.certificate_file, &config.key_file) {
        let path = base.join(certificate);
        builder
            .set_certificate_chain_file(&path)
            .map_err(|error| not_usable("certificate_file", &path, &error))?;
        let path = base.join(key);
        builder.set_private_key(&*private_key(&path)?).map_err(|_| {
            refused(
                "key_file",
                &path,
                "is not the key of postgres.certificate_file: name the two that were made together",
            )
        })?;
    }
    Ok(MakeTlsConnector::new(builder.build()))
}

/// A key that others may read is no proof of anything. Let through is what PostgreSQL's own clients let through: a file of this user
/// alone, or one of root that a group may read, as systemd and Kubernetes hand secrets out.
fn private_key(path: &Path) -> Result<PKey<Private>, ConfigError> {
    let unreadable = |error| not_usable("key_file", path, &error);
    let data = std::fs::metadata(path).map_err(unreadable)?;
    let allowed = if data.uid() == 0 { 0o740 } else { 0o700 };
    let mode = data.mode() & 0o777;
    if mode & !allowed != 0 {
        let problem =
            format!("is open to others (mode {mode:04o}): chmod 600 it, and make a new key if it was seen");
        return Err(refused("key_file", path, &problem));
    }
    let pem = std::fs::read(path).map_err(unreadable)?;
    // With a passphrase given, though an empty one, nobody is asked for one.
    PKey::private_key_from_pem_passphrase(&pem, b"").map_err(|_| {
        refused(
            "key_file",
            path,
            "holds no private key in PEM without a passphrase: take that off with `openssl pkey`",
        )
    })
}

fn not_usable(field: &str, path: &Path, error: &dyn Display) -> ConfigError {
    let problem = format!("cannot be used ({error}): name a PEM file that this user may read");
    refused(field, path, &problem)
}

fn refused(field: &str, path: &Path, problem: &str) -> ConfigError {
    ConfigError::field(format!("postgres.{field}"), format!("{}: {problem}", path.display()))
}

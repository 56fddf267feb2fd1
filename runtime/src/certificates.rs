//! When the certificates that this configuration names expire, for an alert in time.
//!
//! It reads dates alone. Whether a certificate is trusted, and by whom, is for the TLS library; what cannot be read here is
//! left out, since the client refuses it with a reason of its own.

use std::path::{Path, PathBuf};

use openssl::asn1::Asn1Time;
use openssl::x509::X509;
use prometheus::GaugeVec;

use crate::lifecycle::Failure;
use crate::metrics::Metrics;

/// What a daemon was given certificates for. The symbols are the keys of its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateFile {
    /// Authorities of the brokers.
    KafkaCa,
    /// Shown to the brokers.
    KafkaCertificate,
    /// Authorities of the schema registry.
    RegistryCa,
    /// Authorities of a producer's database.
    PostgresCa,
    /// Shown to whoever sends items to a producer.
    PushCertificate,
    /// Authorities of those who send items.
    PushClientCa,
}

impl CertificateFile {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::KafkaCa,
        Self::KafkaCertificate,
        Self::RegistryCa,
        Self::PostgresCa,
        Self::PushCertificate,
        Self::PushClientCa,
    ];

    /// The value of the label `file`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KafkaCa => "kafka.ca_file",
            Self::KafkaCertificate => "kafka.certificate_file",
            Self::RegistryCa => "registry.ca_file",
            Self::PostgresCa => "postgres.ca_file",
            Self::PushCertificate => "push.tls.certificate",
            Self::PushClientCa => "push.tls.client_ca",
        }
    }
}

/// Registers what is shown of certificates: what the catalogue of metrics is made from.
///
/// # Errors
/// When the name is taken: a mistake in the program.
pub fn register_all(metrics: &Metrics) -> Result<GaugeVec, Failure> {
    metrics.gauge_vec(
        "sanchar_certificate_expiry_timestamp_seconds",
        "When the first certificate of a file that the configuration names expires, in seconds since 1970, as the file was at the start.",
        &["file"],
    )
}

/// Shows when the certificates expire that are in these files now, each with what it is for.
///
/// # Errors
/// As [`register_all`].
pub fn show(
    metrics: &Metrics,
    files: impl IntoIterator<Item = (CertificateFile, Option<PathBuf>)>,
) -> Result<(), Failure> {
    let expiry = register_all(metrics)?;
    for (which, file) in files {
        if let Some(seconds) = file.as_deref().and_then(first_expiry) {
            expiry.with_label_values(&[which.as_str()]).set(seconds);
        }
    }
    Ok(())
}

/// When the first of the certificates in a PEM file expires, in seconds since 1970.
fn first_expiry(file: &Path) -> Option<f64> {
    let certificates = X509::stack_from_pem(&std::fs::read(file).ok()?).ok()?;
    let epoch = Asn1Time::from_unix(0).ok()?;
    let expiry = |certificate: &X509| {
        let since = epoch.diff(certificate.not_after()).ok()?;
        Some(f64::from(since.days) * 86_400.0 + f64::from(since.secs))
    };
    certificates.iter().filter_map(expiry).min_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use openssl::hash::MessageDigest;
    use openssl::pkey::PKey;
    use openssl::rsa::Rsa;

    use super::*;
    use crate::kafka::KafkaConfig;
    use crate::registry::RegistryConfig;

    /// A certificate without a name that is good until so many seconds since 1970.
    fn certificate(until: i64) -> String {
        let key = PKey::from_rsa(Rsa::generate(2_048).unwrap()).unwrap();
        let mut builder = X509::builder().unwrap();
        builder.set_not_before(&Asn1Time::from_unix(0).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(until).unwrap()).unwrap();
        builder.set_pubkey(&key).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        String::from_utf8(builder.build().to_pem().unwrap()).unwrap()
    }

    #[test]
    fn of_several_certificates_the_one_that_expires_first_counts() {
        let folder = tempfile::tempdir().unwrap();
        let chain = folder.path().join("chain.pem");
        std::fs::write(&chain, certificate(1_900_000_000) + &certificate(1_800_000_001)).unwrap();
        let metrics = Metrics::new("sanchar-test").unwrap();
        let authority = folder.path().join("ca.pem");
        std::fs::write(&authority, certificate(1_850_000_000)).unwrap();
        let kafka = KafkaConfig { certificate_file: Some(chain), ..KafkaConfig::plaintext("localhost:9092") };
        let registry = RegistryConfig { ca_file: Some(authority), ..RegistryConfig::default() };
        let files = kafka.certificate_files().into_iter().chain(registry.certificate_files());
        show(&metrics, files).unwrap();
        let text = metrics.render();
        let line =
            |file, at| format!("sanchar_certificate_expiry_timestamp_seconds{{file=\"{file}\"}} {at}\n");
        assert!(text.contains(&line("kafka.certificate_file", 1_800_000_001)), "{text}");
        assert!(text.contains(&line("registry.ca_file", 1_850_000_000)), "{text}");
        assert!(!text.contains("kafka.ca_file"), "{text}");
    }

    #[test]
    fn what_is_no_certificate_is_left_to_the_client() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        assert_eq!(first_expiry(&file), None);
        std::fs::write(&file, "no certificate").unwrap();
        assert_eq!(first_expiry(&file), None);
    }
}

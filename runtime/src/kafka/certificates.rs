//! When the certificates that this configuration names expire, for an alert in time.
//!
//! It reads dates alone. Whether a certificate is trusted, and by whom, is for the TLS library; what cannot be read here is
//! left out, since the client refuses it with a reason of its own.

use std::path::Path;

use openssl::asn1::Asn1Time;
use openssl::x509::X509;
use prometheus::GaugeVec;

use super::KafkaConfig;
use crate::lifecycle::Failure;
use crate::metrics::Metrics;

/// Values of the label `file`: the keys of the `[kafka]` table that name certificates.
pub const CERTIFICATE_FILES: [&str; 2] = ["ca_file", "certificate_file"];

/// Registers what is shown of certificates: what the catalogue of metrics is made from.
///
/// # Errors
/// When the name is taken: a mistake in the program.
pub fn register_all(metrics: &Metrics) -> Result<GaugeVec, Failure> {
    metrics.gauge_vec(
        "sanchar_certificate_expiry_timestamp_seconds",
        "When the first certificate of a file of the [kafka] table expires, in seconds since 1970, as the file was at the start.",
        &["file"],
    )
}

impl KafkaConfig {
    /// Shows when the certificates expire that were there at the start.
    ///
    /// # Errors
    /// As [`register_all`].
    pub fn show_certificates(&self, metrics: &Metrics) -> Result<(), Failure> {
        let expiry = register_all(metrics)?;
        for (label, file) in CERTIFICATE_FILES.into_iter().zip([&self.ca_file, &self.certificate_file]) {
            if let Some(seconds) = file.as_deref().and_then(first_expiry) {
                expiry.with_label_values(&[label]).set(seconds);
            }
        }
        Ok(())
    }
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
        let config =
            KafkaConfig { certificate_file: Some(chain), ..KafkaConfig::plaintext("localhost:9092") };
        config.show_certificates(&metrics).unwrap();
        let text = metrics.render();
        let line = "sanchar_certificate_expiry_timestamp_seconds{file=\"certificate_file\"} 1800000001\n";
        assert!(text.contains(line), "{text}");
        assert!(!text.contains("ca_file"), "{text}");
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

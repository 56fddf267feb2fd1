//! How every Kafka client of Sanchar connects: brokers, TLS, SASL, and the few settings an operator may tune.
//!
//! It gives a [`rdkafka::ClientConfig`] with what all clients have in common. What makes a producer transactional or a
//! consumer part of a group is set by the crate that owns that guarantee, and an operator cannot override it.

mod brokers;
mod log;
mod options;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use serde::{Deserialize, Serialize};

pub use brokers::{Brokers, BrokersForgotten};
pub use log::LogContext;

use crate::certificates::CertificateFile;
use crate::config::ConfigError;
use crate::secret::{self, Secret};

/// The `[kafka]` table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaConfig {
    /// Brokers to begin with, as `host:port`, comma-separated. Name at least two of a cluster.
    pub bootstrap: String,
    /// How to talk to them. Default `plaintext`.
    pub security_protocol: SecurityProtocol,
    /// Certificates of the authorities that sign the brokers' (PEM). Default: the system's.
    pub ca_file: Option<PathBuf>,
    /// This client's certificate (PEM), where the brokers ask for one.
    pub certificate_file: Option<PathBuf>,
    /// The private key of `certificate_file` (PEM).
    pub key_file: Option<PathBuf>,
    /// Pass phrase of `key_file`, if it has one.
    pub key_password: Option<Secret>,
    /// A file that holds `key_password`.
    pub key_password_file: Option<PathBuf>,
    /// How to log in with `sasl_plaintext` and `sasl_ssl`. Default `SCRAM-SHA-512`.
    pub sasl_mechanism: SaslMechanism,
    /// Who logs in.
    pub sasl_username: Option<String>,
    /// The password of `sasl_username`.
    pub sasl_password: Option<Secret>,
    /// A file that holds `sasl_password`.
    pub sasl_password_file: Option<PathBuf>,
    /// Put in front of every topic name, where several installations share a cluster.
    pub topic_prefix: Option<String>,
    /// Tuning that is handed to librdkafka as it is, from a list of settings that cannot break a guarantee.
    #[serde(deserialize_with = "options::deserialize")]
    pub options: BTreeMap<String, String>,
}

/// Encryption and log-in of a connection, by Kafka's own names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecurityProtocol {
    /// Neither. For one machine and for tests.
    #[default]
    Plaintext,
    /// TLS; the client may show a certificate.
    Ssl,
    /// SASL without encryption.
    SaslPlaintext,
    /// SASL within TLS.
    SaslSsl,
}

impl SecurityProtocol {
    fn has_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    fn has_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

impl fmt::Display for SecurityProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        })
    }
}

/// SASL mechanism, by its IANA name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SaslMechanism {
    /// RFC 7677's scheme with SHA-512.
    #[default]
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
    /// RFC 7677.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// RFC 4616: the password itself is sent, so only within TLS.
    #[serde(rename = "PLAIN")]
    Plain,
}

impl fmt::Display for SaslMechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::Plain => "PLAIN",
        })
    }
}

impl KafkaConfig {
    /// Settings for the brokers at `bootstrap` and nothing else.
    pub fn plaintext(bootstrap: impl Into<String>) -> Self {
        Self { bootstrap: bootstrap.into(), ..Self::default() }
    }

    /// Whether these settings fit together and the files they name are there. Does not connect.
    ///
    /// # Errors
    /// [`ConfigError`] naming the field and the remedy.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.client_config("check").map(drop)
    }

    /// The files of certificates that it names, with what each is for.
    #[must_use]
    pub fn certificate_files(&self) -> [(CertificateFile, Option<PathBuf>); 2] {
        [
            (CertificateFile::KafkaCa, self.ca_file.clone()),
            (CertificateFile::KafkaCertificate, self.certificate_file.clone()),
        ]
    }

    /// librdkafka settings for a client that the brokers' logs and quotas will know as `client_id`.
    ///
    /// # Errors
    /// As [`KafkaConfig::check`].
    pub fn client_config(&self, client_id: &str) -> Result<ClientConfig, ConfigError> {
        self.client_config_with(client_id, &[])
    }

    /// As [`KafkaConfig::client_config`], with `defaults` of the caller that the operator's `options` override. What
    /// must not be overridden is set on the result.
    ///
    /// # Errors
    /// As [`KafkaConfig::check`].
    pub fn client_config_with(
        &self,
        client_id: &str,
        defaults: &[(&str, &str)],
    ) -> Result<ClientConfig, ConfigError> {
        self.check_names()?;
        options::check(&self.options)?;
        let mut config = ClientConfig::new();
        // rdkafka would derive its level from the `log` crate, which is silent here; `tracing` filters instead.
        let debugging = self.options.contains_key("debug");
        config.set_log_level(if debugging { RDKafkaLogLevel::Debug } else { RDKafkaLogLevel::Info });
        config.set("bootstrap.servers", &self.bootstrap).set("client.id", client_id);
        for (key, value) in OURS {
            config.set(*key, *value);
        }
        config.set("security.protocol", self.security_protocol.to_string());
        self.set_tls(&mut config)?;
        self.set_sasl(&mut config)?;
        for (key, value) in defaults {
            config.set(*key, *value);
        }
        for (key, value) in &self.options {
            config.set(key, value);
        }
        config.create_native_config().map_err(|error| self.refused(&error))?;
        Ok(config)
    }

    fn check_names(&self) -> Result<(), ConfigError> {
        let brokers = self.bootstrap.split(',').map(str::trim);
        if let Some(broker) = brokers.into_iter().find(|broker| !is_host_and_port(broker)) {
            let problem =
                format!("has `{broker}` where it needs host:port: name at least one broker like that");
            return Err(ConfigError::field("kafka.bootstrap", problem));
        }
        let prefix = self.topic_prefix.as_deref().unwrap_or_default();
        if prefix.chars().any(|c| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '_')) {
            let problem = format!("is `{prefix}`: topic names take only letters, digits, `.`, `-` and `_`");
            return Err(ConfigError::field("kafka.topic_prefix", problem));
        }
        Ok(())
    }

    fn set_tls(&self, config: &mut ClientConfig) -> Result<(), ConfigError> {
        let password = (self.key_password.is_some(), self.key_password_file.is_some());
        if !self.security_protocol.has_tls() {
            return self.unused(
                &[
                    ("ca_file", self.ca_file.is_some()),
                    ("certificate_file", self.certificate_file.is_some()),
                    ("key_file", self.key_file.is_some()),
                    ("key_password", password.0),
                    ("key_password_file", password.1),
                ],
                "ssl or sasl_ssl",
            );
        }
        match (&self.certificate_file, &self.key_file) {
            (Some(_), None) => return Err(needs("certificate_file", "key_file")),
            (None, Some(_)) => return Err(needs("key_file", "certificate_file")),
            (None, None) if password.0 => return Err(needs("key_password", "key_file")),
            (None, None) if password.1 => return Err(needs("key_password_file", "key_file")),
            _ => {}
        }
        // Explicit, because a client that does not check whom it talks to would be worth nothing.
        config.set("enable.ssl.certificate.verification", "true");
        config.set("ssl.endpoint.identification.algorithm", "https");
        let files = [
            ("ssl.ca.location", "kafka.ca_file", &self.ca_file),
            ("ssl.certificate.location", "kafka.certificate_file", &self.certificate_file),
            ("ssl.key.location", "kafka.key_file", &self.key_file),
        ];
        for (key, field, file) in files {
            if let Some(path) = file {
                config.set(key, readable(field, path)?);
            }
        }
        let file = self.key_password_file.as_deref();
        if let Some(password) = secret::resolve("kafka.key_password", self.key_password.as_ref(), file)? {
            config.set("ssl.key.password", password.expose());
        }
        Ok(())
    }

    fn set_sasl(&self, config: &mut ClientConfig) -> Result<(), ConfigError> {
        if !self.security_protocol.has_sasl() {
            return self.unused(
                &[
                    ("sasl_username", self.sasl_username.is_some()),
                    ("sasl_password", self.sasl_password.is_some()),
                    ("sasl_password_file", self.sasl_password_file.is_some()),
                ],
                "sasl_ssl",
            );
        }
        if self.sasl_mechanism == SaslMechanism::Plain && !self.security_protocol.has_tls() {
            let problem = "PLAIN would send the password unencrypted: use sasl_ssl, or a SCRAM mechanism";
            return Err(ConfigError::field("kafka.sasl_mechanism", problem));
        }
        let absent = |field: &str| {
            let problem = format!("is missing: kafka.security_protocol {} needs it", self.security_protocol);
            ConfigError::field(format!("kafka.{field}"), problem)
        };
        let username = self.sasl_username.as_deref().ok_or_else(|| absent("sasl_username"))?;
        let file = self.sasl_password_file.as_deref();
        let password = secret::resolve("kafka.sasl_password", self.sasl_password.as_ref(), file)?
            .ok_or_else(|| absent("sasl_password_file"))?;
        config.set("sasl.mechanisms", self.sasl_mechanism.to_string());
        config.set("sasl.username", username).set("sasl.password", password.expose());
        Ok(())
    }

    /// A setting that has no effect is a misunderstanding, and about security those are dear.
    fn unused(&self, settings: &[(&str, bool)], remedy: &str) -> Result<(), ConfigError> {
        let Some((field, _)) = settings.iter().find(|(_, is_set)| *is_set) else { return Ok(()) };
        let problem = format!(
            "has no effect with kafka.security_protocol {}: set that to {remedy}, or remove this",
            self.security_protocol
        );
        Err(ConfigError::field(format!("kafka.{field}"), problem))
    }

    /// librdkafka's own word on a setting; its text may quote a value, so it is shown for `options` alone.
    fn refused(&self, error: &KafkaError) -> ConfigError {
        match error {
            KafkaError::ClientConfig(_, reason, key, _) if self.options.contains_key(key) => {
                ConfigError::field(
                    format!("kafka.options.\"{key}\""),
                    format!("is refused by librdkafka: {reason}"),
                )
            }
            KafkaError::ClientConfig(_, _, key, _) => {
                ConfigError::field("kafka", format!("gives a value for {key} that librdkafka refuses"))
            }
            other => ConfigError::field("kafka", format!("is refused by librdkafka: {other}")),
        }
    }
}

/// What all our clients rely on, said aloud even where it is librdkafka's default today.
const OURS: &[(&str, &str)] = &[
    // A misspelt topic must fail, not appear.
    ("allow.auto.create.topics", "false"),
    // KIP-714 lets a broker collect client metrics; across forces nothing is collected that was not agreed.
    ("enable.metrics.push", "false"),
    ("socket.keepalive.enable", "true"),
    ("reconnect.backoff.ms", "100"),
    ("reconnect.backoff.max.ms", "5000"),
    // Idle connections are closed by brokers all day; that is no news.
    ("log.connection.close", "false"),
];

fn is_host_and_port(broker: &str) -> bool {
    broker.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

fn needs(field: &str, other: &str) -> ConfigError {
    ConfigError::field(
        format!("kafka.{field}"),
        format!("is set without kafka.{other}: set both, or neither"),
    )
}

fn readable(field: &str, path: &Path) -> Result<String, ConfigError> {
    let shown = path.display().to_string();
    match std::fs::File::open(path) {
        Ok(_) => Ok(shown),
        Err(error) => {
            let problem = format!("cannot read {shown} ({error}): name a PEM file that this user may read");
            Err(ConfigError::field(field, problem))
        }
    }
}

#[cfg(test)]
mod tests;

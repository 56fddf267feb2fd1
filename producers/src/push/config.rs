//! The `[push]` table: where items are taken, from whom, and how much at a time.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sanchar_runtime::config::ConfigError;
use sanchar_runtime::secret::Secret;
use serde::{Deserialize, Serialize};

/// The least length of a token, in bytes: below it, it can be guessed.
const TOKEN_BYTES_MIN: usize = 16;

/// Rows that are sent over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushConfig {
    /// Address and port of `POST /v1/events`; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Bearer tokens, any of which will do, so that one can be replaced without a gap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<Secret>,
    /// File with such tokens, one on each line, relative to the configuration file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_file: Option<PathBuf>,
    /// Certificates. Needed unless `listen` is a loopback address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsConfig>,
    /// The largest body, in bytes. Default 16777216.
    #[serde(default = "body_bytes")]
    pub max_body_bytes: usize,
    /// The most items of a body. Default 10000.
    #[serde(default = "items")]
    pub max_items: usize,
    /// Requests that are worked on at a time; more are answered with 429. Default 64.
    #[serde(default = "requests")]
    pub max_requests_in_flight: usize,
    /// Bytes of bodies that are held at a time; more are answered with 429. Default 33554432.
    #[serde(default = "held_bytes")]
    pub max_bytes_in_flight: usize,
    /// Connections at a time; more wait. Default 256.
    #[serde(default = "connections")]
    pub max_connections: usize,
    /// How long a body may take to arrive, in milliseconds. Default 30000.
    #[serde(default = "half_minute")]
    pub body_timeout_ms: u64,
    /// How long a TLS handshake or the headers of a request may take, and how long an idle connection is kept, in
    /// milliseconds. Default 30000.
    #[serde(default = "half_minute")]
    pub header_timeout_ms: u64,
}

/// The `[push.tls]` table. Paths are relative to the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The server's certificate and those between it and the root, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Whoever has a certificate by one of these needs no token, PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<PathBuf>,
}

impl PushConfig {
    /// Whether these settings fit together. Reads no file.
    ///
    /// # Errors
    /// [`ConfigError`] naming the field and the remedy.
    pub fn check(&self) -> Result<(), ConfigError> {
        let refuse = |field: &str, problem: &str| Err(ConfigError::field(format!("push.{field}"), problem));
        if self.tls.is_none() && !self.listen.ip().is_loopback() {
            return refuse(
                "tls",
                "is missing: name certificate and key, or listen on 127.0.0.1 behind a proxy that has them",
            );
        }
        let has_client_ca = self.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        if self.tokens.is_empty() && self.tokens_file.is_none() && !has_client_ca {
            return refuse(
                "tokens_file",
                "is missing, and so are tokens and tls.client_ca: say who may send items",
            );
        }
        if self.tokens.iter().any(|token| token.expose().len() < TOKEN_BYTES_MIN) {
            return refuse(
                "tokens",
                "holds one of less than 16 characters: make it with `openssl rand -hex 32`",
            );
        }
        if !(1024..=256 << 20).contains(&self.max_body_bytes) {
            return refuse("max_body_bytes", "has to lie between 1024 and 268435456");
        }
        if self.max_bytes_in_flight < self.max_body_bytes {
            return refuse("max_bytes_in_flight", "is less than push.max_body_bytes: one body has to fit");
        }
        for (field, value, most) in [
            ("max_items", self.max_items, 1_000_000),
            ("max_requests_in_flight", self.max_requests_in_flight, 10_000),
            ("max_connections", self.max_connections, 100_000),
        ] {
            if !(1..=most).contains(&value) {
                return refuse(field, &format!("has to lie between 1 and {most}"));
            }
        }
        for (field, value) in
            [("body_timeout_ms", self.body_timeout_ms), ("header_timeout_ms", self.header_timeout_ms)]
        {
            if !(10..=3_600_000).contains(&value) {
                return refuse(field, "has to lie between 10 and 3600000");
            }
        }
        Ok(())
    }

    /// [`PushConfig::max_body_bytes`] as bytes on disk.
    pub(crate) fn body_bytes_max(&self) -> u64 {
        u64::try_from(self.max_body_bytes).unwrap_or(u64::MAX)
    }

    pub(super) fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms)
    }

    pub(super) fn header_timeout(&self) -> Duration {
        Duration::from_millis(self.header_timeout_ms)
    }

    /// Every token that is in force, those of the file read now.
    ///
    /// # Errors
    /// When the file cannot be read, holds none, or one that can be guessed.
    pub(super) fn all_tokens(&self, base: &Path) -> Result<Vec<Secret>, ConfigError> {
        let mut tokens = self.tokens.clone();
        if let Some(path) = &self.tokens_file {
            let path = base.join(path);
            let refuse = |problem: &str| {
                ConfigError::field("push.tokens_file", format!("{}: {problem}", path.display()))
            };
            let text = std::fs::read_to_string(&path).map_err(|error| {
                refuse(&format!("cannot be read ({error}): make it, readable by this user alone, with `openssl rand -hex 32`"))
            })?;
            let before = tokens.len();
            tokens.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Secret::new));
            if tokens.len() == before {
                return Err(refuse("is empty: write a token into it, made with `openssl rand -hex 32`"));
            }
            if tokens.iter().any(|token| token.expose().len() < TOKEN_BYTES_MIN) {
                return Err(refuse(
                    "holds a token of less than 16 characters: make it with `openssl rand -hex 32`",
                ));
            }
        }
        Ok(tokens)
    }
}

fn body_bytes() -> usize {
    16 << 20
}

fn held_bytes() -> usize {
    32 << 20
}

fn items() -> usize {
    10_000
}

fn requests() -> usize {
    64
}

fn connections() -> usize {
    256
}

fn half_minute() -> u64 {
    30_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), String> {
        let config: PushConfig = toml::from_str(text).unwrap();
        config.check().map_err(|error| error.to_string())
    }

    #[test]
    fn whoever_listens_says_to_whom_and_not_in_the_clear() {
        let token = "0123456789abcdef";
        assert_eq!(check(&format!("listen = '127.0.0.1:8443'\ntokens = ['{token}']")), Ok(()));
        let tls = "tls = { certificate = 'a', key = 'b', client_ca = 'c' }";
        assert_eq!(check(&format!("listen = '0.0.0.0:8443'\n{tls}")), Ok(()));
        for (text, part) in [
            (
                format!("listen = '0.0.0.0:8443'\ntokens = ['{token}']"),
                "push.tls is missing: name certificate",
            ),
            ("listen = '127.0.0.1:8443'".to_owned(), "push.tokens_file is missing, and so are tokens"),
            ("listen = '127.0.0.1:8443'\ntokens = ['short']".to_owned(), "push.tokens holds one of less"),
            (
                format!("listen = '127.0.0.1:1'\ntokens = ['{token}']\nmax_body_bytes = 1"),
                "push.max_body_bytes",
            ),
            (
                format!("listen = '127.0.0.1:1'\ntokens = ['{token}']\nmax_items = 0"),
                "push.max_items has to lie",
            ),
            (
                format!("listen = '127.0.0.1:1'\ntokens = ['{token}']\nmax_bytes_in_flight = 2048"),
                "push.max_bytes_in_flight is less than",
            ),
            (
                format!("listen = '127.0.0.1:1'\ntokens = ['{token}']\nbody_timeout_ms = 0"),
                "push.body_timeout_ms",
            ),
        ] {
            let error = check(&text).unwrap_err();
            assert!(error.contains(part) && !error.contains(token), "{error}");
        }
    }

    #[test]
    fn tokens_come_from_the_table_and_from_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let text = "listen = '127.0.0.1:1'\ntokens = ['0123456789abcdef']\ntokens_file = 't'";
        let config: PushConfig = toml::from_str(text).unwrap();
        let all = |content: &str| {
            std::fs::write(folder.path().join("t"), content).unwrap();
            config.all_tokens(folder.path()).map(|tokens| tokens.len()).map_err(|error| error.to_string())
        };
        assert_eq!(all("fedcba9876543210\r\n\naaaabbbbccccdddd\n"), Ok(3));
        assert!(all("\n").unwrap_err().contains("is empty"));
        assert!(all("short\n").unwrap_err().contains("holds a token of less than 16 characters"));
        let gone = config.all_tokens(Path::new("/nonexistent")).unwrap_err().to_string();
        assert!(gone.starts_with("push.tokens_file /nonexistent/t: cannot be read"), "{gone}");
        assert!(!toml::to_string(&config).unwrap().contains("0123456789abcdef"));
    }
}

//! The `[postgres]` table.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use postgres::config::SslMode;
use sanchar_runtime::config::ConfigError;
use sanchar_runtime::secret::Secret;
use sanchar_schemas::digest::Sha256;
use serde::{Deserialize, Serialize};

use super::tls;

/// A PostgreSQL database and what is read from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PostgresConfig {
    /// The whole address as `postgresql://user@host:port/database`, instead of the next four. It may hold the password,
    /// so it is never shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<Secret>,
    /// A name, an address, or the folder of a unix socket. Default `localhost`.
    pub host: String,
    /// Default 5432.
    pub port: u16,
    /// The role that reads. Must be given.
    pub user: String,
    /// Default: the role's name, as everywhere in PostgreSQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The role's password, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// A file that holds `password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Whether the connection is encrypted. Default `verify`, but `off` for a unix socket and the loopback address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Certificates of the authorities that sign the server's (PEM). Default: the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// The certificate by which the server knows this producer, and those between it and the root (PEM).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_file: Option<PathBuf>,
    /// Its private key (PEM, without a passphrase), for this user alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// The longest time to connect, in milliseconds. Default 10000.
    pub connect_timeout_ms: u64,
    /// The longest time for one page, in milliseconds. Default 30000.
    pub statement_timeout_ms: u64,
    /// How often to look for rows, in milliseconds. Default 1000.
    pub poll_interval_ms: u64,
    /// How many rows are asked for at a time. Default 1000.
    pub page_rows: u32,
    /// The longest row, in bytes of JSON. Default 1048576.
    pub max_row_bytes: u32,
    /// Keys within JSON columns that the mapping uses, as `data.fir_no`; the columns themselves are known.
    pub columns: Vec<String>,
    /// Read what a query gives, by the time of modification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<QueryConfig>,
    /// Read a table of changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbox: Option<OutboxConfig>,
}

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// It is, and the server's certificate has to be good for its name.
    Verify,
    /// It is not.
    Off,
}

/// The `[postgres.query]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryConfig {
    /// One `select`, without an order of its own.
    pub sql: String,
    /// The column that says when a row was last modified: a `timestamp`, with time zone or without.
    pub modified: String,
    /// The columns that tell rows apart.
    pub id: Vec<String>,
    /// How long after its `modified` time a row may appear, because its transaction took so long, in milliseconds.
    /// Default 300000.
    #[serde(default = "five_minutes")]
    pub overlap_ms: u64,
}

/// The `[postgres.outbox]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboxConfig {
    /// The table's name, `schema.table` where that is needed.
    pub table: String,
    /// Its column that numbers changes. Default `id`.
    #[serde(default = "id")]
    pub id: String,
    /// Its column with the number of the writing transaction, filled by `pg_current_xact_id()`. Default `txid`.
    #[serde(default = "txid")]
    pub transaction: String,
    /// Whether rows are deleted once they are published. Default false.
    #[serde(default)]
    pub delete_published: bool,
}

impl Default for PostgresConfig {
    fn default() -> Self {
        Self {
            url: None,
            host: "localhost".to_owned(),
            port: 5432,
            user: String::new(),
            database: None,
            password: None,
            password_file: None,
            tls: None,
            ca_file: None,
            certificate_file: None,
            key_file: None,
            connect_timeout_ms: 10_000,
            statement_timeout_ms: 30_000,
            poll_interval_ms: 1_000,
            page_rows: 1_000,
            max_row_bytes: 1 << 20,
            columns: Vec::new(),
            query: None,
            outbox: None,
        }
    }
}

impl PostgresConfig {
    /// Whether these settings fit together. Does not connect.
    ///
    /// # Errors
    /// [`ConfigError`] naming the field and the remedy.
    pub fn check(&self) -> Result<(), ConfigError> {
        let refuse =
            |field: &str, problem: &str| Err(ConfigError::field(format!("postgres.{field}"), problem));
        match (&self.query, &self.outbox) {
            (None, None) => {
                return refuse(
                    "query",
                    "is missing: say what to read in [postgres.query] or [postgres.outbox]",
                );
            }
            (Some(_), Some(_)) => {
                return refuse("query", "is set together with postgres.outbox: keep one of the two");
            }
            (Some(query), None) => query.check()?,
            (None, Some(outbox)) => outbox.check()?,
        }
        if self.user.is_empty() && self.url.is_none() {
            return refuse("user", "is missing: name a role that may only read");
        }
        if self.password.is_some() && self.password_file.is_some() {
            return refuse("password", "is set together with postgres.password_file: keep one of the two");
        }
        for (field, value, most) in [
            ("connect_timeout_ms", self.connect_timeout_ms, 60_000),
            ("statement_timeout_ms", self.statement_timeout_ms, 600_000),
            ("poll_interval_ms", self.poll_interval_ms, u64::MAX),
            ("page_rows", self.page_rows.into(), 100_000),
        ] {
            if value == 0 {
                return refuse(field, "has to be at least 1");
            }
            if value > most {
                return refuse(field, &format!("has to be {most} at most"));
            }
        }
        if !(1024..=64 << 20).contains(&self.max_row_bytes) {
            return refuse("max_row_bytes", "has to lie between 1024 and 67108864");
        }
        let is_encrypted = self.target(Path::new(""))?.get_ssl_mode() != SslMode::Disable;
        match (&self.certificate_file, &self.key_file) {
            (Some(_), None) => {
                refuse("key_file", "is missing: postgres.certificate_file is nothing without its key")
            }
            (None, Some(_)) => {
                refuse("certificate_file", "is missing: postgres.key_file is nothing without it")
            }
            (Some(_), Some(_)) if !is_encrypted => refuse(
                "certificate_file",
                "is never shown on a connection in the clear: set postgres.tls = \"verify\"",
            ),
            _ => Ok(()),
        }
    }

    /// Whether the files that are named can be used. Does not connect.
    ///
    /// # Errors
    /// [`ConfigError`] naming the field, the file and the remedy.
    pub fn check_files(&self, base: &Path) -> Result<(), ConfigError> {
        // A path is needed for what is relative, also where the configuration lies in the current folder.
        let base = Path::new(".").join(base);
        match self.target(&base)?.get_ssl_mode() {
            SslMode::Disable => Ok(()),
            _ => tls::connector(self, &base).map(drop),
        }
    }

    /// The columns that tell rows apart.
    pub(crate) fn ids(&self) -> Vec<&str> {
        let ids = self.query.iter().flat_map(|query| &query.id);
        ids.chain(self.outbox.iter().map(|outbox| &outbox.id)).map(String::as_str).collect()
    }

    /// Where to connect and as whom, with the password. Files are relative to `base`.
    ///
    /// # Errors
    /// [`ConfigError`], where the address cannot be read.
    pub(super) fn target(&self, base: &Path) -> Result<postgres::Config, ConfigError> {
        let mut target = match &self.url {
            // The parser's own words may quote the address, and with it the password.
            Some(url) => url.expose().parse::<postgres::Config>().map_err(|_| {
                let problem = "is no address of a database: write postgresql://user@host:5432/database, and \
                               the encryption in postgres.tls";
                ConfigError::field("postgres.url", problem)
            })?,
            None => {
                let mut target = postgres::Config::new();
                target.host(&self.host).port(self.port).user(&self.user);
                if let Some(database) = &self.database {
                    target.dbname(database);
                }
                target
            }
        };
        let tls = self.tls.unwrap_or(if is_local(&target) { Tls::Off } else { Tls::Verify });
        target.ssl_mode(match tls {
            Tls::Verify => SslMode::Require,
            Tls::Off => SslMode::Disable,
        });
        if base != Path::new("") || self.password_file.is_none() {
            let file = self.password_file.as_ref().map(|file| base.join(file));
            let secret = sanchar_runtime::secret::resolve(
                "postgres.password",
                self.password.as_ref(),
                file.as_deref(),
            )?;
            if let Some(secret) = secret {
                target.password(secret.expose());
            }
        }
        Ok(target)
    }

    /// How long one turn of the worker may take because of the database, in milliseconds: to connect, to find out what is
    /// there and to read a page.
    pub(crate) fn turn_ms(&self) -> u64 {
        self.connect_timeout_ms + 3 * self.statement_timeout_ms
    }

    /// What the database is asked for: a cursor of another question means nothing.
    pub(crate) fn asked(&self) -> Sha256 {
        let words = match (&self.query, &self.outbox) {
            (Some(QueryConfig { sql, modified, id, .. }), _) => {
                // Other line breaks are no other question.
                let sql: Vec<&str> = sql.split_whitespace().collect();
                format!("query\n{}\n{modified}\n{}", sql.join(" "), id.join("\n"))
            }
            (None, Some(OutboxConfig { table, id, transaction, .. })) => {
                format!("outbox\n{table}\n{id}\n{transaction}")
            }
            (None, None) => String::new(),
        };
        Sha256::of(words.as_bytes())
    }
}

impl QueryConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let refuse =
            |field: &str, problem: &str| Err(ConfigError::field(format!("postgres.query.{field}"), problem));
        let first = self.sql.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        if first != "select" && first != "with" {
            return refuse("sql", "has to be one statement that begins with select or with");
        }
        if self.sql.trim_end().ends_with(';') {
            return refuse(
                "sql",
                "ends with a semicolon: take it away, it becomes part of a longer statement",
            );
        }
        if self.id.is_empty() {
            return refuse(
                "id",
                "names no column: name those that tell rows apart, for example [\"fir_id\"]",
            );
        }
        if self.overlap_ms > 7 * 86_400_000 {
            return refuse("overlap_ms", "has to be a week at most: 604800000");
        }
        Ok(())
    }
}

impl OutboxConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let parts: Vec<&str> = self.table.split('.').collect();
        if parts.len() > 2 || parts.iter().any(|part| part.is_empty()) {
            let problem = "has to be the name of a table, as fir_outbox or cctns.fir_outbox";
            return Err(ConfigError::field("postgres.outbox.table", problem));
        }
        Ok(())
    }
}

/// Whether no network lies between.
fn is_local(target: &postgres::Config) -> bool {
    let is_loopback =
        |name: &str| name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    target.get_hosts().iter().all(|host| match host {
        postgres::config::Host::Tcp(name) => is_loopback(name),
        postgres::config::Host::Unix(_) => true,
    }) && target.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

fn five_minutes() -> u64 {
    300_000
}

fn id() -> String {
    "id".to_owned()
}

fn txid() -> String {
    "txid".to_owned()
}

#[cfg(test)]
mod tests;

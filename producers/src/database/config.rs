//! The `[postgres]` table.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use sanchar_runtime::config::ConfigError;
use sanchar_runtime::secret::Secret;
use sanchar_schemas::digest::Sha256;
use serde::{Deserialize, Serialize};

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
        self.target(Path::new("")).map(drop)
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
            Tls::Verify => postgres::config::SslMode::Require,
            Tls::Off => postgres::config::SslMode::Disable,
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
mod tests {
    use super::*;

    const QUERY: &str = "user = 'reader'\n[query]\nsql = 'select * from firs'\nmodified = 'at'\nid = ['id']";

    fn check(text: &str) -> Result<PostgresConfig, String> {
        let config: PostgresConfig = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        config.check().map(|()| config).map_err(|error| error.to_string())
    }

    #[test]
    fn mistakes_are_named_with_their_remedy() {
        for (text, message) in [
            ("user = 'r'".to_owned(), "postgres.query is missing: say what to read"),
            (format!("{QUERY}\n[outbox]\ntable = 'o'"), "keep one of the two"),
            (QUERY.replace("user = 'reader'", ""), "postgres.user is missing"),
            (QUERY.replace("select *", "delete"), "begins with select or with"),
            (QUERY.replace("firs'", "firs; '"), "ends with a semicolon"),
            (QUERY.replace("['id']", "[]"), "postgres.query.id names no column"),
            (format!("page_rows = 0\n{QUERY}"), "postgres.page_rows has to be at least 1"),
            (format!("statement_timeout_ms = 600001\n{QUERY}"), "has to be 600000 at most"),
            ("user = 'r'\n[outbox]\ntable = 'a.b.c'".to_owned(), "postgres.outbox.table has to be"),
            (
                format!("url = 'host=x sslmode=verify-full password=hunter2'\n{QUERY}"),
                "postgres.url is no address",
            ),
            (format!("password = 'a'\npassword_file = 'b'\n{QUERY}"), "keep one of the two"),
        ] {
            let error = check(&text).unwrap_err();
            assert!(error.contains(message), "{error}\nshould be\n{message}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn what_leaves_the_machine_is_encrypted_unless_told_otherwise() {
        use postgres::config::SslMode;
        let mode = |text: &str| {
            let config = check(&format!("{text}\n{QUERY}")).unwrap();
            config.target(Path::new("")).unwrap().get_ssl_mode()
        };
        assert_eq!(mode(""), SslMode::Disable);
        assert_eq!(mode("host = '/run/postgresql'"), SslMode::Disable);
        assert_eq!(mode("host = '127.0.0.7'"), SslMode::Disable);
        assert_eq!(mode("host = 'db.example'"), SslMode::Require);
        assert_eq!(mode("host = '10.0.0.1'"), SslMode::Require);
        assert_eq!(
            mode("url = 'postgresql://reader@localhost,db.example/x?sslmode=disable'"),
            SslMode::Require
        );
        assert_eq!(mode("host = 'db.example'\ntls = 'off'"), SslMode::Disable);
        assert_eq!(mode("tls = 'verify'"), SslMode::Require);
    }

    #[test]
    fn another_question_is_told_from_another_spelling() {
        let asked = |text: &str| check(text).unwrap().asked();
        let spelling = QUERY.replace("select * from", "select *  from");
        assert_eq!(asked(QUERY), asked(&spelling));
        assert_ne!(asked(QUERY), asked(&QUERY.replace("['id']", "['no']")));
        assert_ne!(asked(QUERY), asked(&QUERY.replace("from firs", "from old_firs")));
    }

    #[test]
    fn secrets_are_not_shown() {
        let config =
            check(&format!("url = 'postgresql://r:hunter2@localhost'\npassword = 'hunter3'\n{QUERY}"))
                .unwrap();
        let shown = format!("{config:?}{}", toml::to_string(&config).unwrap());
        assert!(!shown.contains("hunter"), "{shown}");
    }
}

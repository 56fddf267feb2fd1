//! A connection to PostgreSQL with what holds for all that is done on it: a name, limits, the time zone, reading only.

use std::path::Path;
use std::time::Duration;

use postgres::config::SslMode;
use postgres::{Client, NoTls};

use super::failure::classify;
use super::{DatabaseError, PostgresConfig, tls};

/// What a session needs to know besides its table of the configuration.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// As the server's operator sees it.
    pub(super) application_name: String,
    /// Distance from UTC, `+05:30`: local times are local there, and moments are written with it.
    pub(super) time_zone: String,
}

/// Connects and prepares the session. Files are relative to `base`.
pub(super) fn connect(
    config: &PostgresConfig,
    settings: &Settings,
    base: &Path,
) -> Result<Client, DatabaseError> {
    let refused = |error: &dyn std::fmt::Display| DatabaseError::Refused(error.to_string());
    let mut target = config.target(base).map_err(|error| refused(&error))?;
    target
        .application_name(&settings.application_name)
        .connect_timeout(Duration::from_millis(config.connect_timeout_ms))
        // A server that vanishes without a word is noticed within half a minute.
        .keepalives_idle(Duration::from_secs(15))
        .keepalives_interval(Duration::from_secs(5))
        .keepalives_retries(3)
        .tcp_user_timeout(Duration::from_secs(30));
    let client = match target.get_ssl_mode() {
        SslMode::Disable => target.connect(NoTls),
        _ => target.connect(tls::connector(config, base).map_err(|error| refused(&error))?),
    };
    let mut client = client.map_err(|error| classify(&error))?;
    client.batch_execute(&preamble(config, settings)).map_err(|error| classify(&error))?;
    warn_of_rights(config, &mut client);
    Ok(client)
}

/// The session does not write; a role that could is still more than the producer needs.
fn warn_of_rights(config: &PostgresConfig, client: &mut Client) {
    let sql = "select exists (select 1 from pg_catalog.pg_roles where rolname = current_user and rolsuper)
               or exists (select 1 from information_schema.table_privileges
                          where grantee = current_user and privilege_type in ('INSERT', 'UPDATE', 'DELETE'))";
    let may_write = client.query_one(sql, &[]).and_then(|row| row.try_get::<_, bool>(0)).unwrap_or(false);
    if may_write && !deletes(config) {
        tracing::warn!("the role may write to the database: give the producer one that may only select");
    }
}

fn deletes(config: &PostgresConfig) -> bool {
    config.outbox.as_ref().is_some_and(|outbox| outbox.delete_published)
}

/// Settings of the session. A statement that waits for a lock gives up earlier than one that works.
fn preamble(config: &PostgresConfig, settings: &Settings) -> String {
    format!(
        "set default_transaction_read_only = {read_only};\n\
         set statement_timeout = {statement_ms};\n\
         set lock_timeout = {lock_ms};\n\
         set time zone interval '{zone}' hour to minute;\n\
         set datestyle = 'ISO';\n\
         set intervalstyle = 'iso_8601';\n\
         set bytea_output = 'hex';\n\
         set extra_float_digits = 3;",
        read_only = if deletes(config) { "off" } else { "on" },
        statement_ms = config.statement_timeout_ms,
        lock_ms = config.statement_timeout_ms.min(5_000),
        zone = settings.time_zone,
    )
}

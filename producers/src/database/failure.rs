//! What an error of PostgreSQL means: that it is away, or that somebody has to change something.
//!
//! Messages of the server are shown only where they speak of tables, columns and roles; others may quote a row.

use std::error::Error as _;

use postgres::error::SqlState;

use super::DatabaseError;

/// Alerts of TLS (RFC 8446, section 6.2) as OpenSSL numbers them, 1000 and their own number: those from `bad_certificate` to
/// `certificate_unknown`, `unknown_ca`, `access_denied` and `certificate_required`.
const CERTIFICATE_ALERTS: [i32; 8] = [1042, 1043, 1044, 1045, 1046, 1048, 1049, 1116];

/// Sorts an error of the client.
pub(super) fn classify(error: &postgres::Error) -> DatabaseError {
    let Some(answer) = error.as_db_error() else { return of_connection(error) };
    let code = answer.code();
    let shown = format!("{} (SQLSTATE {})", answer.message(), code.code());
    let refused = |remedy: &str| DatabaseError::Refused(format!("the database refuses: {shown}: {remedy}"));
    match code {
        code if *code == SqlState::QUERY_CANCELED => DatabaseError::Away(
            "a page took longer than postgres.statement_timeout_ms: give the keys an index, ask for fewer \
             postgres.page_rows, or allow more time"
                .to_owned(),
        ),
        code if *code == SqlState::LOCK_NOT_AVAILABLE => {
            DatabaseError::Away("the table is locked by somebody else".to_owned())
        }
        code if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            refused("grant the role select on what it reads, and usage on its schema")
        }
        code if *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
            refused("the statement writes; give one that only reads")
        }
        code => match code.code().get(..2).unwrap_or_default() {
            "28" => {
                refused("correct postgres.user, its password or postgres.certificate_file, or pg_hba.conf")
            }
            "3D" => refused("correct postgres.database"),
            "0A" | "3F" | "42" => refused("correct [postgres.query], [postgres.outbox] or the table"),
            "22" => DatabaseError::Refused(format!(
                "the database cannot compute a row of postgres.query.sql (SQLSTATE {}): see its own log, and let the \
                 statement bear every value",
                code.code()
            )),
            "08" | "53" | "55" | "57" | "58" => {
                DatabaseError::Away(format!("the database gives up: {shown}"))
            }
            _ => DatabaseError::Away(format!("the database gives up (SQLSTATE {})", code.code())),
        },
    }
}

/// Whether a value is none of its type: "data exception", or a domain's own condition.
pub(super) fn is_of_values(error: &postgres::Error) -> bool {
    error.code().is_some_and(|code| code.code().starts_with("22") || code.code().starts_with("23"))
}

/// Nothing came from the server, or nothing that the client wants.
fn of_connection(error: &postgres::Error) -> DatabaseError {
    let what = error.to_string();
    let cause = error.source().map(|cause| format!(" ({cause})")).unwrap_or_default();
    let is = |beginning: &str| what.starts_with(beginning);
    if is("error performing TLS handshake") {
        return DatabaseError::Refused(format!(
            "{what}{cause}: correct postgres.tls and postgres.ca_file, or the server's certificate"
        ));
    }
    if is("authentication error") || is("invalid configuration") {
        return DatabaseError::Refused(format!("{what}{cause}: correct postgres.user and its password"));
    }
    // A query with a parameter of its own is the last of these.
    if is("error deserializing") || is("error serializing") || is("expected ") {
        return DatabaseError::Refused(format!("{what}: correct [postgres.query] or [postgres.outbox]"));
    }
    if is_about_certificate(error) {
        let remedy = "the server does not take this producer's certificate: correct postgres.certificate_file and \
                      postgres.key_file, or let the server trust who signed it";
        return DatabaseError::Refused(format!("{what}{cause}: {remedy}"));
    }
    DatabaseError::Away(format!("no database answers: {what}{cause}"))
}

/// Whether the server ended the connection because of the certificate that it was shown, or was not. By TLS 1.3 that comes after the
/// handshake, so the client takes it for a connection that broke.
fn is_about_certificate(error: &postgres::Error) -> bool {
    let broken = error.source().and_then(|cause| cause.downcast_ref::<std::io::Error>());
    let cause = broken.and_then(|broken| broken.get_ref()?.downcast_ref::<openssl::ssl::Error>());
    let reasons =
        cause.and_then(|cause| cause.ssl_error()).map(openssl::error::ErrorStack::errors).unwrap_or_default();
    reasons.iter().any(|reason| CERTIFICATE_ALERTS.contains(&reason.reason_code()))
}

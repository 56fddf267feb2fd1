//! What the `[postgres]` table refuses, and what its defaults mean.

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
        (format!("tls = 'verify'\ncertificate_file = 'c'\n{QUERY}"), "postgres.key_file is missing"),
        (format!("tls = 'verify'\nkey_file = 'k'\n{QUERY}"), "postgres.certificate_file is missing"),
        (
            format!("certificate_file = 'c'\nkey_file = 'k'\n{QUERY}"),
            "postgres.certificate_file is never shown on a connection in the clear: set postgres.tls",
        ),
    ] {
        let error = check(&text).unwrap_err();
        assert!(error.contains(message), "{error}\nshould be\n{message}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn what_leaves_the_machine_is_encrypted_unless_told_otherwise() {
    let mode = |text: &str| {
        let config = check(&format!("{text}\n{QUERY}")).unwrap();
        config.target(Path::new("")).unwrap().get_ssl_mode()
    };
    assert_eq!(mode(""), SslMode::Disable);
    assert_eq!(mode("host = '/run/postgresql'"), SslMode::Disable);
    assert_eq!(mode("host = '127.0.0.7'"), SslMode::Disable);
    assert_eq!(mode("host = 'db.example'"), SslMode::Require);
    assert_eq!(mode("host = '10.0.0.1'"), SslMode::Require);
    assert_eq!(mode("url = 'postgresql://reader@localhost,db.example/x?sslmode=disable'"), SslMode::Require);
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
        check(&format!("url = 'postgresql://r:hunter2@localhost'\npassword = 'hunter3'\n{QUERY}")).unwrap();
    let shown = format!("{config:?}{}", toml::to_string(&config).unwrap());
    assert!(!shown.contains("hunter"), "{shown}");
}

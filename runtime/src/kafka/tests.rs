//! Settings that fit together, settings that do not, and what librdkafka makes of them.

use rdkafka::consumer::BaseConsumer;

use super::*;
use crate::config::{effective, load};

fn from_toml(text: &str) -> KafkaConfig {
    toml::from_str(text).unwrap()
}

fn error_of(text: &str) -> String {
    from_toml(text).check().unwrap_err().to_string()
}

fn secret_file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn plaintext_needs_brokers_alone() {
    let config = KafkaConfig::plaintext("a:9092, [::1]:9093").client_config("sanchar-test").unwrap();
    assert_eq!(config.get("client.id"), Some("sanchar-test"));
    assert_eq!(config.get("security.protocol"), Some("plaintext"));
    assert_eq!(config.get("allow.auto.create.topics"), Some("false"));
    assert!(config.create::<BaseConsumer>().is_ok());
}

#[test]
fn scram_over_tls_is_built_in() {
    let password = secret_file("s3cret\n");
    let text = format!(
        "bootstrap = 'a:9093'\nsecurity_protocol = 'sasl_ssl'\nsasl_username = 'fanout'\nsasl_password_file = '{}'",
        password.path().display()
    );
    let config = from_toml(&text).client_config("sanchar-test").unwrap();
    assert_eq!(config.get("sasl.mechanisms"), Some("SCRAM-SHA-512"));
    assert_eq!(config.get("sasl.password"), Some("s3cret"));
    assert_eq!(config.get("ssl.endpoint.identification.algorithm"), Some("https"));
    assert!(!format!("{config:?}").contains("s3cret"));
    assert!(config.create::<BaseConsumer>().is_ok(), "librdkafka is built with tls and scram");
}

#[test]
fn options_override_the_callers_defaults_and_take_bare_numbers() {
    let config = from_toml("bootstrap = 'a:9092'\n[options]\n'linger.ms' = 7\n'check.crcs' = true");
    let client = config.client_config_with("c", &[("linger.ms", "100"), ("batch.size", "1000000")]).unwrap();
    assert_eq!(client.get("linger.ms"), Some("7"));
    assert_eq!(client.get("batch.size"), Some("1000000"));
    assert_eq!(client.get("check.crcs"), Some("true"));
}

#[test]
fn an_owned_option_is_refused_where_the_file_sets_it() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its reading is tested")]
    struct Settings {
        kafka: KafkaConfig,
    }
    let file = secret_file("[kafka]\nbootstrap = 'a:1'\n[kafka.options]\n'linger.ms' = 5\nacks = 1\n");
    let error = load::<Settings>(file.path()).unwrap_err().to_string();
    let place = format!("{}:3:1: kafka.options: ", file.path().display());
    assert_eq!(
        error.strip_prefix(&place),
        Some("\"acks\" cannot be set here: exactly-once delivery depends on it")
    );

    let secret = toml::from_str::<KafkaConfig>("[options]\n'sasl.password' = 'hunter2'").unwrap_err();
    assert!(!secret.message().contains("hunter2"), "{}", secret.message());
}

#[test]
fn an_option_with_a_bad_value_is_refused_by_librdkafka() {
    let error = error_of("bootstrap = 'a:9092'\n[options]\n'linger.ms' = 'soon'");
    assert!(error.starts_with("kafka.options.\"linger.ms\" is refused by librdkafka"), "{error}");
}

#[test]
fn combinations_that_make_no_sense_name_the_field_and_the_remedy() {
    for (text, parts) in [
        ("", ["kafka.bootstrap", "host:port"]),
        ("bootstrap = 'broker'", ["kafka.bootstrap", "`broker`"]),
        ("bootstrap = 'a:1'\ntopic_prefix = 'up/'", ["kafka.topic_prefix", "letters, digits"]),
        ("bootstrap = 'a:1'\nca_file = '/ca.pem'", ["kafka.ca_file", "set that to ssl or sasl_ssl"]),
        ("bootstrap = 'a:1'\nsasl_username = 'u'", ["kafka.sasl_username", "set that to sasl_ssl"]),
        ("bootstrap = 'a:1'\nsecurity_protocol = 'sasl_ssl'", ["kafka.sasl_username", "is missing"]),
        (
            "bootstrap = 'a:1'\nsecurity_protocol = 'sasl_ssl'\nsasl_username = 'u'",
            ["kafka.sasl_password_file", "is missing"],
        ),
        (
            "bootstrap = 'a:1'\nsecurity_protocol = 'sasl_plaintext'\nsasl_mechanism = 'PLAIN'",
            ["kafka.sasl_mechanism", "use sasl_ssl"],
        ),
        ("bootstrap = 'a:1'\nsecurity_protocol = 'ssl'\nkey_file = '/k'", ["kafka.key_file", "set both"]),
        (
            "bootstrap = 'a:1'\nsecurity_protocol = 'ssl'\ncertificate_file = '/c'",
            ["kafka.certificate_file", "kafka.key_file"],
        ),
        (
            "bootstrap = 'a:1'\nsecurity_protocol = 'ssl'\nca_file = '/nonexistent/ca.pem'",
            ["kafka.ca_file cannot read /nonexistent/ca.pem", "PEM file"],
        ),
    ] {
        let error = error_of(text);
        assert!(parts.iter().all(|part| error.contains(part)), "{text}\n→ {error}");
    }
}

#[test]
fn the_effective_settings_show_no_secret() {
    let text = "bootstrap = 'a:1'\nsasl_password = 'hunter2'\nkey_password = 'hunter3'";
    let shown = effective(&from_toml(text)).unwrap();
    assert!(!shown.contains("hunter") && shown.matches("[redacted]").count() == 2, "{shown}");
}

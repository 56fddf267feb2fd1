//! Loading, from text and variables given by hand.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde::Deserialize;

use super::*;
use crate::secret::Secret;

#[derive(Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    name: Option<String>,
    kafka: Kafka,
    source: Option<Source>,
    last: u8,
    listen: Option<std::net::SocketAddr>,
}

#[derive(Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
struct Kafka {
    bootstrap: String,
    timeout_ms: u64,
    ratio: f64,
    verbose: bool,
    states: Vec<String>,
    mode: Mode,
    password: Option<Secret>,
    options: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Mode {
    #[default]
    Plain,
    Tls,
}

#[derive(Debug, Deserialize, Serialize, PartialEq)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Source {
    Database { url: String, batch_rows: u32 },
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only its reading is tested")]
struct Strict {
    origin: String,
}

fn variables(pairs: &[(&str, &str)]) -> Vec<Override> {
    environment::overrides(pairs.iter().map(|(name, text)| (OsString::from(name), OsString::from(text))))
}

fn settings(text: &str, pairs: &[(&str, &str)]) -> Result<Settings, String> {
    parse(Path::new("fanout.toml"), text, &variables(pairs)).map_err(|error| error.to_string())
}

#[test]
fn environment_wins_over_file_and_file_over_default() {
    let file = "[kafka]\nbootstrap = 'file:9092'\ntimeout_ms = 5";
    let plain = settings(file, &[]).unwrap();
    assert_eq!((plain.kafka.bootstrap.as_str(), plain.kafka.timeout_ms), ("file:9092", 5));
    assert!(!plain.kafka.verbose);

    let overridden = settings(file, &[("SANCHAR__KAFKA__BOOTSTRAP", "env:9092")]).unwrap();
    assert_eq!((overridden.kafka.bootstrap.as_str(), overridden.kafka.timeout_ms), ("env:9092", 5));
}

#[test]
fn a_variable_takes_the_type_of_the_field_it_sets() {
    let read = settings(
        "",
        &[
            ("SANCHAR__NAME", "12345"),
            ("SANCHAR__KAFKA__TIMEOUT_MS", "10_000"),
            ("SANCHAR__KAFKA__RATIO", "2"),
            ("SANCHAR__KAFKA__VERBOSE", "true"),
            ("SANCHAR__KAFKA__STATES", "IN-DL, IN-HR"),
            ("SANCHAR__KAFKA__MODE", "tls"),
            ("SANCHAR__KAFKA__PASSWORD", "true"),
            ("SANCHAR__KAFKA__OPTIONS__DEBUG", "5"),
            ("SANCHAR_CONFIG", "not ours"),
        ],
    )
    .unwrap();
    assert_eq!(read.name.as_deref(), Some("12345"));
    let kafka = read.kafka;
    assert_eq!((kafka.timeout_ms, kafka.ratio, kafka.verbose, kafka.mode), (10_000, 2.0, true, Mode::Tls));
    assert_eq!(kafka.states, ["IN-DL", "IN-HR"]);
    assert_eq!(kafka.password.unwrap().expose(), "true");
    assert_eq!(kafka.options["debug"], "5");
}

#[test]
fn lists_and_strings_may_be_written_as_toml() {
    let pairs = [("SANCHAR__KAFKA__STATES", r#"["IN-DL", "IN-UP"]"#), ("SANCHAR__NAME", r#""quoted""#)];
    let read = settings("", &pairs).unwrap();
    assert_eq!(read.kafka.states, ["IN-DL", "IN-UP"]);
    assert_eq!(read.name.as_deref(), Some("quoted"));
}

#[test]
fn an_enum_with_fields_can_be_overridden() {
    let file = "[source]\ntype = 'database'\nurl = 'db'\nbatch_rows = 1";
    let read = settings(file, &[("SANCHAR__SOURCE__BATCH_ROWS", "500")]).unwrap();
    assert_eq!(read.source, Some(Source::Database { url: "db".into(), batch_rows: 500 }));
}

#[test]
fn an_unknown_field_is_placed_and_its_neighbour_suggested() {
    let error = settings("# top\n[kafka]\nbootstrp = 'x'\n", &[]).unwrap_err();
    assert_eq!(error, "fanout.toml:3:1: kafka.bootstrp: unknown field `bootstrp`, did you mean `bootstrap`?");
}

#[test]
fn an_unknown_field_with_no_neighbour_lists_what_is_known() {
    let error = settings("colour = 1", &[]).unwrap_err();
    assert_eq!(
        error,
        "fanout.toml:1:1: colour: unknown field `colour`, expected one of `name`, `kafka`, `source`, `last`, `listen`"
    );
}

#[test]
fn a_wrong_type_and_a_wrong_choice_are_placed() {
    let error = settings("[kafka]\n  timeout_ms = 'soon'", &[]).unwrap_err();
    let wanted = "fanout.toml:2:16: kafka.timeout_ms: has a text where it needs a whole number, not negative; \
                  it stands without quotation marks";
    assert_eq!(error, wanted);
    let error = settings("kafka = 5", &[]).unwrap_err();
    assert!(
        error.starts_with("fanout.toml:1:9: kafka: has a whole number where it needs a table"),
        "{error}"
    );
    let error = settings("last = 300", &[]).unwrap_err();
    assert!(error.ends_with("it needs a whole number from 0 to 255"), "{error}");
    let error = settings("[kafka]\nmode = 'tlss'", &[]).unwrap_err();
    assert!(error.contains("unknown variant `tlss`, did you mean `tls`?"), "{error}");
}

#[test]
fn an_address_that_is_none_says_how_one_is_written() {
    for place in ["localhost:9464", "127.0.0.1", "9464"] {
        let error = settings(&format!("listen = '{place}'"), &[]).unwrap_err();
        assert!(
            error.starts_with("fanout.toml:1:10: listen: is not an address with a port: write"),
            "{error}"
        );
        assert!(error.contains("127.0.0.1:9464") && !error.contains("syntax"), "{error}");
        let error = settings("", &[("SANCHAR__LISTEN", place)]).unwrap_err();
        assert!(error.starts_with("environment variable SANCHAR__LISTEN: is not an address"), "{error}");
    }
    let error = settings("listen = 9464", &[]).unwrap_err();
    assert!(error.contains("has a whole number where it needs an address with a port"), "{error}");
}

#[test]
fn what_is_another_daemons_is_passed_over_and_what_is_nobodys_is_not() {
    let of_others = [
        ("SANCHAR__REGISTRY__URL", "https://registry.example"),
        ("SANCHAR__INSTANCE_ID", "fanout-1"),
        ("SANCHAR__NAME", "ours"),
    ];
    assert_eq!(settings("", &of_others).unwrap().name.as_deref(), Some("ours"));
    for (variable, problem) in [
        ("SANCHAR__COLOUR__OF__UNIFORM", "unknown field `colour`"),
        ("SANCHAR__INSTANC_ID", "unknown field `instanc_id`"),
        ("SANCHAR__KAFKA__BOOTSTRP", "unknown field `bootstrp`, did you mean `bootstrap`?"),
    ] {
        let error = settings("", &[("SANCHAR__REGISTRY__URL", "x"), (variable, "x")]).unwrap_err();
        assert!(error.starts_with(&format!("environment variable {variable}: {problem}")), "{error}");
    }
    let error = settings("[registry]\ntimeout_ms = 5", &of_others).unwrap_err();
    assert!(
        error.starts_with("fanout.toml:1:2: registry: unknown field `registry`"),
        "what a file says is meant: {error}"
    );
}

#[test]
fn broken_toml_is_placed() {
    let error = settings("[kafka]\nbootstrap = \n", &[]).unwrap_err();
    assert!(error.starts_with("fanout.toml:2:"), "{error}");
}

#[test]
fn the_file_is_blamed_for_its_own_mistakes_even_with_variables_set() {
    let error = settings("[kafka]\nbootstrp = 'x'", &[("SANCHAR__NAME", "n")]).unwrap_err();
    assert!(error.starts_with("fanout.toml:2:1: kafka.bootstrp"), "{error}");
}

#[test]
fn a_variable_is_blamed_by_name() {
    let error = settings("", &[("SANCHAR__KAFKA__TIMEOUT_MS", "soon")]).unwrap_err();
    assert_eq!(
        error,
        "environment variable SANCHAR__KAFKA__TIMEOUT_MS: must be a whole number, not negative"
    );
    let error = settings("", &[("SANCHAR__KAFKA__BOOTSTRP", "x")]).unwrap_err();
    assert!(error.starts_with("environment variable SANCHAR__KAFKA__BOOTSTRP: unknown field"), "{error}");
    assert!(error.contains("did you mean `bootstrap`?"), "{error}");
    let error = settings("name = 'x'", &[("SANCHAR__NAME__X", "y")]).unwrap_err();
    assert!(error.contains("`name` is a value, not a section"), "{error}");
}

#[test]
fn a_missing_field_may_come_from_the_environment() {
    let path = Path::new("strict.toml");
    let error = parse::<Strict>(path, "", &[]).unwrap_err().to_string();
    assert_eq!(error, "strict.toml:1:1: missing field `origin`: add it here, or set SANCHAR__ORIGIN");
    let error =
        parse::<Strict>(path, "# none\n", &variables(&[("SANCHAR__ORGIN", "x")])).unwrap_err().to_string();
    assert!(error.contains("missing field `origin`"), "{error}");
    let error = settings("[source]\ntype = 'database'\nurl = 'db'", &[]).unwrap_err();
    assert!(error.contains("source: missing field `batch_rows`"), "{error}");
    assert!(error.ends_with("SANCHAR__SOURCE__BATCH_ROWS"), "{error}");
    let given = variables(&[("SANCHAR__ORIGIN", "IN-DL")]);
    assert!(parse::<Strict>(path, "", &given).is_ok());
}

#[test]
fn the_effective_configuration_hides_secrets_and_keeps_its_digest() {
    let with = |secret: &str| {
        let text = format!("[kafka]\nbootstrap = 'b'\npassword = '{secret}'");
        settings(&text, &[]).unwrap()
    };
    let shown = effective(&with("hunter2")).unwrap();
    assert!(!shown.contains("hunter2") && shown.contains("password = \"[redacted]\""), "{shown}");
    assert!(shown.contains("timeout_ms = 0"), "defaults are shown: {shown}");
    assert_eq!(digest(&with("a")).unwrap(), digest(&with("b")).unwrap());
    assert_eq!(digest(&with("a")).unwrap().len(), 12);
    assert_ne!(digest(&with("a")).unwrap(), digest(&Settings::default()).unwrap());
}

#[test]
fn an_absent_file_says_how_to_name_one() {
    let error = load::<Settings>(Path::new("/nonexistent/fanout.toml")).unwrap_err().to_string();
    assert!(error.contains("/nonexistent/fanout.toml: cannot be read"), "{error}");
    assert!(error.contains("--config or SANCHAR_CONFIG"), "{error}");
}

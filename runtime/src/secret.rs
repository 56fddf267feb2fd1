//! A value that must not be seen: passwords, tokens, key phrases.
//!
//! Whatever prints it, by mistake or on purpose, shows `[redacted]`; only [`Secret::expose`] gives the text. It
//! does not encrypt anything and does not wipe memory. Which files with secrets are open to others is in `exposed`.

mod exposed;

use std::borrow::Cow;
use std::fmt;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::config::ConfigError;
pub use exposed::{Exposed, exposed};

const REDACTED: &str = "[redacted]";

/// A secret text. `Debug`, `Display` and `Serialize` all give `[redacted]`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret that was obtained elsewhere.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Hand it straight to the client that needs it, and keep it out of every message.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Takes a secret from its key or from the file that its `*_file` key names, read now, without its last line break.
///
/// # Errors
/// When both are set, or the file cannot be read or is empty. `field` is the key's full name, for the message.
pub fn resolve(
    field: &str,
    inline: Option<&Secret>,
    file: Option<&Path>,
) -> Result<Option<Secret>, ConfigError> {
    match (inline, file) {
        (Some(_), Some(_)) => {
            let problem = format!("is set together with {field}_file: keep one of the two");
            Err(ConfigError::field(field, problem))
        }
        (Some(secret), None) => Ok(Some(secret.clone())),
        (None, Some(path)) => read(&format!("{field}_file"), path).map(Some),
        (None, None) => Ok(None),
    }
}

fn read(field: &str, path: &Path) -> Result<Secret, ConfigError> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| {
        let problem = format!("cannot read {shown} ({error}): create it, readable by this user alone");
        ConfigError::field(field, problem)
    })?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(ConfigError::field(field, format!("{shown} is empty: write the secret into it")));
    }
    Ok(Secret::new(text))
}

/// The text with `[redacted]` in place of the name and password in every address in it, as in `http://name:password@host`:
/// for whatever is shown that may hold one.
#[must_use]
pub fn without_login(text: &str) -> Cow<'_, str> {
    const SCHEME_END: &str = "://";
    let (mut shown, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(SCHEME_END) {
        let address =
            after.split(|c: char| c.is_whitespace() || "\"'`<>".contains(c)).next().unwrap_or_default();
        let login = login_bytes(address);
        shown.push_str(before);
        shown.push_str(SCHEME_END);
        if login > 0 {
            shown.push_str(REDACTED);
        }
        rest = after.get(login..).unwrap_or_default();
    }
    if shown.is_empty() {
        return Cow::Borrowed(text);
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

/// How many bytes of what follows `://` are a name and a password.
fn login_bytes(address: &str) -> usize {
    let host = address.split(['/', '?', '#']).next().unwrap_or_default();
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match (host.rfind('@'), address.rfind('@'), host.rsplit_once(':')) {
        (Some(end), ..) => end,
        // A password with a slash in it, which no address may hold as it is, is a password all the same.
        (None, Some(end), Some((_, after))) if !is_port(after) && !after.ends_with(']') => end,
        _ => 0,
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_string(SecretVisitor)
    }
}

/// Serde's own message for a wrong type quotes the value, so numbers and booleans are refused here without it.
struct SecretVisitor;

impl SecretVisitor {
    fn not_a_string<E: de::Error>() -> Result<Secret, E> {
        Err(E::custom("a secret must be a string: put it in quotes"))
    }
}

impl de::Visitor<'_> for SecretVisitor {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::new(text))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Secret, E> {
        Self::not_a_string()
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Secret, E> {
        Self::not_a_string()
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Secret, E> {
        Self::not_a_string()
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Secret, E> {
        Self::not_a_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize, Debug)]
    struct Holder {
        password: Secret,
    }

    #[test]
    fn nothing_that_prints_shows_the_text() {
        let holder = Holder { password: Secret::new("hunter2") };
        let shown = format!("{holder:?} {} {}", holder.password, toml::to_string(&holder).unwrap());
        assert!(!shown.contains("hunter2"));
        assert_eq!(shown.matches(REDACTED).count(), 3);
        assert_eq!(holder.password.expose(), "hunter2");
    }

    #[test]
    fn an_address_is_shown_without_its_log_in() {
        for (text, shown) in [
            ("url = \"http://u:hunter2@host/apis\"\nb = 1", "url = \"http://[redacted]@host/apis\"\nb = 1"),
            (
                "https://u@host, http://:hunter2@[::1]:80",
                "https://[redacted]@host, http://[redacted]@[::1]:80",
            ),
            ("`http://u:hun/ter2@host/x` fails", "`http://[redacted]@host/x` fails"),
            ("http://a@b:hunter2@host", "http://[redacted]@host"),
            ("http://host:8081/x@y and u@v", "http://host:8081/x@y and u@v"),
            ("http://[::1]/x@y", "http://[::1]/x@y"),
            ("://", "://"),
            ("no address", "no address"),
        ] {
            assert_eq!(without_login(text), shown);
        }
    }

    #[test]
    fn a_secret_of_the_wrong_type_is_refused_without_quoting_it() {
        for value in ["12345678", "12345678.5", "true"] {
            let error = toml::from_str::<Holder>(&format!("password = {value}")).unwrap_err().to_string();
            let message = error.lines().last().unwrap();
            assert_eq!(message, "a secret must be a string: put it in quotes");
        }
    }

    #[test]
    fn a_secret_file_loses_its_line_break_and_nothing_else() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), " pass word \r\n").unwrap();
        let secret = resolve("kafka.sasl_password", None, Some(file.path())).unwrap().unwrap();
        assert_eq!(secret.expose(), " pass word ");
    }

    #[test]
    fn errors_name_the_field_the_file_and_the_remedy() {
        let absent = Path::new("/nonexistent/secret");
        let error = resolve("registry.password", None, Some(absent)).unwrap_err().to_string();
        assert!(error.starts_with("registry.password_file cannot read /nonexistent/secret"), "{error}");
        assert!(error.contains("create it"), "{error}");

        let both = resolve("registry.password", Some(&Secret::new("x")), Some(absent)).unwrap_err();
        assert!(both.to_string().contains("keep one of the two"));

        let empty = tempfile::NamedTempFile::new().unwrap();
        let error = resolve("registry.token", None, Some(empty.path())).unwrap_err().to_string();
        assert!(error.contains("is empty"), "{error}");
    }
}

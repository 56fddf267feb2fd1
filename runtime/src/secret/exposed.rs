//! Secrets in files that every user of this machine may read, found by the keys that name them, for a warning.
//!
//! That a group may read one is somebody's decision: Debian's packages (root:sanchar, 0640), systemd and Kubernetes hand secrets out so. It
//! refuses nothing and reads no secret; a file that is not there is named by whoever needs it.

use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use toml::{Table, Value};

use super::REDACTED;
use crate::config::{self, ConfigError};

/// What users that are neither the owner nor of the group may do: read, or write.
const OTHERS: u32 = 0o006;
/// How keys end that name a file with a secret. `[push.tls]` calls its private key `key`.
const ENDINGS: [&str; 4] = ["key_file", "password_file", "token_file", "tokens_file"];
/// Tables whose relative paths begin at the working folder; those of others begin at the configuration file's.
const OF_WORKING_FOLDER: [&str; 2] = ["kafka", "registry"];

/// A secret that every user of this machine may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposed {
    /// Full name of the key that holds it or names its file, for example `push.tls.key`.
    pub field: String,
    /// The file.
    pub path: PathBuf,
    /// Its permissions.
    pub mode: u32,
}

impl Exposed {
    /// What is wrong, without the remedy.
    #[must_use]
    pub fn problem(&self) -> String {
        let Self { field, path, mode } = self;
        format!("{field} is open to every user of this machine: {} has mode {mode:04o}", path.display())
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        format!("chmod o= {}, and make a new secret if anybody may have read it", self.path.display())
    }
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.problem(), self.remedy())
    }
}

/// The secrets of a configuration, read from `file`, that every user of this machine may read: those in files of their own, and those in `file`
/// itself. Each file once.
///
/// # Errors
/// As [`config::effective`].
pub fn exposed<C: Serialize>(config: &C, file: &Path) -> Result<Vec<Exposed>, ConfigError> {
    let Ok(Value::Table(in_force)) = config::effective(config)?.parse::<Table>().map(Value::Table) else {
        return Ok(Vec::new());
    };
    // What the environment sets is not in the file.
    let written = std::fs::read_to_string(file).ok().and_then(|text| text.parse().ok()).unwrap_or_default();
    let mut secrets = Secrets { file, found: Vec::new() };
    secrets.of_table(&in_force, &written, "");
    Ok(secrets.found)
}

struct Secrets<'f> {
    file: &'f Path,
    found: Vec<Exposed>,
}

impl Secrets<'_> {
    fn of_table(&mut self, table: &Table, written: &Table, within: &str) {
        for (key, value) in table {
            let field = if within.is_empty() { key.clone() } else { format!("{within}.{key}") };
            let written = written.get(key);
            match value {
                Value::Table(table) => {
                    let nothing = Table::new();
                    self.of_table(table, written.and_then(Value::as_table).unwrap_or(&nothing), &field);
                }
                Value::String(path) if names_secret(&field) => self.look(&field, &self.whole(&field, path)),
                value if written.is_some() && is_secret(value) => self.look(&field, self.file),
                _ => {}
            }
        }
    }

    /// Where the path of a field leads.
    fn whole(&self, field: &str, path: &str) -> PathBuf {
        let table = field.split('.').next().unwrap_or_default();
        match self.file.parent() {
            Some(folder) if !OF_WORKING_FOLDER.contains(&table) => folder.join(path),
            _ => PathBuf::from(path),
        }
    }

    fn look(&mut self, field: &str, path: &Path) {
        let Ok(data) = std::fs::metadata(path) else { return };
        let mode = data.permissions().mode() & 0o7777;
        if mode & OTHERS != 0 && !self.found.iter().any(|found| found.path == path) {
            self.found.push(Exposed { field: field.to_owned(), path: path.to_owned(), mode });
        }
    }
}

fn names_secret(field: &str) -> bool {
    field.ends_with("tls.key") || ENDINGS.iter().any(|ending| field.ends_with(ending))
}

/// Whether a value is a [`super::Secret`] or several, as they are printed.
fn is_secret(value: &Value) -> bool {
    match value {
        Value::String(text) => text == REDACTED,
        Value::Array(values) => values.iter().any(is_secret),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use serde::Deserialize;

    use super::super::Secret;
    use super::*;
    use crate::kafka::KafkaConfig;
    use crate::registry::RegistryConfig;

    #[derive(Serialize, Deserialize)]
    struct Push {
        tokens: Vec<Secret>,
        tokens_file: PathBuf,
        tls: Tls,
    }

    #[derive(Serialize, Deserialize)]
    struct Tls {
        certificate: PathBuf,
        key: PathBuf,
    }

    #[derive(Serialize, Deserialize)]
    struct Daemon {
        kafka: KafkaConfig,
        registry: RegistryConfig,
        push: Push,
    }

    const TEXT: &str = "
        [kafka]
        bootstrap = 'host:9092'
        key_file = 'FOLDER/kafka.key'
        key_password_file = 'FOLDER/phrase'
        sasl_password_file = 'FOLDER/password'
        [registry]
        token_file = 'FOLDER/registry'
        [push]
        tokens = ['in the file']
        tokens_file = 'tokens'
        tls = { certificate = 'own.pem', key = 'own.key' }";

    /// What is found where every file has this mode, and the configuration another.
    fn found(mode: u32, of_configuration: u32) -> Vec<(String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("daemon.toml");
        let text = TEXT.replace("FOLDER", &folder.path().display().to_string());
        fs::write(&file, &text).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(of_configuration)).unwrap();
        for name in ["kafka.key", "phrase", "password", "registry", "tokens", "own.pem", "own.key"] {
            let path = folder.path().join(name);
            fs::write(&path, "x").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
        let config: Daemon = toml::from_str(&text).unwrap();
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let found = exposed(&config, &file).unwrap();
        found.into_iter().map(|Exposed { field, path, .. }| (field, name(&path))).collect()
    }

    #[test]
    fn every_file_with_a_secret_is_looked_at_and_no_certificate() {
        let mut all = found(0o644, 0o640);
        all.sort();
        let wanted = [
            ("kafka.key_file", "kafka.key"),
            ("kafka.key_password_file", "phrase"),
            ("kafka.sasl_password_file", "password"),
            ("push.tls.key", "own.key"),
            ("push.tokens_file", "tokens"),
            ("registry.token_file", "registry"),
        ];
        assert_eq!(all, wanted.map(|(field, name)| (field.to_owned(), name.to_owned())));
        assert_eq!(found(0o606, 0o600).len(), 6);
        assert_eq!(found(0o602, 0o600).len(), 6, "who may write it may choose it");
    }

    #[test]
    fn a_group_may_read_and_the_configuration_counts_where_it_holds_a_secret() {
        assert_eq!(found(0o640, 0o640), []);
        assert_eq!(found(0o600, 0o644), [("push.tokens".to_owned(), "daemon.toml".to_owned())]);
    }

    #[test]
    fn what_is_said_names_key_file_mode_and_remedy() {
        let exposed = Exposed { field: "push.tls.key".into(), path: "/etc/own.key".into(), mode: 0o644 };
        assert_eq!(
            exposed.to_string(),
            "push.tls.key is open to every user of this machine: /etc/own.key has mode 0644: chmod o= /etc/own.key, and make a new secret \
             if anybody may have read it"
        );
    }

    #[test]
    fn a_secret_of_the_environment_is_in_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("daemon.toml");
        fs::write(&file, "[registry]\nurl = 'http://x'\n").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        let registry = RegistryConfig { token: Some(Secret::new("x")), ..RegistryConfig::default() };
        let config = std::collections::BTreeMap::from([("registry", registry)]);
        assert_eq!(exposed(&config, &file).unwrap(), []);
    }
}

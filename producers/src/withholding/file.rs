//! The policy file: a state's own rules in a file of their own, which whoever answers for them can sign off as it stands; and where
//! each rule that is in force comes from.
//!
//! Rules stand in one place only. Were those of a policy file and of the configuration merged, what was signed would not be what
//! holds. The environment has no say in a policy file for the same reason.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sanchar_runtime::config::{self, ConfigError};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::policy::{Restricted, Withholding, Wrong, law};
use super::rule::{Lifted, Rule};

/// What a policy file holds.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Policy {
    rules: Vec<Rule>,
    lifted: Vec<Lifted>,
    restricted: Option<Restricted>,
}

impl Withholding {
    /// The same with what its policy file says, if it names one. A relative path begins at `base`.
    ///
    /// # Errors
    /// [`ConfigError`] with the place in the policy file; or when rules stand in the configuration as well.
    pub fn with_policy(self, base: &Path) -> Result<Self, ConfigError> {
        let Some(path) = self.policy_path(base).filter(|_| !self.is_policy_read) else { return Ok(self) };
        let shown = path.display();
        let given = [
            ("rules", !self.rules.is_empty()),
            ("lifted", !self.lifted.is_empty()),
            ("restricted", self.restricted.is_some()),
        ];
        if let Some((key, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
            let problem = format!(
                "is set here, while withholding.policy names {shown}: keep all of it in one of the two, so that what was signed \
                 is what holds"
            );
            return Err(ConfigError::field(format!("withholding.{key}"), problem));
        }
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let problem =
                format!("cannot be read from {shown} ({error}): name a TOML file that this user may read");
            ConfigError::field("withholding.policy", problem)
        })?;
        let Policy { rules, lifted, restricted } = config::from_text(&path, &text)?;
        let read = Self { policy: self.policy, rules, lifted, restricted, is_policy_read: true };
        read.check_entries().map_err(|wrong| in_file(&path, &text, &wrong))?;
        Ok(read)
    }

    /// Refuses to go on without the rules of a policy file that is named.
    ///
    /// # Errors
    /// When it was not read.
    pub(crate) fn check_policy_is_read(&self) -> Result<(), ConfigError> {
        if self.policy.is_none() || self.is_policy_read {
            return Ok(());
        }
        Err(ConfigError::field(
            "withholding.policy",
            "names a file that was not read: nothing leaves without its rules",
        ))
    }

    /// All rules in force, and which of them are lifted, as a file; above each where it comes from. `configuration` is the file that
    /// this table stands in.
    ///
    /// # Errors
    /// When they cannot be written as TOML.
    pub fn to_toml(&self, configuration: &Path) -> Result<String, ConfigError> {
        #[derive(Serialize)]
        struct Switch {
            restricted: Restricted,
        }
        #[derive(Serialize)]
        struct Entries<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            rules: Option<[&'a Rule; 1]>,
            #[serde(skip_serializing_if = "Option::is_none")]
            lifted: Option<[&'a Lifted; 1]>,
        }
        let origin = Origin::of(self, configuration);
        let mut whole = match self.restricted {
            None => "# the default\n".to_owned(),
            Some(_) => format!("# {}\n", origin.of_key("restricted")),
        };
        whole.push_str(&config::effective(&Switch { restricted: self.restricted() })?);
        let mut add = |from: &str, entries: &Entries<'_>| {
            config::effective(entries).map(|text| whole.push_str(&format!("\n# {from}\n{text}")))
        };
        for rule in law() {
            add("the law", &Entries { rules: Some([rule]), lifted: None })?;
        }
        for (i, rule) in self.rules.iter().enumerate() {
            add(&origin.of_entry("rules", i), &Entries { rules: Some([rule]), lifted: None })?;
        }
        for (i, lifted) in self.lifted.iter().enumerate() {
            add(&origin.of_entry("lifted", i), &Entries { rules: None, lifted: Some([lifted]) })?;
        }
        Ok(whole)
    }

    fn policy_path(&self, base: &Path) -> Option<PathBuf> {
        self.policy.as_ref().map(|policy| base.join(policy))
    }
}

/// The file that a state's rules stand in.
struct Origin {
    file: String,
    places: Places,
    text: String,
    /// Keys whose values are others than the file's: the environment's.
    of_environment: Vec<&'static str>,
}

impl Origin {
    fn of(withholding: &Withholding, configuration: &Path) -> Self {
        let base = configuration.parent().unwrap_or_else(|| Path::new(""));
        let policy = withholding.policy_path(base);
        let path = policy.as_deref().unwrap_or(configuration);
        // Where it cannot be read a second time, the file without a line has to do.
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let places = if policy.is_some() { Places::of(&text) } else { Places::within(&text) };
        let of_environment = if policy.is_some() { Vec::new() } else { differing(withholding, &text) };
        Self { file: path.display().to_string(), places, text, of_environment }
    }

    /// Where the value of a key comes from.
    fn of_key(&self, key: &str) -> String {
        match self.of_environment.contains(&key) {
            true => format!("environment variable SANCHAR__WITHHOLDING__{}", key.to_uppercase()),
            false => self.file.clone(),
        }
    }

    fn of_entry(&self, list: &str, i: usize) -> String {
        if self.of_environment.contains(&list) {
            return self.of_key(list);
        }
        let start = self.places.start(list, i, None);
        start.map_or_else(
            || self.file.clone(),
            |start| format!("{}:{}", self.file, line_and_column(&self.text, start).0),
        )
    }
}

/// The keys whose values are others than those in the configuration's text. The environment says what a file does not, and
/// whoever signs has to see it.
fn differing(withholding: &Withholding, text: &str) -> Vec<&'static str> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Configuration {
        withholding: Withholding,
    }
    let Configuration { withholding: written } = toml::from_str(text).unwrap_or_default();
    let keys = [
        ("restricted", withholding.restricted != written.restricted),
        ("rules", withholding.rules != written.rules),
        ("lifted", withholding.lifted != written.lifted),
    ];
    keys.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}

/// Where in a file its rules stand.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Places {
    rules: Vec<Entry>,
    lifted: Vec<Entry>,
}

type Entry = BTreeMap<String, Spanned<IgnoredAny>>;

impl Places {
    fn of(text: &str) -> Self {
        toml::from_str(text).unwrap_or_default()
    }

    /// Those of a configuration's table.
    fn within(text: &str) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Configuration {
            withholding: Places,
        }
        toml::from_str::<Configuration>(text).unwrap_or_default().withholding
    }

    /// Where the value of a key of an entry begins; else where the entry's first value does.
    fn start(&self, list: &str, i: usize, key: Option<&str>) -> Option<usize> {
        let entry = if list == "rules" { self.rules.get(i) } else { self.lifted.get(i) }?;
        let named = key.and_then(|key| entry.get(key)).map(|value| value.span().start);
        named.or_else(|| entry.values().map(|value| value.span().start).min())
    }
}

fn in_file(path: &Path, text: &str, wrong: &Wrong) -> ConfigError {
    let start = Places::of(text).start(wrong.list, wrong.i, Some(wrong.key)).unwrap_or_default();
    let (line, column) = line_and_column(text, start);
    let problem = format!("{} {}", wrong.field(), wrong.problem);
    ConfigError::File { path: path.to_owned(), line, column, problem }
}

/// Both from 1, the column in characters.
fn line_and_column(text: &str, start: usize) -> (usize, usize) {
    let before = text.get(..start).unwrap_or_default();
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    (before.matches('\n').count() + 1, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"# Signed: Legal Cell, order 7 of 2026
restricted = "publish"

[[rules]]
name = "no-gang-notes"
because = "order 12 of 2026"
reason = "OTHER"
fields = ["gang.note"]

[[lifted]]
rules = ["child"]
kinds = ["MISSING_PERSON"]
order = "order 4 of 2026 by the Inspector General, Crime"
"#;

    fn read(policy: &str, table: &str) -> Result<(Withholding, String), String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.toml"), policy).unwrap();
        let shown = format!("{}/", folder.path().display());
        let table: Withholding = toml::from_str(table).unwrap();
        let read = table.with_policy(folder.path()).map_err(|error| error.to_string().replace(&shown, ""))?;
        let printed = read.to_toml(&folder.path().join("goa.toml")).unwrap().replace(&shown, "");
        Ok((read, printed))
    }

    #[test]
    fn a_policy_file_stands_in_the_place_of_the_table() {
        let (read, printed) = read(POLICY, "policy = 'policy.toml'").unwrap();
        read.check_policy_is_read().unwrap();
        assert_eq!((read.rules.len(), read.lifted.len(), read.restricted()), (1, 1, Restricted::Publish));
        for part in [
            "# policy.toml\nrestricted = \"publish\"\n",
            "\n# the law\n[[rules]]\nname = \"sexual-offence\"",
            "\n# policy.toml:5\n[[rules]]\nname = \"no-gang-notes\"",
            "\n# policy.toml:11\n[[lifted]]\n",
        ] {
            assert!(printed.contains(part), "{part} is missing from\n{printed}");
        }
        let again: Withholding = toml::from_str(&printed).unwrap();
        assert_eq!(again.rules.len(), law().len() + 1);
        assert_eq!(again.lifted, read.lifted);
    }

    #[test]
    fn without_a_policy_file_rules_come_from_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("goa.toml");
        let text = "[state]\n[[withholding.rules]]\nname = 'a'\nbecause = 'b'\nreason = 'OTHER'\nfields = ['narrative']\n";
        std::fs::write(&path, text).unwrap();
        let table: toml::Table = toml::from_str(text).unwrap();
        let table: Withholding = table["withholding"].clone().try_into().unwrap();
        let printed = table.with_policy(folder.path()).unwrap().to_toml(&path).unwrap();
        assert!(printed.starts_with("# the default\nrestricted = \"quarantine\"\n"), "{printed}");
        assert!(printed.contains(&format!("# {}:3\n[[rules]]\nname = \"a\"", path.display())), "{printed}");
    }

    #[test]
    fn what_the_environment_says_is_not_put_down_to_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("goa.toml");
        let text =
            "[[withholding.rules]]\nname = 'a'\nbecause = 'b'\nreason = 'OTHER'\nfields = ['narrative']\n";
        for (file, source) in [
            (text.to_owned(), "environment variable SANCHAR__WITHHOLDING__RESTRICTED".to_owned()),
            (
                format!("[withholding]\nrestricted = 'quarantine'\n{text}"),
                "environment variable SANCHAR__WITHHOLDING__RESTRICTED".to_owned(),
            ),
            (format!("[withholding]\nrestricted = 'publish'\n{text}"), path.display().to_string()),
        ] {
            std::fs::write(&path, &file).unwrap();
            let table: toml::Table = toml::from_str(&file).unwrap();
            let mut table: Withholding = table["withholding"].clone().try_into().unwrap();
            table.restricted = Some(Restricted::Publish);
            let printed = table.to_toml(&path).unwrap();
            assert!(printed.starts_with(&format!("# {source}\nrestricted = \"publish\"\n")), "{printed}");
            assert!(printed.contains(&format!("# {}:", path.display())), "the rule is the file's: {printed}");
        }
    }

    #[test]
    fn mistakes_are_named_with_line_and_column_of_the_policy_file() {
        for (from, to, message) in [
            ("order 12 of 2026", " ", "policy.toml:6:11: rules[0].because is empty"),
            (
                "[\"child\"]",
                "[\"informant\"]",
                "policy.toml:11:9: lifted[0].rules name `informant`, which may not be lifted",
            ),
            (
                "name = \"no",
                "nam = \"no",
                "policy.toml:5:1: rules.nam: unknown field `nam`, did you mean `name`?",
            ),
            (
                "\"publish\"",
                "\"publsh\"",
                "policy.toml:2:14: restricted: unknown variant `publsh`, did you mean `publish`?",
            ),
            ("[[lifted]]", "[[lift]]", "policy.toml:10:3: lift: unknown field `lift`"),
        ] {
            let error = read(&POLICY.replace(from, to), "policy = 'policy.toml'").unwrap_err();
            assert!(error.starts_with(message), "{error}\nshould be\n{message}");
        }
        let error = read(POLICY, "policy = 'polic.toml'").unwrap_err();
        assert!(
            error.starts_with("withholding.policy cannot be read from polic.toml (No such file"),
            "{error}"
        );
    }

    #[test]
    fn rules_stand_in_one_place_only() {
        for table in [
            "restricted = 'quarantine'",
            "lifted = [{ rules = ['child'], kinds = ['MISSING_PERSON'], order = 'x' }]",
        ] {
            let error = read(POLICY, &format!("policy = 'policy.toml'\n{table}")).unwrap_err();
            let key = table.split(' ').next().unwrap();
            let message = format!(
                "withholding.{key} is set here, while withholding.policy names policy.toml: keep all of it"
            );
            assert!(error.starts_with(&message), "{error}");
        }
    }

    #[test]
    fn a_policy_that_was_not_read_lets_nothing_out() {
        let table: Withholding = toml::from_str("policy = 'policy.toml'").unwrap();
        assert!(table.check_policy_is_read().unwrap_err().to_string().contains("was not read"));
        assert!(Withholding::default().check_policy_is_read().is_ok());
    }
}

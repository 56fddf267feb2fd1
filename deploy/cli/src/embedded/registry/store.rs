//! What the embedded registry knows, and its answers as values. Knows nothing of HTTP beyond the numbers in a refusal.

use std::collections::BTreeMap;
use std::fmt;

use apache_avro::Schema;
use sanchar_schemas::schema::check_full_compatibility;
use serde::Deserialize;
use serde_json::{Value, json};

/// The most schemas it takes. A demonstration has a handful.
const SCHEMAS_MAX: usize = 1_000;

/// Schemas by id, and each subject's versions. Ids and versions count from 1.
#[derive(Debug, Default)]
pub(super) struct Store {
    schemas: Vec<Stored>,
    subjects: BTreeMap<String, Vec<u32>>,
    rule: Rule,
    rules: BTreeMap<String, Rule>,
}

#[derive(Debug)]
struct Stored {
    text: String,
    /// The text as a value, so that white space makes no difference.
    json: Value,
    schema: Schema,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Rule {
    None,
    #[default]
    FullTransitive,
}

/// A version of a subject in a path: a number, or `latest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Number(usize),
    Latest,
}

/// A refusal in the API's own form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: u32,
    pub(super) message: String,
}

impl Store {
    pub(super) fn subjects(&self) -> Vec<&str> {
        self.subjects.keys().map(String::as_str).collect()
    }

    pub(super) fn versions(&self, subject: &str) -> Result<Vec<usize>, Refusal> {
        Ok((1..=self.ids(subject)?.len()).collect())
    }

    pub(super) fn version(&self, subject: &str, version: Version) -> Result<Value, Refusal> {
        let ids = self.ids(subject)?;
        let number = version.number(ids.len());
        let id = number.checked_sub(1).and_then(|i| ids.get(i)).ok_or_else(Refusal::no_such_version)?;
        Ok(json!({ "subject": subject, "version": number, "id": id, "schema": self.schema(*id)? }))
    }

    pub(super) fn schema(&self, id: u32) -> Result<&str, Refusal> {
        self.stored(id).map(|stored| stored.text.as_str()).ok_or_else(Refusal::no_such_schema)
    }

    pub(super) fn look_up(&self, subject: &str, text: &str) -> Result<Value, Refusal> {
        let wanted = Stored::parse(text)?;
        let ids = self.ids(subject)?;
        let found =
            (1..).zip(ids).find(|(_, id)| self.stored(**id).is_some_and(|stored| stored.json == wanted.json));
        let (version, id): (usize, &u32) = found.ok_or_else(Refusal::no_such_schema)?;
        Ok(json!({ "subject": subject, "version": version, "id": id, "schema": text }))
    }

    /// The id of the schema, which is the same under every subject.
    pub(super) fn register(&mut self, subject: &str, text: &str) -> Result<u32, Refusal> {
        let new = Stored::parse(text)?;
        let known = (1..).zip(&self.schemas).find(|(_, stored)| stored.json == new.json).map(|(id, _)| id);
        let ids = self.subjects.get(subject).map(Vec::as_slice).unwrap_or_default();
        if let Some(id) = known.filter(|id| ids.contains(id)) {
            return Ok(id);
        }
        if let Some(reason) = self.incompatibility(self.rule_for(subject), ids, &new.schema) {
            return Err(Refusal::incompatible(reason));
        }
        let id = match known {
            Some(id) => id,
            None => self.add(new)?,
        };
        self.subjects.entry(subject.to_owned()).or_default().push(id);
        Ok(id)
    }

    fn add(&mut self, new: Stored) -> Result<u32, Refusal> {
        if self.schemas.len() >= SCHEMAS_MAX {
            return Err(Refusal::invalid_schema(format!(
                "the embedded registry takes {SCHEMAS_MAX} schemas at most"
            )));
        }
        self.schemas.push(new);
        u32::try_from(self.schemas.len()).map_err(Refusal::invalid_schema)
    }

    /// Why the schema is not compatible with one version of the subject, or with all; `None` if it is.
    pub(super) fn compatible(
        &self,
        subject: &str,
        version: Option<Version>,
        text: &str,
    ) -> Result<Option<String>, Refusal> {
        let new = Stored::parse(text)?;
        let ids = self.ids(subject)?;
        let against = match version.map(|version| version.number(ids.len())) {
            None => ids,
            Some(number) => {
                let first = number.checked_sub(1).ok_or_else(Refusal::no_such_version)?;
                ids.get(first..number).ok_or_else(Refusal::no_such_version)?
            }
        };
        Ok(self.incompatibility(self.rule_for(subject), against, &new.schema))
    }

    pub(super) fn rule(&self, subject: Option<&str>) -> String {
        subject.map_or(self.rule, |subject| self.rule_for(subject)).to_string()
    }

    pub(super) fn set_rule(&mut self, subject: Option<&str>, rule: &str) -> Result<String, Refusal> {
        let rule = Rule::parse(rule)?;
        match subject {
            Some(subject) => drop(self.rules.insert(subject.to_owned(), rule)),
            None => self.rule = rule,
        }
        Ok(rule.to_string())
    }

    fn rule_for(&self, subject: &str) -> Rule {
        self.rules.get(subject).copied().unwrap_or(self.rule)
    }

    fn incompatibility(&self, rule: Rule, ids: &[u32], new: &Schema) -> Option<String> {
        if rule == Rule::None {
            return None;
        }
        let held = ids.iter().filter_map(|id| self.stored(*id));
        held.into_iter().find_map(|stored| check_full_compatibility(&stored.schema, new).err())
    }

    fn ids(&self, subject: &str) -> Result<&[u32], Refusal> {
        self.subjects.get(subject).map(Vec::as_slice).ok_or_else(Refusal::no_such_subject)
    }

    fn stored(&self, id: u32) -> Option<&Stored> {
        self.schemas.get(usize::try_from(id).ok()?.checked_sub(1)?)
    }
}

impl Stored {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let schema = Schema::parse_str(text).map_err(Refusal::invalid_schema)?;
        // A primitive may be written bare, as in `string`.
        let json = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        Ok(Self { text: text.to_owned(), json, schema })
    }
}

impl Rule {
    fn parse(name: &str) -> Result<Self, Refusal> {
        match name {
            "NONE" => Ok(Self::None),
            "FULL_TRANSITIVE" => Ok(Self::FullTransitive),
            _ => Err(Refusal::new(422, 42_203, "the embedded registry knows NONE and FULL_TRANSITIVE")),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "NONE",
            Self::FullTransitive => "FULL_TRANSITIVE",
        })
    }
}

impl Version {
    const fn number(self, count: usize) -> usize {
        match self {
            Self::Number(number) => number,
            Self::Latest => count,
        }
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "latest" => Ok(Self::Latest),
            number => number.parse().map(Self::Number).map_err(serde::de::Error::custom),
        }
    }
}

impl Refusal {
    fn new(status: u16, code: u32, message: impl fmt::Display) -> Self {
        Self { status, code, message: message.to_string() }
    }

    fn no_such_subject() -> Self {
        Self::new(404, 40_401, "Subject not found")
    }

    fn no_such_version() -> Self {
        Self::new(404, 40_402, "Version not found")
    }

    fn no_such_schema() -> Self {
        Self::new(404, 40_403, "Schema not found")
    }

    pub(super) fn no_such_path() -> Self {
        Self::new(404, 404, "the embedded registry has no such path")
    }

    fn incompatible(reason: impl fmt::Display) -> Self {
        Self::new(409, 409, reason)
    }

    pub(super) fn invalid_schema(reason: impl fmt::Display) -> Self {
        Self::new(422, 42_201, reason)
    }

    pub(super) fn bad_request(error: &serde_json::Error) -> Self {
        Self::new(400, 400, error)
    }
}

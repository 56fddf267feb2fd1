//! Released schemas: every version stays, its text self-contained, and their compatibility.
//!
//! A change to a record adds a version here and never edits an old one. Subjects are named after records
//! (RecordNameStrategy), since 36 topics carry the same record.

use apache_avro::Schema;
use apache_avro::schema_compatibility::SchemaCompatibility;
use std::sync::LazyLock;

/// A record of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Record {
    /// What a producer publishes.
    CrimeEvent,
    /// What a recipient reads.
    SharedCrimeEvent,
}

/// A released version of a record's schema.
#[derive(Debug)]
pub struct Release {
    /// 1, 2, …
    pub version: u32,
    /// Self-contained schema text (JSON), as registered.
    pub text: String,
    /// The same, parsed.
    pub schema: Schema,
}

const CRIME_EVENT: &[&str] = &[include_str!("../avro/crime-event/v1.avsc")];
/// Each version with the version of the crime event that it embeds.
const SHARED_CRIME_EVENT: &[(&str, &str)] = &[
    (include_str!("../avro/shared-crime-event/v1.avsc"), include_str!("../avro/crime-event/v1.avsc")),
    (include_str!("../avro/shared-crime-event/v2.avsc"), include_str!("../avro/crime-event/v1.avsc")),
];

impl Record {
    /// All records.
    pub const ALL: [Self; 2] = [Self::CrimeEvent, Self::SharedCrimeEvent];

    /// Registry subject: the record's full name.
    #[must_use]
    pub const fn subject(self) -> &'static str {
        match self {
            Self::CrimeEvent => "sanchar.CrimeEvent",
            Self::SharedCrimeEvent => "sanchar.SharedCrimeEvent",
        }
    }

    /// Every released version, oldest first.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the schemas are compiled in and a test reads them")]
    pub fn releases(self) -> &'static [Release] {
        static EVENT: LazyLock<Vec<Release>> = LazyLock::new(|| {
            parse_all(CRIME_EVENT.iter().map(|text| compact(text))).expect("avro/crime-event is well formed")
        });
        static SHARED: LazyLock<Vec<Release>> = LazyLock::new(|| {
            parse_all(SHARED_CRIME_EVENT.iter().map(|(outer, event)| embed(outer, event)))
                .expect("avro/shared-crime-event is well formed")
        });
        match self {
            Self::CrimeEvent => &EVENT,
            Self::SharedCrimeEvent => &SHARED,
        }
    }

    /// The newest version: the one that is written.
    #[must_use]
    #[expect(clippy::expect_used, reason = "every record has a version")]
    pub fn latest(self) -> &'static Release {
        self.releases().last().expect("a record has at least one version")
    }
}

fn compact(text: &str) -> Result<String, serde_json::Error> {
    serde_json::from_str::<serde_json::Value>(text).map(|value| value.to_string())
}

/// Puts the crime event's definition in the place of its name, so that the text stands alone.
fn embed(outer: &str, event: &str) -> Result<String, serde_json::Error> {
    let name = serde_json::to_string(Record::CrimeEvent.subject())?;
    Ok(compact(outer)?.replacen(&name, &compact(event)?, 1))
}

#[derive(Debug, thiserror::Error)]
enum SchemaError {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Avro(#[from] apache_avro::Error),
}

fn parse_all(
    texts: impl Iterator<Item = Result<String, serde_json::Error>>,
) -> Result<Vec<Release>, SchemaError> {
    (1..)
        .zip(texts)
        .map(|(version, text)| {
            let text = text?;
            let schema = Schema::parse_str(&text)?;
            Ok(Release { version, text, schema })
        })
        .collect()
}

/// Whether readers of either schema can read what writers of the other wrote (FULL compatibility).
///
/// # Errors
/// With the first incompatibility found, in words.
pub fn check_full_compatibility(a: &Schema, b: &Schema) -> Result<(), String> {
    SchemaCompatibility::mutual_read(a, b).map(|_| ()).map_err(|e| e.to_string())
}

/// Whether two schemas write the same bytes for the same data (equal canonical forms).
#[must_use]
pub fn writes_same_bytes(a: &Schema, b: &Schema) -> bool {
    a.canonical_form() == b.canonical_form()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_versions_is_fully_compatible() {
        for record in Record::ALL {
            for a in record.releases() {
                for b in record.releases() {
                    check_full_compatibility(&a.schema, &b.schema)
                        .unwrap_or_else(|e| panic!("{record:?} v{} and v{}: {e}", a.version, b.version));
                }
            }
        }
    }

    #[test]
    fn an_incompatible_change_is_found() {
        let latest = &Record::CrimeEvent.latest().text;
        let changed =
            latest.replacen(r#""name":"revision","type":"long""#, r#""name":"revision","type":"string""#, 1);
        assert_ne!(*latest, changed);
        let changed = Schema::parse_str(&changed).unwrap();
        assert!(check_full_compatibility(&Record::CrimeEvent.latest().schema, &changed).is_err());
    }

    #[test]
    fn the_shared_schema_stands_alone() {
        let text = &Record::SharedCrimeEvent.latest().text;
        assert!(Schema::parse_str(text).is_ok());
        assert!(text.contains(r#""name":"CrimeEvent""#));
    }
}

//! The contract before a real registry: it takes the schemas, keeps their ids, and refuses what would break a reader.
//! Compatibility of the released versions with each other is tested in `schemas`, without a registry.

use anyhow::Result;
use sanchar_runtime::registry::{RegistryClient, RegistryConfig, RegistryError, SchemaId};
use sanchar_schemas::schema::Record;
use sanchar_tests::cluster::Cluster;

fn registry() -> Result<RegistryClient> {
    let url = Cluster::of_this_run()?.registry;
    Ok(RegistryClient::new(&RegistryConfig { url, ..RegistryConfig::default() })?)
}

/// A subject that no other test uses.
fn subject(record: Record, test: &str) -> String {
    format!("{test}-{}.{}", std::process::id(), record.subject())
}

/// The schema with one more optional field, as a next version might have it.
fn with_optional_field(text: &str) -> String {
    let field = r#""fields":[{"name":"remark","type":["null","string"],"default":null},"#;
    text.replacen("\"fields\":[", field, 1)
}

/// The schema with one more field that old data lacks.
fn with_mandatory_field(text: &str) -> String {
    text.replacen("\"fields\":[", r#""fields":[{"name":"remark","type":"string"},"#, 1)
}

#[tokio::test]
async fn every_release_is_accepted_and_the_same_text_has_the_same_id() -> Result<()> {
    let registry = registry()?;
    for record in Record::ALL {
        let subject = subject(record, "accepted");
        let mut ids: Vec<SchemaId> = Vec::new();
        for release in record.releases() {
            ids.push(registry.register(&subject, &release.text).await?);
        }
        for (release, id) in record.releases().iter().zip(&ids) {
            assert_eq!(registry.register(&subject, &release.text).await?, *id, "registered again");
            assert_eq!(registry.id_of(&subject, &release.text).await?, *id, "looked up");
            let schema = registry.schema_by_id(*id).await?;
            assert_eq!(
                schema.canonical_form(),
                release.schema.canonical_form(),
                "what is kept is what was given"
            );
        }
        let elsewhere = format!("{subject}-elsewhere");
        let latest = registry.register(&elsewhere, &record.latest().text).await?;
        assert_eq!(ids.last(), Some(&latest), "one text, one id, under whatever subject");
    }
    Ok(())
}

#[tokio::test]
async fn a_change_that_would_break_a_reader_is_refused() -> Result<()> {
    let registry = registry()?;
    for record in Record::ALL {
        let subject = subject(record, "refused");
        let text = &record.latest().text;
        registry.register(&subject, text).await?;
        registry.set_compatibility(&subject, "FULL_TRANSITIVE").await?;

        let breaking = with_mandatory_field(text);
        assert!(!registry.check_compatible(&subject, &breaking).await?);
        let refused = registry.register(&subject, &breaking).await;
        assert!(matches!(refused, Err(RegistryError::Incompatible { .. })), "{refused:?}");
        let unknown = registry.id_of(&subject, &breaking).await;
        assert!(matches!(unknown, Err(RegistryError::NotFound { .. })), "{unknown:?}");

        let harmless = with_optional_field(text);
        assert!(registry.check_compatible(&subject, &harmless).await?);
        registry.register(&subject, &harmless).await?;
        // Transitive: the third version is held against the first as well as the second.
        let third = harmless.replacen(r#"["null","string"],"default":null"#, r#""string","default":"""#, 1);
        assert_ne!(third, harmless);
        assert!(!registry.check_compatible(&subject, &third).await?, "{record:?}");
    }
    Ok(())
}

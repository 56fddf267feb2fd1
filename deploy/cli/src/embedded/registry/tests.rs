//! The embedded registry as our own client sees it, and the endpoints that only foreign clients use.

use sanchar_runtime::registry::{RegistryClient, RegistryConfig, RegistryError, SchemaId};
use sanchar_schemas::schema::Record;
use serde_json::Value;

use super::EmbeddedRegistry;

const SUBJECT: &str = "sanchar.CrimeEvent";

async fn started() -> (EmbeddedRegistry, RegistryClient) {
    let registry = EmbeddedRegistry::start().await.unwrap();
    let client =
        RegistryClient::new(&RegistryConfig { url: registry.url(), ..RegistryConfig::default() }).unwrap();
    (registry, client)
}

async fn get(registry: &EmbeddedRegistry, path: &str) -> (u16, Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = client.get(format!("{}{path}", registry.url())).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn every_release_is_registered_and_found_by_its_id() {
    let (_registry, client) = started().await;
    let registered = crate::schemas::register_all(&client).await.unwrap();
    let again = crate::schemas::register_all(&client).await.unwrap();
    assert_eq!(registered, again, "registering twice changes nothing");
    assert_eq!(client.subjects().await.unwrap(), ["sanchar.CrimeEvent", "sanchar.SharedCrimeEvent"]);
    for (record, version, id) in registered {
        let release = record.releases().iter().find(|release| release.version == version).unwrap();
        assert_eq!(client.id_of(record.subject(), &release.text).await.unwrap(), id);
        assert_eq!(client.schema_by_id(id).await.unwrap().canonical_form(), release.schema.canonical_form());
        assert!(client.check_compatible(record.subject(), &release.text).await.unwrap());
    }
}

#[tokio::test]
async fn an_incompatible_schema_is_refused_unless_the_rule_is_none() {
    let (_registry, client) = started().await;
    let latest = &Record::CrimeEvent.latest().text;
    client.register(SUBJECT, latest).await.unwrap();
    let changed =
        latest.replacen(r#""name":"revision","type":"long""#, r#""name":"revision","type":"string""#, 1);
    assert!(!client.check_compatible(SUBJECT, &changed).await.unwrap());
    assert!(matches!(client.register(SUBJECT, &changed).await, Err(RegistryError::Incompatible { .. })));
    client.set_compatibility(SUBJECT, "NONE").await.unwrap();
    assert_eq!(client.register(SUBJECT, &changed).await.unwrap(), SchemaId(2));
    let refused = client.set_compatibility(SUBJECT, "BACKWARD").await.unwrap_err().to_string();
    assert!(refused.contains("FULL_TRANSITIVE"), "{refused}");
}

#[tokio::test]
async fn what_is_unknown_or_no_schema_is_told_apart() {
    let (_registry, client) = started().await;
    assert!(matches!(client.schema_by_id(SchemaId(7)).await, Err(RegistryError::NotFound { .. })));
    assert!(matches!(client.id_of(SUBJECT, r#""string""#).await, Err(RegistryError::NotFound { .. })));
    assert!(matches!(
        client.register(SUBJECT, r#"{"type":"rekord"}"#).await,
        Err(RegistryError::Invalid { .. })
    ));
    assert!(client.check_compatible("new.Subject", r#""string""#).await.unwrap());
}

#[tokio::test]
async fn versions_and_rules_as_foreign_clients_read_them() {
    let (registry, client) = started().await;
    assert_eq!(get(&registry, "/subjects/x/versions").await.1["error_code"], 40_401);
    client.register("x", r#""string""#).await.unwrap();
    assert_eq!(get(&registry, "/subjects/x/versions").await, (200, serde_json::json!([1])));
    let (_, latest) = get(&registry, "/subjects/x/versions/latest").await;
    assert_eq!((&latest["version"], &latest["id"]), (&Value::from(1), &Value::from(1)));
    for version in ["0", "2"] {
        let (status, answer) = get(&registry, &format!("/subjects/x/versions/{version}")).await;
        assert_eq!((status, &answer["error_code"]), (404, &Value::from(40_402)));
    }
    assert_eq!(get(&registry, "/config").await.1["compatibilityLevel"], "FULL_TRANSITIVE");
    client.set_compatibility("x", "NONE").await.unwrap();
    assert_eq!(get(&registry, "/config/x").await.1["compatibilityLevel"], "NONE");
    assert_eq!(get(&registry, "/nowhere").await.0, 404);
}

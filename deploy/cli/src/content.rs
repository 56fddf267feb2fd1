//! What a record holds, decoded by the schema id in front of it. Whatever cannot be decoded is a value too, not an
//! error: the next record may be sound. A registry that gives no answer is one, for it says nothing of the record.

use std::collections::HashMap;

use sanchar_fanout::register::Entry;
use sanchar_runtime::lifecycle::Failure;
use sanchar_runtime::registry::{RegistryClient, RegistryError, SchemaId};
use sanchar_schemas::codec::{CodecError, Decoder};
use sanchar_schemas::schema::Record as RecordType;
use sanchar_schemas::topics::Topic;
use sanchar_schemas::{CrimeEvent, SharedCrimeEvent, wire};

use crate::dlq::receipts::Receipt;
use crate::reader::Record;

/// Schema versions that are kept ready. More than an installation ever has.
const DECODERS_MAX: usize = 256;

/// A record's content.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// What a state published.
    Reported(Box<CrimeEvent>),
    /// What a state received.
    Shared(Box<SharedCrimeEvent>),
    /// An entry of the deduplication register.
    Register(Entry),
    /// Note that a dead letter was sent back.
    Receipt(Receipt),
    /// The register forgets a record, or a receipt is taken back.
    Forgotten,
    /// None of these, and why.
    Undecodable(String),
}

/// Decodes records with the registry's schemas.
#[derive(Debug)]
pub(crate) struct Contents {
    registry: RegistryClient,
    decoders: HashMap<u32, (RecordType, Decoder)>,
}

impl Contents {
    pub(crate) fn new(registry: RegistryClient) -> Self {
        Self { registry, decoders: HashMap::new() }
    }

    /// The content of a record of `topic`.
    ///
    /// # Errors
    /// [`Failure`] (69) when the registry gives no answer.
    pub(crate) async fn of(&mut self, topic: Topic, record: &Record) -> Result<Content, Failure> {
        let content = match (topic, record.value.as_deref()) {
            (Topic::Register | Topic::Redriven, None) => Ok(Content::Forgotten),
            (Topic::Redriven, Some(value)) => {
                let receipt = serde_json::from_slice(value).map(Content::Receipt);
                receipt.map_err(|error| format!("not a receipt that this release writes: {error}").into())
            }
            (Topic::Register, Some(value)) => {
                let entry = Entry::from_bytes(value).map(Content::Register);
                entry.ok_or_else(|| "not an entry of the register that this release writes".to_owned().into())
            }
            (_, None) => Err("the record has no value".to_owned().into()),
            (_, Some(value)) => self.decode(value).await,
        };
        match content {
            Ok(content) => Ok(content),
            Err(Trouble::Record(why)) => Ok(Content::Undecodable(why)),
            Err(Trouble::Registry(error)) => Err(Failure::unavailable(error.to_string())),
        }
    }

    async fn decode(&mut self, value: &[u8]) -> Result<Content, Trouble> {
        let (id, datum) = wire::parse(value).map_err(|error| error.to_string())?;
        let (record_type, decoder) = self.decoder(id).await?;
        let malformed = |error: CodecError| Trouble::Record(format!("schema id {id}: {error}"));
        match record_type {
            RecordType::CrimeEvent => decoder.decode(datum).map(Content::Reported).map_err(malformed),
            RecordType::SharedCrimeEvent => decoder.decode(datum).map(Content::Shared).map_err(malformed),
        }
    }

    async fn decoder(&mut self, id: u32) -> Result<&(RecordType, Decoder), Trouble> {
        if !self.decoders.contains_key(&id) {
            let schema = self.registry.schema_by_id(SchemaId(id)).await?;
            let name = schema.name().map(ToString::to_string).unwrap_or_default();
            let known = RecordType::ALL.into_iter().find(|record| record.subject() == name);
            let record = known.ok_or_else(|| format!("schema id {id} is `{name}`, none of our records"))?;
            if self.decoders.len() >= DECODERS_MAX {
                self.decoders.clear();
            }
            self.decoders.insert(id, (record, Decoder::new(record, schema)));
        }
        self.decoders.get(&id).ok_or_else(|| format!("schema id {id} was not kept").into())
    }
}

/// Why there is no content.
enum Trouble {
    Record(String),
    Registry(RegistryError),
}

impl From<String> for Trouble {
    fn from(why: String) -> Self {
        Self::Record(why)
    }
}

impl From<RegistryError> for Trouble {
    fn from(error: RegistryError) -> Self {
        if error.is_retryable() { Self::Registry(error) } else { Self::Record(error.to_string()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded::EmbeddedRegistry;
    use sanchar_runtime::registry::RegistryConfig;
    use sanchar_schemas::codec;

    const EVENT: &str = include_str!("../../../schemas/examples/vehicle-stolen.json");

    fn event() -> CrimeEvent {
        serde_json::from_str(EVENT).unwrap()
    }

    async fn contents() -> (EmbeddedRegistry, Contents) {
        let registry = EmbeddedRegistry::start().await.unwrap();
        let config = RegistryConfig { url: registry.url(), ..RegistryConfig::default() };
        let client = RegistryClient::new(&config).unwrap();
        crate::schemas::register_all(&client).await.unwrap();
        (registry, Contents::new(client))
    }

    fn with_value(value: &[u8]) -> Record {
        Record { value: Some(value.to_vec()), ..Record::default() }
    }

    #[tokio::test]
    async fn an_event_is_decoded_by_its_schema_id() {
        let (_registry, mut contents) = contents().await;
        let value = wire::frame(1, &codec::encode_event(&event()).unwrap());
        let topic = Topic::Reported(event().origin);
        for _ in 0..2 {
            assert_eq!(
                contents.of(topic, &with_value(&value)).await.unwrap(),
                Content::Reported(Box::new(event()))
            );
        }
    }

    #[tokio::test]
    async fn what_cannot_be_decoded_says_why() {
        let (_registry, mut contents) = contents().await;
        contents.registry.register("x", r#"{"type":"record","name":"x.Other","fields":[]}"#).await.unwrap();
        let datum = codec::encode_event(&event()).unwrap();
        for (value, reason) in [
            (vec![], "shorter than the five bytes"),
            (vec![9, 0, 0, 0, 1, 2], "0x09"),
            (wire::frame(1, &datum[..20]), "schema id 1: the datum does not follow its schema"),
            (wire::frame(77, &datum), "does not know schema id 77"),
            (wire::frame(4, &[]), "schema id 4 is `x.Other`"),
        ] {
            let Content::Undecodable(why) = contents.of(Topic::Dlq, &with_value(&value)).await.unwrap()
            else {
                panic!()
            };
            assert!(why.contains(reason), "{why}");
        }
        assert!(matches!(
            contents.of(Topic::Dlq, &Record::default()).await.unwrap(),
            Content::Undecodable(_)
        ));
    }

    #[tokio::test]
    async fn the_register_needs_no_registry() {
        let config = RegistryConfig { url: "http://127.0.0.1:1".into(), ..RegistryConfig::default() };
        let mut contents = Contents::new(RegistryClient::new(&config).unwrap());
        let entry = Entry {
            revision: 7,
            content_hash: event().content_hash,
            recipients: sanchar_schemas::StateSet::EMPTY,
            last_seen_ms: 1,
        };
        let record = with_value(&entry.to_bytes());
        assert_eq!(contents.of(Topic::Register, &record).await.unwrap(), Content::Register(entry));
        assert_eq!(contents.of(Topic::Register, &Record::default()).await.unwrap(), Content::Forgotten);
        assert!(matches!(
            contents.of(Topic::Register, &with_value(b"x")).await.unwrap(),
            Content::Undecodable(_)
        ));
    }

    #[tokio::test]
    async fn a_receipt_is_read_as_it_stands() {
        let config = RegistryConfig { url: "http://127.0.0.1:1".into(), ..RegistryConfig::default() };
        let mut contents = Contents::new(RegistryClient::new(&config).unwrap());
        let receipt = Receipt { letter_at_ms: Some(1), copies: Vec::new() };
        let record = with_value(&serde_json::to_vec(&receipt).unwrap());
        assert_eq!(contents.of(Topic::Redriven, &record).await.unwrap(), Content::Receipt(receipt));
        let broken = contents.of(Topic::Redriven, &with_value(b"{}")).await.unwrap();
        assert!(matches!(broken, Content::Undecodable(_)), "{broken:?}");
    }

    #[tokio::test]
    async fn a_registry_that_is_away_says_nothing_of_a_record() {
        let config = RegistryConfig { url: "http://127.0.0.1:1".into(), ..RegistryConfig::default() };
        let mut contents = Contents::new(RegistryClient::new(&config).unwrap());
        let value = wire::frame(1, &codec::encode_event(&event()).unwrap());
        let failure = contents.of(Topic::Dlq, &with_value(&value)).await.unwrap_err();
        assert_eq!(failure.exit_code(), sanchar_runtime::lifecycle::ExitCode::Unavailable);
    }
}

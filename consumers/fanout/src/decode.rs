//! Message to datum: wire format, the writer's schema from the registry, the event's bytes.
//!
//! A registry that is down delays records. An id that it does not know waits a little ([`crate::patience`]).

use crate::patience::Patience;
use crate::reasons::PoisonReason;
use prometheus::IntCounter;
use sanchar_runtime::clock::Clock;
use sanchar_runtime::lifecycle::Failure;
use sanchar_runtime::registry::{RegistryClient, RegistryError, SchemaId};
use sanchar_schemas::codec::{self, CodecError, Decoder};
use sanchar_schemas::schema::Record;
use sanchar_schemas::{CrimeEvent, Outline, wire};
use sanchar_stream::Refusal;
use sanchar_stream::client::Message;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Most schema versions that are kept ready. More than an installation ever has.
const DECODERS_MAX: usize = 256;

/// Decodes events by the schema they were written with.
pub(crate) struct EventDecoder {
    registry: RegistryClient,
    runtime: Handle,
    clock: Arc<dyn Clock>,
    patience: Patience,
    /// Times that the registry did not answer.
    registry_errors: IntCounter,
    decoders: HashMap<u32, Decoder>,
}

/// The Avro datum of an event, in the newest version of its schema.
pub(crate) struct Datum<'m> {
    /// As the origin wrote it, or written again where its schema was an older one.
    pub(crate) bytes: Cow<'m, [u8]>,
    /// Whether it was written again.
    pub(crate) is_re_encoded: bool,
}

impl Datum<'_> {
    /// What decisions need of it.
    pub(crate) fn outline(&self) -> Result<Outline<'_>, Refusal> {
        Outline::read(&self.bytes).map_err(|error| malformed(&error))
    }
}

fn malformed(error: &CodecError) -> Refusal {
    Refusal::Poison(PoisonReason::Malformed.poison(error.to_string()))
}

impl EventDecoder {
    pub(crate) fn new(
        registry: RegistryClient,
        runtime: Handle,
        clock: Arc<dyn Clock>,
        patience: Patience,
        registry_errors: IntCounter,
    ) -> Self {
        Self { registry, runtime, clock, patience, registry_errors, decoders: HashMap::new() }
    }

    pub(crate) fn decode<'m>(&mut self, message: &'m dyn Message, now_ms: i64) -> Result<Datum<'m>, Refusal> {
        let poison = |reason: PoisonReason, text: &str| Refusal::Poison(reason.poison(text));
        let value =
            message.value().ok_or_else(|| poison(PoisonReason::NoValue, "the record has no value"))?;
        let (id, datum) = wire::parse(value).map_err(|e| poison(PoisonReason::WireFormat, &e.to_string()))?;
        let age_ms = message.timestamp_ms().map_or(u64::MAX, |ms| u64::try_from(now_ms - ms).unwrap_or(0));
        let decoder = self.decoder(id, age_ms)?;
        if decoder.is_current() {
            return Ok(Datum { bytes: Cow::Borrowed(datum), is_re_encoded: false });
        }
        let event: CrimeEvent = decoder.decode(datum).map_err(|error| malformed(&error))?;
        let bytes = codec::encode_event(&event).map_err(|error| {
            Refusal::Fatal(Failure::internal(format!("an event that was decoded cannot be encoded: {error}")))
        })?;
        Ok(Datum { bytes: Cow::Owned(bytes), is_re_encoded: true })
    }

    fn decoder(&mut self, id: u32, age_ms: u64) -> Result<&Decoder, Refusal> {
        if !self.decoders.contains_key(&id) {
            let decoder = self.look_up(id, age_ms)?;
            if self.decoders.len() >= DECODERS_MAX {
                self.decoders.clear();
            }
            self.decoders.insert(id, decoder);
        }
        self.decoders.get(&id).ok_or_else(|| Refusal::Retryable("a decoder was dropped".to_owned()))
    }

    fn look_up(&mut self, id: u32, age_ms: u64) -> Result<Decoder, Refusal> {
        let poison = |reason: PoisonReason, text: String| Refusal::Poison(reason.poison(text));
        let schema = match self.registry.schema_by_id_blocking(&self.runtime, SchemaId(id)) {
            Ok(schema) => schema,
            Err(error) if error.is_retryable() => {
                self.registry_errors.inc();
                return Err(Refusal::Retryable(error.to_string()));
            }
            Err(error @ RegistryError::NotFound { .. }) => {
                let is_over = self.patience.is_over(id, age_ms, self.clock.uptime_ms());
                let text = error.to_string();
                return Err(if is_over {
                    poison(PoisonReason::UnknownSchema, text)
                } else {
                    Refusal::Retryable(text)
                });
            }
            Err(error) => return Err(poison(PoisonReason::WrongSchema, error.to_string())),
        };
        let name = schema.name().map(ToString::to_string).unwrap_or_default();
        if name != Record::CrimeEvent.subject() {
            let text = format!("schema id {id} is not that of {}", Record::CrimeEvent.subject());
            return Err(poison(PoisonReason::WrongSchema, text));
        }
        Ok(Decoder::new(Record::CrimeEvent, schema))
    }
}

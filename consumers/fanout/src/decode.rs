//! Message to datum: wire format, the writer's schema from the registry, the event's bytes.
//!
//! A registry that is down delays records. An id that it does not know waits a little ([`crate::patience`]). Such an
//! answer is remembered for a moment: a batch may be full of that id, and each question takes a part of its transaction's time.

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

/// How long the registry is not asked again about an id that it has no schema of, in milliseconds.
const REFUSED_MS: u64 = 250;

/// Decodes events by the schema they were written with.
pub(crate) struct EventDecoder {
    registry: RegistryClient,
    runtime: Handle,
    clock: Arc<dyn Clock>,
    patience: Patience,
    /// Times that the registry did not answer.
    registry_errors: IntCounter,
    decoders: HashMap<u32, Decoder>,
    /// Ids that the registry gave no schema for, what it said, and until when it is not asked again, in milliseconds of uptime.
    refused: HashMap<u32, (u64, RegistryError)>,
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
        let (decoders, refused) = (HashMap::new(), HashMap::new());
        Self { registry, runtime, clock, patience, registry_errors, decoders, refused }
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
        let poison =
            |reason: PoisonReason, error: &RegistryError| Refusal::Poison(reason.poison(error.to_string()));
        self.ask(id).map_err(|error| match error {
            error if error.is_retryable() => {
                self.registry_errors.inc();
                Refusal::Retryable(error.to_string())
            }
            error @ RegistryError::NotFound { .. } => {
                let is_over = self.patience.is_over(id, age_ms, self.clock.uptime_ms());
                if is_over {
                    poison(PoisonReason::UnknownSchema, &error)
                } else {
                    Refusal::Retryable(error.to_string())
                }
            }
            error => poison(PoisonReason::WrongSchema, &error),
        })
    }

    /// Asks the registry, unless it has just said that it has no schema of an event under this id.
    fn ask(&mut self, id: u32) -> Result<Decoder, RegistryError> {
        let uptime_ms = self.clock.uptime_ms();
        if let Some((_, error)) = self.refused.get(&id).filter(|(until_ms, _)| uptime_ms < *until_ms) {
            return Err(error.clone());
        }
        let answer = self.registry.schema_by_id_blocking(&self.runtime, SchemaId(id));
        let decoder = answer.and_then(|schema| {
            let name = schema.name().map(ToString::to_string).unwrap_or_default();
            if name == Record::CrimeEvent.subject() {
                return Ok(Decoder::new(Record::CrimeEvent, schema));
            }
            let reason = format!("it is not that of {}", Record::CrimeEvent.subject());
            Err(RegistryError::Invalid { what: format!("schema id {id}"), reason })
        });
        if let Err(error) = &decoder
            && !error.is_retryable()
        {
            if self.refused.len() >= DECODERS_MAX {
                self.refused.clear();
            }
            self.refused.insert(id, (uptime_ms + REFUSED_MS, error.clone()));
        }
        decoder
    }
}

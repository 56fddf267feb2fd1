//! Avro encoding and decoding of the contract's records: written by [`crate::datum`], read by the general codec (crate
//! `apache-avro`).
//!
//! An event written with the current schema is decoded directly. One written with another version is
//! resolved first; that slow path is for producers that were not upgraded yet, and callers count it.

use crate::datum;
use crate::enrichment::Enrichment;
use crate::event::CrimeEvent;
use crate::schema::{Record, writes_same_bytes};
use crate::shared::SharedCrimeEvent;
use crate::skim::{Flaw, Shape};
use apache_avro::error::Details;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::{Schema, from_value};
use serde::de::DeserializeOwned;
use std::io::{self, ErrorKind, Read};
use std::sync::{Arc, LazyLock};

/// No string or list of a datum may ask for more memory than this, in bytes: more than the largest message.
const ALLOCATION_BYTES_MAX: usize = 2 << 20;
/// The longest text that is taken over from the general codec, in characters. It likes to print whole schemas.
const PROBLEM_CHARS_MAX: usize = 200;

/// Why a datum cannot be read or written. The text names fields and types, never values.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// Not a datum of the schema: cut short, or of another type.
    #[error("the datum does not follow its schema: {0}")]
    Malformed(String),
    /// Bytes are left after the datum.
    #[error("{0} bytes are left after the datum")]
    Trailing(usize),
}

impl From<apache_avro::Error> for CodecError {
    /// Takes over only what holds no value of the datum.
    fn from(error: apache_avro::Error) -> Self {
        let problem = match error.into_details() {
            Details::ReadVariableIntegerBytes(_)
            | Details::ReadBoolean(_)
            | Details::ReadBytes(_)
            | Details::ReadDouble(_)
            | Details::ReadFixed(..)
            | Details::ReadString(_) => "it is cut short".to_owned(),
            Details::MemoryAllocation { .. } => {
                format!("a text or list of it claims to be larger than {ALLOCATION_BYTES_MAX} bytes")
            }
            Details::DeserializeValue(problem) | Details::DeserializeSchemaAware { value: problem, .. } => {
                problem
            }
            _ => "a value of it does not have the type of its field".to_owned(),
        };
        Self::Malformed(problem.chars().take(PROBLEM_CHARS_MAX).collect())
    }
}

impl From<Flaw> for CodecError {
    fn from(flaw: Flaw) -> Self {
        Self::Malformed(flaw.to_string())
    }
}

/// Reads records of one type as written with one version of its schema.
#[derive(Debug, Clone)]
pub struct Decoder {
    record: Record,
    /// The writer's schema where it differs from the current one.
    other_writer: Option<Arc<Schema>>,
}

impl Decoder {
    /// A decoder for data written with `writer`.
    #[must_use]
    pub fn new(record: Record, writer: Arc<Schema>) -> Self {
        let current = writes_same_bytes(&writer, &record.latest().schema);
        Self { record, other_writer: (!current).then_some(writer) }
    }

    /// A decoder for data written with the newest version.
    #[must_use]
    pub const fn current(record: Record) -> Self {
        Self { record, other_writer: None }
    }

    /// Whether the writer used the current schema, so that its bytes can be passed on as they are.
    #[must_use]
    pub const fn is_current(&self) -> bool {
        self.other_writer.is_none()
    }

    /// Decodes a whole datum.
    ///
    /// # Errors
    /// When the bytes do not follow the writer's schema or are more than one datum.
    pub fn decode<T: DeserializeOwned>(&self, datum: &[u8]) -> Result<T, CodecError> {
        apache_avro::util::max_allocation_bytes(ALLOCATION_BYTES_MAX);
        let mut rest = datum;
        let value = match &self.other_writer {
            None => reader(self.record).read_deser(&mut rest)?,
            Some(writer) => {
                let reader_schema = &self.record.latest().schema;
                let resolving = GenericDatumReader::builder(writer).reader_schema(reader_schema).build()?;
                from_value(&resolving.read_value(&mut Strict(&mut rest))?)?
            }
        };
        if rest.is_empty() { Ok(value) } else { Err(CodecError::Trailing(rest.len())) }
    }
}

/// Reads from memory and calls its end an error of its own, because the general codec takes an early end of a
/// datum for null.
struct Strict<'d, 's>(&'s mut &'d [u8]);

impl Read for Strict<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() && !buffer.is_empty() {
            Err(ErrorKind::InvalidData.into())
        } else {
            self.0.read(buffer)
        }
    }
}

#[expect(clippy::expect_used, reason = "the schemas are compiled in and a test reads them")]
fn reader(record: Record) -> &'static GenericDatumReader<'static> {
    fn build(record: Record) -> GenericDatumReader<'static> {
        GenericDatumReader::builder(&record.latest().schema)
            .human_readable(false)
            .build()
            .expect("a released schema resolves")
    }
    static EVENT: LazyLock<GenericDatumReader<'static>> = LazyLock::new(|| build(Record::CrimeEvent));
    static SHARED: LazyLock<GenericDatumReader<'static>> = LazyLock::new(|| build(Record::SharedCrimeEvent));
    match record {
        Record::CrimeEvent => &EVENT,
        Record::SharedCrimeEvent => &SHARED,
    }
}

#[expect(clippy::expect_used, reason = "the schemas are compiled in and a test reads them")]
fn shape(record: Record) -> Shape {
    Shape::of(&record.latest().schema).expect("a released schema holds types that its records have")
}

/// Avro datum of an event, in the newest version.
///
/// # Errors
/// Only when the Rust type and the schema have come apart, which the golden examples rule out.
pub fn encode_event(event: &CrimeEvent) -> Result<Vec<u8>, CodecError> {
    let mut datum = Vec::with_capacity(1024);
    append_event(event, &mut datum)?;
    Ok(datum)
}

/// Appends the same to a message that has begun.
///
/// # Errors
/// As [`encode_event`].
pub fn append_event(event: &CrimeEvent, message: &mut Vec<u8>) -> Result<(), CodecError> {
    static SHAPE: LazyLock<Shape> = LazyLock::new(|| shape(Record::CrimeEvent));
    Ok(datum::append(event, &SHAPE, message)?)
}

/// Avro datum of a shared event, in the newest version. The fan-out service splices instead
/// ([`crate::shared::splice_delivery`]); this is for tests and tools.
///
/// # Errors
/// As [`encode_event`].
pub fn encode_shared(shared: &SharedCrimeEvent) -> Result<Vec<u8>, CodecError> {
    Ok(datum::write(shared, &SHARED)?)
}

/// Avro bytes of the `enrichment` field of a shared event.
///
/// # Errors
/// As [`encode_event`].
pub fn encode_enrichment(enrichment: &Enrichment<'_>) -> Result<Vec<u8>, CodecError> {
    let field = SHARED.field("enrichment").ok_or(Flaw::Type)?;
    Ok(datum::write(enrichment, field)?)
}

static SHARED: LazyLock<Shape> = LazyLock::new(|| shape(Record::SharedCrimeEvent));

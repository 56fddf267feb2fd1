//! Reading with the schemas of the registry through the general Avro library, and what the judge wants that to be: strict
//! about the end of the bytes, and quick.
//!
//! A schema that was parsed once stays for as long as the process lives, for it takes longer to get ready than to read a
//! hundred records. There are as many as the registry has texts of ours.

use apache_avro::error::Details;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value;
use apache_avro::{Error, Schema};
use std::collections::HashMap;
use std::io::{self, ErrorKind, Read};
use std::sync::{LazyLock, Mutex, PoisonError};

/// Full names of the records in the topics.
const EVENT: &str = "sanchar.CrimeEvent";
const SHARED: &str = "sanchar.SharedCrimeEvent";

/// A schema that is ready to read with.
pub(super) enum Ready {
    /// That of events.
    Event(Form),
    /// That of inboxes: its fields in their order.
    Shared(Vec<Field>),
    /// Another record's, or none.
    Other,
}

/// How events are written, and what reads them.
pub(super) struct Form {
    /// The same for all schemas that write the same bytes.
    pub(super) canonical: String,
    pub(super) reader: Reader,
}

/// A field of a shared record.
pub(super) enum Field {
    /// What it tells.
    Notice(Reader),
    /// The event, or none: the branch that is an event, and how it is written.
    Event(usize, Form),
    /// What was added.
    Enrichment(Reader),
}

type Parsed = Mutex<HashMap<String, &'static Ready>>;

/// The schema of a text.
pub(super) fn ready(text: &str) -> &'static Ready {
    static PARSED: LazyLock<Parsed> = LazyLock::new(Parsed::default);
    let mut parsed = PARSED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = parsed.get(text) {
        return known;
    }
    let ready: &'static Ready = Box::leak(Box::new(understood(text).unwrap_or(Ready::Other)));
    parsed.insert(text.to_owned(), ready);
    ready
}

/// `None` where it is no schema that a topic of ours can have.
fn understood(text: &str) -> Option<Ready> {
    let schema: &'static Schema = Box::leak(Box::new(Schema::parse_str(text).ok()?));
    let Schema::Record(record) = schema else { return None };
    match record.name.to_string().as_str() {
        EVENT => Some(Ready::Event(Form::of(schema)?)),
        SHARED => {
            let fields = record.fields.iter().map(|field| match (field.name.as_str(), &field.schema) {
                ("notice", schema) => Some(Field::Notice(Reader::of(schema)?)),
                ("enrichment", schema) => Some(Field::Enrichment(Reader::of(schema)?)),
                ("event", Schema::Union(union)) => {
                    let is_event = |branch: &&Schema| matches!(branch, Schema::Record(_));
                    let (number, branch) =
                        union.variants().iter().enumerate().find(|(_, branch)| is_event(branch))?;
                    Some(Field::Event(number, Form::of(branch)?))
                }
                _ => None,
            });
            fields.collect::<Option<_>>().map(Ready::Shared)
        }
        _ => None,
    }
}

impl Form {
    fn of(schema: &'static Schema) -> Option<Self> {
        Some(Self { canonical: schema.canonical_form(), reader: Reader::of(schema)? })
    }
}

/// Reads values of one schema.
pub(super) struct Reader(GenericDatumReader<'static>);

/// Why bytes cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// They do not follow their schema.
    Malformed,
    /// A text or list of them is longer than the general codec takes in this process.
    Long,
}

impl Reader {
    fn of(schema: &'static Schema) -> Option<Self> {
        // For every process that has not set the limit yet: the first one to ask decides.
        apache_avro::util::max_allocation_bytes(64 << 20);
        GenericDatumReader::builder(schema).build().ok().map(Self)
    }

    /// Takes one value from the front of the bytes.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub(super) fn take(&self, bytes: &mut &[u8]) -> Result<Value, Unreadable> {
        self.0.read_value(&mut bytes.by_ref().chain(Nothing)).map_err(unreadable)
    }
}

/// Takes the number of a union's branch from the front of the bytes.
pub(super) fn take_branch(bytes: &mut &[u8]) -> Option<usize> {
    let reader = Reader::of(&Schema::Long)?;
    match reader.take(bytes) {
        Ok(Value::Long(number)) => usize::try_from(number).ok(),
        _ => None,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err hands over")]
fn unreadable(error: Error) -> Unreadable {
    match error.details() {
        Details::MemoryAllocation { .. } => Unreadable::Long,
        _ => Unreadable::Malformed,
    }
}

/// Stands behind the bytes: whoever reads on fails, for the codec takes a quiet end for null.
struct Nothing;

impl Read for Nothing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::InvalidInput.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_early_end_is_no_null() {
        let optional: &'static Schema =
            Box::leak(Box::new(Schema::parse_str(r#"["null", "string"]"#).unwrap()));
        let optional = Reader::of(optional).unwrap();
        assert_eq!(optional.take(&mut &[][..]), Err(Unreadable::Malformed));
        assert_eq!(
            Reader::of(&Schema::String).unwrap().take(&mut &[4, b'a'][..]),
            Err(Unreadable::Malformed)
        );
        let mut bytes = &[2, 2, b'a', 7][..];
        let text = Value::Union(1, Box::new(Value::String("a".to_owned())));
        assert_eq!(optional.take(&mut bytes), Ok(text));
        assert_eq!(bytes, [7]);
    }

    #[test]
    fn a_text_is_parsed_once() {
        assert!(std::ptr::eq(ready("\"string\""), ready("\"string\"")));
        assert!(matches!(ready("no schema"), Ready::Other));
    }
}

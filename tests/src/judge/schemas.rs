//! From a record's bytes to values: the five bytes in front, the schema that the registry gives for the id in them.
//!
//! Each id is asked for once. Whoever judges gives the registry as a function, so that a test needs none.

use super::avro::{Field, Ready, Unreadable, ready, take_branch};
use super::borders::States;
use super::event::{Event, field, fingerprint, items, states, text};
use super::fate::Poison;
use super::rules::inbox_bytes_max;
use anyhow::{Context as _, Result, bail, ensure};
use apache_avro::types::Value;
use std::collections::HashMap;
use std::time::Duration;

/// How long the registry may take for one answer.
const ANSWER: Duration = Duration::from_secs(10);

/// What the registry answers about a schema id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The text of an Avro schema.
    Avro(String),
    /// A schema that is no Avro schema of its own.
    Other,
    /// There is none of this id.
    Unknown,
}

/// An event that was read, and its bytes.
#[derive(Debug)]
pub struct Reported<'r> {
    /// What the rules need of it.
    pub event: Event,
    /// Its Avro datum.
    pub datum: &'r [u8],
}

/// What a shared record tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notice {
    /// An event.
    Delivery,
    /// That the recipient should forget it.
    Withdrawal,
}

/// A record of an inbox.
#[derive(Debug)]
pub struct Shared {
    /// What it tells.
    pub notice: Notice,
    /// The event in it, with the fingerprint of its bytes; none in a withdrawal.
    pub event: Option<(Event, u64)>,
    /// The identity that is repeated beside the event.
    pub told: Told,
}

/// What the enrichment repeats of the event.
#[derive(Debug)]
pub struct Told {
    /// Its `event_id`.
    pub event_id: String,
    /// Its `record_id`.
    pub record_id: String,
    /// Its revision.
    pub revision: i64,
    /// Code of its origin.
    pub origin: String,
    /// Who else receives it.
    pub recipients: States,
    /// Whether anything is said that derives from the event's content or tells who else received it.
    pub has_content: bool,
}

/// Asks the registry.
type Ask<'a> = Box<dyn Fn(u32) -> Result<Answer> + 'a>;

/// Schemas by their ids.
pub struct Schemas<'a> {
    ask: Ask<'a>,
    /// None where the registry does not know the id.
    known: HashMap<u32, Option<&'static Ready>>,
    /// How all events are written.
    form: Option<&'static str>,
}

impl<'a> Schemas<'a> {
    /// Schemas of a registry.
    pub fn of(ask: impl Fn(u32) -> Result<Answer> + 'a) -> Self {
        Self { ask: Box::new(ask), known: HashMap::new(), form: None }
    }

    /// The event in a value of an input topic, or why there is none.
    ///
    /// # Errors
    /// When the registry does not answer, or the schema is another version than that of other events.
    pub fn reported<'r>(&mut self, value: Option<&'r [u8]>) -> Result<Result<Reported<'r>, Poison>> {
        let Some(value) = value else { return Ok(Err(Poison::NoValue)) };
        let Some((id, datum)) = framed(value) else { return Ok(Err(Poison::WireFormat)) };
        let form = match self.known(id)? {
            Some(Ready::Event(form)) => form,
            Some(Ready::Shared(_) | Ready::Other) => return Ok(Err(Poison::WrongSchema)),
            None => return Ok(Err(Poison::UnknownSchema)),
        };
        let mut rest = datum;
        let event = match form.reader.take(&mut rest) {
            Ok(value) if rest.is_empty() => Event::of(&value),
            // What is really so long fits no inbox; what only says so is cut short.
            Err(Unreadable::Long) if datum.len() > inbox_bytes_max() => {
                return Ok(Err(Poison::TooLarge));
            }
            Ok(_) | Err(_) => None,
        };
        Ok(event.map(|event| Reported { event, datum }).ok_or(Poison::Malformed))
    }

    /// What a value of an inbox tells; `None` where no recipient could read it.
    ///
    /// # Errors
    /// As [`Schemas::reported`].
    pub fn shared(&mut self, value: Option<&[u8]>) -> Result<Option<Shared>> {
        let Some((id, datum)) = value.and_then(framed) else { return Ok(None) };
        match self.known(id)? {
            Some(Ready::Shared(fields)) => Ok(read_shared(fields, datum)),
            Some(Ready::Event(_) | Ready::Other) | None => Ok(None),
        }
    }

    fn known(&mut self, id: u32) -> Result<Option<&'static Ready>> {
        if let Some(known) = self.known.get(&id) {
            return Ok(*known);
        }
        let known = match (self.ask)(id)? {
            Answer::Avro(text) => Some(ready(&text)),
            Answer::Other => Some(&Ready::Other),
            Answer::Unknown => None,
        };
        match known {
            Some(Ready::Event(form)) => self.check_form(&form.canonical)?,
            Some(Ready::Shared(fields)) => {
                for field in fields {
                    if let Field::Event(_, form) = field {
                        self.check_form(&form.canonical)?;
                    }
                }
            }
            Some(Ready::Other) | None => {}
        }
        self.known.insert(id, known);
        Ok(known)
    }

    /// Bytes can be compared only where all events are written alike; the fan-out writes an older version anew.
    fn check_form(&mut self, form: &'static str) -> Result<()> {
        ensure!(
            *self.form.get_or_insert(form) == form,
            "there are events of more than one version: judge them apart, for only equal versions have equal bytes"
        );
        Ok(())
    }
}

impl std::fmt::Debug for Schemas<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schemas").field("known", &self.known.len()).finish_non_exhaustive()
    }
}

/// Id and datum of a value in the Confluent wire format.
fn framed(value: &[u8]) -> Option<(u32, &[u8])> {
    match value {
        [0, a, b, c, d, datum @ ..] => Some((u32::from_be_bytes([*a, *b, *c, *d]), datum)),
        _ => None,
    }
}

/// Field by field, so that it shows where the event's own bytes begin and end.
fn read_shared(fields: &[Field], mut datum: &[u8]) -> Option<Shared> {
    let (mut notice, mut event, mut told) = (None, None, None);
    for field in fields {
        match field {
            Field::Notice(reader) => notice = Some(read_notice(&reader.take(&mut datum).ok()?)?),
            Field::Enrichment(reader) => told = Some(Told::of(&reader.take(&mut datum).ok()?)?),
            Field::Event(branch, form) => {
                if take_branch(&mut datum)? == *branch {
                    let before = datum;
                    let value = form.reader.take(&mut datum).ok()?;
                    let bytes = before.get(..before.len() - datum.len())?;
                    event = Some((Event::of(&value)?, fingerprint(bytes)));
                }
            }
        }
    }
    let is_whole = datum.is_empty() && (notice == Some(Notice::Delivery)) == event.is_some();
    if is_whole { Some(Shared { notice: notice?, event, told: told? }) } else { None }
}

fn read_notice(value: &Value) -> Option<Notice> {
    let Value::Enum(_, symbol) = value else { return None };
    match symbol.as_str() {
        "DELIVERY" => Some(Notice::Delivery),
        "WITHDRAWAL" => Some(Notice::Withdrawal),
        _ => None,
    }
}

impl Told {
    fn of(enrichment: &Value) -> Option<Self> {
        let Value::Long(revision) = field(enrichment, "revision")? else { return None };
        let recipients = states(items(enrichment, "recipients")?)?;
        let is_empty = |name| Some(items(enrichment, name)?.is_empty());
        let has_content = !recipients.is_empty()
            || !is_empty("heads")?
            || !is_empty("unknown_sections")?
            || !matches!(field(enrichment, "primary_head")?, Value::Union(_, head) if **head == Value::Null)
            || field(enrichment, "severity")? != &Value::Int(0)
            || is_more_told(enrichment);
        Some(Self {
            event_id: text(enrichment, "event_id")?.to_owned(),
            record_id: text(enrichment, "record_id")?.to_owned(),
            revision: *revision,
            origin: text(enrichment, "origin")?.to_owned(),
            recipients,
            has_content,
        })
    }
}

/// Whether any field that a later version of the schema added tells something beyond the rules that were used.
fn is_more_told(enrichment: &Value) -> bool {
    let added = [
        "severity_source",
        "code_in_force",
        "district",
        "touching",
        "vehicles",
        "persons",
        "time_of_day",
        "age_seconds",
        "unknown_groups",
    ];
    added.iter().filter_map(|name| field(enrichment, name)).any(|value| match value {
        Value::Array(items) => !items.is_empty(),
        Value::Union(_, inner) => **inner != Value::Null,
        _ => true,
    })
}

/// Asks a registry over its Confluent API. Blocks, from within an async runtime too.
///
/// # Errors
/// When it gives no answer that a registry would give.
pub fn ask(registry: &str, id: u32) -> Result<Answer> {
    let url = format!("{registry}/schemas/ids/{id}");
    let fetch = async {
        let client = reqwest::Client::builder().no_proxy().timeout(ANSWER).build()?;
        let response = client.get(&url).send().await?;
        anyhow::Ok((response.status().as_u16(), response.text().await?))
    };
    let (status, body) = std::thread::scope(|scope| {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
        let asking = scope.spawn(move || runtime()?.block_on(fetch));
        asking.join().unwrap_or_else(|_| bail!("the thread that asked {url} is gone"))
    })?;
    if status == 404 && body.contains("40403") {
        return Ok(Answer::Unknown);
    }
    ensure!(status == 200, "the registry answers {url} with {status}: look at its log");
    let body: serde_json::Value = serde_json::from_str(&body)?;
    let is_avro = body.get("schemaType").is_none_or(|kind| kind == "AVRO");
    let is_alone = body.get("references").and_then(|list| list.as_array()).is_none_or(Vec::is_empty);
    let schema = body.get("schema").and_then(|schema| schema.as_str()).context("a schema's text")?;
    Ok(if is_avro && is_alone { Answer::Avro(schema.to_owned()) } else { Answer::Other })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sanchar_schemas::schema::Record;

    /// The fan-out writes an event of an older version anew, and then its bytes are others.
    #[test]
    fn events_of_two_versions_are_not_judged_together() {
        let text = &Record::CrimeEvent.latest().text;
        let words = text.replacen("\"doc\":\"", "\"doc\":\"In other words. ", 1);
        let name = r#"{"name":"more","type":["null","string"],"default":null},"#;
        let more = text.replacen("\"fields\":[", &format!("\"fields\":[{name}"), 1);
        let texts = [text.clone(), words, more];
        assert!(texts[0] != texts[1] && texts[0] != texts[2]);
        let mut schemas = Schemas::of(|id| Ok(Answer::Avro(texts[id as usize].clone())));
        let mut read = |id: u8| schemas.reported(Some(&[0, 0, 0, 0, id])).map(Result::err);
        assert_eq!(read(0).unwrap(), Some(Poison::Malformed));
        assert_eq!(read(1).unwrap(), Some(Poison::Malformed), "the same version in other words");
        assert!(read(2).unwrap_err().to_string().contains("more than one version"));
    }
}

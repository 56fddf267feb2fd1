//! Names of persons who are withheld, in other texts of their case: a victim or an informant must not stand in the head, in the kind of a
//! weapon or in the note of a gang. With them goes what is [`super::repeated`] of their addresses.
//!
//! Every text of the event is looked through, as the contract's schema has them, so that a later version's are as well. What names
//! the record or its place is looked through by [`named`]. Names of others are taken where they are the whole name.

use std::collections::HashMap;
use std::sync::LazyLock;

use sanchar_schemas::CrimeEvent;
use sanchar_schemas::event::{Person, WithholdingReason};
use sanchar_schemas::schema::Record;
use serde_json::Value;

use super::fold::{folded, words};
use super::repeated::Repeated;
use super::words::tables;
use super::{Taken, named};
use crate::reason::{Problem, Reason, Rejection};

/// Name of the rule that no table can change.
const RULE: &str = "protected-name";
/// Fewest letters of a part of a name that is looked for.
const LETTERS_MIN: usize = 3;
/// From so many letters on a part is found within a longer word.
const LETTERS_WITHIN: usize = 5;
/// What nobody types a name into, and what [`named`] looks through.
const NOT_SEARCHED: [&str; 13] = [
    "event_id",
    "record_id",
    "content_hash",
    "source_sha256",
    "origin",
    "district",
    "police_station",
    "fir",
    "sections",
    "links",
    "withheld",
    "addressing.states",
    "handling.excluded_states",
];

/// The words of a name.
type Name = Vec<String>;

/// What each person is called, before anything is taken.
pub(super) fn called(persons: &[Person]) -> Vec<Vec<Name>> {
    let of = |person: &Person| {
        let texts = person.name.iter().chain(&person.aliases).chain(&person.relative);
        texts.map(|text| words(&folded(text)).map(str::to_owned).collect()).collect()
    };
    persons.iter().map(of).collect()
}

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Anything.
    Anything,
    /// A place, or the make of a vehicle: what may be called after a person.
    Place,
    /// A relative or a leader: somebody else, of whom an informant's surname says nothing.
    Other,
    /// Somebody in the case. Families share a name.
    Person,
    /// What somebody in the case is called besides.
    Alias,
}

impl Of {
    fn path(path: &str) -> Self {
        let is_persons = path.starts_with("persons[");
        match path.rsplit('.').next().unwrap_or_default() {
            "name" if is_persons => Self::Person,
            "aliases" if is_persons => Self::Alias,
            "relative" | "leader" => Self::Other,
            "name" if path == "gang.name" => Self::Other,
            "address" | "escape_direction" | "institution" | "court" => Self::Place,
            _ if path.starts_with("place.") || path.starts_with("vehicles[") => Self::Place,
            _ => Self::Anything,
        }
    }
}

/// The names of the persons of a case who are withheld, each with the reason, and what else of them must not stand elsewhere.
pub(super) struct Names<'c> {
    of: Vec<(WithholdingReason, &'c Name)>,
    repeated: Repeated,
}

impl Names<'_> {
    /// Why a text does not leave. Of whom the law protects a part of the name counts, but in the names of others. Informants and witnesses
    /// are in every case, and share their names with places and with the fathers of others: there the whole name counts, or two parts.
    pub(super) fn is_in(&self, text: &str, of: Of) -> Option<WithholdingReason> {
        let text = folded(text);
        let words: Vec<&str> = words(&text).collect();
        let is_in = |(reason, name): &&(WithholdingReason, &Name)| {
            let is_informant = *reason == WithholdingReason::Informant;
            match of {
                Of::Anything => parts_in(name, &words) > 0,
                Of::Place if is_informant => parts_in(name, &words) >= parts(name).count().clamp(1, 2),
                Of::Alias => has_all_parts(name, &words),
                Of::Other if is_informant => has_all_parts(name, &words),
                Of::Place | Of::Other => parts_in(name, &words) > 0,
                Of::Person => is_whole(name, &words),
            }
        };
        let named = self.of.iter().find(is_in).map(|(reason, _)| *reason);
        named.or_else(|| self.is_of_them(&words, of)).or_else(|| self.repeated.is_in(&text))
    }

    /// Why folded words do not leave that have all parts of one of them, or are nothing but the one part that it has.
    pub(super) fn whole_in(&self, words: &[&str]) -> Option<WithholdingReason> {
        self.of.iter().find(|(_, name)| is_whole(name, words)).map(|(reason, _)| *reason)
    }

    /// Why the name of somebody else does not leave of which every word is one of theirs.
    fn is_of_them(&self, words: &[&str], of: Of) -> Option<WithholdingReason> {
        if words.len() < 2 || !matches!(of, Of::Other | Of::Person | Of::Alias) {
            return None;
        }
        let of_word = |word: &&str| {
            let found = self.of.iter().find(|(_, name)| name.iter().any(|part| part == word));
            found.map(|(reason, _)| *reason)
        };
        words.iter().map(of_word).collect::<Option<Vec<_>>>()?.first().copied()
    }

    /// Whether none of it can be in an event, seen at little cost: most cases have somebody who informed, and few a name in two places.
    fn is_nowhere(&self, event: &CrimeEvent) -> bool {
        let Ok(whole) = serde_json::to_string(event) else { return false };
        // Behind a backslash stands what the text itself writes otherwise.
        if whole.contains('\\') {
            return false;
        }
        let whole = folded(&whole);
        let is_in = |(_, name): &(_, &Name)| {
            let has_parts = parts(name).next().is_some();
            name.iter().any(|word| (is_part(word) || !has_parts) && whole.contains(word.as_str()))
        };
        !self.of.iter().any(is_in) && self.repeated.is_in(&whole).is_none()
    }
}

fn parts(name: &Name) -> impl Iterator<Item = &String> + Clone {
    name.iter().filter(|part| is_part(part))
}

fn parts_in(name: &Name, words: &[&str]) -> usize {
    parts(name).filter(|part| words.iter().any(|word| is_called(word, part))).count()
}

/// Whether words have all parts of a name, or are nothing but the one part that it has.
fn is_whole(name: &Name, words: &[&str]) -> bool {
    match (parts(name).count(), words) {
        (0, _) => false,
        (1, [word]) => parts(name).all(|part| part == word),
        (1, _) => false,
        (count, _) => parts_in(name, words) == count,
    }
}

/// Whether words have all parts of a name, of which there is at least one.
fn has_all_parts(name: &Name, words: &[&str]) -> bool {
    let count = parts(name).count();
    count > 0 && parts_in(name, words) == count
}

fn is_part(word: &str) -> bool {
    word.chars().nth(LETTERS_MIN - 1).is_some()
        && !word.bytes().all(|byte| byte.is_ascii_digit())
        && !tables().no_name.words.contains(word)
}

/// Takes out every text with the name of a person whose name was taken, or with what else is not to stand elsewhere.
pub(super) fn take(
    event: &mut CrimeEvent,
    called: &[Vec<Name>],
    repeated: Repeated,
    taken: &mut Vec<Taken>,
) -> Result<(), Rejection> {
    let withheld = called.iter().enumerate().filter_map(|(i, names)| Some((reason(i, taken)?, names)));
    let of = withheld.flat_map(|(reason, names)| names.iter().map(move |name| (reason, name)));
    let names = Names { of: of.collect(), repeated };
    if (names.of.is_empty() && names.repeated.is_empty()) || names.is_nowhere(event) {
        return Ok(());
    }
    named::take(event, &names, &mut |path, reason| taken.push(named_in(path, reason)))?;
    let failed =
        |_| Problem::new(Reason::InvalidEvent, "cannot be looked through for protected names").at("");
    let mut whole = serde_json::to_value(&*event).map_err(failed)?;
    let mut search = Search { names: &names, taken };
    search.visit(&SCHEMA.event, &mut whole, "");
    *event = serde_json::from_value(whole).map_err(failed)?;
    Ok(())
}

/// Why the name of a person was taken, if it was.
fn reason(i: usize, taken: &[Taken]) -> Option<WithholdingReason> {
    let paths = ["name", "aliases", "relative"].map(|field| format!("persons[{i}].{field}"));
    taken.iter().find(|taken| paths.contains(&taken.path)).map(|taken| taken.reason)
}

/// The schema of an event, with its named types.
struct Schema {
    event: Value,
    named: HashMap<String, Value>,
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    // It was parsed as a schema before, and one that is no JSON would have no field to look at.
    let event: Value = serde_json::from_str(&Record::CrimeEvent.latest().text).unwrap_or_default();
    let mut named = HashMap::new();
    collect(&event, &mut named);
    Schema { event, named }
});

fn collect(schema: &Value, named: &mut HashMap<String, Value>) {
    match schema {
        Value::Array(parts) => parts.iter().for_each(|part| collect(part, named)),
        Value::Object(parts) => {
            if let Some(name) =
                schema.get("name").and_then(Value::as_str).filter(|_| parts.contains_key("type"))
            {
                named.insert(name.to_owned(), schema.clone());
            }
            parts.values().for_each(|part| collect(part, named));
        }
        _ => {}
    }
}

struct Search<'s> {
    names: &'s Names<'s>,
    taken: &'s mut Vec<Taken>,
}

impl Search<'_> {
    fn visit(&mut self, schema: &Value, value: &mut Value, path: &str) {
        if value.is_null() || NOT_SEARCHED.contains(&path) {
            return;
        }
        match schema {
            Value::Array(branches) => {
                let is_nullable = branches.iter().any(|branch| branch == "null");
                for branch in branches.iter().filter(|branch| *branch != "null") {
                    if branch == "string" {
                        let empty = if is_nullable { Value::Null } else { Value::from("") };
                        self.text(value, path, empty);
                    } else {
                        self.visit(branch, value, path);
                    }
                }
            }
            Value::String(name) if name == "string" => self.text(value, path, Value::from("")),
            Value::String(name) => {
                if let Some(named) = SCHEMA.named.get(name) {
                    self.visit(named, value, path);
                }
            }
            Value::Object(_) => self.structure(schema, value, path),
            _ => {}
        }
    }

    fn structure(&mut self, schema: &Value, value: &mut Value, path: &str) {
        let dot = if path.is_empty() { "" } else { "." };
        match schema.get("type") {
            Some(Value::String(of)) if of == "record" => {
                let fields = schema.get("fields").and_then(Value::as_array);
                for field in fields.into_iter().flatten() {
                    let name = field.get("name").and_then(Value::as_str).unwrap_or_default();
                    if let (Some(of), Some(value)) = (field.get("type"), value.get_mut(name)) {
                        self.visit(of, value, &format!("{path}{dot}{name}"));
                    }
                }
            }
            Some(Value::String(of)) if of == "array" => {
                let Some(items) = schema.get("items") else { return };
                if items == "string" {
                    return self.text(value, path, Value::Array(Vec::new()));
                }
                for (i, item) in value.as_array_mut().into_iter().flatten().enumerate() {
                    self.visit(items, item, &format!("{path}[{i}]"));
                }
            }
            Some(of @ (Value::Object(_) | Value::Array(_))) => self.visit(of, value, path),
            Some(Value::String(of)) if of == "string" => self.text(value, path, Value::from("")),
            _ => {}
        }
    }

    /// One text, or a list of texts that leaves as a whole.
    fn text(&mut self, value: &mut Value, path: &str, empty: Value) {
        let texts: Vec<&str> = match &*value {
            Value::String(text) => vec![text.as_str()],
            Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
            _ => return,
        };
        let of = Of::path(path);
        let Some(reason) = texts.iter().find_map(|text| self.names.is_in(text, of)) else { return };
        *value = empty;
        self.taken.push(named_in(path.to_owned(), reason));
    }
}

fn named_in(path: String, reason: WithholdingReason) -> Taken {
    let because = "the name or address of a person who is withheld stands in it".to_owned();
    Taken { path, reason, rule: RULE.to_owned(), because }
}

/// Whether a word is a part of a name, or begins with it, or holds it where it is long enough.
fn is_called(word: &str, part: &str) -> bool {
    match part.chars().count() {
        LETTERS_WITHIN.. => word.contains(part),
        LETTERS_MIN => word == part,
        _ => word.starts_with(part),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::super::rule::Clearance;
    use super::super::texts::tests::full;
    use super::super::{Withholding, is_under};
    use super::*;

    /// What names the record, and names of others that are not the protected one's as a whole.
    const LEFT: [&str; 6] = [
        "/district/code",
        "/event_id",
        "/persons/0/aliases/0",
        "/persons/0/name",
        "/police_station/code",
        "/police_station/name",
    ];

    fn with_victim(mut event: Value, section: &Value, name: &str) -> Value {
        let victim =
            json!({"role": "VICTIM", "gender": "UNKNOWN", "name": name, "aliases": [], "age_years": 30});
        event["persons"].as_array_mut().unwrap().push(victim);
        event["sections"].as_array_mut().unwrap().push(section.clone());
        event
    }

    #[test]
    fn no_text_of_the_contract_names_a_protected_person() {
        let schema: Value = serde_json::from_str(&Record::CrimeEvent.latest().text).unwrap();
        let mut texts = Vec::new();
        let event = full(&schema, "", &mut HashMap::new(), &mut texts);
        let mut left = BTreeSet::new();
        for path in &texts {
            for (text, name) in [
                ("hurt SITAXYZ there", "Sitaxyz Devixyz"),
                ("सीतxyz के घर", "सीतxyz देवी"),
                ("the Ｓｉｔａｘｙｚs", "Sitaxyz"),
                ("near Om's, xyz", "Xyz"),
            ] {
                let case = with_victim(event.clone(), &json!({"act": "BNS", "section": "64"}), name);
                let mut case = case;
                *case.pointer_mut(path).unwrap() = json!(text);
                let Ok(mut case) = serde_json::from_value::<CrimeEvent>(case) else { continue };
                if Withholding::default().apply(&mut case, Clearance::Cleared).is_err() {
                    continue;
                }
                if serde_json::to_string(&case).unwrap().contains(text) {
                    left.insert(path.as_str());
                    continue;
                }
                let listed = path.trim_start_matches('/').replace("/0", "[0]").replace('/', ".");
                assert!(case.withheld.iter().any(|withheld| is_under(&listed, &withheld.path)), "{listed}");
            }
        }
        left.retain(|path| !path.contains("withheld"));
        assert_eq!(left, BTreeSet::from(LEFT), "left: carried, right: known to stay");
    }

    #[test]
    fn a_namesake_keeps_its_name_and_the_whole_name_does_not() {
        let schema: Value = serde_json::from_str(&Record::CrimeEvent.latest().text).unwrap();
        let event = full(&schema, "", &mut HashMap::new(), &mut Vec::new());
        let published = |accused: &str| {
            let section = json!({"act": "POCSO", "section": "4"});
            let mut case = with_victim(event.clone(), &section, "Sitaxyz Singhxyz");
            case["persons"][0]["name"] = json!(accused);
            let mut case: CrimeEvent = serde_json::from_value(case).unwrap();
            Withholding::default().apply(&mut case, Clearance::Cleared).unwrap();
            case.persons[0].name.clone()
        };
        assert_eq!(published("Ramxyz Singhxyz").as_deref(), Some("Ramxyz Singhxyz"));
        assert_eq!(published("singhxyz sitaxyz"), None);
    }

    #[test]
    fn a_theft_keeps_the_texts_that_name_its_victim() {
        let schema: Value = serde_json::from_str(&Record::CrimeEvent.latest().text).unwrap();
        let mut case = full(&schema, "", &mut HashMap::new(), &mut Vec::new());
        case["vehicles"][0]["make"] = json!("Sitaxyz");
        let case = with_victim(case, &json!({"act": "BNS", "section": "303(2)"}), "Sitaxyz");
        let mut case: CrimeEvent = serde_json::from_value(case).unwrap();
        Withholding::default().apply(&mut case, Clearance::Cleared).unwrap();
        assert_eq!(case.vehicles[0].make.as_deref(), Some("Sitaxyz"));
    }
}

//! Names of protected persons in other texts of their case: a victim who is withheld as a person must not stand in the head, in the
//! kind of a weapon or in the note of a gang.
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
use super::{Taken, named};
use crate::reason::{Problem, Reason, Rejection};

/// Name of the rule that no table can change.
const RULE: &str = "protected-name";
/// Fewest letters of a part of a name that is looked for.
const LETTERS_MIN: usize = 3;
/// From so many letters on a part is found within a longer word.
const LETTERS_WITHIN: usize = 5;
/// Words beside names, and in their place.
const NO_NAMES: [&str; 42] = [
    "and",
    "the",
    "alias",
    "urf",
    "son",
    "daughter",
    "wife",
    "husband",
    "widow",
    "father",
    "mother",
    "late",
    "shri",
    "smt",
    "mrs",
    "miss",
    "kumari",
    "unknown",
    "person",
    "victim",
    "name",
    "not",
    "known",
    "given",
    "withheld",
    "girl",
    "boy",
    "minor",
    "child",
    "juvenile",
    "aged",
    "years",
    "woman",
    "lady",
    "उर्फ",
    "पुत्र",
    "पुत्री",
    "पत्नी",
    "अज्ञात",
    "महिला",
    "नाबालिग",
    "पीड\u{93c}िता",
];
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

/// The names of the persons of a case whom the law protects, each with the reason.
pub(super) struct Names<'c>(Vec<(WithholdingReason, &'c Name)>);

impl Names<'_> {
    /// Why a text does not leave that has a part of one of them.
    pub(super) fn part_in(&self, text: &str) -> Option<WithholdingReason> {
        let text = folded(text);
        words(&text).find_map(|word| {
            let is_in = |name: &&(_, &Name)| name.1.iter().any(|part| is_part(part) && is_called(word, part));
            self.0.iter().find(is_in).map(|(reason, _)| *reason)
        })
    }

    /// Why folded words do not leave that have all parts of one of them, or are nothing but the one part that it has.
    pub(super) fn whole_in(&self, words: &[&str]) -> Option<WithholdingReason> {
        let has = |part: &String| words.iter().any(|word| is_called(word, part));
        let is_in = |name: &&(_, &Name)| {
            let mut parts = name.1.iter().filter(|part| is_part(part));
            match (parts.clone().count(), words) {
                (0, _) => false,
                (1, [word]) => parts.all(|part| part == word),
                (1, _) => false,
                _ => parts.all(has),
            }
        };
        self.0.iter().find(is_in).map(|(reason, _)| *reason)
    }

    /// The reason of a word that is a part of one of them, whatever it says.
    fn of_word(&self, word: &str) -> Option<WithholdingReason> {
        let found = self.0.iter().find(|(_, name)| name.iter().any(|part| part == word));
        found.map(|(reason, _)| *reason)
    }
}

fn is_part(word: &str) -> bool {
    word.chars().nth(LETTERS_MIN - 1).is_some()
        && !word.bytes().all(|byte| byte.is_ascii_digit())
        && !NO_NAMES.contains(&word)
}

/// Takes out every text with a part of the name of a person whose name was taken for the law's protection.
pub(super) fn take(
    event: &mut CrimeEvent,
    called: &[Vec<Name>],
    taken: &mut Vec<Taken>,
) -> Result<(), Rejection> {
    let protected = called.iter().enumerate().filter_map(|(i, names)| Some((reason(i, taken)?, names)));
    let names = protected.flat_map(|(reason, names)| names.iter().map(move |name| (reason, name)));
    let names = Names(names.collect());
    if names.0.is_empty() {
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

/// Why the name of a person was taken, where the law protects the person.
fn reason(i: usize, taken: &[Taken]) -> Option<WithholdingReason> {
    let paths = ["name", "aliases", "relative"].map(|field| format!("persons[{i}].{field}"));
    let is_protection = |reason: &WithholdingReason| {
        use WithholdingReason::{Child, Other, SexualOffenceVictim};
        matches!(reason, SexualOffenceVictim | Child | Other)
    };
    taken.iter().filter(|taken| paths.contains(&taken.path)).map(|taken| taken.reason).find(is_protection)
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
        let is_name =
            path.starts_with("persons[") && [".name", ".aliases"].iter().any(|end| path.ends_with(end));
        let Some(reason) = texts.iter().find_map(|text| self.reason(text, is_name)) else { return };
        *value = empty;
        self.taken.push(named_in(path.to_owned(), reason));
    }

    /// Why a text does not leave. Families share a name, so that the name of another person counts where every part of it is the
    /// protected one's.
    fn reason(&self, text: &str, is_name: bool) -> Option<WithholdingReason> {
        if is_name {
            let text = folded(text);
            let reasons: Option<Vec<_>> = words(&text).map(|word| self.names.of_word(word)).collect();
            return reasons.filter(|reasons| reasons.len() > 1)?.first().copied();
        }
        self.names.part_in(text)
    }
}

fn named_in(path: String, reason: WithholdingReason) -> Taken {
    let because = "the name of a protected person stands in it".to_owned();
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

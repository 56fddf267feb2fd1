//! Every text of an event that somebody has typed, looked through for what is never carried ([`super::identifiers`]).
//!
//! What stands in a text field may be anything: a telephone number as the serial number of a stolen one, in the place of an
//! engine number, behind the name of a gang. A test walks the schema, so that a text that a later version adds is looked
//! through as well. Where a record has to have a text, it is left empty; one that names the record is a reason to refuse it
//! ([`super::refusal`]).

use std::fmt::Arguments;

use sanchar_schemas::event::{Person, Property, Vehicle, Weapon};
use sanchar_schemas::{CrimeEvent, RecordId};

use super::identifiers::{is_in, is_in_description, is_number_in};
use super::named::own_parts;
use super::refusal::is_number_in_fir;

/// Takes out every text that seems to hold what is never carried, and tells `note` the path of each.
pub(super) fn take(event: &mut CrimeEvent, note: &mut dyn FnMut(String)) {
    let mut search = Search { note };
    of_case(event, &mut search);
    for (i, link) in event.links.iter_mut().enumerate() {
        search.through(format_args!("links[{i}]."), is_in_reference, [("record_id", &mut link.record_id)]);
    }
    for (i, person) in event.persons.iter_mut().enumerate() {
        of_person(person, format_args!("persons[{i}]."), &mut search);
    }
    for (i, vehicle) in event.vehicles.iter_mut().enumerate() {
        of_vehicle(vehicle, format_args!("vehicles[{i}]."), &mut search);
    }
    for (i, property) in event.property.iter_mut().enumerate() {
        let Property { description, identifier, unit, .. } = property;
        let texts: [(_, &mut dyn Typed); 3] =
            [("description", description), ("identifier", identifier), ("unit", unit)];
        search.through(format_args!("property[{i}]."), is_in, texts);
    }
    for (i, weapon) in event.weapons.iter_mut().enumerate() {
        let Weapon { weapon_type, calibre, identifier, .. } = weapon;
        search.through(
            format_args!("weapons[{i}]."),
            is_in,
            [("weapon_type", weapon_type), ("calibre", calibre)],
        );
        search.through(format_args!("weapons[{i}]."), is_number_in, [("identifier", identifier)]);
    }
}

/// The parts of a record's name are numbers side by side, and looked through each for itself.
fn is_in_reference(text: &str) -> bool {
    match RecordId::parse(text.to_owned()) {
        Ok(record_id) => {
            let year = record_id.as_str().split('/').nth(2).unwrap_or_default();
            own_parts(record_id.as_str()).any(|part| is_number_in_fir(part, year))
        }
        Err(_) => is_in(text),
    }
}

fn of_case(event: &mut CrimeEvent, search: &mut Search<'_>) {
    search.through(format_args!(""), is_in_description, [("narrative", &mut event.narrative)]);
    search.through(
        format_args!(""),
        is_in,
        [
            ("investigation_stage", &mut event.investigation_stage),
            ("escape_direction", &mut event.escape_direction),
            ("handling.caveat", &mut event.handling.caveat),
            ("addressing.groups", &mut event.addressing.groups),
        ],
    );
    if let Some(district) = &mut event.district {
        // There are districts and courts with words of religion in their names.
        search.through(format_args!("district."), is_number_in, [("name", &mut district.name)]);
    }
    if let Some(place) = &mut event.place {
        search.through(
            format_args!("place."),
            is_in,
            [
                ("text", &mut place.text),
                ("locality", &mut place.locality),
                ("from_station", &mut place.from_station),
                ("beat", &mut place.beat),
            ],
        );
    }
    if let Some(head) = &mut event.reported_head {
        search.through(
            format_args!("reported_head."),
            is_in,
            [("major", &mut head.major), ("minor", &mut head.minor)],
        );
    }
    if let Some(gang) = &mut event.gang {
        search.through(format_args!("gang."), is_in, [("name", &mut gang.name)]);
        search.through(format_args!("gang."), is_in, [("leader", &mut gang.leader)]);
        search.through(format_args!("gang."), is_in_description, [("note", &mut gang.note)]);
    }
    if let Some(custody) = &mut event.custody {
        search.through(format_args!("custody."), is_in, [("institution", &mut custody.institution)]);
    }
    if let Some(warrant) = &mut event.warrant {
        search.through(format_args!("warrant."), is_number_in, [("number", &mut warrant.number)]);
        search.through(format_args!("warrant."), is_number_in, [("court", &mut warrant.court)]);
    }
}

fn of_person(person: &mut Person, part: Arguments<'_>, search: &mut Search<'_>) {
    let Person { code, name, aliases, relative, address, nationality, nfn, description, .. } = person;
    search.through(
        part,
        is_in,
        [
            ("aliases", aliases),
            ("name", name),
            ("relative", relative),
            ("address", address),
            ("nationality", nationality),
            ("code", code),
        ],
    );
    search.through(part, is_in_description, [("description", description)]);
    // Ten digits, of which the first two are a state's, and no state has a number above 38.
    search.through(part, is_number_in, [("nfn", nfn)]);
}

/// A letter and seven digits are a passport's number in a text, and in a serial number nothing out of the way.
fn of_vehicle(vehicle: &mut Vehicle, part: Arguments<'_>, search: &mut Search<'_>) {
    let Vehicle { registration, chassis, engine, vehicle_type, make, model, colour, .. } = vehicle;
    search.through(
        part,
        is_number_in,
        [("registration", registration), ("chassis", chassis), ("engine", engine)],
    );
    search.through(
        part,
        is_in,
        [("vehicle_type", vehicle_type), ("make", make), ("model", model), ("colour", colour)],
    );
}

/// Takes texts out.
struct Search<'n> {
    note: &'n mut dyn FnMut(String),
}

impl Search<'_> {
    /// Looks through fields of one part of the event.
    fn through<const N: usize>(
        &mut self,
        part: Arguments<'_>,
        is_in: fn(&str) -> bool,
        texts: [(&str, &mut dyn Typed); N],
    ) {
        for (name, text) in texts {
            if text.holds(is_in) {
                text.empty();
                (self.note)(format!("{part}{name}"));
            }
        }
    }
}

/// A field that holds a text or several.
trait Typed {
    /// Whether what is looked for is in it.
    fn holds(&self, is_in: fn(&str) -> bool) -> bool;
    /// Leaves nothing in it.
    fn empty(&mut self);
}

impl Typed for String {
    fn holds(&self, is_in: fn(&str) -> bool) -> bool {
        is_in(self)
    }

    fn empty(&mut self) {
        self.clear();
    }
}

impl Typed for Option<String> {
    fn holds(&self, is_in: fn(&str) -> bool) -> bool {
        self.as_deref().is_some_and(is_in)
    }

    fn empty(&mut self) {
        *self = None;
    }
}

impl Typed for Vec<String> {
    /// What separates a list may cut a number in two.
    fn holds(&self, is_in: fn(&str) -> bool) -> bool {
        !self.is_empty() && is_in(&self.join("; "))
    }

    fn empty(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::{BTreeSet, HashMap};

    use sanchar_schemas::schema::Record;
    use serde_json::{Map, Value, json};

    use super::super::{Clearance, Withholding};
    use super::*;

    /// What names the record or its place by a number, what is made here, and what has a shape of its own that is checked.
    const NOT_TYPED: [&str; 4] = ["/event_id", "/district/code", "/place/pin_code", "/withheld/0/path"];

    /// A value of the schema with something in every field, harmless by every rule; the paths of its texts.
    pub(in super::super) fn full(
        schema: &Value,
        path: &str,
        named: &mut HashMap<String, Value>,
        texts: &mut Vec<String>,
    ) -> Value {
        let field = path.trim_end_matches("/0").rsplit('/').next().unwrap();
        if let Some(name) = schema["name"].as_str() {
            named.insert(name.to_owned(), schema.clone());
        }
        let of = match schema {
            Value::String(of) => of.as_str(),
            Value::Array(branches) => {
                let branch = branches.iter().find(|branch| *branch != "null").unwrap();
                return full(branch, path, named, texts);
            }
            of => of["type"].as_str().unwrap(),
        };
        match of {
            "record" => {
                let fields = schema["fields"].as_array().unwrap();
                let fields = fields.iter().map(|of| {
                    let name = of["name"].as_str().unwrap();
                    (name.to_owned(), full(&of["type"], &format!("{path}/{name}"), named, texts))
                });
                Value::Object(fields.collect::<Map<_, _>>())
            }
            "array" => json!([full(&schema["items"], &format!("{path}/0"), named, texts)]),
            "enum" => {
                let harmless = ["ACCUSED", "USED", "UNCLASSIFIED"];
                let symbols = schema["symbols"].as_array().unwrap();
                let known = symbols.iter().find(|symbol| harmless.contains(&symbol.as_str().unwrap()));
                known.unwrap_or(&symbols[1]).clone()
            }
            "fixed" => json!("00".repeat(32)),
            "boolean" => json!(false),
            "int" if field.starts_with("victims") => json!(0),
            "int" => json!(40),
            "long" => json!(1_700_000_000_000_i64),
            "double" => json!(15.5),
            "string" => {
                texts.push(path.to_owned());
                json!(match (field, path) {
                    ("origin" | "state" | "states" | "excluded_states", _) => "IN-GA",
                    (_, "/record_id") => "IN-GA/1/2024/1/fir",
                    _ => "text",
                })
            }
            name => {
                let known = named.get(name).unwrap_or_else(|| panic!("{path} is of type {name}")).clone();
                full(&known, path, named, texts)
            }
        }
    }

    /// What is left of an event with this text in one place; `None` where it cannot stand there or the event is refused.
    fn published(event: &Value, path: &str, text: &str) -> Option<(CrimeEvent, String)> {
        let mut event = event.clone();
        *event.pointer_mut(path).unwrap() = json!(text);
        let mut event: CrimeEvent = serde_json::from_value(event).ok()?;
        Withholding::default().apply(&mut event, Clearance::Cleared).ok()?;
        let json = serde_json::to_string(&event).unwrap();
        Some((event, json))
    }

    #[test]
    fn no_text_of_the_contract_carries_a_telephone_number() {
        let schema: Value = serde_json::from_str(&Record::CrimeEvent.latest().text).unwrap();
        let mut texts = Vec::new();
        let event = full(&schema, "", &mut HashMap::new(), &mut texts);
        assert!(texts.len() > 50, "{texts:?}");
        let (untouched, _) = published(&event, "/narrative", "text").unwrap();
        assert_eq!(untouched.withheld.len(), 1, "no other rule takes a text: {:?}", untouched.withheld);
        let mut carried = BTreeSet::new();
        for path in &texts {
            for number in ["9000000001", "call +91 90000-00001"] {
                let Some((event, json)) = published(&event, path, number) else { continue };
                if json.contains(number) {
                    carried.insert(path.as_str());
                    continue;
                }
                let listed = path.trim_start_matches('/').replace("/0", "[0]").replace('/', ".");
                let listed = listed.strip_suffix("[0]").unwrap_or(&listed);
                assert!(event.withheld.iter().any(|withheld| withheld.path == listed), "{listed}");
            }
        }
        assert_eq!(carried, BTreeSet::from(NOT_TYPED), "left: carried, right: known to be no typed text");
    }
}

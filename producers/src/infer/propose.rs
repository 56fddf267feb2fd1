//! From what the columns are to a mapping: each entry with the reason for it, and what is left to a person. How that is written is said in
//! [`super::write`].

use std::collections::BTreeMap;
use std::path::Path;

use sanchar_schemas::StateCode;
use sanchar_schemas::district::District;
use sanchar_schemas::offence::Act;

use super::recognise as is;
use super::sample::Sample;
use super::write::quoted;
use crate::language::time::{TimeFormat, Zone, read_moment};

/// Names of the columns that the pattern for an FIR's number makes; no source has them.
const PARTS: (&str, &str) = ("fir_part_number", "fir_part_year");

/// An entry of the mapping.
#[derive(Debug)]
pub(super) struct Entry {
    /// Right side of the equals sign, or lines of a table.
    pub(super) value: String,
    pub(super) why: String,
    /// The column that it is read from.
    column: Option<usize>,
}

/// What is proposed for a sample.
pub(super) struct Proposal<'a> {
    pub(super) sample: &'a Sample,
    /// By the field's path.
    pub(super) entries: BTreeMap<&'static str, Entry>,
    /// Columns that fill a field, by position.
    pub(super) used: Vec<bool>,
    /// Entries of `rows.parts`.
    pub(super) parts: Vec<String>,
    /// Remarks on columns that fill none.
    pub(super) left: Vec<String>,
    /// Columns of personal data, and how that is known.
    pub(super) personal: Vec<String>,
}

/// The configuration for a sample.
pub(super) fn propose(path: &Path, sample: &Sample, state: Option<StateCode>) -> String {
    let used = vec![false; sample.columns.len()];
    let (entries, parts, left, personal) = Default::default();
    let mut proposal = Proposal { sample, entries, used, parts, left, personal };
    proposal.point_out_personal_data();
    for column in 0..sample.columns.len() {
        proposal.by_name(column);
    }
    proposal.by_value();
    proposal.fill_identity();
    proposal.check_pairs();
    proposal.check_order();
    let (state, why) = match (state, proposal.state_of_districts()) {
        (Some(state), _) => (state.as_str(), "as you said"),
        (None, Some(state)) => {
            (state.as_str(), "most of the districts are there; CHANGE THIS if it is another")
        }
        (None, None) => ("IN-DL", "CHANGE THIS, or give --state: nothing tells the state"),
    };
    proposal.render(path, state, why)
}

impl Proposal<'_> {
    fn name(&self, column: usize) -> &str {
        self.sample.columns.get(column).map_or("", String::as_str)
    }

    fn is_used(&self, column: usize) -> bool {
        self.used.get(column).copied().unwrap_or(true)
    }

    fn take(&mut self, target: &'static str, column: usize, value: String, why: impl Into<String>) {
        self.entries.insert(target, Entry { value, why: why.into(), column: Some(column) });
        if let Some(used) = self.used.get_mut(column) {
            *used = true;
        }
    }

    fn leave(&mut self, column: usize, why: &str) {
        self.left.push(format!("{} {why}", quoted(self.name(column))));
    }

    fn point_out_personal_data(&mut self) {
        for column in 0..self.sample.columns.len() {
            let by_name = is::by_name(self.name(column)) == Some("personal");
            if by_name || is::identifiers(&self.sample.values(column)) {
                let why =
                    if by_name { "by its name" } else { "its values look like telephone or Aadhaar numbers" };
                self.personal.push(format!("{}: {why}", quoted(self.name(column))));
                if let Some(used) = self.used.get_mut(column) {
                    *used = true;
                }
            }
        }
    }

    fn by_name(&mut self, column: usize) {
        let Some(target) = is::by_name(self.name(column)).filter(|_| !self.is_used(column)) else { return };
        if let Some(entry) = self.entries.get(target) {
            let why =
                format!("could be {target} too, which is {}", entry.value.lines().next().unwrap_or_default());
            return self.leave(column, &why);
        }
        let values = self.sample.values(column);
        if values.is_empty() {
            return self.leave(column, &format!("could be {target}; it is empty in the sample"));
        }
        let name = quoted(self.name(column));
        let seen = "by its name and its values";
        match target {
            "reported_at" | "occurred_from" | "occurred_to" => self.date(target, column, &values),
            "fir.number" => self.fir_number(column, &values, "by its name"),
            "fir.year" if is::proven(&values, is::is_year) => {
                let seen = format!("by its name and {}", is::counted(&values, is::is_year));
                self.take(target, column, format!("{{ column = {name}, century = 2000 }}"), seen);
            }
            "sections" => self.sections(column, &values),
            "place.latitude" if is::degrees(&values, 5.0..=38.0) => self.take(target, column, name, seen),
            "place.longitude" if is::degrees(&values, 67.0..=98.0) => self.take(target, column, name, seen),
            "place.pin_code" if is::proven(&values, |pin| pin.chars().count() == 6 && is::is_number(pin)) => {
                self.take(target, column, name, seen);
            }
            "record.revision" if values.len() == self.sample.rows.len() => match is::date(&values) {
                Some(found) => {
                    let value =
                        format!("{{ column = {name}, formats = [\"{}\"]{} }}", found.format, found.century());
                    self.take(
                        target,
                        column,
                        value,
                        "by its name and all values: the source's own time of change",
                    );
                }
                None if is::proven(&values, is::is_number) => {
                    self.take(
                        target,
                        column,
                        name,
                        "by its name and all values: does it grow with every change?",
                    );
                }
                None => self.leave(column, "could be record.revision; it is neither number nor date"),
            },
            "police_station.name" | "police_station.code" if !is::proven(&values, is::can_name) => {
                self.leave(column, "could be the police station; it holds slashes or long texts");
            }
            "fir.year" | "place.latitude" | "place.longitude" | "place.pin_code" | "record.revision" => {
                self.leave(column, &format!("could be {target} by its name; its values do not fit"));
            }
            // It is taken together with the sections.
            "act" => {}
            _ => self.take(target, column, name, "by its name"),
        }
    }

    fn date(&mut self, target: &'static str, column: usize, values: &[String]) {
        let Some(found) = is::date(values) else {
            return self.leave(column, &format!("could be {target}; its values have no one date format"));
        };
        let (name, century) = (quoted(self.name(column)), found.century());
        let value = format!("{{ column = {name}, formats = [\"{}\"]{century} }}", found.format);
        let order = match found.is_order_proven {
            true => "",
            false => "; that the day comes first is NOT proven: no value has a day above 12",
        };
        self.take(target, column, value, format!("the format fits {}{order}", found.counted(values)));
    }

    fn fir_number(&mut self, column: usize, values: &[String], why: &str) {
        let name = quoted(self.name(column));
        if is::likely(values, is::is_number_and_year) {
            let (number, year) = PARTS;
            self.parts.push(format!(
                "{{ column = {name}, patterns = [\"{{{number}:digits}}/{{{year}:digits}}\"] }}"
            ));
            self.take("fir.number", column, quoted(number), format!("{why}: number/year in {name}"));
            self.entries.entry("fir.year").or_insert_with(|| Entry {
                value: format!("{{ column = \"{year}\", century = 2000 }}"),
                why: format!("the second part of {name}"),
                column: Some(column),
            });
        } else if is::proven(values, is::can_name) {
            self.take("fir.number", column, name, why);
        } else {
            self.leave(column, "could be fir.number; it holds slashes: take it apart with rows.parts");
        }
    }

    fn sections(&mut self, column: usize, values: &[String]) {
        let name = quoted(self.name(column));
        let act = (0..self.sample.columns.len()).find(|act| is::by_name(self.name(*act)) == Some("act"));
        let act_values = act.map(|act| self.sample.values(act)).unwrap_or_default();
        let begins_with_number = |text: &str| text.starts_with(|c: char| c.is_numeric());
        if let Some(rules) = is::section_rules(values) {
            let why = format!("all but a few of {} values can be read so", values.len());
            self.take("sections", column, format!("column = {name}\n{rules}"), why);
        } else if let Some(act) = act
            && is::proven(&act_values, |name| Act::by_name(name).is_some())
            && is::proven(values, begins_with_number)
        {
            let value =
                format!("column = {name}\norder = \"sections_only\"\nact = {}", quoted(self.name(act)));
            self.take("sections", column, value, "sections and acts stand in columns of their own");
            if let Some(used) = self.used.get_mut(act) {
                *used = true;
            }
        } else {
            self.leave(
                column,
                "could be the sections; more than a few cannot be read for certain: see order, acts and bare",
            );
        }
    }

    /// What values alone show.
    fn by_value(&mut self) {
        for column in 0..self.sample.columns.len() {
            let values = self.sample.values(column);
            if self.is_used(column) || values.is_empty() {
                continue;
            }
            if !self.entries.contains_key("fir.number") && is::proven(&values, is::is_number_and_year) {
                self.fir_number(column, &values, "a GUESS by its values");
            } else if !self.entries.contains_key("vehicles.registration") && is::registrations(&values) {
                let value = quoted(self.name(column));
                self.take("vehicles.registration", column, value, "its values look like registration marks");
            } else if !self.entries.contains_key("reported_at") && is::date(&values).is_some() {
                self.date("reported_at", column, &values);
                if let Some(entry) = self.entries.get_mut("reported_at") {
                    entry.why = format!("a GUESS, since it is a date; {}", entry.why);
                }
            }
        }
    }

    /// Without station, number and year there is no record.
    fn fill_identity(&mut self) {
        if !self.entries.contains_key("fir.number") {
            let columns = (0..self.sample.columns.len()).map(|column| (column, self.sample.values(column)));
            let candidates =
                columns.filter(|(column, values)| !self.is_used(*column) && is::proven(values, is::can_name));
            if let Some((column, _)) =
                candidates.max_by_key(|(column, values)| (is::distinct(values), usize::MAX - column))
            {
                let value = quoted(self.name(column));
                self.take(
                    "fir.number",
                    column,
                    value,
                    "a GUESS: no column looks like an FIR number, and this one tells most rows apart",
                );
            } else {
                let value = "{ constant = \"CHANGE-THIS\" }".to_owned();
                let why = "CHANGE THIS: no column is left that could number the cases".to_owned();
                self.entries.insert("fir.number", Entry { value, why, column: None });
            }
        }
        if !self.entries.contains_key("fir.year") {
            let entry = self.year_of_date().unwrap_or_else(|| Entry {
                value: "{ constant = 2000 }".to_owned(),
                why: "CHANGE THIS: no column tells the year".to_owned(),
                column: None,
            });
            self.entries.insert("fir.year", entry);
        }
        if !self.entries.contains_key("police_station.name")
            && !self.entries.contains_key("police_station.code")
        {
            let value = "{ constant = \"CHANGE-THIS\" }".to_owned();
            let why = "CHANGE THIS: no column looks like a police station".to_owned();
            self.entries.insert("police_station.name", Entry { value, why, column: None });
        }
    }

    /// The year, taken out of the date of registration.
    fn year_of_date(&mut self) -> Option<Entry> {
        let column = self.entries.get("reported_at")?.column?;
        let format = is::date(&self.sample.values(column))?.format;
        let (day, time) =
            format.split_once([' ', 'T']).map_or((format, None), |(day, time)| (day, Some(time)));
        let year = format!("{{{}:digits}}", PARTS.1);
        let separator = day.chars().find(|c| matches!(c, '/' | '-' | '.'))?;
        let pattern = match (day.to_ascii_uppercase().starts_with("%Y"), time) {
            (true, _) => format!("{year}{separator}{{_}}"),
            (false, None) => format!("{{_}}{separator}{{_}}{separator}{year}"),
            (false, Some(_)) => format!("{{_}}{separator}{{_}}{separator}{year} {{_}}"),
        };
        let name = quoted(self.name(column));
        self.parts.push(format!("{{ column = {name}, patterns = [\"{pattern}\"] }}"));
        let value = format!("{{ column = \"{}\", century = 2000 }}", PARTS.1);
        Some(Entry { value, why: format!("no column tells the year: that of {name}"), column: Some(column) })
    }

    /// One coordinate without the other is none, and an act without sections is no field.
    fn check_pairs(&mut self) {
        if self.entries.contains_key("place.latitude") != self.entries.contains_key("place.longitude") {
            self.entries.remove("place.latitude");
            self.entries.remove("place.longitude");
            self.left.push("latitude or longitude alone: both are needed".to_owned());
        }
    }

    /// An end before its start, or a registration before what it is about: the two columns may be the other way round.
    fn check_order(&mut self) {
        for (start, end) in [("occurred_from", "occurred_to"), ("occurred_from", "reported_at")] {
            let (Some(starts), Some(ends)) = (self.moments(start), self.moments(end)) else { continue };
            let both: Vec<_> =
                starts.into_iter().zip(ends).filter_map(|(start, end)| Some((start?, end?))).collect();
            let early = both.iter().filter(|(start, end)| end < start).count();
            if let Some(entry) = self.entries.get_mut(end).filter(|_| early > 0) {
                let rows = both.len();
                let remark = format!(
                    "; CHECK THIS: in {early} of {rows} rows it is before {start}, and such rows go to quarantine"
                );
                entry.why.push_str(&remark);
            }
        }
    }

    /// The times in the column of a field, row by row.
    fn moments(&self, target: &str) -> Option<Vec<Option<i64>>> {
        let column = self.entries.get(target)?.column?;
        let formats = [TimeFormat::new(is::date(&self.sample.values(column))?.format).ok()?];
        let moment = |row: &Vec<String>| {
            read_moment(row.get(column)?, &formats, Zone::india().0, None, None).map(|moment| moment.at)
        };
        Some(self.sample.rows.iter().map(moment).collect())
    }

    /// The state that knows most of the districts.
    fn state_of_districts(&self) -> Option<StateCode> {
        let names: Vec<String> = (0..self.sample.columns.len())
            .filter(|column| is::by_name(self.name(*column)) == Some("district.name"))
            .flat_map(|column| self.sample.values(column))
            .collect();
        let known =
            |state: StateCode| names.iter().filter(|name| District::find(state, name).is_some()).count();
        let best = StateCode::all().map(|state| (known(state), state)).max_by_key(|(names, _)| *names);
        best.filter(|(found, _)| found * 2 > names.len()).map(|(_, state)| state)
    }
}

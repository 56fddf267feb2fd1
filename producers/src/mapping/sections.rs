//! Takes a source's text of acts and sections apart: `IPC 1860 U/s: 279,337 INDIAN MOTOR VEHICLES ACT, 1988 U/s: 3(2)`,
//! `NDPS ACT 1985 (U/s-20(b)(ii)A)`, `BNS 303(2) r/w 3(5)`, `279/337 भादवि, 25 आर्म्स एक्ट`.
//!
//! Sections keep their text without blanks; acts get their code where one is known. What cannot be told apart for
//! certain is a problem: a section whose act is not named, a leftover, an act that no table knows.

mod marker;
mod scan;

use sanchar_schemas::event::Section;
use sanchar_schemas::offence::Act;

use crate::language::field::Source;
use crate::language::sections::{Order, Sections, UnknownAct};
use crate::memo::Memo;
use crate::reason::{Problem, Reason};
use crate::text::{latin_digits, squeeze};
use marker::{Marked, split};
use scan::Scanner;

/// What texts of sections come to.
pub(crate) type Known = Memo<Result<Vec<Section>, Problem>>;

/// The act of sections that have one of their own.
type OwnAct = Result<Option<String>, Problem>;

/// The sections of a row, in the order of the source, each once. `known` belongs to these rules.
pub(crate) fn read(rules: &Sections, source: Source<'_>, known: &Known) -> Result<Vec<Section>, Problem> {
    let text = squeeze(source.cells.get(&rules.column));
    if text.is_empty() || source.null_values.iter().any(|null| *null == text) {
        return Ok(Vec::new());
    }
    // The act of its own, where the sections have one.
    let act = rules.act.as_ref().map_or(Ok(None), |act| act.value(source));
    match &act {
        Ok(name) => {
            known.of(&[&text, name.as_deref().unwrap_or_default()], || take_apart(rules, &text, &act))
        }
        Err(_) => take_apart(rules, &text, &act),
    }
}

fn take_apart(rules: &Sections, text: &str, act: &OwnAct) -> Result<Vec<Section>, Problem> {
    let text = latin_digits(text);
    let found = match rules.order {
        Order::ActFirst => act_first(rules, &text)?,
        Order::SectionsFirst => sections_first(rules, &text)?,
        Order::SectionsOnly => sections_only(rules, &text, act)?,
    };
    let mut sections: Vec<Section> = Vec::new();
    for section in found {
        let is_placeholder = rules.placeholders.contains(&section.section);
        if !is_placeholder && !sections.contains(&section) {
            sections.push(section);
        }
    }
    Ok(sections)
}

fn act_first(rules: &Sections, text: &str) -> Result<Vec<Section>, Problem> {
    let marker = rules.marker.as_deref();
    let Some(Marked { name, mut sections, mut after }) = split(text, marker)? else {
        return match marker {
            None => act_before_numbers(rules, text),
            Some(_) => Err(without_act()),
        };
    };
    let (mut found, mut act) = (Vec::new(), name);
    loop {
        // Sections in brackets end where the bracket does, others where the next act begins.
        let next = split(if sections.is_bracketed { after } else { sections.text }, marker)?;
        let before_next = next.as_ref().map(|next| next.name);
        let (list, rest) = match sections.is_bracketed {
            true => (sections.text, before_next.unwrap_or(after)),
            false => (before_next.unwrap_or(sections.text), ""),
        };
        let mut scanner = Scanner::new(rules, list);
        let numbers = scanner.sections()?;
        let left = scanner.rest();
        let name = match sections.is_bracketed {
            true if !left.is_empty() => return Err(bad("has a text in brackets that is no section")),
            true => Scanner::new(rules, rest).rest(),
            false => left,
        };
        if numbers.is_empty() {
            return Err(bad("names an act without a section"));
        }
        found.extend(under(&act_code(rules, act)?, numbers));
        match next {
            Some(next) => (act, sections, after) = (name, next.sections, next.after),
            None if name.is_empty() => return Ok(found),
            None => return Err(bad("has a text after the last section")),
        }
    }
}

/// `BNS 303(2) r/w 3(5)`: without a marker a name before a number is an act only where a table knows it.
fn act_before_numbers(rules: &Sections, text: &str) -> Result<Vec<Section>, Problem> {
    let mut found = Vec::new();
    let mut scanner = Scanner::new(rules, text);
    while !scanner.is_done() {
        if scanner.is_at_number() {
            return Err(without_act());
        }
        let act = known_act(rules, scanner.name())?.ok_or_else(unknown_act)?;
        let sections = scanner.sections()?;
        if sections.is_empty() {
            return Err(bad("names an act without a section"));
        }
        found.extend(under(&act, sections));
    }
    Ok(found)
}

fn sections_first(rules: &Sections, text: &str) -> Result<Vec<Section>, Problem> {
    let mut found = Vec::new();
    let mut scanner = Scanner::new(rules, text);
    let mut pending = Vec::new();
    while !scanner.is_done() {
        pending.extend(scanner.sections()?);
        let name = scanner.name();
        if name.is_empty() {
            continue;
        }
        if pending.is_empty() {
            return Err(bad("names an act without a section before it"));
        }
        let act = act_code(rules, name)?;
        if mixes_acts(rules, &act, &pending) {
            return Err(without_act());
        }
        found.extend(under(&act, std::mem::take(&mut pending)));
    }
    found.extend(bare(rules, pending)?);
    Ok(found)
}

fn sections_only(rules: &Sections, text: &str, act: &OwnAct) -> Result<Vec<Section>, Problem> {
    let mut scanner = Scanner::new(rules, text);
    let sections = scanner.sections()?;
    if !scanner.is_done() {
        return Err(bad("has a text that is no section"));
    }
    match act {
        Ok(Some(act)) => Ok(under(&act_code(rules, act)?, sections)),
        Ok(None) => bare(rules, sections),
        Err(problem) => Err(problem.clone()),
    }
}

fn under(act: &str, sections: Vec<String>) -> Vec<Section> {
    sections.into_iter().map(|section| Section { act: act.to_owned(), section }).collect()
}

/// Whether sections before an act's name may belong to another: `354A, 7/8 POCSO`, where 354A means the Penal Code.
fn mixes_acts(rules: &Sections, act: &str, sections: &[String]) -> bool {
    rules.bare.as_ref().is_some_and(|bare| {
        bare.act.as_str() != act && sections.iter().any(|section| bare.sections.contains(section))
    })
}

/// What sections without an act mean: nothing for certain, but for those that the mapping lists.
fn bare(rules: &Sections, sections: Vec<String>) -> Result<Vec<Section>, Problem> {
    if sections.is_empty() {
        return Ok(Vec::new());
    }
    let bare = rules.bare.as_ref().ok_or_else(without_act)?;
    let is_known = |section: &String| bare.sections.contains(section);
    let in_company = sections.iter().any(is_known);
    let is_certain = |section: &String| is_known(section) || (in_company && bare.beside.contains(section));
    if sections.iter().all(is_certain) { Ok(under(bare.act.as_str(), sections)) } else { Err(without_act()) }
}

fn without_act() -> Problem {
    Problem::new(
        Reason::SectionWithoutAct,
        "has a section without its act, and it is not certain which is meant: name the act, or list the section under bare",
    )
}

/// The code of an act, else its name where the mapping keeps those.
fn act_code(rules: &Sections, name: &str) -> Result<String, Problem> {
    match known_act(rules, name)? {
        Some(code) => Ok(code),
        None if rules.unknown_act == UnknownAct::Keep => Ok(trimmed(name).to_owned()),
        None => Err(unknown_act()),
    }
}

/// The code of an act that the mapping or the contract's table knows.
fn known_act(rules: &Sections, name: &str) -> Result<Option<String>, Problem> {
    let name = trimmed(name);
    if name.is_empty() {
        return Err(without_act());
    }
    let folded = fold(name);
    if let Some((_, code)) = rules.acts.iter().find(|(known, _)| fold(known) == folded) {
        return Ok(Some(code.as_str().to_owned()));
    }
    Ok(Act::by_name(name).map(|act| act.code.clone()))
}

fn trimmed(name: &str) -> &str {
    name.trim_matches(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | '-' | ';' | '/' | '।'))
}

fn unknown_act() -> Problem {
    Problem::new(Reason::UnknownAct, "names an act that no table knows: add it to acts")
}

fn bad(message: &'static str) -> Problem {
    Problem::new(Reason::BadSection, message)
}

/// What people vary when they write an act's name: case, blanks, dots and commas.
fn fold(name: &str) -> String {
    name.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '.' | ','))
        .flat_map(char::to_uppercase)
        .collect()
}

#[cfg(test)]
mod tests;

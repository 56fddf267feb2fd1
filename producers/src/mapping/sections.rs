//! Takes a source's text of acts and sections apart: `IPC 1860 U/s: 279,337 INDIAN MOTOR VEHICLES ACT, 1988 U/s: 3(2)`,
//! `279/337 भादवि, 25 आर्म्स एक्ट`.
//!
//! Sections keep their text without blanks; acts get their code where one is known. What cannot be told apart for
//! certain is a problem: a section whose act is not named, a leftover, an act that no table knows.

mod scan;

use sanchar_schemas::event::Section;
use sanchar_schemas::offence::Act;

use crate::language::field::Source;
use crate::language::sections::{Order, Sections, UnknownAct};
use crate::reason::{Problem, Reason};
use crate::text::{latin_digits, squeeze};
use scan::Scanner;

/// The sections of a row, in the order of the source, each once.
pub(super) fn read(rules: &Sections, source: Source<'_>) -> Result<Vec<Section>, Problem> {
    let text = squeeze(source.cells.get(&rules.column));
    if text.is_empty() || source.null_values.iter().any(|null| *null == text) {
        return Ok(Vec::new());
    }
    let text = latin_digits(&text);
    let found = match rules.order {
        Order::ActFirst => act_first(rules, &text)?,
        Order::SectionsFirst => sections_first(rules, &text)?,
        Order::SectionsOnly => sections_only(rules, &text, source)?,
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
    let mut found = Vec::new();
    let (mut act, mut rest) = text.split_once(rules.marker.as_str()).ok_or_else(without_act)?;
    loop {
        let (group, next) =
            rest.split_once(rules.marker.as_str()).map_or((rest, None), |(a, b)| (a, Some(b)));
        let mut scanner = Scanner::new(rules, group);
        let sections = scanner.sections()?;
        let name = scanner.rest();
        if sections.is_empty() {
            return Err(Problem::new(Reason::BadSection, "names an act without a section"));
        }
        found.extend(under(&act_code(rules, act)?, sections));
        match next {
            Some(next) => (act, rest) = (name, next),
            None if name.is_empty() => return Ok(found),
            None => return Err(Problem::new(Reason::BadSection, "has a text after the last section")),
        }
    }
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
            return Err(Problem::new(Reason::BadSection, "names an act without a section before it"));
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

fn sections_only(rules: &Sections, text: &str, source: Source<'_>) -> Result<Vec<Section>, Problem> {
    let mut scanner = Scanner::new(rules, text);
    let sections = scanner.sections()?;
    if !scanner.is_done() {
        return Err(Problem::new(Reason::BadSection, "has a text that is no section"));
    }
    let act = rules.act.as_ref().map(|act| act.value(source)).transpose()?.flatten();
    match act {
        Some(act) => Ok(under(&act_code(rules, &act)?, sections)),
        None => bare(rules, sections),
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
    let name =
        name.trim_matches(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | '-' | ';' | '/' | '।'));
    let folded = fold(name);
    if let Some((_, code)) = rules.acts.iter().find(|(known, _)| fold(known) == folded) {
        return Ok(code.as_str().to_owned());
    }
    match Act::by_name(name) {
        Some(act) => Ok(act.code.clone()),
        None if name.is_empty() => Err(without_act()),
        None if rules.unknown_act == UnknownAct::Keep => Ok(name.to_owned()),
        None => Err(Problem::new(Reason::UnknownAct, "names an act that no table knows: add it to acts")),
    }
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

//! Coordination groups: their members, and the events that concern them.

use super::RulesError;
use super::file::{ConditionEntry, GroupEntry};
use crate::meaning::Meaning;
use sanchar_schemas::event::EventKind;
use sanchar_schemas::offence::Head;
use sanchar_schemas::{Outline, StateCode, StateSet, jurisdictions};
use std::collections::HashMap;

/// States that keep one another informed about some events.
#[derive(Debug)]
pub struct Group {
    /// Name, as in `addressing.groups` and in the route header.
    pub name: String,
    /// What it is.
    pub about: String,
    /// Its members, those of the groups that it includes among them.
    pub members: StateSet,
    /// Whether it may see restricted material.
    pub is_restricted: bool,
    /// An event concerns the group when one of these fits.
    pub conditions: Vec<Condition>,
}

/// A condition: it fits when all of its parts do.
#[derive(Debug)]
pub struct Condition {
    /// Kinds of event; none: any.
    pub kinds: Vec<EventKind>,
    /// Crime heads, of which the event has one; none: any.
    pub heads: Vec<&'static Head>,
    /// Least severity of the primary head.
    pub severity_min: Option<i32>,
    /// The event names a gang.
    pub gang: bool,
    /// The origin asks for the group, and need not be a member.
    pub requested: bool,
}

impl Group {
    /// Whether an event concerns the group.
    #[must_use]
    pub fn concerns(&self, event: &Outline<'_>, meaning: &Meaning<'_>) -> bool {
        let is_member = self.members.contains(event.origin);
        let is_requested = event.addressed_groups.iter().any(|asked| self.is_called(asked));
        self.conditions.iter().any(|condition| {
            (!condition.requested || is_requested)
                && (is_member || (condition.requested && !self.is_restricted))
                && condition.fits(event, meaning)
        })
    }

    /// Whether the group has this name; capital and small letters are the same.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.trim())
    }
}

impl Condition {
    fn fits(&self, event: &Outline<'_>, meaning: &Meaning<'_>) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && (self.heads.is_empty() || self.heads.iter().any(|head| meaning.has(&head.head)))
            && self.severity_min.is_none_or(|least| meaning.severity() >= least)
            && (!self.gang || event.has_gang)
    }
}

/// Most groups: their inclusion is followed for each.
const GROUPS_MAX: usize = 256;

/// Checks groups and gathers their members.
pub(super) fn resolve(entries: &[GroupEntry]) -> Result<Vec<Group>, RulesError> {
    if entries.len() > GROUPS_MAX {
        return Err(wrong("groups", &format!("are more than {GROUPS_MAX}: merge some")));
    }
    for (i, entry) in entries.iter().enumerate() {
        let is_other = |other: &GroupEntry| other.name.eq_ignore_ascii_case(&entry.name);
        if !is_name(&entry.name) {
            let problem =
                format!("{:?} is no name of at most 32 letters, digits and `-`, as in \"NCR\"", entry.name);
            return Err(wrong(&format!("groups[{i}].name"), &problem));
        }
        if entries.iter().take(i).any(is_other) {
            return Err(wrong(&entry.name, "is the name of two groups: rename one"));
        }
    }
    let mut known = Known::new();
    let groups = entries.iter().enumerate();
    groups
        .map(|(at, entry)| group(entry, members(at, entries, &mut Vec::new(), &mut known)?, entries))
        .collect()
}

fn group(entry: &GroupEntry, members: StateSet, all: &[GroupEntry]) -> Result<Group, RulesError> {
    let name = &entry.name;
    if members.len() < 2 {
        return Err(wrong(name, "has fewer than two members: name the states, or remove the group"));
    }
    if entry.when.is_empty() {
        return Err(wrong(
            name,
            "has no condition, so nothing ever concerns it: add `when`, for example requested = true",
        ));
    }
    let conditions: Vec<Condition> =
        entry.when.iter().enumerate().map(|(i, when)| condition(entry, i, when)).collect::<Result<_, _>>()?;
    if entry.restricted && !entry.includes.is_empty() {
        let problem = "may see restricted material and includes other groups, whose members may change: list its members";
        return Err(wrong(name, problem));
    }
    let is_open = all.iter().find(|other| other.restricted && includes(entry, &other.name));
    if let Some(restricted) = is_open {
        let problem = format!(
            "includes {}, which alone may see restricted material: list the states instead",
            restricted.name
        );
        return Err(wrong(name, &problem));
    }
    Ok(Group {
        name: name.clone(),
        about: entry.about.clone(),
        members,
        is_restricted: entry.restricted,
        conditions,
    })
}

fn includes(entry: &GroupEntry, name: &str) -> bool {
    entry.includes.iter().any(|included| included.eq_ignore_ascii_case(name))
}

/// Members of the groups that were looked at, by their place in the file.
type Known = HashMap<usize, StateSet>;

/// Members of the group at a place, and of those that it includes. `path` are the groups on the way here.
fn members(
    at: usize,
    all: &[GroupEntry],
    path: &mut Vec<usize>,
    known: &mut Known,
) -> Result<StateSet, RulesError> {
    if let Some(members) = known.get(&at) {
        return Ok(*members);
    }
    let Some(entry) = all.get(at) else { return Ok(StateSet::EMPTY) };
    path.push(at);
    let mut found = own_members(entry)?;
    for (i, name) in entry.includes.iter().enumerate() {
        let is_called = |other: &str| other.eq_ignore_ascii_case(name);
        let Some(included) = all.iter().position(|group| is_called(&group.name)) else {
            return Err(wrong(&entry.name, &format!("includes `{name}`, which is no group of this file")));
        };
        if entry.includes.iter().take(i).any(|earlier| is_called(earlier)) {
            return Err(wrong(&entry.name, &format!("includes {name} twice: remove one")));
        }
        if path.contains(&included) {
            let names =
                path.iter().chain([&included]).filter_map(|at| all.get(*at)).map(|group| group.name.as_str());
            let round = names.collect::<Vec<_>>().join(" → ");
            return Err(wrong(&entry.name, &format!("includes itself ({round}): break the circle")));
        }
        found = found.union(members(included, all, path, known)?);
    }
    path.pop();
    known.insert(at, found);
    Ok(found)
}

fn own_members(entry: &GroupEntry) -> Result<StateSet, RulesError> {
    let mut found = StateSet::EMPTY;
    for code in &entry.members {
        let state: StateCode =
            code.parse().map_err(|error| wrong(&entry.name, &format!("members: {error}")))?;
        if found.contains(state) {
            return Err(wrong(&entry.name, &format!("lists {state} twice: remove one")));
        }
        found.insert(state);
    }
    Ok(found)
}

fn condition(group: &GroupEntry, i: usize, entry: &ConditionEntry) -> Result<Condition, RulesError> {
    let wrong =
        |field: &str, problem: &str| Err(wrong(&format!("{}: when[{i}].{field}", group.name), problem));
    if *entry == ConditionEntry::default() {
        return wrong(
            "kinds",
            "and every other part are missing, so that every event would fit: name at least one",
        );
    }
    if entry.kinds.contains(&EventKind::Unknown) {
        return wrong("kinds", "name UNKNOWN, which is no kind of event: remove it");
    }
    let severity_min = entry.severity_min;
    if severity_min.is_some_and(|least| !(1..=5).contains(&least)) {
        return wrong("severity_min", "has to lie between 1 and 5");
    }
    let mut heads = Vec::new();
    for code in &entry.heads {
        let Some(head) = Head::by_code(code) else {
            return wrong("heads", &format!("name `{code}`, which is no head of offences/heads.csv"));
        };
        if head.withholding == "RESTRICTED" && !group.restricted {
            let problem = format!(
                "name {code}, which only some may see, and the group is not marked restricted = true: \
                 mark it, or remove the head"
            );
            return wrong("heads", &problem);
        }
        heads.push(head);
    }
    let ConditionEntry { kinds, gang, requested, .. } = entry;
    Ok(Condition { kinds: kinds.clone(), heads, severity_min, gang: *gang, requested: *requested })
}

fn wrong(place: &str, problem: &str) -> RulesError {
    RulesError::new(jurisdictions::COORDINATION.name, format!("{place}: {problem}"))
}

fn is_name(name: &str) -> bool {
    (1..=32).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

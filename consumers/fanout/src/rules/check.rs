//! What can only be seen of all rules together: whether they contradict one another, and whom they leave out.

use super::{Rules, RulesError};
use jiff::civil::Date;
use sanchar_schemas::characters::visible;
use sanchar_schemas::{StateCode, jurisdictions};

pub(super) fn check(rules: &Rules, today: Date) -> Result<(), RulesError> {
    let wrong = |problem: String| Err(RulesError::new(jurisdictions::COORDINATION.name, problem));
    if rules.version.trim().is_empty() || rules.version.len() > 64 {
        return wrong("version: has to be a text of 1 to 64 bytes, for example \"2026-11\"".to_owned());
    }
    let mut shown = rules.groups.iter().map(|group| &group.about).chain([&rules.version]);
    // The joiners that Hindi is written with are a part of it.
    let is_seen =
        |text: &str| visible(text).eq(text.chars().filter(|c| !matches!(c, '\u{200c}' | '\u{200d}')));
    if let Some(text) = shown.find(|text| !is_seen(text) || text.contains(['\n', '\r'])) {
        return wrong(format!("{text:?} has line ends or characters that nobody sees: remove them"));
    }
    if !(0..=5).contains(&rules.narrow_severity_max) {
        return wrong("narrow_severity_max: has to lie between 0 (off) and 5".to_owned());
    }
    let days = rules.adjacency.changes_after(today);
    let since = |day: Date| if day == today { String::new() } else { format!(" from {day} on") };
    for (state, day) in StateCode::all()
        .flat_map(|state| [today].into_iter().chain(days.clone()).map(move |day| (state, day)))
    {
        let neighbours = rules.neighbours(state, day);
        for (field, others) in [("near", rules.near(state)), ("partners", rules.partners(state))] {
            let both = others.minus(others.minus(neighbours));
            if let Some(other) = both.iter().next() {
                return wrong(format!(
                    "{field}: {state} and {other} share a land border{}, which already counts: remove the pair",
                    since(day)
                ));
            }
        }
        if neighbours.union(rules.partners(state)).union(rules.near(state)).is_empty() {
            return wrong(format!(
                "partners: {state} has neither a land neighbour nor a partner, so nobody would hear of its events{}: \
                 give it a partner, or correct its borders",
                since(day)
            ));
        }
    }
    Ok(())
}

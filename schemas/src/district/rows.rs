//! From the rows of the three tables to districts that know what they touch. Done once; not for looking up.

use super::{District, DistrictKind};
use crate::state::StateCode;
use crate::table::{rows, separated, separated_pairs};
use serde::Deserialize;
use std::collections::HashMap;

const REVENUE: &str = include_str!("../../jurisdictions/districts.csv");
const BORDERS: &str = include_str!("../../jurisdictions/district_borders.csv");
const POLICE: &str = include_str!("../../jurisdictions/police_districts.csv");

#[derive(Deserialize)]
struct RevenueRow {
    state: StateCode,
    name: String,
    census2011: Option<String>,
    #[serde(deserialize_with = "separated")]
    aliases: Vec<String>,
    #[serde(deserialize_with = "separated")]
    formed_from: Vec<String>,
}

/// Two districts of different states that touch each other.
#[derive(Deserialize)]
pub(super) struct BorderRow {
    pub(super) state_a: StateCode,
    pub(super) district_a: String,
    pub(super) state_b: StateCode,
    pub(super) district_b: String,
}

#[derive(Deserialize)]
struct PoliceRow {
    state: StateCode,
    name: String,
    #[serde(deserialize_with = "separated")]
    aliases: Vec<String>,
    #[serde(deserialize_with = "separated")]
    revenue: Vec<String>,
    #[serde(deserialize_with = "separated_pairs")]
    touches: Vec<(StateCode, String)>,
    source: String,
}

/// Districts of other states, by a district of this one.
type Touching = HashMap<(StateCode, String), Vec<(StateCode, String)>>;

#[expect(clippy::expect_used, reason = "the table is compiled in and a test reads it")]
pub(super) fn borders() -> Vec<BorderRow> {
    rows(BORDERS).expect("jurisdictions/district_borders.csv is well formed")
}

/// Revenue districts, then police districts, each in the order of its table.
#[expect(clippy::expect_used, reason = "the tables are compiled in and a test reads them")]
pub(super) fn districts() -> Vec<District> {
    let mut drawn = Touching::new();
    for BorderRow { state_a, district_a, state_b, district_b } in borders() {
        drawn.entry((state_a, district_a.clone())).or_default().push((state_b, district_b.clone()));
        drawn.entry((state_b, district_b)).or_default().push((state_a, district_a));
    }
    let revenue: Vec<RevenueRow> = rows(REVENUE).expect("jurisdictions/districts.csv is well formed");
    let mut districts: Vec<District> = revenue.into_iter().map(|row| row.district(&drawn)).collect();
    let all = districts.iter().map(|d| ((d.state, d.name.clone()), d.touching.clone())).collect();
    let police: Vec<PoliceRow> = rows(POLICE).expect("jurisdictions/police_districts.csv is well formed");
    districts.extend(police.into_iter().map(|row| row.district(&all)));
    districts
}

/// What any of the named districts touches.
fn together(touching: &Touching, state: StateCode, names: &[String]) -> Vec<(StateCode, String)> {
    let of = |name: &String| touching.get(&(state, name.clone())).into_iter().flatten().cloned();
    sorted(names.iter().flat_map(of).collect())
}

fn sorted(mut touching: Vec<(StateCode, String)>) -> Vec<(StateCode, String)> {
    touching.sort();
    touching.dedup();
    touching
}

impl RevenueRow {
    fn district(self, drawn: &Touching) -> District {
        let Self { state, name, census2011, aliases, formed_from: within } = self;
        let is_drawn = within.is_empty();
        let area = if is_drawn { std::slice::from_ref(&name) } else { within.as_slice() };
        let touching = together(drawn, state, area);
        let is_border = (is_drawn || touching.is_empty()).then_some(!touching.is_empty());
        let (kind, source) = (DistrictKind::Revenue, String::new());
        District { state, name, kind, census2011, aliases, within, source, touching, is_border }
    }
}

impl PoliceRow {
    fn district(self, revenue: &Touching) -> District {
        let Self { state, name, aliases, revenue: within, touches, source } = self;
        let has_own = !touches.is_empty();
        let touching = if has_own { sorted(touches) } else { together(revenue, state, &within) };
        let is_inland = touching.is_empty() && !within.is_empty();
        let is_border = (has_own || is_inland).then_some(has_own);
        let kind = DistrictKind::Police;
        District { state, name, kind, census2011: None, aliases, within, source, touching, is_border }
    }
}

//! `sanchar route matrix`: who receives whose events, for all states, as a table, as JSON or as a picture.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

use jiff::civil::Date;
use sanchar_fanout::route::day_in_india;
use sanchar_fanout::rules::Rules;
use sanchar_runtime::clock::now_ms;
use sanchar_runtime::lifecycle::Failure;
use sanchar_schemas::{StateCode, StateSet};
use serde::Serialize;

use super::picture;
use crate::outcome::Stop;

/// Which states an origin's events reach, by the kind of rule.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    /// The origin.
    pub(super) origin: StateCode,
    /// Always.
    pub(super) neighbours: Vec<StateCode>,
    /// Always.
    pub(super) partners: Vec<StateCode>,
    /// Always.
    pub(super) near: Vec<StateCode>,
    /// When an event concerns them: name of the group and its other members.
    pub(super) groups: Vec<(String, Vec<StateCode>)>,
}

/// The weightiest way from one state to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    Itself,
    Neighbour,
    Partner,
    Near,
    Group,
    None,
}

impl Cell {
    pub(super) const fn symbol(self) -> char {
        match self {
            Self::Itself => '\\',
            Self::Neighbour => 'N',
            Self::Partner => 'P',
            Self::Near => 'n',
            Self::Group => 'g',
            Self::None => '·',
        }
    }
}

/// The whole matrix.
#[derive(Debug, Serialize)]
pub(super) struct Matrix {
    borders_on: String,
    rules: [String; 2],
    pub(super) rows: Vec<Row>,
}

impl Matrix {
    pub(super) fn of(rules: &Rules, on: Date) -> Self {
        Self {
            borders_on: on.to_string(),
            rules: [rules.version().to_owned(), rules.digest().to_owned()],
            rows: StateCode::all().map(|origin| Row::of(rules, origin, on)).collect(),
        }
    }

    /// What the matrix is of, for people.
    pub(super) fn caption(&self) -> String {
        format!("borders as of {}, rules {} ({})", self.borders_on, self.rules[0], self.rules[1])
    }
}

impl Row {
    fn of(rules: &Rules, origin: StateCode, on: Date) -> Self {
        let list = |states: StateSet| states.iter().collect();
        let groups = rules.groups().iter().filter(|group| group.members.contains(origin));
        let others = |members: StateSet| members.minus(StateSet::of(origin));
        Self {
            origin,
            neighbours: list(rules.neighbours(origin, on)),
            partners: list(rules.partners(origin)),
            near: list(rules.near(origin)),
            groups: groups.map(|group| (group.name.clone(), list(others(group.members)))).collect(),
        }
    }

    pub(super) fn cell(&self, to: StateCode) -> Cell {
        match () {
            () if self.origin == to => Cell::Itself,
            () if self.neighbours.contains(&to) => Cell::Neighbour,
            () if self.partners.contains(&to) => Cell::Partner,
            () if self.near.contains(&to) => Cell::Near,
            () if self.groups.iter().any(|(_, members)| members.contains(&to)) => Cell::Group,
            () => Cell::None,
        }
    }

    /// How many states receive every event of the origin.
    pub(super) fn always(&self) -> usize {
        let is_always = |to| matches!(self.cell(to), Cell::Neighbour | Cell::Partner | Cell::Near);
        StateCode::all().filter(|to| is_always(*to)).count()
    }
}

pub(super) fn run(
    rules: &Rules,
    date: Option<Date>,
    svg: Option<&Path>,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), Stop> {
    let matrix = Matrix::of(rules, date.unwrap_or_else(|| day_in_india(now_ms())));
    if let Some(path) = svg {
        std::fs::write(path, picture::draw(&matrix)).map_err(|error| {
            let shown = path.display();
            Failure::usage(format!("{shown}: cannot be written ({error}): name a file in a folder of yours"))
        })?;
    }
    if json {
        writeln!(out, "{}", serde_json::to_string(&matrix)?)?;
    } else {
        write!(out, "{}", table(&matrix))?;
    }
    Ok(())
}

/// Two letters of a state's code.
pub(super) fn short(state: StateCode) -> &'static str {
    state.as_str().trim_start_matches("IN-")
}

fn table(matrix: &Matrix) -> String {
    let mut text = String::from("from\\to");
    StateCode::all().for_each(|to| text.extend([" ", short(to)]));
    text.push_str("  always\n");
    for row in &matrix.rows {
        let _infallible = write!(text, "{:>7}", short(row.origin));
        StateCode::all().for_each(|to| text.extend([' ', row.cell(to).symbol(), ' ']));
        let _infallible = writeln!(text, "{:>8}", row.always());
    }
    let legend = "N neighbour  P partner  n near  g coordination group, when an event concerns it";
    let _infallible = writeln!(text, "{legend}\n{}", matrix.caption());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn matrix() -> Matrix {
        Matrix::of(&Rules::builtin(), date(2026, 11, 28))
    }

    fn cell(matrix: &Matrix, from: &str, to: &str) -> Cell {
        let from: StateCode = from.parse().unwrap();
        matrix.rows.iter().find(|row| row.origin == from).unwrap().cell(to.parse().unwrap())
    }

    #[test]
    fn every_way_has_its_sign() {
        let matrix = matrix();
        assert_eq!(cell(&matrix, "IN-DL", "IN-HR"), Cell::Neighbour);
        assert_eq!(cell(&matrix, "IN-DL", "IN-RJ"), Cell::Group);
        assert_eq!(cell(&matrix, "IN-AN", "IN-TN"), Cell::Partner);
        assert_eq!(cell(&matrix, "IN-DL", "IN-DL"), Cell::Itself);
        assert_eq!(cell(&matrix, "IN-DL", "IN-KL"), Cell::None);
    }

    #[test]
    fn the_table_has_all_states_and_its_columns_stand_in_line() {
        let text = table(&matrix());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 36 + 3);
        let widths: Vec<usize> = lines[..37].iter().map(|line| console::measure_text_width(line)).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}");
        let delhi = lines.iter().find(|line| line.trim_start().starts_with("DL ")).unwrap();
        assert_eq!(delhi.matches('N').count(), 2, "{delhi}");
        assert!(delhi.ends_with("       2"), "{delhi}");
    }

    #[test]
    fn two_signs_of_one_row_are_two_of_its_column() {
        let matrix = matrix();
        for a in StateCode::all() {
            for b in StateCode::all() {
                assert_eq!(
                    cell(&matrix, a.as_str(), b.as_str()),
                    cell(&matrix, b.as_str(), a.as_str()),
                    "{a} {b}"
                );
            }
        }
    }
}

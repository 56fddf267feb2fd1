//! Aligned tables for a terminal, by the width that text has on the screen: a Devanagari vowel sign takes no column.

use std::fmt;

use console::{Alignment, measure_text_width, pad_str};

/// Rows of cells under a heading. Cells may hold colours.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    right: Vec<usize>,
}

impl Table {
    pub(crate) fn new<const N: usize>(heading: [&str; N]) -> Self {
        Self::under(&heading)
    }

    /// As [`Table::new`], for headings whose number is only known when it runs.
    pub(crate) fn under(heading: &[&str]) -> Self {
        let heading = heading.iter().map(|cell| console::style(cell).bold().to_string());
        Self { rows: vec![heading.collect()], right: Vec::new() }
    }

    /// Aligns the columns with these numbers (from 0) to the right.
    pub(crate) fn right(mut self, columns: &[usize]) -> Self {
        self.right = columns.to_vec();
        self
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.cells(Vec::from(cells));
    }

    pub(crate) fn cells(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| measure_text_width(cell)).max().unwrap_or_default()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns).map(|column| self.width(column)).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let side = if self.right.contains(&column) { Alignment::Right } else { Alignment::Left };
                line.push_str(if column > 0 { "  " } else { "" });
                line.push_str(&pad_str(cell, *width, side, None));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Lines of cells for a list that may have no end: each is printed as it comes, so none is held. A cell that is wider
/// than its column widens it from there on; the last cell is as long as it likes.
#[derive(Debug)]
pub(crate) struct Columns<const N: usize>([usize; N]);

impl<const N: usize> Columns<N> {
    pub(crate) const fn new(widths: [usize; N]) -> Self {
        Self(widths)
    }

    pub(crate) fn heading(&mut self, cells: [&str; N]) -> String {
        self.line(&cells.map(|cell| console::style(cell).bold().to_string()))
    }

    pub(crate) fn line(&mut self, cells: &[String; N]) -> String {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&mut self.0) {
            *width = measure_text_width(cell).max(*width);
            line.push_str(&pad_str(cell, *width, Alignment::Left, None));
            line.push_str("  ");
        }
        line.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_cell_widens_its_column_from_there_on() {
        let mut columns = Columns::new([3, 0]);
        let mut line = |first: &str| columns.line(&[first.to_owned(), "x".to_owned()]);
        assert_eq!([line("a"), line("हरियाणा"), line("b")], ["a    x", "हरियाणा  x", "b        x"]);
    }

    #[test]
    fn columns_line_up_by_width_on_the_screen() {
        let mut table = Table::new(["STATE", "नाम", "N"]).right(&[2]);
        table.row(["IN-DL".into(), "दिल्ली".into(), "7".into()]);
        table.row(["IN-HR".into(), "हरियाणा".into(), "12".into()]);
        let text = table.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        let widths: Vec<usize> = lines.iter().map(|line| measure_text_width(line)).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}\n{text}");
        assert!(lines[1].ends_with("  7") && lines[2].ends_with(" 12"));
    }
}

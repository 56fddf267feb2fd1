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
        let heading = heading.map(|cell| console::style(cell).bold().to_string());
        Self { rows: vec![Vec::from(heading)], right: Vec::new() }
    }

    /// Aligns the columns with these numbers (from 0) to the right.
    pub(crate) fn right(mut self, columns: &[usize]) -> Self {
        self.right = columns.to_vec();
        self
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(Vec::from(cells));
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

#[cfg(test)]
mod tests {
    use super::*;

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
